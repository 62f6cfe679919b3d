use std::collections::VecDeque;
use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::handshake::client::ClientHandshake;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message, WebSocket, client};

use crate::harness::{PATIENCE, Server, body, random, signature};

pub const JSON: &str = "duolog.v1.json";
pub const MSGPACK: &str = "duolog.v1.msgpack";

/// A client that waits for what it expects, in JSON or MessagePack.
pub struct Client {
    socket: WebSocket<TcpStream>,
    packed: bool,
    last_id: u64,
    /// Frames that came while another one was waited for.
    earlier: VecDeque<Value>,
}

impl Client {
    pub fn connect(server: &Server) -> Self {
        Self::connect_with(server, &[]).expect("the upgrade is accepted")
    }

    /// Offers subprotocols; an upgrade that is refused gives its status and body.
    pub fn connect_with(server: &Server, offered: &[&str]) -> Result<Self, (u16, String)> {
        let stream = TcpStream::connect(server.addr).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        let uri = format!("ws://{}/v1/ws", server.addr).parse().expect("a URI");
        let request =
            offered.iter().fold(ClientRequestBuilder::new(uri), |request, name| request.with_sub_protocol(*name));
        let (socket, response) = match client::client(request, stream) {
            Ok(accepted) => accepted,
            Err(error) => return Err(refused(error)),
        };
        let chosen = response.headers().get("sec-websocket-protocol").map(|name| name.to_str().expect("a name"));
        assert_eq!(chosen.is_some(), !offered.is_empty());
        let packed = chosen == Some(MSGPACK);
        Ok(Self { socket, packed, last_id: 0, earlier: VecDeque::new() })
    }

    /// A client of an account, logged in on `device` and caught up.
    pub fn online(server: &Server, account: &str, device: &str) -> Self {
        let mut client = Self::connect(server);
        client.log_in(account, device, json!({}));
        client.catch_up();
        client
    }

    /// Logs in, with further arguments; the `ok` of the reply.
    pub fn log_in(&mut self, account: &str, device: &str, more: Value) -> Value {
        self.ok("login", login(account, device, more))
    }

    /// Takes all pages of the catch-up, acking each; their entries and the cursor of `refresh`.
    pub fn catch_up(&mut self) -> (Vec<Value>, u64) {
        let (mut entries, mut contacts) = (Vec::new(), false);
        loop {
            let push = self.frame();
            let data = &push["data"];
            match push["push"].as_str().unwrap_or_else(|| panic!("no push: {push}")) {
                "messages" => {
                    assert!(data["offline"] == true && !contacts, "{push}");
                    let list = data["list"].as_array().expect("a list");
                    assert!((1..=200).contains(&list.len()));
                    entries.extend(list.iter().cloned());
                    let cursor = data["cursor"].clone();
                    if data["more"] == true {
                        self.ok("ack", json!({"cursor": cursor}));
                    }
                }
                "recent_contacts" => contacts = true,
                "refresh" => {
                    assert!(contacts, "recent contacts come before refresh");
                    return (entries, data["cursor"].as_u64().expect("a cursor"));
                }
                _ => panic!("unexpected {push}"),
            }
        }
    }

    /// Sends a request without waiting; its id.
    pub fn ask(&mut self, op: &str, args: Value) -> u64 {
        self.last_id += 1;
        self.raw(&json!({"id": self.last_id, "op": op, "args": args}));
        self.last_id
    }

    /// Sends any JSON.
    pub fn raw(&mut self, frame: &Value) {
        let message = if self.packed {
            Message::binary(rmp_serde::to_vec(frame).expect("JSON is MessagePack"))
        } else {
            Message::text(frame.to_string())
        };
        self.socket.send(message).expect("the frame is sent");
    }

    /// Sends any text.
    pub fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("the frame is sent");
    }

    /// Writes bytes to the connection, whatever they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).expect("the bytes are sent");
    }

    /// Asks and waits for the reply.
    pub fn request(&mut self, op: &str, args: Value) -> Value {
        let id = self.ask(op, args);
        self.reply(id)
    }

    /// Waits for the reply to a request; pushes that come before wait.
    pub fn reply(&mut self, id: u64) -> Value {
        self.wait(|frame| frame["id"] == id)
    }

    pub fn ok(&mut self, op: &str, args: Value) -> Value {
        let mut reply = self.request(op, args.clone());
        assert!(reply["ok"].is_object(), "{op} {args} -> {reply}");
        reply["ok"].take()
    }

    pub fn code(&mut self, op: &str, args: Value) -> u64 {
        let reply = self.request(op, args.clone());
        reply["error"]["code"].as_u64().unwrap_or_else(|| panic!("{op} {args} -> {reply}"))
    }

    /// Sends a text; the `ok` of the reply.
    pub fn say(&mut self, to: &str, text: &str) -> Value {
        self.ok("send", message(to, text))
    }

    /// The next push, which has to be of this name; its data.
    pub fn push(&mut self, name: &str) -> Value {
        let mut push = self.wait(|frame| frame["push"].is_string());
        assert_eq!(push["push"], name, "{push}");
        push["data"].take()
    }

    /// The next live entry, alone in its push.
    pub fn entry(&mut self) -> Value {
        let mut data = self.push("messages");
        assert_eq!(data["offline"], false, "{data}");
        let list = data["list"].as_array_mut().expect("a list");
        assert_eq!(list.len(), 1, "{list:?}");
        list.remove(0)
    }

    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.earlier.iter().position(&wanted) {
            return self.earlier.remove(place).expect("it was found");
        }
        loop {
            let frame = self.read();
            if wanted(&frame) {
                return frame;
            }
            self.earlier.push_back(frame);
        }
    }

    /// The next frame, whatever it is.
    pub fn frame(&mut self) -> Value {
        self.earlier.pop_front().unwrap_or_else(|| self.read())
    }

    fn read(&mut self) -> Value {
        loop {
            match self.socket.read().expect("a frame comes in time") {
                Message::Text(text) if !self.packed => return serde_json::from_str(&text).expect("JSON"),
                Message::Binary(bytes) if self.packed => return rmp_serde::from_slice(&bytes).expect("MessagePack"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Waits for the gateway's ping.
    pub fn pinged(&mut self) {
        let message = self.socket.read().expect("a ping comes in time");
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
    }

    /// Waits for the end; its code and reason. Frames before it are left out.
    pub fn closed(&mut self) -> (u16, String) {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(CloseFrame { code, reason }))) => return (code.into(), reason.to_string()),
                Ok(_) => {}
                Err(error) => panic!("no close frame but {error}"),
            }
        }
    }
}

/// What is left of an upgrade that was refused: its status and body.
fn refused(error: HandshakeError<ClientHandshake<TcpStream>>) -> (u16, String) {
    match error {
        HandshakeError::Failure(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8_lossy(body).into_owned())
        }
        other => panic!("no answer: {other}"),
    }
}

/// The arguments of a login.
pub fn login(account: &str, device: &str, more: Value) -> Value {
    let mut args = json!({
        "account": account, "user_sig": signature(account), "platform": "android", "device": device,
        "client": {"name": "test", "version": "1"},
    });
    args.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    args
}

/// The arguments of a send.
pub fn message(to: &str, text: &str) -> Value {
    json!({"to": to, "body": body(text), "random": random()})
}

/// The text of a message.
pub fn text(entry: &Value) -> &str {
    entry["body"][0]["MsgContent"]["Text"].as_str().unwrap_or_else(|| panic!("no text: {entry}"))
}
