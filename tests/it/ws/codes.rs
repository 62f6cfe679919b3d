//! Every code that an op says it answers, answered: the table of ops, seen from outside.

use std::collections::BTreeSet;

use duolog::gateway::auth::AppKey;
use duolog::gateway::ws::op_rows;
use duolog_topics::Account;
use serde_json::{Value, json};

use super::client::{Client, login, message};
use crate::harness::{KEY, SDKAPPID, Server, body, now, random, signature, signature_at, unused};

/// Full lists, which take thousands of calls; `v4::codes` sees them, and it is the same fold.
const ELSEWHERE: &[(&str, u32)] =
    &[("friend_add", 30010), ("friend_add", 30012), ("friend_add", 30014), ("block", 30013)];

/// A signature whose document is a list.
const NO_DOCUMENT: &str = "eJyLjgUAARUAuQ__";

#[derive(Default)]
struct Seen {
    /// (op, code); 0 where it succeeded.
    codes: BTreeSet<(String, u32)>,
    each: BTreeSet<(String, u32)>,
}

impl Seen {
    /// Asks, and checks the code, which is 0 for success.
    fn ask(&mut self, client: &mut Client, op: &str, args: Value, code: u32) -> Value {
        let mut reply = client.request(op, args.clone());
        let found = reply["error"]["code"].as_u64().unwrap_or(0);
        assert_eq!(found, u64::from(code), "{op} {args} -> {reply}");
        self.codes.insert((op.to_owned(), code));
        for result in reply["ok"]["results"].as_array().into_iter().flatten() {
            let code = result["code"].as_u64().and_then(|code| u32::try_from(code).ok()).expect("a code");
            assert_eq!(result["message"].is_string(), code != 0, "{reply}");
            self.each.insert((op.to_owned(), code));
        }
        reply["ok"].take()
    }

    fn all(&mut self, client: &mut Client, op: &str, cases: Vec<(Value, u32)>) {
        for (args, code) in cases {
            self.ask(client, op, args, code);
        }
    }
}

#[test]
fn every_op_answers_the_codes_of_the_table_and_no_others() {
    let lenient = Server::start("policy.login = 'multi'");
    let strict =
        Server::start("policy.friend_check = true\npolicy.blacklist_answer = 'error'\npolicy.recall_seconds = 0");
    let mut seen = Seen::default();
    logins(&mut seen, &strict);
    sends(&mut seen, &lenient, &strict);
    messages(&mut seen, &lenient, &strict);
    relations(&mut seen, &lenient);
    own(&mut seen, &lenient);
    for row in op_rows() {
        let of = |seen: &BTreeSet<(String, u32)>| -> BTreeSet<u32> {
            seen.iter().filter(|(op, code)| op == row.name && *code != 0).map(|(_, code)| *code).collect()
        };
        assert!(seen.codes.contains(&(row.name.to_owned(), 0)), "{} never succeeded", row.name);
        let known = |codes: &[u32]| -> BTreeSet<u32> {
            let here = codes.iter().filter(|code| !ELSEWHERE.contains(&(row.name, **code)));
            here.copied().collect()
        };
        assert_eq!(of(&seen.codes), known(row.codes), "{}", row.name);
        assert_eq!(of(&seen.each), known(row.each), "{}, in its results", row.name);
    }
}

fn wrong_signatures(account: &str) -> [(Value, u32); 7] {
    let name = Account::new(account).expect("an account name");
    let sign = |app: u64, key: &str| json!(AppKey::new(app, key).sign(&name, now(), 86_400));
    [
        (json!(signature_at(account, now() - 86_402)), 70001),
        (json!(""), 70002),
        (json!("x"), 70003),
        (json!(NO_DOCUMENT), 70005),
        (sign(SDKAPPID, "another key"), 70009),
        (json!(signature("somebody")), 70013),
        (sign(SDKAPPID + 1, KEY), 70014),
    ]
}

fn logins(seen: &mut Seen, server: &Server) {
    let [alice] = server.accounts();
    for (user_sig, code) in wrong_signatures(&alice) {
        let mut client = Client::connect(server);
        seen.ask(&mut client, "login", login(&alice, "d", json!({"user_sig": user_sig})), code);
    }
    let mut client = Client::connect(server);
    seen.ask(&mut client, "login", login(&alice, "d", json!({"platform": "palm"})), 70402);
    assert_eq!(client.code("sync", json!({"after": 0})), 20002);
    let session = seen.ask(&mut client, "login", login(&alice, "d", json!({})), 0)["session"].clone();
    client.catch_up();
    seen.ask(&mut client, "login", login(&alice, "d", json!({})), 20001);
    for (user_sig, code) in wrong_signatures(&alice) {
        seen.ask(&mut client, "renew", json!({"user_sig": user_sig}), code);
    }
    let expires = seen.ask(&mut client, "renew", json!({"user_sig": signature(&alice)}), 0)["expires"].clone();
    assert!(expires.as_u64().is_some_and(|expires| expires > now() * 1000));
    assert_eq!(client.code("paint", json!({})), 60009);
    assert_eq!(client.code("sync", json!({"after": "0"})), 60003);
    let mut other = Client::online(server, &alice, "other");
    let mut again = Client::connect(server);
    seen.ask(&mut again, "login", login(&alice, "d", json!({"session": session})), 6208);
    seen.ask(&mut other, "ack", json!({"cursor": 0}), 0);
    seen.ask(&mut other, "ping", json!({}), 0);
    seen.ask(&mut other, "logout", json!({}), 0);
    assert_eq!(other.closed().0, 1000);
}

