use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::stand_in::{Reply, SIGN_IN, StandIn};
use super::{fcm_settings, leave, send, serve, test_key, token_parts, until};
use crate::harness::{Server, now};

fn serve_fcm(google: &StandIn) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let settings = fcm_settings(&dir, &google.url);
    serve(dir, &settings)
}

fn android() -> Value {
    json!({"provider": "fcm", "sound": "own"})
}

/// The claims of a signed statement, whose signature has to be good.
fn statement(form: &str) -> Value {
    let key = PrivatePkcs8KeyDer::from_pem_file(test_key("fcm.pem")).expect("a key");
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref().to_vec());
    let (grant, token) = form.split_once("&assertion=").expect("a form");
    assert_eq!(grant, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    let (header, claims) = token_parts(token, |text, signature| public.verify(text, signature).is_ok());
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!("k1")));
    claims
}

#[test]
fn one_sign_in_serves_many_pushes() {
    let google = StandIn::start();
    let server = serve_fcm(&google);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "bob", android());
    let info = json!({"Title": "t", "Ext": "e", "AndroidInfo": {"GoogleChannelID": "chat"}});
    let key = send(&server, &alice, &bob, json!({"OfflinePushInfo": info}));
    let claims = statement(&google.next(SIGN_IN).text);
    assert_eq!(claims["iss"], "push@chat-1.example");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/firebase.messaging");
    assert_eq!(claims["aud"], format!("{}/token", google.url));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    assert!(claims["iat"].as_u64().unwrap() <= now());

    let seen = google.next("bob");
    assert_eq!((seen.version, seen.path.as_str()), (axum::http::Version::HTTP_2, "/v1/projects/chat-1/messages:send"));
    assert_eq!(seen.headers["authorization"], "Bearer bearer");
    let message = &seen.json()["message"];
    assert_eq!(message["notification"], json!({"title": "t", "body": "hi"}));
    assert_eq!(message["data"], json!({"ext": "e", "peer": alice, "key": key}));
    let android = &message["android"];
    assert_eq!((&android["priority"], &android["notification"]["channel_id"]), (&json!("HIGH"), &json!("chat")));
    assert_eq!(
        (&android["notification"]["sound"], &android["notification"]["notification_count"]),
        (&json!("own"), &json!(1))
    );

    send(&server, &alice, &bob, json!({}));
    google.next("bob");
    assert_eq!(google.left(), Vec::<String>::new(), "no second sign-in");
}

#[test]
fn a_token_that_is_not_registered_is_forgotten() {
    let google = StandIn::start();
    let server = serve_fcm(&google);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "bob", android());
    let details =
        json!([{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"}]);
    google.once("bob", Reply::says(404, json!({"error": {"code": 404, "status": "NOT_FOUND", "details": details}})));
    send(&server, &alice, &bob, json!({}));
    google.next("bob");
    until(|| server.metric("duolog_push_tokens_gone_total{service=\"fcm\"}") == 1);
    send(&server, &alice, &bob, json!({}));
    until(|| server.metric("duolog_pushes_dropped_total{service=\"fcm\",because=\"no_token\"}") == 1);
    google.next(SIGN_IN);
    assert_eq!(google.left(), Vec::<String>::new());
}

#[test]
fn a_bearer_token_that_is_not_accepted_is_fetched_anew() {
    let google = StandIn::start();
    let server = serve_fcm(&google);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "bob", android());
    google.once(SIGN_IN, Reply::says(200, json!({"access_token": "early", "expires_in": 3600})));
    google.once("bob", Reply::says(401, json!({"error": {"code": 401, "status": "UNAUTHENTICATED"}})));
    send(&server, &alice, &bob, json!({}));
    assert_eq!(google.next("bob").headers["authorization"], "Bearer early");
    assert_eq!(google.next("bob").headers["authorization"], "Bearer bearer");
}

#[test]
fn a_quota_and_a_broken_sign_in_are_waited_for() {
    let google = StandIn::start();
    let server = serve_fcm(&google);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "bob", android());
    google.once(SIGN_IN, Reply::busy(503));
    google.once("bob", Reply::busy(429));
    google.once("bob", Reply::busy(500));
    send(&server, &alice, &bob, json!({}));
    let tags: Vec<Value> =
        (0..3).map(|_| google.next("bob").json()["message"]["android"]["notification"]["tag"].take()).collect();
    assert!(tags.windows(2).all(|pair| pair[0] == pair[1]), "{tags:?}");
}
