//! A client whose home is at another node: after its login frame the connection is a pipe to its home.
//!
//! Sign-in is in a frame, so only then is it known where the home is. The home sees the same frames as if the client had come
//! to it; here they are only passed on, each way as fast as the slower side takes them. The home's pings go to the client,
//! and what says that the client lives is counted here, because the answers to pings end here.
//!
//! A home whose machine is gone closes nothing, and nothing need be written to it that could fail. So the client is sent away
//! as if its home had moved as soon as another owner is known, or when the home has not even pinged for as long as it would
//! itself bear a client's silence.

#[cfg(test)]
mod tests;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use duolog_topics::Account;
use futures_util::future::BoxFuture;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame as HomeClose, Message as HomeMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::connection::{PARTING, STALL, Stall};
use super::connections::Slot;
use super::protocol::{Close, CloseCode};
use super::settings::SILENCE;
use super::wire::{Heard, Wire};

/// A WebSocket to a client's home.
pub type HomeSocket = Box<WebSocketStream<MaybeTlsStream<TcpStream>>>;

/// Pings of the home, one an interval, that a client may leave unanswered.
const UNANSWERED_PINGS: u32 = 3;

/// A way to a client's home.
pub struct Home {
    pub socket: HomeSocket,
    /// Comes when somebody else is known to own the home. Whom the socket leads to may not be able to say so.
    pub moved: BoxFuture<'static, ()>,
}

/// How a gateway reaches the homes that are at other nodes.
pub trait Dial: Send + Sync + 'static {
    /// Opens a WebSocket to an account's home, for a client with this address; nothing if it cannot be reached, or is not
    /// there any more.
    fn dial(&self, account: &Account, subprotocol: &'static str, ip: Option<&str>) -> BoxFuture<'static, Option<Home>>;
}

/// A client's home at another node, and how long it may say nothing.
pub struct Reached {
    pub home: Home,
    pub patience: Duration,
}

/// How long the home of a client with this heartbeat may say nothing: it would have pinged three times.
pub fn patience(heartbeat_seconds: u64) -> Duration {
    Duration::from_millis(3 * heartbeat_seconds * 1000 + SILENCE)
}

/// Between two looks whether the client takes anything.
const LOOK: Duration = Duration::from_millis(STALL / 8);

/// A client and its home.
pub(super) struct Pipe {
    pub wire: Wire,
    pub home: Reached,
    /// The client's login.
    pub first: Message,
}

impl Pipe {
    /// Passes frames on until one side ends.
    pub async fn run(self, slot: &mut Slot) -> Wire {
        let Self { mut wire, home: Reached { home: Home { socket, mut moved }, patience }, first } = self;
        let (mut to_home, mut from_home) = socket.split();
        let mut outgoing = Outgoing { waiting: to_home_message(first), unflushed: false };
        let mut silence = pin!(sleep(patience));
        let (begun, mut stall, mut looks) = (Instant::now(), Stall::default(), interval(LOOK));
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
                    // Nothing was read of the home while the client took nothing.
                    Heard::Room => silence.as_mut().reset(Instant::now() + patience),
                    // What it took is looked at by the clock.
                    Heard::Taken => {}
                    Heard::Flawed(flaw) => break Some(flaw.close()),
                    Heard::Gone => break None,
                },
                said = from_home.next(), if wire.has_room() => {
                    silence.as_mut().reset(Instant::now() + patience);
                    match said {
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
                    }
                }
                () = silence.as_mut(), if wire.has_room() => break Some(Close::moved()),
                () = &mut moved => break Some(Close::moved()),
                _ = looks.tick() => {
                    let now = begun.elapsed().as_millis() as u64;
                    if stall.deadline(&wire, now) <= now {
                        wire.discard();
                        break Some(Close::stalled());
                    }
                }
                () = slot.draining() => break Some(Close::stopping()),
            }
        };
        if let Some(close) = close {
            super::metrics::closed(close.code);
            wire.close(close);
        }
        // Frames that the client sent last, an ack perhaps, go before the end; a home that is gone takes none.
        let _ = timeout(PARTING, to_home.close()).await;
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
