//! The types that a key may have: what each takes, and how it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use duolog_topics::{Account, BlacklistAnswer, LoginPolicy};
use toml::Value;

use super::catalogue::Shape;

/// A type that a key of the configuration may have.
pub trait Setting: Sized {
    /// What is taken, for messages and docs: "a file name".
    const ALLOWED: &'static str;
    const SHAPE: Shape = Shape::Other;

    /// The value, unless it is something else than [`Self::ALLOWED`]. Ranges of numbers are checked by the catalogue.
    fn read(value: &Value) -> Option<Self>;
}

/// A secret: used, never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, for the one who signs with them.
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(none)" } else { "Secret(***)" })
    }
}

impl Setting for Secret {
    const ALLOWED: &'static str = "text";
    const SHAPE: Shape = Shape::Secret;

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::new)
    }
}

/// An `http` or `https` address, without a slash at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url(String);

impl Url {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for Url {
    const ALLOWED: &'static str = "an http:// or https:// address";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        let url = reqwest::Url::parse(text).ok()?;
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        web.then(|| Self(text.trim_end_matches('/').to_owned()))
    }
}

/// How far a clock is ahead of UTC, written as `+08:00`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// Negative behind UTC.
    pub fn minutes(self) -> i16 {
        self.0
    }
}

impl Setting for UtcOffset {
    const ALLOWED: &'static str = "a distance from UTC from -12:00 to +14:00";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        let (sign, rest) =
            if let Some(rest) = text.strip_prefix('+') { (1, rest) } else { (-1, text.strip_prefix('-')?) };
        let (hours, minutes) = rest.split_once(':')?;
        let number = |text: &str, below: i16| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: i16 = text.parse().ok().filter(|_| digits)?;
            (number < below).then_some(number)
        };
        let minutes = sign * (number(hours, 24)? * 60 + number(minutes, 60)?);
        (-720..=840).contains(&minutes).then_some(Self(minutes))
    }
}

/// Where checkpoints lie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreUrl {
    /// `file:` and a folder.
    Folder(PathBuf),
    /// `s3://`, a bucket and a prefix.
    S3 { bucket: String, prefix: String },
}

impl Setting for StoreUrl {
    const ALLOWED: &'static str = "file:FOLDER or s3://BUCKET/PREFIX";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        if let Some(folder) = text.strip_prefix("file:") {
            return (!folder.is_empty()).then(|| Self::Folder(folder.into()));
        }
        let (bucket, prefix) = text.strip_prefix("s3://")?.split_once('/').unwrap_or((&text[5..], ""));
        (!bucket.is_empty()).then(|| Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// Makes an enum whose values are words of the configuration.
macro_rules! words {
    ($( $type:ty { $( $word:literal => $variant:path ),+ } $allowed:literal )+) => {
        $( impl Setting for $type {
            const ALLOWED: &'static str = $allowed;
            const SHAPE: Shape = Shape::Text;

            fn read(value: &Value) -> Option<Self> {
                match value.as_str()? {
                    $( $word => Some($variant), )+
                    _ => None,
                }
            }
        } )+
    };
}

/// Where the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Provider {
    Embedded,
    Kafka,
}

/// What becomes of a message when the before-send callback cannot be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HookFailure {
    Allow,
    Refuse,
}

words! {
    Provider { "embedded" => Provider::Embedded, "kafka" => Provider::Kafka } "\"embedded\" or \"kafka\""
    HookFailure { "allow" => HookFailure::Allow, "refuse" => HookFailure::Refuse } "\"allow\" or \"refuse\""
    BlacklistAnswer { "success" => BlacklistAnswer::Success, "error" => BlacklistAnswer::Error }
        "\"success\" or \"error\""
    LoginPolicy {
        "single" => LoginPolicy::Single, "dual" => LoginPolicy::Dual,
        "triple" => LoginPolicy::Triple, "multi" => LoginPolicy::Multi
    } "\"single\", \"dual\", \"triple\" or \"multi\""
}

impl Setting for bool {
    const ALLOWED: &'static str = "true or false";

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Setting for u32 {
    const ALLOWED: &'static str = "a whole number";

    fn read(value: &Value) -> Option<Self> {
        value.as_integer()?.try_into().ok()
    }
}

impl Setting for u64 {
    const ALLOWED: &'static str = "a whole number";

    fn read(value: &Value) -> Option<Self> {
        value.as_integer()?.try_into().ok()
    }
}

impl Setting for String {
    const ALLOWED: &'static str = "text";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Setting for PathBuf {
    const ALLOWED: &'static str = "a path";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        value.as_str().filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

impl Setting for SocketAddr {
    const ALLOWED: &'static str = "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl Setting for IpAddr {
    const ALLOWED: &'static str = "an IP address";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl Setting for Account {
    const ALLOWED: &'static str = "1 to 32 characters of printable ASCII";
    const SHAPE: Shape = Shape::Text;

    fn read(value: &Value) -> Option<Self> {
        Account::new(value.as_str()?).ok()
    }
}

/// An empty text is "none" where a text is taken, and 0 where a number is.
impl<T: Setting> Setting for Option<T> {
    const ALLOWED: &'static str = T::ALLOWED;
    const SHAPE: Shape = T::SHAPE;

    fn read(value: &Value) -> Option<Self> {
        let none = match T::SHAPE {
            Shape::Text | Shape::Secret => value.as_str() == Some(""),
            Shape::List | Shape::Other => value.as_integer() == Some(0),
        };
        if none { Some(None) } else { T::read(value).map(Some) }
    }
}

/// The items' own words stand in the message: a list "of an IP address" reads well enough.
impl<T: Setting> Setting for Vec<T> {
    const ALLOWED: &'static str = T::ALLOWED;
    const SHAPE: Shape = Shape::List;

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }
}

impl Setting for BTreeMap<String, String> {
    const ALLOWED: &'static str = "a table of texts, numbers, true and false";

    fn read(value: &Value) -> Option<Self> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Some(value.to_string()),
            _ => None,
        };
        value.as_table()?.iter().map(|(key, value)| Some((key.clone(), text(value)?))).collect()
    }
}
