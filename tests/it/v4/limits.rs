//! Every limit of the server API, at it and one above.

use serde_json::{Value, json};

use crate::harness::{Server, body, now, random, unused};

/// A request with `at` of something succeeds; with one more it fails with `code`, as a whole or beside an account.
#[track_caller]
fn limit(command: &str, at: usize, code: u64, request: impl Fn(usize) -> Value) {
    let first_code = |request: &Value| {
        let reply = Server::shared().call(command, request);
        let items = reply.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array()).flatten();
        let mut codes = items.filter_map(|item| item.get("ResultCode")?.as_u64()).filter(|code| *code != 0);
        let whole = reply["ErrorCode"].as_u64().filter(|code| *code != 0);
        whole.or_else(|| codes.next()).unwrap_or(0)
    };
    assert_eq!(first_code(&request(at)), 0, "{command} at {at}");
    assert_eq!(first_code(&request(at + 1)), code, "{command} above {at}");
}

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

fn many(count: usize, item: &Value) -> Value {
    Value::Array(vec![item.clone(); count])
}

#[test]
fn of_accounts() {
    let id = |bytes: usize| {
        let name = unused();
        format!("{name}{}", text(bytes - name.len()))
    };
    limit("im_open_login_svc/account_import", 32, 70402, |bytes| json!({"UserID": id(bytes)}));
    for member in ["Nick", "FaceUrl"] {
        limit("im_open_login_svc/account_import", 500, 70402, |bytes| json!({"UserID": unused(), member: text(bytes)}));
    }
    let name = unused();
    limit("im_open_login_svc/multiaccount_import", 100, 70206, |count| json!({"Accounts": vec![&name; count]}));
    let item = json!({"UserID": name});
    limit("im_open_login_svc/multiaccount_import", 100, 70206, |count| json!({"AccountList": many(count, &item)}));
    limit("im_open_login_svc/account_check", 100, 70206, |count| json!({"CheckItem": many(count, &item)}));
    limit("im_open_login_svc/account_delete", 100, 70206, |count| {
        let accounts: Vec<Value> = (0..count).map(|_| json!({"UserID": unused()})).collect();
        let names: Vec<&Value> = accounts.iter().map(|item| &item["UserID"]).collect();
        names.chunks(100).for_each(|names| {
            Server::shared().ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
        });
        json!({"DeleteItem": accounts})
    });
}

/// A body of so many bytes as JSON, together with the custom data.
fn sized(bytes: usize, custom: usize) -> (Value, String) {
    let empty = body("").to_string().len();
    (body(&text(bytes - custom - empty)), text(custom))
}

#[test]
fn of_messages() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    for custom in [0, 100] {
        let request = |to: Value, bytes: usize| {
            let (body, custom) = sized(bytes, custom);
            json!({"From_Account": alice, "To_Account": to, "MsgRandom": random(), "MsgBody": body,
                "CloudCustomData": custom, "SyncFromOldSystem": 2, "MsgTimeStamp": now() - 60})
        };
        limit("openim/sendmsg", 8192, 80002, |bytes| request(json!(bob), bytes));
        limit("openim/importmsg", 8192, 80002, |bytes| request(json!(bob), bytes));
        limit("openim/batchsendmsg", 8192, 90055, |bytes| request(json!([bob]), bytes));
        let key = server.send(&alice, &bob, "hi");
        limit("openim/modify_c2c_msg", 8192, 80002, |bytes| {
            let (body, custom) = sized(bytes, custom);
            json!({"From_Account": alice, "To_Account": bob, "MsgKey": key, "MsgBody": body, "CloudCustomData": custom})
        });
    }
    let message = |member: &str, value: Value| {
        let mut request =
            json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgBody": body("hi")});
        request[member] = value;
        request
    };
    let highest = u32::MAX as usize;
    limit("openim/sendmsg", highest, 90005, |number| message("MsgRandom", json!(number)));
    limit("openim/sendmsg", highest, 90001, |number| message("MsgSeq", json!(number)));
    for member in ["OnlineOnlyFlag", "IsNeedReadReceipt", "SupportMessageExtension"] {
        limit("openim/sendmsg", 1, 90001, |number| message(member, json!(number)));
    }
    limit("openim/sendmsg", 2, 90031, |number| message("SyncOtherMachine", json!(number)));
    server.ok("openim/sendmsg", &message("MsgLifeTime", json!(604_801)));
    let custom = json!({"MsgType": "TIMCustomElem", "MsgContent": {"Data": "d"}});
    limit("openim/sendmsg", 1, 90002, |count| message("MsgBody", many(count, &custom)));
    let to = json!(bob);
    limit("openim/batchsendmsg", 500, 90011, |count| message("To_Account", many(count, &to)));
}

