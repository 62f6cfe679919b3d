//! `duolog chat`: a terminal client without a local store, over the protocol that every client speaks.

mod backoff;
mod client;
mod close;
mod own;
mod show;
mod typed;

use std::io::{self, BufRead, IsTerminal};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use duolog::config::Config;
use duolog_topics::Account;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{CliError, ConfigArguments, small_runtime, usersig, with_causes};
use backoff::Backoff;
use client::{Client, Identity, Leave, Out};
use close::Closed;
use show::{Json, Plain, Screen};

/// Typed lines that may wait for a link.
const LINES: usize = 256;
/// For how long a link is looked for when nobody is typing any more.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Chat in the terminal: what was missed, then what comes; a typed line is sent, `/help` lists the commands
#[derive(Args)]
pub struct Chat {
    /// Who you are
    account: Account,
    /// To whom typed lines go; else to whoever wrote last
    #[arg(long, value_name = "PEER")]
    to: Option<Account>,
    /// The server's address, if it is not the one of the configuration
    #[arg(long)]
    url: Option<String>,
    /// A signature; else one is made with the app's key
    #[arg(long, value_name = "S")]
    usersig: Option<String>,
    /// What this device says it is
    #[arg(long, value_enum, default_value_t = Platform::here())]
    platform: Platform,
    /// This device's name, 1 to 64 characters; two terminals of one account need two
    #[arg(long, default_value = "terminal")]
    device: String,
    /// Print the protocol's entries, a line each, and notes on standard error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum Platform {
    Android,
    Iphone,
    Ipad,
    Windows,
    Mac,
    Web,
    Linux,
}

impl Platform {
    fn here() -> Self {
        match std::env::consts::OS {
            "macos" => Self::Mac,
            "windows" => Self::Windows,
            _ => Self::Linux,
        }
    }
}

impl Chat {
    pub fn run(self) -> Result<(), CliError> {
        let config = self.config.load()?;
        let url = self.url.clone().unwrap_or_else(|| config.base_url());
        let uri = websocket_address(&url).ok_or_else(|| {
            CliError::Usage(format!("--url {url}: it takes http://HOST:PORT or ws://HOST:PORT; this client has no TLS"))
        })?;
        let screen: Box<dyn Screen> =
            if self.json { Box::new(Json) } else { Box::new(Plain::new(self.account.as_str())) };
        let client = Client::new(self.identity(config)?, self.to);
        let is_typed = io::stdin().is_terminal();
        small_runtime()?.block_on(Links { client, screen, uri, input: read_lines(), is_typed }.run())
    }

    fn identity(&self, config: Config) -> Result<Identity, CliError> {
        let account = self.account.clone();
        let first = match &self.usersig {
            Some(signature) => signature.clone(),
            None => usersig::sign(&config, &account)?,
        };
        let given = self.usersig.is_some();
        let signer = account.clone();
        let sign = move || {
            let again = if given { None } else { usersig::sign(&config, &signer).ok() };
            again.unwrap_or_else(|| first.clone())
        };
        let platform = self.platform.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        Ok(Identity { account, platform, device: self.device.clone(), sign: Box::new(sign) })
    }
}

