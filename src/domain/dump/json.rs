use serde_json::{Map, Value, json};

use crate::domain::rows::{
    AccountRow, BroadcastRow, ConsumerRow, ConversationRow, DeviceRow, FriendGroupsRow, HistoryRow, IdempotencyRow,
    KeyReader, MessageRow, MetaRow, OutboxRow, OutcomeRow, PositionRow, ProfileRow, PushTokenRow, RecentRow,
    RelationKind, RelationRow, Row, RowFlags, RowsError, SessionRow, Table, TimelineEntry, TimelineRow,
};

/// The parts of a key by their names.
///
/// # Errors
/// If it is no key of the table.
pub(super) fn key(table: Table, key: &[u8]) -> Result<Value, RowsError> {
    let reader = &mut KeyReader::new(key, table)?;
    Ok(match table {
        Table::Meta => json!({}),
        Table::Message | Table::Outcome => {
            json!({ "generation": reader.u32()?, "partition": reader.u32()?, "offset": reader.u64()? })
        }
        Table::Timeline => json!({ "account": reader.text()?, "sequence": reader.u64()? }),
        Table::History => json!({
            "account": reader.text()?, "peer": reader.text()?, "time": reader.u64()?, "sequence": reader.u64()?,
        }),
        Table::Conversation => json!({ "account": reader.text()?, "peer": reader.text()? }),
        Table::Recent => json!({ "account": reader.text()?, "time": reader.u64()?, "peer": reader.text()? }),
        Table::Device | Table::PushToken => json!({ "account": reader.text()?, "device": reader.text()? }),
        Table::Account | Table::Profile | Table::FriendGroups => json!({ "account": reader.text()? }),
        Table::Session => json!({ "account": reader.text()?, "session": reader.text()? }),
        Table::Relation => {
            json!({ "account": reader.text()?, "kind": relation(reader.array::<1>()?[0]), "peer": reader.text()? })
        }
        Table::Idempotency => json!({ "sender": reader.text()?, "hash": hex(&reader.array::<16>()?) }),
        Table::Outbox => json!({ "destination": reader.u32()?, "number": reader.u64()? }),
        Table::Position => position(reader)?,
        Table::Broadcast => json!({ "number": reader.u64()? }),
        Table::Consumer => json!({ "consumer": reader.text()? }),
    })
}

fn relation(kind: u8) -> Value {
    use RelationKind::{Block, BlockedBy, Friend, FriendOf, Pending};
    let names = [(Friend, "friend"), (FriendOf, "friend_of"), (Block, "block"), (BlockedBy, "blocked_by")];
    let names = names.into_iter().chain([(Pending, "pending")]);
    let mut names = names.filter(|(known, _)| *known as u8 == kind);
    names.next().map_or_else(|| kind.into(), |(_, name)| name.into())
}

fn position(reader: &mut KeyReader<'_>) -> Result<Value, RowsError> {
    Ok(match &reader.array::<1>()? {
        b"o" => json!({ "given_out_to": reader.u32()? }),
        _ => json!({
            "applied_from": {
                "log": uuid::Uuid::from_bytes(reader.array()?).to_string(),
                "generation": reader.u32()?,
                "partition": reader.u32()?,
            },
        }),
    })
}

/// The fields of a value by their names; with the record time, if the row has one.
///
/// # Errors
/// If it is no value of the table.
pub(super) fn value(table: Table, value: &[u8]) -> Result<Value, RowsError> {
    Ok(match table {
        Table::Meta => fields(&MetaRow::decode(value)?),
        Table::Message => message(&MessageRow::decode(value)?),
        Table::Outcome => fields(&OutcomeRow::decode(value)?),
        Table::Timeline => timeline(&TimelineRow::decode(value)?),
        Table::History => history(&HistoryRow::decode(value)?)?,
        Table::Conversation => conversation(&ConversationRow::decode(value)?),
        Table::Recent => fields(&RecentRow::decode(value)?),
        Table::Device => fields(&DeviceRow::decode(value)?),
        Table::Account => {
            let row = AccountRow::decode(value)?;
            with(fields(&row), [("timeline_id", hex(&row.timeline_id))])
        }
        Table::Session => fields(&SessionRow::decode(value)?),
        Table::Relation => fields(&RelationRow::decode(value)?),
        Table::Idempotency => fields(&IdempotencyRow::decode(value)?),
        Table::Outbox => fields(&OutboxRow::decode(value)?),
        Table::Position => fields(&PositionRow::decode(value)?),
        Table::Profile => fields(&ProfileRow::decode(value)?),
        Table::PushToken => fields(&PushTokenRow::decode(value)?),
        Table::FriendGroups => fields(&FriendGroupsRow::decode(value)?),
        Table::Broadcast => fields(&BroadcastRow::decode(value)?),
        Table::Consumer => fields(&ConsumerRow::decode(value)?),
    })
}

fn fields<R: Row>(row: &R) -> Value {
    let fields = serde_json::to_value(row).expect("row types hold only what JSON can write");
    match row.record_time() {
        Some(time) => with(fields, [("record_time", time.into())]),
        None => fields,
    }
}

fn with<const N: usize>(mut fields: Value, more: [(&str, Value); N]) -> Value {
    let members = fields.as_object_mut().into_iter();
    members.for_each(|members| members.extend(more.clone().map(|(name, value)| (name.to_owned(), value))));
    fields
}

fn without<const N: usize>(fields: Value, names: [&str; N]) -> Value {
    let mut members = if let Value::Object(members) = fields { members } else { Map::new() };
    members.retain(|name, _| !names.contains(&name.as_str()));
    Value::Object(members)
}

/// Bits by their names, as the event has them.
fn message(row: &MessageRow) -> Value {
    let shown = without(fields(row), ["bits", "origin"]);
    with(shown, [("flags", json!(row.flags())), ("origin", json!(row.origin()))])
}

/// Its newest messages are shown as history.
fn conversation(row: &ConversationRow) -> Value {
    without(fields(row), ["newest"])
}

/// A row that holds one message: see [`super::history`].
fn history(row: &HistoryRow) -> Result<Value, RowsError> {
    let entries = row.entries.to_vec()?;
    let [(_, entry)] = entries.as_slice() else {
        return Err(RowsError(format!("{} messages in one row", entries.len())));
    };
    Ok(with(json!(entry), [("flags", flags(entry.flags))]))
}

fn timeline(row: &TimelineRow) -> Value {
    let shown = fields(row);
    let TimelineEntry::Message { peer, flags: bits, pointer, until } = &row.entry else { return shown };
    let entry = json!({ "message": { "peer": peer, "flags": flags(*bits), "pointer": pointer, "until": until } });
    with(shown, [("entry", entry)])
}

fn flags(flags: RowFlags) -> Value {
    let names = [
        (RowFlags::INCOMING, "incoming"),
        (RowFlags::COUNTS, "counts"),
        (RowFlags::RECALLED, "recalled"),
        (RowFlags::MODIFIED, "modified"),
        (RowFlags::RECEIPTED, "receipted"),
    ];
    names.into_iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| name).collect()
}

/// Bytes that make no row, for whoever has to find out why.
pub(super) fn undecodable(bytes: &[u8], error: &RowsError) -> Value {
    json!({ "undecodable": hex(bytes), "because": error.0 })
}

pub(super) fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}