fn sends(seen: &mut Seen, server: &Server, strict: &Server) {
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(server, &alice, "d");
    let with = |member: &str, value: Value| {
        let mut args = message(&bob, "hi");
        args[member] = value;
        args
    };
    let element = json!([{"MsgType": "TIMTextElem", "MsgContent": {}}]);
    seen.all(
        &mut at_alice,
        "send",
        vec![
            (message(&bob, "hi"), 0),
            (with("to", json!(unused())), 20003),
            (with("body", body(&"x".repeat(8_200))), 80002),
            (with("body", json!([])), 90002),
            (with("to", json!(1)), 90003),
            (with("random", json!("1")), 90005),
            (with("body", json!({})), 90007),
            (with("body", element), 90010),
            (with("push", json!(1)), 90043),
            (with("life_time", json!("x")), 90044),
        ],
    );
    server.ok("openconfigsvr/setnospeaking", &json!({"Set_Account": alice, "C2CmsgNospeakingTime": 60}));
    seen.ask(&mut at_alice, "send", message(&bob, "hi"), 20012);

    let [alice, bob, theirs, mine, blocks] = strict.accounts();
    let list = |owner: &str, friend: &str| {
        let item = json!({"To_Account": friend, "AddSource": "AddSource_Type_Test"});
        strict.ok("sns/friend_import", &json!({"From_Account": owner, "AddFriendItem": [item]}));
    };
    list(&alice, &mine);
    list(&theirs, &alice);
    strict.ok("sns/black_list_add", &json!({"From_Account": blocks, "To_Account": [alice]}));
    let mut client = Client::online(strict, &alice, "d");
    seen.all(
        &mut client,
        "send",
        vec![
            (message(&blocks, "hi"), 20007),
            (message(&bob, "hi"), 20009),
            (message(&mine, "hi"), 20010),
            (message(&theirs, "hi"), 20011),
        ],
    );
}

fn messages(seen: &mut Seen, server: &Server, strict: &Server) {
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "d"), Client::online(server, &bob, "d"));
    let key = seen.ask(&mut at_alice, "send", message(&bob, "hi"), 0)["key"].clone();
    let of = |peer: &str, key: &Value| json!({"peer": peer, "key": key});
    let keys = |peer: &str, keys: Value| json!({"peer": peer, "keys": keys});
    let (unknown, none) = (json!("1_2_3"), json!("x"));
    seen.all(
        &mut at_bob,
        "read",
        vec![(of(&alice, &unknown), 20022), (of(&alice, &none), 90054), (of(&alice, &key), 0)],
    );
    seen.all(&mut at_bob, "receipt", vec![(keys(&alice, json!([key])), 0), (keys(&alice, json!(["x"])), 90054)]);
    seen.all(
        &mut at_bob,
        "history",
        vec![
            (json!({"peer": alice}), 0),
            (json!({"peer": alice, "before": "1_2_3"}), 20022),
            (json!({"peer": alice, "before": "x"}), 90054),
        ],
    );
    let modify = |key: &Value, body: Value| json!({"peer": bob, "key": key, "body": body});
    seen.all(
        &mut at_alice,
        "modify",
        vec![
            (modify(&key, body("hello")), 0),
            (modify(&unknown, body("hello")), 20022),
            (modify(&none, body("hello")), 90054),
            (modify(&key, body(&"x".repeat(8_200))), 80002),
            (modify(&key, json!([])), 90002),
            (modify(&key, json!(1)), 90007),
            (modify(&key, json!([1])), 90010),
        ],
    );
    seen.all(
        &mut at_alice,
        "recall",
        vec![(of(&bob, &key), 0), (of(&bob, &key), 20023), (of(&bob, &unknown), 20022), (of(&bob, &none), 90054)],
    );
    seen.ask(&mut at_alice, "modify", modify(&key, body("hello")), 20023);
    seen.all(&mut at_bob, "delete", vec![(keys(&alice, json!([key])), 0), (keys(&alice, json!(["x"])), 90054)]);
    seen.ask(&mut at_bob, "sync", json!({"after": 0}), 0);
    let listed = seen.ask(&mut at_bob, "recent_contacts", json!({}), 0);
    assert_eq!(listed["list"][0]["peer"], alice);
    seen.ask(&mut at_bob, "clear_history", json!({"peer": alice}), 0);
    seen.ask(&mut at_bob, "delete_recent", json!({"peer": alice}), 0);

    let [admin] = ["administrator"];
    let [carol] = strict.accounts();
    let mut at_admin = Client::online(strict, admin, "d");
    let sent = at_admin.say(&carol, "hi");
    // Its time is over with the next millisecond.
    while at_admin.ok("ping", json!({}))["server_time"].as_u64() <= sent["time"].as_u64() {}
    let key = sent["key"].clone();
    seen.ask(&mut at_admin, "recall", of(&carol, &key), 20016);
}

