//! A server whose checkpoints lie in a real object store. `make test-quick` leaves out what has this module's name in its
//! path.

use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use duolog::config::{Config, Layers};
use duolog::domain::rows::Rows as _;
use duolog::log::{EmbeddedLog, Log as _};
use duolog::open_log::checkpoint_place;
use duolog::store::checkpoint::{CheckpointStore, Origin};
use duolog::store::{Applied, KeepAll, Shared, SharedSizes, Store};
use duolog_test_broker::{ObjectStore, Passage};
use serde_json::Value;
use tempfile::TempDir;

use crate::faults::rebuild::fill;
use crate::harness::{PATIENCE, Server, said, tool, wait_until};

/// The configuration of a server whose checkpoints lie in the store, below a prefix.
fn settings(store: &ObjectStore, port: u16) -> String {
    format!("checkpoint.interval_seconds = 10\n{}", store.settings("it", port))
}

fn checkpoint(verb: &str, dir: &TempDir) -> Command {
    let mut command = tool();
    command.args(["checkpoint", verb, "--config"]).arg(dir.path().join("duolog.toml"));
    command
}

pub fn run(verb: &str, dir: &TempDir) -> Output {
    checkpoint(verb, dir).output().expect("the tool runs")
}

/// The lines that a verb prints.
pub fn lines(output: &Output) -> Vec<Value> {
    said(output).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn manifests(store: &ObjectStore) -> Vec<String> {
    store.objects("it").into_keys().filter(|name| name.ends_with(".json")).collect()
}

fn files(store: &ObjectStore) -> Vec<String> {
    store.objects("it").into_keys().filter(|name| name.contains("/files/")).collect()
}

/// Forgets all records below the newest checkpoint, as a server does after the retention, and the state.
fn forget(dir: &TempDir, offset: u64) {
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let log = EmbeddedLog::open(&dir.path().join("data/log"), 1).expect("the log is there");
    log.trim(0, offset - 1).expect("it is trimmed");
}

/// A server makes checkpoints as it runs, of what is new only, and removes old ones; without its state, on a log without
/// its beginning, it comes back from the newest one, and from an older one if that is damaged.
#[test]
fn a_server_comes_back_from_the_store() {
    let store = ObjectStore::start();
    let passage = Passage::to(store.port());
    let settings = settings(&store, passage.port());
    let server = Server::start(&settings);
    let scene = fill(&server);
    wait_until("a checkpoint is made", || manifests(&store).len() == 1);
    let (first_files, first_puts) = (files(&store), passage.puts());
    assert!(first_puts > first_files.len(), "each file and the manifest");
    let tables = store.objects("it");
    scene.say_more(&server);
    wait_until("another one is made", || manifests(&store).len() == 2);
    let again = tables.keys().filter(|name| store.objects("it").get(*name) == tables.get(*name)).count();
    assert!(again > 1, "tables that are there are not written again");
    assert!(passage.puts() - first_puts < first_puts, "{} then {}", first_puts, passage.puts() - first_puts);
    let oldest = manifests(&store)[0].clone();
    scene.say_more(&server);
    wait_until("the oldest one is removed", || !manifests(&store).contains(&oldest) && manifests(&store).len() == 2);
    let before = scene.reads(&server);
    let dir = server.stop();

    assert_eq!(lines(&run("make", &dir)).len(), 1);
    assert!(run("verify", &dir).status.success());
    let made = lines(&run("list", &dir));
    assert_eq!(made.len(), 2, "{made:?}");
    let mut by_variables = tool();
    by_variables.args(["checkpoint", "verify", "--url", &store.url("it"), "--data"]).arg(dir.path().join("data"));
    let verified = lines(&by_variables.envs(store.variables()).output().expect("the tool runs"));
    assert_eq!(verified.len(), 2, "without a configuration, too");
    let offset = |line: &Value| line["offset"].as_u64().expect("an offset");
    forget(&dir, offset(&made[0]));
    let server = Server::start_in(dir, &settings);
    assert_eq!(scene.reads(&server), before);

    let dir = server.stop();
    let newest = lines(&run("make", &dir)).remove(0);
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    damage(&store, &format!("0/{}.json", newest["name"].as_str().expect("a name")));
    assert_eq!(run("verify", &dir).status.code(), Some(1));
    let server = Server::start_in(dir, &settings);
    assert_eq!(scene.reads(&server), before, "a damaged manifest is passed over");

    let dir = server.stop();
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let newest = lines(&run("make", &dir)).remove(0);
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let own = format!("0/files/{:020}-{:020}", newest["epoch"].as_u64().unwrap_or(0), offset(&newest));
    let file = files(&store).into_iter().find(|file| file.starts_with(&own)).expect("a file of its own");
    damage(&store, &file);
    let server = Server::start_in(dir, &settings);
    assert_eq!(scene.reads(&server), before, "a damaged file, too");
    server.stop();
}

/// Changes one bit of an object.
fn damage(store: &ObjectStore, object: &str) {
    let path = store.file(&format!("it/{object}"));
    let mut bytes = std::fs::read(&path).expect("the object is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("it can be changed");
}

/// A store that is down delays no send, is told of in a metric, and has the checkpoint when it is back.
#[test]
fn sends_go_on_while_the_store_is_down() {
    let store = ObjectStore::start();
    let server = Server::start(&settings(&store, store.port()));
    store.kill();
    let [alice, bob]: [String; 2] = server.accounts();
    server.send(&alice, &bob, "while it is down");
    let failures = |server: &Server| {
        let body = server.get("/metrics").body;
        body.lines().any(|line| line.starts_with("duolog_checkpoint_failures_total{partition=\"0\"}"))
    };
    wait_until("a round fails", || {
        server.send(&alice, &bob, "go on");
        failures(&server)
    });
    assert!(manifests(&store).is_empty());
    store.restart();
    wait_until("a checkpoint is made", || !manifests(&store).is_empty());
    assert!(server.get("/metrics").body.contains("duolog_checkpoint_age_seconds"));
    server.stop();
}

/// `kill -9` in the middle of an upload: what is there is no checkpoint, and the next attempt makes one.
#[test]
fn half_a_checkpoint_never_counts() {
    let store = ObjectStore::start();
    let passage = Passage::to(store.port());
    let settings = store.settings("it", passage.port());
    let server = Server::start(&settings);
    let scene = fill(&server);
    let before = scene.reads(&server);
    let dir = server.stop();
    passage.block_after(passage.puts() + 2);
    let mut half = checkpoint("make", &dir).stdout(Stdio::null()).spawn().expect("the tool runs");
    wait_until("it hangs at the third object", || files(&store).len() == 2);
    half.kill().expect("it is there");
    half.wait().expect("it ends");
    passage.block_after(usize::MAX);
    assert!(manifests(&store).is_empty());
    assert!(lines(&run("list", &dir)).is_empty());
    assert_eq!(run("verify", &dir).status.code(), Some(1), "there is none");

    let made = lines(&run("make", &dir)).remove(0);
    assert!(run("verify", &dir).status.success());
    forget(&dir, made["offset"].as_u64().expect("an offset"));
    let server = Server::start_in(dir, &settings);
    assert_eq!(scene.reads(&server), before);
    server.stop();
}

/// What a stop takes while the store hangs: no longer than without it.
#[test]
fn a_server_stops_while_the_store_hangs() {
    let store = ObjectStore::start();
    let passage = Passage::to(store.port());
    passage.block_after(0);
    let server = Server::start(&settings(&store, passage.port()));
    let [alice, bob]: [String; 2] = server.accounts();
    server.send(&alice, &bob, "hello");
    wait_until("an upload hangs", || passage.puts() > 0);
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < PATIENCE);
    assert!(manifests(&store).is_empty());
}

/// Files that are larger than a part travel in several, and come back as they were.
#[test]
fn a_file_of_many_parts_is_copied_and_put_back() {
    const ROWS: u64 = 24;
    let (store, folder) = (ObjectStore::start(), tempfile::tempdir().expect("a temporary folder"));
    let file = folder.path().join("duolog.toml");
    std::fs::write(&file, store.settings("parts", store.port())).expect("it can be written");
    let layers = Layers { file: Some(file), ..Layers::default() };
    let place = checkpoint_place(&Config::load(&layers).expect("it is right")).expect("no file is named");
    let checkpoints = CheckpointStore::open(place).expect("the place is right").of(0);

    let shared = Shared::new(SharedSizes::default()).expect("memory");
    let open = |name: &str| Store::open(&folder.path().join(name), &shared, Arc::new(KeepAll)).expect("a store");
    let state = open("state");
    let rows = || (0..ROWS).map(|row| (vec![1, row as u8], Some(Bytes::from(noise(row)))));
    let applied = Applied { next: 10, checksum: 7 };
    state.writer().commit(&mut rows().collect(), applied).expect("it is written");
    let of = Origin { log_id: "a log".to_owned(), generation: 0, partition: 0, epoch: 1 };
    let made = checkpoints.make(&state, &of, &mut |_, _| {}).expect("it is made");
    let largest = made.files.iter().map(|file| file.bytes).max();
    assert!(largest > Some(2 * PART), "{largest:?}");

    checkpoints.verify(&made.name()).expect("it is whole");
    checkpoints.restore(&made.name(), &folder.path().join("again"), &mut |_, _| {}).expect("it comes back");
    let again = open("again");
    assert_eq!(again.applied(), Some(applied));
    assert!(rows().all(|(key, value)| again.get(&key).expect("it can be read") == value));
}

/// What travels in one request.
const PART: u64 = 8 << 20;

/// A mebibyte that no compression makes smaller, the same for a seed (xorshift).
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..1 << 17).flat_map(|_| next().to_le_bytes()).collect()
}
