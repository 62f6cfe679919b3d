use std::borrow::Cow;

/// Why the gateway ends a connection (docs/CLIENT_PROTOCOL.md, "Close codes").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u16)]
pub enum CloseCode {
    /// After `logout`.
    Done = 1000,
    /// Silent too long, or the gateway leaves.
    GoingAway = 1001,
    /// A frame above `limits.frame_bytes`.
    TooLong = 1009,
    /// The account's home has moved.
    Moved = 1012,
    /// The reason holds the seconds after which to come again.
    Overloaded = 1013,
    Kicked = 4001,
    /// Nothing was taken for too long.
    Stalled = 4002,
    /// Not logged in in time, or refused too often.
    NotLoggedIn = 4003,
    Malformed = 4004,
    /// The same device has a newer connection.
    Replaced = 4005,
}

/// What is wrong with a frame before anybody reads what it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// It is longer than is allowed.
    TooLong,
    /// No WebSocket sends it: a missing mask, an unknown kind, a text that is not UTF-8.
    NoFrame,
}

impl Flaw {
    /// The connection ends with it.
    pub const fn close(self) -> Close {
        match self {
            Self::TooLong => Close::new(CloseCode::TooLong, "the frame is longer than is allowed"),
            Self::NoFrame => Close::new(CloseCode::Malformed, "the frame is none of a WebSocket"),
        }
    }
}

/// A close frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Close {
    pub code: CloseCode,
    /// At most 123 bytes.
    pub reason: Cow<'static, str>,
}

impl Close {
    pub const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// The account's home is at another node: the client comes again at once.
    pub const fn moved() -> Self {
        Self::new(CloseCode::Moved, "the account's home has moved")
    }

    /// The gateway leaves.
    pub const fn stopping() -> Self {
        Self::new(CloseCode::GoingAway, "the server stops")
    }

    /// The client takes nothing.
    pub const fn stalled() -> Self {
        Self::new(CloseCode::Stalled, "nothing was taken for too long")
    }

    /// Too much to do: the client comes again after some seconds.
    pub fn overloaded(seconds: u64) -> Self {
        Self { code: CloseCode::Overloaded, reason: seconds.to_string().into() }
    }
}
