//! The keys of issuer and card, taken out of their certificates (EMV 4.4 Book 2, 5.3, 6.3, 6.4 and 7.1).

use zeroize::Zeroizing;

use super::block::{Block, Opened};
use super::{OdaFailure, StaticData};
use crate::crypto::rsa::PublicKey;
use crate::emv::ca_keys::{CaKeys, EXPONENTS, LONGEST_MODULUS, RevocationList, Rid};
use crate::emv::data::DataObjects;
use crate::emv::restrictions::with_century;
use crate::emv::tag::{self, Tag};

/// The only public key algorithm indicator there is: RSA (Book 2, annex B2.1).
const RSA: u8 = 0x01;

/// The issuer's key, out of a certificate that the scheme signed.
#[derive(Clone, Debug)]
pub struct IssuerKey(pub(super) PublicKey);

/// The card's key, out of a certificate that the issuer signed.
#[derive(Clone, Debug)]
pub struct CardKey(pub(super) PublicKey);

/// The card's key for PIN encipherment, out of a certificate that the issuer signed.
#[derive(Clone, Debug)]
pub struct PinKey(pub PublicKey);

/// The three data objects that make a certified key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// The signed block.
    pub certificate: &'a [u8],
    /// What of the modulus did not fit into it.
    pub remainder: Option<&'a [u8]>,
    /// The exponent.
    pub exponent: &'a [u8],
}

/// What the issuer's certificate is checked with.
#[derive(Clone, Copy)]
pub struct IssuerCertificate<'a> {
    /// Owner of the application: from the name by which it was selected.
    pub rid: Rid,
    /// Index of the CA key (tag 8F).
    pub index: u8,
    /// Tags 90, 92 and 9F32.
    pub parts: KeyParts<'a>,
    /// Card number (tag 5A).
    pub pan: &'a [u8],
    /// Transaction date (tag 9A).
    pub date: [u8; 3],
}

/// What the card's certificate is checked with.
#[derive(Clone, Copy)]
pub struct CardCertificate<'a> {
    /// Tags 9F46, 9F48 and 9F47.
    pub parts: KeyParts<'a>,
    /// Card number (tag 5A).
    pub pan: &'a [u8],
    /// Transaction date (tag 9A).
    pub date: [u8; 3],
    /// Records and AIP that the certificate also vouches for.
    pub static_data: &'a StaticData,
}

/// What the certificate of the PIN encipherment key is checked with.
#[derive(Clone, Copy)]
pub struct PinCertificate<'a> {
    /// Tags 9F2D, 9F2F and 9F2E.
    pub parts: KeyParts<'a>,
    /// Card number (tag 5A).
    pub pan: &'a [u8],
    /// Transaction date (tag 9A).
    pub date: [u8; 3],
}

/// Takes the issuer's key out of its certificate (Book 2, 5.3 and 6.3).
///
/// # Errors
/// The check that failed.
pub fn issuer_key(
    ca_keys: &CaKeys,
    revoked: &RevocationList,
    input: &IssuerCertificate<'_>,
) -> Result<IssuerKey, OdaFailure> {
    let (rid, index) = (input.rid, input.index);
    let ca = ca_keys.find(rid, index).ok_or(OdaFailure::CaKeyUnknown { rid, index })?;
    if ca.is_expired(input.date) {
        return Err(OdaFailure::CaKeyExpired { rid, index });
    }
    let certified = Certified::open::<4>(Block::IssuerCertificate, &ca.key, &input.parts, &[])?;
    if !is_prefix(&certified.name, input.pan) {
        return Err(OdaFailure::Pan(Block::IssuerCertificate));
    }
    certified.good_on(input.date)?;
    if revoked.has(rid, index, certified.serial) {
        return Err(OdaFailure::Revoked { serial: certified.serial });
    }
    certified.key().map(IssuerKey)
}

/// Takes the card's key out of its certificate, which vouches for the static data too (Book 2, 6.4).
///
/// # Errors
/// The check that failed.
pub fn card_key(issuer: &IssuerKey, input: &CardCertificate<'_>) -> Result<CardKey, OdaFailure> {
    let certified =
        Certified::open::<10>(Block::CardCertificate, &issuer.0, &input.parts, input.static_data.as_bytes())?;
    certified.of_card(input.pan, input.date).map(CardKey)
}

