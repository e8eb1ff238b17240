//! The application file locator: which records to read (EMV 4.4 Book 3, 10.2).

use super::data::CardDataError;
use super::tag;

/// More records than any application has: a card that announces more only holds the counter up.
const MAX_RECORDS: usize = 128;

/// One record to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// Short file identifier, 1 to 30.
    pub sfi: u8,
    /// Record number, from 1.
    pub record: u8,
    /// True when it takes part in offline data authentication.
    pub authenticated: bool,
}

/// Spells a locator out, record by record.
///
/// # Errors
/// When it is not groups of four bytes, a group names an impossible file or range, or there are too many records.
pub fn records(afl: &[u8]) -> Result<Vec<RecordPlace>, CardDataError> {
    let wrong = CardDataError::Wrong(tag::AFL);
    if afl.is_empty() || !afl.len().is_multiple_of(4) {
        return Err(wrong);
    }
    let mut places = Vec::new();
    for group in afl.chunks_exact(4) {
        let (sfi, first, last, authenticated) = (group[0] >> 3, group[1], group[2], group[3]);
        // What is reserved in the first byte is not looked at (Book 3, 6.3.6).
        let possible = (1..=30).contains(&sfi) && first >= 1 && last >= first && authenticated <= last - first + 1;
        if !possible {
            return Err(wrong);
        }
        places.extend((first..=last).map(|record| RecordPlace {
            sfi,
            record,
            authenticated: record - first < authenticated,
        }));
        if places.len() > MAX_RECORDS {
            return Err(wrong);
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_locator_is_spelled_out() {
        let places = records(&[0x08, 0x01, 0x02, 0x01, 0x17, 0x05, 0x05, 0x00]).unwrap();
        assert_eq!(
            places,
            [
                RecordPlace { sfi: 1, record: 1, authenticated: true },
                RecordPlace { sfi: 1, record: 2, authenticated: false },
                RecordPlace { sfi: 2, record: 5, authenticated: false },
            ]
        );
    }

    #[test]
    fn impossible_groups_are_refused() {
        for afl in [
            &[][..],
            &[0x08, 0x01, 0x01],
            &[0x00, 0x01, 0x01, 0x00],
            &[0xF8, 0x01, 0x01, 0x00],
            &[0x08, 0x00, 0x01, 0x00],
            &[0x08, 0x02, 0x01, 0x00],
            &[0x08, 0x01, 0x01, 0x02],
            &[0x08, 0x01, 0x81, 0x00],
        ] {
            assert!(records(afl).is_err(), "{afl:02X?}");
        }
    }

    proptest! {
        #[test]
        fn any_locator_is_read_or_refused(afl in proptest::collection::vec(any::<u8>(), 0..260)) {
            if let Ok(places) = records(&afl) {
                prop_assert!(places.len() <= MAX_RECORDS);
            }
        }
    }
}
