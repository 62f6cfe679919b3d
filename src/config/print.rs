//! `duolog config`: the effective configuration as TOML, each value with where it came from.

use std::fmt::Write;

use toml::Value;

use super::catalogue::{Key, Section, Shape};
use super::settings::Set;
use super::{Config, SECTIONS};

/// Stands for a secret that is set.
const MASK: &str = "***";

/// The column of the comments, as long as a value leaves room.
const COMMENT_COLUMN: usize = 44;

impl Config {
    /// Every key with its value and its source, secrets masked; readable as TOML.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for section in SECTIONS {
            if section.repeated {
                for number in 0..self.settings.repeats(section.name) {
                    self.section(&mut text, section, &format!("{}.{number}", section.name));
                }
            } else {
                self.section(&mut text, section, section.name);
            }
        }
        text
    }

    fn section(&self, text: &mut String, section: &Section, at: &str) {
        let (open, close) = if section.repeated { ("[[", "]]") } else { ("[", "]") };
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{open}{}{close}", section.name);
        for key in section.keys {
            let Set { value, source } = self.settings.effective(at, key, &self.data.dir);
            let line = format!("{} = {}", key.name, masked(key, value));
            let _ = writeln!(text, "{line:COMMENT_COLUMN$} # {source}");
        }
    }
}

fn masked(key: &Key, mut value: Value) -> Value {
    if key.shape == Shape::Secret && value.as_str() != Some("") {
        return Value::String(MASK.to_owned());
    }
    if let Some(table) = value.as_table_mut() {
        // librdkafka's own secrets: `sasl.password`, `ssl.key.password`, `sasl.oauthbearer.client.secret`.
        let secret = |name: &str| ["password", "secret", "pem", "jaas"].iter().any(|word| name.contains(word));
        for (_, value) in table.iter_mut().filter(|(name, _)| secret(name)) {
            *value = Value::String(MASK.to_owned());
        }
    }
    value
}
