use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use duolog::log::{Log, first_at};
use duolog_topics::{Millis, parse_rfc3339, rfc3339};

/// A place in a log as people write it: an offset, or a time (RFC 3339; the first record that is not older).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Offset(u64),
    Time(Millis),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset(offset));
        }
        let whole_seconds = || text.strip_suffix('Z').map(|text| format!("{text}.000Z"));
        let time = parse_rfc3339(text).or_else(|| parse_rfc3339(&whole_seconds()?));
        time.map(Self::Time)
            .ok_or_else(|| format!("{text:?} is neither an offset nor a time such as 2026-01-31T12:00:00Z"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Time(time) => f.write_str(&rfc3339(*time)),
        }
    }
}

impl Place {
    /// The offset in one partition, inside what the log holds.
    pub fn offset(self, log: &dyn Log, partition: u32) -> Result<u64> {
        let bounds = log.bounds(partition)?;
        let wanted = match self {
            Self::Offset(offset) => offset,
            Self::Time(time) => first_at(log, partition, time)?,
        };
        Ok(wanted.clamp(bounds.first, bounds.high_watermark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_offset_or_a_time() {
        assert_eq!("17".parse(), Ok(Place::Offset(17)));
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Place::Time(1_000)));
        assert_eq!("1970-01-01T00:00:01.500Z".parse(), Ok(Place::Time(1_500)));
        assert!("yesterday".parse::<Place>().unwrap_err().contains("neither"));
    }
}
