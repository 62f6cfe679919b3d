use serde_json::{Value, json};

use super::client::{Client, text};
use crate::harness::Server;

fn texts(page: &Value) -> Vec<&str> {
    page["list"].as_array().unwrap().iter().map(text).collect()
}

/// Two who are online, and what the first said to the second.
fn talk(count: usize) -> (Client, String, Client, String, Vec<Value>) {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let sent = (0..count).map(|number| at_alice.say(&bob, &number.to_string())["key"].clone()).collect();
    (0..count).for_each(|_| {
        at_bob.entry();
    });
    (at_alice, alice, at_bob, bob, sent)
}

#[test]
fn history_is_paged_from_both_ends() {
    let (_, alice, mut at_bob, _, keys) = talk(5);
    let newest = at_bob.ok("history", json!({"peer": alice, "limit": 2}));
    assert_eq!((texts(&newest), &newest["complete"]), (vec!["3", "4"], &json!(false)));
    let older = at_bob.ok("history", json!({"peer": alice, "limit": 2, "before": newest["next"]}));
    assert_eq!(texts(&older), ["1", "2"]);
    let oldest = at_bob.ok("history", json!({"peer": alice, "limit": 2, "before": keys[1]}));
    assert_eq!((texts(&oldest), &oldest["complete"], oldest.get("next")), (vec!["0"], &json!(true), None));
    let forward = at_bob.ok("history", json!({"peer": alice, "limit": 2, "after": keys[0]}));
    assert_eq!((texts(&forward), &forward["complete"]), (vec!["1", "2"], &json!(false)));
    let rest = at_bob.ok("history", json!({"peer": alice, "limit": 9, "after": forward["next"]}));
    assert_eq!((texts(&rest), &rest["complete"]), (vec!["3", "4"], &json!(true)));
    let time = newest["list"][0]["time"].clone();
    let since = at_bob.ok("history", json!({"peer": alice, "limit": 9, "since_time": time, "until_time": time}));
    assert_eq!(texts(&since), ["3"]);
    assert_eq!(at_bob.code("history", json!({"peer": alice, "limit": 2, "before": "1_2_3"})), 20_022);
}

#[test]
fn reading_is_told_to_own_devices_and_to_the_sender() {
    let (mut at_alice, alice, mut at_bob, bob, keys) = talk(3);
    assert_eq!(at_bob.ok("read", json!({"peer": alice, "key": keys[1]}))["unread_total"], 1);
    let entry = at_bob.entry();
    let told = (&entry["type"], &entry["peer"], &entry["unread"], &entry["unread_total"]);
    assert_eq!(told, (&json!("read"), &json!(alice), &json!(1), &json!(1)));
    let receipt = at_alice.entry();
    let told = (&receipt["type"], &receipt["peer"], &receipt["until"]);
    assert_eq!(told, (&json!("receipt"), &json!(bob), &entry["until"]));
    let history = at_alice.ok("history", json!({"peer": bob}));
    let read: Vec<&Value> = history["list"].as_array().unwrap().iter().map(|message| &message["peer_read"]).collect();
    assert_eq!(read, [&json!(true), &json!(true), &json!(false)]);
    assert_eq!(at_bob.ok("read", json!({"peer": alice}))["unread_total"], 0);
    let contacts = at_bob.ok("recent_contacts", json!({"limit": 5}));
    assert_eq!((&contacts["unread_total"], &contacts["list"][0]["unread"]), (&json!(0), &json!(0)));
}

#[test]
fn messages_leave_the_own_view_only() {
    let (mut at_alice, alice, mut at_bob, bob, keys) = talk(3);
    at_bob.ok("delete", json!({"peer": alice, "keys": [keys[1]]}));
    let entry = at_bob.entry();
    assert_eq!((&entry["type"], &entry["keys"]), (&json!("delete"), &json!([keys[1]])));
    assert_eq!(texts(&at_bob.ok("history", json!({"peer": alice}))), ["0", "2"]);
    at_bob.ok("clear_history", json!({"peer": alice}));
    let entry = at_bob.entry();
    assert!(entry["type"] == "delete" && entry["until"].is_u64(), "{entry}");
    assert_eq!(at_bob.ok("history", json!({"peer": alice})), json!({"list": [], "complete": true}));
    assert_eq!(texts(&at_alice.ok("history", json!({"peer": bob}))), ["0", "1", "2"]);
}

