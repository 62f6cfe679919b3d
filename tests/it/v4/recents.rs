//! `recentcontact/get_list`, `delete`.

use serde_json::{Value, json};

use crate::harness::{Server, now, unused};

fn list(server: &Server, of: &str) -> Value {
    let request = json!({"From_Account": of, "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0, "AssistFlags": 7});
    server.ok("recentcontact/get_list", &request)
}

fn next_milliseconds() {
    let start = std::time::Instant::now();
    while start.elapsed().as_millis() < 2 {
        std::thread::yield_now();
    }
}

fn peers(reply: &Value) -> Vec<&str> {
    reply["SessionItem"].as_array().unwrap().iter().map(|item| item["To_Account"].as_str().unwrap()).collect()
}

#[test]
fn the_newest_come_first() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    for (from, to) in [(&bob, &alice), (&alice, &carol), (&bob, &alice)] {
        // Places have milliseconds; two of the same one stand in the order of names.
        next_milliseconds();
        server.send(from, to, "hi");
    }
    let reply = list(server, &alice);
    assert_eq!(peers(&reply), [&bob, &carol]);
    let item = &reply["SessionItem"][0];
    assert_eq!((&item["Type"], &item["TopFlag"]), (&json!(1), &json!(0)));
    assert!(item["MsgTime"].as_u64().unwrap() <= now());
    assert_eq!(reply["CompleteFlag"], 1);
    for field in ["TimeStamp", "StartIndex", "TopTimeStamp", "TopStartIndex"] {
        assert!(reply[field].is_u64(), "{field}");
    }
}

#[test]
fn a_deleted_one_is_gone_until_the_next_message() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    server.send(&bob, &alice, "1");
    let delete = |clear: u64| json!({"From_Account": alice, "Type": 1, "To_Account": bob, "ClearRamble": clear});
    server.ok("recentcontact/delete", &delete(0));
    assert!(peers(&list(server, &alice)).is_empty());
    let roam = json!({"Operator_Account": alice, "Peer_Account": bob, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
    assert_eq!(server.ok("openim/admin_getroammsg", &roam)["MsgCnt"], 1, "history stays");
    server.ok("recentcontact/delete", &delete(1));
    assert_eq!(server.ok("openim/admin_getroammsg", &roam)["MsgCnt"], 0, "history goes too");
    server.send(&bob, &alice, "2");
    assert_eq!(peers(&list(server, &alice)), [&bob]);
    assert_eq!(server.ok("openim/admin_getroammsg", &roam)["MsgCnt"], 1);
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    assert_eq!(server.code("recentcontact/get_list", &json!({"From_Account": alice})), 50002);
    let all = json!({"From_Account": unused(), "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0, "AssistFlags": 7});
    assert_eq!(server.code("recentcontact/get_list", &all), 50001);
    for (request, code) in [
        (json!({"From_Account": alice, "To_Account": bob}), 50002),
        (json!({"From_Account": alice, "Type": 2, "ToGroupid": "g"}), 50002),
        (json!({"From_Account": alice, "Type": 1}), 50002),
        (json!({"From_Account": unused(), "Type": 1, "To_Account": bob}), 50001),
    ] {
        assert_eq!(server.code("recentcontact/delete", &request), code, "{request}");
    }
}
