use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, TryRecvError};
use duolog_topics::{Authority, EventId, Header, Millis, Stamp};

use tokio::sync::oneshot;

use super::partition::Partition;
use super::peers::Source;
use super::{Engine, EngineError, Inner};
use crate::domain::rows::{
    Direction, Key, KeyRange, MetaRow, OutboxRow, PositionRow, Row, Rows, RowsError, Table, get,
};
use crate::limits;
use crate::log::{LogError, Record};

/// How often a courier looks whether something waits, beside being woken.
const ROUND: Duration = Duration::from_millis(200);

/// How long a report from another node is waited for, there: it comes as soon as what was sent has arrived.
const PATIENCE: Duration = Duration::from_millis(400);
/// What was appended and has not arrived after this long is appended again, if its destination serves; after twice as long
/// the next time. One that stands still gets what it has in its log already, so it must not get it again and again.
const RESEND: Duration = Duration::from_millis(400);

/// Carries what one partition's outbox holds to the other partitions, in order. It keeps no position of its own: it starts
/// at the number that the destination's owner reports, so whatever it does twice is a repeat there, and a hole that it
/// leaves is filled. It appends to the destination's log itself, wherever the owner is; so an owner that is away holds up
/// nothing but the news of what has arrived.
pub(super) struct Courier {
    source: Arc<Partition>,
    engine: Weak<Inner>,
    lanes: Vec<Lane>,
}

/// What is known of one destination.
#[derive(Default)]
struct Lane {
    destination: u32,
    /// The last number that its owner said to have applied; absent before his first word.
    reported: Option<u64>,
    /// Up to which number rows were appended.
    sent: u64,
    /// When the last of them was, or something of it arrived.
    moved: Option<Instant>,
    /// When the owner last said how far it has come.
    heard: Option<Instant>,
    /// How often the same rows were appended again.
    resent: u32,
    /// Up to which number rows were given up for deletion.
    deleted: u64,
    /// A question to the owner that is on its way.
    asked: Option<oneshot::Receiver<Result<u64, EngineError>>>,
    /// An append that is under way.
    append: Option<Append>,
}

/// An append to a destination's log, on a thread of its own: one that stands still holds up no other destination.
struct Append {
    /// The number of its last row.
    last: u64,
    done: Receiver<Result<(), LogError>>,
}

impl Courier {
    pub fn new(source: Arc<Partition>, engine: Weak<Inner>) -> Self {
        let lane = |destination| Lane { destination, ..Lane::default() };
        let lanes = (0..source.log.partitions()).filter(|id| *id != source.id).map(lane).collect();
        Self { source, engine, lanes }
    }

    pub fn run(mut self) {
        let mut lanes = std::mem::take(&mut self.lanes);
        while !self.source.is_stopping() {
            let _ = self.source.outbox.1.recv_timeout(ROUND);
            let Some(engine) = self.engine.upgrade().map(Engine) else { break };
            for lane in &mut lanes {
                if let Err(error) = self.deliver(&engine, lane) {
                    tracing::warn!(source = self.source.id, lane.destination, "courier tries again: {error}");
                    (lane.reported, lane.sent) = (None, 0);
                }
            }
        }
        // Nothing more of this owner comes after it has ended.
        for append in lanes.into_iter().filter_map(|lane| lane.append) {
            let _ = append.done.recv();
        }
    }

    fn deliver(&self, engine: &Engine, lane: &mut Lane) -> Result<(), Box<dyn std::error::Error>> {
        if !lane.has_appended()? {
            return Ok(());
        }
        let meta = self.source.meta();
        self.hear(engine, lane, &meta)?;
        let Some(reported) = lane.reported else { return Ok(()) };
        self.delete(lane, reported)?;
        if lane.sent > reported && lane.is_overdue() {
            lane.sent = reported;
            lane.resent += 1;
        }
        let after = reported.max(lane.sent);
        let given_out = given_out(&self.source.store, lane.destination)?;
        if reported > given_out {
            self.check_cut(lane.destination, reported)?;
        }
        if given_out <= after {
            return Ok(());
        }
        let waiting = waiting(&self.source.store, lane.destination, after)?;
        let Some((last, _)) = waiting.last() else { return Ok(()) };
        let last = *last;
        let time = self.source.clock.now();
        let records = waiting
            .into_iter()
            .map(|(number, row)| {
                let stamp =
                    Stamp { log_id: meta.log_id, generation: meta.generation, partition: self.source.id, number };
                carried(&row, stamp, self.source.ids.event_id(time), time)
            })
            .collect();
        if self.source.has_moved() {
            return Ok(());
        }
        lane.append = Some(Append { last, done: self.append(lane.destination, records)? });
        Ok(())
    }

