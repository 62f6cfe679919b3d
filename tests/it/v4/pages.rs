//! Lists that come in pages: from the first to the last everything once, in order; empty ones; places beyond the end; and
//! changes between two pages.

use std::collections::BTreeSet;

use duolog::gateway::http::commands::{ALL, Command};
use serde_json::{Value, json};

use crate::harness::{Server, body, now, random};

/// A command that pages: how a list of some length is made, asked for and read.
struct Paged {
    command: &'static str,
    /// Makes a list of so many and tells whose it is, and the names that all its pages hold, in their order.
    make: fn(&Server, usize) -> (Value, Vec<String>),
    /// The list in a reply.
    list: &'static str,
    /// The name of an item.
    name: fn(&Value) -> String,
    /// Whether a reply is of the last page.
    is_last: fn(&Value) -> bool,
    /// Makes the request of the next page from the last request and its reply.
    next: fn(&mut Value, &Value),
    /// Items of a full page.
    page: usize,
}

fn account(item: &Value) -> String {
    item["To_Account"].as_str().expect("a name").to_owned()
}

/// So many accounts, in the order of their names.
fn people(server: &Server, count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..count).map(|_| crate::harness::unused()).collect();
    names.chunks(100).for_each(|names| {
        server.ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
    });
    names.sort();
    names
}

fn blocked(server: &Server, count: usize) -> (Value, Vec<String>) {
    let [alice] = server.accounts();
    let names = people(server, count);
    if count > 0 {
        server.ok("sns/black_list_add", &json!({"From_Account": alice, "To_Account": names}));
    }
    (json!({"From_Account": alice, "StartIndex": 0, "MaxLimited": 10, "LastSequence": 0}), names)
}

fn friends(server: &Server, count: usize) -> (Value, Vec<String>) {
    let [alice] = server.accounts();
    let names = people(server, count);
    let item = |name: &String| json!({"To_Account": name, "AddSource": "AddSource_Type_Test"});
    if count > 0 {
        let items: Vec<Value> = names.iter().map(item).collect();
        server.ok("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": items}));
    }
    (json!({"From_Account": alice, "StartIndex": 0}), names)
}

/// Messages of imported seconds, several of each, so that a page ends inside of one.
fn imported(server: &Server, count: usize) -> (String, String, Vec<String>) {
    let [alice, bob] = server.accounts();
    let start = now() - 1_000;
    let import = |number: usize| {
        let (time, seq) = (start + number as u64 / 3, number as u64);
        let request = json!({"SyncFromOldSystem": 2, "From_Account": alice, "To_Account": bob, "MsgRandom": 1,
            "MsgSeq": seq, "MsgTimeStamp": time, "MsgBody": body("old")});
        server.ok("openim/importmsg", &request);
        format!("{seq}_1_{time}")
    };
    let mut keys: Vec<String> = (0..count).map(import).collect();
    keys.reverse();
    (alice, bob, keys)
}

fn roam_newer(server: &Server, count: usize) -> (Value, Vec<String>) {
    let (alice, bob, keys) = imported(server, count);
    let request = json!({"Operator_Account": bob, "Peer_Account": alice, "MaxCnt": 10, "MinTime": 0, "MaxTime": now()});
    (request, keys)
}

fn roam_older(server: &Server, count: usize) -> (Value, Vec<String>) {
    let (alice, bob, keys) = imported(server, count);
    (json!({"From_Account": alice, "To_Account": bob, "MaxCnt": 10, "MinTime": 0, "MaxTime": now()}), keys)
}

fn after_oldest(request: &mut Value, reply: &Value) {
    (request["MaxTime"], request["LastMsgKey"]) = (reply["LastMsgTime"].clone(), reply["LastMsgKey"].clone());
}

/// Conversations of imported seconds, several of each.
fn recents(server: &Server, count: usize) -> (Value, Vec<String>) {
    let [alice] = server.accounts();
    let start = now() - 1_000;
    let mut names = people(server, count);
    for (number, name) in names.iter().enumerate() {
        let request = json!({"SyncFromOldSystem": 1, "From_Account": name, "To_Account": alice, "MsgRandom": random(),
            "MsgTimeStamp": start + number as u64 / 3, "MsgBody": body("old")});
        server.ok("openim/importmsg", &request);
    }
    names.reverse();
    let request = json!({"From_Account": alice, "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0,
        "AssistFlags": 7});
    (request, names)
}

fn after_places(request: &mut Value, reply: &Value) {
    for place in ["TimeStamp", "StartIndex", "TopTimeStamp", "TopStartIndex"] {
        request[place] = reply[place].clone();
    }
}

const ROAM: Paged = Paged {
    command: "openim/admin_getroammsg",
    make: roam_newer,
    list: "MsgList",
    name: |item| item["MsgKey"].as_str().expect("a key").to_owned(),
    is_last: |reply| reply["Complete"] == 1,
    next: after_oldest,
    page: 10,
};

