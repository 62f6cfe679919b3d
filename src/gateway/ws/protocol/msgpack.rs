//! MessagePack as another spelling of the same JSON: maps for objects, the shortest form of every integer and length.
//!
//! Format: <https://github.com/msgpack/msgpack/blob/master/spec.md>. Both directions go through JSON text, so that every
//! rule about frames exists once.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::json::write_text;

/// How deep a frame may be nested: its own levels and those of a message's body.
const DEPTH: usize = 96;

/// Spells a MessagePack frame as JSON.
///
/// # Errors
/// If it is no MessagePack, holds what JSON cannot (bytes, extensions, keys that are not strings, numbers that are not
/// finite), is nested too deep, or has bytes after its end.
pub fn to_json(frame: &[u8]) -> Result<String, rmp_serde::decode::Error> {
    let mut json = String::with_capacity(frame.len() + frame.len() / 2);
    let mut deserializer = rmp_serde::Deserializer::new(frame);
    deserializer.set_max_depth(DEPTH);
    ToJson(&mut json).deserialize(&mut deserializer)?;
    if deserializer.get_ref().is_empty() {
        Ok(json)
    } else {
        Err(rmp_serde::decode::Error::Uncategorized("bytes after the end of the frame".to_owned()))
    }
}

struct ToJson<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for ToJson<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl ToJson<'_> {
    fn display<E>(self, value: impl fmt::Display) -> Result<(), E> {
        use fmt::Write;
        write!(self.0, "{value}").expect("a text takes everything");
        Ok(())
    }
}

impl<'de> Visitor<'de> for ToJson<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON knows")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.display("null")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.display(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.display(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.display(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom("JSON has no such number"));
        }
        // Debug keeps the point of a whole number, so that it stays no integer.
        self.display(format_args!("{value:?}"))
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        write_text(self.0, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push('[');
        let mut place = 0;
        loop {
            let before = self.0.len();
            if place > 0 {
                self.0.push(',');
            }
            if items.next_element_seed(ToJson(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
            place += 1;
        }
        self.0.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.push('{');
        let mut first = true;
        while let Some(key) = members.next_key::<Cow<'de, str>>()? {
            if !std::mem::replace(&mut first, false) {
                self.0.push(',');
            }
            write_text(self.0, &key);
            self.0.push(':');
            members.next_value_seed(ToJson(self.0))?;
        }
        self.0.push('}');
        Ok(())
    }
}

/// An array or object whose end is still to come: where its items begin, and how many there are.
struct OpenContainer {
    start: usize,
    values: usize,
    is_map: bool,
}

/// Spells JSON as MessagePack. Needs no more stack for a deeply nested body than for a flat one.
///
/// # Errors
/// If the text is no JSON.
pub fn from_json(json: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(json.len());
    let mut open: Vec<OpenContainer> = Vec::new();
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => at += 1,
            b']' | b'}' => {
                let container = open.pop().ok_or_else(|| serde_json::Error::custom("a bracket without its other"))?;
                close(&mut out, container);
                at += 1;
            }
            _ => {
                if let Some(container) = open.last_mut() {
                    container.values += 1;
                }
                if byte == b'[' || byte == b'{' {
                    open.push(OpenContainer { start: out.len(), values: 0, is_map: byte == b'{' });
                    at += 1;
                } else {
                    let end = end_of_scalar(bytes, at);
                    scalar(&mut out, &json[at..end])?;
                    at = end;
                }
            }
        }
    }
    Ok(out)
}

/// Puts the header before the items, now that they are counted.
fn close(out: &mut Vec<u8>, container: OpenContainer) {
    let OpenContainer { start, values, is_map } = container;
    let count = if is_map { values / 2 } else { values };
    let (fix, long, longest) = if is_map { (0x80, 0xde, 0xdf) } else { (0x90, 0xdc, 0xdd) };
    let count = u32::try_from(count).expect("a frame has less than 4 GiB");
    if count < 16 {
        out.insert(start, fix | count.to_be_bytes()[3]);
    } else if let Ok(count) = u16::try_from(count) {
        let [high, low] = count.to_be_bytes();
        out.splice(start..start, [long, high, low]);
    } else {
        let [a, b, c, d] = count.to_be_bytes();
        out.splice(start..start, [longest, a, b, c, d]);
    }
}

