use std::fmt;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AccountError;

/// The longest account name, in bytes (server API: "UserID at most 32 bytes").
pub const ACCOUNT_BYTES: usize = 32;

/// A user's name: 1 to 32 bytes of printable ASCII, compared byte for byte.
///
/// It is the key of every record; [`crate::partition_of`] of it is the user's home.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "CompactString", into = "CompactString")]
#[schemars(
    with = "String",
    description = "A user's name: 1 to 32 bytes of printable ASCII, compared byte for byte.",
    extend("pattern" = "^[ -~]{1,32}$")
)]
pub struct Account(CompactString);

impl Account {
    /// Checks and wraps a name.
    ///
    /// # Errors
    /// If it is empty, longer than 32 bytes, or holds anything but printable ASCII (0x20 to 0x7e).
    pub fn new(name: impl AsRef<str>) -> Result<Self, AccountError> {
        let name = name.as_ref();
        check(name.as_bytes())?;
        Ok(Self(CompactString::new(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name's bytes: the key of the account's records.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn check(name: &[u8]) -> Result<(), AccountError> {
    if name.is_empty() {
        return Err(AccountError::Empty);
    }
    if name.len() > ACCOUNT_BYTES {
        return Err(AccountError::TooLong(name.len()));
    }
    match name.iter().find(|byte| !(0x20..=0x7e).contains(*byte)) {
        Some(byte) => Err(AccountError::Unprintable(*byte)),
        None => Ok(()),
    }
}

impl TryFrom<CompactString> for Account {
    type Error = AccountError;

    fn try_from(name: CompactString) -> Result<Self, AccountError> {
        check(name.as_bytes())?;
        Ok(Self(name))
    }
}

impl TryFrom<&[u8]> for Account {
    type Error = AccountError;

    fn try_from(name: &[u8]) -> Result<Self, AccountError> {
        check(name)?;
        // Printable ASCII is UTF-8, so this conversion loses nothing.
        Ok(Self(CompactString::from_utf8_lossy(name)))
    }
}

impl From<Account> for CompactString {
    fn from(account: Account) -> Self {
        account.0
    }
}

impl std::str::FromStr for Account {
    type Err = AccountError;

    fn from_str(name: &str) -> Result<Self, AccountError> {
        Self::new(name)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_printable_ascii_of_1_to_32_bytes() {
        assert!(Account::new("a").is_ok());
        assert!(Account::new("x".repeat(32)).is_ok());
        assert_eq!(Account::new(""), Err(AccountError::Empty));
        assert_eq!(Account::new("x".repeat(33)), Err(AccountError::TooLong(33)));
        assert_eq!(Account::new("a\0b"), Err(AccountError::Unprintable(0)));
        assert_eq!(Account::new("é"), Err(AccountError::Unprintable(0xc3)));
    }
}
