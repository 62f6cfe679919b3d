use duolog_topics::{
    Account, AccountDeleted, AccountImported, AccountKicked, BlacklistChanged, CloseReason, ConversationCleared,
    ConversationDeleted, ConversationRead, CursorAdvance, CursorsAdvanced, Event, FriendAction, FriendChanged,
    LoginPolicy, MessageContent, MessageDeleted, MessageFlags, MessageModified, MessageRecalled, MessageReceipted,
    MessageSent, Millis, Origin, Platform, PolicyChanged, ProfileChanged, ProfileItem, RawJson, SenderCopy,
    SessionClosed, SessionEnd, SessionOpened, TagValue, Tick,
};
use proptest::prelude::*;

use super::live::{Live, name};
use crate::domain::rows::DAY;

/// What happens next; numbers choose among what there is when it happens.
#[derive(Clone, Debug)]
pub enum Op {
    Wait(Millis),
    Compact(u8),
    /// The histories become as an earlier version of the program has written them.
    Earlier,
    NewOwner,
    Tick,
    Policy {
        roaming: u32,
        offline: u32,
        messages: u32,
        recents: u32,
    },
    Import {
        who: u8,
        nick: Option<u8>,
    },
    Delete {
        who: u8,
    },
    Kick {
        who: u8,
    },
    Profile {
        who: u8,
        value: u8,
    },
    Send {
        from: u8,
        to: u8,
        random: u32,
        origin: Origin,
        copy: SenderCopy,
        bits: u8,
        back: Millis,
    },
    Recall {
        nth: usize,
        by_operator: bool,
    },
    Modify {
        nth: usize,
        custom: u8,
    },
    Receipt {
        nth: usize,
    },
    DeleteMessage {
        nth: usize,
        theirs: bool,
    },
    Read {
        nth: usize,
        theirs: bool,
    },
    ReadAll {
        who: u8,
        peer: u8,
    },
    LeaveRecents {
        who: u8,
        peer: u8,
        clear: bool,
    },
    Clear {
        who: u8,
        peer: u8,
    },
    Block {
        who: u8,
        peer: u8,
        blocked: bool,
    },
    Friend {
        who: u8,
        peer: u8,
        action: FriendAction,
        both: bool,
    },
    Open {
        who: u8,
        device: u8,
        resumes: bool,
    },
    Close {
        who: u8,
        device: u8,
        logout: bool,
    },
    Cursor {
        who: u8,
        device: u8,
        sequence: u64,
    },
}

/// Up to 120 of them, after two accounts were made.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..250).prop_map(|mut ops| {
        ops.splice(0..0, [0, 1].map(|who| Op::Import { who, nick: None }));
        ops
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![12 => messages(), 4 => mailbox(), 5 => passing(), 4 => people()]
}

fn passing() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..3 * DAY).prop_map(Op::Wait),
        3 => any::<u8>().prop_map(Op::Compact),
        1 => Just(Op::Tick),
        1 => Just(Op::NewOwner),
        1 => Just(Op::Earlier),
        1 => (1u32..4, 1u32..4, 1u32..9, 1u32..4).prop_map(|(roaming, offline, messages, recents)| {
            Op::Policy { roaming, offline, messages, recents }
        }),
    ]
}

fn messages() -> impl Strategy<Value = Op> {
    let origin = prop_oneof![4 => Just(Origin::Client), 1 => Just(Origin::Server), 3 => Just(Origin::Import)];
    let copy = prop_oneof![5 => Just(SenderCopy::Full), 1 => Just(SenderCopy::History), 1 => Just(SenderCopy::None)];
    let send = (0u8..4, 0u8..4, 0u32..20, origin, copy, any::<u8>(), 0..3 * DAY);
    prop_oneof![
        5 => send.prop_map(|(from, to, random, origin, copy, bits, back)| {
            Op::Send { from, to, random, origin, copy, bits, back }
        }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(nth, by_operator)| Op::Recall { nth, by_operator }),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(nth, custom)| Op::Modify { nth, custom }),
        1 => any::<usize>().prop_map(|nth| Op::Receipt { nth }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(nth, theirs)| Op::DeleteMessage { nth, theirs }),
    ]
}

