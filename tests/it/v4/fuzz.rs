//! Any body at every command: an answer with a code, never a broken connection or another status.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::harness::{ADMIN, Server, query, reply};

/// Members that commands look for, so that bodies get past the first check.
const MEMBERS: &[&str] = &[
    "From_Account",
    "To_Account",
    "Operator_Account",
    "Peer_Account",
    "Report_Account",
    "UserID",
    "Identifier",
    "Accounts",
    "CheckItem",
    "DeleteItem",
    "MsgSeq",
    "MsgRandom",
    "MsgTimeStamp",
    "MsgBody",
    "MsgKey",
    "MsgKeyList",
    "MsgLifeTime",
    "SyncOtherMachine",
    "SyncFromOldSystem",
    "OfflinePushInfo",
    "CloudCustomData",
    "SendMsgControl",
    "MaxCnt",
    "MinTime",
    "MaxTime",
    "LastMsgKey",
    "MsgReadTime",
    "StartIndex",
    "MaxLimited",
    "LastSequence",
    "CheckType",
    "AddFriendItem",
    "AddSource",
    "UpdateItem",
    "SnsItem",
    "TagList",
    "ProfileItem",
    "Tag",
    "Value",
    "TimeStamp",
    "TopTimeStamp",
    "TopStartIndex",
    "AssistFlags",
    "Type",
    "Set_Account",
    "Get_Account",
    "C2CmsgNospeakingTime",
    "MsgType",
    "MsgContent",
];

const TEXTS: &[&str] = &[
    "fuzz",
    ADMIN,
    "",
    "é",
    "1_2_3",
    "0",
    "TIMTextElem",
    "TIMCustomElem",
    "Add_Type_Both",
    "AddSource_Type_web",
    "CheckResult_Type_Both",
    "BlackCheckResult_Type_Single",
    "Tag_Profile_IM_Nick",
    "Tag_SNS_IM_Group",
    "NoUnread",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![Just(0_i64), Just(1), Just(2), Just(-1), any::<i64>()].prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![proptest::sample::select(TEXTS).prop_map(str::to_owned), any::<String>()].prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 12, |inner| {
        let member = prop_oneof![9 => proptest::sample::select(MEMBERS).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(member, inner, 0..10).prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    })
}

fn request() -> impl Strategy<Value = Value> {
    let member = proptest::sample::select(MEMBERS).prop_map(str::to_owned);
    proptest::collection::btree_map(member, value(), 0..16).prop_map(|map| Value::from(Map::from_iter(map)))
}

fn answers(command: &str, body: &[u8]) {
    let target = format!("/v4/{command}?{}", query(ADMIN));
    // Checks what holds for every reply of the command.
    let _ = reply(command, &Server::shared().request("POST", &target, &[], body));
}

/// All but kick, whose answer waits for the next second.
fn commands() -> Vec<&'static str> {
    let rows = duolog::gateway::http::commands::ALL.iter();
    rows.map(|row| row.name()).filter(|name| *name != "im_open_login_svc/kick").collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_object_is_answered(command in proptest::sample::select(commands()), request in request()) {
        answers(command, request.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_answered(command in proptest::sample::select(commands()), body: Vec<u8>) {
        answers(command, &body);
    }

    #[test]
    fn any_target_is_answered(path in "[a-zA-Z0-9_/%.~-]{0,40}", query in "[a-zA-Z0-9_=&%*+.-]{0,80}") {
        let response = Server::shared().request("POST", &format!("/v4/{path}?{query}"), &[], b"{}");
        prop_assert_ne!(response.code(), 0);
    }
}

#[test]
fn the_server_is_well_after_all_this() {
    assert_eq!(Server::shared().call("ConfigSvc/GetIPList", &json!({}))["ErrorCode"], 0);
}
