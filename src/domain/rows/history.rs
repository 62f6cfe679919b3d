use duolog_topics::{Account, Millis, MsgKey};
use serde::{Deserialize, Serialize};

use super::{HistoryPlace, Key, KeyReader, Pointer, Row, RowsError, Table};

/// Bits of an entry of a history or a timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowFlags(u8);

impl RowFlags {
    /// The owner of the mailbox received it (else: sent it).
    pub const INCOMING: Self = Self(1);
    /// It counts as unread until it is read.
    pub const COUNTS: Self = Self(2);
    pub const RECALLED: Self = Self(4);
    pub const MODIFIED: Self = Self(8);
    /// The receiver confirmed it by key.
    pub const RECEIPTED: Self = Self(16);
    /// Deleted from the owner's view; its place in the timeline stays, so that no device sees a gap there.
    pub const DELETED: Self = Self(32);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn when(self, condition: bool, other: Self) -> Self {
        if condition { self.with(other) } else { self }
    }
}

/// A message in one user's view of a conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HistoryEntry {
    pub record_time: Millis,
    pub flags: RowFlags,
    /// The record that holds the body: the one that sent it, or the one that modified it last.
    pub pointer: Pointer,
    pub msg_seq: u32,
    pub random: u32,
}

impl HistoryEntry {
    pub fn msg_key(&self, time: Millis) -> MsgKey {
        MsgKey { seq: self.msg_seq, random: self.random, time: time / 1000 }
    }
}

/// A message with its place.
pub type PlacedEntry = (HistoryPlace, HistoryEntry);

/// Messages of one conversation in the order of their places, packed: about 30 bytes a message. Whoever only carries them
/// along decodes none.
#[derive(PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HistoryEntries {
    count: u32,
    /// One [`Packed`] after the other.
    #[serde(with = "serde_bytes")]
    packed: Vec<u8>,
}

/// Bytes of a message and its place: mostly half as many.
const LONGEST: usize = 64;

impl Clone for HistoryEntries {
    /// Whoever takes a copy mostly does so to add a message.
    fn clone(&self) -> Self {
        let mut packed = Vec::with_capacity(self.packed.len() + LONGEST);
        packed.extend_from_slice(&self.packed);
        Self { count: self.count, packed }
    }
}

/// A message and its place, in Postcard's encoding.
#[derive(Serialize, Deserialize)]
struct Packed {
    place: HistoryPlace,
    /// From the message time to the record time: of most messages a small number.
    recorded_after: i64,
    flags: RowFlags,
    pointer: Pointer,
    msg_seq: u32,
    random: u32,
}

impl Packed {
    fn new(place: HistoryPlace, entry: &HistoryEntry) -> Self {
        let HistoryEntry { record_time, flags, pointer, msg_seq, random } = *entry;
        let recorded_after = record_time.wrapping_sub(place.time).cast_signed();
        Self { place, recorded_after, flags, pointer, msg_seq, random }
    }

    fn unpacked(self) -> PlacedEntry {
        let Self { place, recorded_after, flags, pointer, msg_seq, random } = self;
        let record_time = place.time.wrapping_add(recorded_after.cast_unsigned());
        (place, HistoryEntry { record_time, flags, pointer, msg_seq, random })
    }
}

impl HistoryEntries {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that they take in memory beside the row that holds them.
    pub fn size(&self) -> usize {
        self.packed.len()
    }

    /// Reads a little of it: see [`super::Cell::near`].
    pub fn near(&self) -> u64 {
        self.packed.last().copied().map_or(0, u64::from)
    }

    /// Adds one behind all others.
    pub fn push(&mut self, place: HistoryPlace, entry: &HistoryEntry) {
        let mut packed = [0; LONGEST];
        let packed = postcard::to_slice(&Packed::new(place, entry), &mut packed).expect("its numbers are no longer");
        self.packed.extend_from_slice(packed);
        self.count += 1;
    }

    /// The place of the first one.
    ///
    /// # Errors
    /// If the bytes hold no messages; so in all functions here.
    pub fn first(&self) -> Result<Option<HistoryPlace>, RowsError> {
        Ok(self.iter().next().transpose()?.map(|(place, _)| place))
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<PlacedEntry, RowsError>> {
        let mut left = self.packed.as_slice();
        (0..self.count).map(move |_| {
            let (packed, rest) = postcard::take_from_bytes::<Packed>(left)
                .map_err(|error| RowsError(format!("messages of a conversation: {error}")))?;
            left = rest;
            Ok(packed.unpacked())
        })
    }

    pub fn to_vec(&self) -> Result<Vec<PlacedEntry>, RowsError> {
        self.iter().collect()
    }
}

impl<'e> FromIterator<&'e PlacedEntry> for HistoryEntries {
    /// In the order in which they come: that of their places.
    fn from_iter<I: IntoIterator<Item = &'e PlacedEntry>>(all: I) -> Self {
        let mut entries = Self::default();
        all.into_iter().for_each(|(place, entry)| entries.push(*place, entry));
        entries
    }
}

impl std::fmt::Debug for HistoryEntries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Key {
    pub fn place(self, place: HistoryPlace) -> Self {
        self.u64(place.time).u64(place.sequence)
    }
}

/// `history`: (account, peer, message time, sequence) -> messages in one user's view of a conversation: those up to the place
/// in the key and behind the place of the row before. The newest are in the conversation itself.
///
/// It expires with the last of them that was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryRow {
    #[serde(skip)]
    record_time: Millis,
    pub entries: HistoryEntries,
}

impl Row for HistoryRow {
    const TABLE: Table = Table::History;
    /// In format 1 a row was one message: [`HistoryRow::read`].
    const FORMAT: u8 = 2;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

/// A row of format 1: the message whose place is in the key.
#[derive(Serialize, Deserialize)]
struct OneMessage {
    #[serde(skip)]
    record_time: Millis,
    flags: RowFlags,
    pointer: Pointer,
    msg_seq: u32,
    random: u32,
}

impl Row for OneMessage {
    const TABLE: Table = Table::History;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl HistoryRow {
    /// More messages than these are not in a conversation: the older ones become a row.
    pub const FULL: usize = 8;

    pub fn new(entries: &[PlacedEntry]) -> Self {
        let record_time = entries.iter().map(|(_, entry)| entry.record_time).max().unwrap_or(0);
        Self { record_time, entries: entries.iter().collect() }
    }

    pub fn key(account: &Account, peer: &Account, place: HistoryPlace) -> Key {
        Self::prefix(account, peer).place(place)
    }

    pub fn prefix(account: &Account, peer: &Account) -> Key {
        Key::of(Table::History).account(account).account(peer)
    }

    /// The place in a key that [`HistoryRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn place(key: &[u8]) -> Result<HistoryPlace, RowsError> {
        let mut reader = KeyReader::new(key, Table::History)?;
        reader.text()?;
        reader.text()?;
        Ok(HistoryPlace { time: reader.u64()?, sequence: reader.u64()? })
    }

    /// A row of whatever format, and the place in its key.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(key: &[u8], value: &[u8]) -> Result<(HistoryPlace, Self), RowsError> {
        let place = Self::place(key)?;
        if value.first() != Some(&OneMessage::FORMAT) {
            return Ok((place, Self::decode(value)?));
        }
        let OneMessage { record_time, flags, pointer, msg_seq, random } = OneMessage::decode(value)?;
        Ok((place, Self::new(&[(place, HistoryEntry { record_time, flags, pointer, msg_seq, random })])))
    }
}
