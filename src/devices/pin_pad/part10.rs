//! The words of PC/SC part 10 (readers with secure PIN entry, revision 2.02.09): what a reader says it can do, what it is
//! asked for a VERIFY, and what it answers. Bytes to types and back; nothing is sent here.

use super::{PadAnswer, PadPrompt};

/// Function number of the question for features (CM_IOCTL_GET_FEATURE_REQUEST); the system makes a control code of it.
pub const GET_FEATURE_REQUEST: u32 = 3400;

/// Tags of features.
const VERIFY_PIN_DIRECT: u8 = 0x06;
const GET_TLV_PROPERTIES: u8 = 0x12;

/// Tags of properties (FEATURE_GET_TLV_PROPERTIES).
const MIN_PIN_SIZE: u8 = 0x06;
const MAX_PIN_SIZE: u8 = 0x07;

/// Digits of a PIN (EMV 4.4 Book 3, 6.5.12).
const FEWEST_DIGITS: u8 = 4;
const MOST_DIGITS: u8 = 12;

/// VERIFY as the pad completes it: control 2 and length 0, everything else filled with F (EMV 4.4 Book 3, 6.5.12).
const VERIFY: [u8; 13] = [0x00, 0x20, 0x00, 0x80, 0x08, 0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

/// PIN_VERIFY_STRUCTURE without the command, in bytes.
const HEAD: usize = 19;

/// Unit bytes; the digits begin one byte behind Lc, left justified, in BCD.
const FORMAT: u8 = 0x80 | 1 << 3 | 0x01;

/// The length of the PIN takes four bits, its digits seven bytes.
const BLOCK: u8 = 0x47;

/// Unit bits; the length stands four bits behind Lc.
const LENGTH_PLACE: u8 = 0x04;

/// The entry is complete when the validation key is pressed.
const ON_VALIDATION_KEY: u8 = 0x02;

/// One message: please enter your PIN.
const MESSAGES: u8 = 1;
const ENTER_PIN: u8 = 0;

/// Windows' language identifiers, which part 10 took over.
const CHINESE_OF_CHINA: u16 = 0x0804;
const ENGLISH_OF_THE_UNITED_STATES: u16 = 0x0409;

/// What a reader offers, as the control codes by which it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The reader takes a PIN and sends VERIFY.
    pub verify_pin_direct: Option<u32>,
    /// The reader tells its limits.
    pub properties: Option<u32>,
}

/// A list of features or properties that ends in the middle of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader's list ends in the middle of the entry at byte {at}")]
pub struct CutOff {
    /// Where the entry begins.
    pub at: usize,
}

impl Features {
    /// Reads the answer to [`GET_FEATURE_REQUEST`]: tag, length 4, control code (high byte first). Features this terminal
    /// does not use are passed over, as are those whose code has another length.
    ///
    /// # Errors
    /// When the list ends in the middle of an entry.
    pub fn read(list: &[u8]) -> Result<Self, CutOff> {
        let mut features = Self::default();
        for entry in Entries(list, 0) {
            let (tag, value) = entry?;
            let code = <[u8; 4]>::try_from(value).ok().map(u32::from_be_bytes);
            match tag {
                VERIFY_PIN_DIRECT => features.verify_pin_direct = code,
                GET_TLV_PROPERTIES => features.properties = code,
                _ => {}
            }
        }
        Ok(features)
    }
}

/// How many digits a pad takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinLength {
    fewest: u8,
    most: u8,
}

impl PinLength {
    /// All that a card may want.
    pub const ANY: Self = Self { fewest: FEWEST_DIGITS, most: MOST_DIGITS };