    /// Begins an append, and wakes the courier when it is done: there may be more than one append's worth.
    fn append(&self, destination: u32, records: Vec<Record>) -> std::io::Result<Receiver<Result<(), LogError>>> {
        let (tell, done) = crossbeam_channel::bounded(1);
        let (log, wake) = (self.source.log.clone(), self.source.outbox.0.clone());
        let append = move || {
            let _ = tell.send(log.append(destination, records).map(drop));
            let _ = wake.try_send(());
        };
        std::thread::Builder::new().name(format!("carry-{}-{destination}", self.source.id)).spawn(append)?;
        Ok(done)
    }

    /// Learns how far the destination has come: at once if it is owned here, else when its owner's answer is there.
    fn hear(&self, engine: &Engine, lane: &mut Lane, meta: &MetaRow) -> Result<(), RowsError> {
        let source = Source::from(meta);
        if let Some(target) = engine.owned(lane.destination) {
            lane.asked = None;
            if target.closed().is_none() {
                lane.learn(target.reported(source)?, Instant::now());
            }
            return Ok(());
        }
        match lane.asked.as_mut().map(oneshot::Receiver::try_recv) {
            None => {}
            Some(Err(oneshot::error::TryRecvError::Empty)) => return Ok(()),
            Some(Ok(Ok(number))) => lane.learn(number, Instant::now()),
            Some(Ok(Err(error))) => {
                tracing::debug!(source = source.partition, lane.destination, "no report: {error}");
            }
            Some(Err(oneshot::error::TryRecvError::Closed)) => {}
        }
        lane.asked = None;
        let news = lane.reported.is_none() || lane.reported.is_some_and(|reported| lane.sent > reported);
        if let (true, Ok(runtime)) = (news, engine.runtime()) {
            let (answer, asked) = oneshot::channel();
            let (engine, destination, awaited) = (engine.clone(), lane.destination, lane.sent);
            let wake = self.source.outbox.0.clone();
            runtime.spawn(async move {
                let number = engine.arrived(destination, source, awaited, PATIENCE).await;
                let is_report = number.is_ok();
                let _ = answer.send(number);
                if is_report {
                    let _ = wake.try_send(());
                }
            });
            lane.asked = Some(asked);
        }
        Ok(())
    }

    /// Gives up rows that have arrived, some at a time.
    fn delete(&self, lane: &mut Lane, reported: u64) -> Result<(), RowsError> {
        if lane.deleted == 0 {
            // An earlier owner has deleted what came before.
            let first = waiting(&self.source.store, lane.destination, 0)?.first().map(|(number, _)| *number);
            lane.deleted = first.map_or(reported, |first| first - 1);
        }
        let last = reported.min(lane.deleted + limits::OUTBOX_DELETED);
        if last > lane.deleted {
            self.source.delivered.lock().push((lane.destination, lane.deleted + 1, last));
            lane.deleted = last;
        }
        Ok(())
    }

    /// A destination knows numbers that this source has not given out. If the source has folded all of its log, its log
    /// was cut.
    fn check_cut(&self, destination: u32, reported: u64) -> Result<(), Box<dyn std::error::Error>> {
        let end = self.source.log.bounds(self.source.id)?.high_watermark;
        let folded = self.source.watermark.load(Ordering::Acquire) >= end;
        if folded && reported > given_out(&self.source.store, destination)? {
            let what = format!("partition {destination} has got number {reported} from it: the log was cut");
            self.source.fail(&what);
        }
        Ok(())
    }
}

impl Lane {
    /// Whether no append is under way.
    ///
    /// # Errors
    /// That of the last one.
    fn has_appended(&mut self) -> Result<bool, LogError> {
        let Some(append) = self.append.take() else { return Ok(true) };
        match append.done.try_recv() {
            Ok(done) => done?,
            Err(TryRecvError::Empty) => {
                self.append = Some(append);
                return Ok(false);
            }
            Err(TryRecvError::Disconnected) => return Err(LogError::Unknown("the append has panicked".to_owned())),
        }
        self.sent = append.last;
        self.moved = Some(Instant::now());
        Ok(true)
    }

    fn learn(&mut self, number: u64, now: Instant) {
        if self.reported != Some(number) {
            self.moved = Some(now);
            self.resent = 0;
        }
        self.reported = Some(number);
        self.heard = Some(now);
    }

