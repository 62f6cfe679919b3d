use std::sync::atomic::{AtomicU64, Ordering};

use duolog_topics::{EventId, Millis};

/// Makes ids that no two processes share: a random seed of the process, mixed with a counter.
pub struct Ids {
    seed: u64,
    count: AtomicU64,
}

impl Ids {
    /// Seeds from the operating system.
    pub fn from_system() -> Self {
        // The low 8 bytes of a version 7 UUID are random.
        Self::seeded(uuid::Uuid::now_v7().as_u128() as u64)
    }

    /// For tests that have to repeat.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    pub fn event_id(&self, time: Millis) -> EventId {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.number().to_be_bytes());
        random[8..].copy_from_slice(&(self.count.load(Ordering::Relaxed) as u16).to_be_bytes());
        EventId::new(time, random)
    }

    /// A session's name.
    pub fn session(&self, time: Millis) -> String {
        uuid::Uuid::from_bytes(*self.event_id(time).as_bytes()).simple().to_string()
    }

    /// A number that looks random (SplitMix64 of seed and counter).
    pub fn number(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut mixed = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
