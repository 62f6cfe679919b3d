use serde::Serialize;

use crate::consumers::push::notice::Notice;

/// The payload of APNs: `aps` is Apple's, the rest is the app's.
#[derive(Serialize)]
struct Payload<'a> {
    aps: Aps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    peer: &'a str,
    key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Aps<'a> {
    alert: Alert<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    /// Notices of one conversation are shown together.
    thread_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutable_content: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_available: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interruption_level: Option<&'a str>,
}

#[derive(Serialize)]
struct Alert<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle: Option<&'a str>,
    body: &'a str,
}

/// Apple's half of a payload; another service passes it on.
pub fn aps(notice: &Notice) -> Aps<'_> {
    Aps {
        alert: Alert { title: notice.title.as_deref(), subtitle: notice.subtitle.as_deref(), body: &notice.body },
        badge: notice.badge,
        sound: notice.sound.as_deref(),
        thread_id: &notice.peer,
        mutable_content: notice.mutable.then_some(1),
        content_available: notice.wakes.then_some(1),
        interruption_level: notice.interruption.as_deref(),
    }
}

/// The payload as JSON.
pub fn encode(notice: &Notice) -> Vec<u8> {
    let payload = Payload {
        aps: aps(notice),
        ext: notice.ext.as_deref(),
        image: notice.image.as_deref(),
        peer: &notice.peer,
        key: notice.key.to_string(),
    };
    serde_json::to_vec(&payload).expect("texts and numbers have a JSON form")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::notice::System;
    use super::super::super::notice::tests::{notice, text};
    use super::*;

    fn payload(info: Option<&Value>) -> Value {
        serde_json::from_slice(&encode(&notice(&text("hi"), info, System::Apple).unwrap())).unwrap()
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let aps = json!({"alert": {"body": "hi"}, "badge": 3, "sound": "own.caf", "thread-id": "alice"});
        assert_eq!(payload(None), json!({"aps": aps, "peer": "alice", "key": "7_8_9"}));
    }

    #[test]
    fn every_member_has_its_place() {
        let info = json!({"Title": "t", "Desc": "d", "Ext": "e", "ApnsInfo": {"Sound": "s", "BadgeMode": 1,
            "SubTitle": "st", "Image": "i", "InterruptionLevel": "passive", "ContentAvailable": 1}});
        let aps = json!({"alert": {"title": "t", "subtitle": "st", "body": "d"}, "sound": "s", "thread-id": "alice",
            "mutable-content": 1, "content-available": 1, "interruption-level": "passive"});
        assert_eq!(
            payload(Some(&info)),
            json!({"aps": aps, "ext": "e", "image": "i", "peer": "alice", "key": "7_8_9"})
        );
    }
}
