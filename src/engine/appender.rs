use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use duolog_topics::{Account, Authority, CursorsAdvanced, Envelope, Event, EventId, Tick};

use super::EngineError;
use super::partition::{Answering, Committed, Partition, Pending, Request};
use crate::domain::judge::{self, Judged};
use crate::domain::rows::{Changes, Overlay};
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

/// How often it looks whether the fold has come nearer, while too much waits for it.
const POLL: Duration = Duration::from_millis(1);

/// The records of one append, and what waits for them.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    waiting: Vec<(EventId, Pending)>,
    /// Those that nobody waits for, and whose they are.
    unasked: Vec<(EventId, Account)>,
    bytes: usize,
}

/// Decides early and appends: whatever waits becomes one batch, one sync. Runs on a thread of its own until the partition is
/// let go or stops.
pub(super) struct Appender {
    partition: Arc<Partition>,
    requests: Receiver<Request>,
    cursors_written: Instant,
    last_append: Instant,
    /// Without any, with the memory of the rows that were read for the batch before.
    spare: Changes,
}

impl Appender {
    pub fn new(partition: Arc<Partition>, requests: Receiver<Request>) -> Self {
        let now = Instant::now();
        Self { partition, requests, cursors_written: now, last_append: now, spare: Changes::default() }
    }

    pub fn run(mut self) {
        loop {
            let first = self.requests.recv_timeout(CURSOR_INTERVAL).ok();
            self.wait_for_fold();
            if self.partition.appends_no_more() {
                return self.end(first);
            }
            let requests = first.into_iter().chain(self.requests.try_iter()).take(self.partition.log.batch_records());
            let mut batch = self.decide_all(requests.collect());
            // One that has failed folds nothing more, so nothing more is written for it.
            if !self.partition.has_failed() {
                self.add_own_records(&mut batch, CURSOR_INTERVAL);
            }
            if !batch.records.is_empty() {
                self.append(batch);
            }
        }
    }

    /// Takes nothing more while the fold is too far behind: the queue fills, and callers hear "try again".
    fn wait_for_fold(&self) {
        let goes_on = || self.partition.closed().is_none();
        while goes_on() && self.partition.pending.lock().len() >= limits::PENDING_RECORDS {
            std::thread::sleep(POLL);
        }
    }

    /// What others wait for was never appended. What nobody waits for is, while the partition is let go in peace: the fold
    /// still reads it.
    fn end(&mut self, first: Option<Request>) {
        let waiting: Vec<_> = first.into_iter().chain(self.requests.try_iter()).collect();
        waiting.into_iter().for_each(|request| self.turn_away(request));
        while !self.partition.is_stopping() && !self.partition.has_failed() {
            let mut batch = Batch::default();
            self.add_own_records(&mut batch, Duration::ZERO);
            if batch.records.is_empty() || !self.append(batch) {
                return;
            }
        }
    }

    /// Whoever waits hears why; what nobody waits for stays to be done. A tick was only to wake.
    fn turn_away(&self, request: Request) {
        let Request { account, event, answer } = request;
        match answer {
            Some(answer) => {
                let _ = answer.send(Err(self.partition.closed().unwrap_or(EngineError::Stopped)));
            }
            None if matches!(event, Event::Tick(_)) => {}
            None => self.partition.leave_unfinished(account, event),
        }
    }

    /// What the early decision accepts of these becomes a batch; more than one append holds is appended already. Most of what
    /// a decision costs is to read rows, so those of all requests are read together.
    fn decide_all(&mut self, requests: Vec<Request>) -> Batch {
        let partition = self.partition.clone();
        let meta = partition.meta();
        let mut asked = Vec::new();
        for Request { account, event, .. } in &requests {
            judge::asked_for(&meta, account, event, &mut asked);
        }
        let mut rows = Overlay::new(&partition.store).reusing(std::mem::take(&mut self.spare));
        if let Err(error) = rows.read_ahead(asked.into_iter()) {
            partition.fail(&error);
        }
        let mut batch = Batch::default();
        for request in requests {
            if batch.bytes >= limits::APPEND_BYTES {
                self.append(std::mem::take(&mut batch));
            }
            self.take(request, &Mailbox::new(&rows, &meta), &mut batch);
        }
        self.spare = rows.into_changes();
        self.spare.clear();
        batch
    }

    /// What the early decision accepts joins the batch; the rest is answered at once.
    fn take(&self, request: Request, mailbox: &Mailbox<'_>, batch: &mut Batch) {
        if self.partition.closed().is_some() {
            return self.turn_away(request);
        }
        let Request { account, event, answer } = request;
        match self.decide(mailbox, &account, &event) {
            Ok(None) => {
                if matches!(event, Event::SessionOpened(_) | Event::SessionClosed(_) | Event::AppStateSet(_)) {
                    // A login starts from what its account's devices have taken, and push from what they have not.
                    self.add_cursors(Some(&account), batch);
                }
                self.add(account, event, answer, batch);
            }
            Ok(Some(verdict)) => tell(answer, Ok(Committed { verdict, carried: Vec::new() })),
            Err(error) => {
                self.partition.fail(&error);
                tell(answer, Err(error));
            }
        }
    }

