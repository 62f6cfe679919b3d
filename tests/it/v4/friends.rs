//! `sns/friend_*`.

use serde_json::{Value, json};

use crate::harness::{Server, unused};

fn item(to: &str) -> Value {
    json!({"To_Account": to, "AddSource": "AddSource_Type_web", "Remark": "rem", "GroupName": "work", "AddWording": "hello"})
}

fn add(server: &Server, from: &str, to: &[&str], kind: &str) -> Value {
    let items: Vec<Value> = to.iter().map(|name| item(name)).collect();
    let request = json!({"From_Account": from, "AddFriendItem": items, "AddType": format!("Add_Type_{kind}"), "ForceAddFlags": 1});
    server.ok("sns/friend_add", &request)
}

fn check(server: &Server, from: &str, to: &str) -> String {
    let request = json!({"From_Account": from, "To_Account": [to], "CheckType": "CheckResult_Type_Both"});
    let reply = server.ok("sns/friend_check", &request);
    reply["InfoItem"][0]["Relation"].as_str().unwrap().trim_start_matches("CheckResult_Type_").to_owned()
}

#[test]
fn friends_are_added_one_way_or_both() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    let nobody = unused();
    let reply = add(server, &alice, &[&bob, &nobody, "é"], "Both");
    let codes: Vec<&Value> = reply["ResultItem"].as_array().unwrap().iter().map(|item| &item["ResultCode"]).collect();
    assert_eq!(codes, [&json!(0), &json!(30003), &json!(30003)]);
    assert_eq!(reply["Fail_Account"], json!([nobody, "é"]));
    add(server, &alice, &[&carol], "Single");
    assert_eq!(
        (check(server, &alice, &bob), check(server, &bob, &alice)),
        ("BothWay".to_owned(), "BothWay".to_owned())
    );
    assert_eq!(
        (check(server, &alice, &carol), check(server, &carol, &alice)),
        ("AWithB".to_owned(), "BWithA".to_owned())
    );
    assert_eq!(check(server, &bob, &carol), "NoRelation");
}

#[test]
fn what_is_known_of_a_friend_can_be_read_and_changed() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    add(server, &alice, &[&bob], "Both");
    server.ok(
        "profile/portrait_set",
        &json!({"From_Account": bob, "ProfileItem": [{"Tag": "Tag_Profile_IM_Nick", "Value": "Bob"}]}),
    );
    let changes =
        json!([{"Tag": "Tag_SNS_IM_Remark", "Value": "new"}, {"Tag": "Tag_SNS_IM_Group", "Value": ["a", "b"]}]);
    let update = json!({"From_Account": alice, "UpdateItem": [{"To_Account": bob, "SnsItem": changes}]});
    let reply = server.ok("sns/friend_update", &update);
    assert_eq!(reply["ResultItem"], json!([{"To_Account": bob, "ResultCode": 0, "ResultInfo": ""}]));
    let tags = ["Tag_Profile_IM_Nick", "Tag_SNS_IM_Remark", "Tag_SNS_IM_Group"];
    let request = json!({"From_Account": alice, "To_Account": [bob, unused()], "TagList": tags});
    let reply = server.ok("sns/friend_get_list", &request);
    let items = reply["InfoItem"][0]["SnsProfileItem"].as_array().unwrap();
    let value = |tag: &str| items.iter().find(|item| item["Tag"] == tag).unwrap()["Value"].clone();
    assert_eq!(value("Tag_SNS_IM_Remark"), "new");
    assert_eq!(value("Tag_SNS_IM_Group"), json!(["a", "b"]));
    assert_eq!(value("Tag_Profile_IM_Nick"), "Bob");
    assert_eq!(reply["InfoItem"][1]["ResultCode"], 31704);
    assert_eq!(reply["Fail_Account"].as_array().unwrap().len(), 1);
}

