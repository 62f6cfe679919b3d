use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use duolog::domain::dump::meta_of;
use duolog::domain::rows::{
    Asked, BroadcastRow, Change, Changes, ConsumerRow, ConversationRow, Direction, HistoryEntries, HistoryRow,
    Horizons, Key, KeyRange, KeyReader, MessageRow, MetaRow, Pointer, Row as _, Rows, RowsError, Table, TimelineEntry,
    TimelineRow,
};
use duolog::store::checkpoint::Origin;
use duolog::store::{Applied, KeepAll, Shared, SharedSizes, Store, View};
use duolog_topics::{Account, partition_of};

use super::target::Target;
use crate::data::Progress;
use crate::owner::Old;

/// Rows that are written at a time.
const BATCH: usize = 10_000;

/// The new states, one a partition; they hold nothing but what was moved.
pub struct New {
    pub homes: Vec<Home>,
}

/// A partition of the new log.
pub struct Home {
    pub store: Store,
    pub meta: MetaRow,
    /// The place after the log's first record.
    pub applied: Applied,
}

impl Home {
    pub fn origin(&self) -> Origin {
        let MetaRow { log_id, generation, partition, epoch, .. } = self.meta;
        Origin { log_id: log_id.to_string(), generation, partition, epoch }
    }
}

impl New {
    /// Writes each row of the old states into its account's new home. Cost: about a copy of the states.
    pub fn split(old: &Old, target: &Target) -> Result<Self> {
        let shared = Shared::new(SharedSizes::default())?;
        let meta = meta_after(&old.stores)?;
        let mut homes = Vec::new();
        for (partition, applied) in (0..).zip(target.opened()) {
            let store = Store::open(&target.scratch(partition), &shared, Arc::new(KeepAll))?;
            let meta = MetaRow { partition, partitions: target.partitions(), ..meta.clone() };
            homes.push(Home { store, meta, applied: *applied });
        }
        let new = Self { homes };
        let mut writer = Writer { new: &new, changes: vec![Changes::default(); new.homes.len()] };
        for store in &old.stores {
            writer.take(&store.view())?;
        }
        writer.add_partitions_own(&old.stores)?;
        writer.write_all()?;
        for home in &new.homes {
            home.store.flush()?;
        }
        Ok(new)
    }

    pub fn home_of(&self, account: &Account) -> usize {
        partition_of(account.as_bytes(), self.homes.len() as u32) as usize
    }
}

/// What the new partitions know of themselves, but for their numbers. Time and horizons are the latest of all: neither
/// may go back for anybody.
pub fn meta_after(stores: &[Store]) -> Result<MetaRow> {
    let metas = stores.iter().map(|store| meta_of(store)).collect::<Result<Vec<_>, _>>()?;
    let mut after = metas.first().cloned().context("the log has no partition")?;
    for meta in &metas {
        after.time = after.time.max(meta.time);
        after.epoch = after.epoch.max(meta.epoch);
        after.horizons = latest(after.horizons, meta.horizons);
    }
    // So no session of the old log is open in the new one, and its checkpoints are newer than all before.
    after.epoch += 1;
    after.generation += 1;
    after.ignored = 0;
    Ok(after)
}

fn latest(one: Horizons, other: Horizons) -> Horizons {
    Horizons {
        timeline: one.timeline.max(other.timeline),
        roaming: one.roaming.max(other.roaming),
        server_keys: one.server_keys.max(other.server_keys),
        client_keys: one.client_keys.max(other.client_keys),
        devices: one.devices.max(other.devices),
    }
}

struct Writer<'a> {
    new: &'a New,
    /// What was not written yet, by home.
    changes: Vec<Changes>,
}