    fn decide(&self, mailbox: &Mailbox<'_>, account: &Account, event: &Event) -> Result<Option<Verdict>, EngineError> {
        Ok(match judge::early(mailbox, account, event, self.partition.now())? {
            Judged::Accept => None,
            Judged::Repeat(answer) => Some(Verdict::Repeat(answer)),
            Judged::Refuse(refusal) => Some(Verdict::Refused(refusal)),
        })
    }

    fn add(&self, account: Account, event: Event, answer: Option<Answering>, batch: &mut Batch) {
        let partition = &self.partition;
        let time = partition.now();
        let envelope = Envelope {
            id: partition.ids.event_id(time),
            time,
            account,
            authority: Authority::Epoch(partition.owned_epoch()),
        };
        let record = super::record_of(&envelope, &event);
        batch.bytes += record.size();
        batch.records.push(record);
        if answer.is_none() {
            batch.unasked.push((envelope.id, envelope.account));
        }
        batch.waiting.push((envelope.id, Pending { event, answer }));
    }

    /// What nobody waits for, as much as an append holds: cursors after so long a time, and a tick if nothing was written for
    /// an hour.
    fn add_own_records(&mut self, batch: &mut Batch, cursors_after: Duration) {
        while batch.bytes < limits::APPEND_BYTES
            && let Some((account, event)) = self.partition.unfinished.lock().pop_front()
        {
            self.add(account, event, None, batch);
        }
        // A record holds so many: no account may wait for those before it.
        while batch.bytes < limits::APPEND_BYTES && self.cursors_written.elapsed() >= cursors_after {
            if self.add_cursors(None, batch) < limits::CURSORS_IN_RECORD {
                self.cursors_written = Instant::now();
                break;
            }
        }
        if self.last_append.elapsed() >= TICK_INTERVAL && batch.records.is_empty() {
            self.add(system_account(), Event::Tick(Tick {}), None, batch);
        }
    }

    /// Writes cursors that wait; how many.
    fn add_cursors(&self, account: Option<&Account>, batch: &mut Batch) -> usize {
        let cursors = self.partition.take_cursors(account);
        let count = cursors.len();
        if !cursors.is_empty() {
            self.add(system_account(), Event::CursorsAdvanced(CursorsAdvanced { cursors }), None, batch);
        }
        count
    }

    /// One append; whether it went well. If not, nobody is told success: the fold answers what it reads back.
    fn append(&mut self, batch: Batch) -> bool {
        self.last_append = Instant::now();
        metrics::histogram!("duolog_append_records").record(batch.records.len() as f64);
        let ids: Vec<_> = batch.waiting.iter().map(|(id, _)| *id).collect();
        self.partition.pending.lock().extend(batch.waiting);
        let error = match self.partition.log.append(self.partition.id, batch.records) {
            Ok(_) => {
                // The fold that would answer them may have ended meanwhile.
                if self.partition.is_fenced() {
                    self.partition.give_up_pending();
                }
                return true;
            }
            Err(LogError::Busy(_)) => EngineError::Busy,
            // Whether it was written the fold will see, and whoever asks again gets the first answer. A log that can
            // write no more says so at the next append.
            Err(LogError::Unknown(why)) => {
                tracing::warn!(partition = self.partition.id, "an append may have been written: {why}");
                EngineError::Unknown
            }
            Err(error) => {
                self.partition.fail(&error);
                return false;
            }
        };
        self.take_back(batch.unasked);
        self.answer_all(&ids, &error);
        false
    }

    /// What nobody waits for is appended again: each of these kinds changes nothing more when it comes twice.
    fn take_back(&self, unasked: Vec<(EventId, Account)>) {
        let mut pending = self.partition.pending.lock();
        let events: Vec<_> =
            unasked.into_iter().filter_map(|(id, account)| Some((account, pending.remove(&id)?.event))).collect();
        drop(pending);
        for (account, event) in events {
            match event {
                Event::CursorsAdvanced(advanced) => advanced.cursors.into_iter().for_each(|cursor| {
                    self.partition.advance_cursor(cursor.account, cursor.device, cursor.sequence);
                }),
                event => self.partition.leave_unfinished(account, event),
            }
        }
    }

    fn answer_all(&self, ids: &[EventId], error: &EngineError) {
        let mut pending = self.partition.pending.lock();
        for answer in ids.iter().filter_map(|id| pending.remove(id)?.answer) {
            let _ = answer.send(Err(error.clone()));
        }
    }
}

fn tell(answer: Option<Answering>, what: Result<Committed, EngineError>) {
    if let Some(answer) = answer {
        let _ = answer.send(what);
    }
}

/// The account of records that concern the whole partition.
pub fn system_account() -> Account {
    Account::new(SYSTEM).expect("the system's name is an account name")
}
