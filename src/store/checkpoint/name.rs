use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::store::Applied;

/// What a checkpoint, or a file of one, is called: `<epoch>-<offset>-<checksum>`, two decimal numbers of 20 digits and a
/// hexadecimal one of 16, so that names sort as checkpoints do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name {
    /// Of the owner that made it.
    pub epoch: u64,
    /// Offset of the next record to fold; of a file: by the first checkpoint that it belongs to.
    pub next: u64,
    /// Checksum of the record before it; of a file: its own.
    pub checksum: u64,
}

impl Name {
    pub(super) fn new(epoch: u64, applied: Applied) -> Self {
        Self { epoch, next: applied.next, checksum: applied.checksum }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:020}-{:016x}", self.epoch, self.next, self.checksum)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for Name {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

/// The text is not a checkpoint's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a checkpoint's name")]
pub struct NotAName;

impl FromStr for Name {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let mut parts = text.split('-');
        let mut part = |radix| parts.next().and_then(|part| u64::from_str_radix(part, radix).ok()).ok_or(NotAName);
        let name = Self { epoch: part(10)?, next: part(10)?, checksum: part(16)? };
        // One name, one spelling.
        if name.to_string() == text { Ok(name) } else { Err(NotAName) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back_and_sort_as_their_text(a: (u64, u64, u64), b: (u64, u64, u64)) {
            let name = |(epoch, next, checksum)| Name { epoch, next, checksum };
            let (a, b) = (name(a), name(b));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }

        #[test]
        fn other_texts_are_no_names(text in "[0-9a-f-]{0,60}") {
            prop_assert!(text.parse::<Name>().is_err() || text.len() == 58);
        }
    }
}
