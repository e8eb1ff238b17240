//! Looking for what must not be found: secrets in files.

use std::path::{Path, PathBuf};

/// A PIN as text, as packed digits, as the block for a card, and those two written out in hexadecimal.
pub fn pin_shapes(digits: &str) -> Vec<Vec<u8>> {
    let packed: Vec<u8> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    let block = [&[0x20 | digits.len() as u8][..], &packed, &[0xFF]].concat();
    let list = format!("{:?}", digits.as_bytes());
    // The digits in hexadecimal are the digits; in ASCII and hexadecimal they are not.
    let ascii: String = digits.bytes().map(|digit| format!("{digit:02x}")).collect();
    vec![digits.as_bytes().to_vec(), packed, block, list.into_bytes(), ascii.into_bytes()]
}

/// Whether these bytes stand in those.
pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// All files in a folder and in those below it.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}
