//! What is kept of a request for an enrolment until it is decided, so that it can be repeated word for word: all of it
//! but the activation code and the key that proves the machine. Whoever copies the folder meanwhile has neither; both
//! are put in again when the request is sent.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::wire::{ActivationCode, EnrolmentRequest};
use crate::crypto::{CryptoError, mac};
use crate::terminal::machine::MachineProof;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptRequest {
    /// Terminal unique serial number (TUSN).
    pub serial_number: String,
    /// Public half of the device key pair, hexadecimal.
    pub device_key: String,
    /// Version of the program that made it.
    pub application_version: String,
    /// Asks for the certificate of the terminal's TLS key, PEM.
    pub certificate_request: String,
    /// Tells, on this machine only, whether a code is the one that was typed.
    pub code_check: String,
}

impl KeptRequest {
    /// What tells the code of a request; the key for it is of the machine and not kept.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn code_check(proof: &MachineProof, serial_number: &str, code: &ActivationCode) -> Result<String, CryptoError> {
        let said = Zeroizing::new(format!("activation code {}", code.expose_digits()));
        proof.over(serial_number, &said)
    }

    /// Whether this machine made it for this code.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn is_for(
        &self,
        proof: &MachineProof,
        serial_number: &str,
        code: &ActivationCode,
    ) -> Result<bool, CryptoError> {
        let check = Self::code_check(proof, serial_number, code)?;
        Ok(self.serial_number == serial_number && mac::equal(self.code_check.as_bytes(), check.as_bytes()))
    }

    /// The whole request, the same each time.
    pub fn whole(&self, proof: &MachineProof, code: &ActivationCode) -> EnrolmentRequest {
        EnrolmentRequest {
            serial_number: self.serial_number.clone(),
            device_key: self.device_key.clone(),
            code: code.expose_digits().to_owned(),
            application_version: self.application_version.clone(),
            certificate_request: self.certificate_request.clone(),
            machine: proof.expose_key().to_string(),
        }
    }
}
