//! Events of every kind, drawn from the kind's own schema. So the schema is tested too: whatever fits it is an event.

use duolog_topics::{Authority, Envelope, Event, EventId, EventKind, Stamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

pub fn kind() -> impl Strategy<Value = EventKind> {
    proptest::sample::select(EventKind::ALL)
}

/// The JSON form of a payload of this kind.
pub fn payload(kind: EventKind) -> BoxedStrategy<Value> {
    let schema = kind.schema().to_value();
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    value(&schema, &definitions)
}

pub fn event() -> impl Strategy<Value = Event> {
    kind().prop_flat_map(|kind| payload(kind).prop_map(move |json| from_json(kind, &json)))
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    (any::<u64>(), any::<[u8; 10]>(), any::<u64>(), "[ -~]{1,32}", authority()).prop_map(
        |(made, random, time, account, authority)| Envelope {
            id: EventId::new(made, random),
            time,
            account: account.parse().unwrap(),
            authority,
        },
    )
}

/// Reads a payload that any MessagePack library may have written from its JSON form.
pub fn from_json(kind: EventKind, json: &Value) -> Event {
    let header = duolog_topics::Header {
        kind: kind.name(),
        version: kind.version(),
        id: EventId::from_bytes([0; 16]),
        authority: Authority::Epoch(1),
    };
    let payload = rmp_serde::to_vec_named(json).unwrap();
    match Envelope::decode(b"a", 0, &header.encode(), &payload) {
        Ok((_, event)) => event,
        Err(error) => panic!("{json} fits the schema of {} but is not read: {error}", kind.name()),
    }
}

fn authority() -> impl Strategy<Value = Authority> {
    let stamp = (any::<u128>(), any::<u32>(), any::<u32>(), any::<u64>());
    prop_oneof![
        any::<u64>().prop_map(Authority::Epoch),
        stamp.prop_map(|(log_id, generation, partition, number)| {
            Authority::Stamp(Stamp { log_id: uuid::Uuid::from_u128(log_id), generation, partition, number })
        }),
    ]
}

fn value(schema: &Value, definitions: &Value) -> BoxedStrategy<Value> {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return value(&definitions[name], definitions);
    }
    if let Some(fixed) = schema.get("const") {
        return Just(fixed.clone()).boxed();
    }
    if let Some(names) = schema["enum"].as_array() {
        return proptest::sample::select(names.clone()).boxed();
    }
    if let Some(forms) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let forms: Vec<_> = forms.iter().map(|form| value(form, definitions)).collect();
        return proptest::strategy::Union::new(forms).boxed();
    }
    match &schema["type"] {
        Value::String(name) => plain(name, schema, definitions),
        Value::Array(names) => {
            let forms: Vec<_> = names.iter().map(|name| plain(name.as_str().unwrap(), schema, definitions)).collect();
            proptest::strategy::Union::new(forms).boxed()
        }
        _ => panic!("a schema without a type: {schema}"),
    }
}

fn plain(name: &str, schema: &Value, definitions: &Value) -> BoxedStrategy<Value> {
    match (name, schema["format"].as_str()) {
        ("null", _) => Just(Value::Null).boxed(),
        ("boolean", _) => any::<bool>().prop_map(Value::from).boxed(),
        ("integer", Some("uint16")) => any::<u16>().prop_map(Value::from).boxed(),
        ("integer", Some("uint32")) => any::<u32>().prop_map(Value::from).boxed(),
        ("integer", Some("uint64")) => any::<u64>().prop_map(Value::from).boxed(),
        ("string", Some("uuid")) => any::<u128>().prop_map(|id| uuid::Uuid::from_u128(id).to_string().into()).boxed(),
        ("string", None) => text(schema).prop_map(Value::from).boxed(),
        ("array", None) => {
            let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
            vec(value(&schema["items"], definitions), least..=least + 3).prop_map(Value::from).boxed()
        }
        ("object", None) => object(schema, definitions),
        (name, format) => panic!("no values are known for {name} {format:?}"),
    }
}

fn text(schema: &Value) -> BoxedStrategy<String> {
    match schema["pattern"].as_str() {
        Some(pattern) => {
            proptest::string::string_regex(pattern.trim_start_matches('^').trim_end_matches('$')).unwrap().boxed()
        }
        None if schema["contentMediaType"] == "application/json" => {
            vec("[^\"\\\\\\x00-\\x1f]{0,8}", 0..3).prop_map(|texts| serde_json::to_string(&texts).unwrap()).boxed()
        }
        None => any::<String>().boxed(),
    }
}

fn object(schema: &Value, definitions: &Value) -> BoxedStrategy<Value> {
    let none = Map::new();
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let fields: Vec<_> = schema["properties"]
        .as_object()
        .unwrap_or(&none)
        .iter()
        .map(|(name, schema)| {
            let name = name.clone();
            let value = value(schema, definitions);
            let value = if required.contains(&Value::from(name.as_str())) {
                value.prop_map(Some).boxed()
            } else {
                option::of(value).boxed()
            };
            value.prop_map(move |value| value.map(|value| (name.clone(), value)))
        })
        .collect();
    fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect())).boxed()
}
