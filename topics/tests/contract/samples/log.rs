use duolog_topics::{
    BlacklistAnswer, ConsumerAdvance, ConsumersAdvanced, DeadLetter, FoldVersion, LogOpened, LogRestored, LoginPolicy,
    OwnerChanged, PolicyChanged, RawJson, Tick,
};

use super::{LOG, Sample, owned};

/// Records of a whole partition are written under a name that has its home there; which one is the owner's choice.
const ANY: &str = "administrator";

pub fn opened() -> Vec<Sample> {
    let event = LogOpened { log_id: LOG, generation: 0, partitions: 1, format: 1 };
    vec![owned(ANY, event.clone()), owned(ANY, LogOpened { generation: 1, partitions: 32, ..event })]
}

pub fn restored() -> Vec<Sample> {
    [1, 2].map(|count| owned(ANY, LogRestored { count })).into()
}

pub fn owner_changed() -> Vec<Sample> {
    let event = OwnerChanged { log_id: LOG, generation: 0, partitions: 1, epoch: 1, node: "duolog-0".into() };
    let later = OwnerChanged { generation: 1, partitions: 32, epoch: 1 << 40, node: "duolog-1".into(), ..event };
    vec![owned(ANY, event), owned(ANY, later)]
}

pub fn fold_version() -> Vec<Sample> {
    [1, 2].map(|n| owned(ANY, FoldVersion { n })).into()
}

pub fn policy_changed() -> Vec<Sample> {
    let other = PolicyChanged {
        revision: 7,
        login: LoginPolicy::Triple,
        web_instances: 10,
        other_instances: 3,
        friend_check: true,
        blacklist_answer: BlacklistAnswer::Error,
        offline_days: 14,
        offline_messages: 5_000,
        roaming_days: 365,
        recent_contacts: 500,
        recall_seconds: 3_600,
        dedup_seconds: 60,
        dedup_client_seconds: 86_400,
        devices: 5,
    };
    vec![owned(ANY, PolicyChanged::default()), owned(ANY, other)]
}

pub fn tick() -> Vec<Sample> {
    vec![owned(ANY, Tick {}), owned("bob", Tick {})]
}

pub fn consumers_advanced() -> Vec<Sample> {
    let off = ConsumerAdvance { consumer: "push".into(), position: None, waiting: vec![] };
    let at = ConsumerAdvance { consumer: "callback".into(), position: Some(4_711), waiting: vec![] };
    let behind = ConsumerAdvance { waiting: vec![17, 4_000], ..at.clone() };
    vec![
        owned(ANY, ConsumersAdvanced { consumers: vec![off.clone()] }),
        owned(ANY, ConsumersAdvanced { consumers: vec![at, off] }),
        owned(ANY, ConsumersAdvanced { consumers: vec![behind] }),
    ]
}

pub fn dead_letter() -> Vec<Sample> {
    let letter = DeadLetter {
        consumer: "callback.default".into(),
        delivery: "0190b0c4-8f3a-7000-8000-000000000001-0".into(),
        generation: 0,
        partition: 0,
        offset: 4_711,
        reason: "the receiver answered 500".into(),
        tries: 30,
        payload: RawJson::from_checked(r#"{"CallbackCommand":"C2C.CallbackAfterSendMsg"}"#),
    };
    let other = DeadLetter { consumer: "push".into(), partition: 31, tries: 1, ..letter.clone() };
    vec![owned("bob", letter), owned("alice", other)]
}
