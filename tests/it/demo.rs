//! `make demo` is what a newcomer sees first, so it is a test: the script checks every answer itself.

use std::process::{Command, Stdio};

#[test]
fn the_tour_ends() {
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_duolog"), home.path().join("duolog")).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/demo.sh");
    let output = Command::new(script).current_dir(home.path()).stdin(Stdio::null()).output().expect("bash runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains("That was duolog."), "{shown}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "the tour leaves nothing behind");
}
