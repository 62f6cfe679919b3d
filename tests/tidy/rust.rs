//! How Rust looks here.

use super::source::{File, Finding, programs, rust};
use super::{check, planted};

/// A file that cannot be read in one sitting hides things. Above 400 lines think of a split; above this one is due.
const FILE_LINES: usize = 700;

/// A function longer than this does more than one thing.
const FUNCTION_LINES: usize = 70;

fn is_short(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().count();
    let long = lines > FILE_LINES;
    if long {
        vec![Finding { line: lines, what: format!("{lines} lines, at most {FILE_LINES}: split it") }]
    } else {
        vec![]
    }
}

/// rustfmt puts a function's closing brace under its beginning, so lengths can be read off the indentation.
fn functions_are_short(file: &File) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let is_function = code.starts_with("fn ")
            || (code.contains(" fn ") && code.starts_with("pub"))
            || code.starts_with("async fn ");
        if !is_function || code.ends_with(['}', ';']) {
            continue;
        }
        let close = format!("{indent}}}");
        let length = lines[at..].iter().position(|line| *line == close).map_or(0, |end| end + 1);
        if length > FUNCTION_LINES {
            found.push(Finding {
                line: at + 1,
                what: format!("a function of {length} lines, at most {FUNCTION_LINES}"),
            });
        }
    }
    found
}

/// What is merged is done: an open end belongs into an issue, and a print for debugging nowhere.
fn is_finished(file: &File) -> Vec<Finding> {
    const OPEN: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("];
    if file.path.starts_with("tests/tidy/") {
        return vec![];
    }
    file.each_line(|line| OPEN.iter().find(|word| line.contains(**word)).map(|word| format!("{word}: finish it")))
}

/// A panic in a server takes others with it. Where it cannot happen, `expect` says why in words.
fn panics_give_a_reason(file: &File) -> Vec<Finding> {
    file.each_line(|line| {
        let bare = line.contains(".unwrap()") || line.contains(".unwrap_err()") || line.contains("panic!()");
        let mute = line.contains(".expect(\"\")") || line.contains("unreachable!()");
        (bare || mute).then(|| "handle it, or `expect` with the invariant in words".to_owned())
    })
}

/// Tests that pause all the same, and why: nothing that they assert hangs on how long.
const PAUSES: &[(&str, &str)] = &[
    ("replay/tests/migrate.rs", "a kill comes at some time"),
    ("src/engine/tests/storm.rs", "a sender that was refused tries again a moment later, as clients do"),
    ("tests/broker/src/store.rs", "looks again and again whether the store answers"),
    ("tests/it/harness.rs", "looks again and again whether something holds"),
];

/// The code that only tests run: their files, and the test modules inside others. Not a bench, whose load has a pace.
fn tests() -> impl Iterator<Item = File> {
    let files = rust().filter(|file| !file.path.starts_with("benches/"));
    files.map(|file| if file.is_test() { file } else { file.inline_tests() })
}

fn pauses(line: &str) -> bool {
    const WORDS: &[&str] = &["sleep(", "sleep_until(", "park_timeout("];
    !line.trim_start().starts_with("//") && WORDS.iter().any(|word| line.contains(word))
}

/// A test that waits for time to pass is slow on a fast machine and wrong on a slow one; an ignored one tests nothing.
fn tests_do_not_hope(file: &File) -> Vec<Finding> {
    if file.path.starts_with("tests/tidy/") {
        return vec![];
    }
    let may_pause = PAUSES.iter().any(|(path, _)| *path == file.path);
    file.each_line(|line| {
        let hope = pauses(line) && !may_pause || line.trim_start().starts_with("#[ignore");
        hope.then(|| "wait for the event itself, and run every test".to_owned())
    })
}

/// `anyhow` tells a person what happened; a caller cannot match on it. So it stays in the programs.
fn libraries_have_typed_errors(file: &File) -> Vec<Finding> {
    file.each_line(|line| line.contains("anyhow::").then(|| "an error type of its own (thiserror)".to_owned()))
}

#[test]
fn files_are_short() {
    check(rust(), is_short);
    planted(is_short, "src/x.rs", &"\n".repeat(701), &[701]);
}

#[test]
fn functions_of_programs_are_short() {
    check(programs(), functions_are_short);
    let long = format!("fn a() {{\n}}\n    pub fn b() {{\n{}    }}\n", "        x();\n".repeat(69));
    planted(functions_are_short, "src/x.rs", &long, &[3]);
}

#[test]
fn nothing_is_left_open() {
    check(rust(), is_finished);
    planted(is_finished, "src/x.rs", "// TODO: all of it\nfn f() {\n    todo!()\n}\n", &[1, 3]);
}

#[test]
fn programs_panic_only_with_a_reason() {
    check(programs(), panics_give_a_reason);
    planted(panics_give_a_reason, "src/x.rs", "a.expect(\"it was counted above\");\nb.unwrap();\n", &[2]);
}

#[test]
fn tests_neither_sleep_nor_stay_away() {
    check(tests(), tests_do_not_hope);
    planted(tests_do_not_hope, "tests/it/x.rs", "#[ignore]\n#[test]\nfn f() { thread::sleep(SECOND) }\n", &[1, 3]);
    for (path, why) in PAUSES {
        let paused = tests().any(|file| file.path == *path && file.lines().any(|(_, line)| pauses(line)));
        assert!(paused, "{path} does not pause any more: {why}");
    }
}

#[test]
fn errors_of_libraries_have_types() {
    let libraries = |file: &File| !file.path.starts_with("replay/") && file.path != "src/main.rs";
    check(programs().filter(libraries), libraries_have_typed_errors);
    planted(libraries_have_typed_errors, "src/x.rs", "fn f() -> anyhow::Result<()> {\n", &[1]);
}
