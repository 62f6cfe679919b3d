use std::sync::Arc;
use std::time::Duration;

use duolog_topics::EventKind;

use super::pusher::{Outcome, Pusher};
use super::service::PushService;
use super::unseen::{Unseen, unseen};
use crate::consumers::{Attempt, Consumer, Delivery, Joined, Kept, Lane, Settings};

/// Pushes of one service under way at once: a connection of HTTP/2 carries some hundreds.
const PARALLEL: usize = 64;
/// A message stops waiting for its receiver before that, and then nothing is left to announce.
const GIVE_UP: Duration = Duration::from_secs(30 * 86_400);

/// A lane for each receiver: his notices come in the order of his messages, and those of others do not wait for them.
impl<S: PushService> Consumer for Pusher<S> {
    type Payload = Unseen;

    fn name(&self) -> &str {
        S::CONSUMER
    }

    fn settings(&self) -> Settings {
        Settings { parallel: PARALLEL, batch: 1, give_up: GIVE_UP }
    }

    fn wants(&self, kind: EventKind) -> bool {
        matches!(kind, EventKind::MessageSent | EventKind::MessageArrived)
    }

    fn deliveries(&self, record: &Joined<'_>) -> Vec<Delivery<Unseen>> {
        // Of an online-only message only an outcome is left: it is for those who are there.
        let Kept::Message(message) = record.kept else { return Vec::new() };
        let missed = unseen(message);
        missed.map(|(number, unseen)| record.delivery(number, Lane::of([&unseen.receiver]), unseen)).collect()
    }

    async fn deliver(&self, batch: &[Arc<Delivery<Unseen>>]) -> Attempt {
        for delivery in batch {
            match self.announce(&delivery.id, &delivery.payload).await {
                Outcome::Done => {}
                Outcome::Later { why, after } => return Attempt::Retry { reason: why, after },
                Outcome::Refused(reason) => return Attempt::GiveUp { reason },
            }
        }
        Attempt::Done
    }
}
