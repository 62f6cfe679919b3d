use std::collections::{HashMap, HashSet};
use std::time::Duration;

use duolog_topics::{Account, Millis, PushTokenSet, TagValue};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::consumer::Announced;
use super::due::{Because, Due, Ready};
use super::everybody::ToAll;
use super::mailboxes::Mailboxes;
use super::metrics;
use super::missed::Ended;
use super::notice::{Addressee, Notice};
use super::service::{Answer, Push, PushService};
use super::unseen::Unseen;
use crate::config::PushWords;
use crate::consumers::Delivery;
use crate::domain::rows::PushTokenRow;
use crate::domain::view::Mailbox;

/// The name of a user, in his profile.
const NICK: &str = "Tag_Profile_IM_Nick";
/// Pushes remembered while another device of the same user is still tried; beyond, a device may be told twice.
const REMEMBERED: usize = 10_000;
/// Accounts of a push to all that are told at once.
const AT_ONCE: usize = 32;

/// Announces messages through one push service: a consumer of the log.
pub struct Pusher<S, M> {
    service: S,
    mailboxes: M,
    words: PushWords,
    /// Taken by the service, in deliveries that are not done because of another device or message.
    taken: Mutex<HashSet<Uuid>>,
    /// How far a push to all has come, by its delivery.
    walked: Mutex<HashMap<String, Account>>,
}

/// What became of one try to announce something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    Later { why: String, after: Option<Duration> },
    Refused(String),
}

/// A notice of one message for one receiver: which pushes it is made of, and what became of them.
type Tried = (Vec<Uuid>, Outcome);

impl<S: PushService, M: Mailboxes> Pusher<S, M> {
    pub fn new(service: S, mailboxes: M, words: PushWords) -> Self {
        Self { service, mailboxes, words, taken: Mutex::default(), walked: Mutex::default() }
    }

    /// One try: asks the rows what is still to be announced, and sends it to every token that did not take it before.
    pub async fn announce(&self, delivery: &Delivery<Announced>) -> Outcome {
        match &delivery.payload {
            Announced::One(unseen) => {
                let tried = self.message(&delivery.id, unseen).await;
                self.over(vec![tried])
            }
            Announced::Missed(ended) => self.missed(&delivery.id, ended).await,
            Announced::Everybody(all) => self.everybody(&delivery.id, delivery.at.partition, all).await,
        }
    }

    async fn message(&self, id: &str, unseen: &Unseen) -> Tried {
        let (wanted, now) = (unseen.clone(), self.mailboxes.now());
        let query = move |mailbox: &Mailbox<'_>| wanted.due(mailbox, S::PROVIDER, now);
        let due = self.mailboxes.read(&unseen.receiver, query).await;
        self.to_devices(id, &unseen.receiver, due).await
    }

    /// One after the other, so that they come in their order.
    async fn missed(&self, id: &str, ended: &Ended) -> Outcome {
        let wanted = ended.clone();
        let messages = self.mailboxes.read(&ended.receiver, move |mailbox| wanted.messages(mailbox)).await;
        let messages = match messages {
            Ok(messages) => messages,
            Err(why) => return Outcome::Later { why, after: None },
        };
        let mut tried = Vec::new();
        for (sequence, unseen) in messages {
            tried.push(self.message(&format!("{id}.{sequence}"), &unseen).await);
            if matches!(tried.last(), Some((_, Outcome::Later { .. }))) {
                break;
            }
        }
        self.over(tried)
    }

    /// A page of accounts after the other. A later try goes on with the page that was not done; after a restart it begins
    /// anew, with the same ids.
    async fn everybody(&self, id: &str, partition: u32, all: &ToAll) -> Outcome {
        loop {
            let after = self.walked.lock().get(id).cloned();
            let page = self.mailboxes.read_partition(partition, move |mailbox| ToAll::page(mailbox, after.as_ref()));
            let page = match page.await {
                Ok(page) => page,
                Err(why) => return Outcome::Later { why, after: None },
            };
            let tries = page.accounts.into_iter().map(|account| self.one_of_all(id, all, account));
            let tried = stream::iter(tries).buffer_unordered(AT_ONCE).collect().await;
            match self.over(tried) {
                later @ Outcome::Later { .. } => return later,
                // That one device refuses it keeps it from nobody else.
                Outcome::Done | Outcome::Refused(_) => {}
            }
            let Some(next) = page.next else {
                self.walked.lock().remove(id);
                return Outcome::Done;
            };
            self.walked.lock().insert(id.to_owned(), next);
        }
    }

    async fn one_of_all(&self, id: &str, all: &ToAll, account: Account) -> Tried {
        let (wanted, receiver, now) = (all.clone(), account.clone(), self.mailboxes.now());
        let query = move |mailbox: &Mailbox<'_>| wanted.due(mailbox, &receiver, S::PROVIDER, now);
        let due = self.mailboxes.read(&account, query).await;
        self.to_devices(&format!("{id}.{account}"), &account, due).await
    }

    /// Sends what is due to the receiver's devices, all at once.
    async fn to_devices(&self, id: &str, receiver: &Account, due: Result<Due, String>) -> Tried {
        let ready = match due {
            Ok(Due::Push(ready)) => ready,
            Ok(Due::Not(because)) => {
                metrics::dropped(S::NAME, because);
                return (Vec::new(), Outcome::Done);
            }
            Err(why) => return (Vec::new(), Outcome::Later { why, after: None }),
        };
        let nick = self.nick(&ready.message.from).await;
        let ids: Vec<Uuid> = ready.tokens.iter().map(|(device, _)| push_id(id, device)).collect();
        let tries = ids.iter().zip(0..).map(|(id, place)| self.push(*id, &ready, place, nick.as_deref(), receiver));
        let outcome = worst(futures_util::future::join_all(tries).await);
        (ids, outcome)
    }

    /// The sender's nickname as it is now. A push without it is better than none.
    async fn nick(&self, sender: &Account) -> Option<String> {
        let account = sender.clone();
        let profile = self.mailboxes.read(sender, move |mailbox| mailbox.profile(&account)).await;
        match profile.ok()?.get(NICK)? {
            TagValue::Text(nick) => Some(nick),
            TagValue::Number(_) => None,
        }
    }

    /// One token of the receiver, at a place in `ready`.
    async fn push(&self, id: Uuid, ready: &Ready, place: usize, nick: Option<&str>, receiver: &Account) -> Outcome {
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
            Answer::TokenGone(why) => self.forget(receiver, device, to, &why).await,
            Answer::Refused(why) => Outcome::Refused(why),
            Answer::Later { why, after } => Outcome::Later { why, after },
        }
    }

    fn life(&self, until: Millis) -> Duration {
        Duration::from_millis(until.saturating_sub(self.mailboxes.now()))
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
        match self.mailboxes.forget(receiver, event).await {
            Ok(()) => {
                metrics::token_gone(S::NAME);
                Outcome::Done
            }
            Err(error) => Outcome::Later { why: format!("a token could not be forgotten: {error}"), after: None },
        }
    }

    /// What became of all of it. What was taken is kept for as long as the delivery goes on.
    fn over(&self, tried: Vec<Tried>) -> Outcome {
        let (ids, outcomes): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
        let (ids, outcome): (Vec<Uuid>, _) = (ids.concat(), worst(outcomes));
        let mut taken = self.taken.lock();
        match &outcome {
            Outcome::Later { .. } if taken.len() > REMEMBERED => taken.clear(),
            Outcome::Later { .. } => {}
            Outcome::Done | Outcome::Refused(_) => taken.retain(|id| !ids.contains(id)),
        }
        outcome
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
