//! Commands to the card and the frame of its answers (EMV 4.4 Book 3, 6; ISO/IEC 7816-4).

use zeroize::Zeroizing;

/// A command APDU. Wiped when dropped: it may carry what a card holder typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Zeroizing<Vec<u8>>);

impl Command {
    /// SELECT by name: the first (`next` false) or the next application whose name begins with `name` (Book 1, 11.3).
    pub fn select(name: &[u8], next: bool) -> Self {
        Self::with_data(0x00, 0xA4, 0x04, if next { 0x02 } else { 0x00 }, name)
    }

    /// READ RECORD of a short file identifier (Book 3, 6.5.11).
    pub fn read_record(sfi: u8, record: u8) -> Self {
        Self(Zeroizing::new(vec![0x00, 0xB2, record, sfi << 3 | 0x04, 0x00]))
    }

    /// GET PROCESSING OPTIONS with the filled PDOL; template 83 is put around it here (Book 3, 6.5.8).
    pub fn get_processing_options(pdol_values: &[u8]) -> Self {
        let data = super::tlv::TlvBuilder::new().with(super::tag::COMMAND_TEMPLATE, pdol_values).build();
        Self::with_data(0x80, 0xA8, 0x00, 0x00, &data)
    }

    /// GENERATE AC (Book 3, 6.5.5).
    pub fn generate_ac(requested: super::action::Cryptogram, cdol_values: &[u8]) -> Self {
        Self::with_data(0x80, 0xAE, requested.request_bits(), 0x00, cdol_values)
    }

    /// EXTERNAL AUTHENTICATE with issuer authentication data (Book 3, 6.5.4).
    pub fn external_authenticate(data: &[u8]) -> Self {
        let mut bytes = Self::with_data(0x00, 0x82, 0x00, 0x00, data).0;
        // This command expects no data back: it has no Le.
        bytes.pop();
        Self(bytes)
    }

    /// The bytes for the reader.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn with_data(class: u8, instruction: u8, p1: u8, p2: u8, data: &[u8]) -> Self {
        // All callers pass data-object lists and names, which the card itself limits to one short-length command.
        let length = data.len().min(255);
        let mut bytes = vec![class, instruction, p1, p2, length as u8];
        bytes.extend(&data[..length]);
        bytes.push(0x00);
        Self(Zeroizing::new(bytes))
    }
}

/// Shows class and instruction only: data and answers never reach a log.
impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0[..] {
            [class, instruction, ..] => write!(f, "Command({class:02X}{instruction:02X}…, {} bytes)", self.0.len()),
            _ => f.write_str("Command(empty)"),
        }
    }
}

/// The two bytes at the end of every answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// `9000`: done.
    pub const OK: Self = Self(0x9000);
    /// `6283`: selected file invalidated, here: the application is blocked.
    pub const BLOCKED: Self = Self(0x6283);
    /// `6985`: conditions of use not satisfied.
    pub const CONDITIONS: Self = Self(0x6985);
    /// `6A81`: function not supported, here: the card is blocked, or has no such function.
    pub const NOT_SUPPORTED: Self = Self(0x6A81);
    /// `6A82`: file not found.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// `6A83`: record not found.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

/// What a card answered: data and status. It may hold the card's number and track: it shows nothing and is wiped when
/// dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct CardAnswer(Zeroizing<Vec<u8>>);

impl CardAnswer {
    /// Takes the bytes from a reader.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Data and status; nothing when there are fewer than two bytes.
    pub fn split(&self) -> Option<(&[u8], Status)> {
        let at = self.0.len().checked_sub(2)?;
        let (data, status) = self.0.split_at(at);
        Some((data, Status(u16::from_be_bytes([status[0], status[1]]))))
    }
}

impl std::fmt::Debug for CardAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CardAnswer({} bytes, masked)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::action::Cryptogram;

    #[test]
    fn commands_as_the_book_writes_them() {
        assert_eq!(Command::select(b"1PAY", false).bytes(), b"\x00\xA4\x04\x00\x041PAY\x00");
        assert_eq!(Command::select(&[0xA0], true).bytes(), [0x00, 0xA4, 0x04, 0x02, 0x01, 0xA0, 0x00]);
        assert_eq!(Command::read_record(1, 2).bytes(), [0x00, 0xB2, 0x02, 0x0C, 0x00]);
        assert_eq!(Command::get_processing_options(&[]).bytes(), [0x80, 0xA8, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00]);
        assert_eq!(Command::generate_ac(Cryptogram::Arqc, &[1]).bytes(), [0x80, 0xAE, 0x80, 0x00, 0x01, 0x01, 0x00]);
        assert_eq!(format!("{:?}", Command::generate_ac(Cryptogram::Tc, &[9, 9])), "Command(80AE…, 8 bytes)");
    }

    #[test]
    fn an_answer_has_at_least_a_status() {
        assert_eq!(CardAnswer::new(vec![0x90]).split(), None);
        let answer = CardAnswer::new(vec![0x62, 0x90, 0x00]);
        assert_eq!(answer.split(), Some((&[0x62][..], Status::OK)));
        assert_eq!(format!("{answer:?}"), "CardAnswer(3 bytes, masked)");
    }
}