/// Takes the key for PIN encipherment out of its certificate (Book 2, 7.1). A card without one enciphers with the key
/// of [`card_key`]: [`PinKey::from`].
///
/// # Errors
/// The check that failed.
pub fn pin_key(issuer: &IssuerKey, input: &PinCertificate<'_>) -> Result<PinKey, OdaFailure> {
    let certified = Certified::open::<10>(Block::PinCertificate, &issuer.0, &input.parts, &[])?;
    certified.of_card(input.pan, input.date).map(PinKey)
}

/// The card's key serves for PINs when it has none for that purpose (Book 2, 7.1).
impl From<CardKey> for PinKey {
    fn from(key: CardKey) -> Self {
        Self(key.0)
    }
}

impl<'a> KeyParts<'a> {
    /// From the card's data objects; an empty remainder counts as absent (Book 3, 7.2).
    ///
    /// # Errors
    /// [`OdaFailure::Missing`] without certificate or exponent.
    pub fn from_card(data: &'a DataObjects, [certificate, remainder, exponent]: [Tag; 3]) -> Result<Self, OdaFailure> {
        Ok(Self {
            certificate: required(data, certificate)?,
            remainder: data.get(remainder).filter(|value| !value.is_empty()),
            exponent: required(data, exponent)?,
        })
    }
}

impl<'a> IssuerCertificate<'a> {
    /// From the card's data objects: tags 8F, 90, 92, 9F32 and 5A.
    ///
    /// # Errors
    /// [`OdaFailure::Missing`].
    pub fn from_card(rid: Rid, data: &'a DataObjects, date: [u8; 3]) -> Result<Self, OdaFailure> {
        let &[index] = required(data, tag::CA_KEY_INDEX)? else {
            return Err(OdaFailure::Missing(tag::CA_KEY_INDEX));
        };
        let parts = KeyParts::from_card(data, [tag::ISSUER_CERTIFICATE, tag::ISSUER_REMAINDER, tag::ISSUER_EXPONENT])?;
        Ok(Self { rid, index, parts, pan: required(data, tag::PAN)?, date })
    }
}

impl<'a> CardCertificate<'a> {
    /// From the card's data objects: tags 9F46, 9F48, 9F47 and 5A.
    ///
    /// # Errors
    /// [`OdaFailure::Missing`].
    pub fn from_card(data: &'a DataObjects, static_data: &'a StaticData, date: [u8; 3]) -> Result<Self, OdaFailure> {
        let parts = KeyParts::from_card(data, [tag::ICC_CERTIFICATE, tag::ICC_REMAINDER, tag::ICC_EXPONENT])?;
        Ok(Self { parts, pan: required(data, tag::PAN)?, date, static_data })
    }
}

impl<'a> PinCertificate<'a> {
    /// From the card's data objects: tags 9F2D, 9F2F, 9F2E and 5A.
    ///
    /// # Errors
    /// [`OdaFailure::Missing`].
    pub fn from_card(data: &'a DataObjects, date: [u8; 3]) -> Result<Self, OdaFailure> {
        let parts = KeyParts::from_card(data, [tag::PIN_CERTIFICATE, tag::PIN_REMAINDER, tag::PIN_EXPONENT])?;
        Ok(Self { parts, pan: required(data, tag::PAN)?, date })
    }
}

fn required(data: &DataObjects, tag: Tag) -> Result<&[u8], OdaFailure> {
    data.get(tag).filter(|value| !value.is_empty()).ok_or(OdaFailure::Missing(tag))
}

