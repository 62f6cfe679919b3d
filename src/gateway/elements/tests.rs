use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const LIMIT: usize = 8192;

fn code(body: &str) -> Option<u32> {
    check_body(body, None, LIMIT).err().map(|error| error.code().number())
}

fn element_code(kind: &str, content: &Value) -> Option<u32> {
    code(&json!([{"MsgType": kind, "MsgContent": content}]).to_string())
}

/// Each known kind with every member of the table.
fn full() -> Vec<(&'static str, Value)> {
    vec![
        ("TIMTextElem", json!({"Text": "hi"})),
        ("TIMLocationElem", json!({"Desc": "here", "Latitude": 29.340656774469956, "Longitude": -116})),
        ("TIMFaceElem", json!({"Index": 1, "Data": "d"})),
        ("TIMCustomElem", json!({"Data": "d", "Desc": "t", "Ext": "e", "Sound": "s"})),
        ("TIMSoundElem", json!({"Url": "u", "UUID": "i", "Size": 62351, "Second": 1, "Download_Flag": 2})),
        (
            "TIMImageElem",
            json!({"UUID": "i", "ImageFormat": 1, "ImageInfoArray": [
                {"Type": 1, "Size": 1853095, "Width": 2448, "Height": 3264, "URL": "u"}]}),
        ),
        ("TIMFileElem", json!({"Url": "u", "UUID": "i", "FileSize": 1, "FileName": "f", "Download_Flag": 2})),
        (
            "TIMVideoFileElem",
            json!({"VideoUrl": "u", "VideoUUID": "i", "VideoSize": 1, "VideoSecond": 1, "VideoFormat": "mp4",
                "VideoDownloadFlag": 2, "ThumbUrl": "u", "ThumbUUID": "i", "ThumbSize": 1, "ThumbWidth": 1,
                "ThumbHeight": 1, "ThumbFormat": "JPG", "ThumbDownloadFlag": 2}),
        ),
    ]
}

#[test]
fn takes_every_kind_and_keeps_its_text() {
    let elements: Vec<_> =
        full().iter().map(|(kind, content)| json!({"MsgType": kind, "MsgContent": content})).collect();
    let text = serde_json::to_string_pretty(&elements).unwrap();
    let kept = check_body(&format!(" {text}\n"), None, LIMIT).unwrap();
    assert_eq!(kept.as_str(), text);
}

