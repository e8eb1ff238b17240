//! Public keys of certification authorities and the list of revoked issuer certificates (EMV 4.4 Book 2, 11.2 and 5.1.2;
//! Book 4, 10.2).
//!
//! Needs TOML text. Reads, checks and looks up; fetches nothing and stores nothing. A set holds live keys or test keys,
//! never both: a card made with a test key must not pass on a counter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::Deserialize;

use crate::crypto::hex;
use crate::crypto::rsa::{HASH_LENGTH, PublicKey, sha_1};

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
}

impl CaKeys {
    /// The live keys that come with the program.
    ///
    /// # Errors
    /// None for the file that is shipped; a test reads it.
    pub fn shipped_live() -> Result<Self, CaKeysError> {
        Self::parse(include_str!("../../assets/emv/capk-live.toml"))
    }

    /// The test keys that come with the program.
    ///
    /// # Errors
    /// None for the file that is shipped; a test reads it.
    pub fn shipped_test() -> Result<Self, CaKeysError> {
        Self::parse(include_str!("../../assets/emv/capk-test.toml"))
    }

    /// Reads a file: `test` and a list `[[key]]`, or `test` and a single key at the top. Every hash is checked.
    ///
    /// # Errors
    /// When the text is not of this shape, a value is not what it should be, a hash does not fit or a key comes twice.
    pub fn parse(text: &str) -> Result<Self, CaKeysError> {
        let shape = |error: toml::de::Error| CaKeysError::Shape(error.to_string());
        let table: toml::Table = toml::from_str(text).map_err(shape)?;
        let (test, entries) = if table.contains_key("rid") {
            let SingleKey { test, key } = table.try_into().map_err(shape)?;
            (test, vec![key])
        } else {
            let KeyFile { test, key } = table.try_into().map_err(shape)?;
            (test, key)
        };
        let world = if test { KeyWorld::Test } else { KeyWorld::Live };
        let mut keys = Self { world, keys: BTreeMap::new() };
        for entry in &entries {
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

/// A day YYMMDD in BCD with its century: 00 to 49 are of this one (Book 4, 6.7.3).
pub(super) const fn with_century([year, month, day]: [u8; 3]) -> (u8, u8, u8, u8) {
    (if year < 0x50 { 20 } else { 19 }, year, month, day)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    test: bool,
    key: Vec<KeyEntry>,
}

/// A file with one key, as the sandbox writes it. Unknown names are not refused here: serde cannot both flatten and deny.
#[derive(Deserialize)]
struct SingleKey {
    test: bool,
    #[serde(flatten)]
    key: KeyEntry,
}

#[derive(Deserialize)]
struct KeyEntry {
    rid: String,
    index: String,
    modulus: String,
    exponent: String,
    expiry: Option<String>,
    hash: String,
    source: Option<String>,
}

impl KeyEntry {
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
