//! Terminal action analysis: which cryptogram the terminal asks the card for (EMV 4.4 Book 3, 10.7).
//!
//! Needs: TVR, the terminal's action codes, the issuer's. Decides only; sends nothing.

use super::data::{CardDataError, DataObjects};
use super::results::Tvr;
use super::tag;

/// A kind of application cryptogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptogram {
    /// Transaction certificate: approved.
    Tc,
    /// Authorisation request cryptogram: ask the issuer.
    Arqc,
    /// Application authentication cryptogram: declined.
    Aac,
}

impl Cryptogram {
    /// P1 of GENERATE AC.
    pub const fn request_bits(self) -> u8 {
        match self {
            Self::Aac => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        }
    }

    /// What the card gave, from the cryptogram information data (9F27). Bits `11` are reserved and mean nothing.
    pub const fn from_information(cid: u8) -> Option<Self> {
        match cid & 0xC0 {
            0x00 => Some(Self::Aac),
            0x40 => Some(Self::Tc),
            0x80 => Some(Self::Arqc),
            _ => None,
        }
    }
}

/// Denial, online and default: TVR bits that lead there, the terminal's and the issuer's together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionCodes {
    denial: [u8; 5],
    online: [u8; 5],
}

impl ActionCodes {
    /// Joins the terminal's codes (absent ones are zeros) with the issuer's on the card. An absent issuer code for denial
    /// is all zeros, absent ones for online are all ones (Book 3, 10.7).
    ///
    /// # Errors
    /// When the card gives an action code that has not five bytes.
    pub fn of(terminal_denial: [u8; 5], terminal_online: [u8; 5], card: &DataObjects) -> Result<Self, CardDataError> {
        let join = |one: [u8; 5], other: [u8; 5]| std::array::from_fn(|index| one[index] | other[index]);
        Ok(Self {
            denial: join(terminal_denial, card.sized(tag::IAC_DENIAL)?.unwrap_or([0x00; 5])),
            online: join(terminal_online, card.sized(tag::IAC_ONLINE)?.unwrap_or([0xFF; 5])),
        })
    }
}

/// Whether the terminal may approve without the issuer (9F35, EMV 4.4 Book 4, annex A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every approval is the issuer's.
    OnlineOnly,
    /// The card may approve alone.
    OfflineWithOnline,
}

impl Reach {
    /// Reads the terminal type: its last digit is 1 or 4 for online only; 2 or 5 for offline with online capability.
    /// Offline-only types (3, 6) are treated as online only, which can only decline what they would have approved.
    pub const fn of_terminal_type(terminal_type: u8) -> Self {
        match terminal_type & 0x0F {
            2 | 5 => Self::OfflineWithOnline,
            _ => Self::OnlineOnly,
        }
    }
}

/// Chooses the cryptogram for the first GENERATE AC. Denial beats online, online beats approval.
pub fn first(tvr: Tvr, codes: &ActionCodes, reach: Reach) -> Cryptogram {
    if tvr.intersects(codes.denial) {
        Cryptogram::Aac
    } else if reach == Reach::OnlineOnly || tvr.intersects(codes.online) {
        Cryptogram::Arqc
    } else {
        Cryptogram::Tc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tvr(bit: super::super::results::Bit) -> Tvr {
        let mut tvr = Tvr::default();
        tvr.set(bit);
        tvr
    }

    #[test]
    fn a_missing_issuer_code_for_online_is_all_ones_and_for_denial_all_zeros() {
        let codes = ActionCodes::of([0; 5], [0; 5], &DataObjects::default()).unwrap();
        let reach = Reach::of_terminal_type(0x22);
        assert_eq!(first(tvr(Tvr::FLOOR_LIMIT_EXCEEDED), &codes, reach), Cryptogram::Arqc);
        assert_eq!(first(Tvr::default(), &codes, reach), Cryptogram::Tc);
    }

    #[test]
    fn an_online_only_terminal_approves_nothing_by_itself() {
        let codes = ActionCodes::of([0; 5], [0; 5], &DataObjects::default()).unwrap();
        assert_eq!(first(Tvr::default(), &codes, Reach::of_terminal_type(0x21)), Cryptogram::Arqc);
        assert_eq!(first(Tvr::default(), &codes, Reach::of_terminal_type(0x23)), Cryptogram::Arqc);
    }

    #[test]
    fn denial_beats_online() {
        let mut card = DataObjects::default();
        card.put(tag::IAC_DENIAL, [0x00, 0x10, 0x00, 0x00, 0x00]);
        card.put(tag::IAC_ONLINE, [0xFF; 5]);
        let codes = ActionCodes::of([0; 5], [0; 5], &card).unwrap();
        assert_eq!(first(tvr(Tvr::SERVICE_NOT_ALLOWED), &codes, Reach::OnlineOnly), Cryptogram::Aac);
        card.put(tag::IAC_ONLINE, [0xFF; 4]);
        assert_eq!(ActionCodes::of([0; 5], [0; 5], &card), Err(CardDataError::Wrong(tag::IAC_ONLINE)));
    }

    #[test]
    fn reserved_information_bits_are_no_cryptogram() {
        assert_eq!(Cryptogram::from_information(0xC0), None);
        assert_eq!(Cryptogram::from_information(0x80), Some(Cryptogram::Arqc));
    }
}
