//! A page of history as the server API writes it.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::view::MessageView;

/// A page ends when its messages would pass this many bytes as JSON; the API that ours follows says "about 13 KB".
const PAGE_BYTES: usize = 13 * 1024;

/// `MsgFlagBits` of a message that was taken back.
const WITHDRAWN: u32 = 8;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "From_Account")]
    from: &'a str,
    #[serde(rename = "To_Account")]
    to: &'a str,
    #[serde(rename = "MsgSeq")]
    msg_seq: u32,
    #[serde(rename = "MsgRandom")]
    random: u32,
    #[serde(rename = "MsgTimeStamp")]
    time: u64,
    #[serde(rename = "MsgClientTime")]
    client_time: u64,
    #[serde(rename = "MsgFlagBits")]
    flags: u32,
    #[serde(rename = "IsPeerRead")]
    peer_read: u32,
    #[serde(rename = "MsgKey")]
    key: String,
    #[serde(rename = "MsgBody")]
    body: &'a RawValue,
    #[serde(rename = "CloudCustomData")]
    custom: &'a str,
}

/// The newest messages that fit into a page, ascending.
#[derive(Default, Debug)]
pub struct Page {
    pub messages: Vec<Box<RawValue>>,
    /// Whether older ones were left for the next page.
    pub cut: bool,
}

impl Page {
    /// Takes messages from the newest on; at least one, however long it is. `list` ascends.
    pub fn of(list: &[MessageView]) -> Result<Self, serde_json::Error> {
        let mut page = Self::default();
        let mut bytes = 0;
        for message in list.iter().rev() {
            let json = encode(message)?;
            bytes += json.get().len() + 1;
            if bytes > PAGE_BYTES && !page.messages.is_empty() {
                page.cut = true;
                break;
            }
            page.messages.push(json);
        }
        page.messages.reverse();
        Ok(page)
    }
}

fn encode(message: &MessageView) -> Result<Box<RawValue>, serde_json::Error> {
    let body: &RawValue = message.body.decode()?;
    let time = message.time / 1000;
    serde_json::value::to_raw_value(&Message {
        from: message.from.as_str(),
        to: message.to.as_str(),
        msg_seq: message.msg_seq,
        random: message.random,
        time,
        client_time: time,
        flags: if message.flags.recalled { WITHDRAWN } else { 0 },
        peer_read: u32::from(message.peer_read),
        key: message.key.to_string(),
        body,
        custom: message.custom.as_deref().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use duolog_topics::{Account, MsgKey, Origin, RawJson};
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::view::MessageFlagsView;

    fn message(seq: u32, text: &str) -> MessageView {
        let body = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]);
        MessageView {
            key: MsgKey { seq, random: 7, time: 1_557_387_418 },
            from: Account::new("a").unwrap(),
            to: Account::new("b").unwrap(),
            time: 1_557_387_418_123,
            body: RawJson::encode(&body).unwrap(),
            custom: None,
            random: 7,
            msg_seq: seq,
            origin: Origin::Server,
            flags: MessageFlagsView::default(),
            peer_read: true,
        }
    }

    #[test]
    fn a_message_has_every_member() {
        let page = Page::of(&[message(9, "hi")]).unwrap();
        let written: Value = serde_json::from_str(page.messages[0].get()).unwrap();
        let expected = json!({"From_Account": "a", "To_Account": "b", "MsgSeq": 9, "MsgRandom": 7,
            "MsgTimeStamp": 1_557_387_418, "MsgClientTime": 1_557_387_418, "MsgFlagBits": 0, "IsPeerRead": 1,
            "MsgKey": "9_7_1557387418", "CloudCustomData": "",
            "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": "hi"}}]});
        assert_eq!(written, expected);
    }

    #[test]
    fn the_newest_that_fit_make_a_page() {
        let text = "x".repeat(4_000);
        let list: Vec<_> = (0..10).map(|seq| message(seq, &text)).collect();
        let page = Page::of(&list).unwrap();
        assert!(page.cut);
        let seqs: Vec<u64> = page
            .messages
            .iter()
            .map(|json| serde_json::from_str::<Value>(json.get()).unwrap()["MsgSeq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, [7, 8, 9]);
        assert!(!Page::of(&list[..3]).unwrap().cut);
        let long = [message(1, "x"), message(2, &"x".repeat(20_000))];
        assert_eq!(Page::of(&long).unwrap().messages.len(), 1, "one message is always a page");
        assert!(!Page::of(&[]).unwrap().cut);
    }
}