/// What a certificate with a right hash says.
struct Certified {
    block: Block,
    /// Whose key: an issuer identifier or a card number, padded with F.
    name: Zeroizing<Vec<u8>>,
    /// MMYY.
    expiry: [u8; 2],
    serial: [u8; 3],
    key_algorithm: u8,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Certified {
    /// Opens a certificate and checks what is the same for all of them; `NAME` is the length of the name in it.
    fn open<const NAME: usize>(
        block: Block,
        signer: &PublicKey,
        parts: &KeyParts<'_>,
        static_data: &[u8],
    ) -> Result<Self, OdaFailure> {
        let opened = Opened::open(block, signer, parts.certificate)?;
        let fields = Fields::split::<NAME>(opened.content()).ok_or(OdaFailure::BlockLength {
            block,
            length: parts.certificate.len(),
            key: signer.length(),
        })?;
        let modulus = whole_modulus(block, signer.length(), &fields, parts.remainder.unwrap_or_default())?;
        if usize::from(fields.exponent_length) != parts.exponent.len() {
            let (announced, length) = (usize::from(fields.exponent_length), parts.exponent.len());
            return Err(OdaFailure::ExponentLength { block, announced, length });
        }
        opened.vouches_for(&[parts.remainder.unwrap_or_default(), parts.exponent, static_data])?;
        Ok(Self {
            block,
            name: Zeroizing::new(fields.name.to_vec()),
            expiry: fields.expiry,
            serial: fields.serial,
            key_algorithm: fields.key_algorithm,
            modulus,
            exponent: parts.exponent.to_vec(),
        })
    }

    /// The last checks of a certificate about a card.
    fn of_card(self, pan: &[u8], date: [u8; 3]) -> Result<PublicKey, OdaFailure> {
        if !digits(&self.name).eq(digits(pan)) {
            return Err(OdaFailure::Pan(self.block));
        }
        self.good_on(date)?;
        self.key()
    }

    /// A certificate is good to the end of its last month.
    fn good_on(&self, date: [u8; 3]) -> Result<(), OdaFailure> {
        let [month, year] = self.expiry;
        let is_month = matches!(month, 0x01..=0x09 | 0x10..=0x12) && year >> 4 <= 9 && year & 0x0F <= 9;
        let (century, this_year, this_month, _) = with_century(date);
        let (last_century, ..) = with_century([year, month, 0]);
        if is_month && (century, this_year, this_month) <= (last_century, year, month) {
            Ok(())
        } else {
            Err(OdaFailure::Expired { block: self.block, expiry: self.expiry })
        }
    }

    fn key(self) -> Result<PublicKey, OdaFailure> {
        let block = self.block;
        if self.key_algorithm != RSA {
            return Err(OdaFailure::KeyAlgorithm { block, indicator: self.key_algorithm });
        }
        if !EXPONENTS.contains(&self.exponent.as_slice()) {
            return Err(OdaFailure::Exponent(block));
        }
        PublicKey::new(&self.modulus, &self.exponent).map_err(|_| OdaFailure::Modulus(block))
    }
}

/// The fields of an opened certificate (Book 2, tables 6 and 14).
struct Fields<'a> {
    name: &'a [u8],
    expiry: [u8; 2],
    serial: [u8; 3],
    key_algorithm: u8,
    key_length: u8,
    exponent_length: u8,
    /// The modulus, or its left part, with padding.
    modulus: &'a [u8],
}

impl<'a> Fields<'a> {
    fn split<const NAME: usize>(content: &'a [u8]) -> Option<Self> {
        let (_format, rest) = content.split_first()?;
        let (name, rest) = rest.split_first_chunk::<NAME>()?;
        let (expiry, rest) = rest.split_first_chunk()?;
        let (serial, rest) = rest.split_first_chunk()?;
        let (&[_hash_algorithm, key_algorithm, key_length, exponent_length], modulus) = rest.split_first_chunk()?;
        Some(Self { name, expiry: *expiry, serial: *serial, key_algorithm, key_length, exponent_length, modulus })
    }
}