#[test]
fn of_reading() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let key = json!(server.send(&alice, &bob, "hi"));
    limit(
        "openim/get_c2c_unread_msg_num",
        10,
        90018,
        |count| json!({"To_Account": bob, "Peer_Account": vec![&alice; count]}),
    );
    let actor = |list: &str, keys: Value| json!({"Operator_Account": bob, "Peer_Account": alice, list: keys});
    limit("openim/c2c_msg_read_receipt", 30, 90054, |count| actor("C2CMsgInfo", many(count, &json!({"MsgKey": key}))));
    limit("openim/delete_c2c_msg_ramble", 30, 90054, |count| actor("MsgKeyList", many(count, &key)));
    for command in ["openim/query_online_status", "openim/querystate"] {
        limit(command, 500, 90018, |count| json!({"To_Account": vec![&alice; count]}));
    }
    // More messages than a page has are asked for by some; they get a page.
    let roam =
        json!({"Operator_Account": bob, "Peer_Account": alice, "MaxCnt": u64::MAX, "MinTime": 0, "MaxTime": u64::MAX});
    assert_eq!(server.ok("openim/admin_getroammsg", &roam)["Complete"], 1);
}

#[test]
fn of_relations() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let pair = |count: usize| json!({"From_Account": alice, "To_Account": vec![&bob; count]});
    let with = |mut request: Value, member: &str, value: Value| {
        request[member] = value;
        request
    };
    limit("sns/black_list_delete", 1_000, 30001, pair);
    limit("sns/friend_check", 1_000, 30001, |count| with(pair(count), "CheckType", json!("CheckResult_Type_Both")));
    limit("sns/black_list_check", 1_000, 30001, |count| {
        with(pair(count), "CheckType", json!("BlackCheckResult_Type_Both"))
    });
    let friend = |member: &str, value: Value| {
        with(json!({"To_Account": bob, "AddSource": "AddSource_Type_Test"}), member, value)
    };
    let friends = |items: Value| json!({"From_Account": alice, "AddFriendItem": items});
    for command in ["sns/friend_add", "sns/friend_import"] {
        for (member, bytes) in [("Remark", 96), ("GroupName", 30), ("AddWording", 256)] {
            limit(command, bytes, 30001, |bytes| friends(json!([friend(member, json!(text(bytes)))])));
        }
        limit(command, 8, 30001, |letters| {
            friends(json!([friend("AddSource", json!(format!("AddSource_Type_{}", text(letters))))]))
        });
        let item = friend("Remark", json!("r"));
        limit(command, 1_000, 30001, |count| friends(many(count, &item)));
    }
    let custom = |tag: usize, bytes: usize| {
        let item = json!({"Tag": format!("Tag_SNS_Custom_{}", text(tag)), "Value": text(bytes)});
        friends(json!([friend("CustomItem", json!([item]))]))
    };
    limit("sns/friend_import", 8, 40009, |letters| custom(letters, 1));
    limit("sns/friend_import", 500, 40601, |bytes| custom(1, bytes));
    let update = |tag: &str, value: Value| json!({"From_Account": alice, "UpdateItem": [{"To_Account": bob, "SnsItem": [{"Tag": tag, "Value": value}]}]});
    limit("sns/friend_update", 96, 30001, |bytes| update("Tag_SNS_IM_Remark", json!(text(bytes))));
    limit("sns/friend_update", 30, 30001, |bytes| update("Tag_SNS_IM_Group", json!([text(bytes)])));
    limit("sns/friend_update", 500, 40601, |bytes| update("Tag_SNS_Custom_a", json!(text(bytes))));
    let item = update("Tag_SNS_IM_Remark", json!("r"))["UpdateItem"][0].clone();
    limit("sns/friend_update", 1_000, 30001, |count| json!({"From_Account": alice, "UpdateItem": many(count, &item)}));
    limit("sns/friend_get_list", 1_000, 30001, |count| with(pair(count), "TagList", json!(["Tag_SNS_IM_Remark"])));
    limit("sns/friend_delete", 1_000, 30001, |count| {
        // Of the same friend a thousand times the first would end the friendship.
        let names: Vec<String> = (0..count).map(|_| unused()).collect();
        names.chunks(100).for_each(|names| {
            server.ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
        });
        let item = |name: &String| json!({"To_Account": name, "AddSource": "AddSource_Type_Test"});
        let [owner] = server.accounts();
        for names in names.chunks(1_000) {
            let items: Vec<Value> = names.iter().map(item).collect();
            server.ok("sns/friend_import", &json!({"From_Account": owner, "AddFriendItem": items}));
        }
        json!({"From_Account": owner, "To_Account": names})
    });
    limit("sns/black_list_add", 1_000, 30001, pair);
}

