use std::sync::Arc;
use std::time::Duration;

use duolog_topics::EventKind;
use serde::{Deserialize, Serialize};

use super::everybody::{ToAll, to_all};
use super::mailboxes::Mailboxes;
use super::missed::{Ended, ended};
use super::pusher::{Outcome, Pusher};
use super::service::PushService;
use super::unseen::{Unseen, unseen};
use crate::consumers::{Attempt, Consumer, Delivery, Joined, Kept, Lane, Settings};

/// Pushes of one service under way at once: a connection of HTTP/2 carries some hundreds.
const PARALLEL: usize = 64;
/// A message stops waiting for its receiver before that, and then nothing is left to announce.
const GIVE_UP: Duration = Duration::from_secs(30 * 86_400);

/// What a delivery announces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Announced {
    /// A message that came while no app was open.
    One(Unseen),
    /// Messages that an app was told that is gone.
    Missed(Ended),
    /// A push to all.
    Everybody(ToAll),
}

/// A lane for each receiver: his notices come in the order of his messages, and those of others do not wait for them.
impl<S: PushService, M: Mailboxes> Consumer for Pusher<S, M> {
    type Payload = Announced;

    fn name(&self) -> &str {
        S::CONSUMER
    }

    fn settings(&self) -> Settings {
        Settings { parallel: PARALLEL, batch: 1, give_up: GIVE_UP }
    }

    fn wants(&self, kind: EventKind) -> bool {
        use EventKind::{AppStateSet, BroadcastIssued, MessageArrived, MessageSent, SessionClosed};
        matches!(kind, MessageSent | MessageArrived | SessionClosed | AppStateSet | BroadcastIssued)
    }

    fn deliveries(&self, record: &Joined<'_>) -> Vec<Delivery<Announced>> {
        let all = to_all(record).map(|all| (0, Lane::of([&record.envelope.account]), Announced::Everybody(all)));
        let missed = ended(record).into_iter();
        let missed = missed.map(|(number, one)| (number, Lane::of([&one.receiver]), Announced::Missed(one)));
        // Of an online-only message only an outcome is left: it is for those who are there.
        let messages = if let Kept::Message(message) = record.kept { unseen(message) } else { Vec::new() };
        let messages = messages.into_iter();
        let messages = messages.map(|(number, one)| (number, Lane::of([&one.receiver]), Announced::One(one)));
        let found = messages.chain(missed).chain(all);
        found.map(|(number, lane, announced)| record.delivery(number, lane, announced)).collect()
    }

    async fn deliver(&self, batch: &[Arc<Delivery<Announced>>]) -> Attempt {
        for delivery in batch {
            match self.announce(delivery).await {
                Outcome::Done => {}
                Outcome::Later { why, after } => return Attempt::Retry { reason: why, after },
                Outcome::Refused(reason) => return Attempt::GiveUp { reason },
            }
        }
        Attempt::Done
    }
}
