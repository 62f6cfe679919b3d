use serde_json::{Value, json};

use super::endpoint;
use super::receiver::{Answer, Receiver, Seen};
use crate::harness::{Server, body, random};
use crate::ws::client::{Client, message};

const BEFORE: &str = "C2C.CallbackBeforeSendMsg";
const AFTER: &str = "C2C.CallbackAfterSendMsg";

fn answer(code: u32, more: Value) -> Answer {
    let mut reply = json!({"ActionStatus": "OK", "ErrorCode": code, "ErrorInfo": "as the app says"});
    reply.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    Answer::Ok(reply)
}

/// Answers as the message's text asks for.
fn app(seen: &Seen) -> Answer {
    match seen.said() {
        _ if seen.command() == AFTER => Answer::ok(),
        "rewrite" => answer(0, json!({"MsgBody": body("rewritten"), "CloudCustomData": "added"})),
        "echo" => answer(0, json!({"MsgBody": seen.body["MsgBody"]})),
        "refuse" => answer(1, json!({})),
        "refuse by its code" => answer(20_006, json!({})),
        "own code" => answer(120_042, json!({})),
        "first code" => Answer::Ok(json!({"ErrorCode": 120_001})),
        "last code" => answer(130_000, json!({"ErrorInfo": ""})),
        "no code" => Answer::Ok(json!({"ActionStatus": "OK"})),
        "code before" => answer(120_000, json!({})),
        "code after" => answer(130_001, json!({})),
        "only custom" => answer(0, json!({"MsgBody": null, "CloudCustomData": "added"})),
        "only code" => Answer::Ok(json!({"ErrorCode": 0, "ErrorInfo": null})),
        "moved" => Answer::Status(302),
        "no content" => Answer::Status(204),
        "nonsense" => answer(0, json!({"MsgBody": "no array"})),
        "strange" => answer(7, json!({})),
        "status" => Answer::Status(500),
        "hang" => Answer::Hang,
        _ => answer(0, json!({})),
    }
}

fn request(from: &str, to: &str, text: &str) -> Value {
    json!({"From_Account": from, "To_Account": to, "MsgRandom": random(), "MsgBody": body(text)})
}

#[test]
fn the_app_allows_rewrites_and_refuses() {
    let receiver = Receiver::answering(app);
    let server = Server::start(&endpoint(&receiver.url(), &[BEFORE, AFTER]));
    let [alice, bob] = server.accounts();
    server.send(&alice, &bob, "plain");
    let rewrite = request(&alice, &bob, "rewrite");
    let first = server.ok("openim/sendmsg", &rewrite);
    // A retry says what it said before, and is not asked about again.
    assert_eq!(server.ok("openim/sendmsg", &rewrite)["MsgKey"], first["MsgKey"]);
    assert_eq!(server.code("openim/sendmsg", &request(&alice, &bob, "refuse")), 20_006);
    let own = server.call("openim/sendmsg", &request(&alice, &bob, "own code"));
    assert_eq!((&own["ErrorCode"], &own["ErrorInfo"]), (&json!(120_042), &json!("as the app says")));
    let failures = ["nonsense", "strange", "status", "moved", "no content", "no code", "code before", "code after"];
    for text in failures.into_iter().chain(["only custom", "only code"]) {
        server.send(&alice, &bob, text);
    }
    // Codes at the ends of the app's range; the sentence is the code's own if the app gives none.
    assert_eq!(server.code("openim/sendmsg", &request(&alice, &bob, "refuse by its code")), 20_006);
    for (text, code) in [("first code", 120_001), ("last code", 130_000)] {
        let refused = server.call("openim/sendmsg", &request(&alice, &bob, text));
        assert_eq!((&refused["ActionStatus"], &refused["ErrorCode"]), (&json!("FAIL"), &json!(code)));
        assert!(refused["ErrorInfo"].as_str().is_some_and(|info| !info.is_empty()), "{refused}");
    }
    let mut silent = request(&alice, &bob, "refuse");
    silent["ForbidCallbackControl"] = json!(["ForbidBeforeSendMsgCallback"]);
    server.ok("openim/sendmsg", &silent);
    let mut batch = request(&alice, &bob, "refuse");
    batch["To_Account"] = json!([bob]);
    server.ok("openim/batchsendmsg", &batch);

    let history = json!({"Operator_Account": bob, "Peer_Account": alice, "MaxCnt": 50, "MinTime": 0,
        "MaxTime": 4_000_000_000_u32});
    let page = server.ok("openim/admin_getroammsg", &history);
    let texts: Vec<_> =
        page["MsgList"].as_array().unwrap().iter().map(|one| &one["MsgBody"][0]["MsgContent"]["Text"]).collect();
    let expected: Vec<&str> = ["plain", "rewritten"].into_iter().chain(failures).collect();
    assert_eq!(texts, [&expected[..], &["only custom", "only code", "refuse", "refuse"]].concat());
    let customs = page["MsgList"].as_array().unwrap().iter().map(|one| one["CloudCustomData"] == "added");
    assert_eq!(customs.enumerate().filter(|(_, added)| *added).map(|(place, _)| place).collect::<Vec<_>>(), [1, 10]);

    let seen = receiver.wait(|seen| seen.iter().filter(|one| one.command() == AFTER).count() >= 13);
    let count =
        |command: &str, text: &str| seen.iter().filter(|one| one.command() == command && one.said() == text).count();
    assert_eq!(count(BEFORE, "rewrite"), 1);
    assert_eq!(count(AFTER, "rewritten"), 1);
    assert_eq!(count(AFTER, "own code"), 0);
    assert_eq!(count(BEFORE, "refuse"), 1, "neither the forbidden one nor the batch was asked about");
    let asked = seen.iter().find(|one| one.command() == BEFORE && one.said() == "plain").unwrap();
    let fields = ["From_Account", "To_Account", "MsgSeq", "MsgRandom", "MsgTime", "MsgKey", "OnlineOnlyFlag"];
    assert!(fields.iter().all(|field| !asked.body[field].is_null()), "{}", asked.body);
    assert!(asked.body["SendMsgResult"].is_null() && asked.query["CallbackCommand"] == BEFORE);
}