/// Modulus from certificate and remainder (Book 2, 5.3 step 12 and 6.4 step 11).
///
/// The remainder is there exactly when the modulus is longer than the room in the certificate, and is exactly the rest.
fn whole_modulus(block: Block, signer: usize, fields: &Fields<'_>, remainder: &[u8]) -> Result<Vec<u8>, OdaFailure> {
    let length = usize::from(fields.key_length);
    if length == 0 || length > signer || length > LONGEST_MODULUS {
        return Err(OdaFailure::KeyLength { block, length, signer });
    }
    let inside = &fields.modulus[..length.min(fields.modulus.len())];
    let expected = length - inside.len();
    if remainder.len() != expected {
        return Err(OdaFailure::Remainder { block, length: remainder.len(), expected });
    }
    Ok([inside, remainder].concat())
}

/// Whether an issuer identifier is how the card number begins: three to eight digits, padded with F (Book 2, 5.3 step
/// 8).
fn is_prefix(identifier: &[u8], pan: &[u8]) -> bool {
    let count = digits(identifier).count();
    count >= 3 && digits(identifier).eq(digits(pan).take(count))
}

/// The digits of packed decimal without the F behind them. An F between digits stays, and fits no card number.
fn digits(packed: &[u8]) -> impl Iterator<Item = u8> {
    let padding = packed.iter().rev().flat_map(|byte| [byte & 0x0F, byte >> 4]).take_while(|digit| *digit == 0x0F);
    let count = packed.len() * 2 - padding.count();
    packed.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).take(count)
}

#[cfg(test)]
mod tests {
    use openssl::pkey::Private;
    use openssl::rsa::Rsa;

    use super::super::fixtures::*;
    use super::*;
    use crate::crypto::rsa::{self, sha_1};
    use crate::sandbox::card::authentication::{Subject, certify};
    use crate::sandbox::card::keys::CA_KEY_INDEX;

    /// A certificate, and all that it is checked with. A case makes one thing of it wrong.
    #[derive(Clone)]
    struct Situation {
        block: Block,
        header: u8,
        format: u8,
        name: Vec<u8>,
        expiry: [u8; 2],
        hash_algorithm: u8,
        key_algorithm: u8,
        key_length: u8,
        exponent_length: u8,
        /// First byte of the modulus.
        first: u8,
        hash_is_wrong: bool,
        trailer: u8,
        /// Bytes cut off the signed block.
        cut: usize,
        /// What the card gives instead of a signed block.
        instead: Option<u8>,
        remainder: Option<Vec<u8>>,
        exponent: Vec<u8>,
        rid: Rid,
        index: u8,
        pan: Vec<u8>,
        date: [u8; 3],
        revoked: bool,
    }

    impl Situation {
        fn good(block: Block) -> Self {
            let (_, key, name) = parties(block);
            let modulus = key.n().to_vec();
            let exponent = key.e().to_vec();
            let mut situation = Self {
                block,
                header: 0x6A,
                format: block.format(),
                name: name.to_vec(),
                expiry: [0x12, 0x49],
                hash_algorithm: 1,
                key_algorithm: 1,
                key_length: modulus.len() as u8,
                exponent_length: exponent.len() as u8,
                first: modulus[0],
                hash_is_wrong: false,
                trailer: 0xBC,
                cut: 0,
                instead: None,
                remainder: None,
                exponent,
                rid: RID,
                index: CA_KEY_INDEX,
                pan: PAN.to_vec(),
                date: DATE,
                revoked: false,
            };
            situation.remainder = Some(modulus[situation.room()..].to_vec());
            situation
        }

        /// Bytes of the modulus that fit into the certificate.
        fn room(&self) -> usize {
            parties(self.block).0.size() as usize - self.block.overhead()
        }

        fn certificate(&self) -> Vec<u8> {
            let (signer, key, _) = parties(self.block);
            if let Some(byte) = self.instead {
                return vec![byte; signer.size() as usize];
            }
            let mut content = vec![self.format];
            content.extend(&self.name);
            content.extend(self.expiry);
            content.extend(SERIAL);
            content.extend([self.hash_algorithm, self.key_algorithm, self.key_length, self.exponent_length]);
            content.push(self.first);
            content.extend(&key.n().to_vec()[1..self.room()]);
            let beside = static_data();
            let beside = if self.block == Block::CardCertificate { beside.as_bytes() } else { &[] };
            let remainder = self.remainder.as_deref().unwrap_or_default();
            let mut hash = sha_1(&[&content, remainder, &self.exponent, beside]);
            hash[0] ^= u8::from(self.hash_is_wrong);
            let block = [&[self.header], content.as_slice(), &hash, &[self.trailer]].concat();
            let mut signed = rsa::sign(signer, &block).unwrap();
            signed.truncate(signed.len() - self.cut);
            signed
        }

