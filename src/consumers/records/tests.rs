use std::io::Read as _;
use std::path::Path;

use duolog_test_messages::name;
use duolog_topics::{BlacklistChanged, Event, MessageRecalled, MessageSent, Origin, PolicyChanged};
use serde_json::Value;

use super::*;
use crate::clock::Clock;
use crate::domain::verdict::{Answer, Sent, Verdict};
use crate::engine::Parts;
use crate::log::MemoryLog;
use crate::log::embedded::EmbeddedLog;
use crate::store::{Shared, SharedSizes, Store};

/// 2023-11-14T22:13:20Z.
const START: Millis = 1_700_000_000_000;
const HOUR: Millis = 3_600_000;
const SETTINGS: Settings = Settings { sdkappid: 1_400_000_000, retention: 7 * DAY, utc_offset: HERE };
const HERE: UtcOffset = UtcOffset::UTC;

/// A server without its gateway: engine, log, record files, and a clock that stands.
struct Home {
    engine: Engine,
    log: Arc<dyn Log>,
    clock: Clock,
    folder: Folder,
}

impl Home {
    fn open(dir: &Path, partitions: u32, clock: &Clock) -> Self {
        let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(&dir.join("log"), partitions).unwrap());
        let shared = Shared::new(SharedSizes::default()).unwrap();
        let expiry: Vec<_> = (0..partitions).map(|_| crate::engine::ExpiredRows::new()).collect();
        let store =
            |id: u32| Store::open(&dir.join(format!("state/{id}")), &shared, expiry[id as usize].clone()).unwrap();
        let parts = Parts {
            log: log.clone(),
            stores: (0..partitions).map(store).collect(),
            expiry,
            policy: PolicyChanged { revision: 1, ..PolicyChanged::default() },
            node: "test".to_owned(),
            clock: Some(clock.clone()),
            aside: None,
        };
        let engine = Engine::open(parts, |_, _, _| {}).unwrap();
        Self { engine, log, clock: clock.clone(), folder: Folder::new(dir.join("records")) }
    }

    fn writer(&self) -> Writer {
        self.writer_with(SETTINGS).unwrap()
    }

    fn writer_with(&self, settings: Settings) -> Result<Writer, RecordsError> {
        let folder = Folder::new(self.folder.path());
        Writer::new(self.engine.clone(), self.log.clone(), folder, settings)
    }

    /// What a round writes, by the names of the hours.
    fn round(&self) -> Vec<String> {
        self.writer().round().unwrap().iter().map(Hour::to_string).collect()
    }

    async fn submit(&self, account: &str, event: impl Into<Event>) -> Verdict {
        self.engine.submit(&name(account), event.into()).await.unwrap()
    }

    async fn people(&self, accounts: &[&str]) {
        for account in accounts {
            self.submit(account, duolog_test_messages::import()).await;
        }
    }

    async fn send(&self, from: &str, to: &[&str], text: &str) -> Sent {
        self.send_as(from, to, text, |_| {}).await
    }

    async fn send_as(&self, from: &str, to: &[&str], text: &str, change: impl FnOnce(&mut MessageSent)) -> Sent {
        let mut message = message(to, text);
        change(&mut message);
        match self.submit(from, message).await {
            Verdict::Applied(Answer::Sent(sent)) | Verdict::Repeat(Answer::Sent(sent)) => sent,
            other => panic!("not sent: {other:?}"),
        }
    }

    /// Time passes in every partition.
    async fn later(&self, by: Millis) {
        self.clock.advance(by);
        for number in 0..4 * self.log.partitions() {
            self.people(&[&format!("clock-{}-{number}", self.clock.now())]).await;
        }
    }

    fn read(&self, hour: &str) -> Vec<(String, String, String)> {
        let document = unpacked(&self.bytes(hour));
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!((&document["SdkAppId"], &document["ChatType"]), (&1_400_000_000.into(), &"C2C".into()));
        assert_eq!(document["MsgTime"], hour);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let message = |line: &Value| {
            (text(&line["From_Account"]), text(&line["To_Account"]), text(&line["MsgBody"][0]["MsgContent"]["Text"]))
        };
        document["MsgList"].as_array().unwrap().iter().map(message).collect()
    }

    fn texts(&self, hour: &str) -> Vec<String> {
        self.read(hour).into_iter().map(|(_, _, text)| text).collect()
    }

    fn bytes(&self, hour: &str) -> Vec<u8> {
        std::fs::read(self.folder.file(hour.parse().unwrap())).unwrap()
    }
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// The same text is the same message.
fn message(to: &[&str], text: &str) -> MessageSent {
    let random = text.bytes().fold(0, |sum, byte| sum * 31 % 1_000_003 + u32::from(byte));
    duolog_test_messages::message(to, text, random)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_is_written_once_it_is_closed_with_what_took_effect_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob", "carol"]).await;
    let taken_back = home.send("alice", &["bob"], "taken back").await;
    home.send("alice", &["bob"], "taken back").await;
    home.send("alice", &["bob", "carol", "nobody"], "to two").await;
    home.send_as("alice", &["bob"], "online only", |message| message.content.flags.online_only = true).await;
    let block =
        BlacklistChanged { owner: name("bob"), peers: vec![name("alice")], blocked: true, decided: None, via: None };
    home.submit("bob", block).await;
    home.send("alice", &["bob"], "dropped").await;
    let import = |message: &mut MessageSent| {
        (message.imported_time, message.content.origin) = (Some(START - 30 * DAY), Origin::Import);
    };
    home.send_as("carol", &["bob"], "imported", import).await;
    home.submit("stranger", message(&["bob"], "refused: unknown sender")).await;
    assert_eq!(home.round(), [""; 0], "the hour is open");

    home.later(HOUR).await;
    let (from, to, key) = (name("alice"), name("bob"), taken_back.key);
    let recall = MessageRecalled { from, to, key, by: name("alice"), by_operator: true, via: None };
    home.submit("alice", recall).await;
    home.send("alice", &["carol"], "next hour").await;
    assert_eq!(home.round(), ["2023111422"]);
    let pair = |from: &str, to: &str, text: &str| (from.to_owned(), to.to_owned(), text.to_owned());
    let expected = [
        pair("alice", "bob", "taken back"),
        pair("alice", "bob", "to two"),
        pair("alice", "carol", "to two"),
        pair("alice", "bob", "dropped"),
        pair("carol", "bob", "imported"),
    ];
    assert_eq!(home.read("2023111422"), expected);
    assert_eq!(home.round(), [""; 0], "once");
    home.later(3 * HOUR).await;
    assert_eq!(home.round(), ["2023111423"], "hours without messages have no file");
    assert_eq!(home.texts("2023111423"), ["next hour"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_are_written_again_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let home = Home::open(dir.path(), 3, &clock);
    home.people(&["alice", "bob", "carol", "dave"]).await;
    let people = ["alice", "bob", "carol", "dave"];
    for number in 0..40_usize {
        clock.advance(4 * 60_000);
        home.send(people[number % 4], &[people[(number + 1) % 4]], &format!("{number}")).await;
    }
    home.later(HOUR).await;
    let hours = home.round();
    assert_eq!(hours, ["2023111422", "2023111423", "2023111500"]);
    let texts: Vec<String> = hours.iter().flat_map(|hour| home.texts(hour)).collect();
    assert_eq!(texts, (0..40).map(|number| number.to_string()).collect::<Vec<_>>(), "all, merged by time");
    let written: Vec<_> = hours.iter().map(|hour| home.bytes(hour)).collect();
    let index = home.folder.index().unwrap().unwrap();
    let again = |home: &Home, what: &str| {
        assert_eq!(home.round(), hours, "{what}");
        assert_eq!(hours.iter().map(|hour| home.bytes(hour)).collect::<Vec<_>>(), written, "{what}");
    };

    std::fs::remove_dir_all(home.folder.path()).unwrap();
    again(&home, "the folder was deleted");
    assert_eq!(home.folder.index().unwrap().unwrap(), index);
    std::fs::remove_file(home.folder.file(hours[1].parse().unwrap())).unwrap();
    again(&home, "a file was deleted");

    home.engine.stop();
    drop(home);
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    let home = Home::open(dir.path(), 3, &clock);
    again(&home, "the state was built again");
    home.engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_goes_on_where_its_folder_is() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let home = Home::open(dir.path(), 1, &clock);
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "first").await;
    let needed = |home: &Home| home.folder.index().unwrap().unwrap().position.offsets[0];
    home.later(HOUR).await;
    home.round();
    let before = needed(&home);
    assert!(0 < before && before <= home.log.bounds(0).unwrap().high_watermark, "{before}");
    home.send("alice", &["bob"], "second").await;
    home.engine.stop();
    drop(home);

    let home = Home::open(dir.path(), 1, &clock);
    home.later(HOUR).await;
    assert_eq!(home.round(), ["2023111423"]);
    assert_eq!(home.texts("2023111423"), ["second"]);
    assert!(needed(&home) > before);
    home.engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_for_their_time_and_hours_before_it_are_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "old").await;
    home.later(HOUR).await;
    assert_eq!(home.round(), ["2023111422"]);
    home.later(7 * DAY - HOUR).await;
    home.send("alice", &["bob"], "new").await;
    assert_eq!(home.folder.hours().unwrap().len(), 1, "its hour ended less than seven days ago");
    home.later(HOUR).await;
    assert_eq!(home.round(), ["2023112122"]);
    assert_eq!(home.folder.hours().unwrap(), ["2023112122".parse().unwrap()]);

    std::fs::remove_dir_all(home.folder.path()).unwrap();
    assert_eq!(home.round(), ["2023112122"], "the old one is not made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_time_is_over_is_not_missed_while_no_hour_closes() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "old").await;
    home.later(HOUR).await;
    home.send("alice", &["bob"], "kept").await;
    home.later(HOUR).await;
    assert_eq!(home.round(), ["2023111422", "2023111423"]);
    home.clock.advance(7 * DAY - HOUR);
    for _ in 0..2 {
        assert_eq!(home.round(), [""; 0]);
        assert_eq!(home.folder.hours().unwrap(), ["2023111423".parse().unwrap()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_other_hours_or_of_another_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.round();
    let refused = home.writer_with(Settings { utc_offset: UtcOffset::minutes(480), ..SETTINGS }).err().unwrap();
    assert!(refused.to_string().contains("records.dir"), "{refused}");
    let other = Home::open(&dir.path().join("other"), 1, &Clock::manual(START));
    let other = Home { folder: Folder::new(home.folder.path()), ..other };
    assert!(matches!(other.writer_with(SETTINGS), Err(RecordsError::Folder(FolderError::Foreign { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_that_names_the_files_cuts_the_hours() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "22:13 UTC").await;
    home.later(20 * 60_000).await;
    home.send("alice", &["bob"], "22:33 UTC").await;
    home.later(HOUR).await;
    let writer = home.writer_with(Settings { utc_offset: UtcOffset::minutes(330), ..SETTINGS }).unwrap();
    let hours: Vec<_> = writer.round().unwrap().iter().map(Hour::to_string).collect();
    assert_eq!(hours, ["2023111503", "2023111504"]);
    assert_eq!(
        (home.texts("2023111503"), home.texts("2023111504")),
        (vec!["22:13 UTC".into()], vec!["22:33 UTC".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_does_not_wait_for_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "first").await;
    home.later(HOUR).await;
    let writer = home.writer();
    writer.stopping.store(true, Ordering::Relaxed);
    assert!(matches!(writer.round(), Err(RecordsError::Stopped)));
    assert_eq!(home.folder.hours().unwrap(), [], "it is there as a whole or not at all");
    assert_eq!(home.round(), ["2023111422"], "and is written at the next start");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_learns_of_the_position_and_stays_still_when_nothing_happens() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "first").await;
    let (writer, tap) = (home.writer(), home.engine.taps().remove(0));
    let round = async || {
        let written = writer.round().unwrap();
        record(writer.unrecorded(!written.is_empty()).unwrap()).await.unwrap();
        recorded(tap.consumers().unwrap())
    };
    let begun = round().await;
    assert!(begun.is_some(), "from the first round on nothing is trimmed that a file needs");
    home.later(HOUR).await;
    let written = round().await;
    assert!(written > begun, "{written:?}");
    assert_eq!(tap.needed_from().unwrap(), written);
    home.later(HOUR).await;
    let end = home.log.bounds(0).unwrap().high_watermark;
    assert_eq!(round().await, written, "an hour without messages is no news");
    assert_eq!(home.log.bounds(0).unwrap().high_watermark, end);
}

/// A node may have heard less of the log than its owner has folded.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_folded_and_cannot_be_read_yet_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice"]).await;
    let (behind, homes) = (MemoryLog::new(1), home.writer().homes().unwrap());
    let mut source = Source::new(&behind, &homes[0], 0, HERE);
    assert!(matches!(source.head(), Err(RecordsError::Log(LogError::Failed(_)))));
    assert_eq!(source.next_offset(), 0);
}

/// A node that was away for longer than the log is kept goes on with the first hour that is whole, and stays at it.
#[tokio::test(flavor = "multi_thread")]
async fn hours_that_the_log_does_not_hold_any_more_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path(), 1, &Clock::manual(START));
    home.people(&["alice", "bob"]).await;
    home.send("alice", &["bob"], "first").await;
    home.later(HOUR).await;
    assert_eq!(home.round(), ["2023111422"]);
    home.send("alice", &["bob"], "lost").await;
    home.later(HOUR).await;
    let end = home.log.bounds(0).unwrap().high_watermark;
    home.log.trim(0, end - 1).unwrap();
    assert_eq!(home.log.bounds(0).unwrap().first, end - 1);
    home.send("alice", &["bob"], "in an hour that is not whole").await;
    home.later(HOUR).await;
    home.send("alice", &["bob"], "whole").await;
    home.later(HOUR).await;
    assert_eq!(home.round(), ["2023111501"]);
    assert_eq!(home.texts("2023111501"), ["whole"]);
    std::fs::remove_file(home.folder.file("2023111422".parse().unwrap())).unwrap();
    assert_eq!(home.round(), ["2023111501"], "nobody can write the first one again");
    assert_eq!(home.round(), [""; 0], "and it is looked for once");
}
