use duolog_topics::{
    BlacklistChanged, FriendAction, FriendChanged, FriendGroupChanged, ProfileItem, RegisterStamp, TagValue,
};

use super::{Sample, TIME, account, back_end, carried, client, owned};

fn decided() -> Option<RegisterStamp> {
    Some(RegisterStamp { time: TIME - 5, partition: 2, offset: 1_234 })
}

pub fn blacklist_changed() -> Vec<Sample> {
    let event = BlacklistChanged {
        owner: account("alice"),
        peers: vec![account("bob")],
        blocked: true,
        decided: None,
        via: None,
    };
    let lifted = BlacklistChanged { blocked: false, decided: decided(), ..event.clone() };
    let by_client = BlacklistChanged { via: client(), ..event.clone() };
    let by_back_end = BlacklistChanged { via: back_end(), ..event.clone() };
    vec![owned("alice", event), carried("bob", lifted), owned("alice", by_client), owned("alice", by_back_end)]
}

pub fn friend_changed() -> Vec<Sample> {
    let removed = FriendChanged {
        owner: account("alice"),
        peer: account("bob"),
        action: FriendAction::Remove,
        both: false,
        forced: false,
        remark: None,
        groups: None,
        source: None,
        wording: None,
        custom: None,
        decided: None,
        via: None,
    };
    let asked = FriendChanged {
        action: FriendAction::Request,
        both: true,
        forced: true,
        remark: Some("Bob from the lake".into()),
        groups: Some(vec!["sailing".into(), "work".into()]),
        source: Some("AddSource_Type_Web".into()),
        wording: Some("Do you remember me?".into()),
        decided: decided(),
        ..removed.clone()
    };
    let accepted = FriendChanged {
        owner: account("bob"),
        peer: account("alice"),
        action: FriendAction::Accept,
        both: true,
        ..removed.clone()
    };
    let noted = FriendChanged {
        action: FriendAction::Update,
        custom: Some(vec![
            ProfileItem { tag: "Tag_SNS_Custom_Met".into(), value: TagValue::Text("at the lake".into()) },
            ProfileItem { tag: "Tag_SNS_Custom_Stars".into(), value: TagValue::Number(5) },
        ]),
        ..removed.clone()
    };
    let by_client = FriendChanged { via: client(), ..accepted.clone() };
    let by_back_end = FriendChanged { via: back_end(), ..removed.clone() };
    vec![
        owned("alice", removed),
        carried("bob", asked),
        owned("bob", accepted),
        owned("alice", noted),
        owned("bob", by_client),
        owned("alice", by_back_end),
    ]
}

pub fn friend_group_changed() -> Vec<Sample> {
    vec![
        owned("alice", FriendGroupChanged { groups: vec!["work".into()], added: false }),
        owned("alice", FriendGroupChanged { groups: vec!["sailing".into(), "work".into()], added: true }),
    ]
}
