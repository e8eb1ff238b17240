//! The RSA keys behind a sandbox card: a certification authority, an issuer, the card itself. Made when a directory is
//! first used, kept there as PEM that only the owner may read, never shipped. TEST keys: they protect nothing.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use openssl::bn::BigNum;
use openssl::pkey::Private;
use openssl::rsa::Rsa;
use serde::Serialize;

use super::authentication::sha_1;
use crate::crypto::{CryptoError, hex};

/// Index of the sandbox authority's key (tag 8F).
pub const CA_KEY_INDEX: u8 = 0xE1;

/// Until when authority and issuer certificates are good, `MMYY` packed: to the end of that month.
pub const CERTIFICATE_EXPIRY: [u8; 2] = [0x12, 0x49];

/// Name of the file that holds the authority's public key for the terminal.
pub const CA_PUBLIC_KEY_FILE: &str = "capk.toml";

/// What a key is made of: file name, bits, exponent. The issuer has the other usual exponent, so that both are seen.
const CA: (&str, u32, u32) = ("sandbox-ca.pem", 1408, 3);
const ISSUER: (&str, u32, u32) = ("sandbox-issuer.pem", 1152, 65537);
const CARD: (&str, u32, u32) = ("sandbox-icc.pem", 1024, 3);
const PIN: (&str, u32, u32) = ("sandbox-pin.pem", 1024, 3);

/// The four key pairs.
#[derive(Clone)]
pub struct CardKeys {
    /// The certification authority, who signs issuers.
    pub ca: Rsa<Private>,
    /// The issuer, who signs cards.
    pub issuer: Rsa<Private>,
    /// The card, which signs transactions.
    pub card: Rsa<Private>,
    /// The card's second key, which only deciphers PINs, on cards that keep the two apart.
    pub pin: Rsa<Private>,
}

/// Keys that cannot be made, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("{}: {source}; the directory must exist and be writable", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds something else than the key it should.
    #[error("{}: {problem}; delete it and a new key is made", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// OpenSSL refused.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// The authority's public key as a terminal is given it.
#[derive(Clone, Debug, Serialize)]
pub struct CaPublicKey {
    /// Always true: a live terminal must refuse it.
    pub test: bool,
    /// Registered application provider, hexadecimal.
    pub rid: String,
    /// Key index (tag 8F), hexadecimal.
    pub index: String,
    /// Modulus, hexadecimal.
    pub modulus: String,
    /// Exponent, hexadecimal.
    pub exponent: String,
    /// Last day, `YYYY-MM-DD`.
    pub expiry: String,
    /// SHA-1 of RID, index, modulus and exponent (EMV 4.4 Book 2, 11.2.2), hexadecimal.
    pub hash: String,
}

impl CardKeys {
    /// New keys that live in memory only.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn generate() -> Result<Self, KeysError> {
        Ok(Self { ca: generate(CA)?, issuer: generate(ISSUER)?, card: generate(CARD)?, pin: generate(PIN)? })
    }

    /// The keys of a directory; what is missing is made and kept. Also writes [`CA_PUBLIC_KEY_FILE`] for `rid`.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is not such a key.
    pub fn open(directory: &Path, rid: [u8; 5]) -> Result<Self, KeysError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| KeysError::File { path, source }
        };
        fs::create_dir_all(directory).map_err(file(directory))?;
        let keys = Self {
            ca: kept(directory, CA)?,
            issuer: kept(directory, ISSUER)?,
            card: kept(directory, CARD)?,
            pin: kept(directory, PIN)?,
        };
        let path = directory.join(CA_PUBLIC_KEY_FILE);
        let content = toml::to_string(&keys.ca_public_key(rid)?)
            .map_err(|error| KeysError::Content { path: path.clone(), problem: error.to_string() })?;
        let text =
            format!("# TEST key of the sandbox's own certification authority. A live terminal refuses it.\n{content}");
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            write_whole(&path, text.as_bytes(), 0o644).map_err(file(&path))?;
        }
        Ok(keys)
    }

    /// The authority's public key under a RID.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn ca_public_key(&self, rid: [u8; 5]) -> Result<CaPublicKey, KeysError> {
        let (modulus, exponent) = (self.ca.n().to_vec(), self.ca.e().to_vec());
        let hash = sha_1(&[&rid[..], &[CA_KEY_INDEX], &modulus, &exponent].concat())?;
        let [month, year] = CERTIFICATE_EXPIRY;
        Ok(CaPublicKey {
            test: true,
            rid: hex::encode(&rid),
            index: hex::encode(&[CA_KEY_INDEX]),
            modulus: hex::encode(&modulus),
            exponent: hex::encode(&exponent),
            expiry: format!("20{year:02X}-{month:02X}-31"),
            hash: hex::encode(&hash),
        })
    }
}

