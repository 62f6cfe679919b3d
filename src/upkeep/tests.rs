use std::path::Path;

use duolog_topics::{Account, AccountImported, ConsumerAdvance, PolicyChanged, Tick};

use super::*;
use crate::clock::Clock;
use crate::data_dir::OpenData;
use crate::engine::Parts;
use crate::log::{MemoryLog, Record, conformance};
use crate::store::checkpoint::Place;

const DAY: Duration = Duration::from_secs(86_400);

struct Scene {
    upkeep: Upkeep,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(1_700_000_000_000);
        Self { upkeep: upkeep(folder.path(), &clock), clock, _folder: folder }
    }

    async fn happens(&self, who: &str) {
        let event = AccountImported { nick: None, face_url: None }.into();
        self.upkeep.engine.submit(&Account::new(who).unwrap(), event).await.unwrap();
    }

    fn tap(&self) -> Tap {
        self.upkeep.engine.taps().remove(0)
    }

    /// Where there are checkpoints, oldest first.
    fn checkpoints(&self) -> Vec<u64> {
        let names = self.upkeep.data.checkpoints(0).unwrap().list().unwrap();
        names.iter().map(|name| name.next).collect()
    }

    fn first(&self) -> u64 {
        self.upkeep.log.bounds(0).unwrap().first
    }
}

fn upkeep(folder: &Path, clock: &Clock) -> Upkeep {
    upkeep_of(DataDir::new(folder, None), clock)
}

fn upkeep_of(data: DataDir, clock: &Clock) -> Upkeep {
    let OpenData { log, stores, expiry, lock: _ } = data.open(1).unwrap();
    let (policy, clock) = (PolicyChanged { revision: 1, ..PolicyChanged::default() }, Some(clock.clone()));
    let parts = Parts { log: log.clone(), stores, expiry, policy, node: "test".to_owned(), clock, aside: None };
    let engine = Engine::open(parts, |_, _, _| {}).unwrap();
    let (retention, hold, interval) = (DAY, 30 * DAY, DAY);
    let letters = DeadLetters::new(Arc::new(MemoryLog::new(1)) as Arc<dyn Log>);
    Upkeep { engine, log, data, letters, interval, retention, hold, covered: Mutex::default(), trims: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_made_only_if_more_happened_than_that_time_passed() {
    let scene = Scene::new();
    scene.upkeep.round().unwrap();
    assert_eq!(scene.checkpoints().len(), 1);
    scene.tap().submit(Tick {}.into()).await.unwrap();
    let position = Some(scene.tap().watermark());
    let advance = ConsumerAdvance { consumer: "callback.default".to_owned(), position, waiting: vec![] };
    scene.tap().advance(vec![advance]).await.unwrap();
    scene.upkeep.round().unwrap();
    assert_eq!(scene.checkpoints().len(), 1, "time passed, and a consumer came along");
    scene.happens("alice").await;
    scene.upkeep.round().unwrap();
    assert_eq!(scene.checkpoints(), [4, scene.tap().watermark()]);
    scene.upkeep.engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_trimmed_below_the_older_of_two_good_checkpoints_and_below_each_consumer() {
    let scene = Scene::new();
    let round = || scene.upkeep.round().unwrap();
    for who in ["alice", "bob", "carol"] {
        scene.happens(who).await;
        round();
    }
    let kept = scene.checkpoints();
    assert_eq!((kept.len(), scene.first()), (KEPT, 0), "nothing is old enough");
    scene.clock.advance(2 * DAY.as_millis() as u64);
    let held = kept[0] - 3;
    let at = |position| vec![ConsumerAdvance { consumer: "callback.default".to_owned(), position, waiting: vec![] }];
    scene.tap().advance(at(Some(held))).await.unwrap();
    round();
    assert_eq!(scene.first(), held, "a consumer needs it");
    scene.tap().advance(at(None)).await.unwrap();
    round();
    assert_eq!(scene.first(), kept[0] - 1, "the record at the place of the older checkpoint stays");

    // One that is damaged does not count: nothing more is trimmed until there are two again.
    let store = scene.upkeep.data.checkpoint_store().unwrap();
    let Place::Folder(folder) = store.place() else { panic!("it is a folder") };
    let newest = scene.upkeep.data.checkpoints(0).unwrap().list().unwrap()[1];
    std::fs::write(folder.join(format!("0/{newest}.json")), "damaged").unwrap();
    round();
    assert_eq!(scene.first(), kept[0] - 1);
    scene.upkeep.engine.stop();
}

/// The data directory came from a backup, and what was made after that lies where checkpoints are.
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_of_what_the_log_has_lost_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, backup) = (Clock::manual(1_700_000_000_000), folder.path().join("backup"));
    let place = folder.path().join("checkpoints");
    let scene = |data: &str| {
        let data = DataDir::new(folder.path().join(data), Some(&place));
        Scene { upkeep: upkeep_of(data, &clock), clock: clock.clone(), _folder: tempfile::tempdir().unwrap() }
    };
    let before = scene("backup");
    before.happens("alice").await;
    before.upkeep.engine.stop();
    drop(before);
    copy(&backup, &folder.path().join("lost"));
    let lost = scene("lost");
    for who in ["bob", "carol"] {
        lost.happens(who).await;
        lost.upkeep.round().unwrap();
    }
    let made = lost.checkpoints();
    lost.upkeep.engine.stop();
    drop(lost);

    let scene = scene("backup");
    scene.upkeep.round().unwrap();
    assert_eq!(scene.checkpoints().len(), made.len() + 1, "it has one of its own");
    clock.advance(2 * DAY.as_millis() as u64);
    scene.upkeep.round().unwrap();
    assert_eq!(scene.first(), 0, "nothing is trimmed without two that the log goes on from");
    scene.upkeep.engine.stop();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => assert!(std::fs::copy(&from, &to).is_ok()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_log_does_not_answer_is_counted_and_keeps_nothing_else_waiting() {
    let mut scene = Scene::new();
    let position = Some(scene.tap().watermark());
    let advance = ConsumerAdvance { consumer: "callback.default".to_owned(), position, waiting: vec![] };
    scene.tap().advance(vec![advance]).await.unwrap();
    let letters = scene.upkeep.letters.log().unwrap();
    letters.append(0, vec![Record { time: 0, ..conformance::record(0) }]).unwrap();

    scene.upkeep.log = Arc::new(MemoryLog::new(0));
    assert!(matches!(scene.upkeep.round(), Err(UpkeepError::Log(LogError::NoPartition(0)))));
    assert!(scene.upkeep.covered.lock().contains_key(&0));
    assert_eq!(letters.bounds(0).unwrap().first, 1, "the old letter is gone");
    scene.upkeep.engine.stop();
}
