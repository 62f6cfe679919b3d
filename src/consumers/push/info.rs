use duolog_topics::RawJson;
use serde_json::Value;

/// A message's OfflinePushInfo, as far as a push needs it.
///
/// The gateway checked the members that it knows when the message was sent. Here a member of another type is no member:
/// one that a later client invents must not keep a message from being announced.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PushInfo(Option<Value>);

impl PushInfo {
    pub fn new(info: Option<&RawJson>) -> Self {
        Self(info.and_then(|info| info.decode().ok()).filter(Value::is_object))
    }

    /// Whether the sender gave one: then the hints in a custom element do not count.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// PushFlag 1: no push for this message.
    pub fn forbids(&self) -> bool {
        self.number("/PushFlag") == Some(1)
    }

    /// The text at a JSON pointer (`/ApnsInfo/Sound`); an empty one is none.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.0.as_ref()?.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
    }

    /// The number at a JSON pointer.
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.0.as_ref()?.pointer(pointer)?.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(json: &str) -> PushInfo {
        PushInfo::new(Some(&RawJson::from_checked(json)))
    }

    #[test]
    fn members_are_found_by_their_place() {
        let given = info(r#"{"PushFlag":1,"Desc":"d","Title":"","ApnsInfo":{"BadgeMode":1,"Sound":"s"}}"#);
        assert!(given.is_given() && given.forbids());
        assert_eq!(given.text("/Desc"), Some("d"));
        assert_eq!(given.text("/Title"), None);
        assert_eq!(given.text("/ApnsInfo/Sound"), Some("s"));
        assert_eq!(given.number("/ApnsInfo/BadgeMode"), Some(1));
        assert_eq!(given.text("/AndroidInfo/Sound"), None);
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        assert!(!PushInfo::new(None).is_given());
        assert!(!info("[]").is_given());
        assert!(!info("{").is_given());
        let odd = info(r#"{"PushFlag":"1","Desc":7,"ApnsInfo":[]}"#);
        assert!(odd.is_given() && !odd.forbids());
        assert_eq!((odd.text("/Desc"), odd.text("/ApnsInfo/Sound")), (None, None));
    }
}
