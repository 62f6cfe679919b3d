//! What every call goes through: URL, app, signature, admin, body, rate.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::harness::{ADMIN, PATIENCE, SDKAPPID, Server, now, query, query_with, signature, signature_at, unused};
use crate::records::overrun;

const COMMAND: &str = "/v4/im_open_login_svc/account_check";

fn code_of(target: &str) -> u64 {
    Server::shared().request("POST", target, &[], b"{}").code()
}

#[test]
fn the_content_type_of_a_request_does_not_matter() {
    let target = format!("/v4/ConfigSvc/GetIPList?{}", query(ADMIN));
    for headers in
        [vec![], vec![("Content-Type", "text/plain")], vec![("Content-Type", "application/json; charset=utf-8")]]
    {
        assert_eq!(Server::shared().request("POST", &target, &headers, b"{}").code(), 0, "{headers:?}");
    }
}

#[test]
fn a_base_url_may_end_with_a_slash() {
    assert_eq!(code_of(&format!("//v4/ConfigSvc/GetIPList?{}", query(ADMIN))), 0);
}

#[test]
fn the_query_names_the_app() {
    let rest = format!("identifier={ADMIN}&usersig={}", signature(ADMIN));
    for (app, code) in
        [("", 60012), ("sdkappid=&", 60012), ("sdkappid=x&", 60006), ("sdkappid=1&", 60006), ("sdkappid=-1&", 60006)]
    {
        assert_eq!(code_of(&format!("{COMMAND}?{app}{rest}")), code, "{app:?}");
    }
}

#[test]
fn the_query_names_the_caller() {
    let sig = signature(ADMIN);
    for (identifier, code) in [
        ("", 60004),
        ("identifier=&", 60004),
        ("identifier=%E4%BD%A0&", 60004),
        ("identifier=%2&", 60002),
        ("identifier=somebody&", 70013),
    ] {
        let target = format!("{COMMAND}?sdkappid={SDKAPPID}&{identifier}usersig={sig}");
        assert_eq!(code_of(&target), code, "{identifier:?}");
    }
}

#[test]
fn signatures_are_verified() {
    let good = signature(ADMIN);
    let other_app = duolog::gateway::auth::AppKey::new(SDKAPPID + 1, crate::harness::KEY);
    let other_key = duolog::gateway::auth::AppKey::new(SDKAPPID, "another key");
    let admin = duolog_topics::Account::new(ADMIN).unwrap();
    for (signature, code) in [
        (String::new(), 70002),
        (good[..good.len() / 2].to_owned(), 70003),
        ("x".to_owned(), 70003),
        (other_app.sign(&admin, now(), 86_400), 70014),
        (other_key.sign(&admin, now(), 86_400), 70009),
        (signature_at(ADMIN, now() - 86_402), 70001),
        (crate::harness::signature("somebody"), 70013),
    ] {
        assert_eq!(code_of(&format!("{COMMAND}?{}", query_with(ADMIN, &signature))), code, "{signature}");
    }
    assert_eq!(code_of(&format!("{COMMAND}?sdkappid={SDKAPPID}&identifier={ADMIN}")), 70002);
}

#[test]
fn percent_encoded_and_reordered_queries_are_taken() {
    let encoded: String = signature(ADMIN).bytes().map(|byte| format!("%{byte:02X}")).collect();
    let target = format!(
        "/v4/ConfigSvc/GetIPList?contenttype=json&usersig={encoded}&identifier=%61dministrator&sdkappid={SDKAPPID}"
    );
    assert_eq!(code_of(&target), 0);
}

#[test]
fn of_a_doubled_parameter_the_last_counts_and_the_rest_may_be_missing() {
    let (good, name) = (signature(ADMIN), format!("identifier={ADMIN}"));
    let path = "/v4/ConfigSvc/GetIPList";
    for (query, code) in [
        (format!("sdkappid=1&{name}&usersig=x&sdkappid={SDKAPPID}&usersig={good}"), 0),
        (format!("sdkappid={SDKAPPID}&{name}&usersig={good}&usersig=x"), 70003),
        (format!("&&sdkappid={SDKAPPID}&=&{name}&usersig={good}&random=x&contenttype=xml&new=%E4%BD%A0"), 0),
        (format!("sdkappid={SDKAPPID}&{name}&usersig={good}&random=1"), 0),
        (format!("sdkappid={SDKAPPID}&{name}&usersig={good}&random=1"), 0),
        (format!("SDKAPPID={SDKAPPID}&{name}&usersig={good}"), 60012),
        (format!("sdkappid={SDKAPPID}.0&{name}&usersig={good}"), 60006),
        (format!("sdkappid=18446744073709551616&{name}&usersig={good}"), 60006),
    ] {
        assert_eq!(code_of(&format!("{path}?{query}")), code, "{query}");
    }
}