impl Writer<'_> {
    /// Takes all rows of an old state that belong to accounts, and the pushes to all.
    fn take(&mut self, rows: &View) -> Result<()> {
        let progress = Progress::rows("splitting");
        let mut failed = None;
        for table in Table::ALL {
            let prefix = Key::of(*table);
            let end = prefix.end_of_prefix();
            let range =
                KeyRange { from: std::ops::Bound::Included(prefix.as_slice()), until: std::ops::Bound::Excluded(&end) };
            rows.scan(range, Direction::Forward, &mut |key, value| {
                progress.more(1);
                match self.row(rows, *table, key, value) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(Ok(()))
                    }
                }
            })?;
        }
        failed.map_or(Ok(()), Err)
    }

    fn row(&mut self, rows: &View, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        match table {
            // Bodies go with the rows that point at them; the rest is about the old log.
            Table::Meta | Table::Message | Table::Outcome | Table::Outbox | Table::Position | Table::Consumer => Ok(()),
            Table::Broadcast => self.broadcast(rows, key, value),
            _ => {
                let account = KeyReader::new(key, table).and_then(|mut reader| reader.account())?;
                let home = self.new.home_of(&account);
                for pointer in bodies_of(table, key, value)? {
                    self.body(rows, home, pointer)?;
                }
                self.put(home, Key::from(key), Bytes::copy_from_slice(value))
            }
        }
    }

    /// Every home has every push to all, under the same number; whom of those with an open session it was given to is
    /// over: they are closed.
    fn broadcast(&mut self, rows: &View, key: &[u8], value: &[u8]) -> Result<()> {
        let row = BroadcastRow { asked: Asked::Everybody, ..BroadcastRow::decode(value)? };
        for home in 0..self.new.homes.len() {
            self.body(rows, home, row.pointer)?;
            self.put(home, Key::from(key), row.encode())?;
        }
        Ok(())
    }

    /// Copies a body, if it is still there. Two homes that become one may both have it, since an earlier move; of one that
    /// was emptied there is no other.
    fn body(&mut self, rows: &View, home: usize, pointer: Pointer) -> Result<()> {
        let key = MessageRow::key(pointer);
        let Some(value) = rows.get(key.as_slice())? else { return Ok(()) };
        let there = match self.changes[home].get(key.as_slice()) {
            Some(change) => change.as_ref().map(duolog::domain::rows::Cell::bytes),
            None if pointer.generation + 1 < self.new.homes[home].meta.generation => {
                self.new.homes[home].store.get(key.as_slice())?
            }
            None => None,
        };
        if there.is_some_and(|there| there.len() <= value.len()) {
            return Ok(());
        }
        self.put(home, key, value)
    }

    /// Of each new partition: its own row, and where its consumers begin.
    fn add_partitions_own(&mut self, stores: &[Store]) -> Result<()> {
        let mut consumers: BTreeMap<String, bool> = BTreeMap::new();
        for store in stores {
            for (name, row) in duolog::engine::consumers(store)? {
                *consumers.entry(name).or_default() |= row.position.is_some();
            }
        }
        for home in 0..self.new.homes.len() {
            let Home { meta, applied, .. } = &self.new.homes[home];
            let next = applied.next;
            self.put(home, MetaRow::key(), meta.encode())?;
            for (name, on) in &consumers {
                let row = ConsumerRow { position: on.then_some(next), waiting: Vec::new() };
                self.put(home, ConsumerRow::key(name), row.encode())?;
            }
        }
        Ok(())
    }

    fn put(&mut self, home: usize, key: Key, value: Bytes) -> Result<()> {
        self.changes[home].set(key, Some(value.into()));
        if self.changes[home].len() >= BATCH { self.write(home) } else { Ok(()) }
    }

    fn write(&mut self, home: usize) -> Result<()> {
        let Home { store, applied, .. } = &self.new.homes[home];
        Ok(store.writer().commit(&mut self.changes[home], *applied)?)
    }

    fn write_all(&mut self) -> Result<()> {
        (0..self.changes.len()).try_for_each(|home| self.write(home))
    }
}

/// The records whose rows hold the bodies that a row shows.
pub fn bodies_of(table: Table, key: &[u8], value: &[u8]) -> Result<Vec<Pointer>, RowsError> {
    let in_history = |entries: &HistoryEntries| {
        entries.iter().map(|entry| entry.map(|(_, entry)| entry.pointer)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match table {
        Table::History => in_history(&HistoryRow::read(key, value)?.1.entries)?,
        Table::Conversation => in_history(&ConversationRow::decode(value)?.newest)?,
        Table::Timeline => match TimelineRow::decode(value)?.entry {
            TimelineEntry::Message { pointer, .. } | TimelineEntry::Change(Change::Modify { pointer, .. }) => {
                vec![pointer]
            }
            TimelineEntry::Change(_) => Vec::new(),
        },
        _ => Vec::new(),
    })
}
