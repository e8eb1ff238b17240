//! The keys of issuer and card, taken out of their certificates (EMV 4.4 Book 2, 5.3, 6.3, 6.4 and 7.1).

use super::block::{Block, Opened};
use super::{OdaFailure, StaticData};
use crate::crypto::rsa::PublicKey;
use crate::emv::ca_keys::{CaKeys, EXPONENTS, LONGEST_MODULUS, RevocationList, Rid, with_century};
use crate::emv::data::DataObjects;
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

/// Takes the key for PIN encipherment out of its certificate (Book 2, 7.1). A card without one enciphers with the key of
/// [`card_key`]: [`PinKey::from`].
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
    name: Vec<u8>,
    /// MMYY.
    expiry: [u8; 2],
    serial: [u8; 3],
    key_algorithm: u8,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Certified {
    /// Opens a certificate and checks everything that is the same for all of them; `NAME` is the length of the name in it.
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
            name: fields.name.to_vec(),
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
        let month_of = |[year, month, _]: [u8; 3]| {
            let (century, year, month, _) = with_century([year, month, 0]);
            (century, year, month)
        };
        if is_month && month_of(date) <= month_of([year, month, 0]) {
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
        let length = self.modulus.len();
        PublicKey::new(&self.modulus, &self.exponent).map_err(|_| OdaFailure::KeyLength {
            block,
            length,
            signer: length,
        })
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

/// Modulus from certificate and remainder (Book 2, 5.3 step 12 and 6.4 step 10).
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

/// Whether an issuer identifier is how the card number begins: three to eight digits, padded with F (Book 2, 5.3 step 8).
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
