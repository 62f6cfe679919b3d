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

/// A value as it may be shown to whoever sees what a program prints.
pub(super) fn masked(key: &Key, value: Value) -> Value {
    match value {
        _ if key.shape == Shape::Secret && value.as_str() != Some("") => mask(),
        Value::Table(table) => Value::Table(table.into_iter().map(masked_property).collect()),
        value => masked_address(value),
    }
}

/// One of librdkafka's properties; its secrets are `sasl.password`, `ssl.key.pem`, `sasl.oauthbearer.client.secret` and such.
fn masked_property((name, value): (String, Value)) -> (String, Value) {
    let is_secret = ["pass", "secret", "pem", "jaas", "oauthbearer.config"].iter().any(|word| name.contains(word));
    let shown = if is_secret { mask() } else { masked_address(value) };
    (name, shown)
}

/// An address without what lets somebody in: user and password, and the query, where tokens stand.
fn masked_address(value: Value) -> Value {
    let address = value.as_str().filter(|text| text.contains("://"));
    let Some(mut url) = address.and_then(|text| reqwest::Url::parse(text).ok()) else { return value };
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !has_user && url.query().is_none() {
        return value;
    }
    if has_user && (url.set_password(None).is_err() || url.set_username(MASK).is_err()) {
        return mask();
    }
    let query = url.query().map(|_| MASK);
    url.set_query(query);
    Value::String(url.into())
}

fn mask() -> Value {
    Value::String(MASK.to_owned())
}
