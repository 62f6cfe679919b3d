use duolog_topics::EventKind;

use crate::committed;

#[test]
fn every_kind_has_the_schema_of_its_type() {
    for kind in EventKind::ALL {
        let mut text = serde_json::to_string_pretty(&kind.schema()).unwrap();
        text.push('\n');
        committed::check(&format!("schemas/{}.v{}.json", kind.name(), kind.version()), &text);
    }
}

#[test]
fn no_schema_is_lost_and_none_is_left_over() {
    let mut wanted: Vec<String> = EventKind::ALL
        .iter()
        .flat_map(|kind| (1..=kind.version()).map(|version| format!("{}.v{version}.json", kind.name())))
        .collect();
    wanted.sort();
    assert_eq!(committed::names("schemas"), wanted);
}

#[test]
fn kinds_have_names_that_lead_back() {
    for kind in EventKind::ALL {
        assert_eq!(EventKind::from_name(kind.name()), Some(*kind));
        assert!(kind.version() >= 1);
    }
    assert_eq!(EventKind::from_name("message.sent.v1"), None);
}
