//! The environment: `DUOLOG_SERVER__LISTEN` sets `server.listen`.

use super::error::{ConfigError, Problem};
use super::settings::{Settings, Source, find_key, parse_bare};

/// What the names of our variables begin with.
const PREFIX: &str = "DUOLOG_";

/// Reads the variables that name a section and a key; others that begin with `DUOLOG_` are not ours to judge, unless one
/// is a key's but for an underscore.
///
/// # Errors
/// If one names a section or key that is unknown, or is such a slip: every such variable.
pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    let mut problems = Vec::new();
    for (variable, text) in variables {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let what = match find_key(|key| key.variable() == variable) {
            Some(key) => {
                settings.put(key.path(), parse_bare(key, &text), Source::Environment(variable));
                continue;
            }
            None if rest.contains("__") => Some(unknown(&variable)),
            None => slip(&variable),
        };
        problems.extend(what.map(|what| Problem { place: variable, key: String::new(), what }));
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems.into()) }
}

/// What is wrong with a variable whose name has one underscore where a key's has two; nothing if it is no key's.
fn slip(variable: &str) -> Option<String> {
    let key = find_key(|key| key.variable().replace("__", "_") == variable)?;
    Some(format!("section and key are joined by two underscores; write {}", key.variable()))
}

fn unknown(variable: &str) -> String {
    let section = variable.rsplit_once("__").map_or(PREFIX, |(section, _)| section);
    let known = super::SECTIONS.iter().filter(|section| !section.repeated).flat_map(|section| section.keys);
    let near: Vec<_> = known.map(|key| key.variable()).filter(|name| name.starts_with(section)).collect();
    if near.is_empty() {
        "unknown section; variables are named DUOLOG_SECTION__KEY, see docs/CONFIGURATION.md".to_owned()
    } else {
        format!("unknown key; known: {}", near.join(", "))
    }
}
