//! Keys and cryptograms between card and issuer (EMV 4.4 Book 2, 8 and annex A1), with TDES and with AES. Both ends are
//! ours only in the sandbox; a terminal on a counter never holds these keys.
//!
//! The issuer's key makes the card's, the card's makes a session's, and only a session's makes cryptograms: three
//! types, so that none is taken for another.

use openssl::hash::{MessageDigest, hash};
use zeroize::Zeroizing;

use super::aes::{self, AesKey};
use super::mac::iso9797::Padding;
use super::tdes::{TdesKey, block};
use super::{CryptoError, hex, mac};

/// A card number has at most so many digits (ISO/IEC 7812-1).
const LONGEST_PAN: usize = 19;

/// What keys and cryptograms are computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Double-length TDES, eight-byte blocks.
    Tdes,
    /// AES-128, sixteen-byte blocks.
    Aes,
}

/// PAN sequence number (5F34): tells cards of the same number apart. In the derivation of a card's key it stands as in
/// 5F34, packed: ten is `10`, not `0A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceNumber {
    packed: u8,
}

/// An issuer's master key for application cryptograms (IMK).
#[derive(Clone, Debug)]
pub struct IssuerKey(Key);

/// A card's master key (MK), derived from its issuer's.
#[derive(Clone, Debug)]
pub struct CardKey(Key);

/// The key of one transaction (SK).
#[derive(Clone, Debug)]
pub struct SessionKey(Key);

#[derive(Clone, Debug)]
enum Key {
    Tdes(TdesKey),
    Aes(AesKey),
}

impl SequenceNumber {
    /// Of a card that has none: counts as 00 (annex A1.4).
    pub const NONE: Self = Self { packed: 0 };

    /// From a plain number, as field 23 and files have it.
    ///
    /// # Errors
    /// Above 99.
    pub const fn new(number: u8) -> Result<Self, CryptoError> {
        match number {
            0..=99 => Ok(Self { packed: ((number / 10) << 4) | (number % 10) }),
            _ => Err(CryptoError::Content { what: "a PAN sequence number", allowed: "0 to 99" }),
        }
    }

    /// The byte in 5F34.
    pub const fn packed(self) -> u8 {
        self.packed
    }

    /// The plain number.
    pub const fn number(self) -> u8 {
        (self.packed >> 4) * 10 + (self.packed & 0x0F)
    }
}

impl IssuerKey {
    /// Takes a key of 16 bytes.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, CryptoError> {
        if key.len() != 16 {
            return Err(CryptoError::KeyLength { algorithm: "card issuer's", length: key.len(), allowed: &[16] });
        }
        Ok(Self(match algorithm {
            Algorithm::Tdes => Key::Tdes(TdesKey::new(key)?),
            Algorithm::Aes => Key::Aes(AesKey::new(key)?),
        }))
    }

    /// What the key is for.
    pub const fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Key::Tdes(_) => Algorithm::Tdes,
            Key::Aes(_) => Algorithm::Aes,
        }
    }

    /// Derives a card's master key (annex A1.4): with TDES option A for numbers of up to sixteen digits and option B
    /// for longer ones, with AES option C.
    ///
    /// # Errors
    /// When the number is not one of up to 19 digits.
    pub fn card_master_key(&self, pan: &str, sequence_number: SequenceNumber) -> Result<CardKey, CryptoError> {
        if pan.is_empty() || pan.len() > LONGEST_PAN || !pan.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CryptoError::Content { what: "a card number", allowed: "1 to 19 digits" });
        }
        let digits = format!("{pan}{:02X}", sequence_number.packed);
        Ok(CardKey(match &self.0 {
            Key::Tdes(key) => {
                let chosen = if pan.len() > 16 { decimalised_hash(&digits)? } else { format!("{digits:0>16}") };
                let left = block(&packed(&chosen[chosen.len() - 16..])?)?;
                let mut derived = Zeroizing::new(key.encrypt_ecb(&left)?);
                derived.extend(key.encrypt_ecb(&left.map(|byte| !byte))?);
                set_odd_parity(&mut derived);
                Key::Tdes(TdesKey::new(&derived)?)
            }
            Key::Aes(key) => {
                let mut diversifier = [0; aes::BLOCK];
                diversifier.copy_from_slice(&packed(&format!("{digits:0>32}"))?);
                Key::Aes(AesKey::new(Zeroizing::new(key.encrypt_block(&diversifier)?).as_slice())?)
            }
        }))
    }
}