#[test]
fn a_client_hears_what_was_changed() {
    let receiver = Receiver::answering(app);
    let server = Server::start(&endpoint(&receiver.url(), &[BEFORE]));
    let [alice, bob] = server.accounts();
    let mut client = Client::online(&server, &alice, "a");
    let mut peer = Client::online(&server, &bob, "b");
    let rewrite = message(&bob, "rewrite");
    for _ in 0..2 {
        let ok = client.ok("send", rewrite.clone());
        assert_eq!((&ok["body"], &ok["custom"]), (&body("rewritten"), &json!("added")), "{ok}");
    }
    assert_eq!(peer.entry()["body"], body("rewritten"));
    for text in ["plain", "echo"] {
        let ok = client.ok("send", message(&bob, text));
        assert!(ok["body"].is_null() && ok["custom"].is_null(), "{ok}");
    }
    let refused = client.request("send", message(&bob, "own code"));
    assert_eq!(refused["error"]["code"], 120_042);
    assert_eq!(refused["error"]["message"], "as the app says");
    assert_eq!(client.code("send", message(&bob, "refuse")), 20_006);
    // A muted sender is not asked about.
    server.ok("openconfigsvr/setnospeaking", &json!({"Set_Account": alice, "C2CmsgNospeakingTime": 60}));
    let before = receiver.seen().len();
    assert_eq!(client.code("send", message(&bob, "muted")), 20_012);
    assert_eq!(receiver.seen().len(), before);
}

#[test]
fn a_hook_that_fails_refuses_if_the_configuration_says_so() {
    let receiver = Receiver::answering(app);
    let refuse = "callback.before_send_failure = 'refuse'";
    let server = Server::start(&format!("{refuse}\n{}", endpoint(&receiver.url(), &[BEFORE])));
    let [alice, bob] = server.accounts();
    server.send(&alice, &bob, "plain");
    for text in ["status", "hang", "strange", "moved", "no content", "no code"] {
        assert_eq!(server.code("openim/sendmsg", &request(&alice, &bob, text)), 80_003, "{text}");
    }
    // Nobody listens any more: after a few tries the circuit is open, and nobody asks.
    receiver.stop();
    for _ in 0..40 {
        assert_eq!(server.code("openim/sendmsg", &request(&alice, &bob, "down")), 80_003);
    }
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("duolog_hook_asked_total{result=\"failed\"}"), "{metrics}");
}
