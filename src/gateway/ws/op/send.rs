use duolog_topics::{Account, MessageContent, MessageFlags, MessageSent, Origin, RawJson, SenderCopy};
use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::args::{optional, required};
use super::{Context, Granted};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;
use crate::gateway::elements::{as_kept, check_body, check_push_info, cut_life};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `send`: a message to one user.
pub struct Send {
    to: Account,
    /// Checked in [`Self::run`], where the limit is known.
    body: String,
    random: u32,
    seq_given: bool,
    msg_seq: u32,
    custom: Option<String>,
    life: Option<u32>,
    push: Option<RawJson>,
    flags: MessageFlags,
}

#[derive(Deserialize)]
struct Args<'a> {
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    random: Option<&'a RawValue>,
    msg_seq: Option<u32>,
    custom: Option<String>,
    #[serde(default)]
    online_only: bool,
    #[serde(borrow)]
    life_time: Option<&'a RawValue>,
    #[serde(default)]
    no_unread: bool,
    #[serde(default)]
    no_last_message: bool,
    #[serde(borrow)]
    push: Option<&'a RawValue>,
    #[serde(default)]
    need_receipt: bool,
}

/// What tells a message of this connection from others that are on their way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SendKey {
    pub to: Account,
    pub msg_seq: u32,
    pub random: u32,
}

impl Send {
    /// # Errors
    /// The server API's code of a wrong field (90003 `to`, 90005 `random`, 90007 `body` ...), else 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let args: Args<'_> = object(args)?;
        let to = required(args.to, "to", Code::TO_ACCOUNT_INVALID)?;
        let random = required(args.random, "random", Code::MSG_RANDOM_INVALID)?;
        let body = args.body.ok_or_else(|| Failure::new(Code::MSG_BODY_INVALID, "body is missing"))?;
        let life: Option<u64> = optional(args.life_time, "life_time", Code::LIFE_TIME_INVALID)?;
        let push = args.push.map(|push| check_push_info(push.get())).transpose();
        let push = push.map_err(|error| Failure::new(error.code(), error.to_string()))?;
        Ok(Self {
            to,
            body: body.get().to_owned(),
            random,
            seq_given: args.msg_seq.is_some(),
            msg_seq: args.msg_seq.unwrap_or_default(),
            custom: args.custom,
            life: life.map(cut_life),
            push,
            flags: MessageFlags {
                // A message that waits for nobody is for those who are there.
                online_only: args.online_only || life == Some(0),
                no_unread: args.no_unread,
                no_last_message: args.no_last_message,
                receipt_wanted: args.need_receipt,
                ..MessageFlags::default()
            },
        })
    }

    pub fn peer(&self) -> &Account {
        &self.to
    }

    /// Takes a number for a message whose client gave none.
    pub fn number(&mut self, msg_seq: u32) {
        if !self.seq_given {
            self.msg_seq = msg_seq;
        }
    }

    pub fn key(&self) -> SendKey {
        SendKey { to: self.to.clone(), msg_seq: self.msg_seq, random: self.random }
    }

    /// See [`said`]. `limit`: of body and custom data.
    pub fn said(&self, limit: usize) -> u64 {
        let custom = self.custom.as_deref();
        said(&as_kept(&self.body, custom, limit), custom)
    }

    /// What makes another message of one with an equal key: all that the client said about it.
    fn request_hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        let push = self.push.as_ref().map(RawJson::as_str);
        for text in [Some(self.body.as_str()), self.custom.as_deref(), push] {
            hash.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
            hash.update(text.unwrap_or_default().as_bytes());
        }
        let MessageFlags { online_only, no_unread, no_last_message, receipt_wanted, .. } = self.flags;
        hash.update(&[online_only, no_unread, no_last_message, receipt_wanted].map(u8::from));
        hash.update(&self.life.unwrap_or(u32::MAX).to_be_bytes());
        hash.digest()
    }

    /// # Errors
    /// 80002 and the other codes of a wrong body; what the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let limit = context.settings().limits.body_bytes;
        let body = check_body(&self.body, self.custom.as_deref(), limit)
            .map_err(|error| Failure::new(error.code(), error.to_string()))?;
        let (identity, to) = (&context.identity, self.to.clone());
        let event = MessageSent {
            request_hash: self.request_hash(),
            receivers: vec![to.clone()],
            content: MessageContent {
                body,
                custom: self.custom,
                msg_seq: self.msg_seq,
                random: self.random,
                flags: MessageFlags { by_admin: context.settings().is_admin(&identity.account), ..self.flags },
                origin: Origin::Client,
                life: self.life,
                push: self.push,
                platform: Some(identity.platform),
                ip: identity.ip.clone(),
            },
            seq_given: self.seq_given,
            imported_time: None,
            sender_copy: SenderCopy::Full,
            operator: None,
            session: Some(identity.session.clone()),
        };
        match context.send(&to, event).await? {
            Verdict::Applied(Answer::Sent(sent)) => granted(sent, false),
            Verdict::Repeat(Answer::Sent(sent)) => granted(sent, true),
            other => Err(super::context::refused(other)),
        }
    }
}

