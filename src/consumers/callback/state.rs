use duolog_topics::{Account, CloseReason, Event, Platform, SessionOpened};
use serde_json::json;

use super::after::delivery;
use super::{Callback, Command, platform};
use crate::consumers::{Delivery, Joined, Lane};
use crate::domain::rows::{ClosedSession, EndedSession, Outcome};

/// The changes of state that a record made: a login, or the ends of sessions.
pub fn state_changes(record: &Joined<'_>, outcome: &Outcome) -> Vec<Delivery<Callback>> {
    match (record.event, outcome) {
        (Event::SessionOpened(event), Outcome::Opened { kicked }) => {
            let kicked = kicked.iter().map(|(_, platform)| platform::name(*platform));
            vec![logged_in(record, event, kicked.collect())]
        }
        (Event::SessionClosed(event), Outcome::Closed { sessions }) => {
            let closed = |(number, session): (usize, &ClosedSession)| {
                let end = event.sessions.get(session.place as usize)?;
                let from = (end.ip.as_deref().unwrap_or_default(), session.platform);
                Some(ended(record, number, &end.account, end.reason, from))
            };
            sessions.iter().enumerate().filter_map(closed).collect()
        }
        // By the end of the account, or a kick: no client asked for it.
        (_, Outcome::Ended { sessions }) => {
            let end = |(number, session): (usize, &EndedSession)| {
                ended(record, number, &session.account, session.reason, ("", session.platform))
            };
            sessions.iter().enumerate().map(end).collect()
        }
        _ => Vec::new(),
    }
}

fn logged_in(record: &Joined<'_>, event: &SessionOpened, kicked: Vec<&str>) -> Delivery<Callback> {
    let account = &record.envelope.account;
    let mut members = json!({ "Info": { "Action": "Login", "To_Account": account, "Reason": "Register" } });
    if !kicked.is_empty() {
        members["KickedDevice"] = kicked.into_iter().map(|platform| json!({ "Platform": platform })).collect();
    }
    let from = (event.ip.as_deref().unwrap_or_default(), platform::name(event.platform));
    delivery(record, 0, Command::StateChange, Lane::of([account]), from, members)
}

fn ended(
    record: &Joined<'_>,
    number: usize,
    account: &Account,
    reason: CloseReason,
    (client_ip, platform): (&str, Platform),
) -> Delivery<Callback> {
    let (action, reason) = match reason {
        CloseReason::Logout => ("Logout", "Unregister"),
        CloseReason::LinkLost | CloseReason::SignatureExpired => ("Disconnect", "LinkClose"),
        CloseReason::TimeOut => ("Disconnect", "TimeOut"),
    };
    let members = json!({ "Info": { "Action": action, "To_Account": account, "Reason": reason } });
    let from = (client_ip, platform::name(platform));
    delivery(record, number, Command::StateChange, Lane::of([account]), from, members)
}
