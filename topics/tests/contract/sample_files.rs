//! `samples/<kind>.v<version>.<n>.bin` is a payload, as it is the value of a record on Kafka; the `.json` beside it says
//! what it holds: the record's key, its CloudEvents headers, the compact header of the embedded log in hexadecimal, and
//! the payload's JSON form.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use duolog_topics::{Envelope, Event, EventKind, cloudevents};
use serde_json::{Map, Value, json};

use crate::committed::{names, path, regenerate};
use crate::samples::{self, Sample};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn describe(Sample { envelope, event }: &Sample) -> String {
    let headers = cloudevents::headers(envelope, event);
    let headers: Map<_, _> = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let description = json!({
        "key": envelope.account,
        "headers": headers,
        "compact_header": hex(&envelope.encode_header(event)),
        "payload": event.to_json(),
    });
    serde_json::to_string_pretty(&description).unwrap() + "\n"
}

struct Committed {
    name: String,
    kind: String,
    version: u16,
    bytes: Vec<u8>,
    description: Value,
}

fn committed() -> Vec<Committed> {
    let files = names("samples");
    let bins = files.iter().filter_map(|file| file.strip_suffix(".bin"));
    let all: Vec<_> = bins.map(read).collect();
    assert_eq!(files.len(), 2 * all.len(), "every .bin has its .json, and there is nothing else");
    all
}

fn read(name: &str) -> Committed {
    let (kind, number) = name.rsplit_once(".v").unwrap();
    let (version, _) = number.split_once('.').unwrap();
    Committed {
        name: name.to_owned(),
        kind: kind.to_owned(),
        version: version.parse().unwrap(),
        bytes: fs::read(path(&format!("samples/{name}.bin"))).unwrap(),
        description: serde_json::from_slice(&fs::read(path(&format!("samples/{name}.json"))).unwrap()).unwrap(),
    }
}

impl Committed {
    fn decode(&self) -> (Envelope, Event) {
        let headers = self.description["headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()));
        let (time, header) = cloudevents::to_record(headers).unwrap();
        assert_eq!(hex(&header), self.description["compact_header"], "{}", self.name);
        let key = self.description["key"].as_str().unwrap().as_bytes();
        Envelope::decode(key, time, &header, &self.bytes).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// Every member that is given is there with the same value; a later program may have added some.
fn includes(found: &Value, given: &Value) -> bool {
    match (found, given) {
        (Value::Object(found), Value::Object(given)) => {
            given.iter().all(|(name, given)| found.get(name).is_some_and(|found| includes(found, given)))
        }
        (Value::Array(found), Value::Array(given)) => {
            found.len() == given.len() && found.iter().zip(given).all(|(found, given)| includes(found, given))
        }
        (found, given) => found == given,
    }
}

#[test]
fn every_kind_has_its_samples() {
    for kind in EventKind::ALL {
        let samples = samples::of(*kind);
        assert!(samples.len() >= 2, "{} has fewer than two samples", kind.name());
        for (number, sample) in samples.iter().enumerate() {
            assert_eq!(sample.event.kind(), *kind);
            let name = format!("samples/{}.v{}.{}", kind.name(), kind.version(), number + 1);
            let (bytes, json) = (path(&format!("{name}.bin")), path(&format!("{name}.json")));
            if regenerate() && !bytes.exists() {
                fs::create_dir_all(path("samples")).unwrap();
                fs::write(&bytes, sample.event.encode()).unwrap();
                fs::write(&json, describe(sample)).unwrap();
            }
            assert!(
                bytes.exists() && json.exists(),
                "topics/{name} is missing; write it by DUOLOG_REGENERATE=1 cargo test --release -p duolog-topics"
            );
        }
    }
}

#[test]
fn every_sample_ever_committed_decodes() {
    for sample in committed() {
        let (_, event) = sample.decode();
        assert_eq!(event.kind().name(), sample.kind);
        let (found, given) = (event.to_json(), &sample.description["payload"]);
        assert!(includes(&found, given), "{}: {given} became {found}", sample.name);
    }
}

#[test]
fn what_is_read_is_written_the_same() {
    for sample in committed() {
        let (envelope, event) = sample.decode();
        let again = event.encode();
        if sample.version == event.kind().version() {
            assert_eq!(again, sample.bytes, "{}", sample.name);
        }
        let header = envelope.encode_header(&event);
        let key = envelope.account.as_bytes();
        assert_eq!(Envelope::decode(key, envelope.time, &header, &again).unwrap(), (envelope, event));
    }
}

#[test]
fn samples_show_every_field() {
    for kind in EventKind::ALL {
        let mut wanted = BTreeSet::new();
        fields(&kind.schema().to_value(), &mut wanted);
        let mut shown = BTreeSet::new();
        for sample in committed().iter().filter(|sample| sample.kind == kind.name()) {
            members(&sample.description["payload"], &mut shown);
        }
        let hidden: Vec<_> = wanted.difference(&shown).collect();
        assert!(hidden.is_empty(), "no sample of {} has {hidden:?}", kind.name());
    }
}

fn fields(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(Value::as_object) {
                into.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| fields(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, into)),
        _ => {}
    }
}

fn members(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(found) => {
            into.extend(found.keys().cloned());
            found.values().for_each(|member| members(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, into)),
        _ => {}
    }
}
