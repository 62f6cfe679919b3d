//! M9: a device that was away takes 10,000 messages, against a loop that reads the same rows from RocksDB.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use duolog::domain::rows::{MessageRow, MetaRow, Row, TimelineEntry, TimelineRow, get};
use duolog::domain::view::Mailbox;
use duolog::log::Log;
use duolog_topics::Account;
use rocksdb::{DB, ReadOptions};

use crate::folding::Folding;
use crate::history::{self, Writer};
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{raw, scratch, stored};

const WAITING: u64 = 10_000;
/// Others write to somebody else after each message to him: his are not neighbours on disk.
const BETWEEN: u64 = 3;
/// Entries that the client protocol hands out at once.
const PAGE: usize = 200;
const ROUNDS: usize = 7;

pub fn measure(report: &mut Report) -> Result<()> {
    for &stored in stored() {
        let folder = scratch()?;
        let receiver = Account::new("user00000000")?;
        let mut log = Writer::new(&folder.path().join("log"), history::now() - 1_000_000)?;
        log.messages(0..stored)?;
        for number in (0..WAITING).map(|waiting| stored + waiting * (BETWEEN + 1)) {
            log.message(number, &history::person(1 + number % 15), history::message_to(receiver.clone(), number))?;
            log.messages(number + 1..number + 1 + BETWEEN)?;
        }
        let log = log.finish()?;
        let mut folding = Folding::new(&folder.path().join("state"))?;
        folding.catch_up(&log, 0..log.bounds(0)?.high_watermark)?;
        folding.store.flush()?;
        let raw = raw::open_read_only(folding.store.path())?;
        let keys = message_keys(&raw, &receiver)?;
        let (mut pages, mut loops) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            pages.push(paged(&folding, &receiver)?);
            loops.push(looped(&raw, &receiver, &keys)?);
        }
        let (pages, loops) = (Spread::new(pages), Spread::new(loops));
        report.add(Figure {
            name: "M9",
            what: format!("offline catch-up of one device, messages in pages of {PAGE}, {stored} stored"),
            measured: pages.to_string(),
            against: format!("the same timeline rows iterated, each with its message row, undecoded: {loops}"),
            ratio: pages.median() / loops.median(),
            goal: Goal::Share { goal: 0.4, at_least: 0.2 },
        });
    }
    Ok(())
}

/// Entries a second, read as a session reads them.
fn paged(folding: &Folding, receiver: &Account) -> Result<f64> {
    let start = Instant::now();
    let (mut cursor, mut entries, mut more) = (0, 0, true);
    while more {
        let view = folding.store.view();
        let meta: MetaRow = get(&view, MetaRow::key().as_slice())?.context("a state that was folded")?;
        let page = Mailbox::new(&view, &meta).timeline(receiver, cursor, PAGE)?;
        (cursor, more) = (page.cursor, page.more);
        entries += std::hint::black_box(page.list).len();
    }
    ensure!(entries as u64 >= WAITING, "only {entries} messages waited");
    Ok(entries as f64 / start.elapsed().as_secs_f64())
}

/// The keys of the messages in a timeline, in its order.
fn message_keys(db: &DB, receiver: &Account) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    iterate(db, receiver, |value| {
        if let TimelineEntry::Message { pointer, .. } = TimelineRow::decode(value)?.entry {
            keys.push(MessageRow::key(pointer).as_slice().to_vec());
        }
        Ok(())
    })?;
    Ok(keys)
}

/// Messages a second, nothing decoded.
fn looped(db: &DB, receiver: &Account, keys: &[Vec<u8>]) -> Result<f64> {
    let start = Instant::now();
    let (mut keys_left, mut bytes) = (keys.iter(), 0);
    iterate(db, receiver, |value| {
        bytes += value.len();
        let message = keys_left.next().map(|key| db.get_pinned(key)).transpose()?.flatten();
        bytes += message.context("a message that its timeline points at")?.len();
        Ok(())
    })?;
    std::hint::black_box(bytes);
    Ok(keys.len() as f64 / start.elapsed().as_secs_f64())
}

fn iterate(db: &DB, receiver: &Account, mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(TimelineRow::key(receiver, u64::MAX).as_slice());
    let mut rows = db.raw_iterator_opt(options);
    rows.seek(TimelineRow::key(receiver, 0).as_slice());
    while let Some(value) = rows.value() {
        visit(value)?;
        rows.next();
    }
    Ok(rows.status()?)
}
