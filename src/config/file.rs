//! The configuration file: TOML, every key known to the catalogue, every value with its line.

use std::path::Path;

use toml::Spanned;
use toml::Value;
use toml::de::{DeString, DeTable, DeValue};

use super::SECTIONS;
use super::catalogue::Section;
use super::error::{ConfigError, Problem};
use super::settings::{Settings, Source};

/// Reads a file.
///
/// # Errors
/// If it cannot be read, is not TOML, or holds a key that the catalogue does not know: every such key.
pub fn read(path: &Path) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::file(path, "", "cannot be read", &error))?;
    parse(path, &text)
}

/// As [`read`], of a file's text.
///
/// # Errors
/// The same.
pub fn parse(path: &Path, text: &str) -> Result<Settings, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError::new(format!("{}:{line}", path.display()), "", format!("not TOML: {}", error.message()))
    })?;
    let mut walk = Walk { path, text, settings: Settings::default(), problems: Vec::new() };
    walk.table(document.get_ref(), "", None);
    if walk.problems.is_empty() { Ok(walk.settings) } else { Err(walk.problems.into()) }
}

/// The line of a byte, from 1.
fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    settings: Settings,
    problems: Vec<Problem>,
}

type Entry<'e, 'i> = (&'e Spanned<DeString<'i>>, &'e Spanned<DeValue<'i>>);

impl Walk<'_> {
    /// Takes a table: its path as settings know it, and the section that it is, if it is one.
    fn table(&mut self, table: &DeTable<'_>, at: &str, section: Option<&Section>) {
        for (name, value) in table {
            self.entry((name, value), at, section);
        }
    }

    fn entry(&mut self, (name, value): Entry<'_, '_>, at: &str, section: Option<&Section>) {
        let path = if at.is_empty() { name.get_ref().to_string() } else { format!("{at}.{}", name.get_ref()) };
        let source = self.source(name);
        if section.is_some_and(|section| section.keys.iter().any(|key| key.name == name.get_ref())) {
            self.settings.put(path, plain(value.get_ref()), source);
            return;
        }
        let inside = |section: &Section| section.name.starts_with(&format!("{path}."));
        let found = SECTIONS.iter().find(|section| section.name == path);
        match (found, value.get_ref()) {
            (Some(section), DeValue::Array(tables)) if section.repeated => {
                for (number, table) in tables.iter().enumerate() {
                    self.item(section, number, table);
                }
            }
            (Some(section), _) if section.repeated => {
                self.problem(source, path, format!("write it as [[{}]]", section.name));
            }
            (Some(_), DeValue::Table(table)) => self.table(table, &path, found),
            (None, DeValue::Table(table)) if SECTIONS.iter().any(inside) => self.table(table, &path, None),
            (Some(_), _) => self.problem(source, path.clone(), format!("it is a section, write it as [{path}]")),
            (None, _) if at.is_empty() => {
                self.problem(source, path, format!("unknown section; known: {}", top_level()))
            }
            (None, _) => self.problem(source, path, format!("unknown key; known in [{at}]: {}", known(at, section))),
        }
    }

    fn item(&mut self, section: &Section, number: usize, value: &Spanned<DeValue<'_>>) {
        if let DeValue::Table(table) = value.get_ref() {
            self.table(table, &format!("{}.{number}", section.name), Some(section));
        }
    }

    fn source<T>(&self, spanned: &Spanned<T>) -> Source {
        Source::File { path: self.path.to_owned(), line: line_of(self.text, spanned.span().start) }
    }

    fn problem(&mut self, source: Source, key: String, what: String) {
        self.problems.push(Problem { place: source.to_string(), key, what });
    }
}

/// The value without its place in the file. A number beyond 64 bits becomes text, which no key for numbers takes.
fn plain(value: &DeValue<'_>) -> Value {
    let text = |text: String| Value::String(text);
    match value {
        DeValue::String(value) => text(value.to_string()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Integer(value) => {
            i64::from_str_radix(value.as_str(), value.radix()).map_or_else(|_| text(value.to_string()), Value::Integer)
        }
        DeValue::Float(value) => value.as_str().parse().map_or_else(|_| text(value.to_string()), Value::Float),
        DeValue::Datetime(value) => Value::Datetime(*value),
        DeValue::Array(values) => Value::Array(values.iter().map(|value| plain(value.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect())
        }
    }
}

fn top_level() -> String {
    let names = SECTIONS.iter().map(|section| section.name.split('.').next().unwrap_or(section.name));
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names.join(", ")
}

/// The keys of a section and the names of the sections inside it.
fn known(at: &str, section: Option<&Section>) -> String {
    let keys = section.into_iter().flat_map(|section| section.keys).map(|key| key.name);
    let inside = SECTIONS.iter().filter_map(|section| section.name.strip_prefix(at)?.strip_prefix('.'));
    keys.chain(inside).collect::<Vec<_>>().join(", ")
}