fn end_of_scalar(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    if bytes[start] == b'"' {
        at += 1;
        while at < bytes.len() && bytes[at] != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        return (at + 1).min(bytes.len());
    }
    while at < bytes.len() && !matches!(bytes[at], b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

fn scalar(out: &mut Vec<u8>, json: &str) -> Result<(), serde_json::Error> {
    match json {
        "null" => out.push(0xc0),
        "false" => out.push(0xc2),
        "true" => out.push(0xc3),
        text if text.starts_with('"') => string(out, &serde_json::from_str::<Cow<'_, str>>(text)?),
        number => {
            if let Ok(value) = number.parse::<u64>() {
                unsigned(out, value);
            } else if let Ok(value) = number.parse::<i64>() {
                negative(out, value);
            } else {
                let value: f64 = serde_json::from_str(number)?;
                out.push(0xcb);
                out.extend_from_slice(&value.to_be_bytes());
            }
        }
    }
    Ok(())
}

fn string(out: &mut Vec<u8>, text: &str) {
    let len = u32::try_from(text.len()).expect("a frame has less than 4 GiB");
    let [a, b, c, d] = len.to_be_bytes();
    match len {
        0..32 => out.push(0xa0 | d),
        32..0x100 => out.extend_from_slice(&[0xd9, d]),
        0x100..0x1_0000 => out.extend_from_slice(&[0xda, c, d]),
        _ => out.extend_from_slice(&[0xdb, a, b, c, d]),
    }
    out.extend_from_slice(text.as_bytes());
}

fn unsigned(out: &mut Vec<u8>, value: u64) {
    let [.., a, b, c, d] = value.to_be_bytes();
    match value {
        0..0x80 => out.push(d),
        0x80..0x100 => out.extend_from_slice(&[0xcc, d]),
        0x100..0x1_0000 => out.extend_from_slice(&[0xcd, c, d]),
        0x1_0000..0x1_0000_0000 => out.extend_from_slice(&[0xce, a, b, c, d]),
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

fn negative(out: &mut Vec<u8>, value: i64) {
    let [.., a, b, c, d] = value.to_be_bytes();
    match value {
        -0x20.. => out.push(d),
        -0x80.. => out.extend_from_slice(&[0xd0, d]),
        -0x8000.. => out.extend_from_slice(&[0xd1, c, d]),
        -0x8000_0000.. => out.extend_from_slice(&[0xd2, a, b, c, d]),
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn integers_take_their_shortest_form() {
        let cases: [(i128, usize); 14] = [
            (0, 1),
            (127, 1),
            (128, 2),
            (255, 2),
            (256, 3),
            (65_535, 3),
            (65_536, 5),
            (u32::MAX as i128, 5),
            (1 << 32, 9),
            (u64::MAX as i128, 9),
            (-32, 1),
            (-33, 2),
            (-129, 3),
            (i64::MIN as i128, 9),
        ];
        for (number, bytes) in cases {
            let packed = from_json(&number.to_string()).unwrap();
            assert_eq!(packed.len(), bytes, "{number}");
            assert_eq!(to_json(&packed).unwrap(), number.to_string());
        }
    }

    #[test]
    fn long_containers_and_strings_have_the_right_headers() {
        for len in [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let value = json!({ "list": vec![1; len], "text": "x".repeat(len) });
            let packed = from_json(&value.to_string()).unwrap();
            assert_eq!(rmp_serde::from_slice::<Value>(&packed).unwrap(), value, "{len}");
        }
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        let binary = [0xc4, 1, 0];
        let number_key = [0x81, 1, 1];
        let infinity = [0xca, 0x7f, 0x80, 0, 0];
        let two_values = [1, 1];
        let cut = [0x92, 1];
        for frame in [&binary[..], &number_key, &infinity, &two_values, &cut, &[]] {
            assert!(to_json(frame).is_err(), "{frame:?}");
        }
        assert!(to_json(&vec![0x91; 100_000]).is_err());
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(from_json(&deep).unwrap().len(), 1_000_000);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 20, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..20)
                    .prop_map(|map| Value::from(serde_json::Map::from_iter(map))),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_spellings_say_the_same(value in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let packed = from_json(&text).unwrap();
            prop_assert_eq!(&rmp_serde::from_slice::<Value>(&packed).unwrap(), &value);
            prop_assert_eq!(serde_json::from_str::<Value>(&to_json(&packed).unwrap()).unwrap(), value);
        }

        #[test]
        fn no_frame_makes_it_panic(frame: Vec<u8>, text: String) {
            let _ = to_json(&frame);
            let _ = from_json(&text);
        }
    }
}
