//! The gateway's frames, as JSON text.

use std::borrow::Borrow;

use duolog_topics::{Account, Millis};

use super::entry::{write_entry, write_message};
use super::failure::{Failure, write_excluder};
use super::json::{Object, object, object_text};
use crate::domain::verdict::{EndReason, Excluder, Sent};
use crate::domain::view::{Entry, RecentContact, RecentContacts};

/// The answer to a request that was granted; `ok` is a JSON object.
pub fn granted(id: u64, ok: &str) -> String {
    let mut out = String::with_capacity(ok.len() + 32);
    object(&mut out, |object| {
        object.number("id", id).raw("ok", ok);
    });
    out
}

/// The answer to a request that was refused; a frame whose `id` cannot be read has none.
pub fn refused(id: Option<u64>, failure: &Failure) -> String {
    object_text(|object| {
        match id {
            Some(id) => object.number("id", id),
            None => object.raw("id", "null"),
        };
        object.object("error", |error| failure.write(error));
    })
}

/// The `ok` of a send.
pub fn sent(sent: &Sent) -> String {
    object_text(|object| {
        object.name("key", sent.key).number("time", sent.time);
        if let Some(sequence) = sent.sequence {
            object.number("seq", sequence);
        }
        if let Some(changed) = &sent.changed {
            if let Some(body) = &changed.body {
                object.raw("body", body.as_str());
            }
            if let Some(custom) = &changed.custom {
                object.text("custom", custom);
            }
        }
    })
}

fn push(name: &str, data: impl FnOnce(&mut Object<'_>)) -> String {
    object_text(|object| {
        object.text("push", name).object("data", data);
    })
}

/// A push of entries: everything in (`after`, `cursor`] that was not told before.
pub struct Messages<'a, E> {
    pub account: &'a Account,
    /// In order of their sequences.
    pub list: &'a [(Option<u64>, E)],
    pub after: u64,
    pub cursor: u64,
    /// Of the catch-up: whether more pages follow. Absent on live pushes.
    pub offline: Option<bool>,
}

impl<E: Borrow<Entry>> Messages<'_, E> {
    pub fn frame(&self) -> String {
        push("messages", |data| {
            data.list("list", self.list, |out, (sequence, entry)| {
                write_entry(out, self.account, *sequence, entry.borrow());
            });
            data.number("after", self.after).number("cursor", self.cursor);
            data.boolean("offline", self.offline.is_some());
            if let Some(more) = self.offline {
                data.boolean("more", more);
            }
        })
    }
}

/// The recent contacts of the catch-up; `full`: all of them, not only what changed.
pub fn recent_contacts(account: &Account, contacts: &RecentContacts, full: bool) -> String {
    push("recent_contacts", |data| {
        write_contacts(data, account, &contacts.list);
        data.boolean("full", full).number("unread_total", contacts.unread_total);
    })
}

/// Writes `list`: recent contacts, newest first.
pub fn write_contacts(object: &mut Object<'_>, account: &Account, contacts: &[RecentContact]) {
    object.list("list", contacts, |out, contact| {
        super::json::object(out, |item| {
            item.text("peer", contact.peer.as_str()).number("time", contact.time).number("unread", contact.unread);
            item.number("read_time", contact.read_time).number("peer_read_time", contact.peer_read_time);
            if let Some((sequence, last)) = &contact.last {
                write_message(item.value("last"), account, Some(*sequence), last);
            }
        });
    });
}

/// The catch-up is complete.
pub fn refresh(cursor: u64) -> String {
    push("refresh", |data| {
        data.number("cursor", cursor);
    })
}

/// The session has ended; `None` if its client is told by the close code alone.
pub fn kicked(reason: &EndReason) -> Option<String> {
    match reason {
        EndReason::LoginElsewhere(by) => Some(kicked_for("login_elsewhere", Some(by))),
        EndReason::KickedByAdmin => Some(kicked_for("admin", None)),
        EndReason::AccountDeleted => Some(kicked_for("account_deleted", None)),
        EndReason::Replaced | EndReason::LoggedOut => None,
    }
}