fn relations(seen: &mut Seen, server: &Server) {
    let [alice, any, confirm, nobody, blocked, blocks] = server.accounts();
    let unknown = unused();
    let profile = |account: &str, tag: &str, value: &str| {
        let item = json!({"Tag": tag, "Value": value});
        server.ok("profile/portrait_set", &json!({"From_Account": account, "ProfileItem": [item]}));
    };
    profile(&confirm, "Tag_Profile_IM_AllowType", "AllowType_Type_NeedConfirm");
    profile(&nobody, "Tag_Profile_IM_AllowType", "AllowType_Type_DenyAny");
    let mut client = Client::online(server, &alice, "d");
    seen.ask(&mut client, "block", json!({"accounts": [blocked, alice, unknown]}), 0);
    server.ok("sns/black_list_add", &json!({"From_Account": blocks, "To_Account": [alice]}));
    let add = |account: &str| json!({"account": account});
    seen.all(
        &mut client,
        "friend_add",
        vec![
            (json!({"account": any, "remark": "x".repeat(97)}), 30001),
            (add(&unknown), 30003),
            (add(&blocked), 30515),
            (add(&nobody), 30516),
            (add(&blocks), 30525),
        ],
    );
    assert_eq!(seen.ask(&mut client, "friend_add", add(&any), 0)["state"], "added");
    assert_eq!(seen.ask(&mut client, "friend_add", add(&confirm), 0)["state"], "pending");
    let groups: Vec<String> = (0..33).map(|number| format!("g{number}")).collect();
    seen.all(
        &mut client,
        "friend_update",
        vec![
            (json!({"account": any, "remark": "r", "groups": ["g"]}), 0),
            (json!({"account": any, "remark": "x".repeat(97)}), 30001),
            (json!({"account": any, "groups": groups}), 30011),
            (json!({"account": unknown, "remark": "r"}), 31704),
        ],
    );
    let mut asked = Client::online(server, &confirm, "d");
    let waiting = seen.ask(&mut asked, "friend_pending", json!({}), 0);
    assert_eq!(waiting["list"][0]["account"], alice);
    let answer = |account: &str, more: Value| {
        let mut args = json!({"account": account, "accept": true});
        args.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        args
    };
    seen.all(
        &mut asked,
        "friend_answer",
        vec![
            (answer(&alice, json!({"remark": "x".repeat(97)})), 30001),
            (answer(&alice, json!({})), 0),
            (answer(&any, json!({})), 30614),
        ],
    );
    let page = seen.ask(&mut client, "friends", json!({"limit": 1}), 0);
    assert!(page["next"].is_string() && page["list"][0]["groups"].is_array(), "{page}");
    seen.ask(&mut client, "friend_get", json!({"accounts": [any, unknown]}), 0);
    seen.ask(&mut client, "friend_check", json!({"accounts": [any, unknown]}), 0);
    seen.ask(&mut client, "blacklist", json!({}), 0);
    seen.ask(&mut client, "unblock", json!({"accounts": [blocked]}), 0);
    seen.ask(&mut client, "friend_delete", json!({"accounts": [any, unknown], "both": true}), 0);
    profile(&alice, "Tag_Profile_IM_AdminForbidType", "AdminForbid_Type_SendOut");
    seen.ask(&mut client, "friend_add", add(&any), 30009);
}

fn own(seen: &mut Seen, server: &Server) {
    let [alice] = server.accounts();
    let mut client = Client::online(server, &alice, "d");
    let set = |tag: &str, value: Value| json!({"items": [{"tag": tag, "value": value}]});
    seen.all(
        &mut client,
        "profile_set",
        vec![
            (set("Tag_Profile_IM_Nick", json!("n")), 0),
            (set("Tag_Profile_IM_AdminForbidType", json!("AdminForbid_Type_None")), 40008),
            (set("Nick", json!("n")), 40009),
            (set("Tag_Profile_IM_Nick", json!("x".repeat(501))), 40601),
            (set("Tag_Profile_IM_Gender", json!("x")), 40605),
            (set("Tag_Profile_IM_Nick", json!(1)), 40610),
        ],
    );
    let found = seen.ask(&mut client, "profile_get", json!({"accounts": [alice]}), 0);
    assert_eq!(found["list"][0]["items"], json!([{"tag": "Tag_Profile_IM_Nick", "value": "n"}]));
    let states = seen.ask(&mut client, "status", json!({"accounts": [alice, unused()]}), 0);
    assert_eq!(states["list"][0]["platforms"], json!(["android"]));
    assert_eq!(states["list"][1]["state"], "offline");
    seen.ask(&mut client, "push_token", json!({"provider": "fcm", "token": format!("t{}", random())}), 0);
    seen.ask(&mut client, "app_state", json!({"state": "background", "badge": 1}), 0);
}
