//! Load over WebSockets: clients that log in, send and listen, all on one runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use duolog_topics::Account;
use futures_util::stream::{self, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::{history, load, program};

/// Connections that are made at a time.
const OPENING: usize = 64;
/// What stands in a reply to a request that was refused.
const REFUSED: &str = r#""error":"#;
/// What stands before the time in a frame that is measured.
const MARK: &str = r#""custom":""#;

pub type Socket = WebSocketStream<TcpStream>;

/// Connects as many clients as there are numbers.
///
/// # Errors
/// If one of them cannot.
pub async fn connect(address: SocketAddr, count: u64) -> Result<Vec<Socket>> {
    let open = |_| async move {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/v1/ws"), stream).await?;
        Ok(socket)
    };
    stream::iter(0..count).map(open).buffered(OPENING).try_collect().await
}

/// Connects and logs in the people of these numbers, up to `refresh`.
///
/// # Errors
/// If one of them is refused.
pub async fn log_in(address: SocketAddr, people: std::ops::Range<u64>) -> Result<Vec<Socket>> {
    let sockets = connect(address, people.end - people.start).await?;
    let log_in = |(mut socket, number): (Socket, u64)| async move {
        let account = history::person(number);
        socket.send(Message::text(login(&account))).await?;
        loop {
            let frame = text(socket.next().await)?;
            ensure!(!frame.contains(r#""error""#), "refused: {frame}");
            if frame.contains(r#""refresh""#) {
                return Ok(socket);
            }
        }
    };
    stream::iter(sockets.into_iter().zip(people)).map(log_in).buffered(OPENING).try_collect().await
}

fn login(account: &Account) -> String {
    let args = serde_json::json!({"account": account, "user_sig": program::signature(account), "platform": "android",
        "device": "bench"});
    serde_json::json!({"id": 0, "op": "login", "args": args}).to_string()
}

/// A send to a person; `custom` carries a time where it is measured.
pub fn send(id: u64, to: u64, custom: Option<u128>) -> String {
    let body = history::message_to(history::person(to), id).content.body;
    let custom = custom.map_or_else(String::new, |nanos| format!(r#",{MARK}{nanos}""#));
    let (to, body) = (history::person(to), body.as_str());
    format!(r#"{{"id":{id},"op":"send","args":{{"to":"{to}","random":{},"body":{body}{custom}}}}}"#, id as u32)
}

/// Every client sends its next frame when the last one is answered; the time until all have `each` answers, and how long
/// the answers took. `frame`: of a client and the number of its send.
///
/// # Errors
/// If a send is refused.
pub async fn closed_loop(
    sockets: Vec<Socket>,
    each: u64,
    frame: impl Fn(u64, u64) -> String + Send + Sync + 'static,
) -> Result<(Duration, Histogram<u64>, Vec<Socket>)> {
    let frame = Arc::new(frame);
    let start = Instant::now();
    let clients: Vec<_> = (0..)
        .zip(sockets)
        .map(|(client, mut socket)| {
            let frame = frame.clone();
            tokio::spawn(async move {
                let mut times = load::times();
                for number in 0..each {
                    let sent = Instant::now();
                    socket.send(Message::text(frame(client, number))).await?;
                    answered(&mut socket).await?;
                    times.saturating_record(sent.elapsed().as_nanos() as u64);
                }
                Ok::<_, anyhow::Error>((socket, times))
            })
        })
        .collect();
    let (mut sockets, mut times) = (Vec::new(), load::times());
    for client in clients {
        let (socket, of_client) = client.await??;
        times.add(of_client)?;
        sockets.push(socket);
    }
    Ok((start.elapsed(), times, sockets))
}

/// Waits for a frame that is no push.
async fn answered(socket: &mut Socket) -> Result<()> {
    loop {
        let frame = text(socket.next().await)?;
        ensure!(!frame.contains(REFUSED), "refused: {frame}");
        if !frame.starts_with(r#"{"push""#) {
            return Ok(());
        }
    }
}

fn text(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Result<String> {
    match message.context("the connection ended")?? {
        Message::Text(text) => Ok(text.to_string()),
        Message::Ping(_) | Message::Pong(_) => Ok(r#"{"push":"ping"}"#.to_owned()),
        other => bail!("{other:?}"),
    }
}

/// Senders send at a steady rate together, whoever answers; listeners tell how long after it was due each frame came.
/// With echoes a sender is its own listener. `frame`: of a sender, the number of the send, and when it was due.
///
/// # Errors
/// If a send is refused, or a connection ends.
pub async fn open_loop(
    senders: Vec<Socket>,
    listeners: Vec<Socket>,
    sends: u64,
    rate: f64,
    frame: impl Fn(u64, u64, u128) -> String + Send + Sync + 'static,
) -> Result<Histogram<u64>> {
    let start = Instant::now() + Duration::from_millis(50);
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    let echoes = listeners.is_empty();
    let mut discarding = Vec::new();
    for socket in senders {
        let (writer, reader) = socket.split();
        writers.push(writer);
        if echoes { readers.push(reader) } else { discarding.push(reader) }
    }
    let mut kept = Vec::new();
    for socket in listeners {
        let (writer, reader) = socket.split();
        kept.push(writer);
        readers.push(reader);
    }
    // Replies are taken, or the server would hold them. What was refused would never be heard.
    let mut replies: JoinSet<_> = discarding.into_iter().map(refusal).collect();
    let (count, frame) = (writers.len() as u64, Arc::new(frame));
    let listening: Vec<_> = readers
        .into_iter()
        .zip(shares(sends, count))
        .map(|(reader, expected)| tokio::spawn(listen(reader, expected, start)))
        .collect();
    let sending: Vec<_> = (0..)
        .zip(writers)
        .map(|(sender, mut writer)| {
            let frame = frame.clone();
            tokio::spawn(async move {
                for number in (sender..sends).step_by(count as usize) {
                    let due = Duration::from_secs_f64(number as f64 / rate);
                    tokio::time::sleep_until((start + due).into()).await;
                    writer.send(Message::text(frame(sender, number, due.as_nanos()))).await?;
                }
                Ok::<_, anyhow::Error>(writer)
            })
        })
        .collect();
    let heard = async {
        let mut times = load::times();
        for listener in listening {
            times.add(listener.await??)?;
        }
        for sender in sending {
            kept.push(sender.await??);
        }
        Ok(times)
    };
    tokio::select! {
        times = heard => times,
        Some(refusal) = replies.join_next() => Err(refusal?),
    }
}

/// Takes replies until one says that a send was refused, or the connection ends.
async fn refusal(mut replies: SplitStream<Socket>) -> anyhow::Error {
    loop {
        match text(replies.next().await) {
            Ok(frame) if frame.contains(REFUSED) => return anyhow!("refused: {frame}"),
            Ok(_) => {}
            Err(ended) => return ended,
        }
    }
}

/// How many of the sends each sender makes.
fn shares(sends: u64, senders: u64) -> impl Iterator<Item = u64> {
    (0..senders).map(move |sender| (sends - sender).div_ceil(senders))
}

async fn listen(mut reader: SplitStream<Socket>, expected: u64, start: Instant) -> Result<Histogram<u64>> {
    let (mut times, mut seen) = (load::times(), 0);
    while seen < expected {
        let frame = text(reader.next().await)?;
        let now = start.elapsed().as_nanos() as u64;
        for (place, _) in frame.match_indices(MARK) {
            let digits = frame[place + MARK.len()..].split('"').next().unwrap_or_default();
            times.saturating_record(now.saturating_sub(digits.parse()?));
            seen += 1;
        }
    }
    Ok(times)
}
