//! The objects of a terminal in a token: how they are called, made, found and destroyed.
//!
//! An object is known by its label, which names the set that it belongs to, and by the number of the record it was made with
//! (`CKA_ID`). Keys are sensitive and cannot be extracted: the token gives none of them away, to us neither.

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use zeroize::{Zeroize, Zeroizing};

use super::TokenFault;
use super::key_set::KeySet;
use super::record::Record;
use crate::vault::KeyName;

/// What all our objects are called after.
const APPLICATION: &[u8] = b"yima";

/// The curve P-256 by its object identifier (RFC 5480, 2.1.1.1), in DER.
const CURVE: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// An octet string of 65 bytes, in DER: what stands before a point.
const POINT_FRONT: [u8; 2] = [0x04, 65];

/// Bytes of a TDES key in a token: always three parts.
const TDES: usize = 24;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What counts.
    Record,
    /// The device key pair, both halves.
    Pair,
    /// The key that seals the device key.
    Sealing,
    /// A TDES key.
    Key(KeyName),
    /// A key that wraps others, which work in our memory.
    Storage,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Record,
        Self::Pair,
        Self::Sealing,
        Self::Key(KeyName::Master),
        Self::Key(KeyName::Pin),
        Self::Key(KeyName::Mac),
        Self::Key(KeyName::Data),
        Self::Storage,
    ];

    fn label(self, set: &KeySet) -> Attribute {
        let words = match self {
            Self::Record => "record",
            Self::Pair => "device key pair",
            Self::Sealing => "sealing key",
            Self::Key(name) => name.words(),
            Self::Storage => "storage key",
        };
        Attribute::Label(set.label(words))
    }

    /// The number that counts of this kind; of storage keys there may be several.
    fn number(self, record: &Record) -> Option<u64> {
        match self {
            Self::Record => Some(record.number),
            Self::Pair => record.pair,
            Self::Sealing => record.device.as_ref().map(|device| device.number),
            Self::Key(name) => record.entry(name).map(|entry| entry.number),
            Self::Storage => None,
        }
    }

    /// Whether an object of this kind and number counts.
    fn counts(self, record: &Record, number: u64) -> bool {
        match self {
            Self::Storage => record.storage.contains(&number),
            Self::Record | Self::Pair | Self::Sealing | Self::Key(_) => self.number(record) == Some(number),
        }
    }
}

/// The objects of one set of keys, as a session sees them.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'a> {
    pub session: &'a Session,
    pub set: &'a KeySet,
}

