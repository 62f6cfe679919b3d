use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::statistics::Statistics;

use super::delivery::Place;

/// How long a thread that serves a client waits for something to do before it looks whether it has to end.
pub(super) const ROUND: Duration = Duration::from_millis(100);

/// What all clients of the brokers have in common: where their lines of log and their numbers go.
pub(super) struct Context;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!("kafka client: {facility}: {line}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!("kafka client: {facility}: {line}"),
            RDKafkaLogLevel::Debug => tracing::debug!("kafka client: {facility}: {line}"),
        }
    }

    /// Told again for each broker and attempt, and librdkafka tries again by itself.
    fn error(&self, error: KafkaError, reason: &str) {
        metrics::counter!("duolog_kafka_client_errors_total").increment(1);
        tracing::debug!("kafka client: {error}: {reason}");
    }

    fn stats(&self, statistics: Statistics) {
        metrics::gauge!("duolog_kafka_waiting_records").set(statistics.msg_cnt as f64);
        metrics::gauge!("duolog_kafka_waiting_bytes").set(statistics.msg_size as f64);
        for broker in statistics.brokers.values().filter(|broker| broker.nodeid >= 0) {
            let label = broker.nodeid.to_string();
            let up = if broker.state == "UP" { 1.0 } else { 0.0 };
            metrics::gauge!("duolog_kafka_broker_up", "broker" => label.clone()).set(up);
            metrics::gauge!("duolog_kafka_request_timeouts", "broker" => label.clone()).set(broker.req_timeouts as f64);
            if let Some(rtt) = &broker.rtt {
                // Microseconds.
                metrics::gauge!("duolog_kafka_round_trip_p99_seconds", "broker" => label).set(rtt.p99 as f64 / 1e6);
            }
        }
    }
}

impl ConsumerContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Place>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<Place>) {
        place.reported(result);
    }
}

/// A thread that serves a client's events until it is dropped.
pub(super) struct Serving {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// `serve` waits at most [`ROUND`] for an event.
    pub fn start(name: &str, serve: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let run = move || {
            while !stopped.load(Ordering::Acquire) {
                serve();
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