#[test]
fn a_conversation_leaves_the_recent_contacts() {
    let (_, alice, mut at_bob, _, _) = talk(1);
    assert_eq!(at_bob.ok("recent_contacts", json!({}))["list"][0]["peer"], json!(alice));
    at_bob.ok("delete_recent", json!({"peer": alice}));
    let entry = at_bob.entry();
    assert_eq!((&entry["type"], &entry["peer"], &entry["removed"]), (&json!("recent"), &json!(alice), &json!(true)));
    assert_eq!(at_bob.ok("recent_contacts", json!({}))["list"], json!([]));
    assert_eq!(texts(&at_bob.ok("history", json!({"peer": alice}))), ["0"]);
}

#[test]
fn profiles_are_set_and_read() {
    let (mut at_alice, alice, mut at_bob, bob, _) = talk(0);
    let items = json!([{"tag": "Tag_Profile_IM_Nick", "value": "Al"}, {"tag": "Tag_Profile_IM_Level", "value": 3}]);
    at_alice.ok("profile_set", json!({"items": items}));
    assert_eq!(at_alice.entry()["type"], "profile");
    let got = at_bob.ok("profile_get", json!({"accounts": [alice, bob], "tags": ["Tag_Profile_IM_Nick"]}));
    let nick = json!([{"tag": "Tag_Profile_IM_Nick", "value": "Al"}]);
    assert_eq!(got["list"], json!([{"account": alice, "items": nick}, {"account": bob, "items": []}]));
    assert_eq!(at_bob.code("profile_set", json!({"items": [{"tag": "Nick", "value": "x"}]})), 40_009);
}

#[test]
fn friends_are_listed_updated_checked_and_deleted() {
    let (mut at_alice, alice, mut at_bob, bob, _) = talk(0);
    let add = json!({"account": bob, "remark": "B", "group": "work", "source": "AddSource_Type_Test"});
    assert_eq!(at_alice.ok("friend_add", add), json!({"state": "added"}));
    let friend = at_alice.ok("friends", json!({}))["list"][0].take();
    let told = (&friend["account"], &friend["remark"], &friend["groups"], &friend["source"]);
    assert_eq!(told, (&json!(bob), &json!("B"), &json!(["work"]), &json!("AddSource_Type_Test")));
    at_alice.ok("friend_update", json!({"account": bob, "remark": "Bob", "groups": []}));
    let friend = at_alice.ok("friend_get", json!({"accounts": [bob, "nobody"]}))["list"].take();
    assert_eq!((friend.as_array().unwrap().len(), &friend[0]["remark"]), (1, &json!("Bob")));
    let check = at_bob.ok("friend_check", json!({"accounts": [alice, "nobody"], "both": true}));
    assert_eq!(
        check["list"],
        json!([{"account": alice, "relation": "both"}, {"account": "nobody", "relation": "none"}])
    );
    for group in ["", &"g".repeat(31)] {
        assert_eq!(at_alice.code("friend_update", json!({"account": bob, "groups": [group]})), 30_001);
    }
    let results = at_alice.ok("friend_delete", json!({"accounts": ["nobody-a", bob, "nobody-b"], "both": true}));
    let results = results["results"].as_array().unwrap();
    let told: Vec<_> = results.iter().map(|result| (result["account"].as_str(), result["code"].as_u64())).collect();
    let unknown = |name| (Some(name), Some(31_704));
    assert_eq!(told, [unknown("nobody-a"), (Some(&*bob), Some(0)), unknown("nobody-b")]);
    let results = at_alice.ok("friend_delete", json!({"accounts": [bob]}));
    assert_eq!(results["results"][0]["code"], 31_704);
    assert_eq!(at_alice.code("friend_update", json!({"account": bob, "remark": "x"})), 31_704);
    assert_eq!(at_bob.ok("friends", json!({}))["list"], json!([]));
}

