//! `profile/portrait_set`, `portrait_get`.

use serde_json::{Value, json};

use crate::harness::{Server, unused};

#[test]
fn fields_are_set_and_read() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let nobody = unused();
    let items = json!([{"Tag": "Tag_Profile_IM_Nick", "Value": "Alice"}, {"Tag": "Tag_Profile_IM_BirthDay", "Value": 20_001_231},
        {"Tag": "Tag_Profile_IM_Gender", "Value": "Gender_Type_Female"}, {"Tag": "Tag_Profile_Custom_Team", "Value": "red"}]);
    server.ok("profile/portrait_set", &json!({"From_Account": alice, "ProfileItem": items}));
    let tags: Vec<&Value> = items.as_array().unwrap().iter().map(|item| &item["Tag"]).collect();
    let reply = server.ok("profile/portrait_get", &json!({"To_Account": [alice, bob, nobody], "TagList": tags}));
    let expected = json!({"To_Account": alice, "ProfileItem": items, "ResultCode": 0, "ResultInfo": ""});
    assert_eq!(reply["UserProfileItem"][0], expected);
    assert_eq!(reply["UserProfileItem"][1]["ProfileItem"], json!([]));
    assert_eq!(reply["UserProfileItem"][2]["ResultCode"], 40003);
    assert_eq!(reply["Fail_Account"], json!([nobody]));
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice] = server.accounts();
    let set = |tag: &str, value: Value| json!({"From_Account": alice, "ProfileItem": [{"Tag": tag, "Value": value}]});
    let nobody = json!({"From_Account": unused(), "ProfileItem": [{"Tag": "Tag_Profile_IM_Nick", "Value": "x"}]});
    for (request, code) in [
        (set("Tag_Profile_IM_Nick", json!("x".repeat(501))), 40601),
        (set("Tag_Profile_IM_Gender", json!("x")), 40605),
        (set("Tag_Profile_IM_Level", json!("1")), 40610),
        (set("Tag_Profile_IM_New", json!("1")), 40009),
        (json!({"From_Account": alice}), 40001),
        (nobody, 40003),
    ] {
        assert_eq!(server.code("profile/portrait_set", &request), code, "{request}");
    }
    for (request, code) in [
        (json!({"TagList": ["Tag_Profile_IM_Nick"]}), 40002),
        (json!({"To_Account": [alice]}), 40001),
        (json!({"To_Account": vec![alice.clone(); 101], "TagList": ["Tag_Profile_IM_Nick"]}), 40001),
        (json!({"To_Account": [alice], "TagList": ["x"]}), 40009),
    ] {
        assert_eq!(server.code("profile/portrait_get", &request), code, "{request}");
    }
}
