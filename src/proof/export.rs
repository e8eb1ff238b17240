//! A whole log in one file, which with the public keys is enough to verify it.
//!
//! Text in lines, each ended by a line feed and written in one way only. The first is [`TITLE`]; each of the others begins with
//! its number in the file, so that nothing is taken out, put in or moved unseen:
//!
//! | line | what |
//! |---|---|
//! | `NUMBER entry INDEX ROOT LEAF` | a leaf ([`super::leaf`]), with the root of the tree that ends with it |
//! | `NUMBER checkpoint SIZE NOTE` | a signed checkpoint of that many leaves, the whole note in base 64; it follows its last leaf |
//!
//! The last line is a checkpoint of all leaves. Roots stand there so that a leaf that was changed is found by itself, and not
//! only at the next checkpoint.

use super::tree::{Hash, parse_hash, parse_size};
use crate::crypto::base64;

/// The first line.
pub const TITLE: &str = "yima-log-export 1";

/// What a line holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A leaf.
    Entry {
        /// Its place in the log, counted from 0.
        index: u64,
        /// The root of the tree that ends with it.
        root: Hash,
        /// The leaf.
        leaf: String,
    },
    /// A signed checkpoint.
    Checkpoint {
        /// Leaves.
        size: u64,
        /// The note.
        note: String,
    },
}

impl Item {
    /// The line of this number, counted from 1, with its line feed.
    pub fn line(&self, number: u64) -> String {
        match self {
            Self::Entry { index, root, leaf } => format!("{number} entry {index} {} {leaf}\n", base64::encode(root)),
            Self::Checkpoint { size, note } => {
                format!("{number} checkpoint {size} {}\n", base64::encode(note.as_bytes()))
            }
        }
    }

    /// Reads a line: its number and what it holds.
    pub(super) fn parse(line: &[u8]) -> Option<(u64, Self)> {
        let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let mut words = text.splitn(4, ' ');
        let (number, kind) = (parse_size(words.next()?)?, words.next()?);
        let (size, rest) = (parse_size(words.next()?)?, words.next()?);
        let item = match kind {
            "entry" => {
                let (root, leaf) = rest.split_once(' ')?;
                Self::Entry { index: size, root: parse_hash(root)?, leaf: leaf.to_owned() }
            }
            "checkpoint" => Self::Checkpoint { size, note: String::from_utf8(base64::decode(rest)?).ok()? },
            _ => return None,
        };
        Some((number, item))
    }
}

/// The file with these items.
pub fn file(items: &[Item]) -> String {
    let lines = items.iter().zip(2..).map(|(item, number)| item.line(number));
    std::iter::once(format!("{TITLE}\n")).chain(lines).collect()
}
