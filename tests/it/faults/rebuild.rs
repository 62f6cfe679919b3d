use serde_json::{Value, json};

use crate::harness::{Server, body, random};

/// Deletes `state/` and starts again: every read gives the same answer.
#[test]
fn a_server_without_its_state_answers_every_read_as_before() {
    answers_as_before("");
}

/// `settings`: of the server that it starts, twice.
pub fn answers_as_before(settings: &str) {
    let server = Server::start(settings);
    let [alice, bob, carol]: [String; 3] = server.accounts();
    for text in ["one", "two", "three"] {
        server.send(&alice, &bob, text);
    }
    let gone = server.send(&alice, &bob, "four");
    server.send(&bob, &alice, "five");
    server.send(&carol, &bob, "six");
    server.ok("openim/admin_msgwithdraw", &json!({"From_Account": alice, "To_Account": bob, "MsgKey": gone}));
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": bob, "Peer_Account": carol}));
    server.ok("sns/black_list_add", &json!({"From_Account": bob, "To_Account": [carol]}));
    let item = json!({"Tag": "Tag_Profile_IM_Nick", "Value": "Alice"});
    server.ok("profile/portrait_set", &json!({"From_Account": alice, "ProfileItem": [item]}));
    let retry = json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgSeq": 9,
        "MsgBody": body("once")});
    let first = server.ok("openim/sendmsg", &retry);
    let everyone = [&alice, &bob, &carol];
    let before = reads(&server, &everyone);

    let dir = server.stop();
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let server = Server::start_in(dir, settings);
    assert_eq!(reads(&server, &everyone), before);
    let again = server.ok("openim/sendmsg", &retry);
    assert_eq!(first["MsgKey"], again["MsgKey"], "a retry still gets the first answer");
    assert_eq!(reads(&server, &everyone), before, "and is not delivered again");
}

/// Every read of the server API, for everybody.
fn reads(server: &Server, everyone: &[&String]) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut ask =
        |command: &str, request: Value| answers.push(json!([command, request, server.call(command, &request)]));
    for account in everyone {
        for peer in everyone {
            ask(
                "openim/admin_getroammsg",
                json!({"Operator_Account": account, "Peer_Account": peer, "MaxCnt": 100, "MinTime": 0,
                    "MaxTime": 4_000_000_000_u32}),
            );
        }
        ask(
            "recentcontact/get_list",
            json!({"From_Account": account, "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0,
                "AssistFlags": 0}),
        );
        ask("openim/get_c2c_unread_msg_num", json!({"To_Account": account}));
        ask(
            "sns/black_list_get",
            json!({"From_Account": account, "StartIndex": 0, "MaxLimited": 100, "LastSequence": 0}),
        );
        let tags = json!(["Tag_Profile_IM_Nick"]);
        ask("profile/portrait_get", json!({"From_Account": account, "To_Account": [account], "TagList": tags}));
    }
    answers
}
