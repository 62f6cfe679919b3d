use duolog_topics::{
    Account, AccountDeleted, AccountImported, AccountKicked, AppStateSet, BlacklistChanged, BroadcastIssued,
    ClientCursor, CloseReason, ConversationCleared, ConversationDeleted, ConversationRead, CursorAdvance,
    CursorsAdvanced, Event, FriendAction, FriendChanged, FriendGroupChanged, MessageContent, MessageDeleted,
    MessageFlags, MessageModified, MessageRecalled, MessageReceipted, MessageSent, MsgKey, MuteChanged, Origin,
    Platform, ProfileChanged, ProfileItem, PushProvider, PushTokenSet, RawJson, SenderCopy, SessionClosed, SessionEnd,
    SessionOpened, TagValue,
};

use super::world::{World, system};
use crate::explore::Dice;

type Asked = (Account, Event);
type Draw = fn(&mut World, &mut Dice) -> Option<Asked>;

const DRAWS: &[(usize, Draw)] = &[
    (40, message),
    (4, import),
    (6, recall),
    (4, modify),
    (3, receipt),
    (9, read),
    (4, delete_messages),
    (3, delete_conversation),
    (3, clear),
    (8, login),
    (3, logout),
    (4, cursor),
    (8, block),
    (12, friend),
    (1, delete_account),
    (2, import_account),
    (1, kick),
    (1, mute),
    (2, profile),
    (1, friend_group),
    (1, push_token),
    (1, app_state),
    (3, broadcast),
];

impl World {
    pub fn request(&mut self, dice: &mut Dice) {
        let draw = dice.weighted(DRAWS);
        if let Some((account, event)) = draw(self, dice) {
            self.submit(&account, event, dice);
        }
    }

    fn someone(&self, dice: &mut Dice) -> Account {
        dice.pick(&self.people).clone()
    }
}

fn content(world: &mut World, dice: &mut Dice, origin: Origin) -> MessageContent {
    world.randoms += 1;
    MessageContent {
        body: RawJson::from_checked(format!("[{}]", world.randoms)),
        custom: dice.percent(10).then(|| "custom".to_owned()),
        msg_seq: dice.below(3) as u32,
        random: world.randoms,
        flags: MessageFlags {
            online_only: dice.percent(5),
            no_unread: dice.percent(10),
            no_last_message: dice.percent(10),
            by_admin: dice.percent(5),
            ..MessageFlags::default()
        },
        origin,
        life: dice.percent(10).then(|| dice.below(3_000) as u32),
        push: None,
        platform: None,
        ip: None,
    }
}

fn message(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let from = world.someone(dice);
    let origin = *dice.pick(&[Origin::Client, Origin::Client, Origin::Server, Origin::Batch]);
    let mut receivers = vec![world.someone(dice)];
    while origin != Origin::Client && dice.percent(40) {
        receivers.push(world.someone(dice));
    }
    receivers.sort();
    receivers.dedup();
    if dice.percent(2) {
        receivers.push(Account::new("nobody").unwrap());
    }
    let sender_copy = match origin {
        Origin::Client => SenderCopy::Full,
        _ => *dice.pick(&[SenderCopy::Full, SenderCopy::History, SenderCopy::None]),
    };
    let event = MessageSent {
        receivers,
        content: content(world, dice, origin),
        seq_given: dice.percent(50),
        request_hash: dice.next(),
        imported_time: None,
        sender_copy,
        operator: None,
        session: None,
    };
    Some((from, event.into()))
}

fn import(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let from = world.someone(dice);
    let clock = world.homes[world.home_of(&from) as usize].clock;
    let event = MessageSent {
        receivers: vec![world.someone(dice)],
        content: MessageContent { life: None, ..content(world, dice, Origin::Import) },
        seq_given: true,
        request_hash: dice.next(),
        imported_time: Some((clock - dice.next() % 100_000).next_multiple_of(1_000)),
        sender_copy: SenderCopy::History,
        operator: None,
        session: None,
    };
    Some((from, event.into()))
}

