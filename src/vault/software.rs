//! Keys in a file, for tests and the sandbox. The file's name and its content say TEST; a terminal on a counter has a
//! secure element instead.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{SecureElement, VaultError};
use crate::crypto::sm4::Sm4Key;
use crate::crypto::tdes::TdesKey;
use crate::crypto::{device, hex, mac};

/// Name of the file within the identity directory.
pub const FILE: &str = "vault-TEST.toml";

/// A secure element that is a file. Masks itself; the keys are wiped when it is dropped.
#[derive(Debug)]
pub struct SoftwareVault {
    mac_key: TdesKey,
    device_key: Sm4Key,
}

/// The keys of a [`SoftwareVault`], to write its file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TestKeys {
    /// MAC key, TDES of double length.
    pub mac_key: [u8; 16],
    /// Device key, SM4.
    pub device_key: [u8; 16],
}

/// The file. TOML's own buffers cannot be wiped, which is one of the reasons why the keys in it are for tests only.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct VaultFile {
    /// Must be true: this file never holds other keys.
    test: bool,
    mac_key: String,
    device_key: String,
}

impl SoftwareVault {
    /// Opens `vault-TEST.toml` in a directory.
    ///
    /// # Errors
    /// When it is missing, readable by others than its owner, or not of this shape.
    pub fn open(directory: &Path) -> Result<Self, VaultError> {
        let path = directory.join(FILE);
        let refused = |problem: String| VaultError::Open { place: path.display().to_string(), problem };
        let mode = std::fs::metadata(&path).map_err(|error| refused(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refused(format!("others may read it (mode {:o}); make it 600", mode & 0o777)));
        }
        let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?);
        // What TOML says of a mistake repeats the line, which may be a key; only its kind is passed on.
        let file: VaultFile = toml::from_str(&text).map_err(|error| refused(error.message().to_owned()))?;
        if !file.test {
            return Err(refused(
                "it does not say test = true; keys of a real acquirer belong into a secure element".to_owned(),
            ));
        }
        let key = |name: &str, text: &str| match hex::decode(text).map(Zeroizing::new) {
            Ok(bytes) if bytes.len() == 16 => Ok(bytes),
            _ => Err(refused(format!("{name} is not 32 hexadecimal digits"))),
        };
        let mac_key = TdesKey::new(&key("mac_key", &file.mac_key)?)?;
        let device_key = Sm4Key::new(&key("device_key", &file.device_key)?)?;
        Ok(Self { mac_key, device_key })
    }

    /// A vault without a file.
    ///
    /// # Errors
    /// None that these lengths allow; passed on from the key types.
    pub fn of(keys: &TestKeys) -> Result<Self, VaultError> {
        Ok(Self { mac_key: TdesKey::new(&keys.mac_key)?, device_key: Sm4Key::new(&keys.device_key)? })
    }

    /// Writes `vault-TEST.toml` into a directory, readable by its owner only; one that is there is replaced.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(directory: &Path, keys: &TestKeys) -> Result<(), VaultError> {
        let path = directory.join(FILE);
        let refused = |problem: String| VaultError::Open { place: path.display().to_string(), problem };
        let file =
            VaultFile { test: true, mac_key: hex::encode(&keys.mac_key), device_key: hex::encode(&keys.device_key) };
        let text = Zeroizing::new(toml::to_string(&file).map_err(|error| refused(error.to_string()))?);
        let fresh = directory.join(format!("{FILE}.new"));
        let written = (|| {
            match std::fs::remove_file(&fresh) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            out.write_all(b"# TEST keys of a sandbox. They protect nothing and belong to no acquirer.\n")?;
            out.write_all(text.as_bytes())?;
            out.sync_all()?;
            std::fs::rename(&fresh, &path)
        })();
        written.map_err(|error| refused(error.to_string()))
    }
}

impl SecureElement for SoftwareVault {
    fn mac(&self, message: &[u8]) -> Result<[u8; 8], VaultError> {
        Ok(mac::unionpay(&self.mac_key, message)?)
    }

    fn device_ciphertext(&self, serial_number: &str, factor: &str) -> Result<String, VaultError> {
        Ok(device::ciphertext(&self.device_key, serial_number, factor)?)
    }

    fn mac_key_check_value(&self) -> Result<[u8; 4], VaultError> {
        let [a, b, c, d, ..] = self.mac_key.check_value()?;
        Ok([a, b, c, d])
    }

    fn is_test(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TestKeys {
        TestKeys {
            mac_key: hex::decode("55036372B17543ECB173730768B8D6C4").unwrap().try_into().unwrap(),
            device_key: [7; 16],
        }
    }

    #[test]
    fn what_is_written_is_opened_and_works() {
        let directory = tempfile::tempdir().unwrap();
        SoftwareVault::write(directory.path(), &keys()).unwrap();
        SoftwareVault::write(directory.path(), &keys()).unwrap();
        let vault = SoftwareVault::open(directory.path()).unwrap();
        // The worked sample of the MAC: one block folds to itself.
        assert_eq!(&vault.mac(&hex::decode("1212B04E1227809C").unwrap()).unwrap(), b"5FE058DB");
        assert_eq!(vault.device_ciphertext("00000102TEST0001", "001230").unwrap().len(), 8);
        assert!(vault.is_test());
        let shown = format!("{vault:?}");
        assert!(!shown.contains("55036372") && shown.contains("masked"), "{shown}");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        SoftwareVault::write(directory.path(), &keys()).unwrap();
        let path = directory.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SoftwareVault::open(directory.path()).unwrap_err().to_string().contains("600"));
    }

    #[test]
    fn a_missing_or_wrong_file_is_refused_without_showing_a_key() {
        let directory = tempfile::tempdir().unwrap();
        assert!(SoftwareVault::open(directory.path()).unwrap_err().to_string().contains(FILE));
        SoftwareVault::write(directory.path(), &keys()).unwrap();
        let path = directory.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [("test = true", "test = false"), ("55036372", "5503637"), ("mac_key = \"", "mac_key = ")] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let said = SoftwareVault::open(directory.path()).unwrap_err().to_string();
            assert!(!said.contains("B17543EC"), "{said}");
        }
    }
}
