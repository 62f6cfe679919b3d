mod events;
mod live;

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::in_memory;
use crate::domain::dump::{Compared, DumpedRow, compare, dump, dump_account};
use crate::domain::rows::{DAY, Rows};
use events::{Op, ops};
use live::{Live, name};

/// The first differences between two sets of rows, a line each.
fn differences(left: &dyn Rows, right: &dyn Rows) -> (Compared, Vec<String>) {
    let mut lines = Vec::new();
    let compared = compare(left, right, &mut |difference| {
        lines.push(difference.to_string());
        if lines.len() < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    (compared.unwrap(), lines)
}

fn dumped(rows: &dyn Rows) -> Vec<DumpedRow> {
    let mut shown = Vec::new();
    dump(rows, &mut |row| {
        shown.push(row);
        ControlFlow::Continue(())
    })
    .unwrap();
    shown
}

/// A mailbox in words: no number of a format, no bytes.
#[test]
fn a_dump_can_be_read() {
    let mut live = Live::new();
    (0..2).for_each(|who| live.play(&Op::Import { who, nick: Some(7) }));
    live.send(42);
    let mut lines = Vec::new();
    dump_account(&live.rows, &name(1), &mut |row| {
        lines.push(row.to_string());
        ControlFlow::Continue(())
    })
    .unwrap();
    let expected = [
        r#"{"partition":0,"table":"messages","key":{"generation":0,"offset":5,"partition":0},"value":{"body":"[]","custom":"42","deliveries":[{"code":0,"online":false,"receiver":"bob","unread_total":1}],"flags":{},"from":"alice","message_time":1700000000006,"msg_seq":1,"origin":"client","platform":null,"push":null,"random":42,"receivers":1,"record_time":1700000000006}}"#,
        r#"{"partition":0,"table":"timeline","key":{"account":"bob","sequence":1},"value":{"entry":{"message":{"flags":["incoming","counts"],"peer":"alice","pointer":{"generation":0,"offset":5,"partition":0},"until":null}},"ordinal":1,"previous":0,"record_time":1700000000006}}"#,
        r#"{"partition":0,"table":"history","key":{"account":"bob","peer":"alice","sequence":1,"time":1700000000006},"value":{"flags":["incoming","counts"],"msg_seq":1,"pointer":{"generation":0,"offset":5,"partition":0},"random":42,"record_time":1700000000006}}"#,
        r#"{"partition":0,"table":"conversations","key":{"account":"bob","peer":"alice"},"value":{"changed":1,"cleared":{"sequence":0,"time":0},"last":{"sequence":1,"time":1700000000006},"newest_received":1700000000006,"newest_time":1700000000006,"peer_read_time":0,"read_time":0,"recent":{"row":1700000000006,"time":1700000000006},"record_time":1700000000006,"uncounted":0,"unread":1}}"#,
        r#"{"partition":0,"table":"recents","key":{"account":"bob","peer":"alice","time":1700000000006},"value":{}}"#,
    ];
    assert_eq!(lines[..5], expected);
    assert!(lines[5].starts_with(r#"{"partition":0,"table":"accounts","key":{"account":"bob"}"#), "{}", lines[5]);
}

/// A deletion goes on in further records if there is much to delete; how many, no compaction may decide.
#[test]
fn a_deletion_counts_no_row_that_a_compaction_may_have_taken() {
    let mut live = Live::new();
    (0..2).for_each(|who| live.play(&Op::Import { who, nick: None }));
    (0..600).for_each(|random| live.send(random));
    live.play(&Op::Wait(9 * DAY));
    live.play(&Op::Tick);
    (0..2).for_each(|seed| live.play(&Op::Compact(seed)));
    (600..900).for_each(|random| live.send(random));
    live.play(&Op::Delete { who: 0 });
    let (_, lines) = differences(&live.rows, &in_memory(&live.log, 0).unwrap());
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Whatever was folded one by one, with compactions at any time, and then again in one go.
    #[test]
    fn live_rows_are_what_a_rebuild_gives(ops in ops()) {
        let mut live = Live::new();
        for op in &ops {
            live.play(op);
        }
        let rebuilt = in_memory(&live.log, 0).unwrap();
        let (compared, lines) = differences(&live.rows, &rebuilt);
        prop_assert!(lines.is_empty(), "{} differences after {} records:\n{}", compared.differences,
            live.records, lines.join("\n"));
        let shown = dumped(&rebuilt);
        prop_assert_eq!(shown.len() as u64, compared.rows, "what is compared is what a dump shows");
        let opaque = shown.iter().find(|row| row.value.get("undecodable").is_some() || row.value.is_string());
        prop_assert!(opaque.is_none(), "{:?}", opaque);
    }
}
