//! What one device of a user changes, or the server API changes for him, shows on his other devices, on those that come
//! later, and after the state was folded anew.

use serde_json::{Value, json};

use super::client::Client;
use crate::harness::Server;

const SETTINGS: &str = "policy.login = 'multi'\npolicy.instances.other = 3";

/// The members of an entry that are told here; where it stands differs from run to run.
fn told(entry: &Value) -> Value {
    let mut entry = entry.clone();
    let members = entry.as_object_mut().expect("an entry");
    members.retain(|name, _| !["seq", "time"].contains(&name.as_str()));
    entry
}

/// All entries of an account's timeline.
fn timeline(client: &mut Client) -> Vec<Value> {
    let (mut entries, mut after) = (Vec::new(), json!(0));
    loop {
        let page = client.ok("sync", json!({"after": after, "limit": 50}));
        entries.extend(page["list"].as_array().expect("a list").iter().cloned());
        if page["more"] == false {
            return entries;
        }
        after = page["cursor"].clone();
    }
}

/// What a user sees of his relations and his profile, over both protocols.
fn reads(server: &Server, client: &mut Client, alice: &str, peers: &[&str]) -> Vec<Value> {
    let mut seen = vec![
        client.ok("friends", json!({})),
        client.ok("friend_get", json!({"accounts": peers})),
        client.ok("friend_check", json!({"accounts": peers, "both": true})),
        client.ok("blacklist", json!({})),
        client.ok("profile_get", json!({"accounts": [alice]})),
        client.ok("recent_contacts", json!({})),
    ];
    for (command, request) in [
        ("sns/friend_get", json!({"From_Account": alice, "StartIndex": 0})),
        ("sns/group_get", json!({"From_Account": alice, "NeedFriend": "Need_Friend_Type_Yes"})),
        ("sns/black_list_get", json!({"From_Account": alice, "StartIndex": 0, "MaxLimited": 9, "LastSequence": 0})),
        ("openconfigsvr/getnospeaking", json!({"Get_Account": alice})),
    ] {
        seen.push(server.ok(command, &request));
    }
    seen
}

/// Each change, as what makes it and what the user's devices are told.
#[test]
fn a_change_shows_on_every_device_and_after_a_rebuild() {
    let server = Server::start(SETTINGS);
    let [alice, bob, carol] = server.accounts();
    let mut phone = Client::online(&server, &alice, "phone");
    let mut tablet = Client::connect(&server);
    tablet.log_in(&alice, "tablet", json!({"platform": "ipad"}));
    tablet.catch_up();
    let mut entries = Vec::new();
    let mut shows = |phone: &mut Client, tablet: &mut Client, expected: Value| {
        let entry = tablet.entry();
        assert_eq!(told(&entry), expected);
        assert_eq!(phone.entry(), entry, "whoever made the change hears of it in its place");
        entries.push(entry);
    };
    let friend = |peer: &str, added: bool| json!({"type": "relation", "kind": "friend", "peer": peer, "added": added});
    let with = |mut entry: Value, more: Value| {
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        entry
    };

    phone.ok("friend_add", json!({"account": bob, "remark": "B", "group": "work", "source": "AddSource_Type_Test"}));
    shows(&mut phone, &mut tablet, with(friend(&bob, true), json!({"remark": "B", "groups": ["work"]})));
    phone.ok("friend_update", json!({"account": bob, "remark": "Bob"}));
    shows(&mut phone, &mut tablet, with(friend(&bob, true), json!({"remark": "Bob", "groups": ["work"]})));
    server.ok("sns/group_add", &json!({"From_Account": alice, "GroupName": ["close"], "To_Account": [bob]}));
    shows(&mut phone, &mut tablet, with(friend(&bob, true), json!({"remark": "Bob", "groups": ["work", "close"]})));
    let item = json!({"To_Account": carol, "AddSource": "AddSource_Type_Test"});
    server.ok("sns/friend_add", &json!({"From_Account": alice, "AddFriendItem": [item], "ForceAddFlags": 1}));
    shows(&mut phone, &mut tablet, with(friend(&carol, true), json!({"groups": []})));
    phone.ok("friend_delete", json!({"accounts": [carol], "both": true}));
    shows(&mut phone, &mut tablet, friend(&carol, false));
    let block = |added: bool| json!({"type": "relation", "kind": "block", "peer": carol, "added": added});
    phone.ok("block", json!({"accounts": [carol]}));
    shows(&mut phone, &mut tablet, block(true));
    server.ok("sns/black_list_delete", &json!({"From_Account": alice, "To_Account": [carol]}));
    shows(&mut phone, &mut tablet, block(false));
    server.ok("sns/black_list_add", &json!({"From_Account": alice, "To_Account": [carol]}));
    shows(&mut phone, &mut tablet, block(true));
    let nick = json!([{"tag": "Tag_Profile_IM_Nick", "value": "Al"}]);
    phone.ok("profile_set", json!({"items": nick}));
    shows(&mut phone, &mut tablet, json!({"type": "profile", "items": nick}));
    let level = json!({"From_Account": alice, "ProfileItem": [{"Tag": "Tag_Profile_IM_Level", "Value": 3}]});
    server.ok("profile/portrait_set", &level);
    let told_level = json!([{"tag": "Tag_Profile_IM_Level", "value": 3}]);
    shows(&mut phone, &mut tablet, json!({"type": "profile", "items": told_level}));
    let mute = json!({"Set_Account": alice, "C2CmsgNospeakingTime": u32::MAX, "GroupmsgNospeakingTime": 0});
    server.ok("openconfigsvr/setnospeaking", &mute);

    let mut later = Client::connect(&server);
    later.log_in(&alice, "later", json!({}));
    assert_eq!(timeline(&mut later), entries, "a device that comes later finds the same");
    let peers = [bob.as_str(), &carol];
    let before = reads(&server, &mut phone, &alice, &peers);
    let dir = server.stop();
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let server = Server::start_in(dir, SETTINGS);
    let mut again = Client::online(&server, &alice, "phone");
    assert_eq!(timeline(&mut again), entries);
    assert_eq!(reads(&server, &mut again, &alice, &peers), before);
}
