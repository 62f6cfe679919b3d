//! What lies in the log's RocksDB.
//!
//! | key | value |
//! |---|---|
//! | partition `u32`, offset `u64` | checksum `u64`, then the record as [`Record::encode`] writes it |
//! | `ff ff ff ff`, `layout` | format `u32`, partitions `u32` |
//! | `ff ff ff ff`, `first`, partition `u32` | `u64`: the oldest offset that was not trimmed |
//!
//! Numbers are big-endian, so keys sort by partition and offset. The checksum is [`Record::checksum`] xored with XXH3 of
//! the key: a record that turns up at another place is as damaged as one with a flipped bit.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::log::{LogError, Record, Stored};

/// Rises when the layout above changes; a log of another format is refused.
pub(super) const FORMAT: u32 = 1;

/// The key of the row that says how the log is laid out.
pub(super) const LAYOUT: &[u8] = b"\xff\xff\xff\xfflayout";

const KEY: usize = 12;
const CHECKSUM: usize = 8;

/// The key of a record.
pub(super) fn key(partition: u32, offset: u64) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..4].copy_from_slice(&partition.to_be_bytes());
    key[4..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// The offset in a key of this partition.
pub(super) fn offset_of(key: &[u8], partition: u32) -> Option<u64> {
    let (of, offset) = key.split_first_chunk()?;
    (u32::from_be_bytes(*of) == partition).then(|| offset.try_into().ok().map(u64::from_be_bytes))?
}

/// The key of the row that holds where a partition begins.
pub(super) fn first_key(partition: u32) -> Vec<u8> {
    [b"\xff\xff\xff\xfffirst", &partition.to_be_bytes()[..]].concat()
}

pub(super) fn layout(partitions: u32) -> [u8; 8] {
    let mut row = [0; 8];
    row[..4].copy_from_slice(&FORMAT.to_be_bytes());
    row[4..].copy_from_slice(&partitions.to_be_bytes());
    row
}

/// Format and number of partitions.
pub(super) fn parse_layout(row: &[u8]) -> Option<(u32, u32)> {
    let (format, partitions) = row.split_first_chunk()?;
    Some((u32::from_be_bytes(*format), u32::from_be_bytes(partitions.try_into().ok()?)))
}

/// Replaces what is in `value` with the record as it is stored under `key`.
pub(super) fn seal(record: &Record, key: &[u8; KEY], value: &mut Vec<u8>) {
    value.clear();
    value.extend_from_slice(&[0; CHECKSUM]);
    record.encode(value);
    let checksum = xxh3_64(&value[CHECKSUM..]) ^ xxh3_64(key);
    value[..CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
}

/// The opposite of [`seal`]: the record at this place, if it is whole.
pub(super) fn open(partition: u32, offset: u64, value: &[u8]) -> Result<Stored, LogError> {
    let damaged = |what: &str| LogError::Damaged { partition, offset, what: what.to_owned() };
    let (checksum, body) = value.split_first_chunk().ok_or_else(|| damaged("the record is cut short"))?;
    if u64::from_be_bytes(*checksum) != xxh3_64(body) ^ xxh3_64(&key(partition, offset)) {
        return Err(damaged("the record does not match its checksum"));
    }
    let record =
        Record::decode(&Bytes::copy_from_slice(body)).ok_or_else(|| damaged("the record has wrong lengths"))?;
    Ok(Stored { offset, record })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::conformance::record;

    proptest! {
        #[test]
        fn keys_sort_by_partition_and_offset(a: (u32, u64), b: (u32, u64)) {
            prop_assert_eq!(key(a.0, a.1).cmp(&key(b.0, b.1)), a.cmp(&b));
            prop_assert_eq!(offset_of(&key(a.0, a.1), a.0), Some(a.1));
            prop_assert!(b.0 == a.0 || offset_of(&key(a.0, a.1), b.0).is_none());
        }

        #[test]
        fn a_record_opens_at_its_own_place_only(number: u64, partition: u32, offset: u64, other: u64) {
            let mut value = Vec::new();
            seal(&record(number), &key(partition, offset), &mut value);
            prop_assert_eq!(open(partition, offset, &value), Ok(Stored { offset, record: record(number) }));
            prop_assert!(offset == other || open(partition, other, &value).is_err());
        }

        #[test]
        fn no_flipped_bit_goes_unseen(number: u64, offset: u64, place: prop::sample::Index, bit in 0..8_u8) {
            let mut value = Vec::new();
            seal(&record(number), &key(3, offset), &mut value);
            let place = place.index(value.len());
            value[place] ^= 1_u8 << bit;
            let refused = matches!(open(3, offset, &value), Err(LogError::Damaged { partition: 3, .. }));
            prop_assert!(refused);
            prop_assert!(open(3, offset, &value[..place]).is_err());
        }
    }
}
