use std::fmt::Write;

/// Writes one JSON object into a text, member by member.
///
/// Frames hold message bodies as the text that came in, so they are put together as text: nothing is decoded to be
/// encoded again.
pub struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    pub fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Writes a key; whoever asked for it writes the value.
    pub fn value(&mut self, key: &str) -> &mut String {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(',');
        }
        write_text(self.out, key);
        self.out.push(':');
        self.out
    }

    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        write_text(self.value(key), value);
        self
    }

    /// A text for what has a textual form of its own that needs no escapes.
    pub fn name(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        write!(self.value(key), "\"{value}\"").expect("a text takes everything");
        self
    }

    pub fn number(&mut self, key: &str, value: u64) -> &mut Self {
        write!(self.value(key), "{value}").expect("a text takes everything");
        self
    }

    pub fn boolean(&mut self, key: &str, value: bool) -> &mut Self {
        self.value(key).push_str(if value { "true" } else { "false" });
        self
    }

    /// A flag is written only if it is set.
    pub fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        if value { self.boolean(key, true) } else { self }
    }

    /// JSON text, as it is.
    pub fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.value(key).push_str(json);
        self
    }

    pub fn object(&mut self, key: &str, members: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        object(self.value(key), members);
        self
    }

    pub fn list<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut String, T),
    ) -> &mut Self {
        list(self.value(key), items, write);
        self
    }

    pub fn end(self) {
        self.out.push('}');
    }
}

/// Writes an object with these members.
pub fn object(out: &mut String, members: impl FnOnce(&mut Object<'_>)) {
    let mut object = Object::new(out);
    members(&mut object);
    object.end();
}

/// An object with these members, as a text of its own.
pub fn object_text(members: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = String::new();
    object(&mut out, members);
    out
}

/// Writes an array.
pub fn list<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    out.push('[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Writes a string with its quotes, and with escapes for what JSON does not let stand (RFC 8259, section 7).
pub fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(place) = rest.find(|char: char| char < ' ' || char == '"' || char == '\\') {
        let (plain, special) = rest.split_at(place);
        out.push_str(plain);
        let byte = special.as_bytes()[0];
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => write!(out, "\\u{byte:04x}").expect("a text takes everything"),
        }
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_object_has_its_members_in_order() {
        let text = object_text(|object| {
            object.number("a", 1).text("b", "x\"y").flag("c", false).flag("d", true).raw("e", "[1, 2]");
            object.list("f", ["p", "q"], write_text).object("g", |inner| {
                inner.name("h", 7);
            });
        });
        assert_eq!(text, r#"{"a":1,"b":"x\"y","d":true,"e":[1, 2],"f":["p","q"],"g":{"h":"7"}}"#);
    }

    proptest! {
        #[test]
        fn every_text_reads_back(text: String, control in "[\\x00-\\x1f\"\\\\]{0,9}") {
            for text in [text, control] {
                let written = object_text(|object| { object.text(&text, &text); });
                let read: Value = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(read, json!({ &text: &text }));
            }
        }
    }
}
