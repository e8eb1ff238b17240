//! Commands to the card and the frame of its answers (EMV 4.4 Book 3, 6; ISO/IEC 7816-4).

use zeroize::Zeroizing;

/// Header, Lc, 255 bytes of data and Le (ISO/IEC 7816-4, short length).
const LONGEST_COMMAND: usize = 261;

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
        let template = super::tlv::TlvBuilder::new().with(super::tag::COMMAND_TEMPLATE, pdol_values).build();
        Self::with_data(0x80, 0xA8, 0x00, 0x00, &Zeroizing::new(template))
    }

    /// GENERATE AC, with or without a signature over it for CDA (Book 3, 6.5.5).
    pub fn generate_ac(requested: super::action::Cryptogram, signed: bool, cdol_values: &[u8]) -> Self {
        let signature = if signed { 0x10 } else { 0x00 };
        Self::with_data(0x80, 0xAE, requested.request_bits() | signature, 0x00, cdol_values)
    }

    /// INTERNAL AUTHENTICATE with the filled DDOL (Book 3, 6.5.9).
    pub fn internal_authenticate(ddol_values: &[u8]) -> Self {
        Self::with_data(0x00, 0x88, 0x00, 0x00, ddol_values)
    }

    /// EXTERNAL AUTHENTICATE with issuer authentication data (Book 3, 6.5.4).
    pub fn external_authenticate(data: &[u8]) -> Self {
        Self::without_answer(0x00, 0x82, 0x00, 0x00, data)
    }

    /// GET DATA of a two-byte tag (Book 3, 6.5.7).
    pub fn get_data(tag: super::tag::Tag) -> Self {
        let [.., p1, p2] = tag.0.to_be_bytes();
        Self(Zeroizing::new(vec![0x80, 0xCA, p1, p2, 0x00]))
    }

    /// GET CHALLENGE: eight bytes that make an enciphered PIN unrepeatable (Book 3, 6.5.6).
    pub fn get_challenge() -> Self {
        Self(Zeroizing::new(vec![0x00, 0x84, 0x00, 0x00, 0x00]))
    }

    /// VERIFY with a plaintext PIN block (Book 3, 6.5.12).
    pub fn verify_plaintext(block: &[u8; 8]) -> Self {
        Self::without_answer(0x00, 0x20, 0x00, 0x80, block)
    }

    /// VERIFY with an enciphered PIN (Book 3, 6.5.12).
    pub fn verify_enciphered(data: &[u8]) -> Self {
        Self::without_answer(0x00, 0x20, 0x00, 0x88, data)
    }

    /// A command of an issuer script, as the issuer wrote it; nothing when it is no short command of any case (ISO/IEC
    /// 7816-3, 12.1.3): header alone, with Le, with data, with both.
    pub fn of_script(bytes: &[u8]) -> Option<Self> {
        let data = bytes.get(4).map_or(0, |length| usize::from(*length));
        let good = matches!(bytes.len(), 4 | 5) || (data > 0 && (bytes.len() == 5 + data || bytes.len() == 6 + data));
        good.then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// The bytes for the reader.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn with_data(class: u8, instruction: u8, p1: u8, p2: u8, data: &[u8]) -> Self {
        let mut command = Self::without_answer(class, instruction, p1, p2, data);
        command.0.push(0x00);
        command
    }

    /// A command that expects no data back: it has no Le.
    fn without_answer(class: u8, instruction: u8, p1: u8, p2: u8, data: &[u8]) -> Self {
        // All callers pass names and lists whose length was checked before. The place is reserved at once: a buffer that
        // grows leaves copies behind that nobody wipes.
        let length = data.len().min(255);
        let mut bytes = Vec::with_capacity(LONGEST_COMMAND);
        bytes.extend([class, instruction, p1, p2, length as u8]);
        bytes.extend(&data[..length]);
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
    use crate::emv::tag;

    #[test]
    fn commands_as_the_book_writes_them() {
        assert_eq!(Command::select(b"1PAY", false).bytes(), b"\x00\xA4\x04\x00\x041PAY\x00");
        assert_eq!(Command::select(&[0xA0], true).bytes(), [0x00, 0xA4, 0x04, 0x02, 0x01, 0xA0, 0x00]);
        assert_eq!(Command::read_record(1, 2).bytes(), [0x00, 0xB2, 0x02, 0x0C, 0x00]);
        assert_eq!(Command::get_processing_options(&[]).bytes(), [0x80, 0xA8, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00]);
        assert_eq!(
            Command::generate_ac(Cryptogram::Arqc, false, &[1]).bytes(),
            [0x80, 0xAE, 0x80, 0x00, 0x01, 0x01, 0x00]
        );
        assert_eq!(
            Command::generate_ac(Cryptogram::Tc, true, &[1]).bytes(),
            [0x80, 0xAE, 0x50, 0x00, 0x01, 0x01, 0x00]
        );
        assert_eq!(Command::internal_authenticate(&[1]).bytes(), [0x00, 0x88, 0x00, 0x00, 0x01, 0x01, 0x00]);
        assert_eq!(Command::external_authenticate(&[1]).bytes(), [0x00, 0x82, 0x00, 0x00, 0x01, 0x01]);
        assert_eq!(Command::get_data(tag::PIN_TRY_COUNTER).bytes(), [0x80, 0xCA, 0x9F, 0x17, 0x00]);
        assert_eq!(Command::get_challenge().bytes(), [0x00, 0x84, 0x00, 0x00, 0x00]);
        assert_eq!(Command::verify_plaintext(&[0x24; 8]).bytes()[..6], [0x00, 0x20, 0x00, 0x80, 0x08, 0x24]);
        assert_eq!(Command::verify_enciphered(&[1]).bytes(), [0x00, 0x20, 0x00, 0x88, 0x01, 0x01]);
        assert_eq!(Command::of_script(&[0x84, 0x24, 0x00]), None);
        assert_eq!(format!("{:?}", Command::generate_ac(Cryptogram::Tc, true, &[9, 9])), "Command(80AE…, 8 bytes)");
    }

    #[test]
    fn a_script_command_is_a_short_one_of_any_case_or_none() {
        for (bytes, good) in [
            (&[0x84, 0x18, 0, 0][..], true),
            (&[0x84, 0x18, 0, 0, 0], true),
            (&[0x84, 0x16, 0, 0, 2, 1, 2], true),
            (&[0x84, 0x16, 0, 0, 2, 1, 2, 0], true),
            (&[0x84, 0x16, 0], false),
            (&[0x84, 0x16, 0, 0, 8, 0xAA], false),
            (&[0x84, 0x16, 0, 0, 0, 0xAA], false),
            (&[0x84, 0x16, 0, 0, 1, 1, 2, 3], false),
        ] {
            assert_eq!(Command::of_script(bytes).is_some(), good, "{bytes:02X?}");
        }
    }

    #[test]
    fn an_answer_has_at_least_a_status() {
        assert_eq!(CardAnswer::new(vec![0x90]).split(), None);
        let answer = CardAnswer::new(vec![0x62, 0x90, 0x00]);
        assert_eq!(answer.split(), Some((&[0x62][..], Status::OK)));
        assert_eq!(format!("{answer:?}"), "CardAnswer(3 bytes, masked)");
    }
}
