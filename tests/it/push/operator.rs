use std::path::Path;
use std::process::Output;

use serde_json::json;

use super::stand_in::{Reply, StandIn, authority};
use super::{leave, send, serve_apns, until};
use crate::harness::replay;

fn redeliver(dir: &Path, what: &[&str]) -> Output {
    let config = dir.join("duolog.toml").display().to_string();
    let verb = [&["redeliver", "--consumer", "push.apns", "--config", &config], what].concat();
    replay(dir, &verb, &[("SSL_CERT_FILE", &authority())])
}

/// From a time on, with the ids of the first time, and by the same rules: what was read meanwhile stays unsaid.
#[test]
fn what_the_log_says_is_announced_again_unless_it_was_seen() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob, carol] = server.accounts();
    leave(&server, &bob, "bob", json!({}));
    leave(&server, &carol, "carol", json!({}));
    for account in [&bob, &carol, &bob] {
        send(&server, &alice, account, json!({}));
    }
    let first = [apple.next("bob"), apple.next("bob")];
    apple.next("carol");
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": carol, "Peer_Account": alice}));
    let dir = server.stop();
    let output = redeliver(dir.path(), &["--from", "0"]);
    assert!(output.status.success(), "{output:?}");
    let again = [apple.next("bob"), apple.next("bob")];
    for (first, again) in first.iter().zip(&again) {
        assert_eq!(first.headers["apns-id"], again.headers["apns-id"]);
    }
    // The badge says what is unread when it goes out.
    assert_eq!(again[0].json()["aps"]["badge"], 2);
    assert_eq!(apple.left(), Vec::<String>::new());
    let later = redeliver(dir.path(), &["--from", "2033-01-01T00:00:00Z"]);
    assert!(later.status.success(), "{later:?}");
    assert_eq!(apple.left(), Vec::<String>::new());
}

#[test]
fn dead_letters_are_announced_unless_they_were_seen() {
    let apple = StandIn::start();
    let server = serve_apns(&apple);
    let [alice, bob, carol] = server.accounts();
    for (account, token) in [(&bob, "bob"), (&carol, "carol")] {
        leave(&server, account, token, json!({}));
        apple.always(token, Reply::says(400, json!({"reason": "BadPriority"})));
        send(&server, &alice, account, json!({}));
        apple.next(token);
    }
    until(|| server.metric("duolog_consumer_dead_letters_total{consumer=\"push.apns\"}") == 2);
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": carol, "Peer_Account": alice}));
    let dir = server.stop();
    let refused = redeliver(dir.path(), &["--dead-letters"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("BadPriority"));
    apple.next("bob");
    apple.heal("bob");
    let output = redeliver(dir.path(), &["--dead-letters"]);
    assert!(output.status.success(), "{output:?}");
    apple.next("bob");
    assert_eq!(apple.left(), Vec::<String>::new());
}