    /// Reads the reader's properties: its own limits, within those of a PIN.
    ///
    /// # Errors
    /// When the list ends in the middle of an entry.
    pub fn read(properties: &[u8]) -> Result<Self, CutOff> {
        let mut length = Self::ANY;
        for entry in Entries(properties, 0) {
            match entry? {
                (MIN_PIN_SIZE, [fewest]) => length.fewest = length.fewest.max(*fewest),
                (MAX_PIN_SIZE, [most]) => length.most = length.most.min(*most),
                _ => {}
            }
        }
        // Limits that leave nothing are none.
        Ok(if length.fewest <= length.most { length } else { Self::ANY })
    }
}

/// PIN_VERIFY_STRUCTURE for a plaintext PIN of EMV, low bytes first. It holds no digit: the pad puts them in.
pub fn verify_structure(prompt: PadPrompt, length: PinLength) -> [u8; HEAD + VERIFY.len()] {
    let patience = u8::try_from(prompt.patience.as_secs()).unwrap_or(u8::MAX).max(1);
    let [fewest, most] = [length.fewest, length.most];
    let [language, language_high] = language_identifier(prompt.language).to_le_bytes();
    let head: [u8; HEAD] = [
        // Seconds until the first key, and from the first to the last.
        patience,
        patience,
        FORMAT,
        BLOCK,
        LENGTH_PLACE,
        // One number of two bytes: fewest in the high one.
        most,
        fewest,
        ON_VALIDATION_KEY,
        MESSAGES,
        language,
        language_high,
        ENTER_PIN,
        // Prologue of a T=1 block: the reader's business.
        0,
        0,
        0,
        VERIFY.len() as u8,
        0,
        0,
        0,
    ];
    let mut structure = [0; HEAD + VERIFY.len()];
    structure[..HEAD].copy_from_slice(&head);
    structure[HEAD..].copy_from_slice(&VERIFY);
    structure
}

/// Tells the card's answer to VERIFY from what the reader says of itself. EMV has no meaning for `64xx` and `6B80` after
/// VERIFY (4.4 Book 3, 6.5.12), so a card that answers them loses nothing.
pub fn read_answer(answer: Vec<u8>) -> PadAnswer {
    let [.., first, second] = answer[..] else {
        return PadAnswer::Failed("the reader gave no status".to_owned());
    };
    match [first, second] {
        [0x64, 0x00] => PadAnswer::TimedOut,
        [0x64, 0x01] => PadAnswer::Cancelled,
        [0x64, 0x03] => PadAnswer::WrongLength,
        // 6402: two new PINs differ, which was not asked for. 6B80: the structure is not to the reader's liking.
        [0x64, _] | [0x6B, 0x80] => PadAnswer::Broken(format!("the reader refuses with {first:02X}{second:02X}")),
        _ => PadAnswer::Card(answer),
    }
}

const fn language_identifier(language: [u8; 2]) -> u16 {
    match &language {
        b"zh" => CHINESE_OF_CHINA,
        _ => ENGLISH_OF_THE_UNITED_STATES,
    }
}

