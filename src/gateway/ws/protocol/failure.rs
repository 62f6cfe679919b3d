use std::borrow::Cow;

use super::json::Object;
use crate::domain::verdict::{Excluder, Refusal};
use crate::error::Code;

/// Why a request is refused: the `error` of its reply.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub code: Code,
    /// What exactly is wrong, for whoever debugs a client; absent: the code's own sentence.
    detail: Option<Cow<'static, str>>,
    /// After how many milliseconds the same request may succeed.
    retry_after: Option<u64>,
    /// The login that excludes this one.
    by: Option<Excluder>,
}

impl Failure {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..code.into() }
    }

    /// The frame, or a field that has no code of its own, is not what the protocol says.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::JSON_INVALID, detail)
    }

    /// Whether it counts among the malformed frames in a row that end a connection.
    pub fn is_malformed(&self) -> bool {
        self.code == Code::JSON_INVALID
    }

    /// Too many requests: after this time there is room again.
    pub fn busy_for(millis: u64) -> Self {
        Self { retry_after: Some(millis), ..Code::TOO_MANY_REQUESTS.into() }
    }

    /// Writes the members of `error`.
    pub fn write(&self, object: &mut Object<'_>) {
        object.number("code", self.code.number().into()).text("name", self.code.name());
        object.text("message", self.detail.as_deref().unwrap_or(self.code.message()));
        object.boolean("retry", self.code.retry());
        if let Some(millis) = self.retry_after {
            object.number("retry_after", millis);
        }
        if let Some(by) = &self.by {
            object.object("by", |object| write_excluder(object, by));
        }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self { code, detail: None, retry_after: None, by: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { by: refusal.by, ..refusal.code.into() }
    }
}

/// Writes who ended or excluded a session: `platform, device, time`.
pub fn write_excluder(object: &mut Object<'_>, by: &Excluder) {
    object.text("platform", platform_name(by.platform)).text("device", &by.device).number("time", by.time);
}

/// A platform's name on the wire.
pub fn platform_name(platform: duolog_topics::Platform) -> &'static str {
    use duolog_topics::Platform;
    match platform {
        Platform::Android => "android",
        Platform::Iphone => "iphone",
        Platform::Ipad => "ipad",
        Platform::Windows => "windows",
        Platform::Mac => "mac",
        Platform::Web => "web",
        Platform::Linux => "linux",
    }
}