impl std::fmt::Debug for CardKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardKeys(masked)")
    }
}

fn generate((_, bits, exponent): (&str, u32, u32)) -> Result<Rsa<Private>, CryptoError> {
    let exponent = BigNum::from_u32(exponent)?;
    Ok(Rsa::generate_with_e(bits, &exponent)?)
}

/// Reads a key, or makes and keeps it.
fn kept(directory: &Path, kind: (&str, u32, u32)) -> Result<Rsa<Private>, KeysError> {
    let path = directory.join(kind.0);
    let file = |source| KeysError::File { path: path.clone(), source };
    let text = match fs::read(&path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let pem = generate(kind)?.private_key_to_pem().map_err(CryptoError::from)?;
            write_first(&path, &zeroize::Zeroizing::new(pem)).map_err(file)?;
            // Read back what is there: a process that started at the same time may have been first.
            zeroize::Zeroizing::new(fs::read(&path).map_err(file)?)
        }
        Err(error) => return Err(file(error)),
    };
    let content = |problem: String| KeysError::Content { path: path.clone(), problem };
    let key = Rsa::private_key_from_pem(&text).map_err(|error| content(error.to_string()))?;
    if key.size() * 8 != kind.1 {
        return Err(content(format!("holds a key of {} bits instead of {}", key.size() * 8, kind.1)));
    }
    Ok(key)
}

/// Puts a private file in place unless one is there already.
fn write_first(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = draft_of(path);
    write_durably(&draft, content, 0o600)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Replaces a file so that a reader, or a power cut, sees the old or the new one and nothing between.
pub(super) fn write_whole(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let draft = draft_of(path);
    write_durably(&draft, content, mode)?;
    fs::rename(&draft, path)?;
    if let Some(directory) = path.parent() {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.draft", std::process::id()))
}

fn write_durably(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const RID: [u8; 5] = [0xA0, 0, 0, 3, 0x33];

    #[test]
    fn keys_are_made_once_and_only_the_owner_reads_them() {
        let directory = tempfile::tempdir().unwrap();
        let first = CardKeys::open(directory.path(), RID).unwrap();
        let again = CardKeys::open(directory.path(), RID).unwrap();
        assert_eq!(first.card.n(), again.card.n());
        for (name, ..) in [CA, ISSUER, CARD, PIN] {
            let mode = fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5, "no draft is left behind");
    }

    #[test]
    fn the_exported_key_carries_its_own_hash_and_says_that_it_is_for_tests() {
        let directory = tempfile::tempdir().unwrap();
        CardKeys::open(directory.path(), RID).unwrap();
        let text = fs::read_to_string(directory.path().join(CA_PUBLIC_KEY_FILE)).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        let part = |name: &str| hex::decode(table[name].as_str().unwrap()).unwrap();
        let hash = sha_1(&[part("rid"), part("index"), part("modulus"), part("exponent")].concat()).unwrap();
        assert_eq!(part("hash"), hash);
        assert_eq!(part("modulus").len(), 176);
        assert_eq!(table["expiry"].as_str(), Some("2049-12-31"));
        assert_eq!(table["test"].as_bool(), Some(true));
        assert!(text.starts_with("# TEST"));
    }

    #[test]
    fn a_damaged_key_is_an_error_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(ISSUER.0), "rubbish").unwrap();
        let error = CardKeys::open(directory.path(), RID).unwrap_err();
        assert!(error.to_string().contains("delete it"), "{error}");
    }
}
