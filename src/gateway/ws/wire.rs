use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{Sink, Stream};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use super::protocol::{Close, Flaw, Subprotocol};
use crate::gateway::taken::Taken;

/// Bytes that may wait for a client. Above it nothing new is taken on for it, neither its requests nor announcements.
const OUTBOX_BYTES: usize = 256 * 1024;

/// A WebSocket and the frames that wait for it. Reading and writing go on side by side.
pub struct Wire {
    socket: WebSocket,
    subprotocol: Subprotocol,
    frame_bytes: usize,
    outbox: VecDeque<Message>,
    outbox_bytes: usize,
    /// Frames that the socket has taken, but perhaps not sent.
    unflushed: bool,
    /// Counts the frames that the socket has taken.
    progress: u64,
    /// The bytes that the socket has taken, if they are counted; and how many they were when [`Self::turn`] last told.
    taken: Taken,
    told: u64,
}

/// What comes of a turn of the wire.
pub enum Heard {
    Frame(Message),
    /// A control frame.
    Alive,
    Flawed(Flaw),
    /// There is room in the outbox again.
    Room,
    /// The socket has taken a part of what waits, and no more for now.
    Taken,
    /// The link is lost, or the client closed it.
    Gone,
}

impl Wire {
    /// `taken`: what the socket under the WebSocket has taken.
    pub fn new(socket: WebSocket, subprotocol: Subprotocol, frame_bytes: usize, taken: Taken) -> Self {
        Self {
            socket,
            subprotocol,
            frame_bytes,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            unflushed: false,
            progress: 0,
            told: taken.bytes(),
            taken,
        }
    }

    /// The JSON text of a frame, if it is one of the connection's subprotocol.
    pub fn decode<'a>(&self, message: &'a Message) -> Option<std::borrow::Cow<'a, str>> {
        self.subprotocol.decode(message)
    }

    pub fn subprotocol(&self) -> Subprotocol {
        self.subprotocol
    }

    /// Queues a frame.
    pub fn frame(&mut self, json: String) {
        self.queue(self.subprotocol.encode(json));
    }

    pub fn ping(&mut self) {
        self.queue(Message::Ping(Default::default()));
    }

    /// Queues the last frame.
    pub fn close(&mut self, close: Close) {
        let frame = CloseFrame { code: close.code as u16, reason: close.reason.as_ref().into() };
        self.queue(Message::Close(Some(frame)));
    }

    /// Forgets what waits, for a client that takes nothing.
    pub fn discard(&mut self) {
        self.outbox.clear();
        self.outbox_bytes = 0;
    }

    /// Queues a frame as it is.
    pub fn queue(&mut self, message: Message) {
        self.outbox_bytes += size(&message);
        self.outbox.push_back(message);
    }

    pub fn has_room(&self) -> bool {
        self.outbox_bytes < OUTBOX_BYTES
    }

    /// Whether everything was sent.
    pub fn is_idle(&self) -> bool {
        self.outbox.is_empty() && !self.unflushed
    }

    /// Grows with whatever the socket takes: with each frame, and within one with its bytes if they are counted.
    pub fn progress(&self) -> u64 {
        self.progress + self.taken.bytes()
    }

    /// Sends what waits, and with `listen` waits for what the client says. Cancelling it loses nothing.
    pub async fn turn(&mut self, listen: bool) -> Heard {
        let was_full = !self.has_room();
        poll_fn(|cx| {
            let written = self.poll_write(cx);
            if let Poll::Ready(Err(_)) = written {
                return Poll::Ready(Heard::Gone);
            }
            if was_full && self.has_room() {
                return Poll::Ready(Heard::Room);
            }
            if written.is_pending() && self.has_taken() {
                return Poll::Ready(Heard::Taken);
            }
            if listen { self.poll_read(cx) } else { Poll::Pending }
        })
        .await
    }

    /// Whether the socket has taken anything since the last time that this was asked.
    fn has_taken(&mut self) -> bool {
        let taken = self.taken.bytes();
        std::mem::replace(&mut self.told, taken) != taken
    }

    /// Sends what waits and says no more.
    pub async fn finish(&mut self) {
        self.unflushed = true;
        let _ = poll_fn(|cx| self.poll_write(cx)).await;
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        while !self.outbox.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            let Some(message) = self.outbox.pop_front() else { break };
            self.outbox_bytes -= size(&message);
            Pin::new(&mut self.socket).start_send(message)?;
            self.unflushed = true;
            self.progress += 1;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.unflushed = false;
            self.progress += 1;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        let message = match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Poll::Ready(flaw(error).map_or(Heard::Gone, Heard::Flawed)),
            None => return Poll::Ready(Heard::Gone),
        };
        Poll::Ready(match message {
            Message::Text(_) | Message::Binary(_) if size(&message) > self.frame_bytes => Heard::Flawed(Flaw::TooLong),
            Message::Text(_) | Message::Binary(_) => Heard::Frame(message),
            Message::Ping(_) | Message::Pong(_) => Heard::Alive,
            Message::Close(_) => Heard::Gone,
        })
    }
}

/// What the client did wrong, if the link is not just lost.
fn flaw(error: axum::Error) -> Option<Flaw> {
    match *error.into_inner().downcast::<tungstenite::Error>().ok()? {
        tungstenite::Error::Capacity(_) => Some(Flaw::TooLong),
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) => Some(Flaw::NoFrame),
        _ => None,
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}
