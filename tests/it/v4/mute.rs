//! `openconfigsvr/setnospeaking`, `getnospeaking`.

use serde_json::{Value, json};

use crate::harness::{Server, unused};

fn left(server: &Server, of: &str) -> (Value, Value) {
    let mut reply = server.ok("openconfigsvr/getnospeaking", &json!({"Get_Account": of}));
    (reply["C2CmsgNospeakingTime"].take(), reply["GroupmsgNospeakingTime"].take())
}

#[test]
fn a_mute_is_set_read_and_lifted() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    assert_eq!(left(server, &alice), (json!(0), json!(0)));
    let set = json!({"Set_Account": alice, "C2CmsgNospeakingTime": 600, "GroupmsgNospeakingTime": 4_294_967_295_u32});
    server.ok("openconfigsvr/setnospeaking", &set);
    let (c2c, group) = left(server, &alice);
    assert!((1..=600).contains(&c2c.as_u64().unwrap()), "{c2c}");
    assert_eq!(group, 4_294_967_295_u32);
    server.send(&alice, &bob, "the server API sends all the same");
    server.ok("openconfigsvr/setnospeaking", &json!({"Set_Account": alice, "C2CmsgNospeakingTime": 0}));
    assert_eq!(left(server, &alice), (json!(0), json!(4_294_967_295_u32)), "what is not named stays");
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice] = server.accounts();
    for (command, request, code) in [
        ("setnospeaking", json!({"C2CmsgNospeakingTime": 1}), 130_004),
        ("setnospeaking", json!({"Set_Account": 1, "C2CmsgNospeakingTime": 1}), 130_005),
        ("setnospeaking", json!({"Set_Account": unused(), "C2CmsgNospeakingTime": 1}), 130_005),
        ("setnospeaking", json!({"Set_Account": alice}), 130_008),
        ("setnospeaking", json!({"Set_Account": alice, "C2CmsgNospeakingTime": "1"}), 130_001),
        ("getnospeaking", json!({}), 130_002),
        ("getnospeaking", json!({"Get_Account": 1}), 130_003),
        ("getnospeaking", json!({"Get_Account": unused()}), 130_003),
    ] {
        assert_eq!(server.code(&format!("openconfigsvr/{command}"), &request), code, "{command} {request}");
    }
}
