//! The pages for operators.

use serde_json::json;

use crate::harness::Server;

#[test]
fn the_server_is_alive_and_ready() {
    let server = Server::shared();
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn calls_are_counted() {
    let server = Server::shared();
    server.ok("ConfigSvc/GetIPList", &json!({}));
    let response = server.get("/metrics");
    assert_eq!(response.status, 200);
    let line = r#"duolog_server_api_calls_total{command="ConfigSvc/GetIPList",code="ok"}"#;
    assert!(response.body.contains(line), "{}", response.body);
}

#[test]
fn the_wall_clock_is_compared_with_the_servers() {
    let metrics = Server::shared().get("/metrics").body;
    let drift = metrics.lines().find_map(|line| line.strip_prefix("duolog_clock_drift_seconds ")?.parse::<f64>().ok());
    assert!(drift.is_some(), "{metrics}");
}

#[test]
fn addresses_are_a_list_of_texts() {
    let reply = Server::shared().ok("ConfigSvc/GetIPList", &json!({}));
    assert!(reply["IPList"].as_array().unwrap().iter().all(serde_json::Value::is_string), "{reply}");
}
