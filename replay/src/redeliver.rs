use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::config::Config;
use duolog::consumers::callback::{CallbackSettings, Callbacks};
use duolog::consumers::push::{Apns, Fcm, PushService, Services};
use duolog::consumers::{Consumer, Delivery, Joined, Lane, Redelivered, Redelivery, dead_letters, join};
use duolog::domain::rows::Pointer;
use duolog::log::{Log, ReadLimit};
use duolog::telemetry::say;
use duolog_topics::{Account, Envelope, EventKind, Header, Millis};
use tokio::runtime::Runtime;

use crate::data::{Data, wrong};
use crate::place::Place;
use crate::scratch::Scratch;

const LIMIT: ReadLimit = ReadLimit { records: 1_024, bytes: 4 << 20 };

/// Deliver again what a consumer was told, with the same ids: its dead letters, or everything from a place in the log
#[derive(Args)]
pub struct Redeliver {
    #[command(flatten)]
    data: Data,
    /// Which consumer: callback.default or another endpoint's, push.apns, push.fcm
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
        if self.dead_letters {
            self.since()?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let config = self.data.config()?;
        let done = match self.consumer.as_str() {
            Apns::CONSUMER | Fcm::CONSUMER => self.pushes(&runtime, &config)?,
            _ => self.callbacks(&runtime, &config)?,
        };
        for (id, reason) in &done.failed {
            say(format_args!("{id} was not delivered: {reason}"));
        }
        say(format_args!("{} delivered, {} failed", done.delivered, done.failed.len()));
        Ok(if done.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// To an endpoint. A letter holds all that it needs; records are joined with what the fold kept of them.
    fn callbacks(&self, runtime: &Runtime, config: &Config) -> Result<Redelivered> {
        let targets = config.callback_targets()?;
        let named = |name: &str| Callbacks::consumer_name(name) == self.consumer;
        let Some(target) = targets.iter().find(|target| named(&target.name)) else {
            let known = targets.iter().map(|target| Callbacks::consumer_name(&target.name));
            let known: Vec<String> = known.chain([Apns::CONSUMER, Fcm::CONSUMER].map(str::to_owned)).collect();
            let known = known.join(", ");
            return Err(self.wrong_consumer(&format!("the configuration has no such consumer; there are: {known}")));
        };
        let callbacks = Callbacks::new(target, CallbackSettings::new(config)?)?
            .ok_or_else(|| self.wrong_consumer("it is told of nothing after it happened"))?;
        if self.dead_letters {
            return self.letters(runtime, callbacks);
        }
        let log = self.data.log()?;
        let scratch = Scratch::fold(&self.data, log.as_ref(), |partition| self.end(log.as_ref(), partition))?;
        self.records(runtime, callbacks, log.as_ref(), &scratch)
    }

    /// To a push service. Whether a message is still to be announced depends on all that came after it: so the whole log is
    /// folded first, for dead letters too.
    fn pushes(&self, runtime: &Runtime, config: &Config) -> Result<Redelivered> {
        let mut services = Services::new(config)?;
        let is_apns = self.consumer == Apns::CONSUMER;
        let is_on = if is_apns { config.apns.key_file.is_some() } else { config.fcm.service_account_file.is_some() };
        let missing = || self.wrong_consumer("the configuration does not turn it on");
        if !is_on {
            return Err(missing());
        }
        let log = self.data.log()?;
        let scratch = Scratch::fold(&self.data, log.as_ref(), |partition| Ok(log.bounds(partition)?.high_watermark))?;
        if is_apns {
            self.again(runtime, services.apns(scratch.clone()).ok_or_else(missing)?, log.as_ref(), &scratch)
        } else {
            self.again(runtime, services.fcm(scratch.clone()).ok_or_else(missing)?, log.as_ref(), &scratch)
        }
    }

    fn again(&self, runtime: &Runtime, to: impl Consumer, log: &dyn Log, scratch: &Scratch) -> Result<Redelivered> {
        if self.dead_letters { self.letters(runtime, to) } else { self.records(runtime, to, log, scratch) }
    }

    fn letters<C: Consumer>(&self, runtime: &Runtime, consumer: C) -> Result<Redelivered> {
        let log = self.data.dead_letters()?;
        let path = self.data.dir()?.dead_letters();
        let log = log.with_context(|| format!("no dead letters in {}", path.display()))?;
        let mut redelivery = Redelivery::new(consumer);
        dead_letters::read(log.as_ref(), self.since()?, |envelope, letter| {
            if letter.consumer != self.consumer || self.is_other(&envelope.account) {
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

    /// What the records of the range caused: only the fold knows which of them took effect.
    fn records<C: Consumer>(
        &self,
        runtime: &Runtime,
        consumer: C,
        log: &dyn Log,
        scratch: &Scratch,
    ) -> Result<Redelivered> {
        let mut redelivery = Redelivery::new(consumer);
        for partition in 0..log.partitions() {
            let begin = self.from.map_or(Ok(log.bounds(partition)?.first), |place| place.offset(log, partition))?;
            let (first, end) = (scratch.first(partition), self.end(log, partition)?);
            if begin < first {
                say(format_args!(
                    "partition {partition}: records before offset {first} are left out: the log was trimmed"
                ));
            }
            let mut next = begin.max(first);
            while next < end {
                let records = log.read(partition, next, LIMIT)?;
                let Some(last) = records.last() else { break };
                next = last.offset + 1;
                let view = scratch.view(partition);
                for stored in records.iter().filter(|stored| stored.offset < end) {
                    let record = &stored.record;
                    let kind = Header::decode(&record.header).ok().and_then(|header| EventKind::from_name(header.kind));
                    let Some(kind) = kind.filter(|kind| redelivery.consumer().wants(*kind)) else { continue };
                    let at = Pointer { generation: scratch.generation(partition), partition, offset: stored.offset };
                    let Some(kept) = join(&view, at, kind)? else { continue };
                    let (envelope, event) =
                        Envelope::decode(&record.key, record.time, &record.header, &record.payload)?;
                    if !self.is_other(&envelope.account) {
                        let joined = Joined { at, envelope: &envelope, event: &event, kept: &kept };
                        let deliveries = redelivery.consumer().deliveries(&joined);
                        runtime.block_on(redelivery.take(deliveries));
                    }
                }
            }
        }
        Ok(runtime.block_on(redelivery.finish()))
    }

    /// The offset that a partition is read up to.
    fn end(&self, log: &dyn Log, partition: u32) -> Result<u64> {
        let watermark = log.bounds(partition)?.high_watermark;
        self.until.map_or(Ok(watermark), |place| Ok(place.offset(log, partition)?.min(watermark)))
    }

    /// From when on dead letters are wanted.
    fn since(&self) -> Result<Millis> {
        match self.from {
            None => Ok(0),
            Some(Place::Time(time)) => Ok(time),
            Some(Place::Offset(_)) => {
                Err(wrong("--from", "dead letters are chosen by a time, such as 2026-01-31T12:00:00Z"))
            }
        }
    }

    fn wrong_consumer(&self, what: &str) -> anyhow::Error {
        wrong(&format!("--consumer {}", self.consumer), what)
    }

    fn is_other(&self, account: &Account) -> bool {
        self.account.as_ref().is_some_and(|wanted| wanted != account)
    }
}
