use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::stand_in::{Reply, Seen, StandIn};
use super::{apns_settings, gone, leave, send, serve, serve_apns, tell_token, test_key, token_parts, until};
use crate::harness::{Server, body, now, random};
use crate::ws::client::Client;

/// The claims of a provider token, whose signature has to be good.
fn provider_token(seen: &Seen) -> (Value, Value) {
    let key = PrivatePkcs8KeyDer::from_pem_file(test_key("apns.p8")).expect("a key");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.secret_pkcs8_der(), &SystemRandom::new());
    let public = key.expect("a key on P-256").public_key().as_ref().to_vec();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
    let token = seen.headers["authorization"].strip_prefix("Bearer ").expect("a bearer token");
    token_parts(token, |text, signature| public.verify(text, signature).is_ok())
}

fn rename(server: &Server, account: &str, nick: &str) {
    let items = json!([{"Tag": "Tag_Profile_IM_Nick", "Value": nick}]);
    server.ok("profile/portrait_set", &json!({"From_Account": account, "ProfileItem": items}));
}

#[test]
fn who_is_away_is_told_by_apples_rules() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob] = server.accounts();
    rename(&server, &alice, "Al");
    leave(&server, &bob, "00fc", json!({"sound": "chime.caf", "topic": "com.example.other"}));
    send(&server, &alice, &bob, json!({"MsgLifeTime": 60}));
    let seen = apple.next("00fc");
    assert_eq!((seen.version, seen.path.as_str()), (axum::http::Version::HTTP_2, "/3/device/00fc"));
    assert_eq!(seen.headers["apns-topic"], "com.example.other");
    assert_eq!(seen.headers["apns-push-type"], "alert");
    assert_eq!(seen.headers["apns-priority"], "10");
    let expires: u64 = seen.headers["apns-expiration"].parse().unwrap();
    assert!((now()..=now() + 60).contains(&expires), "{expires}");
    let id: uuid::Uuid = seen.headers["apns-id"].parse().unwrap();
    assert_eq!(seen.headers["apns-collapse-id"], id.to_string());
    let (header, claims) = provider_token(&seen);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("KEYID12345")));
    assert_eq!(claims["iss"], "TEAMID1234");
    assert!(now() - claims["iat"].as_u64().unwrap() < 3600);

    let payload = seen.json();
    assert_eq!(payload["aps"]["alert"], json!({"body": "Al:hi"}));
    assert_eq!((&payload["aps"]["badge"], &payload["aps"]["sound"]), (&json!(1), &json!("chime.caf")));
    assert_eq!(payload["peer"], alice);

    let info = json!({"Title": "News", "Desc": "come", "Ext": "e", "ApnsInfo": {"Sound": "s.caf", "BadgeMode": 1}});
    send(&server, &alice, &bob, json!({"OfflinePushInfo": info}));
    let second = apple.next("00fc");
    let payload = second.json();
    assert_eq!(payload["aps"]["alert"], json!({"title": "News", "body": "Al:come"}));
    assert_eq!((payload["aps"].get("badge"), &payload["aps"]["sound"]), (None, &json!("s.caf")));
    assert_eq!(payload["ext"], "e");
    assert_eq!(second.headers["authorization"], seen.headers["authorization"], "the provider token is used again");

    let custom = json!([{"MsgType": "TIMCustomElem", "MsgContent":
        {"Data": "d", "Desc": "order", "Ext": "old", "Sound": "old.caf"}}]);
    send(&server, &alice, &bob, json!({"MsgBody": custom}));
    let payload = apple.next("00fc").json();
    assert_eq!((&payload["aps"]["sound"], &payload["ext"]), (&json!("old.caf"), &json!("old")));
    assert_eq!(payload["aps"]["badge"], 3);
}

#[test]
fn tokens_of_the_sandbox_go_there() {
    let (apple, sandbox) = (StandIn::start(), StandIn::start());
    let more = format!("push.apns.sandbox_url = '{}'", sandbox.url);
    let server = serve(tempfile::tempdir().unwrap(), &apns_settings(&apple.url, &more));
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "00fc", json!({"environment": "sandbox"}));
    send(&server, &alice, &bob, json!({}));
    assert_eq!(sandbox.next("00fc").headers["apns-topic"], "com.example.chat");
    assert_eq!(apple.left(), Vec::<String>::new());
}

