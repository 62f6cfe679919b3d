use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duolog_topics::{Authority, EventId, Header, Millis, Stamp};

use super::partition::Partition;
use crate::domain::rows::{
    Direction, Key, KeyRange, MetaRow, OutboxRow, PositionRow, Row, Rows, RowsError, Table, get,
};
use crate::limits;
use crate::log::Record;

/// How often a courier looks whether something waits, beside being woken.
const ROUND: Duration = Duration::from_millis(200);

/// Carries what one partition's outbox holds to the other partitions, in order. It keeps no position of its own: it starts
/// at the number that the destination reports, so whatever it does twice is a repeat there.
pub(super) struct Courier {
    source: Arc<Partition>,
    all: Vec<Arc<Partition>>,
    /// Up to which number rows were appended, by destination; forgotten when a destination falls behind it.
    sent: Vec<u64>,
    /// Up to which number rows were given up for deletion.
    deleted: Vec<u64>,
}

impl Courier {
    pub fn new(source: Arc<Partition>, all: Vec<Arc<Partition>>) -> Self {
        let zeros = vec![0; all.len()];
        Self { source, all, sent: zeros.clone(), deleted: zeros }
    }

    pub fn run(mut self) {
        while !self.source.is_stopping() {
            let woken = self.source.outbox.1.recv_timeout(ROUND).is_ok();
            if !woken {
                // Nothing moved for a round: what was appended and did not arrive is appended again.
                self.sent.fill(0);
            }
            for destination in 0..self.all.len() {
                if destination as u32 != self.source.id
                    && let Err(error) = self.deliver(destination)
                {
                    tracing::warn!(source = self.source.id, destination, "courier tries again: {error}");
                    self.sent[destination] = 0;
                }
            }
        }
    }

    fn deliver(&mut self, destination: usize) -> Result<(), Box<dyn std::error::Error>> {
        let target = self.all[destination].clone();
        let meta = self.source.meta();
        let reported = reported(&target.store, &meta)?;
        if reported > self.deleted[destination] {
            let first = self.deleted[destination] + 1;
            self.source.delivered.lock().push((target.id, first, reported));
            self.deleted[destination] = reported;
        }
        let after = reported.max(self.sent[destination]);
        let waiting = waiting(&self.source.store, target.id, after)?;
        let Some((last, _)) = waiting.last() else { return Ok(()) };
        let last = *last;
        let time = target.clock.now();
        let records = waiting
            .into_iter()
            .map(|(number, row)| {
                let stamp =
                    Stamp { log_id: meta.log_id, generation: meta.generation, partition: self.source.id, number };
                carried(&row, stamp, self.source.ids.event_id(time), time)
            })
            .collect();
        target.log.append(target.id, records)?;
        self.sent[destination] = last;
        // There may be more than one append's worth.
        let _ = self.source.outbox.0.try_send(());
        Ok(())
    }
}

/// The last number of a source that its destination has applied.
///
/// # Errors
/// If rows cannot be read.
pub fn reported(destination: &dyn Rows, source: &MetaRow) -> Result<u64, RowsError> {
    let key = PositionRow::applied_from(&source.log_id, source.generation, source.partition);
    Ok(get::<PositionRow>(destination, key.as_slice())?.unwrap_or_default().number)
}

/// The outbox rows for a destination above a number, in order, at most one append's worth.
///
/// # Errors
/// If rows cannot be read.
pub fn waiting(rows: &dyn Rows, destination: u32, after: u64) -> Result<Vec<(u64, OutboxRow)>, RowsError> {
    use std::ops::{Bound, ControlFlow};
    let from = OutboxRow::key(destination, after.saturating_add(1)).into_bytes();
    let end = Key::of(Table::Outbox).u32(destination).end_of_prefix();
    let mut found = Vec::new();
    let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&end) };
    rows.scan(range, Direction::Forward, &mut |key, value| {
        let row = OutboxRow::number(key).and_then(|number| Ok((number, OutboxRow::decode(value)?)));
        match row {
            Ok(row) => found.push(row),
            Err(error) => return ControlFlow::Break(Err(error)),
        }
        if found.len() == limits::COURIER_RECORDS { ControlFlow::Break(Ok(())) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// The record that a courier appends for an outbox row.
pub fn carried(row: &OutboxRow, stamp: Stamp, id: EventId, time: Millis) -> Record {
    let authority = Authority::Stamp(stamp);
    let header = Header { kind: &row.kind, version: row.version, id, authority };
    Record {
        key: Bytes::copy_from_slice(row.account.as_bytes()),
        time,
        header: header.encode().into(),
        payload: Bytes::copy_from_slice(&row.payload),
    }
}
