//! How far this machine's clock is from the host's.
//!
//! The header `Date` is in universal time and says whether the clock is right; fields 12 and 13 are in the host's local time
//! and say whether the time zone is as well. A payment carries its date: one that lands on another day than the host's
//! may not be found again when it is taken back.

use jiff::civil::{DateTime, date, time};
use jiff::{SignedDuration, Timestamp};

/// Reads the date of an HTTP header (RFC 9110, 5.6.7).
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

/// How far the local time `here` is ahead of fields 13 (month, day) and 12 (hour, minute, second), whose year is the one that
/// is nearest.
pub fn ahead_of_fields(here: DateTime, field13: &str, field12: &str) -> Option<SignedDuration> {
    let number = |text: &str, at: usize| text.get(at..at + 2).and_then(|digits| digits.parse::<i8>().ok());
    let at = time(0, 0, 0, 0).with().hour(number(field12, 0)?).minute(number(field12, 2)?).second(number(field12, 4)?);
    let at = at.build().ok()?;
    let (month, day) = (number(field13, 0)?, number(field13, 2)?);
    (-1..=1)
        .filter_map(|step| date(here.year(), 1, 1).with().year(here.year() + step).month(month).day(day).build().ok())
        .map(|day| here.duration_since(day.to_datetime(at)))
        .min_by_key(|difference| difference.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_header_is_read() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn fields_without_a_year_are_taken_as_of_the_nearest() {
        let here = date(2027, 1, 1).at(0, 0, 30, 0);
        for (field13, field12, seconds) in
            [("0101", "000000", Some(30)), ("1231", "235950", Some(40)), ("0101", "010030", Some(-3600))]
        {
            let ahead = ahead_of_fields(here, field13, field12).map(|ahead| ahead.as_secs());
            assert_eq!(ahead, seconds, "{field13} {field12}");
        }
        let leap = date(2028, 2, 29).at(12, 0, 0, 0);
        assert_eq!(ahead_of_fields(leap, "0229", "120000").map(|ahead| ahead.as_secs()), Some(0));
        for (field13, field12) in [("1301", "000000"), ("0101", "250000"), ("", ""), ("01", "0000"), ("éé", "000000")]
        {
            assert_eq!(ahead_of_fields(here, field13, field12), None, "{field13} {field12}");
        }
    }
}