impl CardKey {
    /// Derives the key of one transaction from the application transaction counter (annex A1.3.1, common session key).
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn session_key(&self, atc: u16) -> Result<SessionKey, CryptoError> {
        let [high, low] = atc.to_be_bytes();
        Ok(SessionKey(match &self.0 {
            Key::Tdes(key) => {
                let mut derived = Zeroizing::new(key.encrypt_ecb(&[high, low, 0xF0, 0, 0, 0, 0, 0])?);
                derived.extend(key.encrypt_ecb(&[high, low, 0x0F, 0, 0, 0, 0, 0])?);
                Key::Tdes(TdesKey::new(&derived)?)
            }
            // Key and block have the same length: one block, and nothing in the third byte.
            Key::Aes(key) => {
                let mut diversifier = [0; aes::BLOCK];
                diversifier[..2].copy_from_slice(&[high, low]);
                Key::Aes(AesKey::new(Zeroizing::new(key.encrypt_block(&diversifier)?).as_slice())?)
            }
        }))
    }
}

impl SessionKey {
    /// The application cryptogram over `data` (8.1.2): ISO/IEC 9797-1 algorithm 3 with padding method 2, or the first
    /// half of a CMAC.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn application_cryptogram(&self, data: &[u8]) -> Result<[u8; 8], CryptoError> {
        match &self.0 {
            Key::Tdes(key) => mac::iso9797::algorithm_3(key, Padding::OneThenZeros, data),
            Key::Aes(key) => block(&key.cmac(data)?),
        }
    }

    /// Authorisation response cryptogram, method 1 (8.2.1): the ARQC XORed with the response code, encrypted.
    ///
    /// # Errors
    /// With AES: its block is longer than the cryptogram, so there is only method 2.
    pub fn response_cryptogram_1(&self, arqc: [u8; 8], response_code: [u8; 2]) -> Result<[u8; 8], CryptoError> {
        let Key::Tdes(key) = &self.0 else {
            return Err(CryptoError::Content { what: "a response cryptogram with AES", allowed: "of method 2" });
        };
        let mut mixed = arqc;
        mixed[0] ^= response_code[0];
        mixed[1] ^= response_code[1];
        block(&key.encrypt_ecb(&mixed)?)
    }

    /// Authorisation response cryptogram, method 2 (8.2.2): the first four bytes of a MAC over the ARQC, the card
    /// status update and the issuer's own data.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn response_cryptogram_2(
        &self,
        arqc: [u8; 8],
        card_status_update: [u8; 4],
        proprietary: &[u8],
    ) -> Result<[u8; 4], CryptoError> {
        let data = [&arqc[..], &card_status_update, proprietary].concat();
        let [one, two, three, four, ..] = self.application_cryptogram(&data)?;
        Ok([one, two, three, four])
    }
}

/// Option B: sixteen digits out of the hash of the packed digits (A1.4.2).
fn decimalised_hash(digits: &str) -> Result<String, CryptoError> {
    let even = format!("{}{digits}", if digits.len() % 2 == 1 { "0" } else { "" });
    Ok(decimalised(&hash(MessageDigest::sha1(), &packed(&even)?)?))
}

/// Takes the decimal digits of a hash first, then its letters turned into digits (A=0 … F=5), sixteen in all.
fn decimalised(hash: &[u8]) -> String {
    let hex = hex::encode(hash);
    let digits = hex.chars().filter(char::is_ascii_digit);
    let letters = hex.chars().filter(char::is_ascii_alphabetic).map(|c| char::from(c as u8 - b'A' + b'0'));
    digits.chain(letters).take(16).collect()
}

