use std::sync::Arc;
use std::time::{Duration, Instant};

use duolog_topics::{Account, MessageSent, RawJson};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::after::MessageBody;
use super::{Callback, CallbackSettings, Command, Post, PostError, Sender, platform};
use crate::clock::Clock;
use crate::config::{CallbackTarget, HookFailure};
use crate::engine::{BeforeSend, Ids, Permission};
use crate::error::{Code, HOOK_CODES};

/// So many failures in a row open the circuit: the receiver is left alone for a while. Enough of them that a receiver which
/// is restarted, or fails at single messages, is asked again at once.
const FAILURES: u32 = 20;
const REFUSED: u32 = Code::REFUSED_BY_HOOK.number();
const OPEN: Duration = Duration::from_secs(1);
const LONGEST_OPEN: Duration = Duration::from_secs(30);

/// Checks a body and custom data that a hook puts in place of the sender's, as any that a sender gives.
pub type CheckBody = Box<dyn Fn(&str, Option<&str>) -> Result<RawJson, String> + Send + Sync>;

/// `C2C.CallbackBeforeSendMsg`: asks the app's own server whether a message may go out.
///
/// It is asked once. If it does not answer, or not with what is allowed, the configuration decides; and if it has not
/// answered several times in a row, it is not asked for a while, so that a dead receiver does not slow every message.
pub struct Before {
    sender: Sender,
    failure: HookFailure,
    check: CheckBody,
    circuit: Circuit,
    clock: Clock,
    ids: Ids,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply<'a> {
    error_code: u32,
    #[serde(default)]
    error_info: Option<String>,
    #[serde(borrow, default)]
    msg_body: Option<&'a RawValue>,
    #[serde(default)]
    cloud_custom_data: Option<String>,
}

impl Before {
    /// The hook of the endpoint that has the command; none if none has.
    ///
    /// # Errors
    /// [`PostError`].
    pub fn new(
        targets: &[CallbackTarget],
        settings: CallbackSettings,
        failure: HookFailure,
        clock: Clock,
        check: CheckBody,
    ) -> Result<Option<Arc<Self>>, PostError> {
        let name = Command::BeforeSend.name();
        let Some(target) = targets.iter().find(|target| target.commands.iter().any(|command| command == name)) else {
            return Ok(None);
        };
        let sender = Sender::new(target, settings)?;
        let (circuit, ids) = (Circuit::default(), Ids::from_system());
        Ok(Some(Arc::new(Self { sender, failure, check, circuit, clock, ids })))
    }

    /// What the app says, or why it said nothing; `None`: it was not asked.
    async fn permission(&self, sender: &Account, message: &MessageSent) -> Result<Permission, Option<String>> {
        if !self.circuit.lets_through() {
            return Err(None);
        }
        let asked = self.ask_once(sender, message).await;
        self.circuit.heard(asked.is_ok());
        asked.and_then(|answer| self.read(&answer, message)).map_err(Some)
    }

    async fn ask_once(&self, sender: &Account, message: &MessageSent) -> Result<Vec<u8>, String> {
        let content = &message.content;
        let receiver = message.receivers.first().ok_or("the message has no receiver")?;
        let now = self.clock.now();
        let body = MessageBody::new(Command::BeforeSend, sender, receiver, content, now, now)
            .and_then(|body| RawJson::encode(&body).ok())
            .ok_or("the message cannot be written")?;
        let callback = Callback {
            command: Command::BeforeSend.name().to_owned(),
            client_ip: content.ip.clone().unwrap_or_default(),
            platform: platform::of_message(content).to_owned(),
            body,
        };
        let id = self.ids.event_id(now).to_string();
        self.sender.send(Post { id: &id, callback: &callback }).await.map_err(|failure| failure.reason)
    }