/// The signature's time is over.
pub fn kicked_by_expiry() -> String {
    kicked_for("signature_expired", None)
}

fn kicked_for(reason: &str, by: Option<&Excluder>) -> String {
    push("kicked", |data| {
        data.text("reason", reason);
        if let Some(by) = by {
            data.object("by", |object| write_excluder(object, by));
        }
    })
}

/// The signature ends soon.
pub fn expiring(expires: Millis) -> String {
    push("expiring", |data| {
        data.number("expires", expires);
    })
}

#[cfg(test)]
mod tests {
    use duolog_topics::{MsgKey, Platform};
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Code;

    fn read(frame: &str) -> Value {
        serde_json::from_str(frame).unwrap()
    }

    #[test]
    fn replies_have_the_id_of_their_request() {
        assert_eq!(read(&granted(7, "{\"a\":1}")), json!({"id": 7, "ok": {"a": 1}}));
        let error =
            json!({"code": 20009, "name": "not_friends", "message": Code::NOT_FRIENDS.message(), "retry": false});
        assert_eq!(read(&refused(Some(7), &Code::NOT_FRIENDS.into())), json!({"id": 7, "error": error}));
        let busy = read(&refused(None, &Failure::busy_for(40)));
        assert_eq!(
            (&busy["id"], &busy["error"]["retry"], &busy["error"]["retry_after"]),
            (&Value::Null, &json!(true), &json!(40))
        );
    }

    #[test]
    fn an_excluded_login_hears_by_whom() {
        let by = Excluder { platform: Platform::Ipad, device: "d".to_owned(), time: 5 };
        let failure = crate::domain::verdict::Refusal { code: Code::KICKED_BY_OTHER, by: Some(by.clone()) }.into();
        assert_eq!(
            read(&refused(Some(1), &failure))["error"]["by"],
            json!({"platform": "ipad", "device": "d", "time": 5})
        );
        let push = read(&kicked(&EndReason::LoginElsewhere(by)).unwrap());
        let by = json!({"platform": "ipad", "device": "d", "time": 5});
        assert_eq!(push, json!({"push": "kicked", "data": {"reason": "login_elsewhere", "by": by}}));
        assert_eq!(kicked(&EndReason::Replaced), None);
    }

    #[test]
    fn a_send_is_answered_with_its_place() {
        let key = MsgKey { seq: 1, random: 2, time: 3 };
        let mut answer = Sent { key, time: 3_004, sequence: Some(9), failed: Vec::new(), changed: None };
        assert_eq!(read(&sent(&answer)), json!({"key": "1_2_3", "time": 3004, "seq": 9}));
        answer.sequence = None;
        assert_eq!(read(&sent(&answer)), json!({"key": "1_2_3", "time": 3004}));
        let body = Some(duolog_topics::RawJson::from_checked("[1]"));
        answer.changed = Some(Box::new(crate::domain::verdict::Changed { body, custom: Some("c".to_owned()) }));
        assert_eq!(read(&sent(&answer)), json!({"key": "1_2_3", "time": 3004, "body": [1], "custom": "c"}));
    }

    #[test]
    fn pages_and_live_pushes_differ_in_offline_and_more() {
        let account = Account::new("a").unwrap();
        let mut push =
            Messages { account: &account, list: &[] as &[(Option<u64>, Entry)], after: 1, cursor: 2, offline: None };
        let live = json!({"list": [], "after": 1, "cursor": 2, "offline": false});
        assert_eq!(read(&push.frame()), json!({"push": "messages", "data": live}));
        push.offline = Some(true);
        let page = json!({"list": [], "after": 1, "cursor": 2, "offline": true, "more": true});
        assert_eq!(read(&push.frame()), json!({"push": "messages", "data": page}));
    }
}
