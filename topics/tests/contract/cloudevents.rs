use duolog_topics::cloudevents::{headers, of_record, to_record};
use duolog_topics::{Authority, DecodeError, Envelope, Event, EventId, Stamp, Tick};
use proptest::prelude::*;

use crate::arbitrary;

fn borrow<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a [u8])> {
    headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
}

fn example() -> Vec<(&'static str, String)> {
    let envelope = Envelope {
        id: EventId::new(1_700_000_000_123, [7; 10]),
        time: 1_700_000_000_123,
        account: "alice".parse().unwrap(),
        authority: Authority::Epoch(3),
    };
    headers(&envelope, &Event::Tick(Tick {}))
}

#[test]
fn are_the_binary_form_of_cloudevents() {
    let wanted = [
        ("ce_specversion", "1.0"),
        ("ce_id", "018bcfe5-687b-7707-8707-070707070707"),
        ("ce_source", "duolog"),
        ("ce_type", "duolog.tick"),
        ("ce_time", "2023-11-14T22:13:20.123Z"),
        ("content-type", "application/msgpack"),
        ("ce_dataversion", "1"),
        ("ce_epoch", "3"),
    ];
    let found = example();
    assert_eq!(found.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_carried_record_is_named_after_its_source() {
    let stamp = Stamp { log_id: uuid::Uuid::from_u128(1), generation: 2, partition: 3, number: 4 };
    let envelope = Envelope {
        id: EventId::from_bytes([9; 16]),
        time: 0,
        account: "bob".parse().unwrap(),
        authority: Authority::Stamp(stamp),
    };
    let found = headers(&envelope, &Event::Tick(Tick {}));
    let value = |wanted: &str| found.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(value("ce_id"), Some("00000000-0000-0000-0000-000000000001-2-3-4-bob"));
    assert_eq!(value("ce_stamp"), Some("00000000-0000-0000-0000-000000000001/2/3/4"));
    assert_eq!(value("ce_recordid"), Some("09090909-0909-0909-0909-090909090909"));
    assert_eq!(value("ce_epoch"), None);
}

#[test]
fn foreign_headers_are_refused() {
    let good = example();
    assert!(to_record(borrow(&good)).is_ok());
    assert!(matches!(to_record([]), Err(DecodeError::Header(_))));
    for missing in ["ce_specversion", "ce_id", "ce_type", "ce_time", "ce_dataversion", "ce_epoch"] {
        let fewer = borrow(&good).into_iter().filter(|(name, _)| *name != missing);
        assert!(matches!(to_record(fewer), Err(DecodeError::Header(_))), "without {missing}");
    }
    for (name, value) in [
        ("ce_epoch", "3"),
        ("ce_stamp", "00000000-0000-0000-0000-000000000001/2/3/4"),
        ("ce_type", "duolog.tick"),
        ("ce_recordid", "\u{fffd}"),
    ] {
        let more = borrow(&good).into_iter().chain([(name, value.as_bytes()), (name, value.as_bytes())]);
        assert!(matches!(to_record(more), Err(DecodeError::Header(_))), "with another {name}");
    }
}

proptest! {
    #[test]
    fn lead_back_to_the_record(envelope in arbitrary::envelope(), event in arbitrary::event()) {
        let bytes = envelope.encode_header(&event);
        let found = headers(&envelope, &event);
        prop_assert_eq!(&of_record(envelope.account.as_bytes(), envelope.time, &bytes).unwrap(), &found);
        let mut shuffled = borrow(&found);
        shuffled.reverse();
        shuffled.insert(2, ("traceparent", b"\xff"));
        prop_assert_eq!(to_record(shuffled).unwrap(), (envelope.time, bytes));
    }

    #[test]
    fn attribute_names_are_what_cloudevents_allows(envelope in arbitrary::envelope(), event in arbitrary::event()) {
        for (name, value) in headers(&envelope, &event) {
            let attribute = name.strip_prefix("ce_").unwrap_or("contenttype");
            prop_assert!(attribute.len() <= 20 && attribute.bytes().all(|byte| byte.is_ascii_lowercase()));
            prop_assert!(!value.is_empty());
        }
    }

    #[test]
    fn no_headers_make_it_panic(values in prop::collection::vec("[0-9a-f/.:TZ-]{0,60}", 8)) {
        let names = ["ce_id", "ce_type", "ce_time", "ce_dataversion", "ce_stamp", "ce_recordid", "ce_epoch", "x"];
        let headers = names.into_iter().zip(values.iter().map(String::as_bytes));
        let _ = to_record(headers.chain([("ce_specversion", &b"1.0"[..])]));
    }
}
