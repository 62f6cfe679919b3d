use duolog_topics::{
    BroadcastIssued, ConversationCleared, ConversationDeleted, ConversationRead, MessageArrived, MessageContent,
    MessageDeleted, MessageFlags, MessageModified, MessageRecalled, MessageReceipted, MessageSent, MsgKey, Origin,
    Platform, RawJson, SenderCopy,
};

use super::{Sample, TIME, account, back_end, carried, client, owned};

const TEXT: &str = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}]"#;
const CUSTOM: &str = r#"[ {"MsgType":"TIMTextElem","MsgContent":{"Text":"gr\u00fc\u00dfe 👋"}},
  {"MsgType":"TIMCustomElem","MsgContent":{"Data":"{\"order\":17}","Desc":"an order","Ext":"","Sound":"a.caf"},"Later":1.50}]"#;
const PUSH: &str = r#"{"PushFlag":0,"Desc":"a message","ApnsInfo":{"BadgeMode":1},"Later":true}"#;

const KEY: MsgKey = MsgKey { seq: 93_847_636, random: 1_287_657, time: TIME / 1000 };
const NEXT: MsgKey = MsgKey { seq: u32::MAX, random: u32::MAX, time: TIME / 1000 + 1 };

fn plain() -> MessageContent {
    MessageContent {
        body: RawJson::from_checked(TEXT),
        custom: None,
        msg_seq: KEY.seq,
        random: KEY.random,
        flags: MessageFlags::default(),
        origin: Origin::Server,
        life: None,
        push: None,
        platform: None,
        ip: None,
    }
}

fn full() -> MessageContent {
    MessageContent {
        body: RawJson::from_checked(CUSTOM),
        custom: Some("{\"tenant\":3}".into()),
        msg_seq: NEXT.seq,
        random: NEXT.random,
        flags: MessageFlags {
            online_only: true,
            no_unread: true,
            no_last_message: true,
            receipt_wanted: true,
            mute_notifications: true,
            forbid_before_callback: false,
            forbid_after_callback: true,
            by_admin: true,
        },
        origin: Origin::Client,
        life: Some(86_400),
        push: Some(RawJson::from_checked(PUSH)),
        platform: Some(Platform::Iphone),
        ip: Some("192.0.2.7".into()),
    }
}

/// Sent by a back end that wants to hear nothing of it.
fn unheard() -> MessageContent {
    let flags = MessageFlags { forbid_before_callback: true, forbid_after_callback: true, ..MessageFlags::default() };
    MessageContent { flags, origin: Origin::Server, ..plain() }
}

pub fn sent() -> Vec<Sample> {
    let least = MessageSent {
        receivers: vec![account("bob")],
        content: plain(),
        seq_given: false,
        request_hash: 0,
        imported_time: None,
        sender_copy: SenderCopy::Full,
        operator: None,
        session: None,
    };
    let client = MessageSent {
        content: full(),
        seq_given: true,
        request_hash: u64::MAX,
        sender_copy: SenderCopy::None,
        session: Some("s2".into()),
        ..least.clone()
    };
    let batch = MessageSent {
        receivers: ["bob", "carol", "dave"].map(account).into(),
        content: MessageContent { origin: Origin::Batch, ..plain() },
        operator: Some(account("administrator")),
        ..least.clone()
    };
    let imported = MessageSent {
        content: MessageContent { origin: Origin::Import, ..plain() },
        imported_time: Some(1_557_387_418_000),
        sender_copy: SenderCopy::History,
        ..batch.clone()
    };
    let unheard = MessageSent { content: unheard(), ..least.clone() };
    [least, client, batch, imported, unheard].map(|event| owned("alice", event)).into()
}

pub fn arrived() -> Vec<Sample> {
    let least = MessageArrived {
        from: account("alice"),
        receivers: vec![account("bob")],
        content: plain(),
        message_time: TIME - 9,
    };
    let many = MessageArrived { receivers: ["bob", "carol"].map(account).into(), content: full(), ..least.clone() };
    let unheard = MessageArrived { content: unheard(), ..least.clone() };
    [least, many, unheard].map(|event| carried("bob", event)).into()
}

pub fn recalled() -> Vec<Sample> {
    let (from, to) = (account("alice"), account("bob"));
    let own = MessageRecalled { by: from.clone(), from, to, key: KEY, by_operator: false, via: None };
    let operator = MessageRecalled { by: account("administrator"), key: NEXT, by_operator: true, ..own.clone() };
    let by_client = MessageRecalled { via: client(), ..own.clone() };
    let by_back_end = MessageRecalled { via: back_end(), ..operator.clone() };
    vec![owned("alice", own), carried("bob", operator), owned("alice", by_client), owned("alice", by_back_end)]
}

pub fn modified() -> Vec<Sample> {
    let (from, to) = (account("alice"), account("bob"));
    let custom = Some("{}".to_owned());
    let own = MessageModified { by: from.clone(), from, to, key: KEY, by_operator: false, body: None, custom };
    let operator = MessageModified {
        by: account("administrator"),
        key: NEXT,
        by_operator: true,
        body: Some(RawJson::from_checked(CUSTOM)),
        custom: Some("{\"edited\":1}".to_owned()),
        ..own.clone()
    };
    vec![owned("alice", own), carried("bob", operator)]
}

pub fn deleted() -> Vec<Sample> {
    [vec![KEY], vec![KEY, NEXT]].map(|keys| owned("alice", MessageDeleted { peer: account("bob"), keys })).into()
}

pub fn receipted() -> Vec<Sample> {
    let event = |keys| MessageReceipted { reader: account("bob"), sender: account("alice"), keys };
    vec![owned("bob", event(vec![KEY])), carried("alice", event(vec![KEY, NEXT]))]
}

pub fn conversation_read() -> Vec<Sample> {
    let event = |until| ConversationRead { reader: account("bob"), peer: account("alice"), until, via: None };
    let by_client = ConversationRead { via: client(), ..event(None) };
    let by_back_end = ConversationRead { via: back_end(), ..event(Some(TIME)) };
    vec![
        owned("bob", event(None)),
        carried("alice", event(Some(TIME))),
        owned("bob", by_client),
        owned("bob", by_back_end),
    ]
}

pub fn conversation_deleted() -> Vec<Sample> {
    let event = |clear_history| ConversationDeleted { peer: account("bob"), clear_history };
    [false, true].map(|clear| owned("alice", event(clear))).into()
}

pub fn conversation_cleared() -> Vec<Sample> {
    ["bob", "carol"].map(|peer| owned("alice", ConversationCleared { peer: account(peer) })).into()
}

pub fn broadcast_issued() -> Vec<Sample> {
    let event = |content, message_time| BroadcastIssued {
        task_id: "task-1".into(),
        from: account("administrator"),
        content,
        message_time,
    };
    let mut samples: Vec<Sample> = [plain(), full()].map(|content| owned("administrator", event(content, None))).into();
    samples.push(carried("@duolog", event(plain(), Some(TIME - 9))));
    samples.push(owned("administrator", event(unheard(), None)));
    samples
}