impl Shelf<'_> {
    /// Makes the device key pair.
    pub fn generate_pair(&self, number: u64) -> Result<(), TokenFault> {
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Modifiable(false),
            Attribute::EcParams(CURVE.to_vec()),
            Attribute::Verify(true),
            Kind::Pair.label(self.set),
            id(number),
        ];
        let mut private = kept(self.set, Kind::Pair, number);
        private.extend([Attribute::Sign(true), Attribute::Derive(true)]);
        self.session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
        Ok(())
    }

    /// Makes the key that seals, or one that wraps.
    pub fn generate_aes_key(&self, kind: Kind, number: u64) -> Result<ObjectHandle, TokenFault> {
        let mut template = kept(self.set, kind, number);
        template.extend([Attribute::ValueLen(32.into()), Attribute::Encrypt(true), Attribute::Decrypt(true)]);
        Ok(self.session.generate_key(&Mechanism::AesKeyGen, &template)?)
    }

    /// Puts a TDES key into the token. It is in our memory until then.
    pub fn put_key(&self, name: KeyName, number: u64, key: &[u8], unwraps: bool) -> Result<ObjectHandle, TokenFault> {
        let mut template = key_template(self.set, name, number, unwraps);
        template.push(Attribute::Value(with_odd_parity(three_parts(key).as_slice())));
        let made = self.session.create_object(&template);
        for attribute in &mut template {
            if let Attribute::Value(value) = attribute {
                value.zeroize();
            }
        }
        Ok(made?)
    }

    /// Lets the token take a TDES key that the master key wraps (ECB). Nobody but the token sees it.
    pub fn unwrap_key(
        &self,
        master: ObjectHandle,
        name: KeyName,
        number: u64,
        sealed: &[u8],
    ) -> Result<ObjectHandle, TokenFault> {
        let template = key_template(self.set, name, number, true);
        // Each block was wrapped on its own, so that three parts of the key are three parts of what wraps it.
        Ok(self.session.unwrap_key(&Mechanism::Des3Ecb, master, three_parts(sealed).as_slice(), &template)?)
    }

    /// The object of a kind that counts; of a pair, the half of a class.
    pub fn find(&self, kind: Kind, class: ObjectClass, record: &Record) -> Result<Option<ObjectHandle>, TokenFault> {
        kind.number(record).map_or(Ok(None), |number| self.find_number(kind, class, number))
    }

    /// The object of a kind that has this number.
    pub fn find_number(&self, kind: Kind, class: ObjectClass, number: u64) -> Result<Option<ObjectHandle>, TokenFault> {
        let template = [Attribute::Token(true), Attribute::Class(class), kind.label(self.set), id(number)];
        Ok(self.session.find_objects(&template)?.pop())
    }

    /// The record that counts; none in a token that has not been used.
    pub fn read_record(&self) -> Result<Option<Record>, TokenFault> {
        let mut newest: Option<Record> = None;
        for object in self.session.find_objects(&self.record_template())? {
            let record = Record::parse(value(self.session, object)?.as_deref().map_or(&[], Vec::as_slice))?;
            if newest.as_ref().is_none_or(|newest| newest.number < record.number) {
                newest = Some(record);
            }
        }
        Ok(newest)
    }

    /// Writes a record: from here on it counts.
    pub fn write_record(&self, record: &Record) -> Result<(), TokenFault> {
        let mut template = self.record_template();
        template.extend([Attribute::Private(true), Attribute::Modifiable(false), Attribute::Value(record.bytes()?)]);
        self.session.create_object(&template)?;
        Ok(())
    }

    /// Destroys all our objects that a record does not name; without one, all of them.
    pub fn tidy(&self, record: Option<&Record>) -> Result<(), TokenFault> {
        let mut result = Ok(());
        for kind in Kind::ALL {
            let template = match kind {
                Kind::Record => self.record_template(),
                _ => vec![Attribute::Token(true), kind.label(self.set)],
            };
            let objects = self.session.find_objects(&template).unwrap_or_else(|error| {
                // The other kinds go all the same.
                result = Err(error.into());
                Vec::new()
            });
            for object in objects {
                let counts = match record {
                    Some(record) => {
                        number_of(self.session, kind, object)?.is_some_and(|number| kind.counts(record, number))
                    }
                    None => false,
                };
                if counts {
                    continue;
                }
                match self.session.destroy_object(object) {
                    // Somebody else was quicker.
                    Ok(()) | Err(Error::Pkcs11(RvError::ObjectHandleInvalid, _)) => {}
                    Err(error) => result = Err(error.into()),
                }
            }
        }
        result
    }

    fn record_template(&self) -> Vec<Attribute> {
        vec![
            Attribute::Class(ObjectClass::DATA),
            Attribute::Token(true),
            Attribute::Application(APPLICATION.to_vec()),
            Kind::Record.label(self.set),
        ]
    }
}

fn id(number: u64) -> Attribute {
    Attribute::Id(number.to_be_bytes().to_vec())
}

/// What every key of ours is.
fn kept(set: &KeySet, kind: Kind, number: u64) -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Modifiable(false),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        kind.label(set),
        id(number),
    ]
}

/// What a TDES key may be used for, and no more.
fn key_template(set: &KeySet, name: KeyName, number: u64, unwraps: bool) -> Vec<Attribute> {
    let (encrypts, decrypts, unwraps) = match name {
        // A token that cannot unwrap has to decrypt.
        KeyName::Master => (false, !unwraps, unwraps),
        KeyName::Pin | KeyName::Mac => (true, false, false),
        KeyName::Data => (true, true, false),
        KeyName::Device => (false, false, false),
    };
    let mut template = kept(set, Kind::Key(name), number);
    template.extend([
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::DES3),
        Attribute::Encrypt(encrypts),
        Attribute::Decrypt(decrypts),
        Attribute::Unwrap(unwraps),
        Attribute::Wrap(false),
        Attribute::Derive(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
    ]);
    template
}

/// A key of 8 or 16 bytes is one of 24 whose parts repeat (ANSI X9.52, keying options 2 and 3).
fn three_parts(key: &[u8]) -> Zeroizing<[u8; TDES]> {
    let mut parts = Zeroizing::new([0; TDES]);
    for (to, from) in parts.iter_mut().zip(key.iter().cycle()) {
        *to = *from;
    }
    parts
}