        fn outcome(&self) -> Result<(), OdaFailure> {
            let certificate = self.certificate();
            let parts =
                KeyParts { certificate: &certificate, remainder: self.remainder.as_deref(), exponent: &self.exponent };
            let (pan, date) = (self.pan.as_slice(), self.date);
            let issuer = || issuer_key(&KEYS.ca, &RevocationList::default(), &good_issuer());
            match self.block {
                Block::IssuerCertificate => {
                    let entries = self.revoked.then_some((RID, CA_KEY_INDEX, SERIAL));
                    let input = IssuerCertificate { rid: self.rid, index: self.index, parts, pan, date };
                    issuer_key(&KEYS.ca, &RevocationList::new(entries), &input).map(drop)
                }
                Block::CardCertificate => {
                    let static_data = static_data();
                    let input = CardCertificate { parts, pan, date, static_data: &static_data };
                    card_key(&issuer()?, &input).map(drop)
                }
                Block::PinCertificate => pin_key(&issuer()?, &PinCertificate { parts, pan, date }).map(drop),
                Block::StaticSignature | Block::DynamicSignature => unreachable!("no certificate"),
            }
        }
    }

    /// Who signs a certificate, whose key is in it, and how it names them.
    fn parties(block: Block) -> (&'static Rsa<Private>, &'static Rsa<Private>, &'static [u8]) {
        let keys = &KEYS.private;
        match block {
            Block::IssuerCertificate => (&keys.ca, &keys.issuer, &[0x62, 0x28, 0x48, 0xFF]),
            _ => (&keys.issuer, &keys.card, PAN),
        }
    }

    #[test]
    fn keys_come_out_of_their_certificates_whole() {
        let keys = &KEYS.private;
        assert_eq!(issuer().0.modulus(), keys.issuer.n().to_vec());
        assert_eq!(card().0.modulus(), keys.card.n().to_vec());
        assert_eq!(card().0.exponent(), keys.card.e().to_vec());
        assert_eq!(PinKey::from(card()).0.modulus(), keys.card.n().to_vec());
        for block in [Block::IssuerCertificate, Block::CardCertificate, Block::PinCertificate] {
            assert_eq!(Situation::good(block).outcome(), Ok(()), "{block}");
        }
    }

    #[test]
    fn a_key_that_fits_its_certificate_needs_no_remainder() {
        let small = Rsa::generate(768).unwrap();
        let made = certify(&KEYS.private.ca, Subject::Issuer([0x62, 0x28, 0xFF, 0xFF]), [0x12, 0x49], SERIAL, &small);
        let made = made.unwrap();
        assert!(made.remainder.is_empty());
        let parts = KeyParts { certificate: &made.block, remainder: None, exponent: &made.exponent };
        let input = IssuerCertificate { parts, ..good_issuer() };
        let key = issuer_key(&KEYS.ca, &RevocationList::default(), &input).unwrap();
        assert_eq!(key.0.modulus(), small.n().to_vec());
    }

