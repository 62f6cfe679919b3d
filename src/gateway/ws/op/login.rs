use duolog_topics::{Account, ClientCursor, Platform};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::args::{optional, required};
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// The longest name of a device, in characters.
pub const DEVICE_CHARS: usize = 64;
/// The longest name of a session or a timeline that is looked at, in bytes.
const NAME_BYTES: usize = 128;
/// What a client may ask for as `heartbeat`, in seconds.
pub const HEARTBEAT: std::ops::RangeInclusive<u64> = 25..=300;

/// `login`: who the client is, and what it has stored.
pub struct Login {
    pub account: Account,
    pub user_sig: String,
    pub platform: Platform,
    pub device: String,
    /// The session that this client held, on a reconnect that no person asked for.
    pub resumes: Option<String>,
    /// What the client has stored of its timeline.
    pub cursor: Option<ClientCursor>,
    /// Seconds, within [`HEARTBEAT`].
    pub heartbeat: Option<u64>,
}

#[derive(Deserialize)]
struct Args<'a> {
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    user_sig: Option<&'a RawValue>,
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
    #[serde(borrow)]
    device: Option<&'a RawValue>,
    #[serde(borrow)]
    session: Option<&'a RawValue>,
    #[serde(borrow)]
    timeline: Option<&'a RawValue>,
    cursor: Option<u64>,
    heartbeat: Option<u64>,
}

impl Login {
    /// # Errors
    /// 70002 without a signature, 70402 for another field, 60003 for a wrong number.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        const WRONG: Code = Code::ACCOUNT_PARAMETER_INVALID;
        let args: Args<'_> = object(args)?;
        let device: String = required(args.device, "device", WRONG)?;
        if device.is_empty() || device.chars().count() > DEVICE_CHARS || device.contains(char::is_control) {
            return Err(Failure::new(WRONG, "device: not 1 to 64 printable characters"));
        }
        let timeline = name(args.timeline, "timeline")?;
        Ok(Self {
            account: required(args.account, "account", WRONG)?,
            user_sig: required(args.user_sig, "user_sig", Code::USER_SIG_EMPTY)?,
            platform: required(args.platform, "platform", WRONG)?,
            device,
            resumes: name(args.session, "session")?,
            cursor: args.cursor.map(|sequence| ClientCursor { timeline: timeline.unwrap_or_default(), sequence }),
            heartbeat: args.heartbeat.map(|seconds| seconds.clamp(*HEARTBEAT.start(), *HEARTBEAT.end())),
        })
    }
}

/// A name that this server gave out earlier.
fn name(value: Option<&RawValue>, field: &'static str) -> Result<Option<String>, Failure> {
    let name: Option<String> = optional(value, field, Code::ACCOUNT_PARAMETER_INVALID)?;
    match &name {
        Some(name) if name.len() > NAME_BYTES || name.contains(char::is_control) => {
            Err(Failure::new(Code::ACCOUNT_PARAMETER_INVALID, format!("{field}: none that this server gave out")))
        }
        _ => Ok(name.filter(|name| !name.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn full() -> Value {
        json!({
            "account": "a", "user_sig": "s", "platform": "ipad", "device": "d", "session": "x", "timeline": "t",
            "cursor": 7, "heartbeat": 30, "client": {"name": "n", "version": "1"}, "later": null,
        })
    }

    fn code(args: &Value) -> u32 {
        Login::parse(&args.to_string()).err().expect("refused").code.number()
    }

    #[test]
    fn takes_all_fields() {
        let login = Login::parse(&full().to_string()).unwrap();
        assert_eq!((login.account.as_str(), login.user_sig.as_str(), login.device.as_str()), ("a", "s", "d"));
        assert_eq!((login.platform, login.resumes.as_deref()), (Platform::Ipad, Some("x")));
        assert_eq!(login.cursor, Some(ClientCursor { timeline: "t".to_owned(), sequence: 7 }));
        assert_eq!(login.heartbeat, Some(30));
    }

    #[test]
    fn the_other_fields_are_optional() {
        let args = json!({"account": "a", "user_sig": "s", "platform": "linux", "device": "d"});
        let login = Login::parse(&args.to_string()).unwrap();
        assert!(login.resumes.is_none() && login.cursor.is_none() && login.heartbeat.is_none());
    }

    #[test]
    fn a_heartbeat_out_of_range_becomes_the_nearest_that_is() {
        for (asked, given) in [(0, 25), (300, 300), (301, 300)] {
            let mut args = full();
            args["heartbeat"] = asked.into();
            assert_eq!(Login::parse(&args.to_string()).unwrap().heartbeat, Some(given));
        }
    }

    #[test]
    fn wrong_fields_have_their_codes() {
        let long = "d".repeat(65);
        let wrong = [
            ("account", Value::Null, 70_402),
            ("account", json!(""), 70_402),
            ("account", json!(7), 70_402),
            ("user_sig", Value::Null, 70_002),
            ("platform", json!("palm"), 70_402),
            ("device", json!(""), 70_402),
            ("device", json!(long), 70_402),
            ("device", json!("a\u{0}b"), 70_402),
            ("session", json!("a\u{0}b"), 70_402),
            ("cursor", json!(-1), 60_003),
            ("cursor", json!(1.0), 60_003),
            ("heartbeat", json!("30"), 60_003),
        ];
        for (field, value, expected) in wrong {
            let mut args = full();
            args[field] = value.clone();
            assert_eq!(code(&args), expected, "{field}: {value}");
        }
        assert_eq!(
            Login::parse(
                &json!({"account": "a", "user_sig": "s", "platform": "web", "device": "é".repeat(64)}).to_string()
            )
            .unwrap()
            .device
            .len(),
            128
        );
    }
}
