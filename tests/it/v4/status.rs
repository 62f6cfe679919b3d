//! `openim/query_online_status`, `querystate`. Who is connected is tested with the client protocol.

use serde_json::json;

use crate::harness::{Server, unused};

#[test]
fn both_names_answer_both_fields() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let nobody = unused();
    for command in ["query_online_status", "querystate"] {
        let request = json!({"IsNeedDetail": 1, "To_Account": [alice, nobody, bob]});
        let reply = server.ok(&format!("openim/{command}"), &request);
        let offline = |name: &str| json!({"To_Account": name, "Status": "Offline", "State": "Offline"});
        assert_eq!(reply["QueryResult"], json!([offline(&alice), offline(&bob)]));
        assert_eq!(reply["ErrorList"], json!([{"To_Account": nobody, "ErrorCode": 70107}]));
    }
}

#[test]
fn each_failure_has_its_code() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let reply = server.call("openim/query_online_status", &json!({"To_Account": [unused(), "é"]}));
    assert_eq!(reply["ErrorCode"], 70107);
    assert_eq!(reply["ErrorList"].as_array().unwrap().len(), 2);
    for (request, code) in [
        (json!({}), 90001),
        (json!({"To_Account": []}), 90001),
        (json!({"To_Account": alice}), 90001),
        (json!({"To_Account": [alice], "IsNeedDetail": 2}), 90001),
        (json!({"To_Account": vec![alice; 501]}), 90018),
    ] {
        assert_eq!(server.code("openim/query_online_status", &request), code, "{request}");
    }
}
