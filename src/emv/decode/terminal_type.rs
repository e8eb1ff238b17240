//! The terminal type (9F35): who operates it, whether somebody attends it, how it reaches the host (EMV 4.4 Book 4,
//! annex A1).

use serde::Serialize;

use super::{DecodeError, Line, sized};
use crate::crypto::hex;

/// A terminal type, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TerminalType {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// Who is responsible for it.
    pub operator: &'static str,
    /// True when somebody attends it.
    pub attended: bool,
    /// How it reaches the host.
    pub reach: &'static str,
}

const NAME: &str = "Terminal Type";

/// Takes a terminal type apart.
///
/// # Errors
/// When it is not one byte, or not one of the eighteen types.
pub fn read(value: &[u8]) -> Result<TerminalType, DecodeError> {
    let [code] = sized(NAME, "1 byte", value)?;
    let refused = DecodeError::Content { name: NAME, offset: 0, problem: "not 11 to 16, 21 to 26 or 31 to 36" };
    let operator = match code >> 4 {
        1 => "financial institution",
        2 => "merchant",
        3 => "cardholder",
        _ => return Err(refused),
    };
    let (attended, reach) = match code & 0x0F {
        1 => (true, "online only"),
        2 => (true, "offline with online capability"),
        3 => (true, "offline only"),
        4 => (false, "online only"),
        5 => (false, "offline with online capability"),
        6 => (false, "offline only"),
        _ => return Err(refused),
    };
    Ok(TerminalType { name: NAME, value: hex::encode(value), operator, attended, reach })
}

impl TerminalType {
    /// Operator, attendance and reach.
    pub fn lines(&self) -> Vec<Line> {
        let attendance = if self.attended { "attended" } else { "unattended" };
        vec![
            Line::new("operated by", self.operator),
            Line::new("attendance", attendance),
            Line::new("reach", self.reach),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_two_digits() {
        let ours = read(&[0x21]).unwrap();
        assert_eq!((ours.operator, ours.attended, ours.reach), ("merchant", true, "online only"));
        let kiosk = read(&[0x25]).unwrap();
        assert_eq!((kiosk.attended, kiosk.reach), (false, "offline with online capability"));
        for wrong in [&[0x20][..], &[0x27], &[0x41], &[], &[0x21, 0x21]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
