//! Public keys of certification authorities and the list of revoked issuer certificates (EMV 4.4 Book 2, 11.2 and
//! 5.1.2; Book 4, 10.2).
//!
//! Needs TOML text. Reads, writes, checks and looks up; fetches nothing and stores nothing. A set holds live keys or test keys,
//! never both: a card made with a test key must not pass on a counter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::crypto::hex;
use crate::crypto::rsa::{HASH_LENGTH, PublicKey, sha_1};

use super::restrictions::with_century;

/// Longest modulus that EMV knows, in bytes (Book 2, annex D1).
pub const LONGEST_MODULUS: usize = 248;

/// Exponents that EMV knows (Book 2, annex B2.1): 3 and 2^16 + 1.
pub const EXPONENTS: [&[u8]; 2] = [&[0x03], &[0x01, 0x00, 0x01]];

/// Registered application provider: the first five bytes of an application's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rid(pub [u8; 5]);

/// Which world a set of keys belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyWorld {
    /// Cards of real cardholders.
    Live,
    /// Cards of laboratories and of the sandbox.
    Test,
}

/// One key of a certification authority.
#[derive(Clone, Debug)]
pub struct CaKey {
    /// Modulus and exponent.
    pub key: PublicKey,
    /// Last day on which it may be used; nothing when its owner announced none.
    pub expiry: Option<Date>,
    /// Where its value was published.
    pub source: Option<String>,
}

/// The keys a terminal trusts, by owner and index.
#[derive(Clone, Debug)]
pub struct CaKeys {
    world: KeyWorld,
    keys: BTreeMap<(Rid, u8), CaKey>,
}

/// Issuer certificates that a scheme took back (Book 2, 5.1.2): owner, index of the CA key, serial number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    entries: BTreeSet<(Rid, u8, [u8; 3])>,
}

/// A file of keys that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaKeysError {
    /// Not TOML of this shape.
    #[error("CA keys: {0}")]
    Shape(String),
    /// A value of one key is not what it should be.
    #[error("CA key {rid} {index}: {name} = \"{value}\" is not {expected}")]
    Value {
        /// The key's owner, as written.
        rid: String,
        /// The key's index, as written.
        index: String,
        /// Name of the value.
        name: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The hash does not fit: a digit of the key is wrong.
    #[error("CA key {rid} {index:02X}: the hash does not fit; copy the key again from its source")]
    Hash {
        /// The key's owner.
        rid: Rid,
        /// The key's index.
        index: u8,
    },
    /// The same owner and index twice.
    #[error("CA key {rid} {index:02X} comes twice; keep one")]
    Twice {
        /// The key's owner.
        rid: Rid,
        /// The key's index.
        index: u8,
    },
    /// Live keys and test keys together.
    #[error("live and test CA keys cannot be used together; load a set of one kind")]
    Mixed,
    /// A key that is known to belong to the other world.
    #[error(
        "CA key {rid} {index:02X} is known as a {known} key and stands in a set of {set} keys; load a set of one kind"
    )]
    OtherWorld {
        /// The key's owner.
        rid: Rid,
        /// The key's index in the set.
        index: u8,
        /// What it is known as.
        known: KeyWorld,
        /// What the set is.
        set: KeyWorld,
    },
    /// No key at all.
    #[error("the set names no CA key; no card could be authenticated")]
    NoKey,
    /// The set cannot be written as TOML.
    #[error("CA keys cannot be written: {0}")]
    Written(String),
}

impl CaKeys {
    /// The test keys that come with the program, as a file.
    pub const SHIPPED_TEST: &str = include_str!("../../assets/emv/capk-test.toml");

    /// The live keys that come with the program, as a file.
    pub const SHIPPED_LIVE: &str = include_str!("../../assets/emv/capk-live.toml");

    /// The live keys that come with the program.
    ///
    /// # Errors
    /// None for the file that is shipped; a test reads it.
    pub fn shipped_live() -> Result<Self, CaKeysError> {
        Self::parse(Self::SHIPPED_LIVE)
    }

    /// The test keys that come with the program.
    ///
    /// # Errors
    /// None for the file that is shipped; a test reads it.
    pub fn shipped_test() -> Result<Self, CaKeysError> {
        Self::parse(Self::SHIPPED_TEST)
    }

