/// Unix time in milliseconds.
pub type Millis = u64;

const DAY: u64 = 86_400_000;

/// Writes a time as RFC 3339 with milliseconds, in UTC: `2023-11-14T22:13:20.000Z`.
///
/// After the year 9999, which RFC 3339 does not reach, the year has more digits.
///
/// ```
/// use duolog_topics::{parse_rfc3339, rfc3339};
///
/// assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
/// assert_eq!(parse_rfc3339("2023-11-14T22:13:20.123Z"), Some(1_700_000_000_123));
/// ```
pub fn rfc3339(time: Millis) -> String {
    let (year, month, day) = date_of(time / DAY);
    let (rest, milli) = (time % DAY / 1000, time % 1000);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads exactly what [`rfc3339`] writes; other forms of RFC 3339 are `None`.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, milli) = clock.split_once('.')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let [milli] = numbers(milli, '.')?;
    let within = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !within {
        return None;
    }
    let time = days_of(year, month, day)?.checked_mul(DAY)?.checked_add(((hour * 60 + minute) * 60 + second) * 1000)?;
    let time = time.checked_add(milli)?;
    // Also refuses the 31st of a month that has 30, a short field, a sign.
    (rfc3339(time) == text).then_some(time)
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut out = [0; N];
    for number in &mut out {
        *number = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// The date of a day since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The inverse, `days_from_civil` of the same source; `None` before 1970 and out of range.
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, year_of_era) = (year / 400, year % 400);
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Printed by `date -u -d @<seconds>`.
    const KNOWN: [(Millis, &str); 7] = [
        (0, "1970-01-01T00:00:00.000Z"),
        (68_169_599_999, "1972-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_557_480_000_000, "2019-05-10T09:20:00.000Z"),
        (1_709_251_199_001, "2024-02-29T23:59:59.001Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ];

    #[test]
    fn agrees_with_the_calendar() {
        for (time, text) in KNOWN {
            assert_eq!(rfc3339(time), text);
            assert_eq!(parse_rfc3339(text), Some(time));
        }
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20.000+00:00",
            "2023-11-14 22:13:20.000Z",
            "2023-02-29T00:00:00.000Z",
            "2023-04-31T00:00:00.000Z",
            "2023-11-14T24:00:00.000Z",
            "2023-11-14T22:13:60.000Z",
            "2023-11-14T22:13:20.0000Z",
            "2023-1-14T22:13:20.000Z",
            "1969-12-31T23:59:59.999Z",
            "99999999999999999999-01-01T00:00:00.000Z",
            "18446744073709551615-12-31T00:00:00.000Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(time: Millis) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(time)), Some(time));
        }

        #[test]
        fn order_is_kept_until_9999(a in 0..253_402_300_800_000_u64, b in 0..253_402_300_800_000_u64) {
            prop_assert_eq!(a.cmp(&b), rfc3339(a).cmp(&rfc3339(b)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9]{0,22}-[0-9]{0,3}-[0-9]{0,22}T[0-9]{0,3}:[0-9]{0,20}:[0-9]{0,3}[.][0-9]{0,20}Z") {
            let _ = parse_rfc3339(&text);
        }
    }
}
