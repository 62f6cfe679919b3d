use uuid::Uuid;

use crate::{Authority, DecodeError, EventId, Stamp};

/// First byte of every header.
const FORMAT: u8 = 1;
const BY_EPOCH: u8 = 0;
const BY_STAMP: u8 = 1;

/// The attributes of a record that are not its key or its time, in the compact form that logs store.
///
/// Layout: format (1 byte, 1), authority (1 byte: 0 epoch, 1 stamp), payload version (u16), event id (16 bytes), then
/// the epoch (u64) or the stamp (log id 16 bytes, generation u32, partition u32, number u64), then the kind's name to
/// the end. Numbers are big-endian.
///
/// A header can be read without its payload, and also if its kind is unknown here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// The kind's name.
    pub kind: &'a str,
    /// The payload's version, from 1.
    pub version: u16,
    /// The record's own id.
    pub id: EventId,
    /// By what right the record stands where it does.
    pub authority: Authority,
}

impl<'a> Header<'a> {
    /// Writes the bytes that [`Self::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.push(FORMAT);
        out.push(match self.authority {
            Authority::Epoch(_) => BY_EPOCH,
            Authority::Stamp(_) => BY_STAMP,
        });
        out.extend_from_slice(&self.version.to_be_bytes());
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
        out.extend_from_slice(self.kind.as_bytes());
        out
    }

    /// Reads a header. Whether its kind is known is not asked.
    ///
    /// # Errors
    /// [`DecodeError::Header`], [`DecodeError::NewerHeader`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut rest = Reader(bytes);
        match rest.take()? {
            [FORMAT] => {}
            [0] => return Err(DecodeError::Header("format is 0")),
            [newer] => return Err(DecodeError::NewerHeader(newer)),
        }
        let [by] = rest.take()?;
        let version = u16::from_be_bytes(rest.take()?);
        if version == 0 {
            return Err(DecodeError::Header("payload version is 0"));
        }
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
        Ok(Self { kind, version, id, authority })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Header("header is cut short"))?;
        self.0 = rest;
        Ok(*head)
    }
}