/// Tokens may refuse a DES key whose bytes have an even number of ones (PKCS #11, DES3 secret key objects). The last bit
/// of a byte has no other use.
fn with_odd_parity(key: &[u8]) -> Vec<u8> {
    key.iter().map(|byte| if byte.count_ones().is_multiple_of(2) { byte ^ 1 } else { *byte }).collect()
}

/// What the device key pair and another's point agree on. The token gives it out: what follows of it is more than tokens
/// compute.
pub(super) fn agree(
    session: &Session,
    private: ObjectHandle,
    point: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, TokenFault> {
    let parameters = Ecdh1DeriveParams::new(EcKdf::null(), point);
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(length.try_into()?),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let agreed = session.derive_key(&Mechanism::Ecdh1Derive(parameters), private, &template)?;
    let value = value(session, agreed);
    session.destroy_object(agreed)?;
    match value? {
        Some(value) if value.len() == length => Ok(value),
        _ => Err(TokenFault::Nonsense("a shared secret")),
    }
}

/// The point of the device key pair: 04, x and y.
pub(super) fn point(session: &Session, public: ObjectHandle) -> Result<Vec<u8>, TokenFault> {
    for attribute in session.get_attributes(public, &[AttributeType::EcPoint])? {
        if let Attribute::EcPoint(point) = attribute {
            // Wrapped, as the standard says; some tokens do without.
            return Ok(point.strip_prefix(POINT_FRONT.as_slice()).map(<[u8]>::to_vec).unwrap_or(point));
        }
    }
    Err(TokenFault::Nonsense("a public key"))
}

/// The number that an object has. A record that cannot be read has none.
fn number_of(session: &Session, kind: Kind, object: ObjectHandle) -> Result<Option<u64>, TokenFault> {
    if kind == Kind::Record {
        return Ok(value(session, object)?.and_then(|value| Record::parse(&value).ok()).map(|record| record.number));
    }
    Ok(session.get_attributes(object, &[AttributeType::Id])?.into_iter().find_map(|attribute| match attribute {
        Attribute::Id(id) => id.try_into().ok().map(u64::from_be_bytes),
        _ => None,
    }))
}

fn value(session: &Session, object: ObjectHandle) -> Result<Option<Zeroizing<Vec<u8>>>, TokenFault> {
    let attributes = session.get_attributes(object, &[AttributeType::Value])?;
    Ok(attributes.into_iter().find_map(|attribute| match attribute {
        Attribute::Value(value) => Some(Zeroizing::new(value)),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::tdes::TdesKey;

    #[test]
    fn three_parts_with_odd_parity_are_the_same_key() {
        for length in [8, 16, 24] {
            let key: Vec<u8> = (0..length).map(|index| index * 11 + 1).collect();
            let stored = with_odd_parity(three_parts(&key).as_slice());
            assert!(stored.iter().all(|byte| byte.count_ones() % 2 == 1), "{length} bytes");
            let (one, other) = (TdesKey::new(&key).unwrap(), TdesKey::new(&stored).unwrap());
            assert_eq!(one.check_value().unwrap(), other.check_value().unwrap(), "{length} bytes");
        }
    }

    #[test]
    fn three_parts_of_what_wraps_a_key_wrap_three_parts_of_it() {
        let master = TdesKey::new(&[9; 16]).unwrap();
        for length in [8, 16, 24] {
            let key: Vec<u8> = (0..length).map(|index| index * 7 + 3).collect();
            let sealed = three_parts(&master.encrypt_ecb(&key).unwrap());
            assert_eq!(master.decrypt_ecb(sealed.as_slice()).unwrap(), three_parts(&key).to_vec(), "{length} bytes");
        }
    }

    #[test]
    fn a_master_key_neither_encrypts_nor_decrypts_where_it_can_unwrap() {
        for attribute in key_template(&KeySet::default(), KeyName::Master, 1, true) {
            let allowed = match attribute {
                Attribute::Encrypt(allowed) | Attribute::Decrypt(allowed) | Attribute::Wrap(allowed) => !allowed,
                Attribute::Unwrap(allowed) | Attribute::Sensitive(allowed) => allowed,
                _ => true,
            };
            assert!(allowed, "{attribute:?}");
        }
    }
}