/// A hash of what a message says: where that of the kept message differs, a hook has changed it.
pub fn said(body: &str, custom: Option<&str>) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(body.as_bytes());
    hash.update(&[u8::from(custom.is_some())]);
    hash.update(custom.unwrap_or_default().as_bytes());
    hash.digest()
}

fn granted(sent: crate::domain::verdict::Sent, repeat: bool) -> Result<Granted, Failure> {
    match sent.failed.first() {
        Some((_, code)) => Err((*code).into()),
        None => Ok(Granted::Sent { sent, repeat }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn full() -> Value {
        json!({
            "to": "bob", "body": [{"MsgType": "X", "MsgContent": {}}], "random": 4_294_967_295_u32, "msg_seq": 3,
            "custom": "c", "online_only": false, "life_time": 60, "no_unread": true, "no_last_message": true,
            "push": {"Desc": "d"}, "need_receipt": true,
        })
    }

    fn with(field: &str, value: Value) -> String {
        let mut args = full();
        args[field] = value;
        args.to_string()
    }

    #[test]
    fn takes_all_fields() {
        let send = Send::parse(&full().to_string()).unwrap();
        assert_eq!(send.key(), SendKey { to: Account::new("bob").unwrap(), msg_seq: 3, random: u32::MAX });
        assert_eq!((send.life, send.custom.as_deref(), send.seq_given), (Some(60), Some("c"), true));
        let flags = MessageFlags { no_unread: true, no_last_message: true, receipt_wanted: true, ..Default::default() };
        assert_eq!(send.flags, flags);
        assert_eq!(send.push.unwrap().as_str(), r#"{"Desc":"d"}"#);
    }

    #[test]
    fn a_number_is_taken_only_if_the_client_gave_none() {
        for (given, expected) in [(json!(3), 3), (Value::Null, 9)] {
            let mut send = Send::parse(&with("msg_seq", given)).unwrap();
            send.number(9);
            assert_eq!(send.key().msg_seq, expected);
        }
    }

    #[test]
    fn a_life_of_nothing_is_online_only_and_a_long_one_is_a_week() {
        assert!(Send::parse(&with("life_time", json!(0))).unwrap().flags.online_only);
        assert_eq!(Send::parse(&with("life_time", json!(u64::MAX))).unwrap().life, Some(604_800));
    }

    #[test]
    fn a_message_that_is_kept_in_its_shortest_form_says_the_same() {
        let spaces = " ".repeat(100);
        let args = format!(r#"{{"to":"bob","random":1,"body":[{{"MsgType":"X","MsgContent":{{}}}}{spaces}]}}"#);
        let send = Send::parse(&args).unwrap();
        for limit in [100, 1_000] {
            let kept = check_body(&send.body, None, limit).unwrap();
            assert_eq!(send.said(limit), said(kept.as_str(), None));
        }
    }

    #[test]
    fn wrong_fields_have_their_codes() {
        let wrong = [
            ("to", Value::Null, 90_003),
            ("to", json!(""), 90_003),
            ("random", Value::Null, 90_005),
            ("random", json!(-1), 90_005),
            ("random", json!(1.0), 90_005),
            ("random", json!(1_u64 << 32), 90_005),
            ("body", Value::Null, 90_002),
            ("life_time", json!("1"), 90_044),
            ("push", json!([]), 90_043),
            ("msg_seq", json!(1.5), 60_003),
            ("online_only", json!(1), 60_003),
        ];
        for (field, value, expected) in wrong {
            let failure = Send::parse(&with(field, value.clone())).err().expect("refused");
            assert_eq!(failure.code.number(), expected, "{field}: {value}");
        }
    }

    #[test]
    fn an_equal_key_with_other_content_is_another_request() {
        let hash = |args: &str| Send::parse(args).unwrap().request_hash();
        let first = hash(&full().to_string());
        assert_eq!(hash(&full().to_string()), first);
        let changes = [
            ("body", json!([])),
            ("custom", json!("d")),
            ("custom", json!("")),
            ("custom", Value::Null),
            ("life_time", json!(61)),
            ("no_unread", json!(false)),
            ("need_receipt", json!(false)),
            ("push", json!({"Desc": "e"})),
        ];
        for (field, value) in changes {
            assert_ne!(hash(&with(field, value.clone())), first, "{field}: {value}");
        }
    }
}
