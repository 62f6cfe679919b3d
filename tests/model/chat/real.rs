use duolog::clock::Clock;
use duolog::data_dir::{DataDir, OpenData};
use duolog::domain::rows::{Direction, RelationKind};
use duolog::domain::verdict::{Answer, Verdict};
use duolog::domain::view::{Entry, HistoryQuery, Mailbox, MessageView};
use duolog::engine::{Engine, Parts};
use duolog::log::Log;
use duolog_test_messages::{content, name, sent};
use duolog_topics::{
    Account, AccountImported, BlacklistChanged, ConversationDeleted, ConversationRead, Event, MessageContent,
    MessageRecalled, MsgKey, Platform, PolicyChanged, RawJson, SessionOpened,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Every message of a history has this sequence number; their randoms differ.
const MSG_SEQ: u32 = 7;
/// More than any history holds.
const ALL: usize = 10_000;

/// An engine on an embedded log of its own.
pub struct Real {
    pub clock: Clock,
    dir: TempDir,
    runtime: Runtime,
    engine: Option<Engine>,
    /// Held while the engine has the directory.
    lock: Option<duolog::dir_lock::DirLock>,
}

impl Real {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut real = Self { clock: Clock::manual(1_700_000_000_000), dir, runtime, engine: None, lock: None };
        real.open();
        real
    }

    fn open(&mut self) {
        let OpenData { log, stores, expiry, lock } = DataDir::new(self.dir.path(), None).open(1).unwrap();
        let log: std::sync::Arc<dyn Log> = log;
        let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
        let clock = Some(self.clock.clone());
        let parts = Parts { log, stores, expiry, policy, node: "model".to_owned(), clock, aside: None };
        self.engine = Some(Engine::open(parts, |_, _, _| {}).unwrap());
        self.lock = Some(lock);
    }

    pub fn stop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop();
        }
        self.lock = None;
    }

    pub fn restart(&mut self, without_state: bool) {
        self.stop();
        if without_state {
            std::fs::remove_dir_all(self.dir.path().join("state")).unwrap();
        }
        self.open();
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn submit(&self, who: &str, event: impl Into<Event>) -> Verdict {
        self.runtime.block_on(self.engine().submit(&name(who), event.into())).unwrap()
    }

    fn read<T: Send + 'static>(
        &self,
        who: &str,
        query: impl FnOnce(&Mailbox<'_>, &Account) -> T + Send + 'static,
    ) -> T {
        let account = name(who);
        let home = account.clone();
        let read = self.engine().read(&home, move |mailbox| Ok(query(mailbox, &account)));
        self.runtime.block_on(read).unwrap()
    }

    /// The log's own time.
    pub fn time(&self) -> u64 {
        self.read("anybody", |mailbox, _| mailbox.meta.time)
    }

    pub fn import(&self, who: &str) {
        assert_eq!(self.submit(who, AccountImported { nick: None, face_url: None }), Verdict::Applied(Answer::Done));
    }

    /// The message time.
    pub fn send(&self, from: &str, to: &str, random: u32) -> u64 {
        let body = RawJson::from_checked(format!("[{random}]"));
        let event = sent(&[to], MessageContent { msg_seq: MSG_SEQ, ..content(body, random) });
        match self.submit(from, event) {
            Verdict::Applied(Answer::Sent(sent)) | Verdict::Repeat(Answer::Sent(sent)) => sent.time,
            other => panic!("not sent: {other:?}"),
        }
    }

    pub fn recall(&self, from: &str, to: &str, random: u32, time: u64) -> Verdict {
        let key = MsgKey { seq: MSG_SEQ, random, time: time / 1000 };
        let (from, to) = (name(from), name(to));
        let event = MessageRecalled { from: from.clone(), to, key, by: from.clone(), by_operator: false, via: None };
        self.submit(from.as_str(), event)
    }

    pub fn read_all(&self, who: &str, peer: &str) {
        let event = ConversationRead { reader: name(who), peer: name(peer), until: None, via: None };
        assert!(matches!(self.submit(who, event), Verdict::Applied(Answer::Read { .. })));
    }

    pub fn delete_recent(&self, who: &str, peer: &str) {
        let event = ConversationDeleted { peer: name(peer), clear_history: false };
        assert_eq!(self.submit(who, event), Verdict::Applied(Answer::Done));
    }

    pub fn block(&self, who: &str, peer: &str, blocked: bool) {
        let event = BlacklistChanged { owner: name(who), peers: vec![name(peer)], blocked, decided: None, via: None };
        let expected = Answer::Results(vec![(name(peer), Ok(()))]);
        assert_eq!(self.submit(who, event), Verdict::Applied(expected));
    }

    /// The messages of the catch-up: random, and whether it was recalled.
    pub fn login(&self, who: &str, device: &str) -> Vec<(u32, bool)> {
        let event = SessionOpened {
            session: self.engine().new_session(),
            device: device.to_owned(),
            platform: Platform::Android,
            signed_at: u64::MAX,
            resumes: None,
            cursor: None,
            ip: None,
        };
        let Verdict::Applied(Answer::Opened(opened)) = self.submit(who, event) else {
            panic!("{who} is not let in");
        };
        let page = self.read(who, move |mailbox, who| mailbox.timeline(who, opened.cursor, ALL).unwrap());
        assert_eq!(page.cursor, opened.head);
        page.list
            .iter()
            .filter_map(|(_, entry)| match entry {
                Entry::Message(message) => Some(shown(message)),
                Entry::Change { .. } => None,
            })
            .collect()
    }

    pub fn ack(&self, who: &str, device: &str) {
        let head = self.read(who, |mailbox, who| mailbox.account(who).unwrap().unwrap().sequence);
        self.engine().advance_cursor(&name(who), device, head);
    }

    /// Forwards, and backwards in pages: both say the same.
    pub fn history(&self, who: &str, peer: &str) -> Vec<(u32, bool)> {
        let page = |direction| {
            let peer = name(peer);
            let query = HistoryQuery { direction, from: None, limit: ALL, since: None, until: None };
            let page = self.read(who, move |mailbox, who| mailbox.history(who, &peer, &query).unwrap().unwrap());
            page.list.iter().map(|(_, message)| shown(message)).collect::<Vec<_>>()
        };
        let forward = page(Direction::Forward);
        assert_eq!(forward, page(Direction::Backward));
        forward
    }

    pub fn recents(&self, who: &str) -> Vec<(String, u64)> {
        let found = self.read(who, |mailbox, who| mailbox.recent_contacts(who, None).unwrap());
        assert_eq!(found.unread_total, found.list.iter().map(|contact| contact.unread).sum::<u64>());
        found.list.into_iter().map(|contact| (contact.peer.as_str().to_owned(), contact.unread)).collect()
    }

    pub fn blacklist(&self, who: &str) -> Vec<String> {
        let found = self.read(who, |mailbox, who| mailbox.listed(who, RelationKind::Block, None, ALL).unwrap());
        found.into_iter().map(|listed| listed.peer.as_str().to_owned()).collect()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.stop();
    }
}

fn shown(message: &MessageView) -> (u32, bool) {
    assert_eq!(message.body.as_str() == "[]", message.flags.recalled, "a recalled message has no body");
    (message.random, message.flags.recalled)
}
