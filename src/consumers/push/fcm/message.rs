use serde::Serialize;

use super::Fcm;
use crate::consumers::push::apns::payload::{Aps, aps};
use crate::consumers::push::notice::{Notice, System};
use crate::consumers::push::service::{Push, PushService as _};

/// FCM keeps a message for four weeks at most, in seconds.
const LIFE_LIMIT: u64 = 28 * 86_400;

#[derive(Serialize)]
struct Request<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    notification: Notification<'a>,
    data: Data<'a>,
    #[serde(flatten)]
    system: ForSystem<'a>,
}

#[derive(Serialize)]
struct Notification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    body: &'a str,
}

/// Texts only: FCM takes nothing else.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ext: Option<&'a str>,
    peer: &'a str,
    key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ForSystem<'a> {
    Android(Android<'a>),
    /// FCM passes these on to Apple.
    Apns(Apple<'a>),
}

#[derive(Serialize)]
struct Android<'a> {
    priority: &'static str,
    ttl: String,
    notification: AndroidNotification<'a>,
}

#[derive(Serialize)]
struct AndroidNotification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u64>,
    /// A notice with the same tag takes the place of the one that is shown: a repeat is seen once.
    tag: String,
}

#[derive(Serialize)]
struct Apple<'a> {
    headers: AppleHeaders,
    payload: ApplePayload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct AppleHeaders {
    apns_collapse_id: String,
}

#[derive(Serialize)]
struct ApplePayload<'a> {
    aps: Aps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

fn message<'a>(push: &Push<'a>, notice: &'a Notice, token: Option<&'a str>) -> Message<'a> {
    let system = match Fcm::system(push.to.platform) {
        System::Apple => ForSystem::Apns(Apple {
            headers: AppleHeaders { apns_collapse_id: push.id.to_string() },
            payload: ApplePayload { aps: aps(notice), image: notice.image.as_deref() },
        }),
        System::Android => ForSystem::Android(Android {
            priority: "HIGH",
            ttl: format!("{}s", push.life.as_secs().min(LIFE_LIMIT)),
            notification: AndroidNotification {
                sound: notice.sound.as_deref(),
                channel_id: notice.channel.as_deref(),
                notification_count: notice.badge,
                tag: push.id.to_string(),
            },
        }),
    };
    Message {
        token,
        notification: Notification { title: notice.title.as_deref(), body: &notice.body },
        data: Data { ext: notice.ext.as_deref(), peer: &notice.peer, key: notice.key.to_string() },
        system,
    }
}

/// The body of `messages:send`, as JSON.
pub fn encode<'a>(push: &Push<'a>, notice: &'a Notice) -> Vec<u8> {
    let request = Request { message: message(push, notice, Some(&push.to.token)) };
    serde_json::to_vec(&request).expect("texts and numbers have a JSON form")
}

/// The bytes of what reaches the device: everything but its token.
pub fn payload_bytes<'a>(push: &Push<'a>, notice: &'a Notice) -> usize {
    serde_json::to_vec(&message(push, notice, None)).expect("texts and numbers have a JSON form").len()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use duolog_topics::{Platform, PushProvider};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::super::super::notice::tests::{notice, text};
    use super::*;
    use crate::domain::rows::PushTokenRow;

    fn sent(platform: Platform, info: Option<&Value>) -> Value {
        let to = PushTokenRow {
            provider: PushProvider::Fcm,
            token: "tok".to_owned(),
            sound: None,
            environment: None,
            topic: None,
            enabled: true,
            platform,
        };
        let notice = notice(&text("hi"), info, Fcm::system(platform)).unwrap();
        let push = Push { id: Uuid::nil(), to: &to, notice: notice.clone(), life: Duration::from_secs(60) };
        assert!(payload_bytes(&push, &notice) < encode(&push, &notice).len());
        serde_json::from_slice(&encode(&push, &notice)).unwrap()
    }

    #[test]
    fn android_gets_a_notification_and_data() {
        let info = json!({"Title": "t", "Ext": "e", "AndroidInfo": {"Sound": "s", "GoogleChannelID": "chat"}});
        let notification =
            json!({"sound": "s", "channel_id": "chat", "notification_count": 3, "tag": Uuid::nil().to_string()});
        assert_eq!(
            sent(Platform::Android, Some(&info)),
            json!({"message": {"token": "tok", "notification": {"title": "t", "body": "hi"},
                "data": {"ext": "e", "peer": "alice", "key": "7_8_9"},
                "android": {"priority": "HIGH", "ttl": "60s", "notification": notification}}})
        );
    }

    #[test]
    fn a_phone_of_apple_gets_apples_form() {
        let message = &sent(Platform::Iphone, Some(&json!({"Desc": "d", "ApnsInfo": {"Sound": "s"}})))["message"];
        assert_eq!(message["apns"]["payload"]["aps"]["sound"], "s");
        assert_eq!(message["apns"]["payload"]["aps"]["alert"]["body"], "d");
        assert_eq!(message["notification"], json!({"body": "d"}));
        assert!(message.get("android").is_none());
    }
}
