//! No key of the configuration is ignored in silence.

use duolog::config::SECTIONS;

use super::source::programs;

/// Whether a program reads a field of that name anywhere.
fn is_read(field: &str, program: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let field = format!(".{field}");
    program.match_indices(&field).any(|(at, _)| !program[at + field.len()..].starts_with(part))
}

/// An operator who sets a key believes that it works. So the program reads it.
#[test]
fn every_key_is_read() {
    let reads = |path: &str| match path.strip_prefix("src/config/") {
        Some(inside) => matches!(
            inside,
            "app.rs" | "callback.rs" | "checkpoint.rs" | "cluster.rs" | "mod.rs" | "policy.rs" | "push.rs"
        ),
        None => true,
    };
    let program: String = programs().filter(|file| reads(&file.path)).map(|file| file.text).collect();
    let keys = SECTIONS.iter().flat_map(|section| section.keys);
    let ignored = keys.filter(|key| !is_read(key.name, &program));
    assert_eq!(ignored.map(|key| key.path()).collect::<Vec<_>>(), Vec::<String>::new());

    assert!(is_read("limit", "self.limit + 1") && !is_read("limit", "self.limits, unlimited"));
    assert!(is_read("brokers", &program));
}
