//! The terminal client against the real server: what it prints, and that it comes back.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Server;

/// Every wait ends: a chat that hangs fails the test instead of the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `duolog chat --json`: entries come on standard output, notes on standard error.
struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    entries: mpsc::Receiver<String>,
    notes: mpsc::Receiver<String>,
}

impl Chat {
    /// Starts one and waits until it is up to date.
    fn start(server: &Server, account: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duolog"));
        command.current_dir(server.dir.path()).args(["chat", account, "--json", "--config", "duolog.toml"]);
        command.arg("--url").arg(format!("http://{}", server.addr)).args(more);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("duolog can be started");
        let entries = lines(child.stdout.take().expect("piped"));
        let notes = lines(child.stderr.take().expect("piped"));
        let chat = Self { input: child.stdin.take(), child, entries, notes };
        chat.note("up to date");
        chat
    }

    fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    fn type_bytes(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("the input is open").write_all(bytes).expect("the chat reads");
    }

    fn entry(&self) -> Value {
        let line = self.entries.recv_timeout(PATIENCE).expect("an entry comes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Waits for a note that contains a text, and returns it.
    fn note(&self, text: &str) -> String {
        loop {
            let note = self.notes.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no note says {text:?}"));
            if note.contains(text) {
                return note;
            }
        }
    }

    /// Ends the input; the exit code and what entries were left.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.input.take());
        let code = self.child.wait().expect("the chat ends").code();
        (code, self.entries.iter().collect())
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).all(|line| send.send(line).is_ok());
    });
    receive
}

fn text(entry: &Value) -> &str {
    entry["body"][0]["MsgContent"]["Text"].as_str().unwrap_or_else(|| panic!("no text: {entry}"))
}

#[test]
fn two_people_talk_and_one_reads_and_takes_back() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut alices = Chat::start(server, &alice, &[]);
    let mut bobs = Chat::start(server, &bob, &["--to", &alice]);

    bobs.type_line("are you there?");
    let sent = bobs.entry();
    let received = alices.entry();
    assert_eq!((text(&received), &received["key"], &received["from"]), ("are you there?", &sent["key"], &bob.into()));

    // An own send is printed as the history holds it.
    bobs.type_line("/history");
    assert_eq!(bobs.entry(), sent);

    // Alice has nobody in `--to`: her line goes to whoever wrote last.
    alices.type_line("I am");
    assert_eq!(text(&bobs.entry()), "I am");
    alices.entry();

    alices.type_line("/read");
    assert_eq!(bobs.entry()["type"], "receipt");
    bobs.note("[1] ✓✓ read by");

    bobs.type_line("/recall 1");
    let recall = alices.entries.iter().map(|line| serde_json::from_str::<Value>(&line).expect("JSON"));
    let recall = recall.into_iter().find(|entry| entry["type"] == "recall").expect("a recall");
    assert_eq!(recall["key"], sent["key"]);
    assert_eq!(bobs.end().0, Some(0));
    assert_eq!(alices.end().0, Some(0));
}

#[test]
fn the_end_of_input_waits_for_the_answers() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut bobs = Chat::start(server, &bob, &["--to", &alice]);
    for number in 0..50 {
        bobs.type_line(&format!("message {number}"));
    }
    let (code, entries) = bobs.end();
    assert_eq!((code, entries.len()), (Some(0), 50));
    let (code, entries) = Chat::start(server, &alice, &[]).end();
    let texts: Vec<String> = entries.iter().map(|line| text(&serde_json::from_str(line).unwrap()).to_owned()).collect();
    assert_eq!((code, texts), (Some(0), (0..50).map(|number| format!("message {number}")).collect()));
}

#[test]
fn a_line_that_fails_or_is_dropped_is_told_by_the_exit_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let failing: [(&[&str], &[u8], &str); 4] = [
        (&["--to", "nobody-of-that-name"], b"hi\n", "[1] ✗ failed: 20003"),
        (&[], b"hi\n", "to whom?"),
        (&["--to", &bob], b"/blok bob\n", "is no command"),
        (&["--to", &bob], b"\xff\n", "the input cannot be read"),
    ];
    for (more, line, note) in failing {
        let mut chat = Chat::start(server, &alice, more);
        chat.type_bytes(line);
        chat.note(note);
        assert_eq!(chat.end(), (Some(1), vec![]), "{note}");
    }
}

#[test]
fn a_kicked_chat_says_by_whom_and_fails() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let first = Chat::start(server, &alice, &["--device", "desk"]);
    let second = Chat::start(server, &alice, &["--device", "pocket", "--platform", "android"]);
    let said = first.note("kicked");
    assert!(said.contains("android (pocket)"), "{said}");
    assert_eq!(first.end().0, Some(1));
    assert_eq!(second.end().0, Some(0));
}

#[test]
fn a_chat_comes_back_when_its_server_does_and_shows_nothing_twice() {
    // An address of its own: on 127.0.0.1 another test might take the port while this server is away.
    let server = Server::start("server.listen = '127.0.0.2:0'");
    let [alice, bob] = server.accounts();
    let chat = Chat::start(&server, &alice, &[]);
    server.send(&bob, &alice, "one");
    assert_eq!(text(&chat.entry()), "one");

    let address = server.addr;
    let dir = server.stop();
    chat.note("link lost");
    let server = Server::start_in(dir, &format!("server.listen = '{address}'"));
    server.send(&bob, &alice, "two");
    assert_eq!(text(&chat.entry()), "two");
    assert_eq!(chat.end(), (Some(0), vec![]));
}
