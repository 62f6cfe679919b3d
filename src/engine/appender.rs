use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use duolog_topics::{Account, Authority, CursorsAdvanced, Envelope, Event, EventId, Tick};

use super::EngineError;
use super::partition::{Answering, Committed, Partition, Pending, Request};
use crate::domain::judge::{self, Judged};
use crate::domain::verdict::Verdict;
use crate::domain::view::Mailbox;
use crate::limits;
use crate::log::{LogError, Record};

/// Cursors are written at most this often.
const CURSOR_INTERVAL: Duration = Duration::from_secs(1);
/// Time passes on an idle partition.
const TICK_INTERVAL: Duration = Duration::from_secs(3_600);
/// The account that a partition's own records stand under.
const SYSTEM: &str = "@duolog";

/// The records of one append, and what waits for them.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    waiting: Vec<(EventId, Pending)>,
    bytes: usize,
}

/// Decides early and appends: whatever waits becomes one batch, one sync. Runs on a thread of its own until the callers are gone.
pub(super) struct Appender {
    partition: Arc<Partition>,
    requests: Receiver<Request>,
    cursors_written: Instant,
    last_append: Instant,
}

impl Appender {
    pub fn new(partition: Arc<Partition>, requests: Receiver<Request>) -> Self {
        let now = Instant::now();
        Self { partition, requests, cursors_written: now, last_append: now }
    }

    pub fn run(mut self) {
        loop {
            let mut batch = Batch::default();
            match self.requests.recv_timeout(CURSOR_INTERVAL) {
                Ok(last) if self.partition.appends_no_more() => return self.refuse(last),
                Ok(first) => self.take(first, &mut batch),
                Err(RecvTimeoutError::Timeout) if self.partition.appends_no_more() => return,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while batch.records.len() < self.partition.log.batch_records()
                && batch.bytes < limits::APPEND_BYTES
                && let Ok(request) = self.requests.try_recv()
            {
                self.take(request, &mut batch);
            }
            self.add_own_records(&mut batch);
            self.append(batch);
        }
    }

    /// What waits when the partition stops was never appended.
    fn refuse(&self, first: Request) {
        for request in std::iter::once(first).chain(self.requests.try_iter()) {
            let _ = request.answer.send(Err(self.partition.closed().unwrap_or(EngineError::Stopped)));
        }
    }

    /// What the early decision accepts joins the batch; the rest is answered at once.
    fn take(&mut self, request: Request, batch: &mut Batch) {
        let Request { account, event, answer } = request;
        if let Some(closed) = self.partition.closed() {
            let _ = answer.send(Err(closed));
            return;
        }
        match self.decide(&account, &event) {
            Ok(None) => {
                if matches!(event, Event::SessionOpened(_) | Event::SessionClosed(_) | Event::AppStateSet(_)) {
                    // A login starts from what its account's devices have taken, and push from what they have not.
                    self.add_cursors(Some(&account), batch);
                }
                self.add(account, event, Some(answer), batch);
            }
            Ok(Some(verdict)) => {
                let _ = answer.send(Ok(Committed { verdict, carried: Vec::new() }));
            }
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    }

    fn decide(&self, account: &Account, event: &Event) -> Result<Option<Verdict>, EngineError> {
        if !matches!(event, Event::MessageSent(_)) {
            return Ok(None);
        }
        let meta = self.partition.meta();
        let mailbox = Mailbox::new(&self.partition.store, &meta);
        Ok(match judge::early(&mailbox, account, event, self.partition.clock.now())? {
            Judged::Accept => None,
            Judged::Repeat(answer) => Some(Verdict::Repeat(answer)),
            Judged::Refuse(refusal) => Some(Verdict::Refused(refusal)),
        })
    }

    fn add(&self, account: Account, event: Event, answer: Option<Answering>, batch: &mut Batch) {
        let partition = &self.partition;
        let time = partition.clock.now();
        let envelope = Envelope {
            id: partition.ids.event_id(time),
            time,
            account,
            authority: Authority::Epoch(partition.owned_epoch()),
        };
        let record = super::record_of(&envelope, &event);
        batch.bytes += record.size();
        batch.records.push(record);
        batch.waiting.push((envelope.id, Pending { event, answer }));
    }

    /// Cursors that have waited long enough, and a tick if nothing was written for an hour.
    fn add_own_records(&mut self, batch: &mut Batch) {
        for (account, event) in std::mem::take(&mut *self.partition.unfinished.lock()) {
            self.add(account, event, None, batch);
        }
        if self.cursors_written.elapsed() >= CURSOR_INTERVAL {
            // A record holds so many: no account may wait for those before it.
            while self.add_cursors(None, batch) == limits::CURSORS_IN_RECORD {}
        }
        if self.last_append.elapsed() >= TICK_INTERVAL && batch.records.is_empty() {
            self.add(system_account(), Event::Tick(Tick {}), None, batch);
        }
    }

    /// Writes cursors that wait; how many.
    fn add_cursors(&mut self, account: Option<&Account>, batch: &mut Batch) -> usize {
        let cursors = self.partition.take_cursors(account);
        let count = cursors.len();
        if !cursors.is_empty() {
            self.cursors_written = Instant::now();
            self.add(system_account(), Event::CursorsAdvanced(CursorsAdvanced { cursors }), None, batch);
        }
        count
    }

    /// One append. If it fails nobody is told success: the fold answers what it reads back.
    fn append(&mut self, batch: Batch) {
        if batch.records.is_empty() {
            return;
        }
        self.last_append = Instant::now();
        metrics::histogram!("duolog_append_records").record(batch.records.len() as f64);
        let ids: Vec<_> = batch.waiting.iter().map(|(id, _)| *id).collect();
        self.partition.pending.lock().extend(batch.waiting);
        match self.partition.log.append(self.partition.id, batch.records) {
            Ok(_) => {}
            Err(LogError::Busy(_)) => self.answer_all(&ids, &EngineError::Busy),
            // Whether it was written the fold will see, and whoever asks again gets the first answer. A log that can
            // write no more says so at the next append.
            Err(LogError::Unknown(why)) => {
                tracing::warn!(partition = self.partition.id, "an append may have been written: {why}");
                self.answer_all(&ids, &EngineError::Unknown);
            }
            Err(error) => self.partition.fail(&error),
        }
    }

    fn answer_all(&self, ids: &[EventId], error: &EngineError) {
        let mut pending = self.partition.pending.lock();
        for answer in ids.iter().filter_map(|id| pending.remove(id)?.answer) {
            let _ = answer.send(Err(error.clone()));
        }
    }
}

/// The account of records that concern the whole partition.
pub fn system_account() -> Account {
    Account::new(SYSTEM).expect("the system's name is an account name")
}
