//! A client whose home is at another node: after its login frame the connection is a pipe to its home.
//!
//! Sign-in is in a frame, so only then is it known where the home is. The home sees the same frames as if the client had come
//! to it; here they are only passed on, each way as fast as the slower side takes them. The home's pings go to the client,
//! and what says that the client lives is counted here, because the answers to pings end here.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message};
use duolog_topics::Account;
use futures_util::future::BoxFuture;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame as HomeClose, Message as HomeMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::connections::Slot;
use super::protocol::{Close, CloseCode};
use super::wire::{Heard, Wire};

/// A WebSocket to a client's home.
pub type HomeSocket = Box<WebSocketStream<MaybeTlsStream<TcpStream>>>;

/// Pings of the home, one an interval, that a client may leave unanswered.
const UNANSWERED_PINGS: u32 = 3;

/// How a gateway reaches the homes that are at other nodes.
pub trait Dial: Send + Sync + 'static {
    /// Opens a WebSocket to an account's home, for a client with this address; nothing if it cannot be reached.
    fn dial(
        &self,
        account: &Account,
        subprotocol: &'static str,
        ip: Option<&str>,
    ) -> BoxFuture<'static, Option<HomeSocket>>;
}

/// A client and its home.
pub(super) struct Pipe {
    pub wire: Wire,
    pub home: HomeSocket,
    /// The client's login.
    pub first: Message,
}

impl Pipe {
    /// Passes frames on until one side ends.
    pub async fn run(self, slot: &mut Slot) -> Wire {
        let Self { mut wire, home, first } = self;
        let (mut to_home, mut from_home) = home.split();
        let mut outgoing = Outgoing { waiting: to_home_message(first), unflushed: false };
        let mut unanswered = 0;
        let close = loop {
            let listens = outgoing.waiting.is_none();
            tokio::select! {
                sent = outgoing.pass_on(&mut to_home), if !outgoing.is_idle() => {
                    if sent.is_err() {
                        break Some(Close::moved());
                    }
                }
                heard = wire.turn(listens) => match heard {
                    Heard::Frame(message) => (unanswered, outgoing.waiting) = (0, to_home_message(message)),
                    Heard::Alive => unanswered = 0,
                    Heard::Room => {}
                    Heard::TooLong => {
                        break Some(Close::new(CloseCode::TooLong, "the frame is longer than is allowed"));
                    }
                    Heard::Gone => break None,
                },
                said = from_home.next(), if wire.has_room() => match said {
                    Some(Ok(HomeMessage::Text(text))) => wire.queue(Message::Text(text.as_str().into())),
                    Some(Ok(HomeMessage::Binary(bytes))) => wire.queue(Message::Binary(bytes)),
                    Some(Ok(HomeMessage::Ping(_))) if unanswered == UNANSWERED_PINGS => {
                        break Some(Close::new(CloseCode::GoingAway, "nothing was heard for too long"));
                    }
                    Some(Ok(HomeMessage::Ping(_))) => {
                        unanswered += 1;
                        wire.ping();
                    }
                    Some(Ok(HomeMessage::Close(Some(HomeClose { code, reason })))) => {
                        let frame = CloseFrame { code: code.into(), reason: reason.as_str().into() };
                        wire.queue(Message::Close(Some(frame)));
                        break None;
                    }
                    Some(Ok(HomeMessage::Pong(_) | HomeMessage::Frame(_))) => {}
                    // The home has gone without a word: it is at another node, or soon will be.
                    Some(Ok(HomeMessage::Close(None)) | Err(_)) | None => break Some(Close::moved()),
                },
                () = slot.draining() => break Some(Close::new(CloseCode::GoingAway, "the server stops")),
            }
        };
        if let Some(close) = close {
            super::metrics::closed(close.code);
            wire.close(close);
        }
        // Frames that the client sent last, an ack perhaps, go before the end.
        let _ = to_home.close().await;
        wire
    }
}

/// What is on its way to the home.
struct Outgoing {
    waiting: Option<HomeMessage>,
    /// Whether the socket holds something that it may not have sent.
    unflushed: bool,
}

impl Outgoing {
    fn is_idle(&self) -> bool {
        self.waiting.is_none() && !self.unflushed
    }

    /// Sends what waits. Cancelling it loses nothing: the message is taken when the socket has room.
    async fn pass_on<S>(&mut self, to_home: &mut S) -> Result<(), S::Error>
    where
        S: Sink<HomeMessage> + Unpin,
    {
        std::future::poll_fn(|cx| Pin::new(&mut *to_home).poll_ready(cx)).await?;
        if let Some(message) = self.waiting.take() {
            Pin::new(&mut *to_home).start_send(message)?;
            self.unflushed = true;
        }
        to_home.flush().await?;
        self.unflushed = false;
        Ok(())
    }
}

fn to_home_message(message: Message) -> Option<HomeMessage> {
    match message {
        Message::Text(text) => Some(HomeMessage::Text(text.as_str().into())),
        Message::Binary(bytes) => Some(HomeMessage::Binary(bytes)),
        _ => None,
    }
}

/// Who dials, if homes may be elsewhere.
pub type Dialer = Option<Arc<dyn Dial>>;