/// A message that was applied, most likely one of the last.
fn known(world: &World, dice: &mut Dice) -> Option<(Account, Account, MsgKey, u64)> {
    let count = world.messages.len();
    let near = if dice.percent(70) { count.min(10) } else { count };
    (count > 0).then(|| {
        let message = &world.messages[count - 1 - dice.below(near)];
        (message.from.clone(), message.to.clone(), message.sent.key, message.sent.time)
    })
}

fn recall(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let (from, to, key, _) = known(world, dice)?;
    let by_operator = dice.percent(40);
    let by = if by_operator { world.someone(dice) } else { from.clone() };
    Some((from.clone(), MessageRecalled { from, to, key, by, by_operator, via: None }.into()))
}

fn modify(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let (from, to, key, _) = known(world, dice)?;
    let by_operator = dice.percent(40);
    let by = if by_operator { world.someone(dice) } else { from.clone() };
    let body = dice.percent(80).then(|| RawJson::from_checked(format!("[\"changed {}\"]", dice.below(100))));
    let custom = dice.percent(30).then(|| "changed".to_owned());
    Some((from.clone(), MessageModified { from, to, key, by, by_operator, body, custom }.into()))
}

fn receipt(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let (sender, reader, key, _) = known(world, dice)?;
    Some((reader.clone(), MessageReceipted { reader, sender, keys: vec![key] }.into()))
}

fn read(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let (peer, reader, _, time) = known(world, dice)?;
    let until = dice.percent(70).then_some(time);
    Some((reader.clone(), ConversationRead { reader, peer, until, via: None }.into()))
}

fn delete_messages(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let (from, to, key, _) = known(world, dice)?;
    let (account, peer) = if dice.percent(50) { (from, to) } else { (to, from) };
    let mut keys = vec![key];
    if let Some((_, _, other, _)) = known(world, dice).filter(|(_, _, other, _)| *other != key) {
        keys.push(other);
    }
    Some((account, MessageDeleted { peer, keys }.into()))
}

fn delete_conversation(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let event = ConversationDeleted { peer: world.someone(dice), clear_history: dice.percent(40) };
    Some((world.someone(dice), event.into()))
}

fn clear(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    Some((world.someone(dice), ConversationCleared { peer: world.someone(dice) }.into()))
}

fn login(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let account = world.someone(dice);
    let held = world.logins.iter().rev().filter(|login| login.account == account).nth(dice.below(3)).cloned();
    let resumed = held.clone().filter(|_| dice.percent(50));
    let device = match &resumed {
        Some(login) if dice.percent(90) => login.device.clone(),
        _ => format!("device{}", dice.below(5)),
    };
    let cursor = held.filter(|_| dice.percent(40)).map(|login| ClientCursor {
        timeline: login.opened.timeline,
        sequence: login.opened.cursor + dice.below(1 + (login.opened.head - login.opened.cursor) as usize) as u64,
    });
    let event = SessionOpened {
        session: format!("session{:x}", dice.next()),
        device,
        platform: *dice.pick(&[Platform::Web, Platform::Android, Platform::Iphone, Platform::Mac]),
        signed_at: dice.below(20) as u64,
        resumes: resumed.map(|login| login.session),
        cursor,
        ip: None,
    };
    Some((account, event.into()))
}

fn logout(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    if world.logins.is_empty() {
        return None;
    }
    let login = dice.pick(&world.logins).clone();
    let reason = *dice.pick(&[CloseReason::Logout, CloseReason::LinkLost]);
    let end = SessionEnd { account: login.account.clone(), session: login.session, reason, ip: None };
    Some((login.account, SessionClosed { sessions: vec![end] }.into()))
}

