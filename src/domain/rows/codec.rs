use std::borrow::Cow;

use bytes::Bytes;
use duolog_topics::Millis;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use super::{Cell, Hot, HotRow, Rows, RowsError, Table};

/// Where a value is encoded before it has a place: a message of the usual length needs no memory of its own.
pub type Scratch = SmallVec<[u8; 1024]>;

struct Appended<'v>(&'v mut Scratch);

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// A kind of row: its table and its value.
///
/// A value is the format byte, for rows that expire the record time of the record that made it (u64, big-endian),
/// and the fields in Postcard's encoding. So a compaction filter can judge a row without decoding it.
pub trait Row: Serialize + DeserializeOwned {
    const TABLE: Table;
    /// The format that this program writes.
    const FORMAT: u8 = 1;

    /// What the values of an older format end without: the encoding of the fields that have come since, as they are where there
    /// is nothing to say. `None` for formats that are not known.
    fn added_since(_format: u8) -> Option<&'static [u8]> {
        None
    }

    /// The record time that decides when the row expires; `None` for rows that stay.
    fn record_time(&self) -> Option<Millis> {
        None
    }

    /// Takes back what [`Row::record_time`] gave.
    fn set_record_time(&mut self, _time: Millis) {}

    /// The row as the fold's changes hold it: encoded, or shared as it is if it is hot.
    fn cell(&self) -> Cell {
        Cell::Encoded(self.encode())
    }

    /// The opposite of [`Row::cell`].
    ///
    /// # Errors
    /// If the cell holds no row of this kind.
    fn from_cell(cell: &Cell) -> Result<Self, RowsError> {
        match cell {
            Cell::Encoded(value) => Self::decode(value),
            Cell::Account(_) | Cell::Conversation(_) => {
                Err(RowsError(format!("row of {}: another kind stands there", Self::TABLE.name())))
            }
        }
    }

    fn encode(&self) -> Bytes {
        let mut value = Scratch::new();
        self.encode_to(&mut value);
        Bytes::copy_from_slice(&value)
    }

    /// Appends the value.
    fn encode_to(&self, value: &mut Scratch) {
        value.push(Self::FORMAT);
        if let Some(time) = self.record_time() {
            value.extend_from_slice(&time.to_be_bytes());
        }
        postcard::serialize_with_flavor(self, Appended(value)).expect("row types hold only what Postcard can write");
    }

    /// # Errors
    /// If the bytes are not a row of this kind.
    fn decode(value: &[u8]) -> Result<Self, RowsError> {
        let failed = |what: String| RowsError(format!("row of {}: {what}", Self::TABLE.name()));
        let (&format, mut rest) = value.split_first().ok_or_else(|| failed("empty".to_owned()))?;
        let added = if format == Self::FORMAT { Some(Default::default()) } else { Self::added_since(format) };
        let added: &[u8] = added.ok_or_else(|| failed("unknown format".to_owned()))?;
        let time = match Self::TABLE.horizon() {
            super::Horizon::Never => None,
            _ => {
                let (time, fields) = rest.split_first_chunk().ok_or_else(|| failed("cut short".to_owned()))?;
                rest = fields;
                Some(Millis::from_be_bytes(*time))
            }
        };
        let fields = if added.is_empty() { Cow::Borrowed(rest) } else { [rest, added].concat().into() };
        let mut row: Self = postcard::from_bytes(&fields).map_err(|error| failed(error.to_string()))?;
        if let Some(time) = time {
            row.set_record_time(time);
        }
        Ok(row)
    }
}

/// The record time in a value of a table whose rows expire, without decoding the rest.
pub fn record_time_of(value: &[u8]) -> Option<Millis> {
    let (time, _) = value.get(1..)?.split_first_chunk()?;
    Some(Millis::from_be_bytes(*time))
}

/// Reads one row.
///
/// # Errors
/// If it cannot be read or decoded.
pub fn get<R: Row>(rows: &dyn Rows, key: &[u8]) -> Result<Option<R>, RowsError> {
    rows.cell(key)?.map(|cell| R::from_cell(&cell)).transpose()
}

/// Reads one hot row, without a copy where it is decoded.
///
/// # Errors
/// If it cannot be read or decoded.
pub fn get_hot<R: HotRow>(rows: &dyn Rows, key: &[u8]) -> Result<Option<Hot<R>>, RowsError> {
    rows.cell(key)?.map(R::of).transpose()
}

/// Where a record stands, for ever: rows point at records with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, serde::Deserialize)]
pub struct Pointer {
    pub generation: u32,
    pub partition: u32,
    pub offset: u64,
}

impl Pointer {
    /// The pointer in a key that is a table's byte and a pointer.
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let (generation, rest) = key.get(1..)?.split_first_chunk()?;
        let (partition, rest) = rest.split_first_chunk()?;
        let offset = rest.try_into().ok()?;
        Some(Self {
            generation: u32::from_be_bytes(*generation),
            partition: u32::from_be_bytes(*partition),
            offset: u64::from_be_bytes(offset),
        })
    }
}

impl super::Key {
    pub fn pointer(self, pointer: Pointer) -> Self {
        self.u32(pointer.generation).u32(pointer.partition).u64(pointer.offset)
    }
}
