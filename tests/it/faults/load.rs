//! Senders that never stop, and what they were told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{self, ADMIN};

/// Codes after which a sender sends the same again.
pub const RETRY: [u64; 2] = [60007, 60008];

/// What one sender has sent: a retry after a lost answer has the same number.
pub struct Sender {
    pub from: String,
    pub to: String,
    /// The number of the next message.
    next: u32,
    /// Numbers that were acked, in the order of the acks.
    pub acked: Vec<u32>,
}

impl Sender {
    pub fn new(from: &str, to: &str) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), next: 0, acked: Vec::new() }
    }

    /// Sends one message after the other until the link breaks, and tells of each ack. What had no answer is sent again,
    /// first thing, by the next call.
    pub fn send_on(&mut self, addr: SocketAddr, acks: &mpsc::Sender<()>) {
        let Ok(mut connection) = Connection::open(addr) else { return };
        loop {
            let request = json!({"From_Account": self.from, "To_Account": self.to, "MsgRandom": self.next, "MsgSeq": 1,
                "SyncOtherMachine": 1, "MsgBody": harness::body(&self.next.to_string())});
            match connection.call("openim/sendmsg", &request) {
                Some(reply) if RETRY.iter().any(|code| reply["ErrorCode"] == *code) => {}
                Some(reply) => {
                    assert_eq!(reply["ErrorCode"], 0, "{reply}");
                    self.acked.push(self.next);
                    self.next += 1;
                    // Nobody listens any more once the server is about to die.
                    let _ = acks.send(());
                }
                None => return,
            }
        }
    }
}

/// A connection that is kept.
pub struct Connection {
    stream: BufReader<TcpStream>,
    query: String,
}

impl Connection {
    pub fn open(addr: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), query: harness::query(ADMIN) })
    }

    /// From now on an answer that takes longer counts as a broken link.
    pub fn wait_only(&mut self, patience: Duration) -> std::io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(patience))
    }

    /// One call; `None` if the link broke before the whole answer was here.
    pub fn call(&mut self, command: &str, request: &Value) -> Option<Value> {
        let body = request.to_string();
        let head = format!(
            "POST /v4/{command}?{} HTTP/1.1\r\nHost: duolog\r\nContent-Length: {}\r\n\r\n{body}",
            self.query,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        serde_json::from_slice(&body).ok()
    }
}
