use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, watch};

use super::receiver::{Receiver, delay};
use super::{Attempt, Consumer, DeadLetters, Delivery};
use crate::clock::Clock;
use crate::engine::Ids;

/// A delivery that has failed so often, while others got through, may not stop a whole partition.
const ALONE_TRIES: u32 = 12;
/// How long to wait before a dead letter is written again that could not be.
const LETTER_DELAY: Duration = Duration::from_secs(1);

/// What the runners of one consumer share, over all partitions.
pub struct Shared<C> {
    pub consumer: C,
    pub letters: DeadLetters,
    pub receiver: Receiver,
    pub permits: Semaphore,
    pub clock: Clock,
    pub ids: Arc<Ids>,
}

/// Whether a batch is done with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finished {
    Delivered,
    GivenUp,
    /// The runner stops: it is not done, and comes again.
    Stopped,
}

/// One try. A consumer that panics has failed, and takes nothing else with it.
pub async fn attempt<C: Consumer>(consumer: &C, batch: &[Arc<Delivery<C::Payload>>]) -> Attempt {
    let attempt = AssertUnwindSafe(consumer.deliver(batch)).catch_unwind().await;
    attempt.unwrap_or_else(|_| Attempt::Retry { reason: "the consumer panicked".to_owned(), after: None })
}

impl<C: Consumer> Shared<C> {
    /// Tries a batch until it is delivered or given up, or the runner stops. `full`: the window has no room, so what fails
    /// alone gives way.
    pub async fn deliver(
        &self,
        batch: &[Arc<Delivery<C::Payload>>],
        full: &AtomicBool,
        mut stop: watch::Receiver<bool>,
    ) -> Finished {
        let mut tries = 0;
        loop {
            let attempt = {
                let Ok(_permit) = self.permits.acquire().await else { return Finished::Stopped };
                if *stop.borrow() {
                    return Finished::Stopped;
                }
                self.attempt(batch).await
            };
            tries += 1;
            let (reason, after) = match attempt {
                Attempt::Done => return Finished::Delivered,
                Attempt::GiveUp { reason } => return self.give_up(batch, &reason, tries, stop).await,
                Attempt::Retry { reason, after } => (reason, after),
            };
            if self.is_hopeless(batch, tries, full) {
                return self.give_up(batch, &reason, tries, stop).await;
            }
            tracing::debug!(consumer = self.consumer.name(), id = batch[0].id, tries, "try again: {reason}");
            tokio::select! {
                () = self.receiver.wait(delay(tries, after, self.ids.number()), after) => {}
                _ = stop.wait_for(|stop| *stop) => return Finished::Stopped,
            }
        }
    }

    /// One try, counted.
    async fn attempt(&self, batch: &[Arc<Delivery<C::Payload>>]) -> Attempt {
        let began = Instant::now();
        let attempt = attempt(&self.consumer, batch).await;
        let name = || self.consumer.name().to_owned();
        metrics::histogram!("duolog_consumer_try_seconds", "consumer" => name()).record(began.elapsed().as_secs_f64());
        let result = match &attempt {
            Attempt::Done => "done",
            Attempt::Retry { .. } => "retry",
            Attempt::GiveUp { .. } => "give_up",
        };
        metrics::counter!("duolog_consumer_tries_total", "consumer" => name(), "result" => result).increment(1);
        match &attempt {
            Attempt::Done => self.receiver.succeeded(),
            Attempt::Retry { .. } => self.receiver.failed(),
            Attempt::GiveUp { .. } => {}
        }
        attempt
    }

    /// Too old, or failing alone for long while the partition waits for it.
    fn is_hopeless(&self, batch: &[Arc<Delivery<C::Payload>>], tries: u32, full: &AtomicBool) -> bool {
        let oldest = batch.iter().map(|delivery| delivery.time).min().unwrap_or_default();
        let age = Duration::from_millis(self.clock.now().saturating_sub(oldest));
        let alone = tries >= ALONE_TRIES && !self.receiver.is_out() && full.load(Ordering::Relaxed);
        age > self.consumer.settings().give_up || alone
    }

    /// Writes a batch to the dead letters: it is not done with before that is durable.
    async fn give_up(
        &self,
        batch: &[Arc<Delivery<C::Payload>>],
        reason: &str,
        tries: u32,
        mut stop: watch::Receiver<bool>,
    ) -> Finished {
        for delivery in batch {
            while let Err(error) = self.letter(delivery.clone(), reason.to_owned(), tries).await {
                tracing::error!(consumer = self.consumer.name(), "a dead letter cannot be written: {error}");
                tokio::select! {
                    () = tokio::time::sleep(LETTER_DELAY) => {}
                    _ = stop.wait_for(|stop| *stop) => return Finished::Stopped,
                }
            }
            let name = self.consumer.name().to_owned();
            tracing::warn!(consumer = name, id = delivery.id, tries, "given up: {reason}");
            metrics::counter!("duolog_consumer_dead_letters_total", "consumer" => name).increment(1);
        }
        Finished::GivenUp
    }

    async fn letter(&self, delivery: Arc<Delivery<C::Payload>>, reason: String, tries: u32) -> Result<(), String> {
        let (letters, name, now) = (self.letters.clone(), self.consumer.name().to_owned(), self.clock.now());
        let written = tokio::task::spawn_blocking(move || letters.append(&name, &delivery, &reason, tries, now)).await;
        written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}
