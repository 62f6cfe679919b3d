//! The repository tests itself: what reviews would otherwise have to notice every time.
//!
//! A rule is a function from a file to what is wrong with it, with the reason in its doc comment. Each is tried against
//! a planted violation, so that a rule that finds nothing is known to look.

mod compose;
mod config;
mod directions;
mod docs;
mod rust;
mod source;
mod text;

use source::{File, Finding, tree};

/// Runs a rule over the files that it is for, and fails with everything that it found.
fn check(files: impl IntoIterator<Item = File>, rule: impl Fn(&File) -> Vec<Finding>) {
    let (mut looked_at, mut found) = (0, Vec::new());
    for file in files {
        looked_at += 1;
        found
            .extend(rule(&file).into_iter().map(|finding| format!("{}:{}: {}", file.path, finding.line, finding.what)));
    }
    assert!(looked_at > 0, "the rule looked at no file at all");
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Fails unless a rule finds something on exactly these lines of a planted file.
fn planted(rule: impl Fn(&File) -> Vec<Finding>, path: &str, text: &str, lines: &[usize]) {
    let found = rule(&File { path: path.to_owned(), text: text.to_owned() });
    let found: Vec<usize> = found.into_iter().map(|finding| finding.line).collect();
    assert_eq!(found, lines, "in {path}:\n{text}");
}