/// The address of the client protocol at a server's base URL.
fn websocket_address(url: &str) -> Option<Uri> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("ws://"))?;
    let rest = rest.trim_end_matches('/').trim_end_matches("/v1/ws");
    format!("ws://{rest}/v1/ws").parse().ok().filter(|uri: &Uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// Reads standard input on a thread of its own; the channel closes at its end, or behind the error that ends it. The thread
/// ends with the process.
fn read_lines() -> mpsc::Receiver<io::Result<String>> {
    let (lines, input) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let is_last = line.is_err();
            if lines.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    input
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why one link ended.
enum End {
    Left(Leave),
    Lost { why: String, wait: Option<Duration> },
}

/// The thin shell around the client: one link after another.
struct Links {
    client: Client,
    screen: Box<dyn Screen>,
    uri: Uri,
    input: mpsc::Receiver<io::Result<String>>,
    /// Whether a person types it, who sees what becomes of each line; a script sees the exit code.
    is_typed: bool,
}

impl Links {
    async fn run(mut self) -> Result<(), CliError> {
        let mut backoff = Backoff::default();
        let mut socket = self
            .connect()
            .await
            .map_err(|error| CliError::Failed(format!("cannot connect to {}: {}", self.uri, with_causes(&error))))?;
        loop {
            let since = Instant::now();
            let (why, wait) = match self.talk(socket).await {
                End::Left(Leave::Done) => return self.done(),
                End::Left(Leave::Sent(why)) => return Err(CliError::Failed(why)),
                End::Lost { why, wait } => (why, wait),
            };
            self.screen.note(&format!("— link lost ({why}), trying again"));
            tokio::time::sleep(wait.unwrap_or_else(|| backoff.next(since.elapsed()))).await;
            socket = self.reconnect(&mut backoff).await?;
        }
    }

    /// The input has ended, and everything is answered.
    fn done(&self) -> Result<(), CliError> {
        match self.client.failed() {
            0 => Ok(()),
            _ if self.is_typed => Ok(()),
            failed => Err(CliError::Failed(format!("of the lines that were read, {failed} failed"))),
        }
    }

    async fn connect(&self) -> Result<Socket, tungstenite::Error> {
        let request = ClientRequestBuilder::new(self.uri.clone()).with_sub_protocol("duolog.v1.json");
        Ok(connect_async(request).await?.0)
    }

    async fn reconnect(&self, backoff: &mut Backoff) -> Result<Socket, CliError> {
        let since = Instant::now();
        loop {
            match self.connect().await {
                Ok(socket) => return Ok(socket),
                Err(error) if self.input.is_closed() && since.elapsed() > GIVE_UP => {
                    return Err(CliError::Failed(format!("the link is lost: {}", with_causes(&error))));
                }
                Err(_) => tokio::time::sleep(backoff.next(Duration::ZERO)).await,
            }
        }
    }

    /// Speaks over one link until it ends, and closes it: the gateway waits for that.
    async fn talk(&mut self, mut socket: Socket) -> End {
        let end = self.converse(&mut socket).await;
        // Answers a close, or begins one; on a link that is lost there is nobody to hear it.
        let _ = socket.close(None).await;
        end
    }

    async fn converse(&mut self, socket: &mut Socket) -> End {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut heard = Instant::now();
        let mut outs = self.client.connected(heard);
        loop {
            if let Some(end) = self.perform(outs, socket).await {
                return end;
            }
            outs = tokio::select! {
                frame = socket.next() => {
                    heard = Instant::now();
                    match frame {
                        Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                            Ok(frame) => self.client.frame(&frame, heard),
                            Err(error) => vec![Out::Reconnect(format!("a frame is not JSON: {error}"))],
                        },
                        Some(Ok(Message::Close(close))) => return closed(close.as_ref()),
                        Some(Ok(_)) => vec![],
                        Some(Err(error)) => return lost(with_causes(&error)),
                        None => return closed(None),
                    }
                }
                line = self.input.recv(), if self.client.takes_input() => match line {
                    Some(Ok(line)) => self.client.typed(&line, Instant::now()),
                    Some(Err(error)) => self.client.unreadable(&error.to_string()),
                    None => self.client.input_ended(Instant::now()),
                },
                _ = ticks.tick() => {
                    if heard.elapsed() > self.client.silence() {
                        return lost("silent for too long".to_owned());
                    }
                    self.client.tick(Instant::now())
                }
            };
        }
    }

    /// Does what the client wants, until it wants an end.
    async fn perform(&mut self, outs: Vec<Out>, socket: &mut Socket) -> Option<End> {
        for out in outs {
            match out {
                Out::Frame(frame) => {
                    if let Err(error) = socket.send(Message::text(frame.to_string())).await {
                        return Some(lost(with_causes(&error)));
                    }
                }
                Out::Entry(entry) => self.screen.entry(&entry),
                Out::Contact(item) => self.screen.contact(&item),
                Out::Stored(number, entry) => self.screen.stored(number, &entry),
                Out::Note(text) => self.screen.note(&text),
                Out::Reconnect(why) => return Some(lost(why)),
                Out::Leave(leave) => return Some(End::Left(leave)),
            }
        }
        None
    }
}

fn lost(why: String) -> End {
    End::Lost { why, wait: None }
}

fn closed(frame: Option<&tungstenite::protocol::CloseFrame>) -> End {
    let code = frame.map(|frame| u16::from(frame.code));
    let reason = frame.map(|frame| frame.reason.as_str()).unwrap_or_default();
    let told = format!("closed with {}", code.map_or_else(|| "no code".to_owned(), |code| code.to_string()));
    match close::after(code, reason) {
        Closed::Away(why) => End::Left(Leave::Sent(format!("{why} ({told})"))),
        Closed::Again => lost(told),
        Closed::AgainAfter(wait) => End::Lost { why: told, wait: Some(wait) },
    }
}

#[cfg(test)]
mod tests;