#[test]
fn the_list_is_paged_and_has_a_sequence() {
    let server = Server::shared();
    let peers: [String; 120] = server.accounts();
    let [alice] = server.accounts();
    let names: Vec<&str> = peers.iter().map(String::as_str).collect();
    add(server, &alice, &names, "Single");
    let get = |start: u64, sequence: u64| {
        server.ok(
            "sns/friend_get",
            &json!({"From_Account": alice, "StartIndex": start, "StandardSequence": sequence, "CustomSequence": 0}),
        )
    };
    let first = get(0, 0);
    assert_eq!(
        (&first["FriendNum"], &first["CompleteFlag"], &first["NextStartIndex"]),
        (&json!(120), &json!(0), &json!(100))
    );
    let second = get(100, 0);
    assert_ne!(second["CompleteFlag"], 0);
    let items = |reply: &Value| reply["UserDataItem"].as_array().unwrap().clone();
    assert_eq!((items(&first).len(), items(&second).len()), (100, 20));
    let values = items(&first)[0]["ValueItem"].as_array().unwrap().clone();
    let tags: Vec<&str> = values.iter().map(|item| item["Tag"].as_str().unwrap()).collect();
    for tag in
        ["Tag_SNS_IM_AddSource", "Tag_SNS_IM_Remark", "Tag_SNS_IM_Group", "Tag_SNS_IM_AddWording", "Tag_SNS_IM_AddTime"]
    {
        assert!(tags.contains(&tag), "{tags:?}");
    }
    let sequence = first["StandardSequence"].as_u64().unwrap();
    let known = get(0, sequence);
    assert_eq!((items(&known).len(), &known["FriendNum"]), (0, &json!(120)));
    add(server, &alice, &[&unused()], "Single");
    server.ok("sns/friend_delete", &json!({"From_Account": alice, "To_Account": [peers[0]]}));
    assert_ne!(get(0, sequence)["StandardSequence"], sequence);
}

#[test]
fn friends_are_deleted_one_way_or_both_or_all() {
    let server = Server::shared();
    let [alice, bob, carol, dave] = server.accounts();
    add(server, &alice, &[&bob, &carol, &dave], "Both");
    let reply = server.ok("sns/friend_delete", &json!({"From_Account": alice, "To_Account": [bob, unused()]}));
    assert_eq!(
        (&reply["ResultItem"][0]["ResultCode"], &reply["ResultItem"][1]["ResultCode"]),
        (&json!(0), &json!(31704))
    );
    assert_eq!(check(server, &alice, &bob), "BWithA");
    server.ok(
        "sns/friend_delete",
        &json!({"From_Account": alice, "To_Account": [carol], "DeleteType": "Delete_Type_Both"}),
    );
    assert_eq!(check(server, &alice, &carol), "NoRelation");
    server.ok("sns/friend_delete_all", &json!({"From_Account": alice, "DeleteType": "Delete_Type_Both"}));
    assert_eq!(check(server, &alice, &dave), "NoRelation");
}

#[test]
fn an_import_fills_one_list_and_asks_nobody() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut friend = item(&bob);
    friend["GroupName"] = json!(["a", "b"]);
    friend["CustomItem"] =
        json!([{"Tag": "Tag_SNS_Custom_Met", "Value": "lake"}, {"Tag": "Tag_SNS_Custom_Age", "Value": 7}]);
    friend["AddTime"] = json!(1_400_000_000);
    let reply = server.ok("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": [friend]}));
    assert_eq!(reply["ResultItem"][0]["ResultCode"], 0);
    assert_eq!(check(server, &alice, &bob), "AWithB");
    let tags = ["Tag_SNS_IM_Group", "Tag_SNS_Custom_Met", "Tag_SNS_Custom_Age"];
    let get = json!({"From_Account": alice, "To_Account": [bob], "TagList": tags});
    let items = server.ok("sns/friend_get_list", &get)["InfoItem"][0]["SnsProfileItem"].take();
    let values: Vec<&Value> = items.as_array().unwrap().iter().map(|item| &item["Value"]).collect();
    for value in [json!(["a", "b"]), json!("lake"), json!(7)] {
        assert!(values.contains(&&value), "{items}");
    }
}

#[test]
fn a_user_decides_who_may_add_him() {
    let server = Server::shared();
    let [alice, any, confirm, nobody] = server.accounts();
    for (name, allows) in [(&any, "AllowAny"), (&confirm, "NeedConfirm"), (&nobody, "DenyAny")] {
        let item = json!({"Tag": "Tag_Profile_IM_AllowType", "Value": format!("AllowType_Type_{allows}")});
        server.ok("profile/portrait_set", &json!({"From_Account": name, "ProfileItem": [item]}));
    }
    let request = json!({"From_Account": alice, "AddFriendItem": [item(&any), item(&confirm), item(&nobody)]});
    let reply = server.ok("sns/friend_add", &request);
    let codes: Vec<&Value> = reply["ResultItem"].as_array().unwrap().iter().map(|item| &item["ResultCode"]).collect();
    assert_eq!(codes, [&json!(0), &json!(30539), &json!(30516)]);
    assert_eq!(
        (check(server, &alice, &any), check(server, &alice, &confirm)),
        ("BothWay".to_owned(), "NoRelation".to_owned())
    );
    let reply = add(server, &alice, &[&confirm, &nobody], "Both");
    assert!(reply.get("Fail_Account").is_none(), "a forced addition asks nobody: {reply}");
}

