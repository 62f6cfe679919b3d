use axum::extract::ws::Message;

use super::msgpack;

/// How frames are spelled; chosen when the connection is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subprotocol {
    /// Text frames.
    Json,
    /// Binary frames.
    MessagePack,
}

/// All that this gateway speaks, the preferred one first.
pub const NAMES: [&str; 2] = ["duolog.v1.json", "duolog.v1.msgpack"];

impl Subprotocol {
    /// The one that an upgrade chose. A client that offered none speaks JSON.
    pub fn of_name(name: Option<&str>) -> Self {
        if name == Some(NAMES[1]) { Self::MessagePack } else { Self::Json }
    }

    pub fn name(self) -> &'static str {
        NAMES[usize::from(self == Self::MessagePack)]
    }

    /// The JSON text of a frame; `None` if the frame is none of this subprotocol.
    pub fn decode(self, message: &Message) -> Option<std::borrow::Cow<'_, str>> {
        match (self, message) {
            (Self::Json, Message::Text(text)) => Some(text.as_str().into()),
            (Self::MessagePack, Message::Binary(bytes)) => msgpack::to_json(bytes).ok().map(Into::into),
            _ => None,
        }
    }

    /// The frame for a JSON text of ours.
    pub fn encode(self, json: String) -> Message {
        match self {
            Self::Json => Message::Text(json.into()),
            Self::MessagePack => Message::Binary(msgpack::from_json(&json).expect("this gateway writes JSON").into()),
        }
    }
}
