use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rdkafka::Message;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::DeliveryResult;

use super::native;

/// What became of a batch's messages, as reports come in.
pub(super) struct Delivery {
    state: Mutex<State>,
    done: Condvar,
}

struct State {
    /// Reports that are still to come.
    left: usize,
    /// By place in the batch.
    offsets: Vec<u64>,
    failed: Option<RDKafkaErrorCode>,
    /// Whether any message of the batch stands in the log, or may.
    written: bool,
}

/// How a batch ended.
pub(super) enum Outcome {
    /// All of it is durable, at these offsets.
    Durable(Vec<u64>),
    /// Nothing was written, and nothing will be.
    Refused(RDKafkaErrorCode),
    /// Part of it, or all, may be in the log or come to be.
    Unknown(RDKafkaErrorCode),
}

/// The place of a message in its batch: what librdkafka keeps with it until its report.
pub(super) struct Place {
    pub delivery: Arc<Delivery>,
    pub number: usize,
}

impl Place {
    /// Takes the report of the message.
    pub fn reported(&self, result: &DeliveryResult<'_>) {
        match result {
            // A retry that the broker had already may come without its offset.
            Ok(message) => match u64::try_from(message.offset()) {
                Ok(offset) => self.delivery.durable(self.number, offset),
                Err(_) => self.delivery.failed(1, RDKafkaErrorCode::DuplicateSequenceNumber, true),
            },
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                self.delivery.failed(1, code, native::may_be_written(message));
            }
        }
    }
}

impl Delivery {
    pub fn new(messages: usize) -> Arc<Self> {
        let state = State { left: messages, offsets: vec![u64::MAX; messages], failed: None, written: false };
        Arc::new(Self { state: state.into(), done: Condvar::new() })
    }

    fn durable(&self, number: usize, offset: u64) {
        let mut state = self.state.lock();
        state.offsets[number] = offset;
        state.written = true;
        self.count(&mut state, 1);
    }

    /// Notes messages that failed; the first reason is kept.
    pub fn failed(&self, messages: usize, code: RDKafkaErrorCode, written: bool) {
        let mut state = self.state.lock();
        state.failed.get_or_insert(code);
        state.written |= written;
        self.count(&mut state, messages);
    }

    /// Notes that these messages were never handed over.
    pub fn refused(&self, messages: usize, error: &KafkaError) {
        self.failed(messages, error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail), false);
    }

    fn count(&self, state: &mut State, messages: usize) {
        state.left -= messages;
        if state.left == 0 {
            self.done.notify_all();
        }
    }

    /// Waits until every message has its report. librdkafka gives each one up after a time; should it keep a report to
    /// itself for much longer than that, the batch is unknown.
    pub fn wait(&self, patience: Duration) -> Outcome {
        let mut state = self.state.lock();
        if self.done.wait_while_for(&mut state, |state| state.left > 0, patience).timed_out() {
            tracing::error!("the client of Kafka reports nothing of {} records", state.left);
            return Outcome::Unknown(RDKafkaErrorCode::MessageTimedOut);
        }
        match state.failed {
            None => Outcome::Durable(std::mem::take(&mut state.offsets)),
            Some(code) if state.written => Outcome::Unknown(code),
            Some(code) => Outcome::Refused(code),
        }
    }
}
