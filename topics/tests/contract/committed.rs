use std::fs;
use std::path::{Path, PathBuf};

/// A path inside the crate.
pub fn path(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(inside)
}

/// Whether this run may write files.
pub fn regenerate() -> bool {
    std::env::var_os("DUOLOG_REGENERATE").is_some()
}

/// Fails if a committed file is not what the types say; writes it instead if asked to.
pub fn check(inside: &str, wanted: &str) {
    let path = path(inside);
    if regenerate() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "topics/{inside} differs from the types; if the types are right, run \
         DUOLOG_REGENERATE=1 cargo test --release -p duolog-topics"
    );
}

/// The names of the files in a folder, sorted.
pub fn names(inside: &str) -> Vec<String> {
    let entries = fs::read_dir(path(inside)).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
