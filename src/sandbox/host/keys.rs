//! The keys that the host shares with its terminals: a master key from enrolment, working keys from every sign-on, and the
//! batch number. From a sign-on on only the new keys count.

use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use super::HostError;
use super::rules::Refusal;
use super::store::{Store, StoreError, Terminal};
use crate::crypto::check_value::check_value;
use crate::crypto::mac::{Cipher, MacAlgorithm};
use crate::crypto::{CryptoError, hex};
use crate::iso8583::sign_on_rules::KeyLayout;
use crate::iso8583::{Dialect, Message};
use crate::ledger::Prepared;
use crate::reference::Batch;

/// Which cipher the keys of terminals have, where it is not TDES.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS terminal_ciphers (
        terminal TEXT PRIMARY KEY REFERENCES terminals,
        cipher   TEXT NOT NULL              -- of master, PIN and data key: tdes, aes or sm4
    ) STRICT;
";

/// What version 2 of the schema has beyond version 1. A terminal of an older version has no master key and is enrolled
/// anew.
pub(super) const SINCE_VERSION_2: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE terminal_keys (
        terminal   TEXT PRIMARY KEY REFERENCES terminals,
        master_key BLOB NOT NULL,                 -- a TEST key
        pin_key    BLOB,                          -- TEST keys of the last sign-on; none before it
        mac_key    BLOB,
        data_key   BLOB,
        batch      INTEGER NOT NULL DEFAULT 1,
        -- The next answer orders a sign-on.
        ordered    INTEGER NOT NULL DEFAULT 0 CHECK (ordered IN (0, 1)),
        -- How often it has signed on.
        times      INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    ALTER TABLE terminals DROP COLUMN mac_key;
    PRAGMA user_version = 2;
    COMMIT;
";

/// What the host keeps for a terminal beside its register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignOnState {
    /// The batch it is in.
    pub batch: Batch,
    /// The next answer orders a sign-on.
    pub ordered: bool,
    /// How often it has signed on.
    pub times: u32,
}

/// The MAC key of a terminal, of whatever cipher its dialect's MAC has. Masks itself and is wiped when dropped.
pub struct MacKey(Zeroizing<Vec<u8>>);

impl MacKey {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Field 64 over a message.
    ///
    /// # Errors
    /// When the key is none of the algorithm's.
    pub fn field_64(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<[u8; 8], CryptoError> {
        algorithm.field_64(&algorithm.key(&self.0)?, message)
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey(masked)")
    }
}

/// Working keys in the clear.
struct WorkingKeys {
    pin: Zeroizing<Vec<u8>>,
    mac: Zeroizing<Vec<u8>>,
    data: Option<Zeroizing<Vec<u8>>>,
}

impl Store {
    /// Where a terminal stands; nothing when none has that number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sign_on_state(&self, terminal: &str) -> Result<Option<SignOnState>, StoreError> {
        let found: Option<(u32, bool, u32)> = self
            .connection()
            .query_row("SELECT batch, ordered, times FROM terminal_keys WHERE terminal = ?1", [terminal], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((batch, ordered, times)) = found else { return Ok(None) };
        let batch = Batch::new(batch).map_err(|error| StoreError::Row(error.to_string()))?;
        Ok(Some(SignOnState { batch, ordered, times }))
    }

    /// The next answer to a terminal orders a sign-on.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn order_sign_on(&self, terminal: &str) -> Result<(), StoreError> {
        self.connection().execute("UPDATE terminal_keys SET ordered = 1 WHERE terminal = ?1", [terminal])?;
        Ok(())
    }

    /// The host shares no working keys with a terminal any more, as after a disaster at the acquirer's.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_working_keys(&self, terminal: &str) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE terminal_keys SET pin_key = NULL, mac_key = NULL, data_key = NULL WHERE terminal = ?1",
            [terminal],
        )?;
        Ok(())
    }

    /// The batch that a terminal is told with its next sign-on.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_batch(&self, terminal: &str, batch: Batch) -> Result<(), StoreError> {
        self.connection()
            .execute("UPDATE terminal_keys SET batch = ?2 WHERE terminal = ?1", params![terminal, batch.number()])?;
        Ok(())
    }

    /// From now on only these count.
    fn take_working_keys(&self, terminal: &str, keys: &WorkingKeys) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE terminal_keys
             SET pin_key = ?2, mac_key = ?3, data_key = ?4, ordered = 0, times = times + 1 WHERE terminal = ?1",
            params![terminal, &keys.pin[..], &keys.mac[..], keys.data.as_ref().map(|key| &key[..])],
        )?;
        Ok(())
    }
}

/// A terminal is enrolled: its master key is new, its working keys are gone. One that was enrolled before may have lost its
/// ledger, and counts from the beginning then: it is in a batch of which no number was used, so that none is used twice.
pub(super) fn give_master_key(
    connection: &Prepared,
    terminal: &str,
    cipher: Cipher,
    master_key: &[u8],
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO terminal_keys (terminal, master_key) VALUES (?1, ?2)
         ON CONFLICT (terminal) DO UPDATE SET master_key = ?2, pin_key = NULL, mac_key = NULL, data_key = NULL,
             batch = max(batch, coalesce((SELECT max(batch) FROM entries WHERE terminal = ?1), 0)) + 1",
        params![terminal, master_key],
    )?;
    connection.execute(
        "INSERT INTO terminal_ciphers (terminal, cipher) VALUES (?1, ?2)
         ON CONFLICT (terminal) DO UPDATE SET cipher = ?2",
        params![terminal, cipher.word()],
    )?;
    Ok(())
}

