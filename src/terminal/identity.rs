//! The terminal's identity: one machine, one code. Serial number, acquirer, merchant and place belong together one to one
//! (PBoC notice 2021 No. 259); the file `identity.toml` holds them.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::reference::{MerchantCode, ReferenceError, TerminalNumber};

/// Name of the file within the identity directory.
pub const FILE: &str = "identity.toml";

/// Bytes of a serial number (TUSN) at most: PBoC's rules give it up to 50 digits and letters.
const LONGEST_SERIAL_NUMBER: usize = 50;

/// Who this terminal is, for whom it collects, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Terminal unique serial number (TUSN); cannot change after manufacture.
    pub serial_number: String,
    /// Acquirer's institution code, 8 to 11 digits.
    pub acquirer_code: String,
    /// Merchant code, 15 characters.
    pub merchant_code: String,
    /// Terminal number, 8 characters.
    pub terminal_number: String,
    /// Name of the shop, for screen and slip.
    pub merchant_name: String,
    /// Unified social credit code, 18 characters.
    pub credit_code: String,
    /// Settlement account, masked.
    pub settlement_account: String,
    /// Deployment address.
    pub address: String,
    /// True when every key and certificate belongs to a sandbox.
    #[serde(default)]
    pub test: bool,
}

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {problem}")]
    Content {
        /// Which file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// A number in it has the wrong length.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl Identity {
    /// Reads `identity.toml` from a directory and checks the lengths of its numbers.
    ///
    /// # Errors
    /// When the file is missing, not of this shape, or a number has the wrong length.
    pub fn load(directory: &Path) -> Result<Self, IdentityError> {
        let path = directory.join(FILE);
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|source| IdentityError::File { path: name(), source })?;
        let identity: Self = toml::from_str(&text)
            .map_err(|error| IdentityError::Content { path: name(), problem: error.to_string() })?;
        identity.merchant_code()?;
        identity.terminal_number()?;
        identity.check().map_err(|problem| IdentityError::Content { path: name(), problem })?;
        Ok(identity)
    }

    /// What every message must be able to carry: otherwise no payment could be asked for.
    fn check(&self) -> Result<(), String> {
        let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if self.serial_number.is_empty()
            || self.serial_number.len() > LONGEST_SERIAL_NUMBER
            || !printable(&self.serial_number)
        {
            return Err(format!(
                "serial_number = \"{}\" is not 1 to {LONGEST_SERIAL_NUMBER} ASCII characters",
                self.serial_number
            ));
        }
        let digits = self.acquirer_code.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(8..=11).contains(&self.acquirer_code.len()) {
            return Err(format!("acquirer_code = \"{}\" is not 8 to 11 digits", self.acquirer_code));
        }
        Ok(())
    }

    /// Writes `identity.toml` into a directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), IdentityError> {
        let path = directory.join(FILE);
        let name = || path.display().to_string();
        let text = toml::to_string_pretty(self)
            .map_err(|error| IdentityError::Content { path: name(), problem: error.to_string() })?;
        let write = || {
            let mut file = std::fs::File::create(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| IdentityError::File { path: name(), source })
    }

    /// The merchant code as its type.
    ///
    /// # Errors
    /// When it has not 15 characters.
    pub fn merchant_code(&self) -> Result<MerchantCode, ReferenceError> {
        MerchantCode::parse(&self.merchant_code)
    }

    /// The terminal number as its type.
    ///
    /// # Errors
    /// When it has not 8 characters.
    pub fn terminal_number(&self) -> Result<TerminalNumber, ReferenceError> {
        TerminalNumber::parse(&self.terminal_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            serial_number: "00000402TEST0001".to_owned(),
            acquirer_code: "48981234".to_owned(),
            merchant_code: "999TEST00000001".to_owned(),
            terminal_number: "10000001".to_owned(),
            merchant_name: "老王小吃店".to_owned(),
            credit_code: "91000000TEST000001".to_owned(),
            settlement_account: "6222****0001".to_owned(),
            address: "TEST".to_owned(),
            test: true,
        }
    }

    #[test]
    fn what_no_message_could_carry_is_refused_when_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        identity().save(directory.path()).unwrap();
        assert_eq!(Identity::load(directory.path()).unwrap(), identity());
        type Change = fn(&mut Identity);
        let changes: [(Change, &str); 5] = [
            (|identity| identity.serial_number = "序列号".to_owned(), "serial_number"),
            (|identity| identity.serial_number = String::new(), "serial_number"),
            (|identity| identity.serial_number = "1".repeat(51), "serial_number"),
            (|identity| identity.acquirer_code = "4898".to_owned(), "acquirer_code"),
            (|identity| identity.terminal_number = "1".to_owned(), "terminal"),
        ];
        for (change, named) in changes {
            let mut wrong = identity();
            change(&mut wrong);
            wrong.save(directory.path()).unwrap();
            let error = Identity::load(directory.path()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
