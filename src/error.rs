//! The public answers other than success: one table, for both protocols.
//!
//! A [`Code`] is what a caller sees as `ErrorCode` in the server API and as `error.code` in the client protocol. The
//! numbers are those of the API that ours follows, so that software written against it understands
//! them; the names are ours and, like the numbers, never change their meaning. `docs/ERRORS.md` is made from the table.

mod table;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use table::ALL;

/// A public code: one of the table, or one that the app's own before-send hook chose.
///
/// In rows and on the wire it is its number. Compare and match it by its constants: `Code::NOT_FRIENDS`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Code(u32);

/// What the table says about one code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The code itself.
    pub code: Code,
    /// Its name in the client protocol, `snake_case`.
    pub name: &'static str,
    /// One sentence for whoever debugs a caller; not for end users, and not an interface.
    pub message: &'static str,
    /// Whether the same request, with the same key, may succeed later. The first try may have taken effect.
    pub retry: bool,
    /// Which part of the server answers with it.
    pub layer: Layer,
}

/// Which part of the server answers with a code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Layer {
    /// Downloads of message records.
    Records,
    /// The end of a client's session.
    Session,
    /// A message and its conversation: sending, recalling, reading.
    Message,
    /// Friends, groups of friends, blacklist.
    Relation,
    /// Profiles.
    Profile,
    /// Recent contacts.
    Recents,
    /// URL, JSON, rate and permission: before any command runs.
    Front,
    /// Signatures and accounts: before any command runs, and the account commands.
    Account,
    /// What a message says: filters, size, the before-send hook.
    Content,
    /// The fields of the server API's message commands.
    Command,
    /// The app's own before-send hook.
    Hook,
    /// Muting.
    Mute,
}

/// A number that is no public code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{0} is no public code")]
pub struct UnknownCode(pub u32);

/// The first and the last code that a before-send hook may hand to the sender.
pub const HOOK_CODES: std::ops::RangeInclusive<u32> = 120_001..=130_000;

/// Stands for all of [`HOOK_CODES`].
const HOOK: Entry = Entry {
    code: Code(*HOOK_CODES.start()),
    name: "refused_by_app",
    message: "the app's own server refused the message with a code of its own",
    retry: false,
    layer: Layer::Hook,
};

impl Code {
    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The code's name in the client protocol.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The sentence for whoever debugs a caller.
    pub fn message(self) -> &'static str {
        self.entry().message
    }

    /// Whether the same request may succeed later.
    pub fn retry(self) -> bool {
        self.entry().retry
    }

    /// Which part of the server answers with it.
    pub fn layer(self) -> Layer {
        self.entry().layer
    }

    /// The row of the table, found by binary search; the codes of a hook share one.
    pub fn entry(self) -> &'static Entry {
        match ALL.binary_search_by_key(&self, |entry| entry.code) {
            Ok(place) => &ALL[place],
            Err(_) => &HOOK,
        }
    }
}

impl TryFrom<u32> for Code {
    type Error = UnknownCode;

    fn try_from(number: u32) -> Result<Self, UnknownCode> {
        let code = Self(number);
        let known = HOOK_CODES.contains(&number) || ALL.binary_search_by_key(&code, |entry| entry.code).is_ok();
        if known { Ok(code) } else { Err(UnknownCode(number)) }
    }
}

impl From<Code> for u32 {
    fn from(code: Code) -> Self {
        code.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
