//! Several engines over one log in one process: nodes without a network.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::*;
use crate::engine::peers::{Ask, Reply};
use crate::error::Code;
use crate::log::{Bounds, LogError, ReadLimit, Stored};

/// A node's way to the log, which a test may close: the node then stands still, as a stopped process does.
pub(super) struct Gate {
    log: MemoryLog,
    open: Mutex<bool>,
    opened: parking_lot::Condvar,
}

impl Gate {
    pub fn new(log: &MemoryLog) -> Arc<Self> {
        Arc::new(Self { log: log.clone(), open: Mutex::new(true), opened: parking_lot::Condvar::new() })
    }

    pub fn set(&self, open: bool) {
        *self.open.lock() = open;
        self.opened.notify_all();
    }

    fn pass(&self) -> &MemoryLog {
        let mut open = self.open.lock();
        self.opened.wait_while(&mut open, |open| !*open);
        &self.log
    }
}

impl Log for Gate {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        self.pass().append(partition, batch)
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        self.pass().read(partition, from, limit)
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        self.pass().wait(partition, from, timeout)
    }

    fn wake(&self, partition: u32) {
        self.log.wake(partition);
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        self.pass().trim(partition, below)
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        self.pass().bounds(partition)
    }
}

/// Who owns what, and every engine by its number.
#[derive(Default)]
pub(super) struct Town {
    owners: Mutex<HashMap<u32, usize>>,
    engines: Mutex<HashMap<usize, Engine>>,
    changes: watch::Sender<u64>,
    /// How many questions went from one node to another.
    asked: Mutex<u64>,
}

struct TownPeers(Arc<Town>);

impl Peers for TownPeers {
    fn ask(&self, partition: u32, ask: Ask) -> BoxFuture<'static, Result<Reply, EngineError>> {
        *self.0.asked.lock() += 1;
        let owner = self.0.owners.lock().get(&partition).copied();
        let engine = owner.and_then(|owner| self.0.engines.lock().get(&owner).cloned());
        let ask = linked(&ask);
        let answer = async move { engine.ok_or(EngineError::NotOwner { epoch: 0 })?.answer(partition, ask).await };
        answer.map(|answer| linked(&answer)).boxed()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

/// What comes out at the other end of a link between nodes.
fn linked<T: serde::Serialize + serde::de::DeserializeOwned>(said: &T) -> T {
    rmp_serde::from_slice(&rmp_serde::to_vec_named(said).unwrap()).unwrap()
}

pub(super) struct Node {
    pub number: usize,
    pub engine: Engine,
    pub gate: Arc<Gate>,
    stores: Vec<Store>,
    town: Arc<Town>,
    _dir: tempfile::TempDir,
}

impl Node {
    fn start(town: &Arc<Town>, log: &MemoryLog, number: usize) -> Self {
        let (dir, gate) = (tempfile::tempdir().unwrap(), Gate::new(log));
        let shared = Shared::new(SharedSizes::default()).unwrap();
        let store = |id: u32| Store::open(&dir.path().join(id.to_string()), &shared, ExpiredRows::new()).unwrap();
        let engine = Engine::new(Common {
            node: format!("node {number}"),
            peers: Some(Arc::new(TownPeers(town.clone()))),
            ..Common::of(gate.clone())
        });
        town.engines.lock().insert(number, engine.clone());
        let stores = (0..log.partitions()).map(store).collect();
        Self { number, engine, gate, stores, town: town.clone(), _dir: dir }
    }

    /// Takes a partition over and puts itself into the directory.
    pub async fn take(&self, partition: u32) -> Result<u64, OpenError> {
        let (engine, store) = (self.engine.clone(), self.stores[partition as usize].clone());
        let taken = move || engine.take_over(partition, store, None, &mut |_, _, _| true);
        let epoch = tokio::task::spawn_blocking(taken).await.unwrap()?;
        self.town.owners.lock().insert(partition, self.number);
        self.town.changes.send_modify(|count| *count += 1);
        Ok(epoch)
    }

    pub async fn let_go(&self, partition: u32) {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || engine.let_go(partition)).await.unwrap();
    }

    async fn lost(&self, partition: u32) {
        let mut moves = self.engine.moves();
        moves.wait_for(|_| !self.engine.owns().contains_key(&partition)).await.unwrap();
    }
}

