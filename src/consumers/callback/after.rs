use std::collections::BTreeSet;

use duolog_topics::{
    Account, Event, FriendAction, FriendChanged, MessageContent, Millis, Origin, ProfileItem, RawJson, Via,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::state::state_changes;
use super::{Callback, Command, platform};
use crate::consumers::{Delivery, Joined, Kept, Lane};
use crate::domain::rows::{self, MessageRow, Outcome};
use crate::error::Code;

/// `ErrorInfo` of a message that was delivered.
const SENT: &str = "send msg succeed";

/// The callbacks that a record causes, of those that are asked for. What concerns a message comes in the order of its
/// conversation's direction, everything else in that of its account.
pub fn callbacks(record: &Joined<'_>, asked: &BTreeSet<Command>) -> Vec<Delivery<Callback>> {
    let found = match (record.event, record.kept) {
        (Event::MessageSent(event), kept) => sent(record, &record.envelope.account, &event.content, kept),
        (Event::MessageArrived(event), kept) => sent(record, &event.from, &event.content, kept),
        (_, Kept::Outcome(outcome)) => changed(record, outcome),
        _ => Vec::new(),
    };
    found.into_iter().filter(|(command, _)| asked.contains(command)).map(|(_, delivery)| delivery).collect()
}

type Found = Vec<(Command, Delivery<Callback>)>;

/// A message's members, before and after it was sent.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageBody<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a Account,
    #[serde(rename = "To_Account")]
    pub to: &'a Account,
    pub msg_seq: u32,
    pub msg_random: u32,
    /// Unix seconds.
    pub msg_time: u64,
    pub msg_key: String,
    pub online_only_flag: u8,
    pub msg_body: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_custom_data: Option<&'a str>,
    pub event_time: Millis,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub result: Option<SendResult>,
}

/// What became of a message for one receiver.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendResult {
    send_msg_result: u32,
    error_info: &'static str,
    unread_msg_num: i64,
}

impl<'a> MessageBody<'a> {
    /// `None` if the stored body is no JSON, which no message's is.
    pub fn new(
        command: Command,
        from: &'a Account,
        to: &'a Account,
        content: &'a MessageContent,
        message_time: Millis,
        event_time: Millis,
    ) -> Option<Self> {
        let seconds = message_time / 1000;
        Some(Self {
            callback_command: command.name(),
            from,
            to,
            msg_seq: content.msg_seq,
            msg_random: content.random,
            msg_time: seconds,
            msg_key: format!("{}_{}_{seconds}", content.msg_seq, content.random),
            online_only_flag: u8::from(content.flags.online_only || content.life == Some(0)),
            msg_body: serde_json::from_str(content.body.as_str()).ok()?,
            cloud_custom_data: content.custom.as_deref(),
            event_time,
            result: None,
        })
    }
}

/// One callback for each receiver whose home is here. The body is the event's: a recall has emptied that of the row.
fn sent(record: &Joined<'_>, from: &Account, content: &MessageContent, kept: &Kept) -> Found {
    let silent = matches!(content.origin, Origin::Batch | Origin::Import) || content.flags.forbid_after_callback;
    let (message_time, deliveries) = match kept {
        _ if silent => return Vec::new(),
        Kept::Message(row) => {
            let MessageRow { message_time, deliveries, .. } = row.as_ref();
            (*message_time, deliveries)
        }
        Kept::Outcome(Outcome::OnlineOnly { message_time, deliveries }) => (*message_time, deliveries),
        Kept::Outcome(_) => return Vec::new(),
    };
    let one = |(number, delivery): (usize, &rows::Delivery)| {
        let to = &delivery.receiver;
        let mut body = MessageBody::new(Command::AfterSend, from, to, content, message_time, record.envelope.time)?;
        body.result = Some(result(delivery));
        let callback = Callback {
            command: Command::AfterSend.name().to_owned(),
            client_ip: content.ip.clone().unwrap_or_default(),
            platform: platform::of_message(content).to_owned(),
            body: RawJson::encode(&body).ok()?,
        };
        Some((Command::AfterSend, record.delivery(number, Lane::of([from, to]), callback)))
    };
    deliveries.iter().enumerate().filter_map(one).collect()
}

