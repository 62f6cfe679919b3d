use anyhow::{Context as _, Result};
use duolog::domain::verdict::Sent;
use duolog::rebuild::Decoded;
use duolog::records::one_line;
use duolog_topics::{Account, MessageFlags, MessageSent, Origin, rfc3339};
use serde::Serialize;
use serde_json::value::RawValue;

/// A message as every format has it: the same columns, in this order.
#[derive(Serialize)]
pub struct Message<'a> {
    pub partition: u32,
    pub offset: u64,
    /// Unique for ever.
    pub id: String,
    pub from: &'a Account,
    pub to: &'a [Account],
    /// Receivers of the sender's home that did not get it, because they block him or do not exist.
    pub not_delivered: Vec<Account>,
    /// Message time, RFC 3339.
    pub time: String,
    /// The same, Unix milliseconds.
    pub time_ms: u64,
    pub key: String,
    /// As it was received, on one line.
    pub body: Box<RawValue>,
    pub custom: Option<&'a str>,
    pub origin: Origin,
    /// Those that are set.
    pub flags: MessageFlags,
}

impl<'a> Message<'a> {
    /// # Errors
    /// If its body is no JSON.
    pub fn new(
        partition: u32,
        record: &'a Decoded,
        message: &'a MessageSent,
        sent: &Sent,
        not_delivered: Vec<Account>,
    ) -> Result<Self> {
        let content = &message.content;
        let body = RawValue::from_string(one_line(content.body.as_str()));
        Ok(Self {
            partition,
            offset: record.offset,
            id: record.envelope.public_id(),
            from: &record.envelope.account,
            to: &message.receivers,
            not_delivered,
            time: rfc3339(sent.time),
            time_ms: sent.time,
            key: sent.key.to_string(),
            body: body.with_context(|| format!("offset {}: the body is no JSON", record.offset))?,
            custom: content.custom.as_deref(),
            origin: content.origin,
            flags: content.flags,
        })
    }

    /// The origin's name, as in JSON.
    pub fn origin(&self) -> &'static str {
        match self.origin {
            Origin::Client => "client",
            Origin::Server => "server",
            Origin::Batch => "batch",
            Origin::Import => "import",
        }
    }
}
