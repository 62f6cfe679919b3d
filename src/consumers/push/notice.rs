use duolog_topics::MsgKey;

use super::info::PushInfo;
use super::text::Elements;
use crate::config::PushWords;
use crate::domain::rows::MessageRow;

/// How a client says that a push makes no sound.
const NO_SOUND: &str = "push.no_sound";
/// The device's own sound for notifications, on both systems.
pub const DEFAULT_SOUND: &str = "default";

/// Which half of the push info counts for a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    /// `ApnsInfo`.
    Apple,
    /// `AndroidInfo`.
    Android,
}

/// What one device is told of a message, before a push service's form of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    pub title: Option<String>,
    pub subtitle: Option<String>,
    pub body: String,
    /// Absent: silent.
    pub sound: Option<String>,
    /// The app's own data, passed on.
    pub ext: Option<String>,
    /// The address of a picture; the app's notification extension loads it.
    pub image: Option<String>,
    /// The number on the app's icon; absent: left as it is.
    pub badge: Option<u64>,
    /// The app may change it before it is shown.
    pub mutable: bool,
    /// The app is woken to fetch content.
    pub wakes: bool,
    /// passive, active, time-sensitive, critical.
    pub interruption: Option<String>,
    /// The notification channel on Android.
    pub channel: Option<String>,
    /// Who sent the message, and its key: what the app opens when the notice is tapped.
    pub peer: String,
    pub key: MsgKey,
}

/// What a device and its user add to a notice.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    pub system: System,
    /// The sound that the user chose.
    pub sound: Option<&'a str>,
    pub badge: u64,
}

