//! A script for `yima emv replay`: what the card is expected to be sent and what it answers, line by line.
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | a comment |
//! | `> hex` | a command the kernel must send now |
//! | `< hex` | the card's answer, data and status |
//! | `= choose 2`, `= choose none` | the application that is chosen, counted from 1 |
//! | `= confirm yes`, `= confirm no` | whether the cardholder agrees to the application |
//! | `= pin 1234`, `bypass`, `broken`, `captured` | what comes of asking for a PIN |
//! | `= logged 12.34`, `= exception` | what log and exception file say of the card |
//! | `= issuer hex` | field 55 of the host's answer |
//! | `= call approved`, `= call declined` | what the issuer says when it is called |

use zeroize::Zeroizing;

use crate::crypto::hex;
use crate::emv::pin::PinEntry;
use crate::pin::Pin;

/// A line that means something, with its number.
#[derive(Debug)]
pub struct Line {
    pub number: usize,
    pub content: Content,
}

/// What a line says.
#[derive(Debug)]
pub enum Content {
    Command(Vec<u8>),
    Answer(Vec<u8>),
    Choose(Option<usize>),
    Confirm(bool),
    Pin(PinEntry),
    Logged(String),
    Exception,
    Issuer(Vec<u8>),
    Call(bool),
}

/// A line that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Bytes that are none.
    #[error("line {line}: not hexadecimal at digit {offset}, counted from 0")]
    Hex { line: usize, offset: usize },
    /// Neither of the known lines.
    #[error("line {line}, offset 0: a line begins with #, >, < or =; then: {words}")]
    Unknown { line: usize, words: &'static str },
}

const WORDS: &str = "choose N|none, confirm yes|no, pin DIGITS|bypass|broken|captured, logged AMOUNT, exception, \
                     issuer HEX, call approved|declined";

/// Reads a script.
pub fn read(text: &str) -> Result<Vec<Line>, ScriptError> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.split('#').next().unwrap_or_default().trim();
        let content = match line.split_at_checked(1) {
            None => continue,
            Some((">", bytes)) => Content::Command(bytes_of(bytes, number)?),
            Some(("<", bytes)) => Content::Answer(bytes_of(bytes, number)?),
            Some(("=", words)) => said(words.trim(), number)?,
            Some(_) => return Err(ScriptError::Unknown { line: number, words: WORDS }),
        };
        lines.push(Line { number, content });
    }
    Ok(lines)
}

fn bytes_of(text: &str, line: usize) -> Result<Vec<u8>, ScriptError> {
    hex::decode(text).map_err(|error| ScriptError::Hex { line, offset: error.offset })
}

fn said(words: &str, line: usize) -> Result<Content, ScriptError> {
    let unknown = || ScriptError::Unknown { line, words: WORDS };
    let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
    let rest = rest.trim();
    Ok(match (word, rest) {
        ("choose", "none") => Content::Choose(None),
        ("choose", number) => {
            let number: usize = number.parse().map_err(|_| unknown())?;
            Content::Choose(Some(number.checked_sub(1).ok_or_else(unknown)?))
        }
        ("confirm", "yes") => Content::Confirm(true),
        ("confirm", "no") => Content::Confirm(false),
        ("pin", "bypass") => Content::Pin(PinEntry::Bypassed),
        ("pin", "broken") => Content::Pin(PinEntry::PadBroken),
        ("pin", "captured") => Content::Pin(PinEntry::Captured),
        ("pin", digits) => {
            let pin = Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).map_err(|_| unknown())?;
            // A script must end the same way each time: the filling is zeros here, and nowhere else.
            Content::Pin(PinEntry::Entered { pin, random: Zeroizing::new(vec![0; 256]) })
        }
        ("logged", amount) => Content::Logged(amount.to_owned()),
        ("exception", "") => Content::Exception,
        ("issuer", bytes) => Content::Issuer(bytes_of(bytes, line)?),
        ("call", "approved") => Content::Call(true),
        ("call", "declined") => Content::Call(false),
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_or_its_place_named() {
        let script = "# head\n\n> 00A4 0400 # SELECT\n< 6A82\n= choose 2\n= pin 1234\n= issuer 8A023030\n= exception\n";
        let numbers: Vec<_> = read(script).unwrap().iter().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7, 8]);
        for (script, error) in [
            ("> 00A4\n< 6A8", ScriptError::Hex { line: 2, offset: 3 }),
            ("> 0G", ScriptError::Hex { line: 1, offset: 1 }),
            ("hello", ScriptError::Unknown { line: 1, words: WORDS }),
            ("= choose 0", ScriptError::Unknown { line: 1, words: WORDS }),
            ("= pin 12", ScriptError::Unknown { line: 1, words: WORDS }),
        ] {
            assert_eq!(read(script).err(), Some(error), "{script}");
        }
    }
}
