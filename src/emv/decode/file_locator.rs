//! Application file locator (94): which records of which files the terminal reads (EMV 4.4 Book 3, 10.2).

use serde::Serialize;

use super::{DecodeError, Line};
use crate::crypto::hex;
use crate::emv::afl::{self, Entry};

/// A locator, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileLocator {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// Its entries in the order they stand, which is the order of reading.
    pub entries: Vec<Entry>,
}

const NAME: &str = "Application File Locator";

/// Takes a locator apart.
///
/// # Errors
/// When it is not entries of four bytes, or one of them names an impossible file or range.
pub fn read(value: &[u8]) -> Result<FileLocator, DecodeError> {
    let entries = afl::entries(value).collect::<Result<_, _>>();
    let entries =
        entries.map_err(|entry| DecodeError::Content { name: NAME, offset: entry.offset, problem: entry.problem })?;
    Ok(FileLocator { name: NAME, value: hex::encode(value), entries })
}

impl FileLocator {
    /// A line for each entry.
    pub fn lines(&self) -> Vec<Line> {
        self.entries.iter().map(line).collect()
    }
}

fn line(entry: &Entry) -> Line {
    let Entry { sfi, first, last, authenticated } = entry;
    let records = if first == last { format!("record {first}") } else { format!("records {first} to {last}") };
    let authentication = match authenticated {
        0 => String::new(),
        1 if first == last => ", for offline data authentication".to_owned(),
        count => format!(", the first {count} for offline data authentication"),
    };
    Line::new(format!("file {sfi}"), records + &authentication)
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    #[test]
    fn every_entry_is_told_with_what_is_authenticated() {
        let locator = read(&hex::decode("08010100 10010301 18010101 F0010202").unwrap()).unwrap();
        assert_eq!(
            told(&locator.lines()),
            [
                "file 1: record 1",
                "file 2: records 1 to 3, the first 1 for offline data authentication",
                "file 3: record 1, for offline data authentication",
                "file 30: records 1 to 2, the first 2 for offline data authentication",
            ]
        );
    }

    #[test]
    fn an_impossible_entry_is_refused_with_the_offset() {
        let refused = read(&hex::decode("08010100 F8010100").unwrap()).unwrap_err();
        assert_eq!(
            refused,
            DecodeError::Content { name: NAME, offset: 4, problem: "a short file identifier is 1 to 30" }
        );
    }
}
