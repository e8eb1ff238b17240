//! The card's side of ISO/IEC 7816-4: short commands of the four cases, and the status words this card uses.

/// A command, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// P1.
    pub p1: u8,
    /// P2.
    pub p2: u8,
    /// The data field; empty in cases 1 and 2.
    pub body: &'a [u8],
    /// Le as it was written, `0` for "as much as there is"; nothing in cases 1 and 3.
    pub expected: Option<u8>,
}

impl<'a> Command<'a> {
    /// Reads a short command (ISO/IEC 7816-4, 5.1).
    ///
    /// # Errors
    /// [`Status::WRONG_LENGTH`] when the length bytes do not fit, or belong to an extended command.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or(Status::WRONG_LENGTH)?;
        let [class, instruction, p1, p2] = *head;
        let (body, expected): (&[u8], _) = match rest {
            [] => (&[], None),
            [expected] => (&[], Some(*expected)),
            [0, ..] => return Err(Status::WRONG_LENGTH),
            [count, body @ ..] if body.len() == usize::from(*count) => (body, None),
            [count, body @ .., expected] if body.len() == usize::from(*count) => (body, Some(*expected)),
            _ => return Err(Status::WRONG_LENGTH),
        };
        Ok(Self { class, instruction, p1, p2, body, expected })
    }
}

/// The name of a command by its INS (EMV 4.4 Book 3, 6.3.2; ISO/IEC 7816-4 for GET RESPONSE and PUT DATA).
pub const fn instruction_name(instruction: u8) -> Option<&'static str> {
    Some(match instruction {
        0x16 => "CARD BLOCK",
        0x18 => "APPLICATION UNBLOCK",
        0x1E => "APPLICATION BLOCK",
        0x20 => "VERIFY",
        0x24 => "PIN CHANGE/UNBLOCK",
        0x82 => "EXTERNAL AUTHENTICATE",
        0x84 => "GET CHALLENGE",
        0x88 => "INTERNAL AUTHENTICATE",
        0xA4 => "SELECT",
        0xA8 => "GET PROCESSING OPTIONS",
        0xAE => "GENERATE AC",
        0xB2 => "READ RECORD",
        0xC0 => "GET RESPONSE",
        0xCA => "GET DATA",
        0xDA => "PUT DATA",
        _ => return None,
    })
}

/// A status word (ISO/IEC 7816-4, 5.6; EMV 4.4 Book 3, 6.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// Done.
    pub const DONE: Self = Self(0x9000);
    /// Selected, but blocked.
    pub const APPLICATION_BLOCKED: Self = Self(0x6283);
    /// The issuer did not prove itself.
    pub const AUTHENTICATION_FAILED: Self = Self(0x6300);
    /// The card's memory failed: its counters cannot be kept.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// Lc or Le do not fit the command.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// The PIN cannot be tried any more.
    pub const PIN_BLOCKED: Self = Self(0x6983);
    /// The PIN had been blocked before it was tried.
    pub const PIN_INVALIDATED: Self = Self(0x6984);
    /// Not at this point of the transaction.
    pub const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// The data field holds something wrong.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// This way of the command does not exist here; or the whole card is blocked (EMV 4.4 Book 1, 12.2.2).
    pub const FUNCTION_NOT_SUPPORTED: Self = Self(0x6A81);
    /// No such application or file.
    pub const FILE_NOT_FOUND: Self = Self(0x6A82);
    /// No such record.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
    /// P1 or P2 wrong.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    /// No such data object.
    pub const DATA_NOT_FOUND: Self = Self(0x6A88);
    /// Unknown instruction.
    pub const INSTRUCTION_NOT_SUPPORTED: Self = Self(0x6D00);
    /// Unknown class.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x6E00);
    /// The card's own computation failed.
    pub const NO_DIAGNOSIS: Self = Self(0x6F00);

    /// `61xx`: that many bytes wait for GET RESPONSE; 256 and more are written `00`.
    pub const fn more_waits(count: usize) -> Self {
        Self(0x6100 | (if count > 0xFF { 0 } else { count as u16 }))
    }

    /// `63Cx`: a wrong PIN; that many tries are left.
    pub const fn tries_left(count: u8) -> Self {
        Self(0x63C0 | (count as u16 & 0x0F))
    }

    /// `6Cxx`: that many bytes would be right.
    pub const fn exact_length(count: usize) -> Self {
        Self(0x6C00 | (count as u16 & 0xFF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_are_told_apart() {
        for (bytes, body, expected) in [
            (&[0, 0xA4, 4, 0][..], &[][..], None),
            (&[0, 0xA4, 4, 0, 7], &[], Some(7)),
            (&[0, 0xA4, 4, 0, 0], &[], Some(0)),
            (&[0, 0xA4, 4, 0, 2, 8, 9], &[8, 9], None),
            (&[0, 0xA4, 4, 0, 2, 8, 9, 0], &[8, 9], Some(0)),
        ] {
            let command = Command::parse(bytes).unwrap();
            assert_eq!((command.body, command.expected), (body, expected), "{bytes:02X?}");
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for bytes in [
            &[][..],
            &[0, 0xA4, 4],
            &[0, 0xA4, 4, 0, 3, 8, 9],
            &[0, 0xA4, 4, 0, 2, 8, 9, 0, 0],
            &[0, 0xA4, 4, 0, 0, 0, 1, 8],
        ] {
            assert_eq!(Command::parse(bytes), Err(Status::WRONG_LENGTH), "{bytes:02X?}");
        }
    }

    #[test]
    fn counts_stand_in_the_second_byte() {
        assert_eq!(Status::more_waits(0x20), Status(0x6120));
        assert_eq!(Status::more_waits(256), Status(0x6100));
        assert_eq!(Status::exact_length(0x20), Status(0x6C20));
        assert_eq!(Status::tries_left(2), Status(0x63C2));
    }
}
