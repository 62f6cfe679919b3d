use std::fmt::Write as _;
use std::path::Path;

use super::*;

#[test]
fn every_row_is_an_op_with_public_codes_that_ascend() {
    for row in rows() {
        let parsed = Op::parse(row.name, "{}");
        assert!(!matches!(parsed, Err(failure) if failure.code == Code::NO_SUCH_COMMAND), "{}", row.name);
        for codes in [row.codes, row.each] {
            assert!(codes.is_sorted_by(|one, next| one < next), "{}", row.name);
            codes.iter().for_each(|code| assert!(Code::try_from(*code).is_ok(), "{}: {code}", row.name));
        }
    }
}

const INTRODUCTION: &str = "\
# Ops of the client protocol

Made from the table in `src/gateway/ws/op/mod.rs`. A client asks with `{\"id\": 7, \"op\": \"send\", \"args\": {...}}` over the
WebSocket at `/v1/ws`. *Codes*: those of a reply's `error`, besides what any op may have: 60003 for a field that is missing or
wrong and has no code of its own, 60009 for an op that there is not, 20002 before the login, and those that say \"try
again\" (60007, 60008, 20005); *each*: what else than 0 stands in `results`, besides those that say \"try again\".
[ERRORS.md](ERRORS.md) lists the codes, [CLIENT_PROTOCOL.md](CLIENT_PROTOCOL.md) says what args and replies hold.

| op | does | codes | each |
|---|---|---|---|
";

fn page() -> String {
    let list = |codes: &[u32]| codes.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let mut page = INTRODUCTION.to_owned();
    for Row { name, says, codes, each } in rows() {
        writeln!(page, "| `{name}` | {says} | {} | {} |", list(codes), list(each)).unwrap();
    }
    page
}

#[test]
fn the_page_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CLIENT_OPS.md");
    if std::env::var_os("DUOLOG_REGENERATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/CLIENT_OPS.md differs from the table; run: DUOLOG_REGENERATE=1 cargo test --release --lib the_page_is_made"
    );
}

#[test]
fn the_page_of_the_protocol_has_every_request() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CLIENT_PROTOCOL.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (_, requests) = page.split_once("\n## Requests\n").unwrap();
    for row in rows().filter(|row| row.name != "login") {
        assert!(requests.contains(&format!("`{}`", row.name)), "{}", row.name);
    }
}