    /// Whether the owner has said, long enough after the last append, that nothing of it has arrived.
    fn is_overdue(&self) -> bool {
        let patience = RESEND.saturating_mul(2_u32.saturating_pow(self.resent));
        let overdue =
            |moved: Instant| moved.checked_add(patience).is_some_and(|due| self.heard.is_some_and(|heard| heard > due));
        self.moved.is_some_and(overdue)
    }
}

/// The last number that a source has given out to a destination.
///
/// # Errors
/// If rows cannot be read.
fn given_out(rows: &dyn Rows, destination: u32) -> Result<u64, RowsError> {
    Ok(get::<PositionRow>(rows, PositionRow::given_out(destination).as_slice())?.unwrap_or_default().number)
}

impl Partition {
    /// The last number of a source that was applied here.
    pub(super) fn reported(&self, source: Source) -> Result<u64, RowsError> {
        applied_from(&self.store, source)
    }

    /// The same, as soon as it is at least `number` or the patience is over.
    pub(super) async fn arrived_from(
        &self,
        source: Source,
        number: u64,
        patience: Duration,
    ) -> Result<u64, EngineError> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let committed = self.committed.notified();
            let arrived = self.arrived.lock().get(&source.partition).copied();
            if arrived.is_some_and(|arrived| arrived >= number) {
                return Ok(self.reported(source)?);
            }
            let reported = self.reported(source)?;
            if reported >= number || tokio::time::timeout_at(deadline, committed).await.is_err() {
                return Ok(reported);
            }
        }
    }
}

/// The last number of a source that its destination has applied.
///
/// # Errors
/// If rows cannot be read.
pub fn reported(destination: &dyn Rows, source: &MetaRow) -> Result<u64, RowsError> {
    applied_from(destination, Source::from(source))
}

fn applied_from(destination: &dyn Rows, source: Source) -> Result<u64, RowsError> {
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
    let (mut found, mut bytes) = (Vec::new(), 0);
    let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&end) };
    rows.scan(range, Direction::Forward, &mut |key, value| {
        let row = OutboxRow::number(key).and_then(|number| Ok((number, OutboxRow::decode(value)?)));
        match row {
            Ok(row) => found.push(row),
            Err(error) => return ControlFlow::Break(Err(error)),
        }
        bytes += value.len();
        let is_full = found.len() == limits::COURIER_RECORDS || bytes >= limits::APPEND_BYTES;
        if is_full { ControlFlow::Break(Ok(())) } else { ControlFlow::Continue(()) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rows::{Changes, MapRows};

    #[test]
    fn a_batch_of_large_rows_is_no_larger_than_an_append() {
        let (account, kind) = ("alice".to_owned(), "message.arrived".to_owned());
        let row = OutboxRow { account, time: 1, kind, version: 1, payload: vec![b'x'; limits::APPEND_BYTES / 4] };
        let mut changes = Changes::default();
        (1..=10).for_each(|number| changes.set(OutboxRow::key(1, number), Some(row.encode().into())));
        let mut rows = MapRows::default();
        rows.apply(&changes);
        let numbers =
            |after| -> Vec<u64> { waiting(&rows, 1, after).unwrap().into_iter().map(|(number, _)| number).collect() };
        assert_eq!((numbers(0), numbers(4), numbers(8)), (vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10]));
    }

    #[test]
    fn what_does_not_arrive_is_sent_again_ever_more_rarely() {
        let start = Instant::now();
        let mut lane = Lane::default();
        lane.learn(7, start);
        (lane.sent, lane.moved) = (9, Some(start));
        let mut resent = Vec::new();
        for tenth in 0..600 {
            let now = start + Duration::from_millis(100 * tenth);
            lane.learn(7, now);
            if lane.is_overdue() {
                resent.push(tenth);
                (lane.moved, lane.resent) = (Some(now), lane.resent + 1);
            }
        }
        assert_eq!(resent, [5, 14, 31, 64, 129, 258, 515]);
        lane.learn(8, start + Duration::from_secs(60));
        assert!(!lane.is_overdue());
        lane.learn(8, start + Duration::from_secs(61));
        assert!(lane.is_overdue(), "after news it is as impatient as before");
    }

    #[test]
    fn a_destination_that_says_nothing_gets_nothing_again() {
        let start = Instant::now();
        let mut lane = Lane::default();
        lane.learn(7, start);
        (lane.sent, lane.moved) = (9, Some(start));
        assert!(!lane.is_overdue());
    }
}