    /// Reads a file: `test` and a list `[[key]]`, or `test` and a single key at the top. Every hash is checked.
    ///
    /// # Errors
    /// When the text is not of this shape, a value is not what it should be, a hash does not fit or a key comes twice.
    pub fn parse(text: &str) -> Result<Self, CaKeysError> {
        let shape = |error: toml::de::Error| CaKeysError::Shape(error.to_string());
        let mut table: toml::Table = toml::from_str(text).map_err(shape)?;
        if table.contains_key("rid") {
            // A single key: put it where a list has it.
            let test = table.remove("test");
            let list = toml::Value::Array(vec![toml::Value::Table(table)]);
            table = test.map(|test| ("test".to_owned(), test)).into_iter().collect();
            table.insert("key".to_owned(), list);
        }
        let file: KeyFile = table.try_into().map_err(shape)?;
        let world = if file.test { KeyWorld::Test } else { KeyWorld::Live };
        let mut keys = Self { world, keys: BTreeMap::new() };
        for entry in &file.key {
            let (rid, index, key) = entry.read()?;
            keys.insert(rid, index, key)?;
        }
        Ok(keys)
    }

    /// The keys of both sets.
    ///
    /// # Errors
    /// When one set is live and the other is not, or both have a key of the same owner and index.
    pub fn joined(mut self, other: Self) -> Result<Self, CaKeysError> {
        if self.world != other.world {
            return Err(CaKeysError::Mixed);
        }
        for ((rid, index), key) in other.keys {
            self.insert(rid, index, key)?;
        }
        Ok(self)
    }

    /// These keys, and of `other` those whose owner and index are not among them.
    ///
    /// # Errors
    /// When one set is live and the other is not.
    pub fn completed_by(mut self, other: Self) -> Result<Self, CaKeysError> {
        if self.world != other.world {
            return Err(CaKeysError::Mixed);
        }
        for (name, key) in other.keys {
            self.keys.entry(name).or_insert(key);
        }
        Ok(self)
    }

    /// Checks a set that came from outside: it has keys, and none of them is one that comes with the program for the other
    /// world, under whatever index.
    ///
    /// # Errors
    /// When it is empty, or holds such a key.
    pub fn check_world(&self) -> Result<(), CaKeysError> {
        if self.keys.is_empty() {
            return Err(CaKeysError::NoKey);
        }
        let other = match self.world {
            KeyWorld::Live => Self::shipped_test()?,
            KeyWorld::Test => Self::shipped_live()?,
        };
        let foreign: BTreeSet<Vec<u8>> = other.keys.values().map(|known| known.key.modulus()).collect();
        match self.iter().find(|(.., ours)| foreign.contains(&ours.key.modulus())) {
            Some((rid, index, _)) => Err(CaKeysError::OtherWorld { rid, index, known: other.world, set: self.world }),
            None => Ok(()),
        }
    }

    /// The text of a file of these keys, as [`CaKeys::parse`] reads it. Nothing is checked here.
    ///
    /// # Errors
    /// None that text values allow; passed on from the TOML library.
    pub fn text(world: KeyWorld, keys: &[KeyEntry]) -> Result<String, CaKeysError> {
        let file = KeyFile { test: world == KeyWorld::Test, key: keys.to_vec() };
        toml::to_string(&file).map_err(|error| CaKeysError::Written(error.to_string()))
    }

    /// Live or test.
    pub const fn world(&self) -> KeyWorld {
        self.world
    }

    /// The key of an owner with an index (tag 8F), expired or not.
    pub fn find(&self, rid: Rid, index: u8) -> Option<&CaKey> {
        self.keys.get(&(rid, index))
    }

    /// All keys, by owner and index.
    pub fn iter(&self) -> impl Iterator<Item = (Rid, u8, &CaKey)> {
        self.keys.iter().map(|((rid, index), key)| (*rid, *index, key))
    }

    fn insert(&mut self, rid: Rid, index: u8, key: CaKey) -> Result<(), CaKeysError> {
        match self.keys.insert((rid, index), key) {
            None => Ok(()),
            Some(_) => Err(CaKeysError::Twice { rid, index }),
        }
    }
}

