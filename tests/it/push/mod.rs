//! Offline push against stand-ins of Apple's and Google's push services.

mod apns;
mod everybody;
mod fcm;
mod missed;
mod operator;
mod outages;
mod stand_in;

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PATIENCE, Server, body, random};
use crate::ws::client::Client;
use stand_in::{StandIn, authority};

/// Keys that were made for tests; they open nothing.
fn test_key(name: &str) -> String {
    format!("{}/src/consumers/push/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Settings for a stand-in of Apple.
fn apns_settings(url: &str, more: &str) -> String {
    format!(
        "push.apns.key_file = '{}'\npush.apns.key_id = 'KEYID12345'\npush.apns.team_id = 'TEAMID1234'\n\
         push.apns.topic = 'com.example.chat'\npush.apns.url = '{url}'\n{more}\n",
        test_key("apns.p8")
    )
}

/// Settings for a stand-in of Google; the service account's file is written into the directory.
fn fcm_settings(dir: &TempDir, url: &str) -> String {
    let key = std::fs::read_to_string(test_key("fcm.pem")).expect("a key");
    let account = json!({"type": "service_account", "project_id": "chat-1", "private_key_id": "k1", "private_key": key,
        "client_email": "push@chat-1.example", "token_uri": format!("{url}/token")});
    let path = dir.path().join("account.json");
    std::fs::write(&path, account.to_string()).expect("the account is written");
    format!("push.fcm.service_account_file = '{}'\npush.fcm.url = '{url}'\n", path.display())
}

/// A server that trusts the stand-ins' authority.
fn serve(dir: TempDir, settings: &str) -> Server {
    Server::start_with(dir, settings, &[("SSL_CERT_FILE", &authority())])
}

fn serve_apns(apple: &StandIn) -> Server {
    serve(tempfile::tempdir().expect("a directory"), &apns_settings(&apple.url, ""))
}

/// A device of an account that told its token and went away; with the arguments of `push_token` beside the token.
fn leave(server: &Server, account: &str, token: &str, more: Value) {
    let mut client = Client::online(server, account, "phone");
    tell_token(&mut client, token, more);
    drop(client);
    gone(server, account);
}

fn tell_token(client: &mut Client, token: &str, more: Value) {
    let mut args = json!({"provider": "apns", "token": token});
    args.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    client.ok("push_token", args);
}

/// Waits until the log knows that no device of an account is connected.
fn gone(server: &Server, account: &str) {
    until(|| {
        let reply = server.ok("openim/query_online_status", &json!({"To_Account": [account]}));
        reply["QueryResult"][0]["Status"] != "Online"
    });
}

fn until(mut true_at_last: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !true_at_last() {
        assert!(Instant::now() < end, "it does not come true");
        std::thread::yield_now();
    }
}

/// Sends, with further members of the request.
fn send(server: &Server, from: &str, to: &str, more: Value) -> String {
    let mut request = json!({"From_Account": from, "To_Account": to, "MsgRandom": random(), "MsgBody": body("hi")});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let key = server.ok("openim/sendmsg", &request)["MsgKey"].take();
    key.as_str().unwrap_or_default().to_owned()
}

/// The header and the claims of a JSON Web Token, and whether its signature is good.
fn token_parts(token: &str, good: impl Fn(&[u8], &[u8]) -> bool) -> (Value, Value) {
    let parts: Vec<Vec<u8>> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url")).collect();
    let text = token.rsplit_once('.').expect("points").0;
    assert!(good(text.as_bytes(), &parts[2]), "the signature of {token}");
    let json = |part: &[u8]| serde_json::from_slice(part).expect("JSON");
    (json(&parts[0]), json(&parts[1]))
}

#[test]
fn credentials_that_cannot_be_used_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let no_key = dir.path().join("no.p8");
    std::fs::write(&no_key, "no key").unwrap();
    let apns = "push.apns.key_id = 'k'\npush.apns.team_id = 't'\npush.apns.topic = 'a'\n";
    let config = dir.path().join("c.toml");
    let data = dir.path().join("data").display().to_string();
    for (settings, said) in [
        (format!("{apns}push.apns.key_file = '{}'", no_key.display()), "push.apns.key_file: it is no PEM file"),
        (format!("{apns}push.apns.key_file = '/none.p8'"), "push.apns.key_file: /none.p8 cannot be read"),
        (
            format!("push.fcm.service_account_file = '{}'", no_key.display()),
            "push.fcm.service_account_file: it is no service account's file",
        ),
    ] {
        std::fs::write(&config, settings).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_duolog"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", &data, "--config"]).arg(&config);
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    }
}