impl Notice {
    /// The notice of a message for a device. `None`: this message is not pushed.
    pub fn new(message: &MessageRow, nick: Option<&str>, to: Addressee<'_>, words: &PushWords) -> Option<Self> {
        let info = PushInfo::new(message.push.as_ref());
        if info.forbids() {
            return None;
        }
        let elements = Elements::new(&message.body);
        let body = elements.push_text(&info, nick, words)?;
        let own = |text: Option<&str>| text.map(str::to_owned);
        let hint = |name: &str| if info.is_given() { None } else { elements.hint(name) };
        let apple = to.system == System::Apple;
        let apple_text = |pointer| info.text(pointer).filter(|_| apple);
        let apple_is = |pointer| apple && info.number(pointer) == Some(1);
        let sound = info.text(if apple { "/ApnsInfo/Sound" } else { "/AndroidInfo/Sound" });
        let sound = sound.or(hint("Sound")).or(to.sound.filter(|sound| !sound.is_empty()));
        let image = apple_text("/ApnsInfo/Image");
        Some(Self {
            title: own(apple_text("/ApnsInfo/Title").or(info.text("/Title"))),
            subtitle: own(apple_text("/ApnsInfo/SubTitle")),
            body,
            sound: own(Some(sound.unwrap_or(DEFAULT_SOUND)).filter(|sound| *sound != NO_SOUND)),
            ext: own(info.text("/Ext").or(hint("Ext"))),
            // Only an extension that may change the notice can load a picture into it.
            mutable: apple_is("/ApnsInfo/MutableContent") || image.is_some(),
            image: own(image),
            badge: Some(to.badge).filter(|_| !apple_is("/ApnsInfo/BadgeMode")),
            wakes: apple_is("/ApnsInfo/ContentAvailable"),
            interruption: own(apple_text("/ApnsInfo/InterruptionLevel")),
            channel: own(info.text("/AndroidInfo/GoogleChannelID")).filter(|_| !apple),
            peer: message.from.to_string(),
            key: message.msg_key(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use duolog_topics::{Account, MessageContent, MessageFlags, Origin, RawJson};
    use serde_json::{Value, json};

    use super::super::text::tests::words;
    use super::*;

    pub fn content(body: &Value, info: Option<&Value>) -> MessageContent {
        MessageContent {
            body: RawJson::encode(body).unwrap(),
            custom: None,
            msg_seq: 7,
            random: 8,
            flags: MessageFlags::default(),
            origin: Origin::Server,
            life: None,
            push: info.map(|info| RawJson::encode(info).unwrap()),
            platform: None,
            ip: None,
        }
    }

    pub fn message(body: &Value, info: Option<&Value>) -> MessageRow {
        MessageRow::new(&Account::new("alice").unwrap(), &content(body, info), 9_000, 9_000)
    }

    pub fn text(text: &str) -> Value {
        json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}])
    }

    pub fn notice(body: &Value, info: Option<&Value>, system: System) -> Option<Notice> {
        Notice::new(&message(body, info), None, Addressee { system, sound: Some("own.caf"), badge: 3 }, &words())
    }

    fn custom() -> Value {
        json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Desc": "d", "Ext": "old", "Sound": "old.caf"}}])
    }

    #[test]
    fn a_plain_message_has_the_users_sound_and_his_unread() {
        let plain = notice(&text("hi"), None, System::Apple).unwrap();
        assert_eq!((plain.body.as_str(), plain.title, plain.badge), ("hi", None, Some(3)));
        assert_eq!(plain.sound.as_deref(), Some("own.caf"));
        assert_eq!((plain.peer.as_str(), plain.key.to_string().as_str()), ("alice", "7_8_9"));
        assert!(!plain.mutable && !plain.wakes);
    }

    #[test]
    fn without_a_push_info_the_custom_element_has_the_hints() {
        for system in [System::Apple, System::Android] {
            let old = notice(&custom(), None, system).unwrap();
            assert_eq!((old.sound.as_deref(), old.ext.as_deref()), (Some("old.caf"), Some("old")));
            let new = notice(&custom(), Some(&json!({"Title": "t"})), system).unwrap();
            assert_eq!((new.sound.as_deref(), new.ext), (Some("own.caf"), None));
        }
    }

    #[test]
    fn each_system_has_its_own_half() {
        let info = json!({"Title": "t", "Desc": "d", "Ext": "e",
            "AndroidInfo": {"Sound": "shake", "GoogleChannelID": "chat"},
            "ApnsInfo": {"Sound": "a.caf", "BadgeMode": 1, "Title": "at", "SubTitle": "s", "Image": "https://x/i.png",
                "InterruptionLevel": "time-sensitive", "ContentAvailable": 1}});
        let apple = notice(&text("hi"), Some(&info), System::Apple).unwrap();
        assert_eq!((apple.title.as_deref(), apple.subtitle.as_deref()), (Some("at"), Some("s")));
        assert_eq!((apple.body.as_str(), apple.sound.as_deref()), ("d", Some("a.caf")));
        assert_eq!((apple.badge, apple.channel.as_deref()), (None, None));
        assert_eq!((apple.image.as_deref(), apple.mutable, apple.wakes), (Some("https://x/i.png"), true, true));
        assert_eq!(apple.interruption.as_deref(), Some("time-sensitive"));

        let android = notice(&text("hi"), Some(&info), System::Android).unwrap();
        assert_eq!((android.title.as_deref(), android.subtitle, android.image), (Some("t"), None, None));
        assert_eq!((android.sound.as_deref(), android.channel.as_deref()), (Some("shake"), Some("chat")));
        assert_eq!((android.badge, android.mutable, android.wakes), (Some(3), false, false));
        assert_eq!(android.ext.as_deref(), Some("e"));
    }

    #[test]
    fn silence_can_be_asked_for() {
        let info = json!({"ApnsInfo": {"Sound": "push.no_sound"}});
        assert_eq!(notice(&text("hi"), Some(&info), System::Apple).unwrap().sound, None);
        let to = Addressee { system: System::Apple, sound: None, badge: 0 };
        let unset = Notice::new(&message(&text("hi"), None), None, to, &words()).unwrap();
        assert_eq!((unset.sound.as_deref(), unset.badge), (Some("default"), Some(0)));
    }

    #[test]
    fn a_push_flag_forbids_it() {
        assert_eq!(notice(&text("hi"), Some(&json!({"PushFlag": 1, "Desc": "d"})), System::Apple), None);
        assert!(notice(&text("hi"), Some(&json!({"PushFlag": 0})), System::Apple).is_some());
    }
}
