//! A server as one of several nodes: how it is put together when the log is on Kafka.
//!
//! Start: the log, no store yet; the directory of owners; an engine that owns nothing; the listener for other nodes; then
//! the group, which gives it partitions. It is ready when every partition has an owner, here or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::cluster::{self, ClusterKey, Directory, Forwarder, Group, HttpPeers, Internal, Keeper, Me, OwnersTopic};
use crate::config::Config;
use crate::consumers::DeadLetters;
use crate::data_dir::{DataDir, Stores};
use crate::engine::{Common, Engine, Ids};
use crate::gateway::listener::Listener;
use crate::gateway::ws::{Dial, WsState};
use crate::log::kafka::KafkaSettings;
use crate::open_log::{kafka_settings, open_log};
use crate::server::{Opened, ServerError};

/// Connections of other nodes at once.
const PEER_CONNECTIONS: usize = 4_096;
/// How long a start waits until every partition has an owner. Longer than a dead node keeps its partitions.
const SETTLE_TIME: Duration = Duration::from_secs(60);
/// How long the state of a partition that another node has is kept, and how often that is looked at.
const LOST_STATE: Duration = Duration::from_secs(24 * 60 * 60);
const LOOK_FOR_LOST: Duration = Duration::from_secs(60 * 60);
/// How long a stop waits for partitions to be let go.
const LET_GO: Duration = Duration::from_secs(10);

/// A node that has not joined the others yet.
pub(crate) struct Node {
    settings: KafkaSettings,
    stores: Stores,
    directory: Arc<Directory>,
    key: ClusterKey,
    me: Me,
    listener: TcpListener,
}

/// A node among the others. Dropping it lets its partitions go, and then leaves; blocks.
pub(crate) struct Joined {
    keeper: Keeper,
    group: Option<Group>,
    _listening: watch::Sender<bool>,
}

/// Opens the log and an engine that owns nothing.
///
/// # Errors
/// [`ServerError`].
pub(crate) async fn open(config: &Config, data: &DataDir, letters: DeadLetters) -> Result<Opened, ServerError> {
    let address = config.cluster.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
    let advertised = match config.cluster.advertise.as_str() {
        "" => listener.local_addr()?.to_string(),
        advertised => advertised.to_owned(),
    };
    let me = Me { node: config.node_name()?, address: advertised };
    let key = match config.cluster_secret()? {
        Some(secret) => ClusterKey::new(secret.reveal()),
        None => ClusterKey::new(&config.app_identity()?.key),
    };
    let (opened, from) = (config.clone(), data.clone());
    let open = move || from.open_shared(|| open_log(&opened, &from));
    let (stores, lock) = tokio::task::spawn_blocking(open).await.map_err(std::io::Error::other)??;
    let (log, clock, directory) = (stores.log().clone(), Clock::anchored(0), Arc::new(Directory::default()));
    let peers = HttpPeers::new(directory.clone(), key.clone(), me.address.clone(), hook_time(config));
    let engine = Engine::new(Common {
        log: log.clone(),
        policy: config.policy_changed(),
        node: me.node.clone(),
        clock,
        ids: Arc::new(Ids::from_system()),
        registry: Arc::default(),
        aside: Some(Arc::new(letters)),
        peers: Some(Arc::new(peers.map_err(cluster::ClusterError::from)?)),
    });
    if config.keeps_checkpoints_to_itself() {
        tracing::warn!("the log is never trimmed: checkpoint.url is a folder that other nodes do not have");
    }
    let node = Node { settings: kafka_settings(&config.kafka), stores, directory, key, me, listener };
    Ok(Opened { engine, log, lock, node: Some(node) })
}

/// How long the hook may take to say what becomes of a message.
fn hook_time(config: &Config) -> Duration {
    Duration::from_millis(config.callback.timeout_ms.into())
}

impl Node {
    /// How clients whose home is elsewhere get there.
    pub fn dialer(&self, engine: &Engine) -> Arc<dyn Dial> {
        Arc::new(Forwarder { engine: engine.clone(), directory: self.directory.clone(), key: self.key.clone() })
    }

    /// Answers other nodes, joins the group, and waits until every partition has an owner.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn join(self, engine: &Engine, sessions: WsState) -> Result<Joined, ServerError> {
        let Self { settings, stores, directory, key, me, listener } = self;
        let (stop, stopped) = watch::channel(false);
        let app = cluster::router(Internal { engine: engine.clone(), sessions, key });
        tokio::spawn(Listener::new(listener, None, PEER_CONNECTIONS).serve(app, stopped.clone()));
        let topic = OwnersTopic::follow(&settings, directory.clone())?;
        let partitions = stores.log().partitions();
        let name = me.node.clone();
        tracing::info!(node = me.node, address = me.address, "joins the other nodes");
        let announce = move |partition: u32, owner: &cluster::Owner| topic.announce(partition, owner);
        let keeper = Keeper::new(engine.clone(), stores, directory.clone(), announce, me);
        tokio::spawn(forget_lost(keeper.clone(), stopped));
        let group = Group::join(&settings, &name, keeper.clone())?;
        let mut changes = directory.changes();
        let owned = |partition| match directory.owner(partition) {
            // What an earlier run of this node has told is no longer true.
            Some(owner) if owner.node == name => engine.owns().contains_key(&partition),
            owner => owner.is_some(),
        };
        let all_owned = async { while !(0..partitions).all(owned) && changes.changed().await.is_ok() {} };
        if tokio::time::timeout(SETTLE_TIME, all_owned).await.is_err() {
            tracing::warn!("some partitions have no owner yet");
        }
        Ok(Joined { keeper, group: Some(group), _listening: stop })
    }
}

impl Joined {
    /// Whether every partition that the group has given to this node is served by it ([`Keeper::has_all`]): not for a moment
    /// with each that it takes over, and not while it cannot, for instance because its log refuses appends.
    pub fn readiness(&self) -> Box<dyn Fn() -> bool + Send + Sync> {
        let keeper = self.keeper.clone();
        Box::new(move || keeper.has_all())
    }
}

/// Removes states that are of no use here any more, until the node stops.
async fn forget_lost(keeper: Keeper, mut stopped: watch::Receiver<bool>) {
    let stops = async { while !*stopped.borrow_and_update() && stopped.changed().await.is_ok() {} };
    tokio::pin!(stops);
    while tokio::time::timeout(LOOK_FOR_LOST, &mut stops).await.is_err() {
        let keeper = keeper.clone();
        let _ = tokio::task::spawn_blocking(move || keeper.forget_lost(LOST_STATE)).await;
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.keeper.stop(LET_GO);
        self.group = None;
    }
}
