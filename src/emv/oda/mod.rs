//! Offline data authentication (EMV 4.4 Book 2, 5 and 6; Book 3, 10.3): is this the card its issuer made, with the data
//! its issuer put on it?
//!
//! Needs CA keys, the card's certificates and signatures, the records read and the date. Each function is one step that
//! the kernel calls when it has what the step needs:
//!
//! 1. [`Method::choose`] from AIP and terminal capabilities;
//! 2. [`RecordsToAuthenticate`] while the records are read;
//! 3. [`issuer_key`], then [`card_key`] for DDA and CDA, [`pin_key`] for an enciphered PIN;
//! 4. [`verify_static`], or [`verify_dynamic`] over the answer to INTERNAL AUTHENTICATE, or [`verify_combined`] over
//!    the answer to GENERATE AC.
//!
//! Decides only: sets no TVR bit and sends no command. Every check that fails has its own [`OdaFailure`].

mod block;
mod certificates;
mod combined;
mod dynamic_authentication;
mod failure;
mod static_authentication;
mod static_data;

pub use block::Block;
pub use certificates::{
    CardCertificate, CardKey, IssuerCertificate, IssuerKey, KeyParts, PinCertificate, PinKey, card_key, issuer_key,
    pin_key,
};
pub use combined::{CombinedAnswer, CombinedInput, verify_combined};
pub use dynamic_authentication::{DynamicNumber, choose_ddol, signature_of, verify_dynamic};
pub use failure::OdaFailure;
pub use static_authentication::verify_static;
pub use static_data::{RecordsToAuthenticate, StaticData};

/// Byte 1 of the AIP (Book 3, annex C1).
const CARD_DOES_SDA: u8 = 0x40;
const CARD_DOES_DDA: u8 = 0x20;
const CARD_DOES_CDA: u8 = 0x01;

/// Byte 3 of the terminal capabilities (Book 4, annex A2).
const TERMINAL_DOES_SDA: u8 = 0x80;
const TERMINAL_DOES_DDA: u8 = 0x40;
const TERMINAL_DOES_CDA: u8 = 0x08;

/// How a card is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Static: the issuer signed the data once. Shows nothing about who copied it.
    Static,
    /// Dynamic: the card signs the terminal's challenge.
    Dynamic,
    /// Combined: the card signs its cryptogram.
    Combined,
}

impl Method {
    /// The best that both sides can do, if there is any: CDA before DDA before SDA (Book 3, 10.3).
    pub fn choose(aip: [u8; 2], capabilities: [u8; 3]) -> Option<Self> {
        [
            (Self::Combined, CARD_DOES_CDA, TERMINAL_DOES_CDA),
            (Self::Dynamic, CARD_DOES_DDA, TERMINAL_DOES_DDA),
            (Self::Static, CARD_DOES_SDA, TERMINAL_DOES_SDA),
        ]
        .into_iter()
        .find(|(_, card, terminal)| aip[0] & card != 0 && capabilities[2] & terminal != 0)
        .map(|(method, ..)| method)
    }
}

/// A scheme, an issuer and a card with keys of their own, and what they sign.
#[cfg(test)]
mod fixtures {
    use std::sync::LazyLock;

    use openssl::pkey::Private;
    use openssl::rsa::Rsa;

    use super::*;
    use crate::crypto::rsa::{self, sha_1};
    use crate::emv::ca_keys::{CaKeys, RevocationList, Rid};
    use crate::sandbox::card::authentication::{Certificate, Subject, certify};
    use crate::sandbox::card::keys::{CA_KEY_INDEX, CardKeys};

    pub(super) const RID: Rid = Rid([0xA0, 0, 0, 3, 0x33]);

    pub(super) const SERIAL: [u8; 3] = [0, 0, 1];

    pub(super) const PAN: &[u8] = &[0x62, 0x28, 0x48, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90, 0x1F];

    pub(super) const DATE: [u8; 3] = [0x26, 0x11, 0x24];

