use duolog_topics::{
    AccountDeleted, AccountImported, AccountKicked, AppStateSet, MuteChanged, Platform, ProfileChanged, ProfileItem,
    PushProvider, PushTokenSet, TagValue,
};

use super::{Sample, TIME, back_end, client, owned};

pub fn imported() -> Vec<Sample> {
    let nick = Some("Alice ☕".into());
    let face_url = Some("https://example.com/alice.png".into());
    vec![
        owned("alice", AccountImported { nick: None, face_url: None }),
        owned("alice", AccountImported { nick, face_url }),
    ]
}

pub fn deleted() -> Vec<Sample> {
    ["alice", "bob"].map(|name| owned(name, AccountDeleted {})).into()
}

pub fn kicked() -> Vec<Sample> {
    [0, TIME / 1000 + 1].map(|not_before| owned("alice", AccountKicked { not_before })).into()
}

pub fn profile_changed() -> Vec<Sample> {
    let item = |tag: &str, value| ProfileItem { tag: tag.into(), value };
    let nick = item("Tag_Profile_IM_Nick", TagValue::Text("小军".into()));
    let birthday = item("Tag_Profile_IM_BirthDay", TagValue::Number(20_010_203));
    vec![
        owned("alice", ProfileChanged { items: vec![nick.clone()], via: None }),
        owned("alice", ProfileChanged { items: vec![nick.clone(), birthday], via: None }),
        owned("alice", ProfileChanged { items: vec![nick.clone()], via: client() }),
        owned("alice", ProfileChanged { items: vec![nick], via: back_end() }),
    ]
}

pub fn mute_changed() -> Vec<Sample> {
    vec![
        owned("alice", MuteChanged { c2c_until: Some(0), group_until: None }),
        owned("alice", MuteChanged { c2c_until: Some(u64::MAX), group_until: Some(TIME + 60_000) }),
    ]
}

pub fn push_token_set() -> Vec<Sample> {
    let removed = PushTokenSet {
        device: "pixel".into(),
        platform: Platform::Android,
        provider: PushProvider::Fcm,
        token: String::new(),
        sound: None,
        environment: None,
        topic: None,
        enabled: false,
        replaces: None,
    };
    let set = PushTokenSet {
        device: "iphone-15".into(),
        platform: Platform::Iphone,
        provider: PushProvider::Apns,
        token: "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".into(),
        sound: Some("chime.caf".into()),
        environment: Some("sandbox".into()),
        topic: Some("com.example.chat".into()),
        enabled: true,
        replaces: None,
    };
    let gone = PushTokenSet { replaces: Some(set.token.clone()), token: String::new(), ..set.clone() };
    vec![owned("alice", removed), owned("alice", set), owned("alice", gone)]
}

pub fn app_state_set() -> Vec<Sample> {
    let device = || "iphone-15".into();
    vec![
        owned("alice", AppStateSet { device: device(), background: false, badge: None }),
        owned("alice", AppStateSet { device: device(), background: true, badge: Some(3) }),
    ]
}
