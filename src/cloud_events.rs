//! How the log's records travel on Kafka: as CloudEvents, so that any reader of the topic knows what it has.

use duolog_topics::cloudevents;

use crate::log::Record;
use crate::log::kafka::{HeaderCodec, HeaderRead, Headers, TimeAndHeader};

/// Between the headers of a Kafka message and the time and header bytes of a record. Decoding what was encoded gives the
/// identical record, so its checksum is the same on every log.
pub const CLOUD_EVENTS: HeaderCodec = HeaderCodec { encode, decode };

fn encode(record: &Record) -> Result<Headers, String> {
    let headers = cloudevents::of_record(&record.key, record.time, &record.header);
    let headers = headers.map_err(|error| error.to_string())?;
    Ok(headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect())
}

fn decode(headers: &[HeaderRead<'_>]) -> Result<TimeAndHeader, String> {
    cloudevents::to_record(headers.iter().copied()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use duolog_topics::{Account, Authority, Envelope, Event, EventId, LogId, Stamp, Tick};

    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let stamp = Stamp { log_id: LogId::now_v7(), generation: 3, partition: 17, number: u64::MAX };
        for authority in [Authority::Epoch(0), Authority::Epoch(u64::MAX), Authority::Stamp(stamp)] {
            for time in [0, 1, 1_700_000_000_123, 253_402_300_799_999] {
                let account = Account::new("alice@example").unwrap();
                let envelope = Envelope { id: EventId::from_bytes([7; 16]), time, account, authority };
                let event = Event::Tick(Tick {});
                let record = Record {
                    key: Bytes::copy_from_slice(envelope.account.as_bytes()),
                    time,
                    header: envelope.encode_header(&event).into(),
                    payload: event.encode().into(),
                };
                let headers = encode(&record).unwrap();
                let borrowed: Vec<HeaderRead<'_>> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
                let (time, header) = decode(&borrowed).unwrap();
                let again = Record { time, header: header.into(), ..record.clone() };
                assert_eq!((&again, again.checksum()), (&record, record.checksum()));
            }
        }
    }

    #[test]
    fn what_no_record_of_ours_has_is_refused() {
        assert!(decode(&[]).is_err());
        assert!(decode(&[("ce_type", b"duolog.tick")]).is_err());
    }
}