/// Entries of tag, length and value, one byte each for the first two.
struct Entries<'a>(&'a [u8], usize);

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(u8, &'a [u8]), CutOff>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self(list, at) = *self;
        if list.is_empty() {
            return None;
        }
        let entry = list.split_at_checked(2).and_then(|(head, rest)| {
            let (value, rest) = rest.split_at_checked(usize::from(head[1]))?;
            Some((head[0], value, rest))
        });
        match entry {
            Some((tag, value, rest)) => {
                *self = Self(rest, at + 2 + value.len());
                Some(Ok((tag, value)))
            }
            None => {
                *self = Self(&[], at);
                Some(Err(CutOff { at }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::hex;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn features_are_control_codes_by_tag() {
        // As the CCID driver of Linux lists them: verify, modify, properties.
        let list = hex::decode("0604423300060704423300070A044233000A120442330012").unwrap();
        let features = Features::read(&list).unwrap();
        assert_eq!(features.verify_pin_direct, Some(0x4233_0006));
        assert_eq!(features.properties, Some(0x4233_0012));
        assert_eq!(Features::read(&[]), Ok(Features::default()));
        // A code is four bytes; another length is no code, and what stands behind it is still read.
        assert_eq!(
            Features::read(&[0x06, 1, 9, 0x12, 4, 0, 0, 0, 1]).unwrap(),
            Features { verify_pin_direct: None, properties: Some(1) }
        );
    }

    #[test]
    fn a_list_that_is_cut_off_is_not_believed() {
        let list = hex::decode("060442330006070442330007").unwrap();
        for (length, at) in [(1, 0), (2, 0), (5, 0), (7, 6), (11, 6)] {
            assert_eq!(Features::read(&list[..length]), Err(CutOff { at }), "{length} bytes");
        }
    }

    #[test]
    fn a_reader_may_narrow_the_length_of_a_pin_but_not_widen_it() {
        for (properties, fewest, most) in [
            ("", 4, 12),
            ("06010607010802020004", 6, 8),
            ("060100070110", 4, 12),
            // Nothing would be left; and a length that is no byte.
            ("060109070108", 4, 12),
            ("0602000607020008", 4, 12),
        ] {
            let bytes = hex::decode(properties).unwrap();
            assert_eq!(PinLength::read(&bytes), Ok(PinLength { fewest, most }), "{properties}");
        }
        assert_eq!(PinLength::read(&[6, 1]), Err(CutOff { at: 0 }));
    }

    #[test]
    fn the_pad_is_asked_for_a_plaintext_verify_of_emv() {
        let prompt = PadPrompt { language: *b"zh", patience: PATIENCE };
        // Times, layout, digits, validation, one message in Chinese, prologue, length; and the command.
        let expected =
            ["1E1E", "894704", "0C04", "02", "01040800", "000000", "0D000000", "002000800820FFFFFFFFFFFFFF"].concat();
        assert_eq!(hex::encode(&verify_structure(prompt, PinLength::ANY)), expected);
        let english = verify_structure(PadPrompt { language: *b"en", ..prompt }, PinLength { fewest: 4, most: 8 });
        assert_eq!((english[5..7].to_vec(), english[9..11].to_vec()), (vec![8, 4], vec![0x09, 0x04]));
        for (patience, seconds) in [(0, 1), (255, 255), (600, 255)] {
            let prompt = PadPrompt { patience: Duration::from_secs(patience), ..prompt };
            assert_eq!(
                verify_structure(prompt, PinLength::ANY)[..2],
                [seconds, seconds],
                "0 would be the reader's own"
            );
        }
    }

    #[test]
    fn what_the_reader_says_of_itself_is_no_answer_of_the_card() {
        for (answer, expected) in [
            (&[0x64, 0x00][..], PadAnswer::TimedOut),
            (&[0x64, 0x01], PadAnswer::Cancelled),
            (&[0x64, 0x03], PadAnswer::WrongLength),
            (&[0x90, 0x00], PadAnswer::Card(vec![0x90, 0x00])),
            (&[0x63, 0xC2], PadAnswer::Card(vec![0x63, 0xC2])),
            (&[0x69, 0x83], PadAnswer::Card(vec![0x69, 0x83])),
        ] {
            assert_eq!(read_answer(answer.to_vec()), expected, "{answer:02X?}");
        }
        for broken in [[0x64, 0x02], [0x6B, 0x80]] {
            assert!(matches!(read_answer(broken.to_vec()), PadAnswer::Broken(_)), "{broken:02X?}");
        }
        // Nobody knows what the card was told.
        for cut_off in [&[0x90][..], &[]] {
            assert!(matches!(read_answer(cut_off.to_vec()), PadAnswer::Failed(_)), "{cut_off:02X?}");
        }
    }

    proptest! {
        #[test]
        fn no_list_of_a_reader_stops_the_program(list in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Features::read(&list);
            if let Ok(PinLength { fewest, most }) = PinLength::read(&list) {
                prop_assert!(FEWEST_DIGITS <= fewest && fewest <= most && most <= MOST_DIGITS);
            }
        }
    }
}
