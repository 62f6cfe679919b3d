//! The decoder meets whatever a disk or a foreign producer wrote. It may refuse, never panic.

use duolog_topics::{Authority, DecodeError, Envelope, Event, EventId, EventKind, Header, Tick};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::arbitrary;

fn header(kind: &str, version: u16) -> Vec<u8> {
    Header { kind, version, id: EventId::from_bytes([1; 16]), authority: Authority::Epoch(1) }.encode()
}

/// What is read at all can be written, and reads as the same again.
fn read(key: &[u8], header: &[u8], payload: &[u8]) {
    if let Ok((envelope, event)) = Envelope::decode(key, 7, header, payload) {
        let (header, payload) = (envelope.encode_header(&event), event.encode());
        assert_eq!(Envelope::decode(envelope.account.as_bytes(), 7, &header, &payload).unwrap(), (envelope, event));
    }
}

#[test]
fn says_what_is_newer() {
    let decode = |header: Vec<u8>| Envelope::decode(b"a", 0, &header, &[0x80]);
    let kind = EventKind::Tick;
    assert!(matches!(decode(header("tack", 1)), Err(DecodeError::UnknownKind(name)) if name == "tack"));
    let newer = decode(header(kind.name(), kind.version() + 1));
    assert!(matches!(newer, Err(DecodeError::NewerVersion { kind: "tick", version: 2, known: 1 })));
    assert!(matches!(decode(header("message.sent", 1)), Err(DecodeError::Payload { kind: "message.sent", .. })));
    assert!(matches!(decode(header("tick", 0)), Err(DecodeError::Header(_))));
    assert!(matches!(decode(Vec::new()), Err(DecodeError::Header(_))));
    assert!(matches!(decode(vec![2]), Err(DecodeError::NewerHeader(2))));
    assert!(matches!(decode(vec![0]), Err(DecodeError::Header(_))));
    assert!(matches!(Envelope::decode(b"", 0, &header("tick", 1), &[0x80]), Err(DecodeError::Key(_))));
}

#[test]
fn fields_of_a_later_program_are_no_obstacle() {
    // {"later": [1]}
    let payload = [0x81, 0xa5, b'l', b'a', b't', b'e', b'r', 0x91, 0x01];
    let (_, event) = Envelope::decode(b"a", 0, &header("tick", 1), &payload).unwrap();
    assert_eq!(event, Event::Tick(Tick {}));
}

#[test]
fn deep_nesting_is_refused() {
    for kind in EventKind::ALL {
        for opening in [&[0x91_u8][..], &[0x81, 0xa1, b'x'], &[0x81, 0xa5, b'i', b't', b'e', b'm', b's', 0x91]] {
            read(b"a", &header(kind.name(), 1), &opening.repeat(100_000));
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes(key: Vec<u8>, header: Vec<u8>, payload: Vec<u8>) {
        read(&key, &header, &payload);
    }

    #[test]
    fn arbitrary_payloads(kind in arbitrary::kind(), payload in vec(any::<u8>(), 0..200)) {
        read(b"alice", &header(kind.name(), kind.version()), &payload);
    }

    #[test]
    fn damaged_records(
        envelope in arbitrary::envelope(), event in arbitrary::event(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut: prop::sample::Index,
        in_header: bool, shorten: bool,
    ) {
        let (mut header, mut payload) = (envelope.encode_header(&event), event.encode());
        let part = if in_header { &mut header } else { &mut payload };
        for (place, byte) in flips {
            let place = place.index(part.len());
            part[place] = byte;
        }
        if shorten {
            part.truncate(cut.index(part.len() + 1));
        }
        read(envelope.account.as_bytes(), &header, &payload);
    }
}
