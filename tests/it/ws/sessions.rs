use serde_json::json;

use super::client::{Client, login};
use crate::harness::{Server, now, signature, signature_at};

#[test]
fn a_person_s_login_kicks_the_other_device_and_a_reconnect_does_not_kick_back() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut phone = Client::connect(server);
    let session = phone.log_in(&alice, "phone", json!({}))["session"].clone();
    phone.catch_up();
    let mut tablet = Client::connect(server);
    tablet.log_in(&alice, "tablet", json!({"platform": "ipad"}));
    let kicked = phone.push("kicked");
    assert_eq!(kicked["reason"], "login_elsewhere");
    assert_eq!((&kicked["by"]["platform"], &kicked["by"]["device"]), (&json!("ipad"), &json!("tablet")));
    assert!(kicked["by"]["time"].as_u64().unwrap().abs_diff(now() * 1000) < 60_000);
    assert_eq!(phone.closed().0, 4001);

    let mut phone = Client::connect(server);
    let refused = phone.request("login", login(&alice, "phone", json!({"session": session})));
    assert_eq!((&refused["error"]["code"], &refused["error"]["name"]), (&json!(6_208), &json!("kicked_by_other")));
    assert_eq!(refused["error"]["by"]["device"], "tablet");
    tablet.ok("ping", json!({}));
    // A person may.
    phone.log_in(&alice, "phone", json!({}));
    tablet.catch_up();
    assert_eq!(tablet.push("kicked")["reason"], "login_elsewhere");
}

#[test]
fn the_same_device_takes_its_own_place_without_a_word() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut first = Client::online(server, &alice, "d");
    let mut second = Client::online(server, &alice, "d");
    assert_eq!(first.closed().0, 4005);
    second.ok("ping", json!({}));
}

#[test]
fn an_admin_s_kick_ends_the_session_and_the_signature() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut client = Client::online(server, &alice, "d");
    let old = signature_at(&alice, now() - 10);
    server.ok("im_open_login_svc/kick", &json!({"UserID": alice}));
    assert_eq!(client.push("kicked"), json!({"reason": "admin"}));
    assert_eq!(client.closed().0, 4001);
    let mut client = Client::connect(server);
    assert_eq!(client.code("login", login(&alice, "d", json!({"user_sig": old}))), 70_001);
    client.log_in(&alice, "d", json!({"user_sig": signature(&alice)}));
}

#[test]
fn the_end_of_an_account_is_the_end_of_its_sessions() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut client = Client::online(server, &alice, "d");
    server.ok("im_open_login_svc/account_delete", &json!({"DeleteItem": [{"UserID": alice}]}));
    assert_eq!(client.push("kicked"), json!({"reason": "account_deleted"}));
    assert_eq!(client.closed().0, 4001);
}

#[test]
fn a_logout_ends_the_session_for_good() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut client = Client::online(server, &alice, "d");
    client.ok("logout", json!({}));
    assert_eq!(client.closed().0, 1000);
    let status = server.ok("openim/query_online_status", &json!({"To_Account": [alice]}));
    assert_eq!(status["QueryResult"][0]["Status"], "Offline");
}

#[test]
fn a_signature_that_is_about_to_end_is_told_of_and_can_be_renewed() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut client = Client::connect(server);
    let short = signature_at(&alice, now() - 86_400 + 200);
    let expires = client.log_in(&alice, "d", json!({"user_sig": short}))["expires"].clone();
    let mut pushes: Vec<String> = Vec::new();
    while !(pushes.iter().any(|name| name == "expiring") && pushes.iter().any(|name| name == "refresh")) {
        let frame = client.frame();
        if frame["push"] == "expiring" {
            assert_eq!(frame["data"]["expires"], expires);
        }
        pushes.push(frame["push"].as_str().unwrap().to_owned());
    }
    assert_eq!(client.code("renew", json!({"user_sig": "x"})), 70_003);
    let renewed = client.ok("renew", json!({"user_sig": signature(&alice)}));
    assert!(renewed["expires"].as_u64() > expires.as_u64());
}

#[test]
fn a_signature_that_ends_ends_the_session() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let mut client = Client::connect(server);
    client.log_in(&alice, "d", json!({"user_sig": signature_at(&alice, now() - 86_400 + 2)}));
    let mut frame = client.frame();
    while frame["push"] != "kicked" {
        frame = client.frame();
    }
    assert_eq!(frame["data"], json!({"reason": "signature_expired"}));
    assert_eq!(client.closed().0, 4001);
}