#[test]
fn of_groups() {
    let server = Server::shared();
    let names = |count: usize| (0..count).map(|number| format!("g{number}")).collect::<Vec<_>>();
    let whose = || {
        let [alice] = server.accounts();
        alice
    };
    for command in ["sns/group_add", "sns/group_delete", "sns/group_get"] {
        limit(command, 32, 30001, |count| json!({"From_Account": whose(), "GroupName": names(count)}));
        limit(command, 30, 30001, |bytes| json!({"From_Account": whose(), "GroupName": [text(bytes)]}));
    }
    let [alice, bob] = server.accounts();
    let item = json!({"To_Account": bob, "AddSource": "AddSource_Type_Test"});
    server.ok("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": [item]}));
    limit(
        "sns/group_add",
        1_000,
        30001,
        |count| json!({"From_Account": alice, "GroupName": ["g"], "To_Account": vec![&bob; count]}),
    );
    limit("sns/friend_update", 32, 30011, |count| {
        let groups = json!([{"Tag": "Tag_SNS_IM_Group", "Value": names(count)}]);
        json!({"From_Account": alice, "UpdateItem": [{"To_Account": bob, "SnsItem": groups}]})
    });
}

#[test]
fn of_profiles_and_mutes() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let set = |tag: &str, value: Value| json!({"From_Account": alice, "ProfileItem": [{"Tag": tag, "Value": value}]});
    for (tag, bytes) in [
        ("Tag_Profile_IM_Nick", 500),
        ("Tag_Profile_IM_Location", 16),
        ("Tag_Profile_IM_SelfSignature", 500),
        ("Tag_Profile_IM_Image", 500),
        ("Tag_Profile_Custom_Test", 500),
    ] {
        limit("profile/portrait_set", bytes, 40601, |bytes| set(tag, json!(text(bytes))));
    }
    for tag in ["BirthDay", "Language", "MsgSettings", "Level", "Role"] {
        limit("profile/portrait_set", u32::MAX as usize, 40605, |number| {
            set(&format!("Tag_Profile_IM_{tag}"), json!(number))
        });
    }
    limit("profile/portrait_set", 8, 40009, |letters| {
        set(&format!("Tag_Profile_Custom_{}", text(letters)), json!("v"))
    });
    let tags = json!(["Tag_Profile_IM_Nick"]);
    limit("profile/portrait_get", 100, 40001, |count| json!({"To_Account": vec![&alice; count], "TagList": tags}));
    for member in ["C2CmsgNospeakingTime", "GroupmsgNospeakingTime"] {
        limit(
            "openconfigsvr/setnospeaking",
            u32::MAX as usize,
            130_001,
            |seconds| json!({"Set_Account": alice, member: seconds}),
        );
    }
}
