//! The terminal's identity: one machine, one code. What the acquirer's signed binding record says ([`super::binding`]), with
//! the machine that says so ([`super::machine`]).

use std::path::{Path, PathBuf};

use super::binding::{BindingError, BindingMark, BindingRecord, SignedBinding, key_name};
use super::files;
use super::journal::{self, Journal, JournalError};
use super::machine::{MachineError, MachineNote, MachineProof};
use crate::crypto::CryptoError;
use crate::reference::{MerchantCode, ReferenceError, TerminalNumber};

/// Name of the signed binding record within the identity directory.
pub const FILE: &str = "binding.json";

/// Name of the acquirer's authorities within the identity directory, when the settings do not say otherwise.
pub const AUTHORITIES: &str = "acquirer-ca.pem";

/// Name of the authorities that count for binding records: those of the day of enrolment. Which ones vouch for the line to the
/// host is another question, and may change.
pub const BINDING_AUTHORITIES: &str = "binding-ca.pem";

/// Who this terminal is, for whom it collects, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub test: bool,
    /// Version of the binding record.
    pub version: u32,
    /// What stands for the whole record in messages.
    pub mark: BindingMark,
    /// Proves on which machine this is.
    pub machine: MachineProof,
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
    /// The record was changed or is not the acquirer's.
    #[error("{path}: {source}. Take no payment and call the acquirer")]
    Binding {
        /// Which file.
        path: String,
        /// What is wrong.
        source: BindingError,
    },
    /// An older record than one that counted.
    #[error(
        "{path}: version {found} of the binding record, the terminal has had version {newest} already. Take no payment \
         and call the acquirer"
    )]
    Older {
        /// Which file.
        path: String,
        /// Its version.
        found: u32,
        /// The newest there was.
        newest: u32,
    },
    /// The record is about another machine.
    #[error(
        "the binding record is for the machine {bound}, this one is {found}. Take no payment and call the acquirer"
    )]
    OtherSerialNumber {
        /// Serial number in the record.
        bound: String,
        /// Serial number of this machine.
        found: String,
    },
    /// The record is about other keys.
    #[error(
        "the binding record is for another device key than the one in the vault. Take no payment and call the acquirer"
    )]
    OtherKey,
    /// The journal is gone: nobody can tell whether a newer record has counted.
    #[error(
        "{0} is gone, and an enrolled terminal has one: an older binding record could count again. Take no payment and call \
         the acquirer; new keys make a new one: yima enrol --again"
    )]
    NoJournal(String),
    /// The terminal was taken out of service.
    #[error("this terminal was taken out of service and its keys were destroyed; enrol it anew to use it again")]
    Decommissioned,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A number in it has the wrong length.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Identity {
    /// Reads the signed binding record of a directory whose authorities are in [`AUTHORITIES`]; see [`Identity::load_by`].
    ///
    /// # Errors
    /// As there.
    pub fn load(directory: &Path) -> Result<Self, IdentityError> {
        Self::load_by(directory, Path::new(AUTHORITIES))
    }

    /// Reads the signed binding record of a directory. It counts when an authority of its enrolment, or of the file `authorities`
    /// where none were kept, vouches for it, no newer one has counted, and the terminal was not taken out of service. On which machine this happens is taken down,
    /// and not judged: see [`Identity::check_machine`].
    ///
    /// # Errors
    /// When there is no such record; the sentence says what to do.
    pub fn load_by(directory: &Path, authorities: &Path) -> Result<Self, IdentityError> {
        let path = directory.join(FILE);
        let signed = read_signed(&path)?;
        let journal = Journal::load(directory)?;
        if journal.entries().is_empty() {
            return Err(IdentityError::NoJournal(directory.join(journal::FILE).display().to_string()));
        }
        if journal.is_decommissioned() {
            return Err(IdentityError::Decommissioned);
        }
        let authorities = binding_authorities(directory, authorities)?;
        let record = signed
            .verified(&authorities)
            .map_err(|source| IdentityError::Binding { path: path.display().to_string(), source })?;
        let newest = journal.newest_binding();
        if record.version < newest {
            let path = path.display().to_string();
            return Err(IdentityError::Older { path, found: record.version, newest });
        }
        let fingerprint = MachineNote::load(directory)?.fingerprint_now()?;
        Self::of(&record, fingerprint.proof(&record.serial_number)?)
    }

    /// What a record says, on a machine.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn of(record: &BindingRecord, machine: MachineProof) -> Result<Self, IdentityError> {
        Ok(Self {
            serial_number: record.serial_number.clone(),
            acquirer_code: record.acquirer_code.clone(),
            merchant_code: record.merchant_code.clone(),
            terminal_number: record.terminal_number.clone(),
            merchant_name: record.merchant_name.clone(),
            credit_code: record.credit_code.clone(),
            settlement_account: record.settlement_account.clone(),
            address: record.address.clone(),
            test: record.test,
            version: record.version,
            mark: record.mark()?,
            machine,
        })
    }

    /// Is this the machine that was enrolled, and does its maker's serial number, where the machine tells one, stand in the record?
    ///
    /// # Errors
    /// When not.
    pub fn check_machine(&self, directory: &Path, serial_number: Option<&str>) -> Result<(), IdentityError> {
        if let Some(found) = serial_number
            && found != self.serial_number
        {
            return Err(IdentityError::OtherSerialNumber {
                bound: self.serial_number.clone(),
                found: found.to_owned(),
            });
        }
        Ok(MachineNote::load(directory)?.check(&self.serial_number)?)
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

/// Does the record of an identity directory name this device key?
///
/// # Errors
/// When not, or the record cannot be read.
pub fn check_device_key(directory: &Path, public_key: &[u8]) -> Result<(), IdentityError> {
    let record = unverified(directory)?;
    if record.device_key == key_name(public_key)? { Ok(()) } else { Err(IdentityError::OtherKey) }
}

/// The record of an identity directory as it stands there, whoever signed it: to be shown, never to be traded by.
///
/// # Errors
/// When it cannot be read.
pub fn unverified(directory: &Path) -> Result<BindingRecord, IdentityError> {
    let path = directory.join(FILE);
    BindingRecord::parse(&read_signed(&path)?.record)
        .map_err(|source| IdentityError::Binding { path: path.display().to_string(), source })
}

/// The authorities that vouch for the binding records of an identity directory (PEM): those of the enrolment, or of the file
/// `otherwise` where none were kept.
///
/// # Errors
/// When they cannot be read.
pub fn binding_authorities(directory: &Path, otherwise: &Path) -> Result<Vec<u8>, IdentityError> {
    let kept = directory.join(BINDING_AUTHORITIES);
    let path = if kept.exists() { kept } else { directory.join(otherwise) };
    std::fs::read(&path).map_err(|source| file_error(&path, source))
}

/// The key by which the acquirer signed the binding record of an identity directory: SubjectPublicKeyInfo in DER.
///
/// # Errors
/// When there is no such record, or nobody vouches for who signed it.
pub fn acquirer_key(directory: &Path, authorities: &Path) -> Result<Vec<u8>, IdentityError> {
    let path = directory.join(FILE);
    let (_, key) = read_signed(&path)?
        .verified_with_key(&binding_authorities(directory, authorities)?)
        .map_err(|source| IdentityError::Binding { path: path.display().to_string(), source })?;
    Ok(key.to_der()?)
}

/// Writes a signed record into an identity directory, durably. It must have been verified.
///
/// # Errors
/// When it cannot be written.
pub fn save(directory: &Path, binding: &SignedBinding) -> Result<(), IdentityError> {
    let path = directory.join(FILE);
    let text = serde_json::to_string_pretty(binding)
        .map_err(|error| IdentityError::Content { path: path.display().to_string(), problem: error.to_string() })?;
    files::write(&path, text.as_bytes()).map_err(|source| file_error(&path, source))
}

fn read_signed(path: &PathBuf) -> Result<SignedBinding, IdentityError> {
    let text = std::fs::read_to_string(path).map_err(|source| file_error(path, source))?;
    serde_json::from_str(&text)
        .map_err(|error| IdentityError::Content { path: path.display().to_string(), problem: error.to_string() })
}

fn file_error(path: &Path, source: std::io::Error) -> IdentityError {
    IdentityError::File { path: path.display().to_string(), source }
}
