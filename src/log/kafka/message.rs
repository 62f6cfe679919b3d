//! A record as a Kafka message and back: key is key, payload is value, time and header bytes are the headers.
//!
//! The message's own timestamp is the record's time, so that Kafka's tools show it; it is never read.

use bytes::Bytes;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};

use super::native;
use super::settings::HeaderCodec;
use crate::log::{Record, Stored};

/// A record on its way out, and the bytes that it takes.
pub(super) struct Outgoing<'r> {
    pub record: &'r Record,
    pub headers: OwnedHeaders,
    /// Of key, value and headers.
    pub size: usize,
}

impl<'r> Outgoing<'r> {
    /// The error says what is wrong with the record.
    pub fn new(record: &'r Record, codec: HeaderCodec) -> Result<Self, String> {
        let fields = (codec.encode)(record)?;
        let mut size = record.key.len() + record.payload.len();
        let mut headers = OwnedHeaders::new_with_capacity(fields.len());
        for (key, value) in &fields {
            size += key.len() + value.len();
            headers = headers.insert(Header { key, value: Some(value) });
        }
        Ok(Self { record, headers, size })
    }
}

/// The record in a message. A message that is not ours keeps its key and value and has an empty header, which no record
/// of ours has: the fold refuses it and counts it.
pub(super) fn stored(message: &BorrowedMessage<'_>, codec: HeaderCodec) -> Stored {
    let (time, header) = (codec.decode)(&native::headers(message)).unwrap_or_default();
    let bytes = |field: Option<&[u8]>| field.map_or_else(Bytes::new, Bytes::copy_from_slice);
    let record = Record { key: bytes(message.key()), time, header: header.into(), payload: bytes(message.payload()) };
    Stored { offset: message.offset().cast_unsigned(), record }
}