    #[test]
    fn every_single_fault_of_a_certificate_has_its_own_name() {
        type Fault = fn(&mut Situation);
        for block in [Block::IssuerCertificate, Block::CardCertificate, Block::PinCertificate] {
            let good = Situation::good(block);
            let signer = parties(block).0.size() as usize;
            let rest = usize::from(good.key_length) - good.room();
            let exponent = good.exponent.len();
            let cases: &[(Fault, OdaFailure)] = &[
                (|it| it.cut = 1, OdaFailure::BlockLength { block, length: signer - 1, key: signer }),
                (|it| it.instead = Some(0xFF), OdaFailure::Opening(block)),
                (|it| it.trailer = 0xBD, OdaFailure::Trailer(block)),
                (|it| it.header = 0x6B, OdaFailure::Header(block)),
                (|it| it.format = 0x03, OdaFailure::Format { block, format: 0x03 }),
                (|it| it.hash_algorithm = 2, OdaFailure::HashAlgorithm { block, indicator: 2 }),
                (|it| it.key_algorithm = 2, OdaFailure::KeyAlgorithm { block, indicator: 2 }),
                (|it| it.key_length = 0, OdaFailure::KeyLength { block, length: 0, signer }),
                (|it| it.key_length = 249, OdaFailure::KeyLength { block, length: 249, signer }),
                (|it| it.key_length -= 1, OdaFailure::Remainder { block, length: rest, expected: rest - 1 }),
                (|it| it.key_length = 64, OdaFailure::Remainder { block, length: rest, expected: 0 }),
                (|it| it.remainder = None, OdaFailure::Remainder { block, length: 0, expected: rest }),
                (|it| it.exponent_length = 2, OdaFailure::ExponentLength { block, announced: 2, length: exponent }),
                (
                    |it| {
                        it.exponent_length = 1;
                        it.exponent = vec![5];
                    },
                    OdaFailure::Exponent(block),
                ),
                (|it| it.first = 0, OdaFailure::Modulus(block)),
                (|it| it.hash_is_wrong = true, OdaFailure::Hash(block)),
                (|it| it.name[1] = 0x29, OdaFailure::Pan(block)),
                (|it| it.pan[1] = 0x29, OdaFailure::Pan(block)),
                (|it| it.expiry = [0x10, 0x26], OdaFailure::Expired { block, expiry: [0x10, 0x26] }),
                (|it| it.expiry = [0x13, 0x26], OdaFailure::Expired { block, expiry: [0x13, 0x26] }),
                (|it| it.expiry = [0x00, 0x27], OdaFailure::Expired { block, expiry: [0x00, 0x27] }),
            ];
            for (number, (fault, expected)) in cases.iter().enumerate() {
                let mut situation = good.clone();
                fault(&mut situation);
                assert_eq!(situation.outcome().as_ref(), Err(expected), "{block}, case {number}");
            }
        }
    }

    #[test]
    fn the_issuers_certificate_is_good_only_under_a_known_key_and_for_its_own_cards() {
        type Fault = fn(&mut Situation);
        let block = Block::IssuerCertificate;
        let cases: &[(Fault, OdaFailure)] = &[
            (|it| it.index = 0x98, OdaFailure::CaKeyUnknown { rid: RID, index: 0x98 }),
            (
                |it| it.rid.0[4] = 0x34,
                OdaFailure::CaKeyUnknown { rid: Rid([0xA0, 0, 0, 3, 0x34]), index: CA_KEY_INDEX },
            ),
            (|it| it.revoked = true, OdaFailure::Revoked { serial: SERIAL }),
            (|it| it.name = vec![0x62, 0xFF, 0xFF, 0xFF], OdaFailure::Pan(block)),
            (|it| it.name = vec![0xFF; 4], OdaFailure::Pan(block)),
            (|it| it.name = vec![0x62, 0xF8, 0x48, 0x00], OdaFailure::Pan(block)),
            (|it| it.pan = vec![0x62], OdaFailure::Pan(block)),
        ];
        for (number, (fault, expected)) in cases.iter().enumerate() {
            let mut situation = Situation::good(block);
            fault(&mut situation);
            assert_eq!(situation.outcome().as_ref(), Err(expected), "case {number}");
        }
        for identifier in [[0x62, 0x2F, 0xFF, 0xFF], [0x62, 0x28, 0xFF, 0xFF], [0x62, 0x28, 0x48, 0x00]] {
            let mut situation = Situation::good(block);
            situation.name = identifier.to_vec();
            assert_eq!(situation.outcome(), Ok(()), "{identifier:02X?}");
        }
    }

