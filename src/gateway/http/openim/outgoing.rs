//! What sendmsg, batchsendmsg and importmsg have in common: the members that make a message.

use duolog_topics::{Account, MessageContent, MessageFlags, MessageSent, Millis, Origin, RawJson, SenderCopy};

use crate::error::Code;
use crate::gateway::elements::{self, BodyError};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;

/// A message as its request says it; its size is checked when it is made an event.
#[derive(Debug)]
pub struct Outgoing {
    /// Absent: the admin who calls.
    pub from: Option<Account>,
    msg_seq: Option<u32>,
    random: u32,
    body: String,
    custom: Option<String>,
    pub flags: MessageFlags,
    /// Seconds; absent: as the policy says, or not at all, as `flags` say.
    pub life: Option<u32>,
    push: Option<RawJson>,
    pub sender_copy: SenderCopy,
}

impl Outgoing {
    /// The members that all three commands have.
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let body = fields
            .or(Code::MSG_BODY_INVALID)
            .raw("MsgBody")
            .ok_or_else(|| ApiError::new(Code::MSG_BODY_INVALID, "MsgBody is missing"))?;
        Ok(Self {
            from: fields.or(Code::FROM_ACCOUNT_INVALID).account_if_any("From_Account")?,
            msg_seq: fields.get("MsgSeq")?,
            random: fields.or(Code::MSG_RANDOM_INVALID).need("MsgRandom")?,
            body: body.to_owned(),
            custom: fields.get::<String>("CloudCustomData")?.filter(|custom| !custom.is_empty()),
            flags: MessageFlags::default(),
            life: None,
            push: None,
            sender_copy: SenderCopy::Full,
        })
    }

    /// Adds the members that only the sending commands have.
    pub fn with_delivery(self, fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        fields.or(Code::MSG_TIMESTAMP_INVALID).get::<u64>("MsgTimeStamp")?;
        let pushed = self.with_push(fields)?;
        let no_life = fields.get::<u64>("MsgLifeTime")? == Some(0);
        Ok(Self { flags: flags(fields, no_life)?, sender_copy: sender_copy(fields)?, ..pushed })
    }

    /// Adds how long it waits, and how devices that are not connected are told of it.
    pub fn with_push(self, fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let life = fields.or(Code::LIFE_TIME_INVALID).get::<u64>("MsgLifeTime")?;
        let push = fields.raw("OfflinePushInfo").map(elements::check_push_info).transpose();
        let push = push.map_err(|error| ApiError::new(error.code(), describe(&error)))?;
        let life = life.map(elements::cut_life).filter(|life| *life > 0);
        Ok(Self { life, push, ..self })
    }

    /// Who sends it.
    pub fn sender(&self, context: &Context<'_>) -> Account {
        self.from.clone().unwrap_or_else(|| context.operator.clone())
    }

    /// Checks the body and makes the event. `too_long`: the command's code for a body over the limit.
    pub fn into_event(
        self,
        context: &Context<'_>,
        origin: Origin,
        receivers: Vec<Account>,
        imported_time: Option<Millis>,
        too_long: Code,
    ) -> Result<MessageSent, ApiError> {
        let (seq_given, sender_copy) = (self.msg_seq.is_some(), self.sender_copy);
        let content = self.into_content(context, origin, too_long)?;
        Ok(MessageSent {
            receivers,
            content,
            seq_given,
            request_hash: context.request_hash,
            imported_time,
            sender_copy,
            operator: Some(context.operator.clone()),
            session: None,
        })
    }

    /// Checks the body and makes what all receivers get.
    pub fn into_content(
        self,
        context: &Context<'_>,
        origin: Origin,
        too_long: Code,
    ) -> Result<MessageContent, ApiError> {
        let limit = context.shared().settings.body_bytes;
        let body = elements::check_body(&self.body, self.custom.as_deref(), limit).map_err(|error| {
            let code = if matches!(error, BodyError::TooLong { .. }) { too_long } else { error.code() };
            ApiError::new(code, describe(&error))
        })?;
        Ok(MessageContent {
            body,
            custom: self.custom,
            msg_seq: self.msg_seq.unwrap_or_else(|| unchosen_seq(context, origin)),
            random: self.random,
            flags: self.flags,
            origin,
            life: self.life,
            push: self.push,
            platform: None,
            ip: context.ip.clone(),
        })
    }
}

/// The MsgSeq of a message whose caller chose none. An import gets 0: it is told from others by its random and second,
/// so the same request again is the same message.
fn unchosen_seq(context: &Context<'_>, origin: Origin) -> u32 {
    match origin {
        Origin::Import => 0,
        Origin::Client | Origin::Server | Origin::Batch => (context.engine().random() >> 32) as u32,
    }
}

