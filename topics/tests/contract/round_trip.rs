use duolog_topics::{Envelope, Event, EventKind, Header};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::arbitrary;

/// What a reader sees as absent: null, an empty list, and a flag or a default that is written out.
fn includes(found: &Value, given: &Value) -> bool {
    match (found, given) {
        (Value::Object(found), Value::Object(given)) => given.iter().all(|(name, given)| match found.get(name) {
            Some(found) => includes(found, given),
            None => given.is_null() || *given == Value::Bool(false) || given.as_array().is_some_and(Vec::is_empty),
        }),
        (Value::Array(found), Value::Array(given)) => {
            found.len() == given.len() && found.iter().zip(given).all(|(found, given)| includes(found, given))
        }
        (found, given) => found == given,
    }
}

fn decode(envelope: &Envelope, event: &Event) -> (Envelope, Event) {
    let (header, payload) = (envelope.encode_header(event), event.encode());
    Envelope::decode(envelope.account.as_bytes(), envelope.time, &header, &payload).unwrap()
}

#[test]
fn whatever_fits_a_schema_is_read_whole() {
    for kind in EventKind::ALL {
        let strategy = arbitrary::payload(*kind);
        let test = |json: Value| {
            let event = arbitrary::from_json(*kind, &json);
            prop_assert_eq!(event.kind(), *kind);
            prop_assert!(includes(&event.to_json(), &json), "{} became {}", json, event.to_json());
            Ok(())
        };
        TestRunner::new(Config::with_cases(64)).run(&strategy, test).unwrap();
    }
}

proptest! {
    #[test]
    fn every_event_comes_back_in_its_envelope(envelope in arbitrary::envelope(), event in arbitrary::event()) {
        prop_assert_eq!(decode(&envelope, &event), (envelope, event));
    }

    #[test]
    fn the_json_form_is_the_same_event(event in arbitrary::event()) {
        prop_assert_eq!(arbitrary::from_json(event.kind(), &event.to_json()), event);
    }

    #[test]
    fn a_header_comes_back(envelope in arbitrary::envelope(), kind in ".{0,40}", version in 1..=u16::MAX) {
        let header = Header { kind: &kind, version, id: envelope.id, authority: envelope.authority };
        let bytes = header.encode();
        prop_assert_eq!(Header::decode(&bytes).unwrap(), header);
    }

    #[test]
    fn public_ids_tell_records_apart(one in arbitrary::envelope(), other in arbitrary::envelope()) {
        let same = one.authority == other.authority && one.account == other.account;
        prop_assume!(!same && one.id != other.id);
        prop_assert_ne!(one.public_id(), other.public_id());
    }
}