#[test]
fn a_friend_who_wants_to_be_asked_is_asked() {
    let (mut at_alice, alice, mut at_bob, bob, _) = talk(0);
    let allow = |value: &str| json!({"items": [{"tag": "Tag_Profile_IM_AllowType", "value": value}]});
    at_bob.ok("profile_set", allow("AllowType_Type_NeedConfirm"));
    let add = json!({"account": bob, "wording": "it is me", "source": "AddSource_Type_Test", "remark": "B"});
    assert_eq!(at_alice.ok("friend_add", add), json!({"state": "pending"}));
    let asking = at_bob.ok("friend_pending", json!({}))["list"][0].take();
    assert_eq!((&asking["account"], &asking["wording"]), (&json!(alice), &json!("it is me")));
    at_bob.ok("friend_answer", json!({"account": alice, "accept": true, "remark": "A"}));
    assert_eq!(at_bob.ok("friend_pending", json!({})), json!({"list": []}));
    let friend = at_alice.ok("friends", json!({}))["list"][0].take();
    assert_eq!((&friend["account"], &friend["remark"]), (&json!(bob), &json!("B")));
    assert_eq!(friend["source"], "AddSource_Type_Test");
    assert_eq!(at_bob.ok("friends", json!({}))["list"][0]["remark"], "A");
    assert_eq!(at_bob.code("friend_answer", json!({"account": alice, "accept": true})), 30_614);

    let [carol] = Server::shared().accounts();
    at_bob.ok("profile_set", allow("AllowType_Type_DenyAny"));
    let mut at_carol = Client::online(Server::shared(), &carol, "c");
    assert_eq!(at_carol.code("friend_add", json!({"account": bob})), 30_516);
    assert_eq!(at_carol.code("friend_add", json!({"account": "nobody-of-this-name"})), 30_003);
    at_bob.ok("block", json!({"accounts": [carol]}));
    at_bob.ok("profile_set", allow("AllowType_Type_AllowAny"));
    assert_eq!(at_carol.code("friend_add", json!({"account": bob})), 30_525);
}

#[test]
fn a_device_is_told_how_it_is_reached() {
    let (mut at_alice, _, _, _, _) = talk(0);
    at_alice.ok("push_token", json!({"provider": "apns", "token": "t", "environment": "sandbox", "topic": "app"}));
    at_alice.ok("push_token", json!({"provider": "fcm", "token": ""}));
    assert_eq!(at_alice.code("push_token", json!({"provider": "pigeon", "token": "t"})), 60_003);
    at_alice.ok("app_state", json!({"state": "background", "badge": 3}));
    at_alice.ok("app_state", json!({"state": "foreground"}));
    assert_eq!(at_alice.code("app_state", json!({"state": "asleep"})), 60_003);
}

#[test]
fn a_list_is_paged_by_names() {
    let server = Server::shared();
    let names: [String; 5] = server.accounts();
    let [alice] = server.accounts();
    let mut client = Client::online(server, &alice, "a");
    client.ok("block", json!({"accounts": names}));
    let (mut listed, mut after) = (Vec::new(), json!(null));
    loop {
        let page = client.ok("blacklist", json!({"limit": 2, "after": after}));
        listed.extend(page["list"].as_array().unwrap().iter().map(|item| item["account"].as_str().unwrap().to_owned()));
        match page.get("next") {
            Some(next) => after = next.clone(),
            None => break,
        }
    }
    let mut names = names.to_vec();
    names.sort();
    assert_eq!(listed, names);
}

#[test]
fn status_tells_who_is_there() {
    let (_at_alice, alice, mut at_bob, bob, _) = talk(0);
    let [carol] = Server::shared().accounts();
    let status = at_bob.ok("status", json!({"accounts": [alice, bob, carol]}));
    assert_eq!(
        status["list"],
        json!([
            {"account": alice, "state": "online", "platforms": ["android"]},
            {"account": bob, "state": "online", "platforms": ["android"]},
            {"account": carol, "state": "offline"},
        ])
    );
}