/// Three nodes and three partitions, one each.
pub(super) async fn town() -> (MemoryLog, Vec<Node>) {
    let (log, town) = (MemoryLog::new(3), Arc::<Town>::default());
    let nodes: Vec<Node> = (0..3).map(|number| Node::start(&town, &log, number)).collect();
    for (partition, node) in (0..).zip(&nodes) {
        assert_eq!(node.take(partition).await.unwrap(), 1);
    }
    (log, nodes)
}

pub(super) async fn stop(nodes: Vec<Node>) {
    for node in nodes {
        node.gate.set(true);
        tokio::task::spawn_blocking(move || node.engine.stop()).await.unwrap();
    }
}

/// An account whose home is this partition.
pub(super) fn resident(engine: &Engine, partition: u32, nth: usize) -> String {
    let names = (0..).map(|number| format!("user{number}"));
    names.filter(|who| engine.partition_of(&name(who)) == partition).nth(nth).unwrap()
}

/// Rows of every partition, rebuilt from the log alone, equal those of the store of its owner.
pub(super) fn verify(log: &MemoryLog, nodes: &[Node]) {
    use crate::domain::rows::{Direction, KeyRange, MapRows, Rows};
    use crate::rebuild::{Span, fold_log};
    let all = |rows: &dyn Rows| {
        let mut found = Vec::new();
        let range = KeyRange { from: std::ops::Bound::Unbounded, until: std::ops::Bound::Unbounded };
        rows.scan(range, Direction::Forward, &mut |key, value| {
            // Outbox rows go when their owner has heard that they have arrived.
            if key[0] != crate::domain::rows::Table::Outbox as u8 {
                found.push((key.to_vec(), value.to_vec()));
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        found
    };
    for node in nodes {
        for partition in node.engine.owns().into_keys() {
            // A courier may still repeat what has arrived: so up to one place.
            let view = node.stores[partition as usize].view();
            let end = view.applied().unwrap().unwrap().next;
            let mut rebuilt = MapRows::default();
            fold_log(log, Span { partition, from: 0, end }, &mut rebuilt, &mut ()).unwrap();
            let (rebuilt, live) = (all(&rebuilt), all(&view));
            let different = rebuilt.iter().zip(&live).find(|(rebuilt, live)| rebuilt != live);
            assert_eq!(different, None, "partition {partition}");
            assert_eq!(rebuilt.len(), live.len(), "partition {partition}");
        }
    }
}

/// Waits until a mailbox holds so many entries.
pub(super) async fn holds(engine: &Engine, account: &str, count: usize) -> Vec<String> {
    loop {
        let found = inbox(engine, account).await;
        if found.len() >= count {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_node_serves_every_account() {
    let (log, nodes) = town().await;
    let people: Vec<String> = (0..3).map(|partition| resident(&nodes[0].engine, partition, 0)).collect();
    import(&nodes[0].engine, &people.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (number, node) in nodes.iter().enumerate() {
        for from in &people {
            for to in people.iter().filter(|to| *to != from) {
                let event = message(&[to], &format!("by node {number}"), number as u32);
                sent(send(&node.engine, from, event.clone()).await);
                sent(send(&nodes[(number + 1) % 3].engine, from, event).await);
            }
        }
    }
    for who in &people {
        // From two senders by three nodes, and the own ones; none twice, though each was sent over two nodes.
        assert_eq!(holds(&nodes[1].engine, who, 12).await.len(), 12);
    }
    let accounts = people.iter().map(|who| name(who)).collect();
    let exist = nodes[2].engine.read_each(accounts, |mailbox, account| mailbox.exists(account)).await.unwrap();
    assert_eq!(exist, [true; 3]);
    verify(&log, &nodes);
    stop(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_from_afar_in_one_view() {
    let (_, nodes) = town().await;
    let (from, to) = (resident(&nodes[0].engine, 0, 0), resident(&nodes[0].engine, 0, 1));
    import(&nodes[0].engine, &[&from, &to]).await;
    let sends = (0..600).map(|number| send(&nodes[0].engine, &from, message(&[&to], "x", number)));
    futures_util::future::join_all(sends).await;
    let owner = name(&to);
    let query = move |mailbox: &crate::domain::view::Mailbox<'_>| mailbox.timeline(&owner, 0, 600);
    let here = nodes[0].engine.read(&name(&to), query.clone()).await.unwrap();
    let afar = nodes[1].engine.read(&name(&to), query).await.unwrap();
    assert_eq!(here.list.len(), 600);
    let places = |page: &crate::domain::view::TimelinePage| page.list.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(places(&here), places(&afar));
    stop(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_moves_keeps_who_looks_for_it_waiting() {
    let (log, nodes) = town().await;
    let (from, to) = (resident(&nodes[0].engine, 1, 0), resident(&nodes[0].engine, 2, 0));
    import(&nodes[0].engine, &[&from, &to]).await;
    let mut live = nodes[1].engine.registry().register(&name(&from), "session");
    nodes[1].let_go(1).await;
    assert!(matches!(live.next().await, Live::Moved));
    let engine = nodes[0].engine.clone();
    let (who, whom) = (from.clone(), to.clone());
    let waiting = tokio::spawn(async move { send(&engine, &who, message(&[&whom], "on the way", 1)).await });
    assert_eq!(nodes[2].take(1).await.unwrap(), 2);
    sent(waiting.await.unwrap());
    assert_eq!(holds(&nodes[0].engine, &to, 1).await.len(), 1);

    nodes[2].let_go(1).await;
    let refused = nodes[0].engine.submit(&name(&from), message(&[&to], "nobody", 2).into()).await;
    assert!(matches!(refused, Err(EngineError::NotOwner { .. })), "{refused:?}");
    // Its own state is reused: it folds what the others wrote.
    assert_eq!(nodes[1].take(1).await.unwrap(), 3);
    assert_eq!(inbox(&nodes[0].engine, &from).await.len(), 1);
    verify(&log, &nodes);
    stop(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_owner_that_wakes_up_never_acks() {
    let (log, nodes) = town().await;
    let (from, to) = (resident(&nodes[0].engine, 0, 0), resident(&nodes[0].engine, 1, 0));
    import(&nodes[0].engine, &[&from, &to]).await;
    sent(send(&nodes[0].engine, &from, message(&[&to], "before", 1)).await);
    nodes[0].gate.set(false);
    let paused = nodes[0].engine.clone();
    let (who, whom) = (from.clone(), to.clone());
    let zombie = tokio::spawn(async move { paused.submit(&name(&who), message(&[&whom], "zombie", 2).into()).await });
    // It is decided, and stands before the log.
    let home = nodes[0].engine.owned(0).unwrap();
    while home.pending.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(nodes[2].take(0).await.unwrap(), 2);
    sent(send(&nodes[1].engine, &from, message(&[&to], "after", 3)).await);
    let end = log.bounds(0).unwrap().high_watermark;
    nodes[0].gate.set(true);
    nodes[0].lost(0).await;
    // Its record comes to stand in the log, after the new owner's, and changes nothing: the request was tried again there, or
    // its fate is told as unknown, which may be before. Never as what the paused owner decided.
    let answer = zombie.await.unwrap();
    while log.bounds(0).unwrap().high_watermark == end {
        tokio::task::yield_now().await;
    }
    let (acked, count) = match answer {
        Ok(verdict) => (sent(verdict).sequence.is_some(), 3),
        Err(EngineError::Unknown | EngineError::NotOwner { .. }) => (true, 2),
        Err(other) => panic!("{other}"),
    };
    assert!(acked);
    assert_eq!(holds(&nodes[0].engine, &to, count).await.len(), count);
    sent(send(&nodes[0].engine, &from, message(&[&to], "zombie", 2)).await);
    assert_eq!(holds(&nodes[0].engine, &to, 3).await.len(), 3, "the retry takes effect once");
    verify(&log, &nodes);
    stop(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_take_over_at_once_are_one_owner() {
    let (_, nodes) = town().await;
    nodes[0].let_go(0).await;
    for _ in 0..5 {
        let (first, second) = tokio::join!(nodes[1].take(0), nodes[2].take(0));
        // One of two equal epochs wins. If they came one after the other, the later one has fenced the earlier one.
        match (&first, &second) {
            (Ok(first), Ok(second)) => {
                assert_ne!(first, second);
                nodes[if first < second { 1 } else { 2 }].lost(0).await;
            }
            (Ok(_), Err(OpenError::Overtaken { .. })) | (Err(OpenError::Overtaken { .. }), Ok(_)) => {}
            other => panic!("{other:?}"),
        }
        let owners = nodes.iter().filter(|node| node.engine.owns().contains_key(&0)).count();
        assert_eq!(owners, 1);
        nodes[1].let_go(0).await;
        nodes[2].let_go(0).await;
    }
    stop(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_partition_is_looked_at_from_afar() {
    let (_, nodes) = town().await;
    let people: Vec<String> = (0..3).map(|partition| resident(&nodes[0].engine, partition, 0)).collect();
    import(&nodes[0].engine, &people.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for partition in 0..3 {
        let who = name(&people[partition as usize]);
        let look = |node: &Node| {
            let (engine, who) = (node.engine.clone(), who.clone());
            let look = move || {
                engine.look(partition, |mailbox, next| Ok((mailbox.meta.partition, mailbox.exists(&who)?, next)))
            };
            tokio::task::spawn_blocking(move || look().unwrap())
        };
        let here = look(&nodes[partition as usize]).await.unwrap();
        assert_eq!((here.0, here.1), (partition, true));
        for node in &nodes {
            assert_eq!(look(node).await.unwrap(), here);
        }
    }
    stop(nodes).await;
}

/// The runtime that would wait for the answer may have ended.
#[tokio::test(flavor = "multi_thread")]
async fn once_stopped_a_node_looks_at_no_other() {
    let (_, nodes) = town().await;
    let look = |node: &Node| {
        let engine = node.engine.clone();
        tokio::task::spawn_blocking(move || engine.look(1, |mailbox, _| Ok(mailbox.meta.partition)))
    };
    assert!(matches!(look(&nodes[0]).await.unwrap(), Ok(1)));
    let engine = nodes[0].engine.clone();
    tokio::task::spawn_blocking(move || engine.stop()).await.unwrap();
    assert!(matches!(look(&nodes[0]).await.unwrap(), Err(EngineError::Stopped)));
    assert!(matches!(look(&nodes[2]).await.unwrap(), Ok(1)), "others do");
    stop(nodes).await;
}

/// Says what it was asked by, and refuses or rewrites as the text of a message wants.
struct Asked {
    node: usize,
    log: Arc<Mutex<Vec<(usize, u32)>>>,
}

impl BeforeSend for Asked {
    fn ask<'a>(&'a self, _: &'a Account, message: &'a MessageSent) -> BoxFuture<'a, Permission> {
        let content = &message.content;
        self.log.lock().push((self.node, content.random));
        let permission = match content.body.as_str() {
            body if body.contains("refuse") => {
                Permission::Refuse { code: Code::REFUSED_BY_HOOK, info: Some("no".to_owned()) }
            }
            body if body.contains("rewrite") => Permission::Replace { body: None, custom: Some("added".to_owned()) },
            _ => Permission::Allow,
        };
        std::future::ready(permission).boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_is_asked_once_and_in_the_senders_home() {
    let (_, nodes) = town().await;
    let asked = Arc::<Mutex<Vec<(usize, u32)>>>::default();
    for node in &nodes {
        node.engine.set_hook(Arc::new(Asked { node: node.number, log: asked.clone() }));
    }
    let (from, to) = (resident(&nodes[0].engine, 1, 0), resident(&nodes[0].engine, 2, 0));
    import(&nodes[0].engine, &[&from, &to]).await;
    for node in &nodes {
        let random = node.number as u32;
        sent(send(&node.engine, &from, message(&[&to], "plain", random)).await);
        // A retry over another node is answered without asking again.
        sent(send(&nodes[(node.number + 1) % 3].engine, &from, message(&[&to], "plain", random)).await);
    }
    assert_eq!(std::mem::take(&mut *asked.lock()), [(1, 0), (1, 1), (1, 2)]);
    let changed = sent(send(&nodes[0].engine, &from, message(&[&to], "rewrite", 3)).await).changed.unwrap();
    assert_eq!(changed.custom.as_deref(), Some("added"));
    let refused = nodes[0].engine.submit(&name(&from), message(&[&to], "refuse", 4).into()).await;
    assert!(matches!(refused, Err(EngineError::Hook { info: Some(info), .. }) if info == "no"));

    // When the home moves, its new owner asks.
    nodes[1].let_go(1).await;
    nodes[0].take(1).await.unwrap();
    asked.lock().clear();
    sent(send(&nodes[1].engine, &from, message(&[&to], "plain", 5)).await);
    assert_eq!(*asked.lock(), [(0, 5)]);
    stop(nodes).await;
}
