//! `CATALOGUE.md`: every kind with its fields, and every type that they use.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use duolog_topics::EventKind;
use serde_json::{Map, Value};

use crate::committed;

#[test]
fn is_made_from_the_types() {
    committed::check("CATALOGUE.md", &page());
}

fn page() -> String {
    let mut page = String::from(
        "# The events\n\n\
         Made from the types in `src/events/`; `README.md` says how a record is built and read. Every record is an\n\
         accepted *request*; whether it took effect is decided where it is folded. *Home*: the partition of the account\n\
         named here. *Carried*: a courier also brings it to the other side's home. Numbers are unsigned integers of the\n\
         given width. A field marked *optional* may be missing. Later programs add kinds and fields; readers ignore\n\
         what they do not know. A kind's name and a field's meaning are never reused.\n\n\
         | kind | v | home | says |\n|---|---|---|---|\n",
    );
    for kind in EventKind::ALL {
        let (name, version, home, says) = (kind.name(), kind.version(), kind.home(), kind.says());
        writeln!(page, "| [`{name}`](#{}) | {version} | {home} | {says} |", anchor(name)).unwrap();
    }
    let mut types = BTreeMap::new();
    for kind in EventKind::ALL {
        let schema = kind.schema().to_value();
        write!(page, "\n## {}\n\n{}\n", kind.name(), prose(&schema)).unwrap();
        fields(&mut page, &schema);
        types.extend(schema["$defs"].as_object().cloned().unwrap_or_default());
    }
    page.push_str("\n# The types\n");
    for (name, schema) in &types {
        write!(page, "\n## {name}\n\n{}\n", prose(schema)).unwrap();
        fields(&mut page, schema);
        values(&mut page, schema);
    }
    page
}

/// How the usual renderers name a heading.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace('.', "")
}

fn prose(schema: &Value) -> String {
    schema["description"].as_str().expect("every type has a doc comment").to_owned()
}

/// A description on one line, safe in a table.
fn cell(schema: &Value) -> String {
    prose(schema).replace('\n', " ").replace('|', "\\|")
}

fn fields(page: &mut String, schema: &Value) {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    if properties.is_empty() {
        return;
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    page.push_str("\n| field | type | | meaning |\n|---|---|---|---|\n");
    for (name, field) in properties {
        let optional = if required.contains(&Value::from(name.as_str())) { "" } else { "optional" };
        writeln!(page, "| `{name}` | {} | {optional} | {} |", shape(field), cell(field)).unwrap();
    }
}

fn values(page: &mut String, schema: &Value) {
    if let Some(forms) = schema["oneOf"].as_array() {
        page.push_str("\n| value | meaning |\n|---|---|\n");
        for form in forms {
            writeln!(page, "| `{}` | {} |", form["const"].as_str().unwrap(), cell(form)).unwrap();
        }
    } else if let Some(names) = schema["enum"].as_array() {
        let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_str().unwrap())).collect();
        write!(page, "\nOne of {}.\n", names.join(", ")).unwrap();
    } else if let Some(forms) = schema["anyOf"].as_array() {
        let forms: Vec<_> = forms.iter().map(shape).collect();
        write!(page, "\nEither {}.\n", forms.join(" or ")).unwrap();
    } else if schema["type"] == "string" {
        write!(page, "\nA {}.\n", shape(schema)).unwrap();
    }
}

/// A type in words: `u32`, `list of [MsgKey](#msgkey)`.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return format!("[{name}](#{})", anchor(name));
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        return shape(forms.iter().find(|form| form["type"] != "null").unwrap());
    }
    let name = match &schema["type"] {
        Value::Array(names) => names.iter().find(|name| *name != "null").unwrap(),
        name => name,
    };
    match (name.as_str().unwrap(), schema["format"].as_str()) {
        ("integer", Some(format)) => format.replace("uint", "u"),
        ("array", _) => format!("list of {}", shape(&schema["items"])),
        ("string", Some(format)) => format!("text ({format})"),
        ("string", None) if schema["pattern"].is_string() => {
            format!("text (`{}`)", schema["pattern"].as_str().unwrap())
        }
        ("string", None) => "text".to_owned(),
        ("boolean", _) => "bool".to_owned(),
        (name, _) => name.to_owned(),
    }
}
