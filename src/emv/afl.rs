//! The application file locator: which records to read (EMV 4.4 Book 3, 10.2).

use serde::Serialize;

use super::data::CardDataError;
use super::tag;

/// More records than any application has: a card that announces more only holds the counter up.
const MAX_RECORDS: usize = 128;

/// An entry of a locator: records of one file that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Short file identifier, 1 to 30.
    pub sfi: u8,
    /// First record, from 1.
    pub first: u8,
    /// Last record.
    pub last: u8,
    /// So many of them, from the first on, take part in offline data authentication.
    pub authenticated: u8,
}

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

/// A byte that no locator can have where it stands, or that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("application file locator at offset {offset}: {problem}")]
pub struct ImpossibleEntry {
    /// Offset of the byte, from 0.
    pub offset: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The entries of a locator, one after the other.
pub fn entries(afl: &[u8]) -> impl Iterator<Item = Result<Entry, ImpossibleEntry>> + '_ {
    afl.chunks(4).enumerate().map(|(index, group)| entry(group, 4 * index))
}

fn entry(group: &[u8], start: usize) -> Result<Entry, ImpossibleEntry> {
    let impossible = |byte: usize, problem| Err(ImpossibleEntry { offset: start + byte, problem });
    let [file, first, last, authenticated] = *group else {
        return impossible(group.len(), "an entry has 4 bytes, this one ends early");
    };
    // What is reserved in the first byte is not looked at (Book 3, 6.3.6).
    let sfi = file >> 3;
    if !(1..=30).contains(&sfi) {
        return impossible(0, "a short file identifier is 1 to 30");
    }
    if first == 0 {
        return impossible(1, "records are counted from 1");
    }
    if last < first {
        return impossible(2, "the last record comes before the first");
    }
    if authenticated > last - first + 1 {
        return impossible(3, "more records for offline data authentication than there are");
    }
    Ok(Entry { sfi, first, last, authenticated })
}

/// Spells a locator out, record by record.
///
/// # Errors
/// When it is not groups of four bytes, a group names an impossible file or range, or there are too many records.
pub fn records(afl: &[u8]) -> Result<Vec<RecordPlace>, CardDataError> {
    let wrong = CardDataError::Wrong(tag::AFL);
    let mut places = Vec::new();
    for entry in entries(afl) {
        let Entry { sfi, first, last, authenticated } = entry.map_err(|_| wrong)?;
        places.extend((first..=last).map(|record| RecordPlace {
            sfi,
            record,
            authenticated: record - first < authenticated,
        }));
        if places.len() > MAX_RECORDS {
            return Err(wrong);
        }
    }
    if places.is_empty() { Err(wrong) } else { Ok(places) }
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

    #[test]
    fn an_impossible_byte_is_named_by_its_place() {
        for (afl, offset) in [
            (&[0x08, 0x01, 0x01, 0x00, 0x10, 0x01][..], 6),
            (&[0x08, 0x01, 0x01, 0x00, 0xF8, 0x01, 0x01, 0x00], 4),
            (&[0x07, 0x01, 0x01, 0x00], 0),
            (&[0x08, 0x00, 0x01, 0x00], 1),
            (&[0x08, 0x02, 0x01, 0x00], 2),
            (&[0x08, 0x02, 0x03, 0x03], 3),
        ] {
            let refused = entries(afl).find_map(Result::err);
            assert_eq!(refused.map(|refused| refused.offset), Some(offset), "{afl:02X?}");
        }
    }

    proptest! {
        #[test]
        fn any_locator_is_read_or_refused(afl in proptest::collection::vec(any::<u8>(), 0..260)) {
            if let Ok(places) = records(&afl) {
                prop_assert!((1..=MAX_RECORDS).contains(&places.len()));
                prop_assert!(places.iter().all(|place| (1..=30).contains(&place.sfi) && place.record >= 1));
            }
            if let Some(Err(refused)) = entries(&afl).find(Result::is_err) {
                prop_assert!(refused.offset <= afl.len());
            }
        }
    }
}
