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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionCodes {
    /// The transaction is declined.
    pub denial: [u8; 5],
    /// The issuer is asked.
    pub online: [u8; 5],
    /// The issuer cannot be asked: the transaction is declined.
    pub default: [u8; 5],
}

impl ActionCodes {
    /// Joins the terminal's codes (absent ones are zeros) with the issuer's on the card. An absent issuer code for denial
    /// is all zeros, absent ones for online and default are all ones (Book 3, 10.7).
    ///
    /// # Errors
    /// When the card gives an action code that has not five bytes.
    pub fn of(terminal: Self, card: &DataObjects) -> Result<Self, CardDataError> {
        let join = |one: [u8; 5], other: [u8; 5]| std::array::from_fn(|index| one[index] | other[index]);
        Ok(Self {
            denial: join(terminal.denial, card.sized(tag::IAC_DENIAL)?.unwrap_or([0x00; 5])),
            online: join(terminal.online, card.sized(tag::IAC_ONLINE)?.unwrap_or([0xFF; 5])),
            default: join(terminal.default, card.sized(tag::IAC_DEFAULT)?.unwrap_or([0xFF; 5])),
        })
    }
}

/// How far a terminal reaches (9F35, EMV 4.4 Book 4, annex A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every approval is the issuer's.
    OnlineOnly,
    /// The card may approve alone, or the issuer is asked.
    OfflineWithOnline,
    /// The issuer is never asked.
    OfflineOnly,
}

impl Reach {
    /// Reads the terminal type: its last digit is 1 or 4 for online only, 2 or 5 for offline with online capability, 3 or 6
    /// for offline only. Other digits mean nothing and can only make it stricter.
    pub const fn of_terminal_type(terminal_type: u8) -> Self {
        match terminal_type & 0x0F {
            2 | 5 => Self::OfflineWithOnline,
            3 | 6 => Self::OfflineOnly,
            _ => Self::OnlineOnly,
        }
    }
}

/// Chooses the cryptogram for the first GENERATE AC. Denial beats online, online beats approval; where nobody can be asked
/// the default codes decide.
pub fn first(tvr: Tvr, codes: &ActionCodes, reach: Reach) -> Cryptogram {
    if tvr.intersects(codes.denial) {
        return Cryptogram::Aac;
    }
    match reach {
        Reach::OnlineOnly => Cryptogram::Arqc,
        Reach::OfflineWithOnline if tvr.intersects(codes.online) => Cryptogram::Arqc,
        Reach::OfflineWithOnline => Cryptogram::Tc,
        Reach::OfflineOnly => without_issuer(tvr, codes),
    }
}

/// Chooses the cryptogram for the second GENERATE AC when the issuer could not be reached. A terminal that is online only
/// approves nothing by itself (Book 3, 10.7).
pub fn unable_to_go_online(tvr: Tvr, codes: &ActionCodes, reach: Reach) -> Cryptogram {
    match reach {
        Reach::OnlineOnly => Cryptogram::Aac,
        Reach::OfflineWithOnline | Reach::OfflineOnly => without_issuer(tvr, codes),
    }
}

fn without_issuer(tvr: Tvr, codes: &ActionCodes) -> Cryptogram {
    if tvr.intersects(codes.default) { Cryptogram::Aac } else { Cryptogram::Tc }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLINE_ONLY: u8 = 0x21;
    const OFFLINE_WITH_ONLINE: u8 = 0x22;
    const OFFLINE_ONLY: u8 = 0x23;

    fn tvr(bit: super::super::results::Bit) -> Tvr {
        let mut tvr = Tvr::default();
        tvr.set(bit);
        tvr
    }

    fn asked(tvr: Tvr, card: &DataObjects, terminal_type: u8) -> (Cryptogram, Cryptogram) {
        let codes = ActionCodes::of(ActionCodes::default(), card).unwrap();
        let reach = Reach::of_terminal_type(terminal_type);
        (first(tvr, &codes, reach), unable_to_go_online(tvr, &codes, reach))
    }

    #[test]
    fn missing_issuer_codes_are_zeros_for_denial_and_ones_for_online_and_default() {
        use Cryptogram::{Aac, Arqc, Tc};
        let card = DataObjects::default();
        for (tvr, terminal_type, expected) in [
            (Tvr::default(), ONLINE_ONLY, (Arqc, Aac)),
            (Tvr::default(), OFFLINE_WITH_ONLINE, (Tc, Tc)),
            (Tvr::default(), OFFLINE_ONLY, (Tc, Tc)),
            (tvr(Tvr::FLOOR_LIMIT_EXCEEDED), ONLINE_ONLY, (Arqc, Aac)),
            (tvr(Tvr::FLOOR_LIMIT_EXCEEDED), OFFLINE_WITH_ONLINE, (Arqc, Aac)),
            (tvr(Tvr::FLOOR_LIMIT_EXCEEDED), OFFLINE_ONLY, (Aac, Aac)),
        ] {
            assert_eq!(asked(tvr, &card, terminal_type), expected, "{tvr:?} {terminal_type:02X}");
        }
    }

    #[test]
    fn denial_beats_online_and_default_decides_where_nobody_answers() {
        use Cryptogram::{Aac, Arqc, Tc};
        let mut card = DataObjects::default();
        card.put_from_card(tag::IAC_DENIAL, &[0x00, 0x10, 0x00, 0x00, 0x00]);
        card.put_from_card(tag::IAC_ONLINE, &[0xFF; 5]);
        card.put_from_card(tag::IAC_DEFAULT, &[0x00, 0x00, 0x00, 0x80, 0x00]);
        for (bit, terminal_type, expected) in [
            (Tvr::SERVICE_NOT_ALLOWED, ONLINE_ONLY, (Aac, Aac)),
            (Tvr::SERVICE_NOT_ALLOWED, OFFLINE_WITH_ONLINE, (Aac, Tc)),
            (Tvr::EXPIRED, OFFLINE_WITH_ONLINE, (Arqc, Tc)),
            (Tvr::FLOOR_LIMIT_EXCEEDED, OFFLINE_WITH_ONLINE, (Arqc, Aac)),
            (Tvr::EXPIRED, OFFLINE_ONLY, (Tc, Tc)),
        ] {
            assert_eq!(asked(tvr(bit), &card, terminal_type), expected, "{bit:?} {terminal_type:02X}");
        }
        card.put_from_card(tag::IAC_DEFAULT, &[0xFF; 4]);
        let refused = ActionCodes::of(ActionCodes::default(), &card);
        assert_eq!(refused, Err(CardDataError::Wrong(tag::IAC_DEFAULT)));
    }

    #[test]
    fn reserved_information_bits_are_no_cryptogram() {
        assert_eq!(Cryptogram::from_information(0xC0), None);
        assert_eq!(Cryptogram::from_information(0x80), Some(Cryptogram::Arqc));
    }
}
