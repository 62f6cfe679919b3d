//! What was set, by whom, in layers; and the reader that turns it into typed sections.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Value;

use super::catalogue::{Allowed, Key, Shape};
use super::error::{ConfigError, Problem};
use super::print::masked;
use super::value::Setting;
use super::{Data, SECTIONS};

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value that somebody set.
#[derive(Clone, Debug)]
pub struct Set {
    pub value: Value,
    pub source: Source,
}

/// All values that somebody set, by path (`server.listen`, `callback.endpoints.0.url`).
#[derive(Clone, Default, Debug)]
pub struct Settings {
    set: BTreeMap<String, Set>,
}

impl Settings {
    /// Sets a value, over whatever an earlier layer said.
    pub fn put(&mut self, path: String, value: Value, source: Source) {
        self.set.insert(path, Set { value, source });
    }

    /// Lays another layer below this one: it counts only where nothing is set yet.
    pub fn lay_below(&mut self, below: Settings) {
        for (path, set) in below.set {
            self.set.entry(path).or_insert(set);
        }
    }

    pub fn get(&self, path: &str) -> Option<&Set> {
        self.set.get(path)
    }

    /// Every path that is set.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.set.keys()
    }

    /// Where to look for a value: where it is set, or else where its section is; empty if that is nowhere.
    pub fn place(&self, path: &str) -> String {
        let section = path.rsplit_once('.').map_or(path, |(section, _)| section);
        let inside = |other: &String| other.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
        let nearest = || self.set.iter().find(|(other, _)| inside(other)).map(|(_, set)| set);
        self.get(path).or_else(nearest).map(|set| set.source.to_string()).unwrap_or_default()
    }

    /// How many tables of a repeated section there are.
    pub fn repeats(&self, section: &str) -> usize {
        let number = |path: &String| path.strip_prefix(section)?.strip_prefix('.')?.split('.').next()?.parse().ok();
        self.set.keys().filter_map(number).max().map_or(0, |last: usize| last + 1)
    }

    /// Where the data directory is; what is not set follows it.
    ///
    /// # Errors
    /// If `data.dir` is set to something that is not a path.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        let mut reader = Reader::new(self, Path::new(""));
        let data = Data::read(&mut reader, Data::SECTION.name);
        reader.finish().map(|()| data.dir)
    }

    /// The value of a key at a section's path, and where it comes from.
    pub fn effective(&self, at: &str, key: &Key, data_dir: &Path) -> Set {
        match self.get(&format!("{at}.{}", key.name)) {
            Some(set) => set.clone(),
            None => Set { value: key.default_value(data_dir), source: Source::Default },
        }
    }
}

impl Key {
    /// The default, with `{data}` filled in.
    pub(super) fn default_value(&self, data_dir: &Path) -> Value {
        let mut value = parse_toml(self.default).expect("a test reads every default of the catalogue");
        if let Value::String(text) = &mut value {
            *text = text.replace("{data}", &data_dir.to_string_lossy());
        }
        value
    }
}

/// One TOML value without a document around it.
fn parse_toml(text: &str) -> Option<Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    if table.len() == 1 { table.remove("value") } else { None }
}

/// A value as it stands in an environment variable or a flag. What cannot be read stays text, and is refused with the
/// key's own words when it is read.
pub fn parse_bare(key: &Key, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    match key.shape {
        Shape::Text | Shape::Secret => as_text(),
        Shape::List if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Shape::List | Shape::Other => parse_toml(text).unwrap_or_else(as_text),
    }
}

/// Reads typed values out of the settings, and collects what is wrong with them.
pub struct Reader<'a> {
    settings: &'a Settings,
    data_dir: &'a Path,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(settings: &'a Settings, data_dir: &'a Path) -> Self {
        Self { settings, data_dir, problems: Vec::new() }
    }

    /// The value of a key; its default if it is set to something that is not allowed, which `finish` then tells.
    pub(super) fn get<T: Setting>(&mut self, at: &str, key: &Key) -> T {
        let path = format!("{at}.{}", key.name);
        if let Some(set) = self.settings.get(&path) {
            match in_range(key, &set.value).then(|| T::read(&set.value)).flatten() {
                Some(value) => return value,
                None => self.refuse(&path, refusal(key, &set.value)),
            }
        }
        T::read(&key.default_value(self.data_dir)).expect("a test reads every default of the catalogue")
    }

    /// Notes a problem with a value.
    pub fn refuse(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Problem { place: self.settings.place(path), key: path.to_owned(), what: what.into() });
    }

    /// # Errors
    /// If anything was wrong: all of it.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems.into()) }
    }
}

fn in_range(key: &Key, value: &Value) -> bool {
    match (key.allowed, value) {
        (Allowed::Number { from, until }, Value::Integer(number)) => {
            u64::try_from(*number).is_ok_and(|number| (from..=until).contains(&number))
        }
        _ => true,
    }
}

fn refusal(key: &Key, value: &Value) -> String {
    let allowed = key.allowed_words();
    match key.shape {
        Shape::Secret => format!("not allowed; it takes {allowed}"),
        // Some of its properties may be secret, and of what is no such table nobody knows which.
        _ if key.default == "{}" => format!("not allowed; it takes {allowed}"),
        _ => format!("{} is not allowed; it takes {allowed}", masked(key, value.clone())),
    }
}

/// The key that an environment variable's name or a flag's path means; none of a repeated section.
pub fn find_key(matches: impl Fn(&Key) -> bool) -> Option<&'static Key> {
    SECTIONS.iter().filter(|section| !section.repeated).flat_map(|section| section.keys).find(|key| matches(key))
}