    pub(super) const CHALLENGE: [u8; 4] = [1, 2, 3, 4];

    pub(super) const FRAME: [u8; 2] = [0x6A, 0xBC];

    pub(super) struct Keys {
        pub private: CardKeys,
        pub ca: CaKeys,
    }

    pub(super) static KEYS: LazyLock<Keys> = LazyLock::new(|| {
        let private = CardKeys::generate().unwrap();
        let ca = CaKeys::parse(&toml::to_string(&private.ca_public_key(RID.0).unwrap()).unwrap()).unwrap();
        Keys { private, ca }
    });

    pub(super) fn records() -> RecordsToAuthenticate {
        let mut records = RecordsToAuthenticate::default();
        records.add(1, &[0x70, 0x03, 0x5F, 0x24, 0x00]);
        records
    }

    pub(super) fn static_data() -> StaticData {
        records().finish(Some(&[0x82]), [0x39, 0x00]).unwrap()
    }

    /// The issuer's certificate as the sandbox's authority signs it, kept for the life of the tests.
    pub(super) fn good_issuer() -> IssuerCertificate<'static> {
        static MADE: LazyLock<Certificate> = LazyLock::new(|| {
            let subject = Subject::Issuer([0x62, 0x28, 0x48, 0xFF]);
            certify(&KEYS.private.ca, subject, [0x12, 0x49], SERIAL, &KEYS.private.issuer).unwrap()
        });
        let parts = KeyParts { certificate: &MADE.block, remainder: Some(&MADE.remainder), exponent: &MADE.exponent };
        IssuerCertificate { rid: RID, index: CA_KEY_INDEX, parts, pan: PAN, date: DATE }
    }

    pub(super) fn issuer() -> IssuerKey {
        issuer_key(&KEYS.ca, &RevocationList::default(), &good_issuer()).unwrap()
    }

    pub(super) fn card() -> CardKey {
        let (static_data, key) = (static_data(), &KEYS.private.card);
        let subject = Subject::Card { pan: PAN.try_into().unwrap(), static_data: static_data.as_bytes() };
        let made = certify(&KEYS.private.issuer, subject, [0x12, 0x49], SERIAL, key).unwrap();
        let parts = KeyParts { certificate: &made.block, remainder: Some(&made.remainder), exponent: &made.exponent };
        card_key(&issuer(), &CardCertificate { parts, pan: PAN, date: DATE, static_data: &static_data }).unwrap()
    }

    /// A signature of issuer or card over `content`, with the right hash.
    pub(super) fn signature(key: &Rsa<Private>, content: &[u8], beside: &[&[u8]], frame: [u8; 2]) -> Vec<u8> {
        let mut content = content.to_vec();
        content.resize(key.size() as usize - 22, 0xBB);
        let hash = sha_1(&[&[content.as_slice()], beside].concat());
        rsa::sign(key, &[&frame[..1], &content, &hash, &frame[1..]].concat()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::fixtures::*;
    use super::*;
    use crate::emv::ca_keys::RevocationList;
    use crate::emv::tag::{self, Tag};
    use crate::emv::tlv::TlvBuilder;

    #[test]
    fn cda_comes_before_dda_before_sda_and_needs_both_sides() {
        for (aip, capabilities, expected) in [
            (0x61, 0xC8, Some(Method::Combined)),
            (0x61, 0xC0, Some(Method::Dynamic)),
            (0x61, 0x80, Some(Method::Static)),
            (0x60, 0xC8, Some(Method::Dynamic)),
            (0x40, 0xC8, Some(Method::Static)),
            (0x01, 0xC0, None),
            (0x00, 0xC8, None),
            (0x61, 0x00, None),
        ] {
            assert_eq!(Method::choose([aip, 0], [0, 0, capabilities]), expected, "{aip:02X} {capabilities:02X}");
        }
    }

    #[test]
    fn every_failure_is_a_sentence_without_card_data() {
        let pan = OdaFailure::Pan(Block::CardCertificate).to_string();
        assert_eq!(pan, "the card's certificate (9F46) is about another card number");
        let format = OdaFailure::Format { block: Block::StaticSignature, format: 0x05 }.to_string();
        assert_eq!(format, "the signed static data (93) has format 05 instead of 03");
        let expired = OdaFailure::Expired { block: Block::IssuerCertificate, expiry: [0x12, 0x24] }.to_string();
        assert_eq!(expired, "the issuer's certificate (90) was good until 12/24");
        assert_eq!(OdaFailure::Missing(Tag(0x9F46)).to_string(), "the card does not give 9F46");
    }

    /// Every step over the same bytes, whatever they are.
    fn every_step(bytes: &[u8], pan: &[u8]) -> Vec<OdaFailure> {
        let (issuer, card) = (issuer(), card());
        let mut records = RecordsToAuthenticate::default();
        records.add(1, bytes);
        let failed = records.finish(Some(bytes), [0, 0]).err();
        let parts = KeyParts { certificate: bytes, remainder: Some(bytes), exponent: bytes };
        let (date, static_data) = (DATE, &static_data());
        let input = IssuerCertificate { rid: RID, index: 0x99, parts, pan, date };
        let answer = CombinedInput { unpredictable_number: bytes, terminal_values: &[bytes], answer: bytes };
        [
            failed,
            issuer_key(&KEYS.ca, &RevocationList::default(), &input).err(),
            card_key(&issuer, &CardCertificate { parts, pan, date, static_data }).err(),
            pin_key(&issuer, &PinCertificate { parts, pan, date }).err(),
            verify_static(&issuer, bytes, static_data).err(),
            verify_dynamic(&card, bytes, bytes).err(),
            verify_combined(&card, &answer).err(),
            signature_of(bytes).err(),
            choose_ddol(Some(bytes), None).err(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_step_takes_any_bytes_for_a_signature(bytes in vec(any::<u8>(), 0..260), pan in vec(any::<u8>(), 0..12)) {
            prop_assert!(every_step(&bytes, &pan).len() >= 6);
        }

        /// Behind the right frame and hash anything may stand, when the key above is in the wrong hands.
        #[test]
        fn whatever_is_signed_is_read_or_refused(content in vec(any::<u8>(), 0..200), pan in vec(any::<u8>(), 0..12)) {
            let (keys, exponent) = (&KEYS.private, [3]);
            let with = |format: u8, at: usize| {
                let mut content = [&[format], content.as_slice()].concat();
                content.resize(content.len().max(at + 1), 0);
                content[at] = 1;
                content
            };
            let signed = |key, format, at, beside: &[&[u8]]| signature(key, &with(format, at), beside, FRAME);
            let parts = |certificate| KeyParts { certificate, remainder: None, exponent: &exponent };
            let date = DATE;
            let block = signed(&keys.ca, 0x02, 10, &[&exponent]);
            let input = IssuerCertificate { rid: RID, index: 0x99, parts: parts(&block), pan: &pan, date };
            let _ = issuer_key(&KEYS.ca, &RevocationList::default(), &input);
            let block = signed(&keys.issuer, 0x04, 16, &[&exponent]);
            let _ = pin_key(&issuer(), &PinCertificate { parts: parts(&block), pan: &pan, date });
            let block = signed(&keys.card, 0x05, 1, &[&CHALLENGE]);
            let _ = verify_dynamic(&card(), &block, &CHALLENGE);
            let answer = TlvBuilder::new().with(tag::CRYPTOGRAM_INFORMATION, &[0x40]);
            let answer = answer.with(tag::SIGNED_DYNAMIC_DATA, &block);
            let answer = TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, answer).build();
            let input = CombinedInput { unpredictable_number: &CHALLENGE, terminal_values: &[], answer: &answer };
            prop_assert!(verify_combined(&card(), &input).is_err());
        }
    }
}
