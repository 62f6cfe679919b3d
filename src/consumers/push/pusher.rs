use std::collections::HashSet;
use std::time::Duration;

use duolog_topics::{Account, Millis, PushTokenSet, TagValue};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::due::{Because, Due, Ready};
use super::metrics;
use super::notice::{Addressee, Notice};
use super::service::{Answer, Push, PushService};
use super::unseen::Unseen;
use crate::config::PushWords;
use crate::domain::rows::PushTokenRow;
use crate::engine::{Engine, EngineError};

/// The name of a user, in his profile.
const NICK: &str = "Tag_Profile_IM_Nick";
/// Pushes remembered while another device of the same user is still tried; beyond, a device may be told twice.
const REMEMBERED: usize = 10_000;

/// Announces messages through one push service: a consumer of the log.
pub struct Pusher<S> {
    service: S,
    engine: Engine,
    words: PushWords,
    /// Taken by the service, in deliveries that are not done because of another device.
    taken: Mutex<HashSet<Uuid>>,
}

/// What became of one try to announce a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    Later { why: String, after: Option<Duration> },
    Refused(String),
}

impl<S: PushService> Pusher<S> {
    pub fn new(service: S, engine: Engine, words: PushWords) -> Self {
        Self { service, engine, words, taken: Mutex::default() }
    }

    /// One try: asks the rows whether the message is still to be announced, and sends it to every token of the receiver
    /// that did not take it before. `id` is the delivery's, the same at every try.
    pub async fn announce(&self, id: &str, unseen: &Unseen) -> Outcome {
        let ready = match self.due(unseen).await {
            Ok(Due::Push(ready)) => ready,
            Ok(Due::Not(because)) => {
                metrics::dropped(S::NAME, because);
                return Outcome::Done;
            }
            Err(error) => return Outcome::Later { why: error.to_string(), after: None },
        };
        let nick = self.nick(&unseen.from).await;
        let ids: Vec<Uuid> = ready.tokens.iter().map(|(device, _)| push_id(id, device)).collect();
        let tries = ids.iter().zip(0..).map(|(id, place)| self.push(*id, &ready, place, nick.as_deref(), unseen));
        let outcome = worst(futures_util::future::join_all(tries).await);
        self.remember(&ids, &outcome);
        outcome
    }

    async fn due(&self, unseen: &Unseen) -> Result<Due, EngineError> {
        let (wanted, now) = (unseen.clone(), self.engine.now());
        self.engine.read(&unseen.receiver, move |mailbox| wanted.due(mailbox, S::PROVIDER, now)).await
    }

    /// The sender's nickname as it is now. A push without it is better than none.
    async fn nick(&self, sender: &Account) -> Option<String> {
        let account = sender.clone();
        let profile = self.engine.read(sender, move |mailbox| mailbox.profile(&account)).await;
        match profile.ok()?.get(NICK)? {
            TagValue::Text(nick) => Some(nick),
            TagValue::Number(_) => None,
        }
    }

    /// One token of the receiver, at a place in `ready`.
    async fn push(&self, id: Uuid, ready: &Ready, place: usize, nick: Option<&str>, unseen: &Unseen) -> Outcome {
        if self.taken.lock().contains(&id) {
            return Outcome::Done;
        }
        let (device, to) = &ready.tokens[place];
        let addressee =
            Addressee { system: S::system(to.platform), sound: to.sound.as_deref(), badge: ready.badges[place] };
        let Some(notice) = Notice::new(&ready.message, nick, addressee, &self.words) else {
            metrics::dropped(S::NAME, Because::NothingToSay);
            return Outcome::Done;
        };
        let answer = self.service.push(Push { id, to, notice, life: self.life(ready.until) }).await;
        metrics::answered(S::NAME, &answer);
        match answer {
            Answer::Taken => {
                self.taken.lock().insert(id);
                Outcome::Done
            }
            Answer::TokenGone(why) => self.forget(&unseen.receiver, device, to, &why).await,
            Answer::Refused(why) => Outcome::Refused(why),
            Answer::Later { why, after } => Outcome::Later { why, after },
        }
    }

    fn life(&self, until: Millis) -> Duration {
        Duration::from_millis(until.saturating_sub(self.engine.now()))
    }

    /// The service knows no device by this token: the log is told, unless the device has given a newer one meanwhile.
    async fn forget(&self, receiver: &Account, device: &str, to: &PushTokenRow, why: &str) -> Outcome {
        tracing::info!(service = S::NAME, account = %receiver, device, "push token is forgotten: {why}");
        let event = PushTokenSet {
            device: device.to_owned(),
            platform: to.platform,
            provider: to.provider,
            token: String::new(),
            sound: None,
            environment: None,
            topic: None,
            enabled: false,
            replaces: Some(to.token.clone()),
        };
        match self.engine.submit(receiver, event.into()).await {
            Ok(_) => {
                metrics::token_gone(S::NAME);
                Outcome::Done
            }
            Err(error) => Outcome::Later { why: format!("a token could not be forgotten: {error}"), after: None },
        }
    }

    /// Keeps what was taken for as long as the delivery goes on.
    fn remember(&self, ids: &[Uuid], outcome: &Outcome) {
        let mut taken = self.taken.lock();
        match outcome {
            Outcome::Later { .. } if taken.len() > REMEMBERED => taken.clear(),
            Outcome::Later { .. } => {}
            Outcome::Done | Outcome::Refused(_) => taken.retain(|id| !ids.contains(id)),
        }
    }
}

/// What became of a message that went to several devices: as long as one is to be tried again, nothing is over.
fn worst(outcomes: Vec<Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Done => 0,
        Outcome::Refused(_) => 1,
        Outcome::Later { .. } => 2,
    };
    outcomes.into_iter().max_by_key(rank).unwrap_or(Outcome::Done)
}

/// The id of a delivery to one device, the same at every try. APNs wants a UUID.
fn push_id(delivery: &str, device: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(delivery.as_bytes());
    hash.update([0]);
    hash.update(device.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_may_succeed_later_keeps_the_delivery_open() {
        let later = Outcome::Later { why: "busy".to_owned(), after: None };
        let refused = Outcome::Refused("no".to_owned());
        assert_eq!(worst(vec![Outcome::Done, later.clone(), refused.clone()]), later);
        assert_eq!(worst(vec![Outcome::Done, refused.clone()]), refused);
        assert_eq!(worst(vec![]), Outcome::Done);
    }

    #[test]
    fn an_id_is_one_deliverys_and_one_devices() {
        let id = push_id("x-0", "phone");
        assert_eq!(id, push_id("x-0", "phone"));
        assert_ne!(id, push_id("x-1", "phone"));
        assert_ne!(id, push_id("x-0", "pad"));
        assert_eq!(id.get_version_num(), 8);
    }
}
