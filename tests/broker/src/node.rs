use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use crate::{CLUSTER_ID, Machine, java};

/// A broker that is not up by then never will be; on a busy machine it takes a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// One broker, running or not.
pub struct Node {
    port: u16,
    machine: Machine,
    config: PathBuf,
    log: PathBuf,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    /// Hears when it answers.
    started: Receiver<()>,
}

impl Node {
    /// Writes the configuration of the broker at a place in the cluster and formats its storage.
    pub fn prepare(dir: &Path, place: usize, ports: &[u16], machine: Machine) -> Self {
        let (brokers, controllers) = ports.split_at(ports.len() / 2);
        let data = dir.join(format!("data-{place}"));
        let config = dir.join(format!("server-{place}.properties"));
        let text = properties(place, brokers[place], controllers, &data);
        std::fs::write(&config, text).expect("the configuration is written");
        let mut format = java(&["-XX:TieredStopAtLevel=1"], "kafka.tools.StorageTool");
        let output =
            format.args(["format", "-t", CLUSTER_ID, "-c"]).arg(&config).output().expect("java can be started");
        assert!(output.status.success(), "storage is not formatted: {}", String::from_utf8_lossy(&output.stderr));
        let log = dir.join(format!("server-{place}.log"));
        Self { port: brokers[place], machine, config, log, running: Mutex::default() }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the process; it dies with this one.
    pub fn spawn(&self) {
        let small: &[&str] = &["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
        let options = if self.machine == Machine::Small { small } else { &["-Xmx1g", "-Xms1g"] };
        let mut command = java(options, "kafka.Kafka");
        command.arg(&self.config).stdout(Stdio::null()).stderr(Stdio::piped());
        die_with_parent(&mut command);
        let mut child = spawn_for_good(command);
        let stderr = child.stderr.take().expect("it is piped");
        let started = follow(stderr, &self.log);
        *self.running.lock().expect("no holder panics") = Some(Running { child, started });
    }

    /// Waits until it answers.
    pub fn wait(&self) {
        let running = self.running.lock().expect("no holder panics");
        let running = running.as_ref().expect("it was spawned");
        if running.started.recv_timeout(PATIENCE).is_err() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the broker on port {} does not start:\n{log}", self.port);
        }
    }

    /// Ends the process at once; nothing happens if it does not run.
    pub fn kill(&self) {
        if let Some(mut running) = self.running.lock().expect("no holder panics").take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tells a process to die with its parent.
pub fn die_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only an async-signal-safe function is called.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        })
    };
}

/// Starts a process that is told to die with its parent. The system takes the thread that started it for the parent, so
/// that is one that stays as long as this process.
pub fn spawn_for_good(command: Command) -> Child {
    type Order = (Command, Sender<Child>);
    static PARENT: LazyLock<Sender<Order>> = LazyLock::new(|| {
        let (order, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, give) in orders {
                let _ = give.send(command.spawn().expect("java can be started"));
            }
        });
        order
    });
    let (give, child) = mpsc::channel();
    PARENT.send((command, give)).expect("the parent stays");
    child.recv().expect("the parent answers")
}

/// Copies what a broker says into its log file, and tells when it says that it has started.
fn follow(stderr: ChildStderr, log: &Path) -> Receiver<()> {
    let (tell, started) = mpsc::channel();
    let mut log = File::options().create(true).append(true).open(log).expect("the log can be written");
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = writeln!(log, "{line}");
            if line.contains("Kafka Server started") {
                let _ = tell.send(());
            }
        }
    });
    started
}

fn properties(place: usize, port: u16, controllers: &[u16], data: &Path) -> String {
    let id = place + 1;
    let voters: Vec<String> = (1..).zip(controllers).map(|(id, port)| format!("{id}@127.0.0.1:{port}")).collect();
    let replicas = controllers.len();
    format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=PLAINTEXT\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={data}\n\
         auto.create.topics.enable=false\n\
         offsets.topic.num.partitions=4\n\
         offsets.topic.replication.factor={replicas}\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor={replicas}\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         broker.session.timeout.ms=3000\n\
         broker.heartbeat.interval.ms=500\n\
         log.cleaner.dedupe.buffer.size=1048577\n",
        voters = voters.join(","),
        controller = controllers[place],
        data = data.display(),
    )
}
