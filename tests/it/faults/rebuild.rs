use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Server, body, random};

/// Deletes `state/` and starts again: every read gives the same answer.
#[test]
fn a_server_without_its_state_answers_every_read_as_before() {
    answers_as_before("");
}

/// A disk that was not mounted looks like a log that is gone.
#[test]
fn a_server_does_not_start_empty_beside_the_state_of_a_log_that_is_gone() {
    let server = Server::start("");
    fill(&server);
    let dir = server.stop();
    let log = dir.path().join("data/log");
    std::fs::rename(&log, dir.path().join("elsewhere")).expect("the log is there");
    let mut command = Command::new(env!("CARGO_BIN_EXE_duolog"));
    let output = command.arg("serve").arg("--config").arg(dir.path().join("duolog.toml")).output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is missing"), "{said}");
    assert!(!log.exists(), "it made another one");
}

/// `settings`: of the server that it starts, twice.
pub fn answers_as_before(settings: &str) {
    let server = Server::start(settings);
    let scene = fill(&server);
    let before = scene.reads(&server);
    let dir = server.stop();
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let server = Server::start_in(dir, settings);
    assert_eq!(scene.reads(&server), before);
    scene.retry_gets_the_first_answer(&server);
    assert_eq!(scene.reads(&server), before, "and is not delivered again");
}

/// Three people with some history.
pub struct Scene {
    pub people: [String; 3],
    /// A send, and its answer.
    retry: (Value, Value),
}

/// Lets three people have some history: messages read, unread and taken back, a block, a profile.
pub fn fill(server: &Server) -> Scene {
    let people: [String; 3] = server.accounts();
    let [alice, bob, carol] = &people;
    for text in ["one", "two", "three"] {
        server.send(alice, bob, text);
    }
    let gone = server.send(alice, bob, "four");
    server.send(bob, alice, "five");
    server.send(carol, bob, "six");
    server.ok("openim/admin_msgwithdraw", &json!({"From_Account": alice, "To_Account": bob, "MsgKey": gone}));
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": bob, "Peer_Account": carol}));
    server.ok("sns/black_list_add", &json!({"From_Account": bob, "To_Account": [carol]}));
    relations(server, alice, bob, carol);
    let item = json!({"Tag": "Tag_Profile_IM_Nick", "Value": "Alice"});
    server.ok("profile/portrait_set", &json!({"From_Account": alice, "ProfileItem": [item]}));
    let retry = json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgSeq": 9,
        "MsgBody": body("once")});
    let first = server.ok("openim/sendmsg", &retry);
    Scene { retry: (retry, first), people }
}

impl Scene {
    pub fn say_more(&self, server: &Server) {
        server.send(&self.people[0], &self.people[1], "more");
    }

    /// What everybody sees.
    pub fn reads(&self, server: &Server) -> Vec<Value> {
        let everyone: Vec<&String> = self.people.iter().collect();
        reads(server, &everyone)
    }

    pub fn retry_gets_the_first_answer(&self, server: &Server) {
        let (retry, first) = &self.retry;
        let again = server.ok("openim/sendmsg", retry);
        assert_eq!(first["MsgKey"], again["MsgKey"], "a retry still gets the first answer");
    }
}

/// Friends with all that is noted of them, a request that waits, groups, a mute, a recent contact that was taken out.
fn relations(server: &Server, alice: &str, bob: &str, carol: &str) {
    let friend = json!({"To_Account": bob, "AddSource": "AddSource_Type_Test", "Remark": "B", "GroupName": ["work"],
        "AddWording": "w", "CustomItem": [{"Tag": "Tag_SNS_Custom_Met", "Value": "lake"}]});
    server.ok("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": [friend]}));
    let update = json!({"To_Account": bob, "SnsItem": [{"Tag": "Tag_SNS_IM_Remark", "Value": "Bob"}]});
    server.ok("sns/friend_update", &json!({"From_Account": alice, "UpdateItem": [update]}));
    server.ok("sns/group_add", &json!({"From_Account": alice, "GroupName": ["close"], "To_Account": [bob]}));
    server.ok("sns/group_add", &json!({"From_Account": alice, "GroupName": ["empty", "gone"]}));
    server.ok("sns/group_delete", &json!({"From_Account": alice, "GroupName": ["gone"]}));
    let asked = json!({"Tag": "Tag_Profile_IM_AllowType", "Value": "AllowType_Type_NeedConfirm"});
    server.ok("profile/portrait_set", &json!({"From_Account": carol, "ProfileItem": [asked]}));
    let request = json!({"To_Account": carol, "AddSource": "AddSource_Type_Test"});
    let reply = server.ok("sns/friend_add", &json!({"From_Account": alice, "AddFriendItem": [request]}));
    assert_eq!(reply["ResultItem"][0]["ResultCode"], 30539);
    let mute = json!({"Set_Account": alice, "C2CmsgNospeakingTime": u32::MAX, "GroupmsgNospeakingTime": u32::MAX});
    server.ok("openconfigsvr/setnospeaking", &mute);
    server.ok("recentcontact/delete", &json!({"From_Account": bob, "Type": 1, "To_Account": alice}));
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
        ask("sns/friend_get", json!({"From_Account": account, "StartIndex": 0}));
        ask("sns/group_get", json!({"From_Account": account, "NeedFriend": "Need_Friend_Type_Yes"}));
        for (command, kind) in [("friend_check", "CheckResult"), ("black_list_check", "BlackCheckResult")] {
            let kind = format!("{kind}_Type_Both");
            ask(&format!("sns/{command}"), json!({"From_Account": account, "To_Account": everyone, "CheckType": kind}));
        }
        ask("openconfigsvr/getnospeaking", json!({"Get_Account": account}));
        let tags = json!(["Tag_Profile_IM_Nick", "Tag_Profile_IM_AllowType"]);
        ask("profile/portrait_get", json!({"From_Account": account, "To_Account": [account], "TagList": tags}));
    }
    answers
}