#[test]
fn what_is_too_long_by_escapes_and_white_space_alone_is_kept_in_its_shortest_form() {
    let text = "中\"\\\n/😀".repeat(500);
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let body =
        format!(r#"[ {{ "MsgType" : "TIMTextElem",{}"MsgContent": {{"Text": "{escaped}" }} }} ]"#, "\n".repeat(50));
    assert!(body.len() > LIMIT);
    let kept = check_body(&body, None, LIMIT).unwrap();
    assert!(
        kept.as_str().starts_with(r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"中\"\\\n/😀"#),
        "{}",
        kept.as_str()
    );
    let read = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    assert_eq!(read(kept.as_str()), read(&body));
    let long = body.replace(&escaped, &escaped.repeat(2));
    assert_eq!(code(&long), Some(Code::BODY_TOO_LONG.number()));
}

#[test]
fn a_member_of_the_wrong_type_is_refused() {
    for (kind, content) in full() {
        for member in content.as_object().unwrap().keys() {
            let mut wrong = content.clone();
            wrong[member] = if wrong[member].is_string() { json!(1) } else { json!("1") };
            assert_eq!(element_code(kind, &wrong), Some(90010), "{kind}.{member}");
        }
        assert_eq!(element_code(kind, &json!([])), Some(90010), "{kind}");
        assert_eq!(element_code(kind, &json!(null)), Some(90010), "{kind}");
    }
}

#[test]
fn an_array_of_values_is_no_object() {
    let images = json!({"UUID": "i", "ImageFormat": 1, "ImageInfoArray": [[1, 2, 3, 4, "u"]]});
    assert_eq!(element_code("TIMImageElem", &images), Some(90010));
}

#[test]
fn what_old_clients_leave_out_may_be_missing() {
    let old = [
        ("TIMSoundElem", json!({"UUID": "i", "Size": 1, "Second": 1})),
        ("TIMImageElem", json!({"UUID": "i", "ImageFormat": 1, "ImageInfoArray": [{"Type": 1, "Size": 1}]})),
        ("TIMFileElem", json!({"UUID": "i", "FileSize": 1, "FileName": "f"})),
        ("TIMFileElem", json!({"Url": "u", "FileSize": 1, "FileName": "f", "Download_Flag": 2})),
        ("TIMVideoFileElem", json!({"VideoUUID": "i"})),
        ("TIMCustomElem", json!({"Data": "d"})),
        ("TIMCustomElem", json!({"Data": "d", "Desc": null})),
        ("TIMLocationElem", json!({"Latitude": 0, "Longitude": 0})),
    ];
    for (kind, content) in old {
        assert_eq!(element_code(kind, &content), None, "{kind}");
    }
    for kind in full().into_iter().map(|(kind, _)| kind).filter(|kind| *kind != kinds::CUSTOM) {
        assert_eq!(element_code(kind, &json!({})), Some(90010), "{kind}");
    }
}

#[test]
fn unknown_kinds_and_members_pass() {
    assert_eq!(element_code("TIMRelayElem", &json!({"MsgList": [{"MsgBody": []}]})), None);
    assert_eq!(element_code("TIMTextElem", &json!({"Text": "hi", "New": {"a": 1}})), None);
    assert_eq!(code(r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"},"New":1}]"#), None);
}

#[test]
fn the_body_is_an_array_of_elements() {
    for (body, expected) in [
        ("", 90002),
        ("[", 90002),
        ("[]", 90002),
        ("{}", 90007),
        ("null", 90007),
        ("\"[]\"", 90007),
        ("[1]", 90010),
        ("[[\"TIMTextElem\",{\"Text\":\"hi\"}]]", 90010),
        (r#"[{"MsgContent":{"Text":"hi"}}]"#, 90010),
        (r#"[{"MsgType":"TIMTextElem"}]"#, 90010),
        (r#"[{"MsgType":1,"MsgContent":{}}]"#, 90010),
        (r#"[{"MsgType":"TIMTextElem","MsgType":"TIMFaceElem","MsgContent":{"Text":"hi"}}]"#, 90010),
    ] {
        assert_eq!(code(body), Some(expected), "{body}");
    }
}

#[test]
fn one_custom_element_at_most() {
    let custom = json!({"MsgType": "TIMCustomElem", "MsgContent": {"Data": "d"}});
    assert_eq!(code(&json!([custom]).to_string()), None);
    assert_eq!(code(&json!([custom, custom]).to_string()), Some(90002));
}

#[test]
fn body_and_custom_data_share_a_limit() {
    let body = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "hi"}}]).to_string();
    assert!(check_body(&body, Some("abc"), body.len() + 3).is_ok());
    let error = check_body(&body, Some("abcd"), body.len() + 3).unwrap_err();
    assert_eq!(error.code(), Code::BODY_TOO_LONG);
}

#[test]
fn a_change_brings_a_body_or_custom_data_or_both() {
    let body = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "hi"}}]).to_string();
    let held = |body: &str, custom: Option<&str>| Held { body: body.to_owned(), custom: custom.map(str::to_owned) };
    let change_of = |held: &Held, body: Option<&str>, custom: Option<&str>, limit: usize| {
        check_change(body, custom, held, limit).map(|body| body.is_some()).map_err(|error| error.code())
    };
    let change = |body, custom, limit| change_of(&Held::default(), body, custom, limit);
    assert_eq!(change(Some(&body), Some("abc"), body.len() + 3), Ok(true));
    assert_eq!(change(Some(&body), Some("abcd"), body.len() + 3), Err(Code::BODY_TOO_LONG));
    assert_eq!(change(None, Some("abc"), 3), Ok(false));
    assert_eq!(change(None, Some("abcd"), 3), Err(Code::BODY_TOO_LONG));
    // What stays counts, what is replaced does not.
    let long = held(&body, Some("abc"));
    assert_eq!(change_of(&long, Some(&body), None, body.len() + 3), Ok(true));
    assert_eq!(change_of(&long, Some(&body), None, body.len() + 2), Err(Code::BODY_TOO_LONG));
    assert_eq!(change_of(&long, None, Some("ab"), body.len() + 2), Ok(false));
    assert_eq!(change_of(&long, None, Some("abc"), body.len() + 2), Err(Code::BODY_TOO_LONG));
    assert_eq!(change_of(&long, Some(&body), Some(""), body.len()), Ok(true));
}

