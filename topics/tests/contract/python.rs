//! Runs `examples/read.py` over the samples, with the Python that `DUOLOG_TEST_PYTHON` names or else `python3`.

use std::process::{Command, Output};

use crate::committed;

fn python(arguments: &[&str]) -> Option<Output> {
    let program = std::env::var("DUOLOG_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    Command::new(program).args(arguments).env("PYTHONUTF8", "1").output().ok()
}

#[test]
fn the_python_example_reads_every_sample() {
    let usable = python(&["-c", "import msgpack"]).is_some_and(|output| output.status.success());
    if !usable {
        assert!(std::env::var_os("DUOLOG_TEST_PYTHON").is_none(), "DUOLOG_TEST_PYTHON names no Python with msgpack");
        eprintln!("not run: the Python example; it needs python3 with msgpack (or DUOLOG_TEST_PYTHON)");
        return;
    }
    let script = committed::path("examples/read.py");
    let output = python(&[script.to_str().unwrap()]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let samples = committed::names("samples").iter().filter(|name| name.ends_with(".bin")).count();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), samples);
}
