use std::sync::Arc;

use tokio::task::JoinSet;

use super::lane::attempt;
use super::receiver::delay;
use super::window::Window;
use super::{Attempt, Consumer, Delivery, Lane};
use crate::engine::Ids;

/// So often each delivery is tried: an operator waits, and may ask again.
const TRIES: u32 = 5;

type Lanes<P> = JoinSet<(Lane, Vec<Arc<Delivery<P>>>, Result<(), String>)>;

/// Deliveries made again because an operator asks for it: in the order of their lanes and in parallel, like those of a
/// runner, and without positions or dead letters. Ids are those of the first time, so a receiver can tell repeats.
pub struct Redelivery<C: Consumer> {
    consumer: Arc<C>,
    window: Window<C::Payload>,
    lanes: Lanes<C::Payload>,
    ids: Arc<Ids>,
    taken: u64,
    result: Redelivered,
}

/// What became of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Redelivered {
    pub delivered: u64,
    /// The id, and why the last try failed.
    pub failed: Vec<(String, String)>,
}

impl<C: Consumer> Redelivery<C> {
    pub fn new(consumer: C) -> Self {
        Self {
            consumer: Arc::new(consumer),
            window: Window::new(0),
            lanes: JoinSet::new(),
            ids: Arc::new(Ids::from_system()),
            taken: 0,
            result: Redelivered::default(),
        }
    }

    pub fn consumer(&self) -> &C {
        &self.consumer
    }

    /// Takes further deliveries, and waits while there are too many.
    pub async fn take(&mut self, deliveries: Vec<Delivery<C::Payload>>) {
        for mut delivery in deliveries {
            // The window knows records by their offsets; here each delivery is one.
            delivery.at.offset = self.taken;
            self.window.add(self.taken, 0, vec![delivery]);
            self.taken += 1;
            self.window.read_until(self.taken);
        }
        self.start_lanes();
        while !self.window.has_room() || self.lanes.len() >= self.consumer.settings().parallel {
            self.finish_one().await;
        }
    }

    /// Waits until all of them are delivered or have failed.
    pub async fn finish(mut self) -> Redelivered {
        while !self.lanes.is_empty() {
            self.finish_one().await;
        }
        self.result
    }

    fn start_lanes(&mut self) {
        let settings = self.consumer.settings();
        while self.lanes.len() < settings.parallel
            && let Some((lane, batch)) = self.window.next(settings.batch)
        {
            let (consumer, ids) = (self.consumer.clone(), self.ids.clone());
            self.lanes.spawn(async move {
                let result = attempts(consumer.as_ref(), &ids, &batch).await;
                (lane, batch, result)
            });
        }
    }

    async fn finish_one(&mut self) {
        if let Some(finished) = self.lanes.join_next().await {
            // Tries are guarded, so a panic is ours.
            let (lane, batch, result) = finished.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            match result {
                Ok(()) => self.result.delivered += batch.len() as u64,
                Err(reason) => {
                    self.result.failed.extend(batch.iter().map(|delivery| (delivery.id.clone(), reason.clone())));
                }
            }
            self.window.done(lane, &batch);
        }
        self.start_lanes();
    }
}

async fn attempts<C: Consumer>(consumer: &C, ids: &Ids, batch: &[Arc<Delivery<C::Payload>>]) -> Result<(), String> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(consumer, batch).await {
            Attempt::Done => return Ok(()),
            Attempt::GiveUp { reason } => return Err(reason),
            Attempt::Retry { reason, .. } if tries == TRIES => return Err(reason),
            Attempt::Retry { after, .. } => tokio::time::sleep(delay(tries, after, ids.number())).await,
        }
    }
}