impl CaKey {
    /// Whether `date` (tag 9A) is after the key's last day.
    pub fn is_expired(&self, date: [u8; 3]) -> bool {
        self.expiry.is_some_and(|expiry| {
            let digits = |bcd: u8| i16::from(bcd >> 4) * 10 + i16::from(bcd & 0x0F);
            let (century, year, month, day) = with_century(date);
            let today = (i16::from(century) * 100 + digits(year), digits(month), digits(day));
            (expiry.year(), i16::from(expiry.month()), i16::from(expiry.day())) < today
        })
    }
}

impl RevocationList {
    /// A list of `entries`: owner, index of the CA key, serial number of the issuer's certificate.
    pub fn new(entries: impl IntoIterator<Item = (Rid, u8, [u8; 3])>) -> Self {
        Self { entries: entries.into_iter().collect() }
    }

    /// Whether a certificate is on the list.
    pub fn has(&self, rid: Rid, index: u8, serial: [u8; 3]) -> bool {
        self.entries.contains(&(rid, index, serial))
    }
}

impl Rid {
    /// The owner of an application: from the name by which it was selected (tag 84).
    pub fn of(df_name: &[u8]) -> Option<Self> {
        df_name.first_chunk().copied().map(Self)
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rid({self})")
    }
}

impl fmt::Display for KeyWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Test => "test",
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    test: bool,
    key: Vec<KeyEntry>,
}

/// A key as it stands in a file; not checked before the file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Owner, hexadecimal.
    pub rid: String,
    /// Index (tag 8F of a card), hexadecimal.
    pub index: String,
    /// Exponent, hexadecimal.
    pub exponent: String,
    /// Last day, `YYYY-MM-DD`, if one was announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
    /// SHA-1 of owner, index, modulus and exponent, hexadecimal.
    pub hash: String,
    /// Where it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Modulus, hexadecimal.
    pub modulus: String,
}

impl KeyEntry {
    /// The keys of a file with a list, as they are written there.
    ///
    /// # Errors
    /// When it is not of that shape.
    pub fn all_of(text: &str) -> Result<Vec<Self>, CaKeysError> {
        let file: KeyFile = toml::from_str(text).map_err(|error| CaKeysError::Shape(error.to_string()))?;
        Ok(file.key)
    }