/// Makes fresh working keys for a terminal and gives field 62 with them. `wrong_check_value` spoils that of the MAC key.
///
/// # Errors
/// A [`Refusal`] when the terminal asks for keys that this host does not make; the outer error when the host fails.
pub fn sign_on(
    store: &Store,
    dialect: &Dialect,
    terminal: &Terminal,
    message: &Message,
    wrong_check_value: bool,
) -> Result<Result<Vec<u8>, Refusal>, HostError> {
    let cipher = dialect.sign_on.cipher;
    if Cipher::of(&terminal.master_key) != cipher {
        let reason = format!("a terminal that was enrolled for keys of another cipher than {}", cipher.words());
        return Ok(Err(Refusal { response_code: "97", reason }));
    }
    let code = message.text(60).and_then(|text| text.get(8..11)).unwrap_or_default();
    let Some(layout) = layout_of(dialect, code) else {
        let reason = format!("a sign-on of kind {code}");
        return Ok(Err(Refusal { response_code: "12", reason }));
    };
    let Some(mac_length) = dialect.sign_on.mac_key(&layout, dialect.mac) else {
        let reason = format!("a layout without room for a key of {}", dialect.mac.word());
        return Ok(Err(Refusal { response_code: "12", reason }));
    };
    let keys = WorkingKeys {
        pin: random_key(cipher, layout.pin)?,
        mac: random_key(dialect.mac.cipher(), mac_length)?,
        data: (layout.data > 0).then(|| random_key(cipher, layout.data)).transpose()?,
    };
    let mut field = Vec::with_capacity(dialect.sign_on.length_of(&layout));
    let mut put = |key: &[u8], room: usize, check_value: &[u8]| -> Result<(), CryptoError> {
        let end = field.len() + room;
        field.extend(terminal.master_key.encrypt_ecb(key)?);
        // A key of single length in the place of a double one has zeros behind it.
        field.resize(end, 0);
        field.extend(&check_value[..dialect.sign_on.check_value]);
        Ok(())
    };
    let value_of = |key: &[u8]| check_value(&cipher.key(key)?, cipher.check_value());
    let mac_value = check_value(&dialect.mac.key(&keys.mac)?, dialect.mac.cipher().check_value())?;
    put(&keys.pin, layout.pin, &value_of(&keys.pin)?)?;
    let mut said = mac_value.clone();
    said[0] ^= u8::from(wrong_check_value);
    put(&keys.mac, layout.mac, &said)?;
    if let Some(key) = &keys.data {
        put(key, layout.data, &value_of(key)?)?;
    }
    store.take_working_keys(&terminal.terminal, &keys)?;
    tracing::info!(terminal = terminal.terminal, mac_key = hex::encode(&mac_value[..4]), "signed on");
    Ok(Ok(field))
}

/// Whether a message is a sign-on of any kind.
pub fn is_sign_on(dialect: &Dialect, message: &Message) -> bool {
    let code = message.text(60).and_then(|text| text.get(8..11));
    message.mti() == crate::iso8583::Mti::NETWORK_REQUEST
        && code.is_some_and(|code| layout_of(dialect, code).is_some() || code == dialect.sign_on.code)
}

/// Which keys a network management code asks for (field 60.3): those of DES of single length, longer ones, or such with a data
/// key.
fn layout_of(dialect: &Dialect, code: &str) -> Option<KeyLayout> {
    let (single, with_data) = match code {
        "001" => (true, false),
        "003" => (false, false),
        "004" => (false, true),
        _ => return None,
    };
    let asked = |layout: &&KeyLayout| (layout.pin == SINGLE, layout.data > 0) == (single, with_data);
    dialect.sign_on.layouts.iter().find(asked).copied()
}

/// Bytes of a DES key of single length.
const SINGLE: usize = 8;

/// A random key; one of DES has odd parity, as an element of hardware makes it.
pub(super) fn random_key(cipher: Cipher, length: usize) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let mut key = Zeroizing::new(vec![0; length]);
    getrandom::fill(&mut key).map_err(|error| HostError::Random(error.to_string()))?;
    if cipher == Cipher::Tdes {
        for byte in key.iter_mut() {
            *byte = *byte & 0xFE | u8::from((*byte >> 1).count_ones().is_multiple_of(2));
        }
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_des_has_odd_parity_in_every_byte_and_others_have_any() {
        let is_odd = |key: &[u8]| key.iter().all(|byte| byte.count_ones() % 2 == 1);
        for _ in 0..8 {
            let key = random_key(Cipher::Tdes, 16).unwrap();
            assert!(is_odd(&key), "{key:02X?}");
        }
        assert_ne!(random_key(Cipher::Tdes, 16).unwrap(), random_key(Cipher::Tdes, 16).unwrap());
        assert!((0..8).any(|_| !is_odd(&random_key(Cipher::Sm4, 16).unwrap())));
    }
}
