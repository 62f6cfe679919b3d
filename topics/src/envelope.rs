use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Account, DecodeError, Event, Millis};

/// Names one log, for ever: made when the log is, carried by `log.opened`.
pub type LogId = Uuid;

/// What identifies a record, made before it is appended; time-ordered (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

impl EventId {
    /// Makes an id from a time and ten random bytes.
    pub fn new(time: Millis, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(time, &random).into_uuid())
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a courier writes on a record that it carries: whose outbox it comes from, and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Stamp {
    pub log_id: LogId,
    pub generation: u32,
    pub partition: u32,
    /// Counts 1, 2, 3 ... for one pair of source and destination partitions.
    pub number: u64,
}

/// By what right a record stands in a partition.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Authority {
    /// Written by the owner of the partition, in this epoch.
    Epoch(u64),
    /// Carried from another partition's outbox.
    Stamp(Stamp),
}

/// The attributes of a record, the same in every log provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    pub id: EventId,
    /// Record time: stamped by the appender from its monotonic clock.
    pub time: Millis,
    /// The record's key: the account in whose home it stands.
    pub account: Account,
    pub authority: Authority,
}

/// First byte of every header.
const HEADER_FORMAT: u8 = 1;
const BY_EPOCH: u8 = 0;
const BY_STAMP: u8 = 1;

impl Envelope {
    /// Encodes everything but key and time, which the log stores itself.
    ///
    /// Layout: format (1 byte, 1), authority (1 byte: 0 epoch, 1 stamp), payload version (u16), event id (16 bytes), then the
    /// epoch (u64) or the stamp (log id 16 bytes, generation u32, partition u32, number u64), then the kind's name to the
    /// end. Numbers are big-endian.
    pub fn encode_header(&self, event: &Event) -> Vec<u8> {
        let kind = event.kind();
        let mut out = Vec::with_capacity(64);
        out.push(HEADER_FORMAT);
        out.push(match self.authority {
            Authority::Epoch(_) => BY_EPOCH,
            Authority::Stamp(_) => BY_STAMP,
        });
        out.extend_from_slice(&kind.version().to_be_bytes());
        out.extend_from_slice(self.id.as_bytes());
        match &self.authority {
            Authority::Epoch(epoch) => out.extend_from_slice(&epoch.to_be_bytes()),
            Authority::Stamp(stamp) => {
                out.extend_from_slice(stamp.log_id.as_bytes());
                out.extend_from_slice(&stamp.generation.to_be_bytes());
                out.extend_from_slice(&stamp.partition.to_be_bytes());
                out.extend_from_slice(&stamp.number.to_be_bytes());
            }
        }
        out.extend_from_slice(kind.name().as_bytes());
        out
    }

    /// Decodes a record: its key, time and header into the envelope, its payload into the event.
    ///
    /// # Errors
    /// Every way in which a record can be damaged or newer than this program; see [`DecodeError`].
    pub fn decode(key: &[u8], time: Millis, header: &[u8], payload: &[u8]) -> Result<(Self, Event), DecodeError> {
        let account = Account::try_from(key)?;
        let mut rest = Reader(header);
        if rest.u8()? != HEADER_FORMAT {
            return Err(DecodeError::Header("format is not 1"));
        }
        let by = rest.u8()?;
        let version = u16::from_be_bytes(rest.take()?);
        let id = EventId::from_bytes(rest.take()?);
        let authority = match by {
            BY_EPOCH => Authority::Epoch(u64::from_be_bytes(rest.take()?)),
            BY_STAMP => Authority::Stamp(Stamp {
                log_id: Uuid::from_bytes(rest.take()?),
                generation: u32::from_be_bytes(rest.take()?),
                partition: u32::from_be_bytes(rest.take()?),
                number: u64::from_be_bytes(rest.take()?),
            }),
            _ => return Err(DecodeError::Header("authority is neither an epoch nor a stamp")),
        };
        let kind = std::str::from_utf8(rest.0).map_err(|_| DecodeError::Header("kind is not UTF-8"))?;
        let event = Event::decode(kind, version, payload)?;
        Ok((Self { id, time, account, authority }, event))
    }

    /// The event's id as outside readers see it (`ce_id`): the UUID, or for a carried record
    /// `<log>-<partition>-<number>`, the same at every repeat.
    pub fn public_id(&self) -> String {
        match &self.authority {
            Authority::Epoch(_) => self.id.to_string(),
            Authority::Stamp(stamp) => format!("{}-{}-{}", stamp.log_id, stamp.partition, stamp.number),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Header("header is cut short"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.take::<1>().map(|[byte]| byte)
    }
}
