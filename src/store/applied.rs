/// The first byte of keys that belong to the store.
pub(super) const RESERVED: u8 = 0x00;

/// The key of the row that holds the place.
pub(super) const KEY: &[u8] = &[RESERVED];

/// How far a store has come in its partition of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The offset of the next record to fold.
    pub next: u64,
    /// The checksum of the record before it ([`crate::log::Record::checksum`]): tells whether a log is the one that this
    /// state was folded from.
    pub checksum: u64,
}

impl Applied {
    /// `next`, `checksum`, big-endian.
    pub(super) fn encode(self) -> [u8; 16] {
        let mut row = [0; 16];
        row[..8].copy_from_slice(&self.next.to_be_bytes());
        row[8..].copy_from_slice(&self.checksum.to_be_bytes());
        row
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (next, checksum) = row.split_first_chunk()?;
        Some(Self { next: u64::from_be_bytes(*next), checksum: u64::from_be_bytes(checksum.try_into().ok()?) })
    }
}
