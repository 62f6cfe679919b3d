//! No key of the configuration is ignored in silence.

use duolog::config::{MISSING, SECTIONS};

use super::source::programs;

/// Whether a program reads a field of that name anywhere.
fn is_read(field: &str, program: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let field = format!(".{field}");
    program.match_indices(&field).any(|(at, _)| !program[at + field.len()..].starts_with(part))
}

/// Whether a line of [`MISSING`] covers a key.
fn is_refused(path: &str) -> bool {
    // The certificate's key is nothing without the certificate.
    let path = if path == "server.tls_key" { "server.tls_cert" } else { path };
    MISSING.iter().any(|(missing, _)| path == *missing || path.starts_with(&format!("{missing}.")))
}

/// An operator who sets a key believes that it works. So the program reads it, or refuses to start with it.
#[test]
fn every_key_is_read_or_refused() {
    let reads = |path: &str| match path.strip_prefix("src/config/") {
        Some(inside) => matches!(inside, "app.rs" | "callback.rs" | "cluster.rs" | "mod.rs" | "policy.rs" | "push.rs"),
        None => true,
    };
    let program: String = programs().filter(|file| reads(&file.path)).map(|file| file.text).collect();
    let keys = SECTIONS.iter().flat_map(|section| section.keys);
    let ignored = keys.filter(|key| !is_refused(&key.path()) && !is_read(key.name, &program));
    assert_eq!(ignored.map(|key| key.path()).collect::<Vec<_>>(), Vec::<String>::new());

    assert!(is_read("limit", "self.limit + 1") && !is_read("limit", "self.limits, unlimited"));
    assert!(is_read("brokers", &program) && !is_refused("log.kafka.brokers"));
}
