use anyhow::Result;
use serde_json::to_string;

use super::super::message::Message;
use super::{Out, Sink};

const NAMES: [&str; 13] = [
    "partition",
    "offset",
    "id",
    "from",
    "to",
    "not_delivered",
    "time",
    "time_ms",
    "key",
    "body",
    "custom",
    "origin",
    "flags",
];

/// RFC 4180.
pub struct Csv(csv::Writer<Out>);

impl Csv {
    /// # Errors
    /// If the names cannot be written.
    pub fn begin(out: Out) -> Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(NAMES)?;
        Ok(Self(writer))
    }
}

impl Sink for Csv {
    fn add(&mut self, message: &Message<'_>) -> Result<()> {
        let (to, not_delivered) = (to_string(message.to)?, to_string(&message.not_delivered)?);
        let (partition, offset) = (message.partition.to_string(), message.offset.to_string());
        let (time_ms, flags) = (message.time_ms.to_string(), to_string(&message.flags)?);
        let fields: [&str; NAMES.len()] = [
            &partition,
            &offset,
            &message.id,
            message.from.as_str(),
            &to,
            &not_delivered,
            &message.time,
            &time_ms,
            &message.key,
            message.body.get(),
            message.custom.unwrap_or_default(),
            message.origin(),
            &flags,
        ];
        Ok(self.0.write_record(fields)?)
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        Ok(self.0.flush()?)
    }
}
