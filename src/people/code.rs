//! A person's code, in a type that masks itself and is wiped, and what is kept of it.

use std::fmt;

use zeroize::Zeroizing;

use super::rules::rules;
use super::{PersonNumber, Role};
use crate::crypto::code_hash::{self, CodeHashError, KEY_ID};
use crate::crypto::digest;

/// What the key for codes is derived for, of the key of the device.
pub const PURPOSE: &str = "yima codes of people 1";

/// Four to eight digits. Masked, wiped when dropped, never a string.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<Vec<u8>>);

/// A code that cannot be one, or not anybody's. The digits are never part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not 4 to 8 digits.
    #[error("a code has 4 to 8 digits")]
    Digits,
    /// It protects more than that.
    #[error("this code needs {0} digits or more")]
    TooShort(usize),
    /// Everybody would try it.
    #[error("this code is too easy to guess; take digits that do not count up or down and do not repeat")]
    Trivial,
}

impl Code {
    /// The fewest digits that any code has.
    pub const FEWEST_DIGITS: usize = 4;

    /// The most.
    pub const MOST_DIGITS: usize = 8;

    /// Takes digits as text bytes.
    ///
    /// # Errors
    /// When it is not 4 to 8 digits.
    pub fn new(digits: Zeroizing<Vec<u8>>) -> Result<Self, CodeError> {
        let good = (Self::FEWEST_DIGITS..=Self::MOST_DIGITS).contains(&digits.len());
        if good && digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(CodeError::Digits) }
    }

    /// Whether somebody of this number may have it.
    ///
    /// # Errors
    /// When it is too short for that role, or too easy to guess.
    pub fn check(&self, number: PersonNumber) -> Result<(), CodeError> {
        let fewest = number.role().unwrap_or(Role::Manager).fewest_digits();
        if self.0.len() < fewest {
            return Err(CodeError::TooShort(fewest));
        }
        if is_trivial(&self.0) || rules().is_common(&self.0) { Err(CodeError::Trivial) } else { Ok(()) }
    }

    /// The digits, for the key of codes only.
    fn expose_digits(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(masked)")
    }
}

/// One digit over and over, digits that count up or down, a part that repeats itself, or one that comes back to its beginning.
fn is_trivial(digits: &[u8]) -> bool {
    let steps: Vec<u8> = digits.windows(2).map(|pair| (10 + pair[1] - pair[0]) % 10).collect();
    let same_step = steps.windows(2).all(|pair| pair[0] == pair[1]);
    let repeats = (1..=digits.len() / 2)
        .filter(|length| digits.len().is_multiple_of(*length))
        .any(|length| digits.chunks(length).all(|part| part == &digits[..length]));
    let different = digits.iter().collect::<std::collections::BTreeSet<_>>().len();
    same_step || repeats || different < 3
}

/// What is kept of a code: Argon2id, with the key of codes in it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCode(String);

impl KeptCode {
    /// As the ledger holds it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// For the ledger.
    pub fn stored(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeptCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptCode(masked)")
    }
}

/// With what codes are kept: it follows from the device's key. A terminal that is enrolled anew has another one, and then every
/// code is given anew.
#[derive(Clone)]
pub struct CodeKey {
    key: Zeroizing<Vec<u8>>,
    id: [u8; KEY_ID],
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(masked)")
    }
}

impl CodeKey {
    /// Of what the device's key gives for [`PURPOSE`].
    pub fn new(key: Zeroizing<Vec<u8>>) -> Self {
        let digest = digest::hash(&[b"number of ", &key]);
        let mut id = [0; KEY_ID];
        id.iter_mut().zip(digest).for_each(|(place, byte)| *place = byte);
        Self { key, id }
    }

    /// What is kept of a code. It takes a while: never on a thread that somebody waits for. `salt`: random.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn keep(&self, code: &Code, salt: &[u8; 16]) -> Result<KeptCode, CodeHashError> {
        code_hash::keep(code.expose_digits(), salt, &self.key, self.id).map(KeptCode)
    }

    /// Whether this is the code. It takes as long.
    ///
    /// # Errors
    /// When what is kept is damaged, or there is no memory for it.
    pub fn is_code(&self, kept: &KeptCode, code: &Code) -> Result<bool, CodeHashError> {
        code_hash::is_kept(&kept.0, code.expose_digits(), &self.key)
    }

    /// Whether a code that is kept so can be known again here: it was given since the terminal has its present keys.
    pub fn knows(&self, kept: &KeptCode) -> bool {
        code_hash::key_id_of(&kept.0) == Ok(self.id)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn code(digits: &str) -> Code {
        Code::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap()
    }

    fn number(text: &str) -> PersonNumber {
        PersonNumber::parse(text).unwrap()
    }

    #[test]
    fn a_code_has_four_to_eight_digits_and_is_never_shown() {
        for wrong in ["", "123", "123456789", "12a4", "１２３４", "12 4"] {
            assert_eq!(Code::new(Zeroizing::new(wrong.as_bytes().to_vec())), Err(CodeError::Digits), "{wrong}");
        }
        assert_eq!(format!("{:?}", code("2749")), "Code(masked)");
        assert!(!format!("{:?}", CodeKey::new(Zeroizing::new(vec![7; 32]))).contains('7'));
    }

    #[test]
    fn what_everybody_would_try_is_refused_and_a_managers_code_is_longer() {
        for trivial in [
            "0000", "1111", "1234", "4321", "7890", "0987", "2468", "1357", "1212", "123123", "112112", "9999999",
            "12121212", "1112", "5201314", "147258", "2580", "19491001", "1221",
        ] {
            assert_eq!(code(trivial).check(number("01")), Err(CodeError::Trivial), "{trivial}");
        }
        for good in ["2749", "8305", "27496", "927461", "60318475"] {
            assert_eq!(code(good).check(number("01")), Ok(()), "{good}");
        }
        assert_eq!(code("27496").check(number("99")), Err(CodeError::TooShort(6)));
        assert_eq!(code("274961").check(number("99")), Ok(()));
    }

    #[test]
    fn a_code_is_known_by_the_key_of_its_terminal_alone() {
        let (ours, theirs) = (CodeKey::new(Zeroizing::new(vec![7; 32])), CodeKey::new(Zeroizing::new(vec![8; 32])));
        let kept = ours.keep(&code("2749"), &[3; 16]).unwrap();
        assert_eq!((ours.is_code(&kept, &code("2749")), ours.is_code(&kept, &code("2750"))), (Ok(true), Ok(false)));
        assert!(ours.knows(&kept) && !theirs.knows(&kept));
        assert_eq!(theirs.is_code(&kept, &code("2749")), Ok(false));
        assert!(!ours.knows(&KeptCode::from_stored("nothing".to_owned())));
    }
}
