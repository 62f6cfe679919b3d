//! The files of the repository.

use std::path::Path;

/// Folders that hold what we write; everything else is made, fetched, or somebody's data.
const FOLDERS: &[&str] = &["src", "topics", "replay", "tests", "benches", "scripts", "docs", ".ci"];

/// Kinds of files that are text of ours.
const TEXTS: &[&str] = &["rs", "md", "toml", "sh", "py", "json", "html", "js", "css", "yaml"];

/// A file: its path from the repository's root, with slashes, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

/// What a rule found: the line, from 1, and what to do about it.
pub struct Finding {
    pub line: usize,
    pub what: String,
}

impl File {
    /// The lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// A finding for each line of which `wrong` says something.
    pub fn each_line(&self, wrong: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
        self.lines().filter_map(|(line, text)| Some(Finding { line, what: wrong(text)? })).collect()
    }

    /// Rust that only tests see: a test crate, a bench, or a module of tests.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let folder =
            |name: &str| self.path.starts_with(&format!("{name}/")) || self.path.contains(&format!("/{name}/"));
        folder("tests") || folder("benches") || folder("examples") || matches!(name, "tests.rs" | "conformance.rs")
    }

    /// The text with its inline test modules and comments emptied, so that a rule about the program sees the program.
    /// Line numbers stay.
    pub fn program(&self) -> File {
        self.only(|line, in_tests| !in_tests && !line.trim_start().starts_with("//"))
    }

    /// The inline test modules, with all other lines emptied. Line numbers stay.
    pub fn inline_tests(&self) -> File {
        self.only(|_, in_tests| in_tests)
    }

    /// The text with lines emptied that are not `kept`, which hears whether a line is in an inline test module.
    fn only(&self, kept: impl Fn(&str, bool) -> bool) -> File {
        let mut text = String::new();
        let mut in_tests = false;
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            let begins = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.trim_end().ends_with('{'));
            in_tests |= begins;
            if kept(line, in_tests) {
                text.push_str(line);
            }
            text.push('\n');
            // rustfmt closes an item at the left edge at the left edge.
            in_tests &= line != "}";
        }
        File { path: self.path.clone(), text }
    }
}

/// Every text file of ours.
pub fn tree() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in FOLDERS {
        walk(root, &root.join(folder), &mut files);
    }
    for entry in std::fs::read_dir(root).unwrap().map(Result::unwrap) {
        read(root, &entry.path(), &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The Rust files among them.
pub fn rust() -> impl Iterator<Item = File> {
    tree().into_iter().filter(|file| file.path.ends_with(".rs"))
}

/// The Rust files that are part of a program or library.
pub fn programs() -> impl Iterator<Item = File> {
    rust().filter(|file| !file.is_test()).map(|file| file.program())
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { walk(root, &path, files) } else { read(root, &path, files) }
    }
}

fn read(root: &Path, path: &Path, files: &mut Vec<File>) {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let known = TEXTS.contains(&kind)
        || path.ends_with("Makefile")
        || path.ends_with("Dockerfile")
        || path.ends_with(".ci/run");
    if !known || !path.is_file() {
        return;
    }
    let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{relative}: {error}"));
    files.push(File { path: relative, text });
}

#[test]
fn a_program_is_a_file_without_its_tests_and_comments() {
    let text = "a\n// b\n#[cfg(test)]\nmod tests {\n    c\n}\nd\n#[cfg(test)]\nmod tests;\n".to_owned();
    let file = File { path: "src/x.rs".to_owned(), text };
    assert_eq!(
        file.program().text,
        "a\n\n#[cfg(test)]\n".replace("#[cfg(test)]\n", "\n\n\n\n") + "d\n#[cfg(test)]\nmod tests;\n"
    );
    assert_eq!(file.inline_tests().text, "\n\n#[cfg(test)]\nmod tests {\n    c\n}\n\n\n\n");
}
