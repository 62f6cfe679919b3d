//! What a push says: pure functions from a message to the text on a lock screen.

use duolog_topics::RawJson;
use serde::Deserialize;
use serde_json::Value;

use super::info::PushInfo;
use crate::config::PushWords;

#[derive(Deserialize)]
struct Element {
    #[serde(rename = "MsgType")]
    kind: String,
    #[serde(rename = "MsgContent")]
    content: Value,
}

impl Element {
    fn member(&self, name: &str) -> Option<&str> {
        self.content.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn is_custom(&self) -> bool {
        self.kind == "TIMCustomElem"
    }

    fn text<'a>(&'a self, words: &'a PushWords) -> &'a str {
        match self.kind.as_str() {
            "TIMTextElem" => self.member("Text").unwrap_or_default(),
            "TIMCustomElem" => self.member("Desc").unwrap_or_default(),
            "TIMLocationElem" => &words.location,
            "TIMFaceElem" => &words.face,
            "TIMSoundElem" => &words.sound,
            "TIMImageElem" => &words.image,
            "TIMFileElem" => &words.file,
            "TIMVideoFileElem" => &words.video,
            _ => &words.other,
        }
    }
}

/// The elements of a message, read for a push.
pub struct Elements(Vec<Element>);

impl Elements {
    /// A body that is no list of elements has none: the gateway lets no such body in.
    pub fn new(body: &RawJson) -> Self {
        Self(body.decode().unwrap_or_default())
    }

    /// The custom element's member that old clients put a hint in: `Sound`, `Ext`.
    pub fn hint(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|element| element.is_custom())?.member(name)
    }

    /// What is pushed: Desc of the push info, else the elements' texts in their order with nothing between; `nick:` before
    /// it if the sender has a nickname. `None` if there is nothing to say, as of a lone custom element without Desc.
    pub fn push_text(&self, info: &PushInfo, nick: Option<&str>, words: &PushWords) -> Option<String> {
        let text = match info.text("/Desc") {
            Some(desc) => desc.to_owned(),
            None => self.0.iter().map(|element| element.text(words)).collect(),
        };
        if text.is_empty() {
            return None;
        }
        Some(match nick {
            Some(nick) if !nick.is_empty() => format!("{nick}:{text}"),
            _ => text,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub fn words() -> PushWords {
        let word = |word: &str| format!("[{word}]");
        PushWords {
            location: word("location"),
            face: word("face"),
            sound: word("sound"),
            image: word("image"),
            file: word("file"),
            video: word("video"),
            other: word("message"),
        }
    }

    pub fn elements(body: &Value) -> Elements {
        Elements::new(&RawJson::encode(body).unwrap())
    }

    fn said(body: &Value, info: Option<&Value>, nick: Option<&str>) -> Option<String> {
        let info = info.map(|info| RawJson::encode(info).unwrap());
        elements(body).push_text(&PushInfo::new(info.as_ref()), nick, &words())
    }

    fn element(kind: &str, content: Value) -> Value {
        json!({"MsgType": kind, "MsgContent": content})
    }

    #[test]
    fn elements_are_joined_with_nothing_between() {
        let text = element("TIMTextElem", json!({"Text": "hi"}));
        let custom = element("TIMCustomElem", json!({"Data": "d", "Desc": "order"}));
        let mute = element("TIMCustomElem", json!({"Data": "d"}));
        for (body, expected) in [
            (json!([text]), Some("hi")),
            (json!([text, text]), Some("hihi")),
            (json!([text, custom]), Some("hiorder")),
            (json!([custom]), Some("order")),
            (json!([mute]), None),
            (json!([text, mute]), Some("hi")),
            (json!([element("TIMCustomElem", json!({"Desc": ""}))]), None),
            (json!([element("TIMTextElem", json!({"Text": ""}))]), None),
            (json!([element("TIMLocationElem", json!({"Desc": "here"}))]), Some("[location]")),
            (json!([text, element("TIMFaceElem", json!({"Index": 1}))]), Some("hi[face]")),
            (json!([element("TIMSoundElem", json!({}))]), Some("[sound]")),
            (json!([element("TIMImageElem", json!({}))]), Some("[image]")),
            (json!([element("TIMFileElem", json!({"FileName": "f"}))]), Some("[file]")),
            (json!([element("TIMVideoFileElem", json!({}))]), Some("[video]")),
            (json!([element("TIMRelayElem", json!({"Title": "t"}))]), Some("[message]")),
            (json!([]), None),
            (json!({"no": "body"}), None),
        ] {
            assert_eq!(said(&body, None, None).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn the_push_info_says_it_instead() {
        let body = json!([element("TIMTextElem", json!({"Text": "hi"}))]);
        assert_eq!(said(&body, Some(&json!({"Desc": "news"})), None).as_deref(), Some("news"));
        assert_eq!(said(&body, Some(&json!({"Desc": ""})), None).as_deref(), Some("hi"));
        let custom = json!([element("TIMCustomElem", json!({"Data": "d"}))]);
        assert_eq!(said(&custom, Some(&json!({"Desc": "news"})), None).as_deref(), Some("news"));
        assert_eq!(said(&custom, Some(&json!({"Title": "t"})), None), None);
    }

    #[test]
    fn a_nickname_stands_before_it() {
        let body = json!([element("TIMTextElem", json!({"Text": "hi"}))]);
        assert_eq!(said(&body, None, Some("Al")).as_deref(), Some("Al:hi"));
        assert_eq!(said(&body, None, Some("")).as_deref(), Some("hi"));
        assert_eq!(said(&body, Some(&json!({"Desc": "news"})), Some("Al")).as_deref(), Some("Al:news"));
        assert_eq!(said(&json!([element("TIMCustomElem", json!({}))]), None, Some("Al")), None);
    }
}