fn packed(digits: &str) -> Result<Vec<u8>, CryptoError> {
    hex::decode(digits).map_err(|_| CryptoError::Content { what: "a card number", allowed: "1 to 19 digits" })
}

fn set_odd_parity(key: &mut [u8]) {
    for byte in key {
        if byte.count_ones().is_multiple_of(2) {
            *byte ^= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn card_key(pan: &str, sequence_number: u8) -> CardKey {
        let issuer = IssuerKey::new(Algorithm::Tdes, &bytes::<16>(MASTER)).unwrap();
        issuer.card_master_key(pan, SequenceNumber::new(sequence_number).unwrap()).unwrap()
    }

    fn check_value(key: &Key) -> [u8; 8] {
        match key {
            Key::Tdes(key) => key.check_value().unwrap(),
            Key::Aes(_) => panic!("AES keys have other check values"),
        }
    }

    /// Check values from the tests of pyemv 1.5.0 (github.com/knovichikhin/pyemv, tests/test_kd_hsm.py and
    /// test_ac_hsm.py), which says that a hardware security module gave them. The whole key of option B is from its
    /// documentation of `derive_icc_mk_b`.
    #[test]
    fn master_keys_of_public_vectors() {
        for (option, pan, sequence_number, check) in [
            ("A", "1234567890123456", 0, "BAB0"),
            ("A", "9901234567890123", 45, "1DA5"),
            ("B, 17 digits", "12345678901234567", 45, "0BAF"),
            ("B, 17 digits, no sequence number", "12345678901234567", 0, "4626"),
            ("B, 18 digits", "123456789012345679", 0, "C2F3"),
            ("B, letters of the hash needed", "000000000000000005", 23, "DD73"),
        ] {
            let value = check_value(&card_key(pan, sequence_number).0);
            assert_eq!(hex::encode(&value[..2]), check, "option {option}");
        }
        let whole = TdesKey::new(&bytes::<16>("AD406D7F6D7570916D75E5DCAB8CF737")).unwrap();
        assert_eq!(check_value(&card_key("12345678901234567", 1).0), whole.check_value().unwrap());
    }

    /// From pyemv's documentation of `derive_common_sk`; it sets the parity, which DES does not look at.
    #[test]
    fn a_session_key_of_a_public_vector() {
        let card = CardKey(Key::Tdes(TdesKey::new(&bytes::<16>(MASTER)).unwrap()));
        let expected = TdesKey::new(&bytes::<16>("E9FB384AF807B940FEDCEA613461B0C4")).unwrap();
        assert_eq!(check_value(&card.session_key(0x001C).unwrap().0), expected.check_value().unwrap());
    }

    /// From pyemv's tests/test_cvn_hsm.py (`test_visa_cvn18`) and test_kd_hsm.py (`test_derive_icc_mk_b_sha_pad`):
    /// cryptogram and response cryptogram of method 2.
    #[test]
    fn cryptograms_of_public_vectors() {
        let first = [
            "000000004000",
            "000000000000",
            "0124",
            "8000048000",
            "0124",
            "191105",
            "01",
            "52BF4585",
            "1800",
            "001C",
            "06011203A0B800",
        ]
        .concat();
        let second = "0000000040000000000000000124800004800001241911050152BF45851800001C06011203A0B800";
        for (pan, sequence_number, data, arqc, proprietary, arpc) in [
            ("1234567890123456", 0, first.as_str(), "7A788EA6B8A3E733", "", "9AF514C1"),
            ("000000000000000005", 23, second, "8CAD6F2489C640B1", "12345678", "E39F1876"),
        ] {
            let session = card_key(pan, sequence_number).session_key(0x001C).unwrap();
            let cryptogram = session.application_cryptogram(&hex::decode(data).unwrap()).unwrap();
            assert_eq!(hex::encode(&cryptogram), arqc, "{pan}");
            let proprietary = hex::decode(proprietary).unwrap();
            let answer = session.response_cryptogram_2(cryptogram, [0; 4], &proprietary).unwrap();
            assert_eq!(hex::encode(&answer), arpc, "{pan}");
        }
    }

    /// From pyemv's tests/test_cvn_hsm.py (`test_visa_cvn10`): that cryptogram version takes the card's key for the
    /// session's.
    #[test]
    fn a_response_cryptogram_of_method_1_of_a_public_vector() {
        let session = SessionKey(card_key("1234567890123456", 0).0);
        let answer = session.response_cryptogram_1(bytes("29CCA15AE665FA2E"), *b"00").unwrap();
        assert_eq!(hex::encode(&answer), "28993816AFAE4AEB");
    }

    /// No public vector was found for AES. Computed step by step with the command line of OpenSSL 3.0: `openssl enc
    /// -aes-128-ecb -nopad` for both keys, `openssl mac -cipher AES-128-CBC CMAC` for the cryptograms.
    #[test]
    fn keys_and_cryptograms_with_aes() {
        let issuer = IssuerKey::new(Algorithm::Aes, &bytes::<16>(MASTER)).unwrap();
        let card = issuer.card_master_key("6228480000000001230", SequenceNumber::new(10).unwrap()).unwrap();
        let session = card.session_key(0x001C).unwrap();
        let arqc = session.application_cryptogram(&bytes::<16>("0123456789ABCDEF0123456789ABCDEF")).unwrap();
        assert_eq!(hex::encode(&arqc), "913015247F257507");
        let answer = session.response_cryptogram_2(arqc, [0, 0x80, 0, 0], &[]).unwrap();
        assert_eq!(hex::encode(&answer), "0A910743");
        let refused = session.response_cryptogram_1(arqc, *b"00").unwrap_err().to_string();
        assert!(refused.contains("method 2"), "{refused}");
    }

    #[test]
    fn a_sequence_number_of_ten_is_packed_and_not_counted() {
        let ten = SequenceNumber::new(10).unwrap();
        assert_eq!((ten.packed(), ten.number()), (0x10, 10));
        assert_eq!(SequenceNumber::new(99).unwrap().packed(), 0x99);
        assert_eq!(SequenceNumber::new(0).unwrap(), SequenceNumber::NONE);
        assert!(SequenceNumber::new(100).is_err());
        // Recomputed with SHA-1 over "01234567890123456710" and `openssl enc -des-ede`.
        let value = check_value(&card_key("12345678901234567", 10).0);
        assert_eq!(hex::encode(&value[..2]), "DA6C");
    }

    #[test]
    fn a_card_number_is_digits_and_anything_else_is_refused() {
        let issuer = IssuerKey::new(Algorithm::Tdes, &[0x11; 16]).unwrap();
        for pan in ["", "41111111111111A1", "六二二八四八〇〇", "622848000000000123é", "62284800000000012345"]
        {
            let error = issuer.card_master_key(pan, SequenceNumber::NONE).unwrap_err().to_string();
            assert_eq!(error, "a card number can only be 1 to 19 digits", "{pan}");
        }
        assert!(IssuerKey::new(Algorithm::Tdes, &[0x11; 24]).is_err());
        assert!(IssuerKey::new(Algorithm::Aes, &[0x11; 8]).is_err());
    }

    #[test]
    fn parity_is_odd() {
        let mut key = [0x00, 0x01, 0x03, 0xFE];
        set_odd_parity(&mut key);
        assert!(key.iter().all(|b| b.count_ones() % 2 == 1));
    }

    #[test]
    fn decimalisation_takes_digits_before_letters() {
        assert_eq!(decimalised(&[0xAB, 0x12, 0xCD, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0xEF]), "1234567890123401");
        assert_eq!(decimalised(&[0xAB, 0xCD, 0xEF, 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), "1201234555555555");
    }
}
