use duolog_topics::{Account, Origin, ProfileItem, TagValue};

use super::json::{Object, list, object, write_text};
use crate::domain::view::{ChangeView, Entry, MessageFlagsView, MessageView};

/// Writes an entry of a timeline as the account's devices get it (docs/CLIENT_PROTOCOL.md, "Entries").
///
/// `sequence` is absent for what is in no timeline: online-only messages.
pub fn write_entry(out: &mut String, account: &Account, sequence: Option<u64>, entry: &Entry) {
    match entry {
        Entry::Message(message) => write_message(out, account, sequence, message),
        Entry::Change { time, change } => object(out, |object| {
            if let Some(sequence) = sequence {
                object.number("seq", sequence);
            }
            object.number("time", *time);
            write_change(object, change);
        }),
    }
}

/// Writes a message in an account's view.
pub fn write_message(out: &mut String, account: &Account, sequence: Option<u64>, message: &MessageView) {
    object(out, |object| {
        if let Some(sequence) = sequence {
            object.number("seq", sequence);
        }
        object.name("key", message.key);
        object.text("from", message.from.as_str()).text("to", message.to.as_str());
        object.number("time", message.time).raw("body", message.body.as_str());
        if let Some(custom) = &message.custom {
            object.text("custom", custom);
        }
        object.number("random", message.random.into()).number("msg_seq", message.msg_seq.into());
        object.text("origin", origin(message.origin));
        object.object("flags", |flags| write_flags(flags, message.flags));
        if message.from == *account {
            object.boolean("peer_read", message.peer_read);
        }
    });
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Client => "client",
        Origin::Server | Origin::Batch | Origin::Import => "server",
    }
}

fn write_flags(object: &mut Object<'_>, flags: MessageFlagsView) {
    object.flag("recalled", flags.recalled).flag("modified", flags.modified).flag("online_only", flags.online_only);
    object.flag("no_unread", flags.no_unread).flag("no_last_message", flags.no_last_message);
    object.flag("receipt_wanted", flags.receipt_wanted);
}

fn write_change(object: &mut Object<'_>, change: &ChangeView) {
    match change {
        ChangeView::Recall { peer, key, by } => {
            object.text("type", "recall").text("peer", peer.as_str()).name("key", key).text("by", by.as_str());
        }
        ChangeView::Modify { peer, key, by: _, body, custom } => {
            object.text("type", "modify").text("peer", peer.as_str()).name("key", key).raw("body", body.as_str());
            if let Some(custom) = custom {
                object.text("custom", custom);
            }
        }
        ChangeView::Delete { peer, keys } => {
            object.text("type", "delete").text("peer", peer.as_str());
            object.list("keys", keys, |out, key| write_text(out, &key.to_string()));
        }
        ChangeView::DeleteUntil { peer, until } => {
            object.text("type", "delete").text("peer", peer.as_str()).number("until", *until);
        }
        ChangeView::Read { peer, until, unread, unread_total } => {
            object.text("type", "read").text("peer", peer.as_str()).number("until", *until);
            object.number("unread", *unread).number("unread_total", *unread_total);
        }
        ChangeView::Receipt { peer, until } => {
            object.text("type", "receipt").text("peer", peer.as_str()).number("until", *until);
        }
        ChangeView::ReceiptKeys { peer, keys } => {
            object.text("type", "receipt").text("peer", peer.as_str());
            object.list("keys", keys, |out, key| write_text(out, &key.to_string()));
        }
        ChangeView::RecentRemoved { peer } => {
            object.text("type", "recent").text("peer", peer.as_str()).boolean("removed", true);
        }
        ChangeView::Relation { block, peer, added, remark, groups } => {
            object.text("type", "relation").text("kind", if *block { "block" } else { "friend" });
            object.text("peer", peer.as_str()).boolean("added", *added);
            write_friend(object, remark.as_deref(), groups.as_deref());
        }
        ChangeView::Profile { items } => {
            object.text("type", "profile");
            write_items(object.value("items"), items);
        }
    }
}

fn write_friend(object: &mut Object<'_>, remark: Option<&str>, groups: Option<&[String]>) {
    if let Some(remark) = remark {
        object.text("remark", remark);
    }
    if let Some(groups) = groups {
        object.list("groups", groups, |out, group| write_text(out, group));
    }
}

/// Writes fields of a profile: `[{tag, value}...]`.
pub fn write_items(out: &mut String, items: &[ProfileItem]) {
    list(out, items, |out, item| {
        object(out, |object| {
            object.text("tag", &item.tag);
            match &item.value {
                TagValue::Number(number) => object.number("value", *number),
                TagValue::Text(text) => object.text("value", text),
            };
        });
    });
}

