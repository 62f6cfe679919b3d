use std::fmt::Write as _;
use std::path::Path;

use super::*;

#[test]
fn every_command_is_found_by_its_name_and_has_its_own_bucket() {
    for (place, row) in ALL.iter().enumerate() {
        let (service, command) = row.name().split_once('/').unwrap();
        assert_eq!(row.place, place, "{}", row.name());
        assert!(std::ptr::eq(find(service, command).unwrap(), row), "{} stands twice", row.name());
    }
    assert!(find("openim", "SendMsg").is_none());
    assert!(find("Openim", "sendmsg").is_none());
    assert!(find("sns", "sendmsg").is_none());
}

#[test]
fn the_commands_with_a_lower_rate_keep_it() {
    let limiter = limiter(200);
    let calls = |name: (&str, &str)| {
        let command = find(name.0, name.1).unwrap();
        (0..1_000).filter(|_| limiter.take(command, 0)).count()
    };
    assert_eq!(calls(("openim", "sendmsg")), 200);
    assert_eq!(calls(("im_open_login_svc", "account_check")), 100);
    assert_eq!(calls(("openim", "querystate")), 200, "each has its own");
}

#[test]
fn no_limit_is_none_at_all() {
    let limiter = limiter(0);
    assert!((0..10_000).all(|_| ALL.iter().all(|row| limiter.take(row, 0))));
}

#[test]
fn codes_are_public_and_ascend() {
    for row in ALL {
        for codes in [row.codes, row.each] {
            assert!(codes.is_sorted_by(|one, next| one < next), "{}", row.name());
            codes.iter().for_each(|code| assert!(Code::try_from(*code).is_ok(), "{}: {code}", row.name()));
        }
    }
}

const INTRODUCTION: &str = "\
# Commands of the server API

Made from the table in `src/gateway/http/commands.rs`. A command is called with
`POST /v4/<service>/<command>?sdkappid=..&identifier=..&usersig=..&random=..&contenttype=json`: `identifier` is one of the
`app.admins`, `usersig` its signature, the body a JSON object. The answer is HTTP 200 with `ActionStatus`, `ErrorCode` and
`ErrorInfo`, whatever became of the call; [ERRORS.md](ERRORS.md) lists the codes. *Calls a second*: what `server.rate_limit`
allows, or less where a number stands. *Codes*: what else than 0 a command answers as `ErrorCode`, besides those of the front
(60002 to 60012, 70001 to 70014, 93000), of its service, and those that say \"try again\" (60007, 60008, 20005); *each*: what
else than 0 stands beside single accounts of a reply. *Pages*: the members of a reply that ask for the next page; where none
stands, a reply is whole. What is not in the table answers 60009.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for service in SERVICES {
        let (missing, malformed) = (service.invalid, service.malformed);
        writeln!(page, "\n## {}\n", service.name).unwrap();
        let codes = format!("{} for a body that is no JSON object, {} for", malformed.number(), missing.number());
        writeln!(page, "{codes} a field that is missing or wrong and has no code of its own.\n").unwrap();
        page.push_str("| command | calls a second | does | codes | each | pages |\n|---|---|---|---|---|---|\n");
        for row in ALL.iter().filter(|row| row.service.name == service.name) {
            let rate = match row.rate {
                Standard => String::new(),
                AtMost(rate) => rate.to_string(),
            };
            let list = |codes: &[u32]| codes.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
            let (codes, each, pages) = (list(row.codes), list(row.each), row.pages.join(" "));
            writeln!(page, "| `{}` | {rate} | {} | {codes} | {each} | {pages} |", row.command, row.summary).unwrap();
        }
    }
    page
}

#[test]
fn the_page_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SERVER_API.md");
    if std::env::var_os("DUOLOG_REGENERATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/SERVER_API.md differs from the table; run: DUOLOG_REGENERATE=1 cargo test --release --lib the_page_is_made"
    );
}
