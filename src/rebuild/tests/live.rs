use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use duolog_topics::{
    Account, Authority, Envelope, Event, EventId, FoldVersion, LogId, LogOpened, Millis, MsgKey, Origin, OwnerChanged,
    SenderCopy,
};

use super::events::Op;
use crate::domain::fold::Fold;
use crate::domain::rows::{
    Changes, ConversationRow, Direction, HistoryRow, Key, KeyRange, MapRows, Row as _, Rows as _, Table,
};
use crate::domain::verdict::{Answer, Sent, Verdict};
use crate::engine::{ExpiredRows, record_of};
use crate::log::{Log, MemoryLog};
use crate::store::Expiry;

/// A message that the log accepted.
pub struct Known {
    pub from: Account,
    pub to: Account,
    pub key: MsgKey,
    pub time: Millis,
}

/// A partition as an owner keeps it: each record is folded by itself as it comes, and rows that have expired leave the
/// disk when a compaction happens to meet them.
pub struct Live {
    pub log: MemoryLog,
    pub rows: MapRows,
    pub records: u64,
    pub sent: Vec<Known>,
    pub time: Millis,
    pub revision: u64,
    expiry: Arc<ExpiredRows>,
    epoch: u64,
}

pub fn name(number: u8) -> Account {
    Account::new(["alice", "bob", "carol", "dave"][usize::from(number % 4)]).unwrap()
}

impl Live {
    pub fn new() -> Self {
        let mut live = Self {
            log: MemoryLog::new(1),
            rows: MapRows::default(),
            records: 0,
            sent: Vec::new(),
            time: 1_700_000_000_000,
            revision: 0,
            expiry: ExpiredRows::new(),
            epoch: 0,
        };
        let opened = LogOpened { log_id: LogId::from_u128(7), generation: 0, partitions: 1, format: 1 };
        live.write(&name(0), opened.into());
        live.new_owner();
        live.write(&name(0), FoldVersion { n: 1 }.into());
        live
    }

    pub fn new_owner(&mut self) {
        self.epoch += 1;
        let log_id = LogId::from_u128(7);
        let owner = OwnerChanged { log_id, generation: 0, partitions: 1, epoch: self.epoch, node: "n".to_owned() };
        self.write(&name(0), owner.into());
    }

    pub fn play(&mut self, op: &Op) {
        match op {
            Op::Wait(time) => self.time += time,
            Op::NewOwner => self.new_owner(),
            Op::Compact(seed) => self.compact(*seed),
            Op::Earlier => self.rows.apply(&self.earlier()),
            op => {
                if let Some((account, event)) = op.event(self) {
                    self.write(&account, event);
                }
            }
        }
    }

    /// A plain message from the first account to the second.
    pub fn send(&mut self, random: u32) {
        let (origin, copy) = (Origin::Client, SenderCopy::Full);
        self.play(&Op::Send { from: 0, to: 1, random, origin, copy, bits: 0, back: 0 });
    }

    fn write(&mut self, account: &Account, event: Event) {
        self.time += 1;
        let envelope = Envelope {
            id: EventId::new(self.time, [0; 10]),
            time: self.time,
            account: account.clone(),
            authority: Authority::Epoch(self.epoch),
        };
        let offset = self.log.append(0, vec![record_of(&envelope, &event)]).unwrap()[0];
        let mut fold = Fold::new(&self.rows, 0, true).unwrap();
        let folded = fold.apply(offset, &envelope, &event).unwrap();
        let (changes, meta) = fold.finish();
        self.rows.apply(&changes);
        self.expiry.follow(&meta);
        self.records += 1;
        if let (Event::MessageSent(message), Verdict::Applied(Answer::Sent(Sent { key, time, .. }))) =
            (event, folded.verdict)
        {
            let to = message.receivers[0].clone();
            self.sent.push(Known { from: account.clone(), to, key, time });
        }
    }

    /// What makes of all histories what format 1 had: one row a message, and none in a conversation.
    fn earlier(&self) -> Changes {
        let mut changes = Changes::default();
        let all = KeyRange { from: Bound::Unbounded, until: Bound::Unbounded };
        let visit = &mut |key: &[u8], value: &[u8]| {
            let (names, entries) = match Table::from_byte(key[0]) {
                Some(Table::History) => {
                    changes.set(Key::from(key), None);
                    (&key[1..key.len() - size_of::<[u64; 2]>()], HistoryRow::read(key, value).unwrap().1.entries)
                }
                Some(Table::Conversation) => {
                    let mut row = ConversationRow::decode(value).unwrap();
                    let entries = std::mem::take(&mut row.newest);
                    let mut value = row.encode().to_vec();
                    value.truncate(value.len() - ConversationRow::added_since(1).unwrap().len());
                    value[0] = 1;
                    changes.set(Key::from(key), Some(Bytes::from(value).into()));
                    (&key[1..], entries)
                }
                _ => return ControlFlow::Continue(()),
            };
            for (place, entry) in entries.to_vec().unwrap() {
                let fields = (entry.flags, entry.pointer, entry.msg_seq, entry.random);
                let fields = postcard::to_stdvec(&fields).unwrap();
                let value = [&[1], entry.record_time.to_be_bytes().as_slice(), &fields].concat();
                let key = Key::of(Table::History).bytes(names).place(place);
                changes.set(key, Some(Bytes::from(value).into()));
            }
            ControlFlow::Continue(())
        };
        self.rows.scan(all, Direction::Forward, visit).unwrap();
        changes
    }

    /// Takes about half of the rows that may go, another half for each seed.
    fn compact(&mut self, seed: u8) {
        let expiry = self.expiry.clone();
        let meets = |key: &[u8]| key.iter().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) & 1 == 0;
        self.rows.retain(|key, value| !(meets(key) && expiry.expired(key, value)));
    }
}
