use crate::{Account, DecodeError, Event, EventId, Header, LogId, Millis};

/// What a courier writes on a record that it carries: whose outbox it comes from, and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// The log of the source.
    pub log_id: LogId,
    /// That log's generation.
    pub generation: u32,
    /// The source partition.
    pub partition: u32,
    /// Counts 1, 2, 3 ... for one pair of source and destination partitions.
    pub number: u64,
}

/// By what right a record stands in a partition.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Authority {
    /// Written by the owner of the partition, in this epoch.
    Epoch(u64),
    /// Carried from another partition's outbox.
    Stamp(Stamp),
}

/// The attributes of a record, the same in every log provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The record's own id.
    pub id: EventId,
    /// Record time: stamped by the appender from its monotonic clock.
    pub time: Millis,
    /// The record's key: the account in whose home it stands.
    pub account: Account,
    /// By what right it stands there.
    pub authority: Authority,
}

impl Envelope {
    /// Encodes everything but key and time, which the log stores itself; see [`Header`] for the layout.
    pub fn encode_header(&self, event: &Event) -> Vec<u8> {
        self.header(event).encode()
    }

    /// The header of the record in which this envelope holds this event.
    pub fn header(&self, event: &Event) -> Header<'static> {
        let kind = event.kind();
        Header { kind: kind.name(), version: kind.version(), id: self.id, authority: self.authority }
    }

    /// Reads key, time and header of a record whose event is known already.
    ///
    /// # Errors
    /// [`DecodeError::Key`], [`DecodeError::Header`].
    pub fn decode_header(key: &[u8], time: Millis, header: &[u8]) -> Result<Self, DecodeError> {
        let account = Account::try_from(key)?;
        let header = Header::decode(header)?;
        Ok(Self { id: header.id, time, account, authority: header.authority })
    }

    /// Decodes a record: its key, time and header into the envelope, its payload into the event.
    ///
    /// # Errors
    /// Every way in which a record can be damaged or newer than this program; see [`DecodeError`].
    pub fn decode(key: &[u8], time: Millis, header: &[u8], payload: &[u8]) -> Result<(Self, Event), DecodeError> {
        let account = Account::try_from(key)?;
        let Header { kind, version, id, authority } = Header::decode(header)?;
        let event = Event::decode(kind, version, payload)?;
        Ok((Self { id, time, account, authority }, event))
    }

    /// The event's id as outside readers see it (`ce_id`), unique for ever: the UUID, or for a carried record
    /// `<log>-<generation>-<partition>-<number>-<account>`, which is the same at every repeat.
    ///
    /// The account is in it because a source counts for each destination apart: the same number goes to several
    /// partitions, but never to the same account twice.
    pub fn public_id(&self) -> String {
        match &self.authority {
            Authority::Epoch(_) => self.id.to_string(),
            Authority::Stamp(Stamp { log_id, generation, partition, number }) => {
                format!("{log_id}-{generation}-{partition}-{number}-{}", self.account)
            }
        }
    }
}
