use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::{Result, bail};
use duolog::domain::dump::{DumpedRow, dump};
use duolog::domain::rows::{MessageRow, MetaRow, Overlay, Pointer, Row as _, Rows, RowsError};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::split::{New, meta_after};
use crate::data::Progress;
use crate::owner::Old;

/// Tables whose rows belong to accounts, and so have to be the same on both sides, wherever they stand.
const NOT_OF_ACCOUNTS: &[&str] = &["meta", "messages", "positions", "consumers", "broadcasts"];

/// What readers see of a table: how many rows, and a sum over them that does not depend on where each stands.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    rows: u64,
    sum: u128,
}

type Tables = BTreeMap<&'static str, Seen>;

/// The oracle: what readers see of every account is the same before and after, bodies included. Gives the number of rows.
pub fn compare(old: &Old, new: &New) -> Result<u64> {
    let after = meta_after(&old.stores)?;
    let mut before = Tables::new();
    for (partition, store) in (0..).zip(&old.stores) {
        // What expires at the latest horizon of all partitions does so in the new ones.
        let view = store.view();
        let mut rows = Overlay::new(&view);
        rows.put(MetaRow::key(), &MetaRow { partition, ..after.clone() });
        look(&rows, &mut before)?;
    }
    let mut moved = Tables::new();
    for home in &new.homes {
        look(&home.store.view(), &mut moved)?;
    }
    for table in before.keys().chain(moved.keys()) {
        let (one, other) = (before.get(table).copied(), moved.get(table).copied());
        if one != other {
            let rows = |seen: Option<Seen>| seen.unwrap_or_default().rows;
            bail!(
                "the new state differs from the old one in {table} ({} and {} rows): this is a fault of the program. The \
                 old log is as it was, and still the one that counts",
                rows(one),
                rows(other)
            );
        }
    }
    Ok(before.values().map(|seen| seen.rows).sum())
}

fn look(rows: &dyn Rows, tables: &mut Tables) -> Result<(), RowsError> {
    let progress = Progress::rows("comparing");
    dump(rows, &mut |row| {
        progress.more(1);
        if NOT_OF_ACCOUNTS.contains(&row.table) {
            return ControlFlow::Continue(());
        }
        match resolved(rows, &row) {
            Ok(text) => {
                let seen = tables.entry(row.table).or_default();
                seen.rows += 1;
                seen.sum = seen.sum.wrapping_add(xxh3_128(text.as_bytes()));
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(Err(error)),
        }
    })
}

/// A row as text, with what it points at.
fn resolved(rows: &dyn Rows, row: &DumpedRow) -> Result<String, RowsError> {
    let shows_body = matches!(row.table, "history" | "timeline");
    let body = match pointer_in(&row.value).filter(|_| shows_body) {
        Some(pointer) => rows.get(MessageRow::key(pointer).as_slice())?,
        None => None,
    };
    let body = body.map(|value| MessageRow::decode(&value)).transpose()?;
    let body =
        body.map(|row| (row.from.to_string(), row.message_time, row.body.clone(), row.custom.clone(), row.flags()));
    Ok(format!("{} {} {} {body:?}", row.table, row.key, row.value))
}

/// Where a row points, if it does.
fn pointer_in(value: &Value) -> Option<Pointer> {
    let members = value.as_object()?;
    let at = |pointer: &Value| {
        let number = |name: &str| pointer.get(name)?.as_u64();
        let (generation, partition) = (number("generation")? as u32, number("partition")? as u32);
        Some(Pointer { generation, partition, offset: number("offset")? })
    };
    members.get("pointer").and_then(at).or_else(|| members.values().find_map(pointer_in))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use duolog::domain::rows::{Changes, ConversationRow, HistoryEntry, HistoryPlace, Key, MapRows, RowFlags};
    use duolog_topics::{Account, MessageContent, MessageFlags, Origin, RawJson};

    use super::*;

    const AT: Pointer = Pointer { generation: 0, partition: 0, offset: 7 };

    fn account(name: &str) -> Account {
        Account::new(name).unwrap()
    }

    fn history(of: &str) -> (Key, Option<Bytes>) {
        let entry = HistoryEntry { record_time: 5, flags: RowFlags::INCOMING, pointer: AT, msg_seq: 1, random: 2 };
        let mut row = ConversationRow { record_time: 5, ..ConversationRow::default() };
        row.newest.push(HistoryPlace { time: 5, sequence: 1 }, &entry);
        (ConversationRow::key(&account(of), &account("peer")), Some(row.encode()))
    }

    fn body(text: &str) -> (Key, Option<Bytes>) {
        let content = MessageContent {
            body: RawJson::encode(&serde_json::json!([text])).unwrap(),
            custom: None,
            msg_seq: 1,
            random: 2,
            flags: MessageFlags::default(),
            origin: Origin::Client,
            life: None,
            push: None,
            platform: None,
            ip: None,
        };
        (MessageRow::key(AT), Some(MessageRow::new(&account("peer"), &content, 5, 5).encode()))
    }

    /// What readers see of these homes together.
    fn seen(homes: &[&[(Key, Option<Bytes>)]]) -> Tables {
        let mut tables = Tables::new();
        for rows in homes {
            let mut home = MapRows::default();
            home.apply(&rows.iter().cloned().collect::<Changes>());
            look(&home, &mut tables).unwrap();
        }
        tables
    }

    #[test]
    fn it_does_not_matter_where_rows_stand_but_what_they_say_and_show() {
        let (alice, bob, hello) = (history("alice"), history("bob"), body("hello"));
        let one = seen(&[&[alice.clone(), bob.clone(), hello.clone()]]);
        let two = seen(&[&[bob.clone(), hello.clone()], &[alice.clone(), hello.clone()]]);
        assert!(one == two && one["history"].rows == 2);
        assert!(
            one != seen(&[&[bob.clone(), hello.clone()], std::slice::from_ref(&alice)]),
            "a body did not come along"
        );
        assert!(one != seen(&[&[bob.clone(), hello.clone()], &[alice, body("hullo")]]), "it is another one");
        assert!(one != seen(&[&[bob, hello]]), "a row did not come along");
    }
}
