//! `im_open_login_svc`.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Server, body, now, query_with, signature, signature_at, unused};
use crate::ws::client::{Client, message};

fn status(server: &Server, name: &str) -> Value {
    let reply = server.ok("im_open_login_svc/account_check", &json!({"CheckItem": [{"UserID": name}]}));
    reply["ResultItem"][0].clone()
}

#[test]
fn import_takes_both_spellings_and_repeats() {
    let server = Server::shared();
    for spelling in ["UserID", "Identifier"] {
        let name = unused();
        let request = json!({spelling: name, "Nick": "N", "FaceUrl": "http://example.com/a.png"});
        for _ in 0..2 {
            server.ok("im_open_login_svc/account_import", &request);
        }
        let expected = json!({"UserID": name, "ResultCode": 0, "ResultInfo": "", "AccountStatus": "Imported"});
        assert_eq!(status(server, &name), expected);
        let tags = ["Tag_Profile_IM_Nick", "Tag_Profile_IM_Image"];
        let reply = server.ok("profile/portrait_get", &json!({"To_Account": [name], "TagList": tags}));
        let items = &reply["UserProfileItem"][0]["ProfileItem"];
        assert_eq!((&items[0]["Value"], &items[1]["Value"]), (&json!("N"), &json!("http://example.com/a.png")));
    }
}

#[test]
fn import_refuses_names_that_do_not_fit() {
    let server = Server::shared();
    for request in [
        json!({}),
        json!({"UserID": "a".repeat(33)}),
        json!({"UserID": "é"}),
        json!({"UserID": 7}),
        json!({"UserID": ""}),
    ] {
        assert_eq!(server.code("im_open_login_svc/account_import", &request), 70402, "{request}");
    }
}

#[test]
fn many_are_imported_at_once() {
    let server = Server::shared();
    let names: Vec<String> = (0..100).map(|_| unused()).collect();
    let reply = server.ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
    assert_eq!(reply["FailAccounts"], json!([]));
    let items: Vec<Value> = names.iter().map(|name| json!({"UserID": name})).collect();
    let reply = server.ok("im_open_login_svc/account_check", &json!({"CheckItem": items}));
    for (item, name) in reply["ResultItem"].as_array().unwrap().iter().zip(&names) {
        assert_eq!((&item["UserID"], &item["AccountStatus"]), (&json!(name), &json!("Imported")));
    }
    let newer = json!({"AccountList": [{"UserID": unused(), "Nick": "N", "FaceUrl": ""}, {"UserID": "x".repeat(40)}]});
    let reply = server.ok("im_open_login_svc/multiaccount_import", &newer);
    assert_eq!(reply["FailAccounts"], json!(["x".repeat(40)]));
}

#[test]
fn batches_have_their_codes() {
    let server = Server::shared();
    let too_many: Vec<Value> = (0..101).map(|_| json!({"UserID": "a"})).collect();
    let names = vec!["a"; 101];
    for (command, request, code) in [
        ("multiaccount_import", json!({}), 70402),
        ("multiaccount_import", json!({"Accounts": []}), 70206),
        ("multiaccount_import", json!({"Accounts": names}), 70206),
        ("account_check", json!({}), 70402),
        ("account_check", json!({"CheckItem": []}), 70206),
        ("account_check", json!({"CheckItem": too_many}), 70206),
        ("account_check", json!({"CheckItem": [{"UserID": 1}]}), 70402),
        ("account_delete", json!({"DeleteItem": too_many}), 70206),
        ("account_delete", json!({"DeleteItem": "a"}), 70402),
        ("kick", json!({}), 70402),
        ("kick", json!({"UserID": unused()}), 70107),
    ] {
        assert_eq!(server.code(&format!("im_open_login_svc/{command}"), &request), code, "{command} {request}");
    }
}

#[test]
fn a_deleted_account_is_gone_with_what_was_its() {
    let server = Server::shared();
    let [user, peer] = server.accounts();
    server.send(&peer, &user, "hi");
    let unknown = unused();
    let request = json!({"DeleteItem": [{"UserID": user}, {"UserID": unknown}, {"UserID": ADMIN}]});
    let reply = server.ok("im_open_login_svc/account_delete", &request);
    let codes: Vec<&Value> = reply["ResultItem"].as_array().unwrap().iter().map(|item| &item["ResultCode"]).collect();
    assert_eq!(codes, [&json!(0), &json!(70107), &json!(71000)]);
    assert!(reply["ResultItem"].as_array().unwrap().iter().all(|item| item["ResultInfo"].is_string()));
    assert_eq!(status(server, &user)["AccountStatus"], "NotImported");
    server.ok("im_open_login_svc/account_import", &json!({"UserID": user}));
    let unread = server.ok("openim/get_c2c_unread_msg_num", &json!({"To_Account": user}));
    assert_eq!(unread["AllC2CUnreadMsgNum"], 0);
}

/// Receivers may have other homes than the sender: what is remembered of them is forgotten for both protocols.
#[test]
fn nobody_sends_to_a_deleted_account_over_either_protocol() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let peers: [String; 16] = server.accounts();
    let mut client = Client::online(server, &alice, "a");
    for peer in &peers {
        client.say(peer, "hi");
        server.send(&alice, peer, "hi");
    }
    let items: Vec<Value> = peers.iter().map(|peer| json!({"UserID": peer})).collect();
    server.ok("im_open_login_svc/account_delete", &json!({"DeleteItem": items}));
    for peer in &peers {
        assert_eq!(client.code("send", message(peer, "hi")), 20003, "{peer}");
        let request = json!({"From_Account": alice, "To_Account": peer, "MsgRandom": 1, "MsgBody": body("hi")});
        assert_eq!(server.code("openim/sendmsg", &request), 90003, "{peer}");
    }
}

#[test]
fn a_kick_ends_older_signatures_and_no_newer_one() {
    let server = Server::start("");
    let call = |signature: &str| {
        let target = format!("/v4/ConfigSvc/GetIPList?{}", query_with(ADMIN, signature));
        server.request("POST", &target, &[], b"{}").code()
    };
    let before = signature(ADMIN);
    assert_eq!(call(&before), 0);
    server.ok("im_open_login_svc/kick", &json!({"UserID": ADMIN}));
    assert_eq!(call(&signature(ADMIN)), 0, "made after the answer");
    assert_eq!(call(&before), 70001, "made before the call");
    server.ok("im_open_login_svc/kick", &json!({"Identifier": ADMIN}));
    assert_eq!(call(&signature_at(ADMIN, now() - 60)), 70001);
}
