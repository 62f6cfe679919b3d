use duolog_topics::{Account, Millis, MsgKey, Origin};
use serde::{Deserialize, Serialize};

use super::info::PushInfo;
use crate::domain::rows::MessageRow;

/// A message that reached a receiver whom no device in the foreground showed it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Unseen {
    pub receiver: Account,
    pub from: Account,
    pub message_time: Millis,
    pub key: MsgKey,
}

/// Whom a message has to be announced to, as the fold left it: its receivers here who got it and had no app open. Each
/// has the number of his delivery.
///
/// Not announced are imports, messages whose sender asked for silence (`WithMuteNotifications`, PushFlag 1), and what a user
/// sends to himself. `NoUnread` and `NoLastMsg` are about lists and counters: they silence nothing.
pub fn unseen(message: &MessageRow) -> Vec<(usize, Unseen)> {
    let deliveries = message.deliveries.iter().enumerate();
    let missed = deliveries.filter(|(_, delivery)| delivery.code == 0 && !delivery.online);
    missed.filter_map(|(number, delivery)| Some((number, Unseen::of(message, &delivery.receiver)?))).collect()
}

impl Unseen {
    /// A message as it is announced to a receiver; none if it is to be silent.
    pub fn of(message: &MessageRow, receiver: &Account) -> Option<Self> {
        let silent = message.origin() == Origin::Import
            || message.flags().mute_notifications
            || *receiver == message.from
            || PushInfo::new(message.push.as_ref()).forbids();
        (!silent).then(|| Self {
            receiver: receiver.clone(),
            from: message.from.clone(),
            message_time: message.message_time,
            key: message.msg_key(),
        })
    }
}

#[cfg(test)]
mod tests {
    use duolog_topics::{MessageContent, MessageFlags};
    use serde_json::json;

    use super::super::notice::tests::{content, text};
    use super::*;
    use crate::domain::rows::Delivery;

    fn receivers(change: impl FnOnce(&mut MessageContent)) -> Vec<(usize, String)> {
        let mut content = content(&text("hi"), None);
        change(&mut content);
        let account = |name: &str| Account::new(name).unwrap();
        let mut message = MessageRow::new(&account("alice"), &content, 9_000, 9_000);
        let delivery = |name, code, online| Delivery { receiver: account(name), code, unread_total: 0, online };
        message.deliveries = vec![
            delivery("there", 0, true),
            delivery("away", 0, false),
            delivery("blocked", 20007, false),
            delivery("alice", 0, false),
            delivery("too", 0, false),
        ];
        unseen(&message).into_iter().map(|(number, unseen)| (number, unseen.receiver.to_string())).collect()
    }

    #[test]
    fn those_who_got_it_and_had_no_app_open() {
        assert_eq!(receivers(|_| {}), [(1, "away".to_owned()), (4, "too".to_owned())]);
    }

    #[test]
    fn silence_is_kept() {
        let none: Vec<(usize, String)> = Vec::new();
        assert_eq!(receivers(|content| content.origin = Origin::Import), none);
        assert_eq!(receivers(|content| content.flags.mute_notifications = true), none);
        let forbid = duolog_topics::RawJson::encode(&json!({"PushFlag": 1})).unwrap();
        assert_eq!(receivers(|content| content.push = Some(forbid)), none);
        let counts = MessageFlags { no_unread: true, no_last_message: true, ..MessageFlags::default() };
        assert_eq!(receivers(|content| content.flags = counts).len(), 2);
    }
}
