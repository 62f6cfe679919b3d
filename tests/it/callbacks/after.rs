use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::endpoint;
use super::receiver::{Receiver, Seen};
use crate::harness::{ADMIN, PATIENCE, SDKAPPID, Server, body, now, random};
use crate::ws::client::{Client, message};

const AFTER_SEND: &str = "C2C.CallbackAfterSendMsg";

fn has(seen: &Seen, members: Value) {
    for (name, value) in members.as_object().expect("members") {
        assert_eq!(&seen.body[name], value, "{name} in {}", seen.body);
    }
}

/// Every header, every parameter, every member.
#[test]
fn a_message_is_told_with_its_outcome_and_a_signature() {
    let receiver = Receiver::start();
    let server = Server::start(&endpoint(&receiver.url(), &[AFTER_SEND]));
    let [alice, bob] = server.accounts();
    let request = json!({"From_Account": alice, "To_Account": bob, "MsgSeq": 9, "MsgRandom": 4_000_000_000_u32,
        "MsgBody": body("hi"), "CloudCustomData": "data"});
    let reply = server.ok("openim/sendmsg", &request);
    server.send(&alice, &bob, "again");

    let seen = receiver.taken(2);
    has(
        &seen[0],
        json!({"CallbackCommand": AFTER_SEND, "From_Account": alice, "To_Account": bob, "MsgSeq": 9,
            "MsgRandom": 4_000_000_000_u32, "MsgTime": reply["MsgTime"], "MsgKey": reply["MsgKey"], "OnlineOnlyFlag": 0,
            "MsgBody": body("hi"), "CloudCustomData": "data", "SendMsgResult": 0, "ErrorInfo": "send msg succeed",
            "UnreadMsgNum": 1}),
    );
    has(&seen[1], json!({"MsgBody": body("again"), "UnreadMsgNum": 2, "CloudCustomData": null}));
    for (name, value) in [
        ("app", "1"),
        ("SdkAppid", &SDKAPPID.to_string()),
        ("CallbackCommand", AFTER_SEND),
        ("contenttype", "json"),
        ("ClientIP", "127.0.0.1"),
        ("OptPlatform", "RESTAPI"),
    ] {
        assert_eq!(seen[0].query[name], value, "{name}");
    }
    for one in &seen {
        let timestamp = &one.headers["webhook-timestamp"];
        assert!(timestamp.parse::<u64>().unwrap().abs_diff(now()) < 100);
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(format!("{}.{timestamp}.{}", one.id(), one.text).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(one.headers["webhook-signature"], signature);
        assert_eq!(one.headers["content-type"], "application/json");
    }
    assert_ne!(seen[0].id(), seen[1].id());
}

#[test]
fn what_must_not_be_told_is_not() {
    let receiver = Receiver::start();
    let server = Server::start(&endpoint(&receiver.url(), &[AFTER_SEND]));
    let [alice, bob, carol] = server.accounts();
    server.ok("sns/black_list_add", &json!({"From_Account": carol, "To_Account": [alice]}));
    let message =
        |text: &str| json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgBody": body(text)});
    let with = |text: &str, member: &str, value: Value| {
        let mut request = message(text);
        request[member] = value;
        request
    };
    server.ok("openim/batchsendmsg", &with("batch", "To_Account", json!([bob, carol])));
    let mut import = with("import", "MsgTimeStamp", json!(now() - 5));
    import["SyncFromOldSystem"] = json!(1);
    server.ok("openim/importmsg", &import);
    server.ok("openim/sendmsg", &with("silent", "ForbidCallbackControl", json!(["ForbidAfterSendMsgCallback"])));
    assert_eq!(server.code("openim/sendmsg", &with("nobody", "To_Account", json!("nobody-there"))), 90_003);
    let twice = message("once");
    let first = server.ok("openim/sendmsg", &twice);
    assert_eq!(server.ok("openim/sendmsg", &twice)["MsgKey"], first["MsgKey"]);
    server.ok("openim/sendmsg", &with("online", "OnlineOnlyFlag", json!(1)));
    // The client is told success; the app learns the truth.
    let mut at_alice = Client::online(&server, &alice, "a");
    at_alice.ok("send", crate::ws::client::message(&carol, "blocked"));

    let seen = receiver.taken(3);
    let said = |seen: &[Seen]| seen.iter().map(|one| one.said().to_owned()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(said(&seen), ["blocked", "once", "online"].map(str::to_owned).into());
    let of = |text: &str| seen.iter().find(|one| one.said() == text).unwrap();
    has(of("online"), json!({"OnlineOnlyFlag": 1, "SendMsgResult": 0}));
    has(of("blocked"), json!({"SendMsgResult": 20_007, "UnreadMsgNum": -1}));
    assert_eq!(of("blocked").query["OptPlatform"], "Android");
    // Whatever else was going to come came before this one.
    server.send(&alice, &bob, "last");
    assert_eq!(said(&receiver.taken(4)), ["blocked", "last", "once", "online"].map(str::to_owned).into());
}

const CHANGES: [&str; 7] = [
    "C2C.CallbackAfterMsgReport",
    "C2C.CallbackAfterMsgWithDraw",
    "Sns.CallbackFriendAdd",
    "Sns.CallbackFriendDelete",
    "Sns.CallbackBlackListAdd",
    "Sns.CallbackBlackListDelete",
    "Profile.CallbackPortraitSet",
];

/// The only callback of a command so far, asked for from here and over this platform.
fn told(receiver: &Receiver, command: &str, platform: &str) -> Seen {
    let of = |seen: &[Seen]| seen.iter().filter(|one| one.command() == command).cloned().collect::<Vec<_>>();
    let found = of(&receiver.wait(|seen| !of(seen).is_empty()));
    let [one] = found.as_slice() else { panic!("one callback: {found:#?}") };
    let event_time = one.body["EventTime"].as_u64().expect("milliseconds");
    assert!((event_time / 1000).abs_diff(now()) < 100, "{event_time}");
    for (name, value) in [("CallbackCommand", command), ("OptPlatform", platform), ("ClientIP", "127.0.0.1")] {
        assert_eq!(one.query[name], value, "{name} of {command}");
    }
    one.clone()
}

fn pair(from: &str, to: &str) -> Value {
    json!({"From_Account": from, "To_Account": to})
}

fn initiated(by: &str, pairs: [Value; 2]) -> Value {
    let mut pairs = pairs;
    pairs.iter_mut().for_each(|pair| pair["Initiator_Account"] = json!(by));
    json!(pairs)
}

#[test]
fn what_a_back_end_changes_is_told() {
    let receiver = Receiver::start();
    let server = Server::start(&endpoint(&receiver.url(), &CHANGES));
    let [alice, bob, carol] = server.accounts();
    let told = |command: &str| told(&receiver, command, "RESTAPI");

    server.send(&alice, &bob, "1");
    server.send(&carol, &bob, "2");
    let key = server.send(&carol, &bob, "3");
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": bob, "Peer_Account": alice}));
    let seen = told(CHANGES[0]);
    has(&seen, json!({"Report_Account": bob, "Peer_Account": alice, "UnreadMsgNum": 2}));
    assert!(seen.body["LastReadTime"].as_u64().expect("seconds").abs_diff(now()) < 100);
    // It reads nothing more, so there is nothing to tell.
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": bob, "Peer_Account": alice}));

    let recall = json!({"From_Account": carol, "To_Account": bob, "MsgKey": key});
    server.ok("openim/admin_msgwithdraw", &recall);
    has(&told(CHANGES[1]), json!({"From_Account": carol, "To_Account": bob, "MsgKey": key, "UnreadMsgNum": 1}));
    assert_eq!(server.code("openim/admin_msgwithdraw", &recall), 20_023);

    let item = json!({"To_Account": bob, "AddSource": "AddSource_Type_Test"});
    server.ok("sns/friend_add", &json!({"From_Account": alice, "AddFriendItem": [item], "ForceAddFlags": 1}));
    let pairs = [pair(&alice, &bob), pair(&bob, &alice)];
    let added = json!({"PairList": initiated(&alice, pairs.clone()), "ClientCmd": "friend_add", "ForceFlag": 1,
        "Admin_Account": ADMIN});
    has(&told(CHANGES[2]), added);
    let delete = json!({"From_Account": alice, "To_Account": [bob], "DeleteType": "Delete_Type_Both"});
    server.ok("sns/friend_delete", &delete);
    has(&told(CHANGES[3]), json!({"PairList": pairs}));

    let block = json!({"From_Account": alice, "To_Account": [carol]});
    server.ok("sns/black_list_add", &block);
    server.ok("sns/black_list_add", &block);
    has(&told(CHANGES[4]), json!({"PairList": [pair(&alice, &carol)]}));
    server.ok("sns/black_list_delete", &block);
    has(&told(CHANGES[5]), json!({"PairList": [pair(&alice, &carol)]}));

    let nick = json!([{"Tag": "Tag_Profile_IM_Nick", "Value": "Al"}]);
    server.ok("profile/portrait_set", &json!({"From_Account": alice, "ProfileItem": nick}));
    has(&told(CHANGES[6]), json!({"From_Account": alice, "ProfileItem": nick}));
    assert_eq!(receiver.seen().len(), 7, "each was told once: {:#?}", receiver.seen());
}

/// The same of clients, whose homes are several: who asked goes with what is carried.
#[test]
fn what_a_client_changes_is_told() {
    let receiver = Receiver::start();
    let server = Server::start(&format!("log.partitions = 3\n{}", endpoint(&receiver.url(), &CHANGES)));
    let people: [String; 9] = server.accounts();
    let home = |name: &str| duolog_topics::partition_of(name.as_bytes(), 3);
    let alice = people[0].as_str();
    let elsewhere = people.iter().find(|name| home(name) != home(alice)).expect("not all live together").as_str();
    let told = |command: &str| told(&receiver, command, "Android");
    let mut at_alice = Client::online(&server, alice, "a");
    let mut at_bob = Client::online(&server, elsewhere, "b");
    let bob = elsewhere;

    let key = at_alice.ok("send", message(bob, "1"))["key"].clone();
    at_bob.push("messages");
    at_bob.ok("read", json!({"peer": alice}));
    has(&told(CHANGES[0]), json!({"Report_Account": bob, "Peer_Account": alice, "UnreadMsgNum": 0}));
    at_alice.ok("recall", json!({"peer": bob, "key": key}));
    has(&told(CHANGES[1]), json!({"From_Account": alice, "To_Account": bob, "MsgKey": key, "UnreadMsgNum": 0}));

    let allow = json!([{"tag": "Tag_Profile_IM_AllowType", "value": "AllowType_Type_NeedConfirm"}]);
    at_bob.ok("profile_set", json!({"items": allow}));
    let item = json!({"Tag": "Tag_Profile_IM_AllowType", "Value": "AllowType_Type_NeedConfirm"});
    has(&told(CHANGES[6]), json!({"From_Account": bob, "ProfileItem": [item]}));
    assert_eq!(at_alice.ok("friend_add", json!({"account": bob}))["state"], "pending");
    let waits = |at_bob: &mut Client| at_bob.ok("friend_pending", json!({}))["list"] != json!([]);
    let end = Instant::now() + PATIENCE;
    while !waits(&mut at_bob) {
        assert!(Instant::now() < end, "the request reaches the other home");
    }
    at_bob.ok("friend_answer", json!({"account": alice, "accept": true}));
    let pairs = [pair(bob, alice), pair(alice, bob)];
    let added = json!({"PairList": initiated(alice, pairs.clone()), "ClientCmd": "friend_response", "ForceFlag": 0,
        "Admin_Account": ""});
    has(&told(CHANGES[2]), added);
    at_bob.ok("friend_delete", json!({"accounts": [alice], "both": true}));
    has(&told(CHANGES[3]), json!({"PairList": pairs}));

    at_alice.ok("block", json!({"accounts": [bob]}));
    has(&told(CHANGES[4]), json!({"PairList": [pair(alice, bob)]}));
    at_alice.ok("unblock", json!({"accounts": [bob]}));
    has(&told(CHANGES[5]), json!({"PairList": [pair(alice, bob)]}));
    assert_eq!(receiver.seen().len(), 7, "each was told once: {:#?}", receiver.seen());
}

#[test]
fn logins_kicks_and_ends_of_sessions_are_told() {
    let receiver = Receiver::start();
    let server = Server::start(&endpoint(&receiver.url(), &["State.StateChange"]));
    let [alice] = server.accounts();
    let state = |action: &str, reason: &str| json!({"Action": action, "To_Account": alice, "Reason": reason});

    let mut phone = Client::online(&server, &alice, "phone");
    let seen = receiver.taken(1).pop().unwrap();
    has(&seen, json!({"Info": state("Login", "Register"), "KickedDevice": null}));
    assert_eq!((seen.query["OptPlatform"].as_str(), seen.query["ClientIP"].as_str()), ("Android", "127.0.0.1"));
    let other = Client::online(&server, &alice, "other");
    phone.push("kicked");
    let seen = receiver.taken(2).pop().unwrap();
    has(&seen, json!({"Info": state("Login", "Register"), "KickedDevice": [{"Platform": "Android"}]}));
    // The kicked one's connection ends as well, of which there is nothing more to tell.
    drop(other);
    let seen = receiver.taken(3).pop().unwrap();
    has(&seen, json!({"Info": state("Disconnect", "LinkClose"), "KickedDevice": null}));
    assert_eq!((seen.query["OptPlatform"].as_str(), seen.query["ClientIP"].as_str()), ("Android", "127.0.0.1"));
    let mut again = Client::online(&server, &alice, "again");
    has(&receiver.taken(4)[3], json!({"Info": state("Login", "Register")}));
    again.ok("logout", json!({}));
    let seen = receiver.taken(5).pop().unwrap();
    has(&seen, json!({"Info": state("Logout", "Unregister")}));
    assert_eq!((seen.query["OptPlatform"].as_str(), seen.query["ClientIP"].as_str()), ("Android", "127.0.0.1"));
    let kicked = Client::online(&server, &alice, "kicked");
    receiver.taken(6);
    server.ok("im_open_login_svc/kick", &json!({"UserID": alice}));
    has(&receiver.taken(7)[6], json!({"Info": state("Logout", "Unregister")}));
    drop(kicked);
}

/// Between two homes a message is told of where its receiver lives, once.
#[test]
fn messages_between_homes_are_told_once() {
    let receiver = Receiver::start();
    let server = Server::start(&format!("log.partitions = 3\n{}", endpoint(&receiver.url(), &[AFTER_SEND])));
    let people: [String; 6] = server.accounts();
    let mut expected = std::collections::BTreeSet::new();
    for from in &people {
        for to in people.iter().filter(|to| *to != from) {
            server.send(from, to, &format!("{from} to {to}"));
            expected.insert(format!("{from} to {to}"));
        }
    }
    server.send(ADMIN, &people[0], "last");
    expected.insert("last".to_owned());
    let seen = receiver.taken(expected.len());
    assert_eq!(seen.len(), expected.len());
    assert_eq!(seen.iter().map(|one| one.said().to_owned()).collect::<std::collections::BTreeSet<_>>(), expected);
}

#[test]
fn a_client_message_to_oneself_is_told() {
    let receiver = Receiver::start();
    let server = Server::start(&endpoint(&receiver.url(), &[AFTER_SEND]));
    let [alice] = server.accounts();
    let mut client = Client::online(&server, &alice, "a");
    client.ok("send", message(&alice, "note"));
    has(&receiver.taken(1)[0], json!({"To_Account": alice, "SendMsgResult": 0, "UnreadMsgNum": 0}));
}
