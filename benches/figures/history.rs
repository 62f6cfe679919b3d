//! Events as a busy server makes them: people who write to a few others each.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use duolog::domain::fold::FOLD_VERSION;
use duolog::engine::{Ids, record_of};
use duolog::log::{EmbeddedLog, Log, Record};
use duolog_topics::{
    Account, AccountImported, Authority, Envelope, Event, FoldVersion, LogId, LogOpened, MessageContent, MessageFlags,
    MessageSent, Millis, Origin, OwnerChanged, PolicyChanged, RawJson, SenderCopy,
};

/// Accounts of every benchmark.
pub const PEOPLE: u64 = 10_000;
/// Everybody writes within a circle of so many, himself among them.
const CIRCLE: u64 = 16;
/// Bytes of a message's text.
pub const TEXT: usize = 200;
/// Records of one append when a log is prepared.
const BATCH: usize = 1_024;
/// Messages in a millisecond of prepared history.
const IN_A_MILLISECOND: u64 = 20;

pub fn person(number: u64) -> Account {
    Account::new(format!("user{number:08}")).expect("letters and digits")
}

/// Sender and message of a number. The same number gives the same message, but for its text.
pub fn message(number: u64) -> (Account, MessageSent) {
    let chosen = mixed(number);
    let sender = chosen % PEOPLE;
    let circle = sender - sender % CIRCLE;
    let others = CIRCLE.min(PEOPLE - circle) - 1;
    let step = 1 + (chosen >> 32) % others;
    let receiver = circle + (sender - circle + step) % (others + 1);
    (person(sender), message_to(person(receiver), number))
}

/// The message of a number, to somebody.
pub fn message_to(receiver: Account, number: u64) -> MessageSent {
    let content = MessageContent {
        body: body(number),
        custom: None,
        msg_seq: number as u32,
        random: mixed(number) as u32,
        flags: MessageFlags::default(),
        origin: Origin::Client,
        life: None,
        push: None,
        platform: None,
        ip: None,
    };
    MessageSent {
        receivers: vec![receiver],
        content,
        seq_given: true,
        request_hash: mixed(!number),
        imported_time: None,
        sender_copy: SenderCopy::Full,
        operator: None,
        session: None,
    }
}

/// A text element of [`TEXT`] letters without a pattern.
fn body(number: u64) -> RawJson {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789  ";
    let mut text = String::with_capacity(TEXT + 64);
    text.push_str(r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":""#);
    let end = text.len() + TEXT;
    let mut place = number << 8;
    while text.len() < end {
        place += 1;
        let mut letters = mixed(place);
        for _ in 0..(end - text.len()).min(10) {
            text.push(LETTERS[(letters & 63) as usize] as char);
            letters >>= 6;
        }
    }
    text.push_str(r#""}}]"#);
    RawJson::from_checked(text)
}

/// A number that looks random (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Makes the records of a log's one partition, without a server.
pub struct Writer {
    log: Arc<EmbeddedLog>,
    ids: Ids,
    time: Millis,
    batch: Vec<Record>,
}

impl Writer {
    /// A new log with its opening records and all [`PEOPLE`].
    pub fn new(path: &Path, before: Millis) -> Result<Self> {
        let log = Arc::new(EmbeddedLog::open(path, 1)?);
        let mut writer = Self { log, ids: Ids::seeded(1), time: before, batch: Vec::new() };
        let log_id = LogId::now_v7();
        let (generation, partitions, format) = (0, 1, 1);
        let system = Account::new("@duolog")?;
        let opened = LogOpened { log_id, generation, partitions, format };
        writer.add(0, &system, &opened.into())?;
        let owner = OwnerChanged { log_id, generation, partitions, epoch: 1, node: "bench".to_owned() };
        writer.add(1, &system, &owner.into())?;
        writer.add(1, &system, &FoldVersion { n: FOLD_VERSION }.into())?;
        writer.add(1, &system, &policy().into())?;
        for number in 0..PEOPLE {
            let imported = AccountImported { nick: None, face_url: None };
            writer.add(1, &person(number), &imported.into())?;
        }
        Ok(writer)
    }

    /// Appends the messages of these numbers.
    pub fn messages(&mut self, numbers: std::ops::Range<u64>) -> Result<()> {
        for number in numbers {
            let (sender, message) = message(number);
            self.message(number, &sender, message)?;
        }
        Ok(())
    }

    pub fn message(&mut self, number: u64, sender: &Account, message: MessageSent) -> Result<()> {
        self.time += u64::from(number.is_multiple_of(IN_A_MILLISECOND));
        self.add(1, sender, &message.into())
    }

    /// The log, when all is appended.
    pub fn finish(mut self) -> Result<Arc<EmbeddedLog>> {
        self.flush()?;
        Ok(self.log)
    }

    fn add(&mut self, epoch: u64, account: &Account, event: &Event) -> Result<()> {
        let envelope = Envelope {
            id: self.ids.event_id(self.time),
            time: self.time,
            account: account.clone(),
            authority: Authority::Epoch(epoch),
        };
        self.batch.push(record_of(&envelope, event));
        if self.batch.len() == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.log.append(0, std::mem::take(&mut self.batch))?;
        Ok(())
    }
}

/// A log in which so many messages were sent within the last hours.
pub fn log(path: &Path, messages: u64) -> Result<Arc<EmbeddedLog>> {
    let mut writer = Writer::new(path, now() - messages / IN_A_MILLISECOND - 1_000)?;
    writer.messages(0..messages)?;
    writer.finish()
}

pub fn now() -> Millis {
    duolog::clock::Clock::anchored(0).now()
}

pub fn policy() -> PolicyChanged {
    PolicyChanged { revision: 1, ..PolicyChanged::default() }
}
