//! Cards that answer by their script: enough of one for the kernel to come to every end.

use crate::emv::apdu::CardAnswer;
use crate::emv::tag;
use crate::emv::tlv::TlvBuilder;
use crate::payment::pin_pad::PinPad;

/// UnionPay debit and credit.
const DEBIT: [u8; 8] = [0xA0, 0, 0, 0x03, 0x33, 1, 1, 1];
const CREDIT: [u8; 8] = [0xA0, 0, 0, 0x03, 0x33, 1, 1, 2];

/// The application may not be used without consent (EMV 4.4 Book 1, 12.2.3).
const CONSENT: u8 = 0x80;

/// No method is wanted (EMV 4.4 Book 3, annex C3).
const NO_METHOD: u8 = 0x1F;

/// Cryptogram information (EMV 4.4 Book 3, 6.5.5).
const ARQC: u8 = 0x80;
const TC: u8 = 0x40;
const AAC: u8 = 0x00;

/// Number, expiry, sequence number and what a first record of a UnionPay card has beside them: effective date, country,
/// CDOL1, CDOL2, usage control, issuer's action codes. The list of methods comes first.
const RECORD: &str = "57106228480000000001230D3012220000005A0A6228480000000001230F5F24033012315F25032001015F280201565F3401018C\
    0B9F020695059F34039F37048D098A0295059F3704910A9F0702FF809F080200309F0D05D86004A8009F0E0500100000009F0F05D86804F800\
    9F42020156";

/// Bytes of CDOL1: what comes with the first GENERATE AC.
const FIRST: u8 = 18;

/// Action codes of an issuer who wants to be asked, and of one who does not.
const CAREFUL: [&str; 2] = ["D86004A800", "D86804F800"];
const TRUSTING: &str = "0000000000";

const EVERY_PAD: [PinPad; 3] = [PinPad::None, PinPad::Reader, PinPad::Screen];

/// A card.
#[derive(Clone, Debug)]
pub struct Card {
    /// Names and priorities.
    applications: Vec<([u8; 8], u8)>,
    /// Rules of the list of cardholder verification methods.
    methods: &'static [u8],
    pads: &'static [PinPad],
    /// What it gives when it is asked for an ARQC, and for a TC.
    first: u8,
    last: u8,
    /// Its issuer need not be asked.
    trusting: bool,
}

impl Card {
    /// One of every kind that a payment can tell apart.
    pub fn every() -> Vec<Self> {
        let plain = Self {
            applications: vec![(DEBIT, 1)],
            methods: &[NO_METHOD, 0x00],
            pads: &[PinPad::None],
            first: ARQC,
            last: TC,
            trusting: false,
        };
        vec![
            plain.clone(),
            // A PIN for the card, then one for the bank, where there is a pad; else nothing.
            Self { methods: &[0x01, 0x03, NO_METHOD, 0x00], pads: &EVERY_PAD, ..plain.clone() },
            Self { methods: &[0x02, 0x03, NO_METHOD, 0x00], pads: &EVERY_PAD, ..plain.clone() },
            Self { applications: vec![(DEBIT, 1), (CREDIT, 2)], ..plain.clone() },
            Self { applications: vec![(DEBIT, CONSENT | 1)], ..plain.clone() },
            Self { first: AAC, ..plain.clone() },
            Self { first: TC, ..plain.clone() },
            Self { last: AAC, ..plain.clone() },
            Self { trusting: true, ..plain.clone() },
            Self { trusting: true, first: TC, ..plain },
        ]
    }

    /// One of every kind that can be told apart before its cryptogram.
    pub fn every_to_read() -> Vec<Self> {
        Self::every().into_iter().take(5).collect()
    }

    /// One that leads everywhere: with a PIN for the bank, at the pad that can take one.
    pub fn one() -> Self {
        let pin_for_the_bank = Self::every().remove(2);
        Self { pads: &[PinPad::Screen], ..pin_for_the_bank }
    }

    /// This card, with the list of methods of another one.
    pub fn with_methods_of(self, other: &Self) -> Self {
        Self { methods: other.methods, ..self }
    }

    /// Pads that make a difference to it.
    pub const fn pads(&self) -> &'static [PinPad] {
        self.pads
    }

    /// What it answers to a command.
    pub fn answer(&self, command: &[u8]) -> CardAnswer {
        let data = match command {
            [0x00, 0xA4, 0x04, 0x00, length, name @ ..] => {
                let name = &name[..usize::from(*length)];
                let found = self.applications.iter().find(|(aid, _)| aid == name);
                let Some((aid, priority)) = found else { return CardAnswer::new(vec![0x6A, 0x82]) };
                let proprietary = TlvBuilder::new().with(tag::APPLICATION_LABEL, b"CARD");
                let proprietary = proprietary.with(tag::PRIORITY, &[*priority]).build();
                let control =
                    TlvBuilder::new().with(tag::DF_NAME, aid).with(tag::FCI_PROPRIETARY, &proprietary).build();
                TlvBuilder::new().with(tag::FCI_TEMPLATE, &control).build()
            }
            [0x80, 0xA8, ..] => vec![0x77, 0x0A, 0x82, 0x02, 0x18, 0x00, 0x94, 0x04, 0x08, 0x01, 0x01, 0x00],
            [0x00, 0xB2, ..] => {
                let methods = [&[0; 8], self.methods].concat();
                let mut record = TlvBuilder::new().with(tag::CVM_LIST, &methods).build();
                let mut rest = RECORD.to_owned();
                if self.trusting {
                    rest = CAREFUL.iter().fold(rest, |rest, codes| rest.replace(codes, TRUSTING));
                }
                record.extend(crate::crypto::hex::decode(&rest).unwrap());
                TlvBuilder::new().with(tag::RECORD_TEMPLATE, &record).build()
            }
            [0x80, 0xAE, asked, ..] => {
                // A card may step down from what is asked; this one's first answer may also be worth more.
                let given = match (command.get(4), *asked) {
                    (Some(&FIRST), AAC) => AAC,
                    (Some(&FIRST), _) => self.first,
                    (_, asked) => self.last.min(asked),
                };
                let mut answer =
                    vec![0x77, 0x18, 0x9F, 0x27, 0x01, given, 0x9F, 0x36, 0x02, 0x00, 0x01, 0x9F, 0x26, 0x08];
                answer.extend([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x9F, 0x10, 0x01, 0x07]);
                answer[1] = (answer.len() - 2) as u8;
                answer
            }
            // GET DATA: nothing of that.
            [0x80, 0xCA, ..] => return CardAnswer::new(vec![0x6A, 0x88]),
            _ => Vec::new(),
        };
        CardAnswer::new([&data[..], &[0x90, 0x00]].concat())
    }
}
