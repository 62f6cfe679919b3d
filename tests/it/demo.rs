//! `make demo` is what a newcomer sees first, so it is a test: the script checks every answer itself.

use std::path::Path;
use std::process::{Command, Stdio};

/// The operator's tool lies beside the server. A run of these tests alone has not built it, or an older one lies there.
fn build_replay(replay: &Path) {
    let build = ["build", "--release", "--workspace", "--bins"];
    let status = Command::new(env!("CARGO")).args(build).current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(status.expect("cargo runs").success() && replay.exists(), "no {}", replay.display());
}

#[test]
fn the_tour_ends() {
    let home = tempfile::tempdir().unwrap();
    let server = Path::new(env!("CARGO_BIN_EXE_duolog"));
    let replay = server.with_file_name("duolog-replay");
    build_replay(&replay);
    for program in [server, &replay] {
        std::os::unix::fs::symlink(program, home.path().join(program.file_name().unwrap())).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/demo.sh");
    let output = Command::new(script).current_dir(home.path()).stdin(Stdio::null()).output().expect("bash runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains("That was duolog."), "{shown}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2, "the tour leaves nothing behind");
}
