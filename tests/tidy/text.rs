//! What holds for every text.

use super::source::{File, Finding};
use super::{check, planted, tree};

/// Noise in diffs.
fn lines_end_where_their_text_does(file: &File) -> Vec<Finding> {
    let mut found =
        file.each_line(|line| line.ends_with([' ', '\t', '\r']).then(|| "white space at the end".to_owned()));
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        found.push(Finding { line: file.text.lines().count(), what: "no line end at the end of the file".to_owned() });
    }
    found
}

/// A path of one machine is wrong on every other. (Written in two pieces here, so that this file keeps its own rule.)
fn names_no_machine(file: &File) -> Vec<Finding> {
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    file.each_line(|line| {
        places.iter().find(|place| line.contains(**place)).map(|place| format!("{place} is a path of one machine"))
    })
}

/// A script that nothing calls is not tested, and its reader does not know when to use it.
fn is_called(script: &str, others: &[File]) -> bool {
    let name = script.rsplit('/').next().unwrap_or(script);
    others.iter().any(|file| file.path != script && file.text.contains(&format!("scripts/{name}")))
}

#[test]
fn no_line_ends_in_white_space() {
    check(tree(), lines_end_where_their_text_does);
    planted(lines_end_where_their_text_does, "docs/x.md", "a\nb \nc", &[2, 3]);
}

#[test]
fn no_text_names_one_machine() {
    check(tree(), names_no_machine);
    planted(names_no_machine, "docs/x.md", &format!("see {}\n", concat!("/ro", "ot/x")), &[1]);
}

#[test]
fn every_script_is_called() {
    let files = tree();
    let scripts: Vec<_> = files.iter().filter(|file| file.path.starts_with("scripts/")).collect();
    assert!(!scripts.is_empty());
    for script in scripts {
        assert!(is_called(&script.path, &files), "nothing calls {}", script.path);
    }
    let others = [File { path: "Makefile".to_owned(), text: "run:\n\tscripts/run.sh\n".to_owned() }];
    assert!(is_called("scripts/run.sh", &others));
    assert!(!is_called("scripts/lost.sh", &others));
}