fn flags(fields: Fields<'_, '_>, no_life: bool) -> Result<MessageFlags, ApiError> {
    let words = |name| fields.get::<Vec<String>>(name).map(Option::unwrap_or_default);
    let control = words("SendMsgControl")?;
    let control = |word: &str| control.iter().any(|given| given == word);
    let forbidden = words("ForbidCallbackControl")?;
    let forbidden = |callback: &str| forbidden.iter().any(|word| word == callback);
    fields.flag("SupportMessageExtension")?;
    Ok(MessageFlags {
        online_only: fields.flag("OnlineOnlyFlag")? || no_life,
        no_unread: control("NoUnread"),
        no_last_message: control("NoLastMsg"),
        receipt_wanted: fields.flag("IsNeedReadReceipt")?,
        mute_notifications: control("WithMuteNotifications"),
        forbid_before_callback: forbidden("ForbidBeforeSendMsgCallback"),
        forbid_after_callback: forbidden("ForbidAfterSendMsgCallback"),
        by_admin: false,
    })
}

fn sender_copy(fields: Fields<'_, '_>) -> Result<SenderCopy, ApiError> {
    let fields = fields.or(Code::SYNC_OTHER_MACHINE_INVALID);
    match fields.get::<i64>("SyncOtherMachine")? {
        None => Ok(SenderCopy::History),
        Some(1) => Ok(SenderCopy::Full),
        Some(2) => Ok(SenderCopy::None),
        Some(_) => Err(fields.error("SyncOtherMachine is neither 1 nor 2")),
    }
}

/// An error and its cause in one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::gateway::http::fields::Object;

    fn parse(changes: &Value) -> Result<Outgoing, u32> {
        let mut request = json!({"MsgRandom": 7, "MsgBody": []});
        let changes = changes.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(changes);
        let text = request.to_string();
        let object = Object::parse(&text).unwrap();
        let fields = object.fields(Code::MESSAGE_JSON_INVALID);
        let parsed = Outgoing::parse(fields).and_then(|outgoing| outgoing.with_delivery(fields));
        parsed.map_err(|error| error.code.number())
    }

    #[test]
    fn the_sender_is_chosen_or_left_to_the_caller() {
        assert_eq!(parse(&json!({})).unwrap().from, None);
        assert_eq!(parse(&json!({"From_Account": "a"})).unwrap().from, Some(Account::new("a").unwrap()));
        assert_eq!(parse(&json!({"From_Account": 1})).unwrap_err(), 90008);
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        for (field, value, code) in [
            ("MsgRandom", json!(null), 90005),
            ("MsgRandom", json!("7"), 90005),
            ("MsgRandom", json!(4_294_967_296_u64), 90005),
            ("MsgRandom", json!(1.5), 90005),
            ("MsgBody", json!(null), 90002),
            ("MsgTimeStamp", json!("x"), 90006),
            ("MsgLifeTime", json!("1"), 90044),
            ("MsgLifeTime", json!(-1), 90044),
            ("SyncOtherMachine", json!(3), 90031),
            ("SyncOtherMachine", json!("1"), 90031),
            ("OfflinePushInfo", json!("x"), 90043),
            ("MsgSeq", json!("x"), 90001),
            ("CloudCustomData", json!({}), 90001),
            ("OnlineOnlyFlag", json!(2), 90001),
            ("SendMsgControl", json!("NoUnread"), 90001),
            ("ForbidCallbackControl", json!([1]), 90001),
        ] {
            assert_eq!(parse(&json!({field: value})).unwrap_err(), code, "{field}: {value}");
        }
    }

    #[test]
    fn a_life_of_nothing_is_online_only_and_a_long_one_is_cut() {
        let none = parse(&json!({"MsgLifeTime": 0})).unwrap();
        assert_eq!((none.flags.online_only, none.life), (true, None));
        assert!(parse(&json!({"OnlineOnlyFlag": 1})).unwrap().flags.online_only);
        let long = parse(&json!({"MsgLifeTime": 9_999_999})).unwrap();
        assert_eq!((long.flags.online_only, long.life), (false, Some(604_800)));
    }

    #[test]
    fn controls_become_flags() {
        let request = json!({"SendMsgControl": ["NoUnread", "NoLastMsg", "WithMuteNotifications", "New"],
            "ForbidCallbackControl": ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"],
            "IsNeedReadReceipt": 1});
        let flags = parse(&request).unwrap().flags;
        assert!(flags.no_unread && flags.no_last_message && flags.mute_notifications);
        assert!(
            flags.forbid_before_callback && flags.forbid_after_callback && flags.receipt_wanted && !flags.online_only
        );
        assert_eq!(parse(&json!({})).unwrap().flags, MessageFlags::default());
    }

    #[test]
    fn the_senders_copy_follows_sync_other_machine() {
        for (value, copy) in
            [(json!(null), SenderCopy::History), (json!(1), SenderCopy::Full), (json!(2), SenderCopy::None)]
        {
            assert_eq!(parse(&json!({"SyncOtherMachine": value})).unwrap().sender_copy, copy);
        }
    }
}
