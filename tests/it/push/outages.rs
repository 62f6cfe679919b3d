//! A push service that is down, slow or hung, and a server that dies: nobody else waits, and no push is lost.

use serde_json::json;

use super::stand_in::{Reply, StandIn};
use super::{apns_settings, fcm_settings, leave, send, serve, serve_apns, until};
use crate::ws::client::Client;

#[test]
fn a_device_that_cannot_be_told_delays_nobody() {
    let (apple, google) = (StandIn::start(), StandIn::start());
    let dir = tempfile::tempdir().unwrap();
    let settings = apns_settings(&apple.url, "") + &fcm_settings(&dir, &google.url);
    let server = serve(dir, &settings);
    let [alice, hung, busy, failing, bob, carol] = server.accounts();
    for account in [&hung, &busy, &failing, &bob] {
        leave(&server, account, account, json!({}));
    }
    leave(&server, &carol, &carol, json!({"provider": "fcm"}));
    apple.always(&hung, Reply::Hangs);
    apple.always(&busy, Reply::busy(429));
    apple.always(&failing, Reply::busy(503));
    for account in [&hung, &busy, &failing, &bob, &carol] {
        send(&server, &alice, account, json!({}));
    }
    apple.next(&bob);
    google.next(&carol);
    apple.next(&hung);
    for account in [&busy, &failing] {
        let (first, second) = (apple.next(account), apple.next(account));
        assert_eq!(first.headers["apns-id"], second.headers["apns-id"]);
    }
    for account in [&busy, &failing] {
        apple.heal(account);
    }
    until(|| server.metric("duolog_pushes_total{service=\"apns\",answer=\"taken\"}") == 3);
}

#[test]
fn a_killed_server_tells_it_after_the_restart() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob] = server.accounts();
    leave(&server, &bob, "bob", json!({}));
    apple.always("bob", Reply::Hangs);
    send(&server, &alice, &bob, json!({}));
    let first = apple.next("bob");
    let dir = server.kill();
    apple.heal("bob");
    let server = serve(dir, &apns_settings(&apple.url, ""));
    let second = apple.next("bob");
    assert_eq!(first.headers["apns-id"], second.headers["apns-id"]);
    assert_eq!(first.text, second.text);
    // Once is enough: the next start has nothing left to tell.
    let dir = server.stop();
    let server = serve(dir, &apns_settings(&apple.url, ""));
    send(&server, &alice, &bob, json!({}));
    assert_ne!(apple.next("bob").headers["apns-id"], first.headers["apns-id"]);
    assert_eq!(apple.left(), Vec::<String>::new());
}

#[test]
fn what_was_seen_meanwhile_is_not_told() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob, carol] = server.accounts();
    for (account, token) in [(&bob, "bob"), (&carol, "carol")] {
        leave(&server, account, token, json!({}));
        apple.always(token, Reply::busy(503));
    }
    send(&server, &alice, &bob, json!({}));
    let key = send(&server, &alice, &carol, json!({}));
    apple.next("bob");
    apple.next("carol");
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": bob, "Peer_Account": alice}));
    server.ok("openim/admin_msgwithdraw", &json!({"From_Account": alice, "To_Account": carol, "MsgKey": key}));
    let dropped = |because: &str| {
        server.metric(&format!("duolog_pushes_dropped_total{{service=\"apns\",because=\"{because}\"}}"))
    };
    until(|| dropped("read") == 1 && dropped("gone") == 1);

    // A device that came back has it.
    send(&server, &alice, &bob, json!({}));
    apple.next("bob");
    let mut at_bob = Client::online(&server, &bob, "phone");
    at_bob.ok("ping", json!({}));
    until(|| dropped("attended") + dropped("taken") == 1);
}
