use duolog_topics::{Account, LogId, Millis, PolicyChanged, partition_of};
use serde::{Deserialize, Serialize};

use super::{Key, Row, Table};

/// Milliseconds of a day.
pub const DAY: Millis = 86_400_000;
/// How long a device is remembered (client protocol).
pub const DEVICE_DAYS: u64 = 30;

/// The record times below which rows are absent. They never go back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Horizons {
    pub timeline: Millis,
    pub roaming: Millis,
    pub server_keys: Millis,
    pub client_keys: Millis,
    pub devices: Millis,
}

/// `meta`: () -> what a partition knows of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MetaRow {
    pub log_id: LogId,
    pub generation: u32,
    pub partition: u32,
    pub partitions: u32,
    pub fold_version: u32,
    /// 0: nobody has owned it yet.
    pub epoch: u64,
    pub restored: u32,
    /// Partition time: the highest record time of an applied owner's record.
    pub time: Millis,
    pub horizons: Horizons,
    pub policy: PolicyChanged,
    /// Carried records that were repeats or beyond a gap, and foreign or superseded ones: counted, without effect.
    pub ignored: u64,
    /// The number of the last push to all.
    pub broadcasts: u64,
}

impl Row for MetaRow {
    const TABLE: Table = Table::Meta;
}

impl MetaRow {
    pub fn key() -> Key {
        Key::of(Table::Meta)
    }

    /// Before the first record.
    pub fn empty(partition: u32) -> Self {
        Self {
            log_id: LogId::nil(),
            generation: 0,
            partition,
            partitions: 1,
            fold_version: 0,
            epoch: 0,
            restored: 0,
            time: 0,
            horizons: Horizons::default(),
            policy: PolicyChanged::default(),
            ignored: 0,
            broadcasts: 0,
        }
    }

    /// The partition that is an account's home.
    pub fn home_of(&self, account: &Account) -> u32 {
        partition_of(account.as_bytes(), self.partitions.max(1))
    }

    pub fn is_home_of(&self, account: &Account) -> bool {
        self.home_of(account) == self.partition
    }

    /// Moves partition time, and the horizons with it; neither ever goes back.
    pub fn advance(&mut self, time: Millis) {
        self.time = self.time.max(time);
        let policy = &self.policy;
        let (offline, roaming) = (u64::from(policy.offline_days) * DAY, u64::from(policy.roaming_days) * DAY);
        let now = self.time;
        let raise = |horizon: &mut Millis, age: Millis| *horizon = (*horizon).max(now.saturating_sub(age));
        raise(&mut self.horizons.timeline, offline.max(roaming));
        raise(&mut self.horizons.roaming, roaming);
        raise(&mut self.horizons.server_keys, policy.dedup_seconds * 1000);
        raise(&mut self.horizons.client_keys, policy.dedup_client_seconds * 1000);
        raise(&mut self.horizons.devices, DEVICE_DAYS * DAY);
    }
}
