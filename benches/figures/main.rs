//! `make bench`: every figure against a limit or a peer that is measured in the same run, on the same machine.
//!
//! `cargo bench --profile release -- m1 m5` measures some of them and writes nothing. A whole run writes
//! `benches/RESULTS.md`. Settings, all by environment:
//!
//! - `DUOLOG_BENCH_LARGE=1`: M1, M5 and M9 also with 1 million and 10 million messages stored (half an hour, 20 GB);
//! - `DUOLOG_BENCH_DIR`: where the files are written and synced, if not in the system's folder for temporary files.

mod folding;
mod history;
mod k1_kafka;
mod load;
mod m10_callbacks;
mod m1_acked_sends;
mod m2_ack_latency;
mod m3_websocket;
mod m3h_server_api;
mod m4_delivery;
mod m5_fold;
mod m6_rebuild;
mod m7_disk;
mod m8_idle;
mod m9_catch_up;
mod machine;
mod p1_sends;
mod peer;
mod posts;
mod program;
mod r1_restart;
mod raw;
mod report;
mod sockets;
mod spread;

use anyhow::{Result, ensure};
use report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Measure = fn(&mut Report) -> Result<()>;

/// Each figure by its name in `goals`, in the order of the table.
const FIGURES: [(&str, Measure); 14] = [
    ("m1", m1_acked_sends::measure),
    ("m2", m2_ack_latency::measure),
    ("m3", m3_websocket::measure),
    ("m3h", m3h_server_api::measure),
    ("m4", m4_delivery::measure),
    ("m5", m5_fold::measure),
    ("m6", m6_rebuild::measure),
    ("m7", m7_disk::measure),
    ("m8", m8_idle::measure),
    ("m9", m9_catch_up::measure),
    ("r1", r1_restart::measure),
    ("m10", m10_callbacks::measure),
    ("k1", k1_kafka::measure),
    ("p1", p1_sends::measure),
];

fn main() -> Result<()> {
    duolog::pages::keep_small();
    duolog::pages::keep_freed();
    duolog::turns::keep_short();
    if let Some(peer) = std::env::args().find_map(|argument| argument.strip_prefix(peer::ARGUMENT).map(str::to_owned)) {
        return peer::serve(&peer);
    }
    // Cargo adds options of its own, like `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut report = Report::new(machine::measure()?);
    for (name, measure) in FIGURES {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            measure(&mut report).unwrap_or_else(|why| report.fail(name, &why));
        }
    }
    println!("\n{report}");
    if wanted.is_empty() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/RESULTS.md");
        std::fs::write(path, report.to_string())?;
    }
    ensure!(report.failed().is_empty(), "not measured: {}", report.failed().join(", "));
    Ok(())
}

/// How many messages are stored before a figure is measured.
fn stored() -> &'static [u64] {
    if std::env::var_os("DUOLOG_BENCH_LARGE").is_some() { &[10_000, 1_000_000, 10_000_000] } else { &[10_000] }
}

/// A folder that goes when the figure is measured.
fn scratch() -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("duolog-bench-");
    Ok(match std::env::var_os("DUOLOG_BENCH_DIR") {
        Some(folder) => builder.tempdir_in(folder)?,
        None => builder.tempdir()?,
    })
}
