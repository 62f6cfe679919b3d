use serde_json::json;

use super::stand_in::StandIn;
use super::{apns_settings, send, serve, serve_apns, tell_token};
use crate::harness::{Server, body};
use crate::ws::client::{Client, text};

fn said(apple: &StandIn, token: &str) -> String {
    apple.next(token).json()["aps"]["alert"]["body"].as_str().expect("a text").to_owned()
}

fn say(server: &Server, from: &str, to: &str, text: &str) {
    send(server, from, to, json!({"MsgBody": body(text)}));
}

/// Waits until an app was told; the cursor that acks it.
fn hear(client: &mut Client, said: &str) -> serde_json::Value {
    let push = client.push("messages");
    assert_eq!(text(&push["list"][0]), said);
    push["cursor"].clone()
}

/// The link of bob's phone ends before it has taken all that it was told.
#[test]
fn what_a_lost_link_was_told_and_did_not_take_is_announced() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob] = server.accounts();
    let mut phone = Client::online(&server, &bob, "phone");
    tell_token(&mut phone, "bob", json!({}));
    say(&server, &alice, &bob, "taken");
    let cursor = hear(&mut phone, "taken");
    phone.ok("ack", json!({"cursor": cursor}));
    for text in ["missed", "this too"] {
        say(&server, &alice, &bob, text);
        hear(&mut phone, text);
    }
    drop(phone);
    assert_eq!([said(&apple, "bob"), said(&apple, "bob")], ["missed", "this too"]);

    // What is taken in the last moment, or read by it, is not; what comes while nobody is there is told once.
    let mut phone = Client::online(&server, &bob, "phone");
    say(&server, &alice, &bob, "taken at last");
    let cursor = hear(&mut phone, "taken at last");
    phone.ask("ack", json!({"cursor": cursor}));
    drop(phone);
    super::gone(&server, &bob);
    say(&server, &alice, &bob, "alone");
    assert_eq!(said(&apple, "bob"), "alone");
    let mut phone = Client::online(&server, &bob, "phone");
    say(&server, &alice, &bob, "read");
    hear(&mut phone, "read");
    phone.ok("read", json!({"peer": alice}));
    drop(phone);
    super::gone(&server, &bob);
    say(&server, &alice, &bob, "last");
    assert_eq!(said(&apple, "bob"), "last");
    assert_eq!(apple.left(), Vec::<String>::new());
}

#[test]
fn an_app_that_goes_to_the_background_before_it_took_it_is_told() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob] = server.accounts();
    let mut phone = Client::online(&server, &bob, "phone");
    tell_token(&mut phone, "bob", json!({}));
    say(&server, &alice, &bob, "just now");
    hear(&mut phone, "just now");
    phone.ok("app_state", json!({"state": "background"}));
    assert_eq!(said(&apple, "bob"), "just now");
    say(&server, &alice, &bob, "later");
    assert_eq!(said(&apple, "bob"), "later");
}

/// As long as another app is open nobody is told, and what that one took is not told at its end.
#[test]
fn another_app_that_is_there_shows_it() {
    let apple = StandIn::start();
    let dir = tempfile::tempdir().expect("a directory");
    let server = serve(dir, &apns_settings(&apple.url, "policy.login = 'multi'\npolicy.revision = 2"));
    let [alice, bob] = server.accounts();
    let mut phone = Client::online(&server, &bob, "phone");
    tell_token(&mut phone, "bob", json!({}));
    let mut page = Client::connect(&server);
    page.log_in(&bob, "page", json!({"platform": "web"}));
    page.catch_up();
    say(&server, &alice, &bob, "on the page");
    hear(&mut phone, "on the page");
    let cursor = hear(&mut page, "on the page");
    drop(phone);
    page.ok("ack", json!({"cursor": cursor}));
    say(&server, &alice, &bob, "nowhere");
    hear(&mut page, "nowhere");
    drop(page);
    assert_eq!(said(&apple, "bob"), "nowhere");
    super::gone(&server, &bob);
    say(&server, &alice, &bob, "last");
    assert_eq!(said(&apple, "bob"), "last");
}
