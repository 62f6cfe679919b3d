use duolog_topics::{LoginPolicy, Millis};

use super::json::{Object, object_text};
use crate::gateway::ws::op::history::HISTORY_PAGE;
use crate::gateway::ws::op::sync::PAGE;
use crate::gateway::ws::session::LoggedIn;
use crate::gateway::ws::settings::Settings;

/// Accounts that one request may name, where its op says nothing else.
const ACCOUNTS: usize = 1_000;

/// The `ok` of a login.
pub fn welcome(settings: &Settings, logged_in: &LoggedIn, heartbeat_seconds: u64, now: Millis) -> String {
    let LoggedIn { identity, opened, policy, expires_at, heartbeat: _ } = logged_in;
    object_text(|ok| {
        ok.text("session", &identity.session).number("server_time", now);
        ok.text("timeline", &opened.timeline).number("cursor", opened.start()).number("head", opened.head);
        if let Some((from, to)) = opened.gap {
            ok.object("gap", |gap| {
                gap.number("from", from).number("to", to);
            });
        }
        ok.number("expires", expires_at.saturating_mul(1000)).number("heartbeat", heartbeat_seconds);
        ok.object("policy", |object| {
            object.text("login", login_name(policy.login)).boolean("friend_check", policy.friend_check);
            object.number("offline_days", policy.offline_days.into());
            object.number("roaming_days", policy.roaming_days.into());
            object.number("recent_contacts", policy.recent_contacts.into());
            object.number("recall_seconds", policy.recall_seconds);
        });
        ok.object("limits", |object| write_limits(object, settings));
        ok.object("server", |server| {
            server.text("version", env!("CARGO_PKG_VERSION")).raw("features", "[]");
        });
    })
}

fn login_name(policy: LoginPolicy) -> &'static str {
    match policy {
        LoginPolicy::Single => "single",
        LoginPolicy::Dual => "dual",
        LoginPolicy::Triple => "triple",
        LoginPolicy::Multi => "multi",
    }
}

fn write_limits(object: &mut Object<'_>, settings: &Settings) {
    let limits = &settings.limits;
    let entries = [
        ("frame_bytes", limits.frame_bytes),
        ("body_bytes", limits.body_bytes),
        ("in_flight", limits.in_flight),
        ("page", PAGE),
        ("history_page", HISTORY_PAGE),
        ("accounts", ACCOUNTS),
        ("sends_per_second", limits.sends_per_second as usize),
    ];
    for (name, limit) in entries {
        object.number(name, limit as u64);
    }
}