fn mailbox() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (any::<usize>(), any::<bool>()).prop_map(|(nth, theirs)| Op::Read { nth, theirs }),
        1 => (0u8..4, 0u8..4).prop_map(|(who, peer)| Op::ReadAll { who, peer }),
        1 => (0u8..4, 0u8..4, any::<bool>()).prop_map(|(who, peer, clear)| Op::LeaveRecents { who, peer, clear }),
        1 => (0u8..4, 0u8..4).prop_map(|(who, peer)| Op::Clear { who, peer }),
        1 => (0u8..4, 0u8..3, 0u64..30).prop_map(|(who, device, sequence)| Op::Cursor { who, device, sequence }),
    ]
}

fn people() -> impl Strategy<Value = Op> {
    let actions =
        [FriendAction::Add, FriendAction::Remove, FriendAction::Update, FriendAction::Request, FriendAction::Accept];
    let action = prop::sample::select(actions.to_vec());
    prop_oneof![
        4 => (0u8..4, any::<Option<u8>>()).prop_map(|(who, nick)| Op::Import { who, nick }),
        1 => (0u8..4).prop_map(|who| Op::Delete { who }),
        1 => (0u8..4).prop_map(|who| Op::Kick { who }),
        1 => (0u8..4, any::<u8>()).prop_map(|(who, value)| Op::Profile { who, value }),
        2 => (0u8..4, 0u8..4, any::<bool>()).prop_map(|(who, peer, blocked)| Op::Block { who, peer, blocked }),
        2 => (0u8..4, 0u8..4, action, any::<bool>()).prop_map(|(who, peer, action, both)| {
            Op::Friend { who, peer, action, both }
        }),
        3 => (0u8..4, 0u8..3, any::<bool>()).prop_map(|(who, device, resumes)| Op::Open { who, device, resumes }),
        1 => (0u8..4, 0u8..3, any::<bool>()).prop_map(|(who, device, logout)| Op::Close { who, device, logout }),
    ]
}

impl Op {
    /// The record that it makes, if there is what it is about.
    pub fn event(&self, live: &mut Live) -> Option<(Account, Event)> {
        let known = |nth: usize| nth.checked_rem(live.sent.len()).map(|nth| &live.sent[nth]);
        Some(match self.clone() {
            Op::Wait(_) | Op::Compact(_) | Op::NewOwner => return None,
            Op::Tick => (name(0), Tick {}.into()),
            Op::Policy { roaming, offline, messages, recents } => {
                live.revision += 1;
                (name(0), policy(live.revision, roaming, offline, messages, recents).into())
            }
            Op::Import { who, nick } => {
                (name(who), AccountImported { nick: nick.map(|nick| nick.to_string()), face_url: None }.into())
            }
            Op::Delete { who } => (name(who), AccountDeleted {}.into()),
            Op::Kick { who } => (name(who), AccountKicked { not_before: live.time / 1000 }.into()),
            Op::Profile { who, value } => {
                let item =
                    ProfileItem { tag: "Tag_Profile_IM_Level".to_owned(), value: TagValue::Number(value.into()) };
                (name(who), ProfileChanged { items: vec![item], via: None }.into())
            }
            Op::Send { from, .. } => (name(from), self.message(live.time)?.into()),
            Op::Recall { nth, by_operator } => {
                let known = known(nth)?;
                let (from, to, by) = (known.from.clone(), known.to.clone(), known.from.clone());
                (from.clone(), MessageRecalled { from, to, key: known.key, by, by_operator, via: None }.into())
            }
            Op::Modify { nth, custom } => {
                let known = known(nth)?;
                let (from, to, by) = (known.from.clone(), known.to.clone(), known.from.clone());
                let (key, custom) = (known.key, Some(custom.to_string()));
                let modified = MessageModified { from, to, key, by, by_operator: false, body: None, custom };
                (known.from.clone(), modified.into())
            }
            Op::Receipt { nth } => {
                let known = known(nth)?;
                let (reader, sender) = (known.to.clone(), known.from.clone());
                (reader.clone(), MessageReceipted { reader, sender, keys: vec![known.key] }.into())
            }
            Op::DeleteMessage { nth, theirs } => {
                let known = known(nth)?;
                let (who, peer) = if theirs { (&known.to, &known.from) } else { (&known.from, &known.to) };
                (who.clone(), MessageDeleted { peer: peer.clone(), keys: vec![known.key] }.into())
            }
            Op::Read { nth, theirs } => {
                let known = known(nth)?;
                let (reader, peer) = if theirs { (&known.from, &known.to) } else { (&known.to, &known.from) };
                let read =
                    ConversationRead { reader: reader.clone(), peer: peer.clone(), until: Some(known.time), via: None };
                (reader.clone(), read.into())
            }
            Op::ReadAll { who, peer } => {
                (name(who), ConversationRead { reader: name(who), peer: name(peer), until: None, via: None }.into())
            }
            Op::LeaveRecents { who, peer, clear } => {
                (name(who), ConversationDeleted { peer: name(peer), clear_history: clear }.into())
            }
            Op::Clear { who, peer } => (name(who), ConversationCleared { peer: name(peer) }.into()),
            other => other.relation_or_session(live)?,
        })
    }