fn result(delivery: &rows::Delivery) -> SendResult {
    let delivered = delivery.code == 0;
    SendResult {
        send_msg_result: delivery.code,
        error_info: match Code::try_from(delivery.code) {
            Ok(code) if !delivered => code.message(),
            _ => SENT,
        },
        unread_msg_num: if delivered { i64::try_from(delivery.unread_total).unwrap_or(i64::MAX) } else { -1 },
    }
}

/// Everything that is no message.
fn changed(record: &Joined<'_>, outcome: &Outcome) -> Found {
    let one = |command: Command, lane, via: &Option<Via>, members: Value| {
        let from = (ip(via), platform::of(via.as_ref()));
        vec![(command, delivery(record, 0, command, lane, from, members))]
    };
    match (record.event, outcome) {
        (Event::ConversationRead(event), Outcome::Read { until, unread_total }) => {
            let members = json!({
                "Report_Account": event.reader, "Peer_Account": event.peer, "LastReadTime": until / 1000,
                "UnreadMsgNum": unread_total,
            });
            one(Command::AfterReport, Lane::of([&event.peer, &event.reader]), &event.via, members)
        }
        (Event::MessageRecalled(event), Outcome::Recalled { unread_total }) => {
            let members = json!({
                "From_Account": event.from, "To_Account": event.to, "MsgKey": event.key.to_string(),
                "UnreadMsgNum": unread_total,
            });
            one(Command::AfterWithdraw, Lane::of([&event.from, &event.to]), &event.via, members)
        }
        (Event::FriendChanged(event), Outcome::Related { added, pairs }) => {
            let command = if *added { Command::FriendAdd } else { Command::FriendDelete };
            let members = if *added { befriended(event, pairs) } else { json!({ "PairList": pair_list(pairs) }) };
            one(command, Lane::of([&event.owner]), &event.via, members)
        }
        (Event::BlacklistChanged(event), Outcome::Related { added, pairs }) => {
            let command = if *added { Command::BlackListAdd } else { Command::BlackListDelete };
            let members = json!({ "PairList": pair_list(pairs) });
            one(command, Lane::of([&event.owner]), &event.via, members)
        }
        (Event::ProfileChanged(event), Outcome::Applied) => {
            let items: Vec<Value> = event.items.iter().map(profile_item).collect();
            let account = &record.envelope.account;
            let members = json!({ "From_Account": account, "ProfileItem": items });
            one(Command::PortraitSet, Lane::of([account]), &event.via, members)
        }
        _ => state_changes(record, outcome).into_iter().map(|one| (Command::StateChange, one)).collect(),
    }
}

/// A callback of a record, with what it asks for in its query: the client's address and the platform.
pub(super) fn delivery(
    record: &Joined<'_>,
    number: usize,
    command: Command,
    lane: Lane,
    (client_ip, platform): (&str, &str),
    mut members: Value,
) -> Delivery<Callback> {
    members["CallbackCommand"] = command.name().into();
    members["EventTime"] = record.envelope.time.into();
    let callback = Callback {
        command: command.name().to_owned(),
        client_ip: client_ip.to_owned(),
        platform: platform.to_owned(),
        body: RawJson::from_checked(members.to_string()),
    };
    record.delivery(number, lane, callback)
}

/// The address of whoever asked, if it is known.
fn ip(via: &Option<Via>) -> &str {
    via.as_ref().and_then(|via| via.ip.as_deref()).unwrap_or_default()
}

fn befriended(event: &FriendChanged, pairs: &[(Account, Account)]) -> Value {
    // Whoever accepts was asked by the other.
    let accepts = event.action == FriendAction::Accept;
    let initiator = if accepts { &event.peer } else { &event.owner };
    let mut list = pair_list(pairs);
    list.iter_mut().for_each(|pair| pair["Initiator_Account"] = json!(initiator));
    json!({
        "PairList": list,
        "ClientCmd": if accepts { "friend_response" } else { "friend_add" },
        "Admin_Account": event.via.as_ref().and_then(|via| via.operator.as_ref()).map_or("", Account::as_str),
        "ForceFlag": u8::from(event.forced),
    })
}

fn pair_list(pairs: &[(Account, Account)]) -> Vec<Value> {
    pairs.iter().map(|(from, to)| json!({ "From_Account": from, "To_Account": to })).collect()
}

fn profile_item(item: &ProfileItem) -> Value {
    json!({ "Tag": item.tag, "Value": item.value })
}
