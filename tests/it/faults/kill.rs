use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::load::Sender;
use crate::harness::Server;

/// How often the server is killed.
const ROUNDS: u64 = 50;
const SENDERS: usize = 8;
/// The longest time under load before a kill.
const LONGEST: u64 = 250;

/// `kill -9` at a random time under load, fifty times: after each start `duolog-replay verify` finds live state and rebuild
/// equal; in the end every acked message is there once, in the order of its sender's acks.
#[test]
fn a_killed_server_loses_no_acked_message() {
    let seed = std::env::var("DUOLOG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(crate::harness::now);
    println!("DUOLOG_SEED={seed}");
    let mut server = Server::start("");
    let people: [String; SENDERS] = server.accounts();
    let mut senders: Vec<Sender> =
        (0..SENDERS).map(|place| Sender::new(&people[place], &people[(place + 1) % SENDERS])).collect();
    for round in 0..ROUNDS {
        let load = Duration::from_millis(20 + mixed(seed, round) % LONGEST);
        let dir = kill_under_load(server, &mut senders, load);
        verify(&dir);
        server = Server::start_in(dir, "");
    }
    for sender in &senders {
        assert!(sender.acked.len() > ROUNDS as usize, "the load was real: {} acks", sender.acked.len());
        let received = received(&server, &sender.to, &sender.from);
        // The last one may have been written without an answer.
        assert_eq!(received[..sender.acked.len()], sender.acked, "from {} to {}", sender.from, sender.to);
        assert!(received.len() <= sender.acked.len() + 1, "nothing is there twice");
    }
}

fn kill_under_load(server: Server, senders: &mut [Sender], load: Duration) -> TempDir {
    let stop = AtomicBool::new(false);
    let addr = server.addr;
    std::thread::scope(|scope| {
        for sender in senders {
            scope.spawn(|| sender.send_until(addr, &stop));
        }
        std::thread::sleep(load);
        let dir = server.kill();
        stop.store(true, Ordering::Relaxed);
        dir
    })
}

/// The texts that an account has received from another one, oldest first.
fn received(server: &Server, account: &str, from: &str) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    let mut request = json!({"Operator_Account": account, "Peer_Account": from, "MaxCnt": 100, "MinTime": 0,
        "MaxTime": 4_000_000_000_u32});
    loop {
        let page = server.ok("openim/admin_getroammsg", &request);
        let texts = page["MsgList"].as_array().expect("MsgList is an array").iter();
        let texts = texts.filter(|message| message["From_Account"] == *from);
        let texts = texts.map(|message| message["MsgBody"][0]["MsgContent"]["Text"].as_str().expect("a text"));
        let mut page_numbers: Vec<u32> = texts.map(|text| text.parse().expect("a number")).collect();
        page_numbers.append(&mut found);
        found = page_numbers;
        if page["Complete"] == 1 {
            return found;
        }
        request["MaxTime"] = page["LastMsgTime"].clone();
        request["LastMsgKey"] = page["LastMsgKey"].clone();
    }
}

/// Runs the operator's tool on the data of a server that does not run.
fn verify(dir: &TempDir) {
    let tool = PathBuf::from(env!("CARGO_BIN_EXE_duolog")).with_file_name("duolog-replay");
    let output = Command::new(&tool).arg("verify").arg("--data").arg(dir.path().join("data")).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; build the workspace first", tool.display()));
    assert!(
        output.status.success(),
        "verify: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// SplitMix64, so that a seed repeats a run's times.
fn mixed(seed: u64, round: u64) -> u64 {
    let mut mixed = seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