const PAGED: &[Paged] = &[
    Paged {
        command: "sns/black_list_get",
        make: blocked,
        list: "BlackListItem",
        name: account,
        is_last: |reply| reply["StartIndex"] == 0,
        next: |request, reply| request["StartIndex"] = reply["StartIndex"].clone(),
        page: 10,
    },
    Paged {
        command: "sns/friend_get",
        make: friends,
        list: "UserDataItem",
        name: account,
        is_last: |reply| reply["CompleteFlag"] != 0,
        next: |request, reply| request["StartIndex"] = reply["NextStartIndex"].clone(),
        page: 100,
    },
    ROAM,
    Paged { make: roam_older, ..ROAM },
    Paged {
        command: "recentcontact/get_list",
        make: recents,
        list: "SessionItem",
        name: account,
        is_last: |reply| reply["CompleteFlag"] == 1,
        next: after_places,
        page: 100,
    },
];

impl Paged {
    /// All pages; the names of each in the order in which they are walked through.
    fn walk(&self, server: &Server, mut request: Value, mut between: impl FnMut()) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let reply = server.ok(self.command, &request);
            let mut names: Vec<String> = reply[self.list].as_array().expect("a list").iter().map(self.name).collect();
            if self.list == "MsgList" {
                // Pages go from new to old and ascend inside.
                names.reverse();
            }
            pages.push(names);
            if (self.is_last)(&reply) {
                return pages;
            }
            assert!(pages.len() < 100, "{} ends", self.command);
            (self.next)(&mut request, &reply);
            between();
        }
    }
}

/// Recent contacts are more than a page only where the policy keeps more.
fn server() -> Server {
    Server::start("policy.recent_contacts = 300")
}

#[test]
fn every_command_that_pages_is_here() {
    let paged = ALL.iter().filter(|row| !row.pages.is_empty()).map(Command::name);
    assert_eq!(paged.collect::<BTreeSet<_>>(), PAGED.iter().map(|paged| paged.command).collect());
}

#[test]
fn pages_hold_everything_once_in_order() {
    let server = server();
    for paged in PAGED {
        for count in [1, paged.page - 1, paged.page, paged.page + 1, paged.page * 2 + 5] {
            let (request, names) = (paged.make)(&server, count);
            let pages = paged.walk(&server, request, || {});
            let lengths: Vec<usize> = pages.iter().map(Vec::len).collect();
            let expected: Vec<usize> = names.chunks(paged.page).map(<[String]>::len).collect();
            assert_eq!(lengths, expected, "{} of {count}", paged.command);
            assert_eq!(pages.concat(), names, "{} of {count}", paged.command);
        }
    }
}

#[test]
fn an_empty_list_is_one_empty_page() {
    let server = server();
    for paged in PAGED {
        let (request, _) = (paged.make)(&server, 0);
        assert_eq!(paged.walk(&server, request, || {}), [Vec::<String>::new()], "{}", paged.command);
    }
}

#[test]
fn a_place_beyond_the_end_is_an_empty_last_page() {
    let server = server();
    for (paged, place) in [(&PAGED[0], "StartIndex"), (&PAGED[1], "StartIndex")] {
        let (mut request, _) = (paged.make)(&server, 3);
        for beyond in [json!(3), json!(1_000_000), json!(u64::MAX)] {
            request[place] = beyond;
            assert_eq!(paged.walk(&server, request.clone(), || {}), [Vec::<String>::new()], "{}", paged.command);
        }
    }
    let (mut request, _) = (PAGED[4].make)(&server, 3);
    request["TimeStamp"] = json!(1);
    assert_eq!(PAGED[4].walk(&server, request, || {}), [Vec::<String>::new()]);
    let (mut request, _) = (PAGED[2].make)(&server, 3);
    (request["MinTime"], request["MaxTime"]) = (json!(now()), json!(0));
    assert_eq!(PAGED[2].walk(&server, request, || {}), [Vec::<String>::new()]);
}

/// A message between two pages moves its conversation to the top: it is not on a later page again, and none is skipped.
#[test]
fn what_comes_between_two_pages_moves_nothing() {
    let server = server();
    let recents = &PAGED[4];
    let (request, names) = (recents.make)(&server, 205);
    let alice = request["From_Account"].as_str().expect("a name").to_owned();
    let mut first = names.iter();
    let pages = recents.walk(&server, request, || {
        server.send(first.next().expect("a name"), &alice, "new");
    });
    assert_eq!(pages.concat(), names);
    let roam = &PAGED[2];
    let (request, keys) = (roam.make)(&server, 25);
    let name = |member: &str| request[member].as_str().expect("a name").to_owned();
    let (bob, alice) = (name("Operator_Account"), name("Peer_Account"));
    let pages = roam.walk(&server, request.clone(), || {
        server.send(&alice, &bob, "new");
    });
    assert_eq!(pages.concat(), keys);
}
