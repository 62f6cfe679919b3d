use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use duolog::consumers::callback::{CallbackSettings, Callbacks};
use duolog::consumers::{Consumer as _, Delivery, Joined, Lane, Redelivered, Redelivery, dead_letters, join};
use duolog::domain::fold::Fold;
use duolog::domain::rows::{Pointer, RowsError};
use duolog::domain::verdict::Folded;
use duolog::rebuild::{Decoded, Span, StoreTarget, Watch, fold_log};
use duolog::store::{KeepAll, Shared, SharedSizes, Store};
use duolog_topics::Account;
use tokio::runtime::Runtime;

use crate::data::{Data, Progress};
use crate::place::Place;
use crate::rebuild::put_base;

/// Deliver again what a consumer was told, with the same ids: its dead letters, or everything from a place in the log
#[derive(Args)]
pub struct Redeliver {
    #[command(flatten)]
    data: Data,
    /// Which consumer, such as callback.default
    #[arg(long, value_name = "NAME")]
    consumer: String,
    /// What it gave up, from `--from` on
    #[arg(long)]
    dead_letters: bool,
    /// The first record: an offset or a time; of dead letters: when they were given up, a time
    #[arg(long, value_name = "OFFSET|TIME", required_unless_present = "dead_letters")]
    from: Option<Place>,
    /// The record to stop before: an offset or a time
    #[arg(long, value_name = "OFFSET|TIME", conflicts_with = "dead_letters")]
    until: Option<Place>,
    /// Only what this account's records caused
    #[arg(long)]
    account: Option<Account>,
}

impl Redeliver {
    /// Positions stay as they are, and so do dead letters: whoever is told twice knows it by the id.
    pub fn run(self) -> Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = if self.dead_letters { self.letters(&runtime)? } else { self.records(&runtime)? };
        for (id, reason) in &done.failed {
            eprintln!("{id} was not delivered: {reason}");
        }
        eprintln!("{} delivered, {} failed", done.delivered, done.failed.len());
        Ok(if done.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn callbacks(&self) -> Result<Callbacks> {
        let config = self.data.config()?;
        let settings = CallbackSettings::new(&config)?;
        let targets = config.callback_targets()?;
        let named = |name: &str| Callbacks::consumer_name(name) == self.consumer;
        let Some(target) = targets.iter().find(|target| named(&target.name)) else {
            let known: Vec<String> = targets.iter().map(|target| Callbacks::consumer_name(&target.name)).collect();
            bail!("the configuration has no consumer {:?}; there are: {}", self.consumer, known.join(", "));
        };
        Callbacks::new(target, settings)?
            .ok_or_else(|| anyhow!("{} is told of nothing after it happened", self.consumer))
    }

    fn letters(&self, runtime: &Runtime) -> Result<Redelivered> {
        let log = self.data.dead_letters()?;
        let path = self.data.dir()?.dead_letters();
        let log = log.with_context(|| format!("no dead letters in {}", path.display()))?;
        let since = match self.from {
            None => 0,
            Some(Place::Time(time)) => time,
            Some(Place::Offset(_)) => bail!("dead letters are chosen by a time: --from 2026-01-31T12:00:00Z"),
        };
        let mut redelivery = Redelivery::new(self.callbacks()?);
        dead_letters::read(log.as_ref(), since, |envelope, letter| {
            if letter.consumer != self.consumer || self.account.as_ref().is_some_and(|one| *one != envelope.account) {
                return Ok::<_, anyhow::Error>(());
            }
            let payload = letter.payload.decode().with_context(|| format!("the letter of {}", letter.delivery))?;
            let at = Pointer { generation: letter.generation, partition: letter.partition, offset: letter.offset };
            let lane = Lane::of([&envelope.account]);
            let delivery =
                Delivery { id: letter.delivery, account: envelope.account, at, time: envelope.time, lane, payload };
            runtime.block_on(redelivery.take(vec![delivery]));
            Ok(())
        })?;
        Ok(runtime.block_on(redelivery.finish()))
    }

    /// Folds the log in a scratch store up to the end of the range: only the fold knows what took effect.
    fn records(&self, runtime: &Runtime) -> Result<Redelivered> {
        let (dir, log) = (self.data.dir()?, self.data.log()?);
        let scratch = tempfile::tempdir().context("a folder for the fold cannot be made")?;
        let mut watch = Again { runtime, redelivery: Redelivery::new(self.callbacks()?), wanted: self, begin: 0 };
        for partition in 0..log.partitions() {
            let bounds = log.bounds(partition)?;
            let place = |place: Place| place.offset(log.as_ref(), partition);
            watch.begin = self.from.map_or(Ok(bounds.first), place)?;
            let end = self.until.map_or(Ok(bounds.high_watermark), place)?;
            let path = scratch.path().join(partition.to_string());
            let from = put_base(&dir, log.as_ref(), partition, &path)?;
            if watch.begin < from {
                eprintln!("partition {partition}: records before offset {from} are left out: the log was trimmed");
            }
            let store = Store::open(&path, &Shared::new(SharedSizes::default())?, Arc::new(KeepAll))?;
            let _progress = Progress::new("folding", from, end);
            fold_log(log.as_ref(), Span { partition, from, end }, &mut StoreTarget::new(store), &mut watch)?;
        }
        Ok(runtime.block_on(watch.redelivery.finish()))
    }
}

/// Delivers what the records of the range caused, as the fold passes them.
struct Again<'a> {
    runtime: &'a Runtime,
    redelivery: Redelivery<Callbacks>,
    wanted: &'a Redeliver,
    begin: u64,
}

impl Watch for Again<'_> {
    fn record(&mut self, record: &Decoded, folded: &Folded, fold: &Fold<'_>) -> Result<(), RowsError> {
        let (kind, consumer) = (record.event.kind(), self.redelivery.consumer());
        let account = &record.envelope.account;
        let other = self.wanted.account.as_ref().is_some_and(|wanted| wanted != account);
        if record.offset < self.begin || other || !consumer.wants(kind) {
            return Ok(());
        }
        if let Some(kept) = join(fold.mailbox().rows, folded.at, kind)? {
            let joined = Joined { at: folded.at, envelope: &record.envelope, event: &record.event, kept: &kept };
            let deliveries = consumer.deliveries(&joined);
            self.runtime.block_on(self.redelivery.take(deliveries));
        }
        Ok(())
    }
}
