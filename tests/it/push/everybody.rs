use serde_json::{Value, json};

use super::stand_in::StandIn;
use super::{apns_settings, leave, send, serve, tell_token, until};
use crate::harness::{Server, body, random};
use crate::ws::client::Client;

/// Issues a push to all, once the server takes another one: there is at most one a second.
fn issue(server: &Server, more: Value) {
    let mut request = json!({"MsgRandom": random(), "MsgBody": body("news")});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    until(|| match server.call("all_member_push/im_push", &request)["ErrorCode"].as_u64() {
        Some(0) => true,
        Some(90_024) => false,
        code => panic!("{code:?}"),
    });
}

#[test]
fn a_push_to_all_that_asks_for_it_is_announced_to_who_is_away() {
    let apple = StandIn::start();
    let dir = tempfile::tempdir().expect("a directory");
    let server = serve(dir, &apns_settings(&apple.url, "log.partitions = 3"));
    let people: [String; 8] = server.accounts();
    let [there, background, away @ ..] = &people;
    let mut at_there = Client::online(&server, there, "phone");
    tell_token(&mut at_there, there, json!({}));
    let mut at_background = Client::online(&server, background, "phone");
    tell_token(&mut at_background, background, json!({}));
    at_background.ok("app_state", json!({"state": "background"}));
    for account in away {
        leave(&server, account, account, json!({}));
    }

    issue(&server, json!({"MsgLifeTime": 600}));
    issue(&server, json!({"MsgLifeTime": 600, "OfflinePushInfo": {"PushFlag": 1, "Desc": "silent"}}));
    issue(&server, json!({"MsgLifeTime": 600, "OfflinePushInfo": {"Title": "News", "Desc": "for all"}}));
    issue(&server, json!({"OfflinePushInfo": {"Desc": "not kept"}}));
    for account in away.iter().chain([background]) {
        let (first, second) = (apple.next(account), apple.next(account));
        let mut alerts = [first.json()["aps"]["alert"].clone(), second.json()["aps"]["alert"].clone()];
        alerts.sort_by_key(|alert| alert["body"].to_string());
        assert_eq!(alerts, [json!({"title": "News", "body": "for all"}), json!({"body": "not kept"})]);
        assert_ne!(first.headers["apns-id"], second.headers["apns-id"]);
    }
    // Whoever has taken it by a login is not told of it again, and messages go on.
    send(&server, &away[0], &away[1], json!({}));
    apple.next(&away[1]);
    assert_eq!(apple.left(), Vec::<String>::new());
}
