//! The envelope as CloudEvents headers (version 1.0, Kafka protocol binding, binary mode).
//!
//! On Kafka a record's value is the payload alone, and these headers say the rest, so that any CloudEvents reader knows
//! what it has before it decodes:
//!
//! | header | value |
//! |---|---|
//! | `ce_specversion` | `1.0` |
//! | `ce_id` | [`Envelope::public_id`]: unique for ever, the same at every repeat of a carried record |
//! | `ce_source` | `duolog` |
//! | `ce_type` | `duolog.` and the kind, for example `duolog.message.sent` |
//! | `ce_time` | record time, RFC 3339 in UTC with milliseconds |
//! | `content-type` | `application/msgpack` |
//! | `ce_dataversion` | the payload's version: which JSON schema of the kind holds |
//! | `ce_epoch` | only if an owner wrote the record: its epoch |
//! | `ce_stamp`, `ce_recordid` | only on a carried record: `<log>/<generation>/<partition>/<number>` of its source, and the record's own id |
//!
//! The log providers know bytes only: [`of_record`] and [`to_record`] go between them and these headers.

use crate::{Account, Authority, DecodeError, Envelope, Event, EventId, Header, Millis, Stamp, parse_rfc3339, rfc3339};

/// `ce_type` is this, then the kind.
pub const TYPE_PREFIX: &str = "duolog.";

/// `ce_source` of every record.
pub const SOURCE: &str = "duolog";

/// `content-type` of every record.
pub const CONTENT_TYPE: &str = "application/msgpack";

const SPEC_VERSION: &str = "1.0";

/// The headers of an event in its envelope, in the order of the table above.
pub fn headers(envelope: &Envelope, event: &Event) -> Vec<(&'static str, String)> {
    let kind = event.kind();
    write(envelope, kind.name(), kind.version())
}

/// The headers of a record that is known as bytes: its key, its time and its [`Header`].
///
/// # Errors
/// [`DecodeError::Key`] and [`DecodeError::Header`].
pub fn of_record(key: &[u8], time: Millis, header: &[u8]) -> Result<Vec<(&'static str, String)>, DecodeError> {
    let account = Account::try_from(key)?;
    let Header { kind, version, id, authority } = Header::decode(header)?;
    Ok(write(&Envelope { id, time, account, authority }, kind, version))
}

fn write(envelope: &Envelope, kind: &str, version: u16) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("ce_specversion", SPEC_VERSION.to_owned()),
        ("ce_id", envelope.public_id()),
        ("ce_source", SOURCE.to_owned()),
        ("ce_type", format!("{TYPE_PREFIX}{kind}")),
        ("ce_time", rfc3339(envelope.time)),
        ("content-type", CONTENT_TYPE.to_owned()),
        ("ce_dataversion", version.to_string()),
    ];
    match &envelope.authority {
        Authority::Epoch(epoch) => headers.push(("ce_epoch", epoch.to_string())),
        Authority::Stamp(Stamp { log_id, generation, partition, number }) => {
            headers.push(("ce_stamp", format!("{log_id}/{generation}/{partition}/{number}")));
            headers.push(("ce_recordid", envelope.id.to_string()));
        }
    }
    headers
}

/// The record's time and the bytes of its [`Header`], from headers in any order; others are ignored.
///
/// A record that another program wrote usually fails here. The caller hands it on with an empty header, so that it is
/// refused and counted like every foreign record.
///
/// # Errors
/// [`DecodeError::Header`]: a header is missing, stands twice, or has a value that [`of_record`] does not write.
pub fn to_record<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<(Millis, Vec<u8>), DecodeError> {
    let found = Found::collect(headers)?;
    if found.spec_version != Some(SPEC_VERSION) {
        return Err(DecodeError::Header("ce_specversion is not 1.0"));
    }
    let kind = found.kind.and_then(|kind| kind.strip_prefix(TYPE_PREFIX));
    let kind = kind.ok_or(DecodeError::Header("ce_type does not begin with duolog."))?;
    let time = found.time.and_then(parse_rfc3339).ok_or(DecodeError::Header("ce_time is no time of ours"))?;
    let version = found.version.and_then(|text| text.parse().ok());
    let version = version.ok_or(DecodeError::Header("ce_dataversion is no version"))?;
    let authority = match (found.epoch, found.stamp) {
        (Some(epoch), None) => epoch.parse().map(Authority::Epoch).ok(),
        (None, Some(stamp)) => parse_stamp(stamp).map(Authority::Stamp),
        _ => return Err(DecodeError::Header("there must be one of ce_epoch and ce_stamp")),
    };
    let authority = authority.ok_or(DecodeError::Header("ce_epoch or ce_stamp cannot be read"))?;
    let id = match authority {
        Authority::Epoch(_) => found.id,
        Authority::Stamp(_) => found.record_id,
    };
    let id: Option<EventId> = id.and_then(|text| text.parse().ok());
    let id = id.ok_or(DecodeError::Header("ce_id or ce_recordid is no UUID"))?;
    Ok((time, Header { kind, version, id, authority }.encode()))
}

fn parse_stamp(text: &str) -> Option<Stamp> {
    let mut parts = text.split('/');
    let stamp = Stamp {
        log_id: parts.next()?.parse().ok()?,
        generation: parts.next()?.parse().ok()?,
        partition: parts.next()?.parse().ok()?,
        number: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(stamp)
}

/// The headers that matter, each at most once.
#[derive(Default)]
struct Found<'a> {
    spec_version: Option<&'a str>,
    id: Option<&'a str>,
    kind: Option<&'a str>,
    time: Option<&'a str>,
    version: Option<&'a str>,
    epoch: Option<&'a str>,
    stamp: Option<&'a str>,
    record_id: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn collect(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        for (name, value) in headers {
            let place = match name {
                "ce_specversion" => &mut found.spec_version,
                "ce_id" => &mut found.id,
                "ce_type" => &mut found.kind,
                "ce_time" => &mut found.time,
                "ce_dataversion" => &mut found.version,
                "ce_epoch" => &mut found.epoch,
                "ce_stamp" => &mut found.stamp,
                "ce_recordid" => &mut found.record_id,
                _ => continue,
            };
            let value = std::str::from_utf8(value).map_err(|_| DecodeError::Header("a ce_ header is not UTF-8"))?;
            if place.replace(value).is_some() {
                return Err(DecodeError::Header("a ce_ header stands twice"));
            }
        }
        Ok(found)
    }
}
