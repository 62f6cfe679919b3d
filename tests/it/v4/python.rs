//! A public client library for the API that ours follows works with another base URL and no other change.

use std::process::Command;

use crate::harness::{ADMIN, KEY, SDKAPPID, Server};

#[test]
fn the_public_python_client_works() {
    // `make test` makes a Python environment with the client in it; without one there is nothing to drive.
    let Some(python) = std::env::var_os("DUOLOG_TEST_PYTHON") else {
        println!("not run: DUOLOG_TEST_PYTHON names no Python with the client library (make test does)");
        return;
    };
    let server = Server::start("");
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/server_api.py"))
        .args([&format!("http://{}/v4", server.addr), &SDKAPPID.to_string(), KEY, ADMIN])
        .output()
        .expect("Python can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
