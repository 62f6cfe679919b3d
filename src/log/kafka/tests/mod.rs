mod leaders;
mod with_broker;

use crate::log::Record;
use crate::log::kafka::{HeaderCodec, HeaderRead, Headers, KafkaSettings, TimeAndHeader};

/// Time and header as they are: the log's own tests hold records that no event has.
const PLAIN: HeaderCodec = HeaderCodec { encode, decode };

fn encode(record: &Record) -> Result<Headers, String> {
    Ok(vec![("time", record.time.to_be_bytes().to_vec()), ("header", record.header.to_vec())])
}

fn decode(headers: &[HeaderRead<'_>]) -> Result<TimeAndHeader, String> {
    let find = |name| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let time = find("time").and_then(|time| time.try_into().ok()).ok_or("no time")?;
    Ok((u64::from_be_bytes(time), find("header").ok_or("no header")?.to_vec()))
}

fn settings(brokers: String, topic_prefix: String, partitions: u32) -> KafkaSettings {
    KafkaSettings { brokers, topic_prefix, partitions, replication: 1, properties: Default::default(), headers: PLAIN }
}
