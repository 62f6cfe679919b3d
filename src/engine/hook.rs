use std::collections::HashMap;
use std::sync::Arc;

use duolog_topics::{Account, Event, MessageSent, Origin, RawJson};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::partition::Partition;
use super::query::blocking;
use super::{Engine, EngineError};
use crate::domain::judge::{self, Judged};
use crate::domain::rows::{MessageRow, get};
use crate::domain::verdict::{Answer, Changed, Sent, Verdict};
use crate::domain::view::Mailbox;
use crate::error::Code;

/// Asked before a message is decided: the app's own server, or whoever stands for it.
pub trait BeforeSend: Send + Sync + 'static {
    /// Has to answer by itself after a while.
    fn ask<'a>(&'a self, sender: &'a Account, message: &'a MessageSent) -> BoxFuture<'a, Permission>;
}

/// What the hook says of a message.
#[derive(Clone, PartialEq, Debug)]
pub enum Permission {
    Allow,
    /// It goes out with what is given here instead of its own.
    Replace {
        body: Option<RawJson>,
        custom: Option<String>,
    },
    Refuse {
        code: Code,
        /// For the sender; absent: the code's own sentence.
        info: Option<String>,
    },
}

/// A hook, and the messages that wait for it.
pub(super) struct Hook {
    asked: Arc<dyn BeforeSend>,
    turns: Turns,
}

/// Who is under way for a sender and a receiver; the next one waits, in the order of arrival.
#[derive(Default)]
struct Turns(Mutex<HashMap<Pair, Arc<tokio::sync::Mutex<()>>>>);

/// A sender and a receiver.
type Pair = (Account, Account);

/// Held while a message of its conversation is under way.
struct Turn<'a> {
    turns: &'a Turns,
    pair: Pair,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    async fn take(&self, pair: Pair) -> Turn<'_> {
        let turn = self.0.lock().entry(pair.clone()).or_default().clone();
        // Leaves its place, too, if the wait is given up.
        let mut taken = Turn { turns: self, pair, held: None };
        taken.held = Some(turn.lock_owned().await);
        taken
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        drop(self.held.take());
        let mut turns = self.turns.0.lock();
        // Whoever waits holds it, too.
        if turns.get(&self.pair).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.pair);
        }
    }
}

impl Engine {
    /// From here on messages of clients and of `sendmsg` are asked about before they are decided, if their sender's home is
    /// owned here: another node asks its own hook. The first hook stays.
    pub fn set_hook(&self, asked: Arc<dyn BeforeSend>) {
        let _ = self.0.hook.set(Hook { asked, turns: Turns::default() });
    }

    /// The hook that a message has to pass.
    pub(super) fn hook_for(&self, event: &Event) -> Option<&Hook> {
        let hook = self.0.hook.get()?;
        let Event::MessageSent(message) = event else { return None };
        let content = &message.content;
        let asks = matches!(content.origin, Origin::Client | Origin::Server) && !content.flags.forbid_before_callback;
        asks.then_some(hook)
    }

    /// Asks the hook after the look-up of repeats and of early refusals, and submits what it allows. The next message of
    /// the conversation waits until this one has its verdict, so that a retry meanwhile is found to be one.
    pub(super) async fn submit_asked(
        &self,
        hook: &Hook,
        home: &Arc<Partition>,
        sender: &Account,
        mut message: MessageSent,
    ) -> Result<Verdict, EngineError> {
        let Some(receiver) = message.receivers.first().cloned() else { return Err(EngineError::Unknown) };
        let _turn = hook.turns.take((sender.clone(), receiver)).await;
        match self.judge_early(home, sender, &message).await? {
            (Judged::Accept, _) => {}
            (Judged::Repeat(answer), changed) => return Ok(Verdict::Repeat(with_change(answer, changed))),
            (Judged::Refuse(refusal), _) => return Ok(Verdict::Refused(refusal)),
        }
        let mut changed = None;
        match hook.asked.ask(sender, &message).await {
            Permission::Allow => {}
            Permission::Replace { body, custom } => {
                message.content.body = body.clone().unwrap_or(message.content.body);
                message.content.custom = custom.clone().or(message.content.custom);
                changed = Some(Changed { body, custom });
            }
            Permission::Refuse { code, info } => return Err(EngineError::Hook { code, info }),
        }
        Ok(match self.submit_unasked(home, sender, message.into()).await? {
            Verdict::Applied(answer) => Verdict::Applied(with_change(answer, changed)),
            other => other,
        })
    }

    /// The early decision; for a repeat also what the hook had changed of the message.
    async fn judge_early(
        &self,
        home: &Arc<Partition>,
        sender: &Account,
        message: &MessageSent,
    ) -> Result<(Judged, Option<Changed>), EngineError> {
        let (home, account, message, now) = (home.clone(), sender.clone(), message.clone(), self.now());
        let look = move |mailbox: &Mailbox<'_>| {
            let judged = judge::early_send(mailbox, &account, &message, now)?;
            let changed = match &judged {
                Judged::Repeat(_) => judge::first_of(mailbox, &account, &message)?
                    .map(|at| get::<MessageRow>(mailbox.rows, MessageRow::key(at).as_slice()))
                    .transpose()?
                    .flatten()
                    .and_then(|row| Changed::between(&message.content, &row.body, row.custom.as_ref())),
                Judged::Accept | Judged::Refuse(_) => None,
            };
            Ok((judged, changed))
        };
        blocking(move || Ok(home.query(look)?)).await
    }
}

fn with_change(answer: Answer, changed: Option<Changed>) -> Answer {
    match answer {
        Answer::Sent(sent) => Answer::Sent(Sent { changed: changed.map(Box::new), ..sent }),
        other => other,
    }
}
