use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;

use serde_json::json;
use tempfile::TempDir;

use super::load::Sender;
use crate::harness::Server;

/// How often the server is killed.
const ROUNDS: u64 = 50;
const SENDERS: usize = 8;
/// Acks before a kill, at most.
const MOST_ACKS: u64 = 500;

/// `kill -9` after a random number of acks, under load, fifty times: after each start `duolog-replay verify` finds live state and rebuild
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
        let acks = 1 + mixed(seed, round) % MOST_ACKS;
        let dir = kill_under_load(server, &mut senders, acks);
        verify(&dir);
        server = Server::start_in(dir, "");
    }
    let acks: usize = senders.iter().map(|sender| sender.acked.len()).sum();
    assert!(acks as u64 >= ROUNDS, "the load was real: {acks} acks");
    for sender in &senders {
        let received = received(&server, &sender.to, &sender.from);
        // The last one may have been written without an answer.
        assert_eq!(received[..sender.acked.len()], sender.acked, "from {} to {}", sender.from, sender.to);
        assert!(received.len() <= sender.acked.len() + 1, "nothing is there twice");
    }
}

/// Lets the senders have so many acks, then kills the server while they go on.
fn kill_under_load(server: Server, senders: &mut [Sender], acks: u64) -> TempDir {
    let addr = server.addr;
    std::thread::scope(|scope| {
        let (told, heard) = mpsc::channel();
        for sender in senders {
            let told = told.clone();
            scope.spawn(move || sender.send_on(addr, &told));
        }
        drop(told);
        let had = (0..acks).take_while(|_| heard.recv().is_ok()).count();
        assert_eq!(had as u64, acks, "the senders ended before the server did");
        server.kill()
    })
}

/// The texts that an account has received from another one, oldest first.
pub fn received(server: &Server, account: &str, from: &str) -> Vec<u32> {
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

/// SplitMix64, so that a seed repeats a run's numbers.
pub fn mixed(seed: u64, round: u64) -> u64 {
    let mut mixed = seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
