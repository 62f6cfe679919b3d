//! One door to a real server: the program itself, on a port of its own, in a temporary directory.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use duolog::config::{Config, Layers};
use duolog::gateway::auth::AppKey;
use duolog_topics::Account;
use serde_json::{Value, json};
use tempfile::TempDir;

pub const SDKAPPID: u64 = 1_400_000_000;
pub const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
pub const ADMIN: &str = "administrator";

/// Every wait in these tests ends: a server that hangs fails the test instead of the run.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it kills it; [`Server::stop`] asks it to.
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
    /// Its data directory is `data` in here.
    pub dir: TempDir,
}

impl Server {
    /// The server that most tests share: no rate limits, everything else as by default. Tests keep apart by using
    /// accounts of their own ([`Server::accounts`]).
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            // It has to die with the thread that started it, so that thread must outlive the tests.
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                send.send(Self::start("")).expect("somebody waits for the server");
                loop {
                    std::thread::park();
                }
            });
            receive.recv().expect("the server starts")
        })
    }

    /// Starts a server of the test's own. `settings`: lines of the configuration file's sections, in dotted form
    /// (`policy.friend_check = true`).
    pub fn start(settings: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary directory"), settings)
    }

    /// Starts a server on a directory that one may have used before.
    pub fn start_in(dir: TempDir, settings: &str) -> Self {
        Self::start_with(dir, settings, &[])
    }

    /// As [`Self::start_in`], with variables in its environment.
    pub fn start_with(dir: TempDir, settings: &str, variables: &[(&str, &str)]) -> Self {
        configure(&dir, settings);
        let mut command = Command::new(env!("CARGO_BIN_EXE_duolog"));
        command.envs(variables.iter().copied());
        command.arg("serve").arg("--config").arg(dir.path().join("duolog.toml")).stdout(Stdio::piped());
        // SAFETY: between fork and exec only an async-signal-safe function is called.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            })
        };
        let mut child = command.spawn().expect("the server is spawned");
        let stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let addr = address(stdout).unwrap_or_else(|| panic!("the server ended before it listened: {:?}", child.wait()));
        Self { child, addr, dir }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to drain and stop, and expects that it succeeds; gives its directory back.
    pub fn stop(mut self) -> TempDir {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: the child has not been waited for, so the id is its own.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0, "the server is there");
        let status = self.child.wait().expect("the server ends");
        assert!(status.success(), "the server stopped with {status}");
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a temporary directory"))
    }

    /// Sends a signal: SIGSTOP and SIGCONT let it stand still for a while.
    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: the child has not been waited for, so the id is its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "the server is there");
    }

    /// As [`Self::stop`], without asking: what a power cut does to a process.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("the server is there");
        self.child.wait().expect("the server ends");
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a temporary directory"))
    }

    /// Calls a command (`openim/sendmsg`) as the admin, and checks what holds for every reply.
    pub fn call(&self, command: &str, request: &Value) -> Value {
        self.call_as(ADMIN, command, request)
    }

    /// As [`Self::call`], with the signature of any account.
    pub fn call_as(&self, account: &str, command: &str, request: &Value) -> Value {
        let target = format!("/v4/{command}?{}", query(account));
        reply(command, &self.request("POST", &target, &[], request.to_string().as_bytes()))
    }

    /// Calls a command and expects success.
    pub fn ok(&self, command: &str, request: &Value) -> Value {
        let reply = self.call(command, request);
        assert_eq!(reply["ErrorCode"], 0, "{command} {request} -> {reply}");
        reply
    }

    /// Calls a command and tells its code.
    pub fn code(&self, command: &str, request: &Value) -> u64 {
        self.call(command, request)["ErrorCode"].as_u64().expect("ErrorCode is a number")
    }

    /// Makes so many accounts that no other test has.
    pub fn accounts<const N: usize>(&self) -> [String; N] {
        let names: [String; N] = std::array::from_fn(|_| unused());
        for names in names.chunks(100) {
            let reply = self.ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
            assert_eq!(reply["FailAccounts"], json!([]));
        }
        names
    }

    /// Sends a text and returns its key.
    pub fn send(&self, from: &str, to: &str, text: &str) -> String {
        let request = json!({"From_Account": from, "To_Account": to, "SyncOtherMachine": 1, "MsgRandom": random(),
            "MsgBody": body(text)});
        let key = self.ok("openim/sendmsg", &request)["MsgKey"].take();
        key.as_str().expect("MsgKey is a text").to_owned()
    }

    /// One HTTP request on a connection of its own.
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut stream = TcpStream::connect(self.addr).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.addr);
        head += &format!("Content-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).expect("the request is sent");
        stream.write_all(body).expect("the body is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer comes in time");
        Response::parse(&answer)
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    /// The value of a metric, 0 if it has none yet.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").body;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the configuration and the key of a server whose directory this is.
fn configure(dir: &TempDir, settings: &str) {
    let path = |name: &str| dir.path().join(name).display().to_string();
    let rate = if settings.contains("server.rate_limit") { "" } else { "server.rate_limit = 0\n" };
    let listen = if settings.contains("server.listen") { "" } else { "server.listen = '127.0.0.1:0'\n" };
    let topics = if settings.contains("topic_prefix") { String::new() } else { topics_of(dir) };
    let config = format!(
        "app.sdkappid = {SDKAPPID}\napp.key_file = '{}'\napp.admins = ['{ADMIN}']\n\
         data.dir = '{}'\n{listen}{rate}{topics}{settings}\n",
        path("app.key"),
        path("data"),
    );
    std::fs::write(dir.path().join("duolog.toml"), config).expect("the configuration is written");
    std::fs::write(dir.path().join("app.key"), KEY).expect("the key is written");
}

/// The configuration that a server in this directory would start with.
pub fn configured(dir: &TempDir, settings: &str) -> Config {
    configure(dir, settings);
    let file = Some(dir.path().join("duolog.toml"));
    let layers = Layers { file, environment: std::env::vars().collect(), flags: Vec::new() };
    Config::load(&layers).expect("the configuration is good")
}

/// Where a run of the tests has its logs on Kafka, each server has topics of its own, which stay with its directory.
fn topics_of(dir: &TempDir) -> String {
    let name = dir.path().file_name().and_then(|name| name.to_str()).unwrap_or_default().replace('.', "");
    format!("log.kafka.topic_prefix = 'it-{name}.'\n")
}

/// The address in the line that says where the server listens. The rest of its output is read and thrown away.
fn address(mut stdout: BufReader<std::process::ChildStdout>) -> Option<SocketAddr> {
    let mut line = String::new();
    loop {
        line.clear();
        if stdout.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((_, addr)) = line.trim_end().split_once("listening on http://") {
            let addr = addr.parse().expect("an address and a port");
            std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
            return Some(addr);
        }
    }
}

/// An HTTP response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The body as it is.
    pub bytes: Vec<u8>,
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4);
        let (head, bytes) = bytes.split_at(end.unwrap_or_else(|| panic!("no HTTP response: {bytes:?}")));
        let (head, body) = (String::from_utf8_lossy(head), String::from_utf8_lossy(bytes).into_owned());
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let headers = lines.filter_map(header).collect();
        Self { status: status.expect("a status line"), headers, body, bytes: bytes.to_owned() }
    }

    /// The `ErrorCode` of a server-API reply, to a call that may have been of any command.
    pub fn code(&self) -> u64 {
        assert_eq!((self.status, &*self.headers["content-type"]), (200, "application/json"), "{self:?}");
        let reply: Value = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert!(reply["ActionStatus"].is_string() && reply["ErrorInfo"].is_string(), "{reply}");
        reply["ErrorCode"].as_u64().expect("ErrorCode is a number")
    }
}