    fn read(&self) -> Result<(Rid, u8, CaKey), CaKeysError> {
        let rid = Rid(self.sized("rid", &self.rid, "hexadecimal of 5 bytes")?);
        let [index] = self.sized("index", &self.index, "hexadecimal of 1 byte")?;
        let hash: [u8; HASH_LENGTH] = self.sized("hash", &self.hash, "hexadecimal of 20 bytes")?;
        let key_length = "hexadecimal of 1 to 248 bytes without leading zeros";
        let modulus = hex::decode(&self.modulus)
            .ok()
            .filter(|modulus| modulus.len() <= LONGEST_MODULUS)
            .ok_or_else(|| self.refused("modulus", &self.modulus, key_length))?;
        let exponent = hex::decode(&self.exponent)
            .ok()
            .filter(|exponent| EXPONENTS.contains(&exponent.as_slice()))
            .ok_or_else(|| self.refused("exponent", &self.exponent, "03 or 010001"))?;
        if sha_1(&[&rid.0, &[index], &modulus, &exponent]) != hash {
            return Err(CaKeysError::Hash { rid, index });
        }
        let expiry = match &self.expiry {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| self.refused("expiry", text, "a day YYYY-MM-DD"))?),
        };
        let key =
            PublicKey::new(&modulus, &exponent).map_err(|_| self.refused("modulus", &self.modulus, key_length))?;
        Ok((rid, index, CaKey { key, expiry, source: self.source.clone() }))
    }

    fn sized<const N: usize>(
        &self,
        name: &'static str,
        text: &str,
        expected: &'static str,
    ) -> Result<[u8; N], CaKeysError> {
        hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| self.refused(name, text, expected))
    }

    fn refused(&self, name: &'static str, value: &str, expected: &'static str) -> CaKeysError {
        let (rid, index) = (self.rid.clone(), self.index.clone());
        CaKeysError::Value { rid, index, name, value: value.to_owned(), expected }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNIONPAY: Rid = Rid([0xA0, 0, 0, 3, 0x33]);
    const VISA: Rid = Rid([0xA0, 0, 0, 0, 0x03]);

    /// A key small enough to be read, with its hash.
    fn entry(index: u8) -> String {
        let (modulus, exponent) = ([0xC1; 16], [0x03]);
        let hash = sha_1(&[&UNIONPAY.0, &[index], &modulus, &exponent]);
        format!(
            "rid = \"A000000333\"\nindex = \"{index:02X}\"\nmodulus = \"{}\"\nexponent = \"03\"\n\
             expiry = \"2030-12-31\"\nhash = \"{}\"\n",
            hex::encode(&modulus),
            hex::encode(&hash)
        )
    }

    fn file(test: bool, indexes: &[u8]) -> String {
        let keys: String = indexes.iter().map(|index| format!("[[key]]\n{}", entry(*index))).collect();
        format!("test = {test}\n{keys}")
    }

    #[test]
    fn the_shipped_keys_verify_and_cover_every_scheme_of_both_worlds() {
        let (live, test) = (CaKeys::shipped_live().unwrap(), CaKeys::shipped_test().unwrap());
        assert_eq!((live.world(), test.world()), (KeyWorld::Live, KeyWorld::Test));
        for keys in [&live, &test] {
            for rid in ["A000000333", "A000000003", "A000000004", "A000000025", "A000000065", "A000000152"] {
                let rid = Rid(hex::decode(rid).unwrap().try_into().unwrap());
                assert!(keys.iter().any(|(owner, ..)| owner == rid), "{:?} {rid}", keys.world());
            }
            assert!(keys.iter().all(|(.., key)| key.source.is_some()), "every key names its source");
        }
        assert_eq!(live.find(UNIONPAY, 0x04).unwrap().key.length(), 248);
        assert_eq!(test.find(VISA, 0x92).unwrap().key.length(), 176);
        assert!(live.iter().all(|(rid, index, _)| test.find(rid, index).is_none()));
    }

    #[test]
    fn an_expired_live_key_is_known_as_such() {
        let live = CaKeys::shipped_live().unwrap();
        let (short, long) = (live.find(VISA, 0x08).unwrap(), live.find(VISA, 0x09).unwrap());
        assert!(short.is_expired([0x25, 0x01, 0x01]) && !short.is_expired([0x24, 0x12, 0x31]));
        assert!(!long.is_expired([0x26, 0x11, 0x24]));
        assert!(!live.find(UNIONPAY, 0x04).unwrap().is_expired([0x49, 0x12, 0x31]), "no last day announced");
    }

    #[test]
    fn a_wrong_digit_anywhere_in_a_key_is_found_and_the_key_named() {
        let good = file(true, &[0x09]);
        assert!(CaKeys::parse(&good).is_ok());
        let hash = CaKeysError::Hash { rid: UNIONPAY, index: 0x09 };
        assert_eq!(CaKeys::parse(&good.replace("C1C1", "C1C2")).err(), Some(hash.clone()));
        assert_eq!(CaKeys::parse(&good.replace("exponent = \"03\"", "exponent = \"010001\"")).err(), Some(hash));
        assert_eq!(
            CaKeys::parse(&good.replace("index = \"09\"", "index = \"08\"")).err(),
            Some(CaKeysError::Hash { rid: UNIONPAY, index: 0x08 })
        );
        for (from, to, said) in [
            ("A000000333", "A0000003", "CA key A0000003 09: rid = \"A0000003\" is not hexadecimal of 5 bytes"),
            ("\"09\"", "\"x\"", "CA key A000000333 x: index = \"x\" is not hexadecimal of 1 byte"),
            ("\"03\"", "\"05\"", "CA key A000000333 09: exponent = \"05\" is not 03 or 010001"),
            ("2030-12-31", "2030-02-30", "CA key A000000333 09: expiry = \"2030-02-30\" is not a day YYYY-MM-DD"),
        ] {
            assert_eq!(CaKeys::parse(&good.replace(from, to)).unwrap_err().to_string(), said);
        }
        for shape in
            ["", "test = true\nkey = 1", "[[key]]\nindex = \"09\"", &format!("{good}more = 1"), "rid = \"A000000333\""]
        {
            assert!(matches!(CaKeys::parse(shape), Err(CaKeysError::Shape(_))), "{shape}");
        }
    }

    #[test]
    fn a_key_comes_once_and_a_set_is_live_or_test() {
        let parse = |test, indexes: &[u8]| CaKeys::parse(&file(test, indexes));
        let twice = CaKeysError::Twice { rid: UNIONPAY, index: 0x09 };
        assert_eq!(parse(true, &[0x09, 0x09]).err(), Some(twice.clone()));
        let test = parse(true, &[0x09]).unwrap();
        let joined = test.clone().joined(parse(true, &[0x0A]).unwrap()).unwrap();
        assert_eq!(joined.iter().map(|(_, index, _)| index).collect::<Vec<_>>(), [0x09, 0x0A]);
        assert_eq!(test.clone().joined(test.clone()).err(), Some(twice));
        assert_eq!(test.joined(parse(false, &[0x0A]).unwrap()).err(), Some(CaKeysError::Mixed));
    }

    #[test]
    fn a_single_key_at_the_top_is_a_set_too() {
        let single = CaKeys::parse(&format!("test = true\n{}", entry(0x99))).unwrap();
        assert!(single.find(UNIONPAY, 0x99).is_some());
        assert!(single.find(UNIONPAY, 0x98).is_none());
        assert!(single.find(VISA, 0x99).is_none());
    }

    #[test]
    fn a_set_from_outside_holds_no_known_key_of_the_other_world_under_any_index() {
        let live = include_str!("../../assets/emv/capk-live.toml");
        let file: KeyFile = toml::from_str(live).unwrap();
        let mut smuggled = file.key[0].clone();
        smuggled.index = "77".to_owned();
        let part = |text: &str| hex::decode(text).unwrap();
        smuggled.hash =
            hex::encode(&sha_1(&[&part(&smuggled.rid), &[0x77], &part(&smuggled.modulus), &part(&smuggled.exponent)]));
        let set = CaKeys::parse(&CaKeys::text(KeyWorld::Test, &[smuggled]).unwrap()).unwrap();
        assert_eq!(
            set.check_world().unwrap_err().to_string(),
            "CA key A000000333 77 is known as a live key and stands in a set of test keys; load a set of one kind"
        );
        assert_eq!(CaKeys::shipped_test().unwrap().check_world(), Ok(()));
        assert_eq!(CaKeys::shipped_live().unwrap().check_world(), Ok(()));
        assert_eq!(CaKeys::parse("test = true\nkey = []").unwrap().check_world(), Err(CaKeysError::NoKey));
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let shipped: KeyFile = toml::from_str(include_str!("../../assets/emv/capk-test.toml")).unwrap();
        let text = CaKeys::text(KeyWorld::Test, &shipped.key).unwrap();
        let again: KeyFile = toml::from_str(&text).unwrap();
        assert!(again.test && again.key == shipped.key);
        CaKeys::parse(&text).unwrap();
    }

    #[test]
    fn a_set_is_completed_by_keys_it_lacks_and_keeps_its_own() {
        let set = CaKeys::parse(&file(true, &[0x09])).unwrap();
        let own = set.find(UNIONPAY, 0x09).unwrap().expiry;
        let other = CaKeys::parse(&file(true, &[0x09, 0x0A]).replace("2030-12-31", "2031-12-31")).unwrap();
        let both = set.clone().completed_by(other).unwrap();
        assert_eq!(both.find(UNIONPAY, 0x09).unwrap().expiry, own);
        assert!(both.find(UNIONPAY, 0x0A).is_some());
        let live = CaKeys::parse(&file(false, &[0x0B])).unwrap();
        assert_eq!(set.completed_by(live).err(), Some(CaKeysError::Mixed));
    }

    #[test]
    fn a_revoked_certificate_is_found_by_owner_index_and_serial_number() {
        let list = RevocationList::new([(UNIONPAY, 0x09, [0, 0, 1])]);
        assert!(list.has(UNIONPAY, 0x09, [0, 0, 1]));
        for (rid, index, serial) in [(VISA, 0x09, [0, 0, 1]), (UNIONPAY, 0x08, [0, 0, 1]), (UNIONPAY, 0x09, [0, 0, 2])]
        {
            assert!(!list.has(rid, index, serial));
        }
    }

    #[test]
    fn the_owner_is_in_the_applications_name() {
        assert_eq!(Rid::of(&[0xA0, 0, 0, 3, 0x33, 1, 1]), Some(UNIONPAY));
        assert_eq!(Rid::of(&[0xA0, 0, 0, 3]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", value in ".{0,40}") {
            let _ = CaKeys::parse(&text);
            let _ = CaKeys::parse(&file(true, &[0x09]).replace("C1C1", &value));
        }
    }
}
