//! Names and messages as tests write them: one of each for the tests of the engine, of its consumers, of the program and of
//! the operator's tool.

use duolog_topics::{Account, AccountImported, MessageContent, MessageFlags, MessageSent, Origin, RawJson, SenderCopy};
use serde_json::json;

/// # Panics
/// If no account may have this name.
pub fn name(text: &str) -> Account {
    Account::new(text).expect("a name")
}

/// An account that exists from here on, without a profile.
pub fn import() -> AccountImported {
    AccountImported { nick: None, face_url: None }
}

/// A body of one text element.
pub fn text_body(text: &str) -> RawJson {
    let body = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }]);
    RawJson::encode(&body).expect("JSON can be written")
}

/// A client's message with this body and nothing else.
pub fn content(body: RawJson, random: u32) -> MessageContent {
    MessageContent {
        body,
        custom: None,
        msg_seq: 7,
        random,
        flags: MessageFlags::default(),
        origin: Origin::Client,
        life: None,
        push: None,
        platform: None,
        ip: None,
    }
}

/// A client's message, whose hash is its random number.
pub fn sent(to: &[&str], content: MessageContent) -> MessageSent {
    MessageSent {
        receivers: to.iter().map(|to| name(to)).collect(),
        seq_given: true,
        request_hash: u64::from(content.random),
        content,
        imported_time: None,
        sender_copy: SenderCopy::Full,
        operator: None,
        session: None,
    }
}

/// A text that a client sends.
pub fn message(to: &[&str], text: &str, random: u32) -> MessageSent {
    sent(to, content(text_body(text), random))
}
