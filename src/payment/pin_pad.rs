//! Where a cardholder enters a PIN, and what the terminal may therefore promise a card.

use crate::emv::pin::PinKind;

/// Terminal capabilities (9F33), second byte: plaintext PIN and enciphered PIN, both checked by the card, and enciphered PIN
/// checked by the issuer (EMV 4.4 Book 4, annex A2).
const CAN_PLAINTEXT: u8 = 0x80;
const CAN_ONLINE: u8 = 0x40;
const CAN_ENCIPHERED: u8 = 0x10;

/// Where a cardholder enters a PIN. A terminal has one such place at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PinPad {
    /// Nowhere.
    #[default]
    None,
    /// At the card reader's own pad, which sends it to the card in the clear (PC/SC part 10). This program never has it, and
    /// no host can be given it.
    Reader,
    /// On the touchscreen, which is not built to keep a secret: with test keys only.
    Screen,
}

impl PinPad {
    /// 9F33 of a terminal that has this pad; `without` is that of the terminal alone. Nothing is promised that is not there.
    pub const fn capabilities(self, without: [u8; 3]) -> [u8; 3] {
        let [input, verification, security] = without;
        let pins = match self {
            Self::None => 0,
            Self::Reader => CAN_PLAINTEXT,
            Self::Screen => CAN_PLAINTEXT | CAN_ONLINE | CAN_ENCIPHERED,
        };
        [input, verification | pins, security]
    }

    /// The same where no bank is asked: a PIN that only the bank can check would prove nothing.
    pub const fn capabilities_without_bank(self, without: [u8; 3]) -> [u8; 3] {
        let [input, verification, security] = self.capabilities(without);
        [input, verification & !CAN_ONLINE, security]
    }

    /// Whether a PIN of this kind can be entered here.
    pub const fn takes(self, kind: PinKind) -> bool {
        match (self, kind) {
            (Self::Reader | Self::Screen, PinKind::Plaintext)
            | (Self::Screen, PinKind::Enciphered | PinKind::Online) => true,
            (Self::None, _) | (Self::Reader, PinKind::Enciphered | PinKind::Online) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_promises_what_its_pad_can_take() {
        for (pad, [can, can_without_bank], kinds) in [
            (PinPad::None, [0x28, 0x28], [false, false, false]),
            (PinPad::Reader, [0xA8, 0xA8], [true, false, false]),
            (PinPad::Screen, [0xF8, 0xB8], [true, true, true]),
        ] {
            assert_eq!(pad.capabilities([0x20, 0x28, 0xC8]), [0x20, can, 0xC8], "{pad:?}");
            assert_eq!(pad.capabilities_without_bank([0x20, 0x28, 0xC8]), [0x20, can_without_bank, 0xC8], "{pad:?}");
            let takes = [PinKind::Plaintext, PinKind::Enciphered, PinKind::Online].map(|kind| pad.takes(kind));
            assert_eq!(takes, kinds, "{pad:?}");
        }
    }
}
