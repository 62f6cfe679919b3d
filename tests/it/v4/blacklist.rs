//! `sns/black_list_*`.

use serde_json::{Value, json};

use crate::harness::{Server, unused};

fn check(server: &Server, from: &str, to: &[&str], kind: &str) -> Vec<String> {
    let request = json!({"From_Account": from, "To_Account": to, "CheckType": format!("BlackCheckResult_Type_{kind}")});
    let reply = server.ok("sns/black_list_check", &request);
    let relation =
        |item: &Value| item["Relation"].as_str().unwrap().trim_start_matches("BlackCheckResult_Type_").to_owned();
    reply["BlackListCheckItem"].as_array().unwrap().iter().map(relation).collect()
}

#[test]
fn blocking_and_unblocking_answers_per_account() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    let nobody = unused();
    let reply =
        server.ok("sns/black_list_add", &json!({"From_Account": alice, "To_Account": [bob, nobody, carol, alice]}));
    let codes: Vec<&Value> = reply["ResultItem"].as_array().unwrap().iter().map(|item| &item["ResultCode"]).collect();
    assert_eq!(codes, [&json!(0), &json!(30003), &json!(0), &json!(30001)]);
    assert_eq!(reply["Fail_Account"], json!([nobody, alice]));
    assert!(reply["ResultItem"].as_array().unwrap().iter().all(|item| item["ResultInfo"].is_string()));
    assert_eq!(check(server, &alice, &[&bob, &carol], "Single"), ["AWithB", "AWithB"]);
    let reply = server.ok("sns/black_list_delete", &json!({"From_Account": alice, "To_Account": [bob]}));
    assert!(reply.get("Fail_Account").is_none());
    assert_eq!(check(server, &alice, &[&bob, &carol], "Single"), ["NO", "AWithB"]);
}

#[test]
fn a_check_tells_both_directions() {
    let server = Server::shared();
    let [alice, mine, theirs, both, none] = server.accounts();
    server.ok("sns/black_list_add", &json!({"From_Account": alice, "To_Account": [mine, both]}));
    for peer in [&theirs, &both] {
        server.ok("sns/black_list_add", &json!({"From_Account": peer, "To_Account": [alice]}));
    }
    let peers = [&*mine, &theirs, &both, &none];
    assert_eq!(check(server, &alice, &peers, "Both"), ["AWithB", "BWithA", "BothWay", "NO"]);
    assert_eq!(check(server, &alice, &peers, "Single"), ["AWithB", "NO", "AWithB", "NO"]);
}

#[test]
fn a_list_is_paged() {
    let server = Server::shared();
    let peers: [String; 25] = server.accounts();
    let [alice] = server.accounts();
    server.ok("sns/black_list_add", &json!({"From_Account": alice, "To_Account": peers}));
    let (mut seen, mut start) = (Vec::new(), 0);
    loop {
        let request = json!({"From_Account": alice, "StartIndex": start, "MaxLimited": 10, "LastSequence": 0});
        let reply = server.ok("sns/black_list_get", &request);
        assert!(reply["CurruentSequence"].as_u64().unwrap() > 0);
        for item in reply["BlackListItem"].as_array().unwrap() {
            assert!(item["AddBlackTimeStamp"].as_u64().unwrap() > 1_600_000_000);
            seen.push(item["To_Account"].as_str().unwrap().to_owned());
        }
        start = reply["StartIndex"].as_u64().unwrap();
        if start == 0 {
            break;
        }
    }
    let mut all = peers.to_vec();
    all.sort();
    assert_eq!(seen, all);
}

#[test]
fn blocking_ends_a_friendship_both_ways() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let add = json!({"From_Account": alice, "ForceAddFlags": 1, "AddFriendItem": [{"To_Account": bob, "AddSource": "AddSource_Type_web"}]});
    server.ok("sns/friend_add", &add);
    server.ok("sns/black_list_add", &json!({"From_Account": bob, "To_Account": [alice]}));
    for (from, to) in [(&alice, &bob), (&bob, &alice)] {
        let request = json!({"From_Account": from, "To_Account": [to], "CheckType": "CheckResult_Type_Both"});
        let reply = server.ok("sns/friend_check", &request);
        assert_eq!(reply["InfoItem"][0]["Relation"], "CheckResult_Type_NoRelation");
    }
    let reply = server.ok("sns/friend_add", &add);
    assert_eq!(reply["ResultItem"][0]["ResultCode"], 30525);
}

#[test]
fn the_server_api_passes_the_blacklist() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    server.ok("sns/black_list_add", &json!({"From_Account": bob, "To_Account": [alice]}));
    server.send(&alice, &bob, "hi");
    let unread = server.ok("openim/get_c2c_unread_msg_num", &json!({"To_Account": bob}));
    assert_eq!(unread["AllC2CUnreadMsgNum"], 1);
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let nobody = unused();
    for (command, request, code) in [
        ("black_list_add", json!({"To_Account": [bob]}), 30001),
        ("black_list_add", json!({"From_Account": alice, "To_Account": []}), 30001),
        ("black_list_add", json!({"From_Account": alice, "To_Account": bob}), 30001),
        ("black_list_add", json!({"From_Account": nobody, "To_Account": [bob]}), 30003),
        ("black_list_delete", json!({"From_Account": alice}), 30001),
        ("black_list_delete", json!({"From_Account": nobody, "To_Account": [bob]}), 30003),
        ("black_list_get", json!({"From_Account": alice, "StartIndex": 0, "MaxLimited": 10}), 30001),
        (
            "black_list_get",
            json!({"From_Account": nobody, "StartIndex": 0, "MaxLimited": 10, "LastSequence": 0}),
            30003,
        ),
        ("black_list_check", json!({"From_Account": alice, "To_Account": [bob]}), 30001),
        (
            "black_list_check",
            json!({"From_Account": nobody, "To_Account": [bob], "CheckType": "BlackCheckResult_Type_Both"}),
            30003,
        ),
    ] {
        assert_eq!(server.code(&format!("sns/{command}"), &request), code, "{command} {request}");
    }
}
