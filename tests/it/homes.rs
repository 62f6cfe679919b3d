//! The same tests with accounts in several homes: what one log decides in one place then travels between partitions.

use std::process::Command;

/// Sets `log.partitions` for every server of a run.
const PARTITIONS: &str = "DUOLOG_LOG__PARTITIONS";

#[test]
fn the_server_api_answers_the_same_with_several_partitions() {
    if std::env::var_os(PARTITIONS).is_some() {
        return;
    }
    let program = std::env::current_exe().expect("a test program has a path");
    let output = Command::new(program).arg("v4::").env(PARTITIONS, "4").output().expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
