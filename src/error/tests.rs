use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use super::*;

#[test]
fn names_are_unique_snake_case() {
    let mut seen = HashSet::from([HOOK.name]);
    for entry in ALL {
        assert!(seen.insert(entry.name), "{} stands twice", entry.name);
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(entry.name.bytes().all(good), "{} is not snake case", entry.name);
    }
}

#[test]
fn messages_are_one_phrase() {
    for entry in ALL {
        assert!(!entry.message.ends_with('.') && !entry.message.contains('|'), "{}", entry.code);
    }
}

#[test]
fn constants_are_rows() {
    assert_eq!(Code::NOT_FRIENDS.number(), 20009);
    assert_eq!(Code::NOT_FRIENDS.name(), "not_friends");
    assert!(!Code::NOT_FRIENDS.retry());
    assert!(Code::TOO_MANY_REQUESTS.retry());
    assert_eq!(Code::KICKED_BY_OTHER.to_string(), "6208 kicked_by_other");
    for entry in ALL {
        assert_eq!(entry.code.entry(), entry);
    }
}

#[test]
fn numbers_lead_back_to_codes() {
    for entry in ALL {
        assert_eq!(Code::try_from(entry.code.number()), Ok(entry.code));
    }
    assert_eq!(Code::try_from(0), Err(UnknownCode(0)));
    assert_eq!(Code::try_from(120_000), Err(UnknownCode(120_000)));
    assert_eq!(Code::try_from(130_006), Err(UnknownCode(130_006)));
}

#[test]
fn codes_of_a_hook_keep_their_number() {
    for number in [120_001, 123_456, 130_000] {
        let code = Code::try_from(number).unwrap();
        assert_eq!((code.number(), code.name(), code.retry()), (number, "refused_by_app", false));
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Public codes\n\n\
         Made from the table in `src/error/table.rs`; both protocols answer with these. The server API has the number in\n\
         `ErrorCode`, the client protocol has `{\"code\", \"name\", \"message\", \"retry\"}` in `error`. Numbers and names never\n\
         change their meaning; the sentences may. *Retry*: the same request, with the same key, may succeed later, and the\n\
         first try may have taken effect.\n\n\
         | code | name | retry | layer | meaning |\n|---|---|---|---|---|\n",
    );
    let hook = HOOK_CODES.start();
    for entry in ALL.iter().filter(|entry| entry.code.number() < *hook) {
        row(&mut page, &entry.code.number().to_string(), entry);
    }
    row(&mut page, &format!("{hook}-{}", HOOK_CODES.end()), &HOOK);
    for entry in ALL.iter().filter(|entry| entry.code.number() > *hook) {
        row(&mut page, &entry.code.number().to_string(), entry);
    }
    page
}

fn row(page: &mut String, number: &str, entry: &Entry) {
    let retry = if entry.retry { "yes" } else { "" };
    let layer = format!("{:?}", entry.layer).to_lowercase();
    writeln!(page, "| {number} | `{}` | {retry} | {layer} | {} |", entry.name, entry.message).unwrap();
}

#[test]
fn the_page_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ERRORS.md");
    if std::env::var_os("DUOLOG_REGENERATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/ERRORS.md differs from the table; run: DUOLOG_REGENERATE=1 cargo test --release --lib the_page_is_made"
    );
}