/// Checks what holds for every reply of the server API, and for those of this command, and returns it.
pub fn reply(command: &str, response: &Response) -> Value {
    assert_eq!(response.status, 200, "{command}: {response:?}");
    assert_eq!(response.headers["content-type"], "application/json", "{command}");
    let reply: Value = serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{command}: {error}"));
    crate::v4::replies::check(command, &reply);
    reply
}

/// The operator's tool, which is built beside the server.
pub fn tool() -> Command {
    let tool = std::path::Path::new(env!("CARGO_BIN_EXE_duolog")).with_file_name("duolog-replay");
    assert!(tool.exists(), "{} is missing; build the workspace first", tool.display());
    Command::new(tool)
}

/// What a program printed that succeeded.
pub fn said(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Looks again and again until something holds.
///
/// # Panics
/// If it does not in time.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(std::time::Instant::now() < until, "{what}: it never comes");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Runs the operator's tool on the data of a server, with variables in its environment.
pub fn replay(dir: &Path, verb: &[&str], variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_duolog")).with_file_name("duolog-replay");
    assert!(program.exists(), "{} is not built; `make test` builds it", program.display());
    let mut command = Command::new(program);
    command.envs(variables.iter().copied()).args(verb).arg("--data").arg(dir.join("data"));
    command.output().expect("it runs")
}

/// A signature of an account, made now, valid for a day.
pub fn signature(account: &str) -> String {
    signature_at(account, now())
}

/// A signature made at a time (Unix seconds).
pub fn signature_at(account: &str, time: u64) -> String {
    AppKey::new(SDKAPPID, KEY).sign(&Account::new(account).expect("an account name"), time, 86_400)
}

/// The query of a call by an account.
pub fn query(account: &str) -> String {
    query_with(account, &signature(account))
}

pub fn query_with(account: &str, signature: &str) -> String {
    format!("sdkappid={SDKAPPID}&identifier={account}&usersig={signature}&random={}&contenttype=json", random())
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

/// A name that no other test has.
pub fn unused() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A `MsgRandom` that no other message of these tests has.
pub fn random() -> u32 {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    u32::try_from(NEXT.fetch_add(1, Ordering::Relaxed)).expect("fewer than 2^32 messages")
}

/// A `MsgBody` with one text.
pub fn body(text: &str) -> Value {
    json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}])
}
