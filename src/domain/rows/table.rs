use std::borrow::Borrow;

use duolog_topics::Account;
use smallvec::SmallVec;

use super::RowsError;

/// After which rule a table's rows become absent; the rule is in [`super::MetaRow`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Horizon {
    /// Rows stay until the fold deletes them.
    Never,
    /// The longer of offline and roaming days: timelines and the bodies that they point at.
    Timeline,
    /// Roaming days: history.
    Roaming,
    /// The window of repeats; the row says which.
    Idempotency,
}

macro_rules! tables {
    ($( $table:ident = $byte:literal, $name:literal, $horizon:ident, dumped $dumped:literal: $says:literal )*) => {
        /// Every table of the state store: the first byte of each key.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Table {
            $( #[doc = $says] $table = $byte, )*
        }

        impl Table {
            pub const ALL: &[Table] = &[$( Table::$table, )*];

            pub const fn name(self) -> &'static str {
                match self { $( Table::$table => $name, )* }
            }

            pub const fn horizon(self) -> Horizon {
                match self { $( Table::$table => Horizon::$horizon, )* }
            }

            /// Whether the rows belong to the dump that compares live state with a rebuild. What does not is a
            /// matter of delivery, gone at different times in different runs.
            pub const fn dumped(self) -> bool {
                match self { $( Table::$table => $dumped, )* }
            }

            #[inline]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $( $byte => Some(Table::$table), )* _ => None }
            }
        }
    };
}

impl Table {
    /// What the keys of one walk of the fold have in common with this key: the table and the names or the number that
    /// follow. `None` for tables that it reads row by row.
    #[inline]
    pub(super) fn walked_prefix(key: &[u8]) -> Option<&[u8]> {
        use Table::{
            Broadcast, Consumer, Device, History, Message, Outbox, PushToken, Recent, Relation, Session, Timeline,
        };
        match Self::from_byte(*key.first()?)? {
            Timeline | Recent | Device | Session | Relation | PushToken => up_to_name(key, 1),
            History => up_to_name(key, up_to_name(key, 1)?.len()),
            Outbox => key.get(..1 + size_of::<u32>()),
            // All but the last byte of a pointer.
            Message => key.get(..size_of::<u8>() + 2 * size_of::<u32>() + size_of::<u64>() - 1),
            Broadcast | Consumer => key.get(..1),
            _ => None,
        }
    }
}

// The byte 0 belongs to the store itself (the applied place).
tables! {
    Meta = 1, "meta", Never, dumped true: "() -> what the partition knows of itself: log, epoch, policy, time, horizons."
    Message = 2, "messages", Timeline, dumped true: "(pointer) -> the record's body, once a home, and its outcomes."
    Outcome = 3, "outcomes", Timeline, dumped false: "(pointer) -> what another record did, where consumers need it."
    Timeline = 4, "timeline", Timeline, dumped true: "(account, sequence) -> a message or a change; syncs devices."
    History = 5, "history", Roaming, dumped true: "(account, peer, message time, sequence) -> messages up to there."
    Conversation = 6, "conversations", Roaming, dumped true: "(account, peer) -> newest messages, unread, read marks."
    Recent = 7, "recents", Never, dumped true: "(account, time, peer) -> nothing: the order of recent contacts."
    Device = 8, "devices", Never, dumped true: "(account, device) -> cursor, last seen."
    Account = 9, "accounts", Never, dumped true: "(account) -> sequences, counters, not-before, mute."
    Session = 10, "sessions", Never, dumped true: "(account, session) -> login order, device, platform."
    Relation = 11, "relations", Never, dumped true: "(account, kind, peer) -> a register with its stamp."
    Idempotency = 12, "idempotency", Idempotency, dumped true: "(sender, hash of key) -> first record and answer."
    Outbox = 13, "outbox", Never, dumped false: "(destination, number) -> a record to be carried."
    Position = 14, "positions", Never, dumped true: "(direction, log, generation, partition) -> last number."
    Profile = 15, "profiles", Never, dumped true: "(account) -> profile fields."
    PushToken = 16, "push_tokens", Never, dumped true: "(account, device) -> how offline push reaches the device."
    Consumer = 17, "consumers", Never, dumped true: "(consumer) -> its position in this partition."
    FriendGroups = 18, "friend_groups", Never, dumped true: "(account) -> the groups that its owner has made."
    Broadcast = 19, "broadcasts", Never, dumped true: "(number) -> a push to all accounts, and how far it has come."
}

/// Ends an account name (and any other text) in a key: it sorts before every byte that a name may hold.
const END: u8 = 0;

/// The part of a key that ends with the name that begins at a place.
#[inline]
fn up_to_name(key: &[u8], place: usize) -> Option<&[u8]> {
    let end = key[place..].iter().position(|byte| *byte == END)?;
    Some(&key[..=place + end])
}