#[test]
fn a_body_may_come_in_chunks_and_with_a_content_type_of_another_kind() {
    let target = format!("/v4/ConfigSvc/GetIPList?{}", query(ADMIN));
    for kind in ["application/x-www-form-urlencoded", "text/plain; charset=gbk", "", "nonsense"] {
        assert_eq!(Server::shared().request("POST", &target, &[("Content-Type", kind)], b"{}").code(), 0, "{kind}");
    }
    let mut stream = TcpStream::connect(Server::shared().addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"1\r\n{\r\n7\r\n\"a\": 1}\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""ErrorCode":0"#), "{answer}");
}

#[test]
fn only_admins_call() {
    let server = Server::shared();
    let [user] = server.accounts();
    let reply = server.call_as(&user, "im_open_login_svc/account_check", &json!({"CheckItem": [{"UserID": user}]}));
    assert_eq!(reply["ErrorCode"], 60010);
}

#[test]
fn unknown_commands_are_60009() {
    let server = Server::shared();
    for command in [
        "openim/nothing",
        "nothing/sendmsg",
        "openim/SendMsg",
        "sns/sendmsg",
        "im_open_push/im_push",
        "openim/sendmsg/",
    ] {
        assert_eq!(server.code(command, &json!({})), 60009, "{command}");
    }
    for path in ["/v4", "/v4/openim", "/v4/openim/sendmsg/more"] {
        assert_eq!(code_of(&format!("{path}?{}", query(ADMIN))), 60009, "{path}");
    }
}

#[test]
fn only_post_is_taken() {
    for method in ["GET", "PUT", "DELETE"] {
        let target = format!("/v4/ConfigSvc/GetIPList?{}", query(ADMIN));
        assert_eq!(Server::shared().request(method, &target, &[], b"{}").code(), 60002, "{method}");
    }
}

#[test]
fn bodies_that_are_no_json_object_have_their_services_code() {
    for (command, code) in [
        ("openim/sendmsg", 90001),
        ("sns/black_list_add", 60003),
        ("im_open_login_svc/account_import", 60003),
        ("openconfigsvr/setnospeaking", 130_001),
    ] {
        for body in [&b""[..], b"{", b"[]", b"null", b"\xff", b"{}{}", &[b'['; 100_000]] {
            let target = format!("/v4/{command}?{}", query(ADMIN));
            let response = Server::shared().request("POST", &target, &[], body);
            assert_eq!(response.code(), code, "{command} {:?}", &body[..body.len().min(20)]);
        }
    }
}

#[test]
fn a_body_over_the_limit_is_answered() {
    let server = Server::start("limits.request_bytes = 1024");
    let target = format!("/v4/ConfigSvc/GetIPList?{}", query(ADMIN));
    let padded = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes - 8));
    assert_eq!(server.request("POST", &target, &[], padded(1024).as_bytes()).code(), 0);
    assert_eq!(server.request("POST", &target, &[], padded(1025).as_bytes()).code(), 93000);
    assert_eq!(server.request("POST", &target, &[], padded(3_000_000).as_bytes()).code(), 93000);
    let refused = format!("/v4/ConfigSvc/GetIPList?{}", query("somebody"));
    assert_eq!(server.request("POST", &refused, &[], padded(1024).as_bytes()).code(), 60010);
    assert_eq!(server.request("POST", &refused, &[], padded(3_000_000).as_bytes()).code(), 93000);
}

#[test]
fn the_connection_of_a_refused_caller_goes_on() {
    let mut stream = TcpStream::connect(Server::shared().addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = format!("{{\"x\":\"{}\"}}", "x".repeat(100_000));
    for (caller, connection) in [("somebody", "keep-alive"), (ADMIN, "close")] {
        let mut head = format!("POST /v4/ConfigSvc/GetIPList?{} HTTP/1.1\r\nHost: x\r\n", query(caller));
        head += &format!("Connection: {connection}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    }
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let place = |code: &str| answers.find(&format!(r#""ErrorCode":{code}"#));
    assert!(place("60010").is_some() && place("60010") < place("0"), "{answers}");
}

#[test]
fn each_command_has_its_rate() {
    let server = Server::start("server.rate_limit = 5");
    let codes: Vec<u64> = (0..5).map(|_| server.code("ConfigSvc/GetIPList", &json!({}))).collect();
    assert_eq!(codes, [0; 5], "a quiet server takes a second's calls at once");
    let codes = overrun(&server, "ConfigSvc/GetIPList", &json!({}));
    assert!(codes.iter().all(|code| [0, 60011].contains(code)), "{codes:?}");
    assert_eq!(
        server.code("im_open_login_svc/account_import", &json!({"UserID": unused()})),
        0,
        "others have their own"
    );
}
