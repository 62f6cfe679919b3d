//! Real Apache Kafka brokers and object stores for tests and benches: processes of this machine, on free ports, with data in a temporary
//! folder, that go when their handle is dropped or the process that started them ends.
//!
//! The jars are in the cache folder, where `scripts/setup.sh test` puts them; without them every call panics with a
//! sentence that says so.

mod node;
mod passage;
mod ports;
mod store;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use node::Node;
pub use passage::Passage;
pub use store::ObjectStore;

/// The version of Kafka, and the name of the jars' folder in the cache.
const KAFKA: &str = "kafka-4.1.0";

/// Any id in the form that Kafka's tools take.
const CLUSTER_ID: &str = "ZHVvbG9nLXRlc3QtYnJva2Vycw";

/// How the virtual machine of a broker runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Machine {
    /// Little memory, a quick start: there may be many at once.
    Small,
    /// As a broker is meant to run.
    Full,
}

/// A cluster of brokers; each one is a controller as well.
pub struct Brokers {
    nodes: Vec<Node>,
    dir: TempDir,
}

impl Brokers {
    /// Starts so many brokers and waits until they answer.
    ///
    /// # Panics
    /// If the jars are missing or a broker does not start.
    pub fn start(count: usize) -> Self {
        Self::start_on(count, Machine::Small)
    }

    /// One broker with the memory and the compiler that a broker is meant to have.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn for_measuring() -> Self {
        Self::start_on(1, Machine::Full)
    }

    /// A single broker that all tests of this process share. They keep apart by the names of their topics
    /// ([`Self::topic_prefix`]).
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Brokers> = OnceLock::new();
        extern "C" fn end() {
            if let Some(brokers) = SHARED.get() {
                brokers.nodes.iter().for_each(Node::kill);
                // What stays behind is a temporary folder.
                let _ = std::fs::remove_dir_all(brokers.dir.path());
            }
        }
        SHARED.get_or_init(|| {
            // SAFETY: the handler is a plain function that stays.
            unsafe { libc::atexit(end) };
            Self::start(1)
        })
    }

    /// Whether the jars are there, for callers that can do without a broker.
    pub fn available() -> bool {
        jars().join("kafka-clients-4.1.0.jar").exists()
    }

    fn start_on(count: usize, machine: Machine) -> Self {
        let jars = jars();
        assert!(
            Self::available(),
            "there is no Kafka in {}: `make test` fetches it (scripts/setup.sh test)",
            jars.display()
        );
        let dir = tempfile::Builder::new().prefix("duolog-broker-").tempdir().expect("a temporary folder");
        let ports = ports::free(2 * count);
        let nodes: Vec<Node> = (0..count).map(|place| Node::prepare(dir.path(), place, &ports, machine)).collect();
        // Controllers answer only when most of them are there: so all are spawned before any is waited for.
        nodes.iter().for_each(Node::spawn);
        nodes.iter().for_each(Node::wait);
        Self { nodes, dir }
    }

    /// The addresses of all brokers, between commas.
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> = self.nodes.iter().map(Node::address).collect();
        addresses.join(",")
    }

    /// A prefix for topics that nobody else has.
    pub fn topic_prefix() -> String {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("test-{}-{}.", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Ends a broker as `kill -9` does.
    pub fn kill(&self, broker: usize) {
        self.nodes[broker].kill();
    }

    /// Starts a broker again that was killed, and waits until it answers.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&self, broker: usize) {
        self.nodes[broker].spawn();
        self.nodes[broker].wait();
    }

    /// A program of Kafka's own, such as `org.apache.kafka.tools.ProducerPerformance`.
    pub fn tool(class: &str) -> Command {
        java(&["-Xmx512m"], class)
    }
}

/// The folder with Kafka's jars.
fn jars() -> PathBuf {
    jars_of(KAFKA)
}

/// A folder with jars: in `$DUOLOG_CACHE`, or where the Makefile puts that.
fn jars_of(name: &str) -> PathBuf {
    let from = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = from("DUOLOG_CACHE")
        .or_else(|| Some(from("XDG_CACHE_HOME")?.join("duolog")))
        .or_else(|| Some(from("HOME")?.join(".cache/duolog")));
    cache.unwrap_or_default().join(name)
}

fn java(options: &[&str], class: &str) -> Command {
    java_with(&jars(), options, class)
}

fn java_with(jars: &Path, options: &[&str], class: &str) -> Command {
    let mut command = Command::new("java");
    command.args(options).arg("-cp").arg(jars.join("*")).arg(class);
    command
}