#[cfg(test)]
mod tests {
    use duolog_topics::{MsgKey, RawJson};
    use serde_json::{Value, json};

    use super::*;

    fn account(name: &str) -> Account {
        Account::new(name).unwrap()
    }

    fn written(me: &str, sequence: Option<u64>, entry: &Entry) -> Value {
        let mut out = String::new();
        write_entry(&mut out, &account(me), sequence, entry);
        serde_json::from_str(&out).unwrap()
    }

    const KEY: MsgKey = MsgKey { seq: 7, random: 8, time: 9 };

    fn message() -> MessageView {
        MessageView {
            key: KEY,
            from: account("al\"ice"),
            to: account("bob"),
            time: 9_001,
            body: RawJson::from_checked(r#"[{"MsgType": "X", "MsgContent": {}}]"#),
            custom: None,
            random: 8,
            msg_seq: 7,
            origin: Origin::Client,
            flags: MessageFlagsView::default(),
            peer_read: false,
        }
    }

    #[test]
    fn a_message_has_its_fields_and_only_the_flags_that_are_set() {
        let mut message = message();
        let mut expected = json!({
            "seq": 5, "key": "7_8_9", "from": "al\"ice", "to": "bob", "time": 9001,
            "body": [{"MsgType": "X", "MsgContent": {}}],
            "random": 8, "msg_seq": 7, "origin": "client", "flags": {},
        });
        assert_eq!(written("bob", Some(5), &Entry::Message(message.clone())), expected);

        message.flags = MessageFlagsView { recalled: true, online_only: true, ..MessageFlagsView::default() };
        (message.custom, message.origin, message.peer_read) = (Some("c".to_owned()), Origin::Batch, true);
        expected.as_object_mut().unwrap().remove("seq");
        expected["flags"] = json!({"recalled": true, "online_only": true});
        (expected["custom"], expected["origin"], expected["peer_read"]) = (json!("c"), json!("server"), json!(true));
        assert_eq!(written("al\"ice", None, &Entry::Message(message)), expected);
    }

    #[test]
    fn a_change_has_its_type_and_fields() {
        let peer = account("bob");
        let cases = [
            (
                ChangeView::Recall { peer: peer.clone(), key: KEY, by: account("admin") },
                json!({"type": "recall", "peer": "bob", "key": "7_8_9", "by": "admin"}),
            ),
            (
                ChangeView::Modify {
                    peer: peer.clone(),
                    key: KEY,
                    by: account("admin"),
                    body: RawJson::from_checked("[1]"),
                    custom: Some("c".to_owned()),
                },
                json!({"type": "modify", "peer": "bob", "key": "7_8_9", "body": [1], "custom": "c"}),
            ),
            (
                ChangeView::Delete { peer: peer.clone(), keys: vec![KEY] },
                json!({"type": "delete", "peer": "bob", "keys": ["7_8_9"]}),
            ),
            (
                ChangeView::DeleteUntil { peer: peer.clone(), until: 4 },
                json!({"type": "delete", "peer": "bob", "until": 4}),
            ),
            (
                ChangeView::Read { peer: peer.clone(), until: 4, unread: 1, unread_total: 2 },
                json!({"type": "read", "peer": "bob", "until": 4, "unread": 1, "unread_total": 2}),
            ),
            (
                ChangeView::Receipt { peer: peer.clone(), until: 4 },
                json!({"type": "receipt", "peer": "bob", "until": 4}),
            ),
            (
                ChangeView::ReceiptKeys { peer: peer.clone(), keys: vec![KEY] },
                json!({"type": "receipt", "peer": "bob", "keys": ["7_8_9"]}),
            ),
            (
                ChangeView::RecentRemoved { peer: peer.clone() },
                json!({"type": "recent", "peer": "bob", "removed": true}),
            ),
            (
                ChangeView::Relation {
                    block: false,
                    peer,
                    added: true,
                    remark: Some("r".to_owned()),
                    groups: Some(vec!["g".to_owned()]),
                },
                json!({"type": "relation", "kind": "friend", "peer": "bob", "added": true, "remark": "r",
                    "groups": ["g"]}),
            ),
            (
                ChangeView::Profile {
                    items: vec![
                        ProfileItem { tag: "a".to_owned(), value: TagValue::Number(1) },
                        ProfileItem { tag: "b".to_owned(), value: TagValue::Text("x".to_owned()) },
                    ],
                },
                json!({"type": "profile", "items": [{"tag": "a", "value": 1}, {"tag": "b", "value": "x"}]}),
            ),
        ];
        for (change, mut expected) in cases {
            (expected["seq"], expected["time"]) = (json!(3), json!(1000));
            assert_eq!(written("alice", Some(3), &Entry::Change { time: 1000, change }), expected);
        }
    }
}