    /// What an answer says. One that is none, or asks for what may not be, is a failure.
    fn read(&self, answer: &[u8], message: &MessageSent) -> Result<Permission, String> {
        let reply: Reply<'_> = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        match reply.error_code {
            0 => self.replacement(reply.msg_body, reply.cloud_custom_data, message),
            // The second is what the sender hears of the first; some receivers say it themselves.
            1 | REFUSED => Ok(Permission::Refuse { code: Code::REFUSED_BY_HOOK, info: None }),
            code if HOOK_CODES.contains(&code) => {
                let code = Code::try_from(code).map_err(|error| error.to_string())?;
                let info = reply.error_info.filter(|info| !info.is_empty());
                Ok(Permission::Refuse { code, info })
            }
            code => Err(format!("it answered ErrorCode {code}, which means nothing here")),
        }
    }

    fn replacement(
        &self,
        body: Option<&RawValue>,
        custom: Option<String>,
        message: &MessageSent,
    ) -> Result<Permission, String> {
        if body.is_none() && custom.is_none() {
            return Ok(Permission::Allow);
        }
        let content = &message.content;
        let whole = body.map_or(content.body.as_str(), RawValue::get);
        let checked = (self.check)(whole, custom.as_deref().or(content.custom.as_deref()))?;
        // Many receivers give back what they were given: that changes nothing.
        let body = body.map(|_| checked).filter(|body| *body != content.body);
        let custom = custom.filter(|custom| Some(custom) != content.custom.as_ref());
        Ok(match (&body, &custom) {
            (None, None) => Permission::Allow,
            _ => Permission::Replace { body, custom },
        })
    }
}

impl BeforeSend for Before {
    fn ask<'a>(&'a self, sender: &'a Account, message: &'a MessageSent) -> BoxFuture<'a, Permission> {
        Box::pin(async move {
            let asked = self.permission(sender, message).await;
            let result = match &asked {
                Ok(Permission::Refuse { .. }) => "refused",
                Ok(_) => "allowed",
                Err(_) => "failed",
            };
            metrics::counter!("duolog_hook_asked_total", "result" => result).increment(1);
            asked.unwrap_or_else(|reason| {
                if let Some(reason) = reason {
                    tracing::warn!("the before-send hook has failed: {reason}");
                }
                match self.failure {
                    HookFailure::Allow => Permission::Allow,
                    HookFailure::Refuse => Permission::Refuse { code: Code::HOOK_FAILED, info: None },
                }
            })
        })
    }
}

/// Whether a receiver is worth asking: closed, open for a while, then one try decides.
#[derive(Default)]
struct Circuit(Mutex<Failures>);

#[derive(Default)]
struct Failures {
    in_a_row: u32,
    /// Until then nobody asks.
    open_until: Option<Instant>,
}

impl Circuit {
    fn lets_through(&self) -> bool {
        let mut state = self.0.lock();
        match state.open_until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                // This one finds out; the others wait for what it hears.
                state.open_until = Some(Instant::now() + open_for(state.in_a_row));
                true
            }
        }
    }

    fn heard(&self, answered: bool) {
        let mut state = self.0.lock();
        if answered {
            *state = Failures::default();
            return;
        }
        state.in_a_row = state.in_a_row.saturating_add(1);
        if state.in_a_row >= FAILURES {
            tracing::warn!(failures = state.in_a_row, "the before-send hook is not asked for a while");
            state.open_until = Some(Instant::now() + open_for(state.in_a_row));
        }
    }
}

fn open_for(failures: u32) -> Duration {
    OPEN.saturating_mul(1 << failures.saturating_sub(FAILURES).min(5)).min(LONGEST_OPEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circuit_opens_after_failures_in_a_row_and_closes_with_an_answer() {
        let circuit = Circuit::default();
        for _ in 1..FAILURES {
            assert!(circuit.lets_through());
            circuit.heard(false);
        }
        circuit.heard(true);
        for _ in 0..FAILURES {
            assert!(circuit.lets_through());
            circuit.heard(false);
        }
        assert!(!circuit.lets_through());
        circuit.0.lock().open_until = Some(Instant::now());
        assert!(circuit.lets_through(), "one may find out");
        assert!(!circuit.lets_through(), "and only one");
        circuit.heard(true);
        assert!(circuit.lets_through() && circuit.lets_through());
    }

    #[test]
    fn it_stays_open_longer_each_time_up_to_half_a_minute() {
        let seconds = [FAILURES, FAILURES + 1, FAILURES + 4, u32::MAX].map(|failures| open_for(failures).as_secs());
        assert_eq!(seconds, [1, 2, 16, 30]);
    }
}