fn cursor(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    if world.logins.is_empty() {
        return None;
    }
    let login = dice.pick(&world.logins).clone();
    let sequence = login.opened.cursor + dice.below(30) as u64;
    let advance = CursorAdvance { account: login.account.clone(), device: login.device, sequence };
    Some((login.account, CursorsAdvanced { cursors: vec![advance] }.into()))
}

fn block(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let owner = world.someone(dice);
    let mut peers = vec![world.someone(dice), world.someone(dice)];
    peers.dedup();
    let event = BlacklistChanged { owner: owner.clone(), peers, blocked: dice.percent(50), decided: None, via: None };
    Some((owner, event.into()))
}

fn friend(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let owner = world.someone(dice);
    let action = *dice.pick(&[
        FriendAction::Add,
        FriendAction::Add,
        FriendAction::Request,
        FriendAction::Accept,
        FriendAction::Refuse,
        FriendAction::Remove,
        FriendAction::Update,
    ]);
    let event = FriendChanged {
        owner: owner.clone(),
        peer: world.someone(dice),
        action,
        both: action != FriendAction::Update && dice.percent(60),
        forced: dice.percent(50),
        remark: dice.percent(30).then(|| format!("remark{}", dice.below(9))),
        groups: dice.percent(30).then(|| vec!["group".to_owned()]),
        source: None,
        wording: None,
        custom: None,
        decided: None,
        via: None,
    };
    Some((owner, event.into()))
}

/// Only one of the people comes and goes: the others keep what the oracle looks at.
fn delete_account(world: &mut World, _: &mut Dice) -> Option<Asked> {
    Some((world.passing().clone(), AccountDeleted {}.into()))
}

fn import_account(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let nick = dice.percent(50).then(|| "nick".to_owned());
    Some((world.passing().clone(), AccountImported { nick, face_url: None }.into()))
}

fn kick(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    Some((world.someone(dice), AccountKicked { not_before: dice.below(10) as u64 }.into()))
}

fn mute(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let c2c_until = Some(if dice.percent(50) { 0 } else { world.homes[0].clock + 50 });
    Some((world.someone(dice), MuteChanged { c2c_until, group_until: None }.into()))
}

fn profile(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let level = ("Tag_Profile_IM_Level", TagValue::Number(dice.below(100) as u64));
    let allows = dice.pick(&["AllowType_Type_NeedConfirm", "AllowType_Type_AllowAny", "AllowType_Type_DenyAny"]);
    let allows = ("Tag_Profile_IM_AllowType", TagValue::Text((*allows).to_owned()));
    let items = [level, allows].map(|(tag, value)| ProfileItem { tag: tag.to_owned(), value }).to_vec();
    Some((world.someone(dice), ProfileChanged { items, via: None }.into()))
}

fn friend_group(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let groups = vec![format!("group{}", dice.below(3))];
    Some((world.someone(dice), FriendGroupChanged { groups, added: dice.percent(60) }.into()))
}

fn push_token(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let event = PushTokenSet {
        device: format!("device{}", dice.below(5)),
        platform: Platform::Iphone,
        provider: PushProvider::Apns,
        token: if dice.percent(70) { "token".to_owned() } else { String::new() },
        sound: None,
        environment: None,
        topic: None,
        enabled: true,
        replaces: dice.percent(30).then(|| "token".to_owned()),
    };
    Some((world.someone(dice), event.into()))
}

fn app_state(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let event = AppStateSet {
        device: format!("device{}", dice.below(5)),
        background: dice.percent(50),
        badge: dice.percent(50).then_some(3),
    };
    Some((world.someone(dice), event.into()))
}

fn broadcast(world: &mut World, dice: &mut Dice) -> Option<Asked> {
    let from = world.someone(dice);
    let mut content = content(world, dice, Origin::Server);
    content.flags.online_only = false;
    content.life = dice.percent(70).then(|| 1 + dice.below(200_000) as u32);
    let task_id = format!("task{:x}", dice.next());
    Some((system(), BroadcastIssued { task_id, from, content, message_time: None }.into()))
}
