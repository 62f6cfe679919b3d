use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names a message inside a conversation: on the wire `<MsgSeq>_<MsgRandom>_<MsgTime in seconds>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MsgKey {
    /// MsgSeq, the caller's or the one filled in.
    pub seq: u32,
    /// MsgRandom.
    pub random: u32,
    /// Unix seconds: the message time without its milliseconds.
    pub time: u64,
}

/// A text that is no [`MsgKey`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a message key is <MsgSeq>_<MsgRandom>_<MsgTime>")]
pub struct MsgKeyError;

impl fmt::Display for MsgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.seq, self.random, self.time)
    }
}

impl FromStr for MsgKey {
    type Err = MsgKeyError;

    fn from_str(text: &str) -> Result<Self, MsgKeyError> {
        let mut parts = text.split('_');
        let key = Self { seq: number(parts.next())?, random: number(parts.next())?, time: number(parts.next())? };
        if parts.next().is_some() { Err(MsgKeyError) } else { Ok(key) }
    }
}

/// Digits only: `parse` alone would take a sign.
fn number<T: FromStr>(part: Option<&str>) -> Result<T, MsgKeyError> {
    let part = part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    part.and_then(|part| part.parse().ok()).ok_or(MsgKeyError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_three_numbers_only() {
        assert_eq!("1_2_3".parse(), Ok(MsgKey { seq: 1, random: 2, time: 3 }));
        for text in ["", "1_2", "1_2_", "_2_3", "1_2_3_4", "+1_2_3", "1_-2_3", "1_2_3 ", "4294967296_2_3"] {
            assert_eq!(text.parse::<MsgKey>(), Err(MsgKeyError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn is_what_it_prints(seq: u32, random: u32, time: u64) {
            let key = MsgKey { seq, random, time };
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9_+ -]{0,40}") {
            let _ = text.parse::<MsgKey>();
        }
    }
}