    fn relation_or_session(&self, live: &Live) -> Option<(Account, Event)> {
        let session = |who: u8, device: u8| format!("{who}-{device}");
        Some(match *self {
            Op::Block { who, peer, blocked } => {
                let (owner, peers) = (name(who), vec![name(peer)]);
                (name(who), BlacklistChanged { owner, peers, blocked, decided: None, via: None }.into())
            }
            Op::Friend { who, peer, action, both } => {
                let (owner, peer) = (name(who), name(peer));
                let change = FriendChanged {
                    owner,
                    peer,
                    action,
                    both,
                    forced: true,
                    remark: None,
                    groups: None,
                    source: None,
                    wording: None,
                    custom: None,
                    decided: None,
                    via: None,
                };
                (name(who), change.into())
            }
            Op::Open { who, device, resumes } => {
                let opened = SessionOpened {
                    session: session(who, device),
                    device: device.to_string(),
                    platform: [Platform::Web, Platform::Android, Platform::Mac][usize::from(device % 3)],
                    signed_at: live.time / 1000,
                    resumes: resumes.then(|| session(who, device)),
                    cursor: None,
                    ip: None,
                };
                (name(who), opened.into())
            }
            Op::Close { who, device, logout } => {
                let reason = if logout { CloseReason::Logout } else { CloseReason::LinkLost };
                let end = SessionEnd { account: name(who), session: session(who, device), reason, ip: None };
                (name(who), SessionClosed { sessions: vec![end] }.into())
            }
            Op::Cursor { who, device, sequence } => {
                let advance = CursorAdvance { account: name(who), device: device.to_string(), sequence };
                (name(who), CursorsAdvanced { cursors: vec![advance] }.into())
            }
            _ => return None,
        })
    }

    fn message(&self, now: Millis) -> Option<MessageSent> {
        let Op::Send { to, random, origin, copy, bits, back, .. } = *self else { return None };
        let set = |bit: u8| bits & (1 << bit) != 0;
        // Rarer than half: the plain message is the common one.
        let flags = MessageFlags {
            online_only: set(0) && set(1) && set(2),
            no_unread: set(3) && set(4),
            no_last_message: set(5) && set(6),
            ..MessageFlags::default()
        };
        let content = MessageContent {
            body: RawJson::from_checked("[]"),
            custom: Some(random.to_string()),
            msg_seq: 1,
            random,
            flags,
            origin,
            life: set(7).then_some(60),
            push: None,
            platform: None,
            ip: None,
        };
        Some(MessageSent {
            receivers: vec![name(to)],
            content,
            seq_given: true,
            request_hash: random.into(),
            imported_time: (origin == Origin::Import).then(|| now - back),
            sender_copy: copy,
            operator: None,
            session: None,
        })
    }
}

fn policy(revision: u64, roaming: u32, offline: u32, messages: u32, recents: u32) -> PolicyChanged {
    PolicyChanged {
        revision,
        login: LoginPolicy::Dual,
        roaming_days: roaming,
        offline_days: offline,
        offline_messages: messages,
        recent_contacts: recents,
        ..PolicyChanged::default()
    }
}
