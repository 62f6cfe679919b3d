//! Which module may know which.

use super::source::{File, Finding, programs};
use super::{check, planted};

/// What each module of the engine may name, besides itself and [`EVERYWHERE`]: the directions of ARCHITECTURE.md.
/// A module that is not in the table may be named by nobody and is refused, so that a new one gets its line here.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("cli", &["config", "gateway", "server", "telemetry"]),
    ("clock", &[]),
    ("cloud_events", &["log"]),
    ("config", &["durable"]),
    ("consumers", &["clock", "config", "domain", "engine", "log", "records"]),
    ("cluster", &["clock", "data_dir", "engine", "gateway", "log"]),
    ("data_dir", &["dir_lock", "durable", "engine", "log", "store"]),
    ("dir_lock", &[]),
    ("domain", &[]),
    ("durable", &[]),
    ("engine", &["clock", "domain", "log", "store"]),
    ("error", &[]),
    ("gateway", &["clock", "domain", "engine", "records"]),
    ("lib", &["*"]),
    ("limits", &[]),
    ("log", &["dir_lock", "table_io"]),
    ("main", &["cli", "pages", "turns"]),
    ("node", &["*"]),
    ("open_log", &["cloud_events", "config", "consumers", "data_dir", "log", "store"]),
    ("pages", &[]),
    ("rebuild", &["domain", "engine", "log", "store"]),
    ("records", &["durable"]),
    ("server", &["*"]),
    ("store", &["dir_lock", "log", "table_io", "turns"]),
    ("table_io", &[]),
    ("telemetry", &[]),
    ("turns", &[]),
    ("upkeep", &["consumers", "data_dir", "domain", "engine", "log", "store"]),
];

/// Tables without behaviour: public codes and limits.
const EVERYWHERE: &[&str] = &["error", "limits"];

/// A module names only those below it. Otherwise the fold ends up with a clock, the log with events, the gateway with
/// rows, and none of them can be tested or replaced alone.
fn names_only_what_is_below(file: &File) -> Vec<Finding> {
    let Some(module) = module_of(&file.path) else { return vec![] };
    let Some((_, below)) = MAY_NAME.iter().find(|(name, _)| *name == module) else {
        return vec![Finding { line: 1, what: format!("module {module} has no line in tests/tidy/directions.rs") }];
    };
    file.each_line(|line| {
        let wrong = named(line).find(|name| {
            *name != module && !below.contains(name) && !below.contains(&"*") && !EVERYWHERE.contains(name)
        })?;
        let exception = module == "store" && wrong == "domain" && line.contains("domain::rows");
        (!exception).then(|| format!("{module} may not know {wrong}: it may name {below:?}"))
    })
}

/// The modules that a line names, as `crate::name` or, in the binary, `duolog::name`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let after = |prefix: &'static str| line.match_indices(prefix).map(move |(at, _)| &line[at + prefix.len()..]);
    after("crate::").chain(after("duolog::")).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}

fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    Some(inside.split(['/', '.']).next().unwrap_or(inside))
}

/// What the fold must not touch, because it would not come out the same at a rebuild.
const IMPURE: &[&str] = &[
    "std::time",
    "SystemTime",
    "Instant",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::thread",
    "tokio",
    "rand",
    "getrandom",
    "RandomState",
    "now_v7",
    "new_v4",
    "rocksdb",
    "rdkafka",
    "async fn",
    ".await",
];

/// The domain reads no clock, no random source, no file and no network: the fold of the same records has to come to the
/// same rows for ever.
fn domain_is_pure(file: &File) -> Vec<Finding> {
    file.each_line(|line| {
        let found = IMPURE.iter().find(|word| whole_word(line, word))?;
        Some(format!("the domain is pure: no {found}; bring the value in as an argument or an event"))
    })
}

fn whole_word(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let longer_before = word.starts_with(char::is_alphanumeric) && part(line[..at].chars().next_back());
        let longer_after = part(line[at + word.len()..].chars().next());
        !longer_before && !longer_after
    })
}

/// The contract of the topics is readable without the engine: no I/O, no runtime, no client of a broker.
fn topics_do_no_io(file: &File) -> Vec<Finding> {
    const NOT_THERE: &[&str] = &["tokio", "rocksdb", "rdkafka", "axum", "std::fs", "std::net", "SystemTime"];
    file.each_line(|line| {
        let found = NOT_THERE.iter().find(|word| whole_word(line, word))?;
        Some(format!("the crate of the topics does no I/O: no {found}"))
    })
}

#[test]
fn modules_name_only_what_is_below() {
    check(programs().filter(|file| file.path.starts_with("src/")), names_only_what_is_below);
    planted(names_only_what_is_below, "src/gateway/x.rs", "use crate::engine::E;\nuse crate::store::Store;\n", &[2]);
    planted(names_only_what_is_below, "src/log/x.rs", "let e = crate::domain::fold();\n", &[1]);
    planted(
        names_only_what_is_below,
        "src/store/x.rs",
        "use crate::domain::rows::Rows;\nuse crate::domain::fold;\n",
        &[2],
    );
    planted(names_only_what_is_below, "src/novel/x.rs", "\n", &[1]);
}

/// A line about a module that is gone would let the next one of that name in unseen.
#[test]
fn only_modules_that_exist_have_a_line() {
    let files: Vec<File> = programs().collect();
    let exists = |name: &str| files.iter().any(|file| module_of(&file.path) == Some(name));
    let gone = MAY_NAME.iter().map(|(name, _)| *name).chain(EVERYWHERE.iter().copied()).filter(|name| !exists(name));
    assert_eq!(gone.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_domain_is_pure() {
    check(programs().filter(|file| file.path.starts_with("src/domain/")), domain_is_pure);
    let text = "fn operand(now: u64) {}\nlet t = Instant::now();\nuse std::time::Duration;\nlet x = random::<u8>();\n";
    planted(domain_is_pure, "src/domain/x.rs", text, &[2, 3]);
}

#[test]
fn the_topics_do_no_io() {
    check(programs().filter(|file| file.path.starts_with("topics/src/")), topics_do_no_io);
    planted(topics_do_no_io, "topics/src/x.rs", "use tokio::fs;\n", &[1]);
}
