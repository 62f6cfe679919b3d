//! Every metric, with what it counts. The table in `docs/OPERATING.md` is checked against this one.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram};

use Kind::{Counter, Gauge, Summary};

/// One metric.
struct Metric {
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    /// What it counts, in words.
    counts: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Counter,
    Gauge,
    Summary,
}

const fn metric(name: &'static str, kind: Kind, labels: &'static [&'static str], counts: &'static str) -> Metric {
    Metric { name, kind, labels, counts }
}

/// In the order of their names.
const METRICS: &[Metric] = &[
    metric("duolog_append_records", Summary, &[], "records that one append to the log held"),
    metric(
        "duolog_checkpoint_age_seconds",
        Gauge,
        &["partition"],
        "since all that happened was last found in a good checkpoint",
    ),
    metric("duolog_checkpoint_copied_bytes_total", Counter, &[], "what was written to the store of the checkpoints"),
    metric("duolog_checkpoint_failures_total", Counter, &["partition"], "rounds without a checkpoint"),
    metric(
        "duolog_clock_drift_seconds",
        Gauge,
        &[],
        "how far the wall clock is ahead of the clock that stamps records",
    ),
    metric(
        "duolog_consumer_dead_letters_total",
        Counter,
        &["consumer"],
        "deliveries that were given up, each now a dead letter",
    ),
    metric(
        "duolog_consumer_lag_records",
        Gauge,
        &["consumer", "partition"],
        "records that a receiver of callbacks or pushes has not been told of",
    ),
    metric("duolog_consumer_lag_seconds", Gauge, &["consumer", "partition"], "the age of the oldest of them"),
    metric(
        "duolog_consumer_lost_records_total",
        Counter,
        &["consumer"],
        "records that were trimmed before the consumer had read them: `log.hold_days` is too short for its outage",
    ),
    metric(
        "duolog_consumer_tries_total",
        Counter,
        &["consumer", "result"],
        "tries to deliver: `done`, `retry` or `give_up`",
    ),
    metric("duolog_consumer_try_seconds", Summary, &["consumer"], "how long a try took"),
    metric("duolog_foreign_records_total", Counter, &[], "records of other programs in the log, which are passed over"),
    metric(
        "duolog_hook_asked_total",
        Counter,
        &["result"],
        "questions to the hook before a send: `allowed`, `refused`, or `failed`, where \
         `callback.before_send_failure` decided",
    ),
    metric("duolog_kafka_broker_up", Gauge, &["broker"], "1 while there is a connection to the broker"),
    metric("duolog_kafka_client_errors_total", Counter, &[], "what librdkafka complained of and tries again"),
    metric("duolog_kafka_failed_appends_total", Counter, &[], "batches that the brokers did not take in 12 seconds"),
    metric("duolog_kafka_request_timeouts", Gauge, &["broker"], "requests that the broker has not answered"),
    metric("duolog_kafka_round_trip_p99_seconds", Gauge, &["broker"], "the slowest answers of the broker"),
    metric("duolog_kafka_waiting_bytes", Gauge, &[], "bytes on their way to the brokers"),
    metric("duolog_kafka_waiting_records", Gauge, &[], "records on their way to the brokers"),
    metric(
        "duolog_node_requests_refused_total",
        Counter,
        &[],
        "requests on the nodes' address that were no node's, or whose clock differed",
    ),
    metric(
        "duolog_partition_failures_total",
        Counter,
        &[],
        "times that a partition stopped; the reason is in the server's log",
    ),
    metric("duolog_partitions_fenced_total", Counter, &[], "partitions that another node took without being let go"),
    metric("duolog_partitions_owned", Gauge, &[], "partitions that are this node's"),
    metric(
        "duolog_push_tokens_gone_total",
        Counter,
        &["service"],
        "tokens that were forgotten because they reach no device",
    ),
    metric(
        "duolog_pushes_dropped_total",
        Counter,
        &["service", "because"],
        "pushes that were not made any more: `gone`, `read`, `taken`, `attended`, `too_old`, `muted`, \
         `no_token` or `nothing_to_say`",
    ),
    metric(
        "duolog_pushes_total",
        Counter,
        &["service", "answer"],
        "pushes that the service was handed: `taken`, `token_gone`, `refused` or `later`",
    ),
    metric("duolog_records_folded_total", Counter, &[], "records that were folded"),
    metric(
        "duolog_requests_busy_total",
        Counter,
        &[],
        "requests that were refused because a partition's queue was full",
    ),
    metric(
        "duolog_server_api_calls_total",
        Counter,
        &["command", "code"],
        "calls of the server API, by the name of their code, `ok` of success; what is no command is `unknown`",
    ),
    metric(
        "duolog_undecodable_records_total",
        Counter,
        &[],
        "records that no version can decode, which are passed over; a copy of each is in the dead letters",
    ),
    metric(
        "duolog_unfinished_dropped_total",
        Counter,
        &[],
        "ends of sessions that were forgotten, because the log had taken nothing for too long",
    ),
    metric("duolog_ws_closes_total", Counter, &["code"], "client connections that the server ended, by close code"),
    metric("duolog_ws_connections", Gauge, &[], "open client connections, logged in or not"),
    metric(
        "duolog_ws_lags_total",
        Counter,
        &[],
        "times that a session's announcements came faster than it took them, so that it read its timeline instead",
    ),
    metric("duolog_ws_logins_total", Counter, &["code"], "logins of clients, by code; 0 is success"),
];

/// Tells this process's recorder what each metric counts. Counters without labels begin at 0: whoever watches for the first
/// event has to see that there was none.
pub fn begin() {
    for &Metric { name, kind, labels, counts } in METRICS {
        match kind {
            Counter => describe_counter!(name, counts),
            Gauge => describe_gauge!(name, counts),
            Summary => describe_histogram!(name, counts),
        }
        if kind == Counter && labels.is_empty() {
            counter!(name).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    /// A metric's line in the table for operators.
    fn line(metric: &Metric) -> String {
        let Metric { name, kind, labels, counts } = metric;
        let kind = format!("{kind:?}").to_lowercase();
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {kind} | {} | {counts} |", labels.join(", ")).replace("|  |", "| |")
    }

    #[test]
    fn the_page_for_operators_has_the_same_table() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATING.md");
        let page = std::fs::read_to_string(page).unwrap();
        let below = page.lines().skip_while(|line| *line != "# Metrics");
        let found: Vec<&str> = below.filter(|line| line.starts_with("| `duolog_")).collect();
        assert_eq!(found, METRICS.iter().map(line).collect::<Vec<_>>());
    }

    #[test]
    fn a_counter_is_there_before_it_counts_and_says_what() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, begin);
        let text = recorder.handle().render();
        assert!(text.contains("\nduolog_requests_busy_total 0\n"), "{text}");
        assert!(text.contains("# HELP duolog_requests_busy_total requests that were refused because"), "{text}");
        assert!(!text.contains("duolog_ws_logins_total"), "nobody knows its labels: {text}");
    }
}