    #[test]
    fn a_certificate_is_good_to_the_end_of_its_month() {
        for (expiry, date, good) in [
            ([0x11, 0x26], [0x26, 0x11, 0x30], true),
            ([0x11, 0x26], [0x26, 0x12, 0x01], false),
            ([0x12, 0x26], [0x27, 0x01, 0x01], false),
            ([0x01, 0x27], [0x26, 0x12, 0x31], true),
            ([0x12, 0x99], [0x26, 0x11, 0x24], false),
            ([0x12, 0x49], [0x99, 0x12, 0x31], true),
        ] {
            let mut situation = Situation::good(Block::CardCertificate);
            (situation.expiry, situation.date) = (expiry, date);
            assert_eq!(situation.outcome().is_ok(), good, "{expiry:02X?} on {date:02X?}");
        }
    }

    #[test]
    fn a_ca_key_is_good_to_its_last_day() {
        let text = toml::to_string(&KEYS.private.ca_public_key(RID.0).unwrap()).unwrap();
        let ca = CaKeys::parse(&text.replace("2049-12-31", "2026-11-23")).unwrap();
        let on = |date| issuer_key(&ca, &RevocationList::default(), &IssuerCertificate { date, ..good_issuer() });
        assert!(on([0x26, 0x11, 0x23]).is_ok());
        let expected = OdaFailure::CaKeyExpired { rid: RID, index: CA_KEY_INDEX };
        assert_eq!(on([0x26, 0x11, 0x24]).err(), Some(expected));
    }

    #[test]
    fn a_card_certificate_vouches_for_the_static_data_as_well() {
        let static_data = static_data();
        let subject = Subject::Card { pan: PAN.try_into().unwrap(), static_data: static_data.as_bytes() };
        let keys = &KEYS.private;
        let made = certify(&keys.issuer, subject, [0x12, 0x49], SERIAL, &keys.card).unwrap();
        let parts = KeyParts { certificate: &made.block, remainder: Some(&made.remainder), exponent: &made.exponent };
        let other = records().finish(Some(&[0x82]), [0x79, 0x00]).unwrap();
        let input = CardCertificate { parts, pan: PAN, date: DATE, static_data: &other };
        assert_eq!(card_key(&issuer(), &input).err(), Some(OdaFailure::Hash(Block::CardCertificate)));
    }

    #[test]
    fn what_the_card_does_not_give_is_named_and_an_empty_remainder_is_none() {
        let mut data = DataObjects::default();
        let given = [
            tag::CA_KEY_INDEX,
            tag::ISSUER_CERTIFICATE,
            tag::ISSUER_EXPONENT,
            tag::ICC_CERTIFICATE,
            tag::ICC_EXPONENT,
            tag::PIN_CERTIFICATE,
            tag::PIN_EXPONENT,
            tag::PAN,
        ];
        let empty = [tag::ISSUER_REMAINDER, tag::ICC_REMAINDER, tag::PIN_REMAINDER];
        given.iter().for_each(|tag| data.put(*tag, [1]));
        empty.iter().for_each(|tag| data.put(*tag, []));
        let static_data = static_data();
        let missing = |data: &DataObjects| -> Vec<Option<OdaFailure>> {
            vec![
                IssuerCertificate::from_card(RID, data, DATE).err(),
                CardCertificate::from_card(data, &static_data, DATE).err(),
                PinCertificate::from_card(data, DATE).err(),
            ]
        };
        assert_eq!(missing(&data), [None, None, None]);
        assert_eq!(IssuerCertificate::from_card(RID, &data, DATE).unwrap().parts.remainder, None);
        for tag in given {
            for value in [None, Some([])] {
                let mut data = data.clone();
                match value {
                    None => data.remove(tag),
                    Some(empty) => data.put(tag, empty),
                }
                let failures: Vec<_> = missing(&data).into_iter().flatten().collect();
                assert!(!failures.is_empty() && failures.iter().all(|failure| *failure == OdaFailure::Missing(tag)));
                // What is missing for a PIN makes the method fail and no more; without a number nothing begins (Book 3, 7.5).
                let told = ![tag::PIN_CERTIFICATE, tag::PIN_EXPONENT, tag::PAN].contains(&tag);
                assert!(failures.iter().all(|failure| failure.is_missing_data() == told), "{tag}");
            }
        }
    }
}