#[test]
fn groups_are_what_friends_are_in() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    add(server, &alice, &[&bob, &carol], "Single");
    let nobody = unused();
    let request = json!({"From_Account": alice, "GroupName": ["close", "work"], "To_Account": [bob, nobody]});
    let reply = server.ok("sns/group_add", &request);
    assert_eq!(reply["ResultItem"][1]["ResultCode"], 31704);
    assert_eq!(reply["Fail_Account"], json!([nobody]));
    assert!(reply["CurrentSequence"].as_u64().unwrap() > 0);
    let get = |request: Value| server.ok("sns/group_get", &request)["ResultItem"].take();
    let with_friends = json!({"From_Account": alice, "NeedFriend": "Need_Friend_Type_Yes", "LastSequence": 0});
    server.ok("sns/group_add", &json!({"From_Account": alice, "GroupName": ["empty"]}));
    let close = json!({"GroupName": "close", "FriendNumber": 1, "To_Account": [bob]});
    let empty = json!({"GroupName": "empty", "FriendNumber": 0, "To_Account": []});
    let mut both = [bob.clone(), carol.clone()];
    both.sort();
    assert_eq!(get(with_friends), json!([close, empty, {"GroupName": "work", "FriendNumber": 2, "To_Account": both}]));
    assert_eq!(
        get(json!({"From_Account": alice, "GroupName": [], "NeedFriend": ""})).as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(
        get(json!({"From_Account": alice, "GroupName": ["close"]})),
        json!([{"GroupName": "close", "FriendNumber": 1}])
    );
    let reply = server.ok("sns/group_delete", &json!({"From_Account": alice, "GroupName": ["work", "empty", "none"]}));
    assert!(reply["CurrentSequence"].is_u64());
    assert_eq!(get(json!({"From_Account": alice})), json!([{"GroupName": "close", "FriendNumber": 1}]));
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let nobody = unused();
    for (command, request, code) in [
        ("friend_add", json!({"From_Account": alice}), 30001),
        ("friend_add", json!({"From_Account": alice, "AddFriendItem": [{"To_Account": bob}]}), 30001),
        ("friend_add", json!({"From_Account": nobody, "AddFriendItem": [item(&bob)]}), 30003),
        ("friend_import", json!({"From_Account": alice, "AddFriendItem": []}), 30001),
        ("friend_import", json!({"From_Account": nobody, "AddFriendItem": [item(&bob)]}), 30003),
        ("friend_update", json!({"From_Account": alice, "UpdateItem": [{"To_Account": bob}]}), 30001),
        ("friend_delete", json!({"From_Account": alice, "To_Account": [bob], "DeleteType": "x"}), 30001),
        ("friend_delete", json!({"From_Account": nobody, "To_Account": [bob]}), 30003),
        ("friend_delete_all", json!({}), 30001),
        ("friend_delete_all", json!({"From_Account": nobody}), 30003),
        ("friend_check", json!({"From_Account": alice, "To_Account": [bob]}), 30001),
        (
            "friend_check",
            json!({"From_Account": nobody, "To_Account": [bob], "CheckType": "CheckResult_Type_Both"}),
            30003,
        ),
        ("friend_get", json!({"From_Account": alice}), 30001),
        ("friend_get", json!({"From_Account": nobody, "StartIndex": 0}), 30003),
        ("group_add", json!({"From_Account": alice}), 30001),
        ("group_add", json!({"From_Account": nobody, "GroupName": ["g"], "To_Account": [bob]}), 30003),
        ("group_delete", json!({"From_Account": alice}), 30001),
        ("group_delete", json!({"From_Account": nobody, "GroupName": ["g"]}), 30003),
        ("group_get", json!({"From_Account": alice, "NeedFriend": "x"}), 30001),
        ("group_get", json!({"From_Account": nobody}), 30003),
        ("friend_get_list", json!({"From_Account": alice, "To_Account": [bob]}), 30001),
        (
            "friend_get_list",
            json!({"From_Account": nobody, "To_Account": [bob], "TagList": ["Tag_SNS_IM_Remark"]}),
            30003,
        ),
    ] {
        assert_eq!(server.code(&format!("sns/{command}"), &request), code, "{command} {request}");
    }
    let update = json!({"From_Account": alice, "UpdateItem": [{"To_Account": bob, "SnsItem": [{"Tag": "Tag_SNS_IM_Remark", "Value": "x"}]}]});
    assert_eq!(server.ok("sns/friend_update", &update)["ResultItem"][0]["ResultCode"], 31704);
}
