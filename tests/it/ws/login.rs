use serde_json::json;

use super::client::{Client, JSON, MSGPACK, login};
use crate::harness::{Server, now, signature_at, unused};

#[test]
fn a_valid_signature_makes_the_account_and_tells_the_client_all_it_has_to_know() {
    let server = Server::shared();
    let name = unused();
    let mut client = Client::connect(server);
    let ok = client.log_in(&name, "phone", json!({"heartbeat": 60}));
    for text in ["session", "timeline"] {
        assert!(!ok[text].as_str().unwrap().is_empty(), "{ok}");
    }
    assert_eq!((&ok["cursor"], &ok["head"], ok.get("gap")), (&json!(0), &json!(0), None));
    assert!(ok["server_time"].as_u64().unwrap().abs_diff(now() * 1000) < 60_000);
    assert!(ok["expires"].as_u64().unwrap() > (now() + 86_000) * 1000);
    assert_eq!(ok["heartbeat"], 60);
    assert_eq!(ok["policy"]["login"], "single");
    assert_eq!(ok["limits"]["body_bytes"], 8192);
    assert!(ok["server"]["version"].is_string() && ok["server"]["features"].is_array());
    assert_eq!(client.catch_up(), (Vec::new(), 0));
    let check = server.ok("im_open_login_svc/account_check", &json!({"CheckItem": [{"UserID": name}]}));
    assert_eq!(check["ResultItem"][0]["AccountStatus"], "Imported");
}

#[test]
fn a_device_that_missed_more_than_the_timeline_keeps_starts_behind_the_gap() {
    let server = Server::start("policy.offline_messages = 10");
    let [alice, bob, carol] = server.accounts();
    drop(Client::online(&server, &bob, "phone"));
    server.send(&carol, &bob, "early");
    for number in 0..20 {
        server.send(&alice, &bob, &number.to_string());
    }
    let mut client = Client::connect(&server);
    let ok = client.log_in(&bob, "phone", json!({}));
    let head = ok["head"].as_u64().unwrap();
    assert_eq!((&ok["gap"], &ok["cursor"]), (&json!({"from": 1, "to": head - 10}), &json!(head - 10)));
    let push = client.frame();
    assert_eq!((&push["data"]["after"], &push["data"]["cursor"]), (&ok["cursor"], &ok["head"]));
    assert_eq!(push["data"]["list"].as_array().unwrap().len(), 10);
    let contacts = client.frame();
    let peers: Vec<_> = contacts["data"]["list"].as_array().unwrap().iter().map(|one| one["peer"].clone()).collect();
    assert_eq!(peers, [json!(alice), json!(carol)], "also those whose entries are gone");
}

#[test]
fn both_subprotocols_say_the_same_and_none_offered_is_json() {
    let server = Server::shared();
    for offered in [&[][..], &[JSON], &[MSGPACK], &["v9", MSGPACK]] {
        let [name] = server.accounts();
        let mut client = Client::connect_with(server, offered).unwrap();
        client.log_in(&name, "d", json!({}));
        client.catch_up();
        let sent = client.say(&name, "to myself");
        assert!(sent["seq"].as_u64().unwrap() > 0, "{sent}");
    }
}

#[test]
fn an_upgrade_to_only_unknown_subprotocols_is_refused_with_the_known_ones() {
    let (status, body) = Client::connect_with(Server::shared(), &["v9"]).err().expect("refused");
    assert_eq!(status, 400);
    assert!(body.contains(JSON) && body.contains(MSGPACK), "{body}");
}

#[test]
fn three_refused_logins_end_the_connection() {
    let server = Server::shared();
    let mut client = Client::connect(server);
    let cases = [
        (json!({"user_sig": "x"}), 70_003),
        (json!({"user_sig": signature_at("somebody", now())}), 70_013),
        (json!({"user_sig": signature_at("me", now() - 100_000)}), 70_001),
    ];
    for (more, code) in cases {
        assert_eq!(client.code("login", login("me", "d", more)), code);
    }
    assert_eq!(client.closed().0, 4003);
}

#[test]
fn nothing_but_a_login_is_answered_before_it() {
    let mut client = Client::connect(Server::shared());
    assert_eq!(client.code("ping", json!({})), 20_002);
    assert_eq!(client.code("paint", json!({})), 60_009);
    let [name] = Server::shared().accounts();
    client.log_in(&name, "d", json!({}));
}

#[test]
fn a_connection_that_does_not_log_in_ends() {
    let mut client = Client::connect(Server::shared());
    assert_eq!(client.closed().0, 4003);
}

#[test]
fn one_connection_too_many_is_sent_away_for_some_seconds() {
    let server = Server::start("limits.connections = 2");
    let mut clients = [Client::connect(&server), Client::connect(&server)];
    let (code, reason) = Client::connect(&server).closed();
    assert_eq!(code, 1013);
    assert!((5..=30).contains(&reason.parse::<u64>().unwrap()), "{reason}");
    clients[0].log_in(&unused(), "d", json!({}));
}
