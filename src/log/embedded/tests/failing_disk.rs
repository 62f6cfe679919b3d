//! A disk that refuses: a process of its own may write only so many bytes to a file, then writes come back short.

use std::{env, process::Command};

use super::*;

const CHILD: &str = "DUOLOG_TEST_FAILING_DISK";

/// Small enough to be met soon, large enough for RocksDB to open.
const FILE_LIMIT: u64 = 256 << 10;

#[test]
fn after_a_failed_write_nothing_is_appended_until_it_is_opened_again() {
    let disk = Disk::new();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "log::embedded::tests::failing_disk::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, disk.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    let acknowledged: u64 = said.split("acknowledged ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();

    let log = disk.open().unwrap();
    let (held, error) = readable(&log);
    assert!(error.is_none(), "{error:?}");
    assert!((acknowledged..=acknowledged + 1).contains(&held), "{held} held, {acknowledged} acknowledged");
    assert_eq!(append(&log, [held]), [held]);
}

/// Does nothing unless the test above starts it.
#[test]
fn child() {
    let Some(path) = env::var_os(CHILD) else { return };
    limit_files(FILE_LIMIT);
    let log = EmbeddedLog::open(Path::new(&path), 1).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match log.append(0, vec![record(acknowledged)]) {
            Ok(offsets) => assert_eq!(offsets, [acknowledged]),
            Err(error) => break error,
        }
        acknowledged += 1;
        assert!(acknowledged < FILE_LIMIT, "the limit was never met");
    };
    assert!(matches!(error, LogError::Unknown(_)), "{error}");
    assert_eq!(log.bounds(0).unwrap().high_watermark, acknowledged);

    limit_files(libc::RLIM_INFINITY);
    for _ in 0..3 {
        let refused = log.append(0, vec![record(acknowledged)]).unwrap_err();
        assert!(matches!(refused, LogError::Poisoned(_)), "{refused}");
    }
    assert!(matches!(log.trim(0, 1), Err(LogError::Poisoned(_))));
    assert_eq!(readable(&log), (acknowledged, None), "reading goes on");
    println!("acknowledged {acknowledged}");
}

/// Writes beyond this size fail with EFBIG; the signal that comes with it is ignored.
fn limit_files(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both calls only change this process, which exists for the test alone.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}