/// Bytes of a key that need no memory of their own: of all tables with two names of 16 bytes.
const INLINE: usize = 56;

/// Builds a key: the table's byte, then texts ended by 0x00 and big-endian numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(SmallVec<[u8; INLINE]>);

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Key {
    /// A key that a scan gave.
    fn from(key: &[u8]) -> Self {
        Self(SmallVec::from_slice(key))
    }
}

impl Key {
    #[inline]
    pub fn of(table: Table) -> Self {
        Self(SmallVec::from_slice(&[table as u8]))
    }

    #[inline]
    pub fn account(self, account: &Account) -> Self {
        self.text(account.as_str())
    }

    /// # Panics
    /// In debug builds if the text holds 0x00; callers check their texts at the gateway.
    #[inline]
    pub fn text(mut self, text: &str) -> Self {
        debug_assert!(!text.as_bytes().contains(&END), "key text holds the end mark");
        self.0.reserve(text.len() + 1);
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(END);
        self
    }

    #[inline]
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    #[inline]
    pub fn u32(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    #[inline]
    pub fn u64(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    #[inline]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_vec()
    }

    /// Its beginning, as a number: what has a lower one comes first. Most keys of a table differ there.
    #[inline]
    pub fn head(&self) -> (u128, u64) {
        const HEAD: usize = size_of::<u128>() + size_of::<u64>();
        let mut head = [0; HEAD];
        let length = self.0.len().min(HEAD);
        head[..length].copy_from_slice(&self.0[..length]);
        let (first, second) = head.split_at(size_of::<u128>());
        let (first, second) = (first.try_into().expect("16 bytes"), second.try_into().expect("8 bytes"));
        (u128::from_be_bytes(first), u64::from_be_bytes(second))
    }

    /// The table that the key is of.
    pub fn table(&self) -> Option<Table> {
        self.0.first().and_then(|byte| Table::from_byte(*byte))
    }

    /// The first key after all that begin with this one.
    ///
    /// # Panics
    /// Never for keys of this catalogue: their first byte is a table's, below 0xff.
    pub fn end_of_prefix(&self) -> Vec<u8> {
        let mut end = self.0.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return end;
            }
        }
        unreachable!("a key begins with its table's byte")
    }
}

/// Reads a key back, in the order in which it was built.
pub struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// # Errors
    /// If the key is of another table.
    pub fn new(key: &'a [u8], table: Table) -> Result<Self, RowsError> {
        match key.split_first() {
            Some((byte, rest)) if *byte == table as u8 => Ok(Self(rest)),
            _ => Err(RowsError(format!("key is not of table {}", table.name()))),
        }
    }

    /// # Errors
    /// If the key ends early or the text is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, RowsError> {
        let end = self.0.iter().position(|byte| *byte == END).ok_or_else(cut)?;
        let text = std::str::from_utf8(&self.0[..end]).map_err(|_| cut())?;
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    /// # Errors
    /// If the key ends early or holds no account name.
    pub fn account(&mut self) -> Result<Account, RowsError> {
        Account::new(self.text()?).map_err(|error| RowsError(format!("key holds no account: {error}")))
    }

    /// # Errors
    /// If the key ends early.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RowsError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*head)
    }

    /// # Errors
    /// If the key ends early.
    pub fn u64(&mut self) -> Result<u64, RowsError> {
        self.array().map(u64::from_be_bytes)
    }

    /// # Errors
    /// If the key ends early.
    pub fn u32(&mut self) -> Result<u32, RowsError> {
        self.array().map(u32::from_be_bytes)
    }
}

fn cut() -> RowsError {
    RowsError("key is cut short".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_own_byte() {
        for table in Table::ALL {
            assert_eq!(Table::from_byte(*table as u8), Some(*table));
        }
    }

    #[test]
    fn keys_of_a_shorter_name_are_not_inside_those_of_a_longer_one() {
        let (a, ab) = (Account::new("a").unwrap(), Account::new("ab").unwrap());
        let prefix = Key::of(Table::Device).account(&a);
        let other = Key::of(Table::Device).account(&ab).text("phone");
        assert!(!other.as_slice().starts_with(prefix.as_slice()));
        assert!(prefix.end_of_prefix().as_slice() < other.as_slice());
    }

    #[test]
    fn a_key_reads_back() {
        let account = Account::new("alice").unwrap();
        let key = Key::of(Table::Timeline).account(&account).u64(77);
        let mut reader = KeyReader::new(key.as_slice(), Table::Timeline).unwrap();
        assert_eq!(reader.account().unwrap(), account);
        assert_eq!(reader.u64().unwrap(), 77);
        assert!(reader.u64().is_err());
    }
}
