use bytes::{BufMut, Bytes};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes before the three fields of an encoded record: time `u64`, key length `u32`, header length `u32`, big-endian.
const FIXED: usize = 16;

/// What the log stores: it reads none of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub key: Bytes,
    /// Unix milliseconds, given by the appender.
    pub time: u64,
    pub header: Bytes,
    pub payload: Bytes,
}

impl Record {
    /// Bytes that count against limits of batches and reads.
    pub fn size(&self) -> usize {
        self.key.len() + self.header.len() + self.payload.len() + 8
    }

    /// XXH3 (64 bit) of all that the record holds, the same in every log: state keeps the one of the last record that
    /// it has applied, and compares it with the log before it goes on. Costs a copy of the record.
    pub fn checksum(&self) -> u64 {
        let mut body = Vec::with_capacity(FIXED + self.size());
        self.encode(&mut body);
        xxh3_64(&body)
    }

    /// Appends time, key length, header length, key, header, payload.
    ///
    /// # Panics
    /// If key or header has 4 GiB: batches are limited far below.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let length = |field: &Bytes| u32::try_from(field.len()).expect("batches are smaller than 4 GiB");
        out.put_u64(self.time);
        out.put_u32(length(&self.key));
        out.put_u32(length(&self.header));
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&self.payload);
    }

    /// The opposite of [`Record::encode`], sharing the bytes; nothing if the lengths do not fit.
    pub(super) fn decode(body: &Bytes) -> Option<Self> {
        let (fixed, fields) = body.split_at_checked(FIXED)?;
        let time = u64::from_be_bytes(fixed[..8].try_into().ok()?);
        let key = u32::from_be_bytes(fixed[8..12].try_into().ok()?) as usize;
        let header = u32::from_be_bytes(fixed[12..].try_into().ok()?) as usize;
        let payload = key.checked_add(header).filter(|at| *at <= fields.len())?;
        Some(Self {
            time,
            key: body.slice(FIXED..FIXED + key),
            header: body.slice(FIXED + key..FIXED + payload),
            payload: body.slice(FIXED + payload..),
        })
    }
}

/// A record at its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    pub offset: u64,
    pub record: Record,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn record()(key: Vec<u8>, time: u64, header: Vec<u8>, payload: Vec<u8>) -> Record {
            Record { key: key.into(), time, header: header.into(), payload: payload.into() }
        }
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_was(record in record()) {
            let mut body = Vec::new();
            record.encode(&mut body);
            prop_assert_eq!(Record::decode(&body.into()), Some(record));
        }

        #[test]
        fn any_bytes_decode_or_do_not_but_never_panic(body: Vec<u8>) {
            let _ = Record::decode(&body.into());
        }

        #[test]
        fn a_byte_that_moves_to_the_next_field_changes_the_checksum(mut record in record(), byte: u8) {
            let mut moved = record.clone();
            record.key = [&record.key[..], &[byte]].concat().into();
            moved.header = [&[byte], &moved.header[..]].concat().into();
            prop_assert_ne!(record.checksum(), moved.checksum());
        }
    }

    /// State that was written by an earlier release holds these numbers.
    #[test]
    fn the_checksum_is_part_of_the_format() {
        let record = Record {
            key: Bytes::from_static(b"alice"),
            time: 1_700_000_000_000,
            header: Bytes::from_static(b"h"),
            payload: Bytes::from_static(b"hello"),
        };
        assert_eq!(record.checksum(), GOLDEN);
    }

    const GOLDEN: u64 = 7_586_607_758_851_105_551;
}
