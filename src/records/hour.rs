use std::fmt;
use std::str::FromStr;

use duolog_topics::{Millis, parse_rfc3339, rfc3339};
use serde::{Deserialize, Serialize};

const HOUR: Millis = 3_600_000;
const MINUTE: Millis = 60_000;

/// Minutes that the clock of the files' names is ahead of UTC, at most a day either way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcOffset(i16);

impl UtcOffset {
    pub const UTC: Self = Self(0);

    /// Negative behind UTC.
    pub const fn minutes(minutes: i16) -> Self {
        Self(minutes)
    }

    /// A moment as that clock shows it: `YYYY-MM-DD hh:mm:ss`.
    pub fn show(self, time: Millis) -> String {
        let mut text = rfc3339(self.local(time));
        text.truncate("YYYY-MM-DDThh:mm:ss".len());
        text.replace('T', " ")
    }

    fn local(self, time: Millis) -> Millis {
        time.saturating_add_signed(i64::from(self.0) * MINUTE as i64)
    }

    fn utc(self, local: Millis) -> Millis {
        local.saturating_add_signed(-i64::from(self.0) * MINUTE as i64)
    }
}

/// An hour by the clock of the files' names; it counts from 1970. Written as `YYYYMMDDHH`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hour(u64);

/// A text that names no hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an hour is written as YYYYMMDDHH")]
pub struct HourError;

impl Hour {
    /// The hour that a moment lies in.
    pub fn of(time: Millis, offset: UtcOffset) -> Self {
        Self(offset.local(time) / HOUR)
    }

    /// The first hour of 1970.
    pub const FIRST: Self = Self(0);

    /// Its first moment.
    pub fn start(self, offset: UtcOffset) -> Millis {
        offset.utc(self.0 * HOUR)
    }

    /// The first moment after it.
    pub fn end(self, offset: UtcOffset) -> Millis {
        self.next().start(offset)
    }

    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: String = rfc3339(self.0 * HOUR).chars().filter(char::is_ascii_digit).take(10).collect();
        f.write_str(&digits)
    }
}

impl FromStr for Hour {
    type Err = HourError;

    fn from_str(text: &str) -> Result<Self, HourError> {
        let part = |from, until| text.get(from..until).ok_or(HourError);
        let time = format!("{}-{}-{}T{}:00:00.000Z", part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?);
        let hour = parse_rfc3339(&time).map(|time| Self(time / HOUR)).ok_or(HourError)?;
        // Nothing may follow.
        if text.len() == 10 { Ok(hour) } else { Err(HourError) }
    }
}

impl From<Hour> for String {
    fn from(hour: Hour) -> Self {
        hour.to_string()
    }
}

impl TryFrom<String> for Hour {
    type Error = HourError;

    fn try_from(text: String) -> Result<Self, HourError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: Millis = 1_557_480_000_000; // 2019-05-10T09:20:00Z

    #[test]
    fn an_hour_is_named_by_the_clock_that_was_chosen() {
        for (minutes, name) in [(0, "2019051009"), (480, "2019051017"), (330, "2019051014"), (-600, "2019050923")] {
            let offset = UtcOffset::minutes(minutes);
            let hour = Hour::of(TIME, offset);
            assert_eq!(hour.to_string(), name);
            assert!(hour.start(offset) <= TIME && TIME < hour.end(offset), "{minutes}");
            assert_eq!(Hour::of(hour.start(offset), offset), hour);
            assert_eq!(Hour::of(hour.end(offset), offset), hour.next());
        }
        assert_eq!(UtcOffset::minutes(480).show(TIME), "2019-05-10 17:20:00");
    }

    #[test]
    fn other_texts_are_no_hours() {
        for text in [
            "",
            "2019051",
            "20190510",
            "201905100",
            "20190510091",
            "2019051024",
            "2019023001",
            "../../etc/",
            "２０19051",
        ] {
            assert_eq!(text.parse::<Hour>(), Err(HourError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_reads_back(time in 0..253_402_300_800_000_u64, minutes in -720_i16..=840) {
            let hour = Hour::of(time, UtcOffset::minutes(minutes));
            prop_assert_eq!(hour.to_string().parse(), Ok(hour));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = text.parse::<Hour>();
        }
    }
}
