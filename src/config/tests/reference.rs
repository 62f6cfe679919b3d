//! `docs/CONFIGURATION.md`, made from the catalogue.

use std::fmt::Write;
use std::path::Path;

use super::super::SECTIONS;
use super::super::catalogue::{Section, Shape};

/// What stands above the tables.
const INTRODUCTION: &str = "\
# Configuration

Made from the table in `src/config/sections.rs`.

Values come from, the later one wins: the default; `app.toml` in the data directory, which the first start makes; the
file given with `--config`; the environment; flags (`--data` sets `data.dir`, `--listen` sets `server.listen`). A key
`name` of a section `[a.b]` is the variable `DUOLOG_A__B__NAME`. Text stands in a variable as it is; a list as items
between commas or as in TOML; everything else as in TOML. Repeated sections (`[[...]]`) can be set in the file only.

An unknown key is an error, and so is a variable with one underscore in place of two (`DUOLOG_A_B_NAME`). A wrong value is
an error that names the place, the key and what is allowed, and ends the program with exit code 2. `duolog config` prints
every value with where it came from.

Relative paths are relative to where the program was started. Defaults with `{data}` follow `data.dir`.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in SECTIONS {
        chapter(&mut page, section);
    }
    page
}

fn chapter(page: &mut String, section: &Section) {
    let (open, close) = if section.repeated { ("[[", "]]") } else { ("[", "]") };
    writeln!(page, "\n## `{open}{}{close}`\n\n{}\n", section.name, section.says).unwrap();
    writeln!(page, "| key | default | takes | |\n|---|---|---|---|").unwrap();
    for key in section.keys {
        let default = key.default.replace('\'', "\"");
        let takes = if key.shape == Shape::Secret { "text, never shown".to_owned() } else { key.allowed_words() };
        writeln!(page, "| `{}` | `{default}` | {takes} | {} |", key.name, key.says).unwrap();
    }
}

#[test]
fn the_page_is_made_from_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
    if std::env::var_os("DUOLOG_REGENERATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/CONFIGURATION.md differs from the catalogue; run: \
         DUOLOG_REGENERATE=1 cargo test --release --lib the_page_is_made"
    );
}