#[test]
fn nobody_is_told_who_is_there_or_wants_silence() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, there, muted, off, out, bob] = server.accounts();
    let mut at_there = Client::online(&server, &there, "phone");
    tell_token(&mut at_there, "there", json!({}));
    leave(&server, &muted, "muted", json!({}));
    let settings = json!([{"Tag": "Tag_Profile_IM_MsgSettings", "Value": 1}]);
    server.ok("profile/portrait_set", &json!({"From_Account": muted, "ProfileItem": settings}));
    leave(&server, &off, "off", json!({"enabled": false}));
    let mut at_out = Client::online(&server, &out, "phone");
    tell_token(&mut at_out, "out", json!({}));
    at_out.ok("logout", json!({}));
    gone(&server, &out);
    leave(&server, &bob, "bob", json!({}));

    for account in [&there, &muted, &off, &out] {
        send(&server, &alice, account, json!({}));
    }
    let custom = json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Data": "d"}}]);
    for more in [
        json!({"SendMsgControl": ["WithMuteNotifications"]}),
        json!({"OfflinePushInfo": {"PushFlag": 1}}),
        json!({"OnlineOnlyFlag": 1}),
        json!({"MsgLifeTime": 0}),
        json!({"MsgBody": custom}),
    ] {
        send(&server, &alice, &bob, more);
    }
    let import = json!({"SyncFromOldSystem": 1, "From_Account": alice, "To_Account": bob, "MsgRandom": random(),
        "MsgTimeStamp": now(), "MsgBody": body("old")});
    server.ok("openim/importmsg", &import);
    send(&server, &bob, &bob, json!({}));
    // What comes after all of these in bob's own order.
    send(&server, &alice, &bob, json!({"MsgBody": body("last"), "SendMsgControl": ["NoUnread", "NoLastMsg"]}));
    assert_eq!(apple.next("bob").json()["aps"]["alert"]["body"], "last");
    // All of the earlier ones were asked about and dropped: the only one with nothing to say, and the muted, off and out.
    until(|| ["muted", "no_token"].iter().all(|because| dropped(&server, because) > 0));
    assert_eq!(dropped(&server, "no_token"), 2);
    assert_eq!(apple.left(), Vec::<String>::new());

    // An app in the background is told, although it has a link; but not of what it had taken before.
    let taken = at_there.push("messages")["cursor"].clone();
    at_there.ok("ack", json!({"cursor": taken}));
    at_there.ok("app_state", json!({"state": "background", "badge": 5}));
    send(&server, &alice, &there, json!({}));
    assert_eq!(apple.next("there").json()["aps"]["badge"], 6);
    at_there.ok("app_state", json!({"state": "foreground"}));
    send(&server, &alice, &there, json!({}));
    send(&server, &alice, &bob, json!({}));
    apple.next("bob");
    assert_eq!(apple.left(), Vec::<String>::new());
}

/// Messages that were not pushed for a reason.
fn dropped(server: &Server, because: &str) -> u64 {
    server.metric(&format!("duolog_pushes_dropped_total{{service=\"apns\",because=\"{because}\"}}"))
}

#[test]
fn a_token_that_reaches_nobody_is_forgotten() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob, carol] = server.accounts();
    leave(&server, &bob, "old", json!({}));
    leave(&server, &carol, "carol", json!({}));
    apple.always("old", Reply::says(410, json!({"reason": "Unregistered", "timestamp": 1})));
    send(&server, &alice, &bob, json!({}));
    apple.next("old");
    until(|| server.metric("duolog_push_tokens_gone_total{service=\"apns\"}") == 1);
    send(&server, &alice, &bob, json!({}));
    until(|| dropped(&server, "no_token") == 1);
    send(&server, &alice, &carol, json!({}));
    apple.next("carol");
    assert_eq!(apple.left(), Vec::<String>::new());
    leave(&server, &bob, "new", json!({}));
    send(&server, &alice, &bob, json!({}));
    apple.next("new");
}

#[test]
fn a_token_that_came_meanwhile_is_kept() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "old", json!({}));
    let gate = Arc::new(Notify::new());
    let gone = Reply::says(410, json!({"reason": "Unregistered"}));
    apple.once("old", Reply::Held(gate.clone(), Box::new(gone)));
    send(&server, &alice, &bob, json!({}));
    apple.next("old");
    leave(&server, &bob, "new", json!({}));
    gate.notify_one();
    until(|| server.metric("duolog_push_tokens_gone_total{service=\"apns\"}") == 1);
    send(&server, &alice, &bob, json!({}));
    apple.next("new");
}

#[test]
fn a_provider_token_that_ran_out_is_made_anew() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "bob", json!({}));
    apple.once("bob", Reply::says(403, json!({"reason": "ExpiredProviderToken"})));
    send(&server, &alice, &bob, json!({}));
    let (first, second) = (apple.next("bob"), apple.next("bob"));
    assert_ne!(first.headers["authorization"], second.headers["authorization"]);
    assert_eq!(first.headers["apns-id"], second.headers["apns-id"]);
    provider_token(&second);
}
