//! The terminal's identity: one machine, one code. Serial number, acquirer, merchant and place belong together one to one
//! (PBoC notice 2021 No. 259); the file `identity.toml` holds them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::reference::{MerchantCode, ReferenceError, TerminalNumber};

/// Name of the file within the identity directory.
pub const FILE: &str = "identity.toml";

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
        Ok(identity)
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
        std::fs::write(&path, text).map_err(|source| IdentityError::File { path: name(), source })
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