#[test]
fn what_some_readers_do_not_take_is_refused() {
    let unknown = |inner: &str| format!(r#"[{{"MsgType":"X","MsgContent":{{"a":{inner}}}}}]"#);
    assert_eq!(code(&unknown(r#""\ud83d\ude00""#)), None);
    assert_eq!(code(&unknown(r#""\ud83d""#)), Some(90002));
    assert_eq!(code(&unknown("1e999")), Some(90002));
    let nested = |depth: usize| unknown(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(code(&nested(DEPTH - 3)), None);
    assert_eq!(code(&nested(DEPTH - 2)), Some(90002));
    assert_eq!(code(&nested(4000)), Some(90002));
}

#[test]
fn push_info_is_an_object_with_typed_members() {
    let good = json!({"PushFlag": 0, "Title": "t", "Desc": "d", "Ext": "e", "New": [1],
        "AndroidInfo": {"Sound": "s", "GoogleChannelID": "c", "VIVOClassification": 1, "ExtAsHuaweiIntentParam": 1},
        "ApnsInfo": {"Sound": "s", "BadgeMode": 1, "Title": "t", "SubTitle": "s", "Image": "i", "MutableContent": 1,
            "ContentAvailable": 1, "InterruptionLevel": "time-sensitive"}});
    let kept = check_push_info(&good.to_string()).unwrap();
    assert_eq!(kept.as_str(), good.to_string());
    for bad in [
        json!([]),
        json!("x"),
        json!({"PushFlag": 2}),
        json!({"PushFlag": "0"}),
        json!({"Desc": 1}),
        json!({"AndroidInfo": "x"}),
        json!({"AndroidInfo": ["s", "c"]}),
        json!({"AndroidInfo": {"GoogleChannelID": 1}}),
        json!({"ApnsInfo": {"BadgeMode": "1"}}),
        json!({"ApnsInfo": {"ContentAvailable": "1"}}),
        json!({"ApnsInfo": {"InterruptionLevel": 1}}),
        json!({"Ext": "x".repeat(PUSH_INFO_BYTES)}),
    ] {
        let error = check_push_info(&bad.to_string()).expect_err(&bad.to_string());
        assert_eq!(error.code().number(), 90043);
    }
}

#[test]
fn what_this_server_does_not_read_of_a_push_info_may_be_anything() {
    let info = json!({"AndroidInfo": {"HuaWeiChannelID": 1, "XiaoMiChannelID": [], "OPPOChannelID": {}},
        "ApnsInfo": {"InterruptionLevel": "a-later-word", "New": 1}});
    assert!(check_push_info(&info.to_string()).is_ok());
}

/// Any JSON, biased to what looks like a body.
fn any_json() -> impl Strategy<Value = Value> {
    let kinds: Vec<_> = full().into_iter().map(|(kind, _)| kind).collect();
    const MEMBERS: &[&str] =
        &["Text", "Data", "Desc", "UUID", "ImageInfoArray", "Type", "Index", "Latitude", "Longitude"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(kinds).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let member = prop_oneof![proptest::sample::select(MEMBERS).prop_map(str::to_owned), any::<String>()];
        let content = proptest::collection::btree_map(member, inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            content.prop_map(|map| Value::from(serde_json::Map::from_iter(map))),
            (inner.clone(), inner).prop_map(|(kind, content)| json!([{"MsgType": kind, "MsgContent": content}])),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(body: String, custom: Option<String>, limit in 0usize..10_000) {
        let _ = check_body(&body, custom.as_deref(), limit);
        let _ = check_push_info(&body);
    }

    #[test]
    fn what_passes_is_kept_and_readable(json in any_json()) {
        let text = json.to_string();
        if let Ok(kept) = check_body(&text, None, LIMIT) {
            prop_assert_eq!(kept.as_str(), &text);
            prop_assert!(kept.decode::<Vec<Value>>().is_ok());
        }
        if let Ok(kept) = check_push_info(&text) {
            prop_assert!(kept.decode::<serde_json::Map<String, Value>>().is_ok());
        }
    }
}
