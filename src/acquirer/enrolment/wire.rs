//! What terminal and host say to each other about enrolment, in JSON. Both sides use these types.
//!
//! A request is a text (JSON) with a signature of the device key over exactly this text: whoever holds the key asks.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::EnrolmentError;
use crate::crypto::elliptic::P256PublicKey;
use crate::crypto::{CryptoError, hex};
use crate::payment::transaction::Kind;
use crate::terminal::binding::SignedBinding;
use crate::vault::{SecureElement, VaultError};
use crate::wording::ReasonKind;

/// Path of enrolments: the only one for which the host wants no client certificate.
pub const ENROL_PATH: &str = "/enrol";

/// Path of what an enrolled terminal asks about its own binding.
pub const TERMINAL_PATH: &str = "/terminal";

/// Digits of an activation code.
pub const CODE_DIGITS: usize = 12;

/// Longest request or answer that is read, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// The acquirer's word that a machine may be enrolled, usable once. Masks itself; wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationCode(Zeroizing<String>);

impl ActivationCode {
    /// Reads a code as people type it; blanks and hyphens between its digits do not count.
    ///
    /// # Errors
    /// When it has not twelve digits.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let digits: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|character| !matches!(character, ' ' | '-')).collect());
        if digits.len() == CODE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(CodeError)
        }
    }

    /// The digits.
    pub fn expose_digits(&self) -> &str {
        &self.0
    }

    /// As people read it: three groups of four.
    pub fn expose_grouped(&self) -> Zeroizing<String> {
        let groups: Vec<&str> = (0..CODE_DIGITS / 4).map(|index| &self.0[index * 4..index * 4 + 4]).collect();
        Zeroizing::new(groups.join(" "))
    }
}

impl fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActivationCode(masked)")
    }
}

/// A text that is no activation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an activation code has {CODE_DIGITS} digits; read it again from the acquirer's letter")]
pub struct CodeError;

/// A request with its proof. Masks itself and is wiped when it is dropped: there may be an activation code in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct SignedRequest {
    /// What is asked, as JSON.
    pub request: String,
    /// Signature of the device key over that text, hexadecimal: ECDSA with SHA-256, DER.
    pub signature: String,
}

impl SignedRequest {
    /// Signs a request.
    ///
    /// # Errors
    /// When it cannot be written or the vault does not sign.
    pub fn sign(vault: &dyn SecureElement, request: &impl Serialize) -> Result<Self, EnrolmentError> {
        let request = serde_json::to_string(request).map_err(|error| EnrolmentError::Request(error.to_string()))?;
        let signature = vault.sign(request.as_bytes()).map_err(|error: VaultError| EnrolmentError::Vault(error))?;
        Ok(Self { request, signature: hex::encode(&signature) })
    }

    /// Whether the holder of this key signed it.
    ///
    /// # Errors
    /// Passed on from OpenSSL; a wrong signature is no error.
    pub fn is_signed_by(&self, key: &P256PublicKey) -> Result<bool, CryptoError> {
        let Ok(signature) = hex::decode(&self.signature) else { return Ok(false) };
        key.verify(self.request.as_bytes(), &signature)
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedRequest({} bytes, masked)", self.request.len())
    }
}

/// A machine asks to be enrolled. Wiped when it is dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// Terminal unique serial number (TUSN).
    pub serial_number: String,
    /// Public half of the device key pair (SubjectPublicKeyInfo, DER), hexadecimal.
    pub device_key: String,
    /// The activation code.
    pub code: String,
    /// Version of this program.
    pub application_version: String,
    /// Asks for the certificate of the terminal's TLS key, which is another one: PKCS#10, PEM.
    pub certificate_request: String,
    /// What proves the machine from now on, hexadecimal.
    pub machine: String,
}

/// The host's answer to a machine that it enrolled.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentAnswer {
    /// The terminal's certificate, PEM.
    pub client_certificate: String,
    /// The host's key of this one answer (SubjectPublicKeyInfo, DER), hexadecimal.
    pub host_key: String,
    /// The master key as a key block.
    pub master_key: String,
    /// The device key as a key block.
    pub device_key: String,
    /// The signed binding record.
    pub binding: SignedBinding,
}

/// What an enrolled terminal asks about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalRequest {
    /// Its serial number.
    pub serial_number: String,
    /// Its terminal number.
    pub terminal_number: String,
    /// When it asks, in milliseconds since 1970; later than any time before, so that nothing can be asked twice.
    pub at_ms: i64,
    /// What it asks.
    pub wish: Wish,
}

/// What it may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wish {
    /// The binding record that counts now.
    Binding,
    /// To stand somewhere else. The acquirer decides.
    Move {
        /// The new address.
        address: String,
        /// Degrees north and east, as in a record.
        coordinates: String,
        /// Radius in metres.
        radius_m: u32,
    },
    /// Its payments of a batch as they are booked, with higher numbers than one.
    Payments {
        /// The batch.
        batch: u32,
        /// The number; 0 begins.
        after: u32,
    },
    /// To be taken out of service.
    Decommission {
        /// Payments that are not finished.
        unfinished: u32,
        /// Payments that are not settled.
        unsettled: u32,
    },
}

/// The host's word on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalAnswer {
    /// The record, when it was asked for.
    pub binding: Option<SignedBinding>,
    /// Payments, when they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<BookedPayments>,
}

/// So many payments are in one answer at the most.
pub const MOST_PAYMENTS: usize = 200;

/// Payments as the host booked them, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookedPayments {
    /// The payments.
    pub payments: Vec<BookedPayment>,
    /// There are more behind them.
    pub more: bool,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookedPayment {
    /// STAN.
    pub stan: u32,
    /// What it is, by the word of its kind; left out for a sale.
    #[serde(default = "sale", skip_serializing_if = "is_sale")]
    pub kind: String,
    /// Whether it stands: of a sale, that the cardholder is charged.
    pub charged: bool,
    /// How much was asked for, or what of it is charged, in minor units.
    pub minor: u64,
    /// ISO 4217.
    pub currency: String,
    /// Retrieval reference number.
    pub rrn: String,
    /// Last four digits of the card number; empty when they are not known.
    pub last_four: String,
}

fn sale() -> String {
    Kind::Sale.word().to_owned()
}

fn is_sale(kind: &str) -> bool {
    kind == Kind::Sale.word()
}

/// Yes or no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// Yes, and what belongs to it.
    Granted(T),
    /// No, and why.
    Refused(Refusal),
}

/// Why the host says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No application has this code.
    WrongCode,
    /// The code has been used, by this machine with other keys or by another one.
    CodeUsed,
    /// The code's time is over.
    CodeExpired,
    /// Wrong codes came from there; for a while none is looked at.
    TooManyCodes,
    /// The code is another machine's.
    OtherMachine,
    /// The application has not been decided yet.
    NotApproved,
    /// The application was rejected.
    Rejected,
    /// The merchant is suspended.
    Suspended,
    /// The terminal was taken out of service.
    Decommissioned,
    /// There are payments that are not finished or settled.
    PaymentsOpen,
    /// The terminal says a time that lies before the host.
    ClockAhead,
    /// The request is not what it should be, or not signed as it must be.
    BadRequest,
}

impl Refusal {
    /// The words for the person at the counter.
    pub const fn reason(self) -> ReasonKind {
        match self {
            Self::WrongCode => ReasonKind::EnrolWrongCode,
            Self::CodeUsed => ReasonKind::EnrolCodeUsed,
            Self::CodeExpired => ReasonKind::EnrolCodeExpired,
            Self::TooManyCodes => ReasonKind::EnrolTooManyCodes,
            Self::OtherMachine => ReasonKind::EnrolOtherMachine,
            Self::NotApproved => ReasonKind::EnrolNotApproved,
            Self::Rejected => ReasonKind::EnrolRejected,
            Self::Suspended => ReasonKind::MerchantSuspended,
            Self::Decommissioned => ReasonKind::Decommissioned,
            Self::PaymentsOpen => ReasonKind::PaymentsOpen,
            Self::ClockAhead => ReasonKind::ClockWrong,
            Self::BadRequest => ReasonKind::EnrolRefused,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongCode => "no application has this activation code",
            Self::CodeUsed => "this activation code has been used; ask the acquirer for a new one",
            Self::CodeExpired => "this activation code has expired; ask the acquirer for a new one",
            Self::TooManyCodes => {
                "too many wrong codes came from here; try again in a quarter of an hour, the right code is still good"
            }
            Self::OtherMachine => "this activation code belongs to another machine; compare the serial numbers",
            Self::NotApproved => "the acquirer has not decided on this merchant's application yet",
            Self::Rejected => "the acquirer rejected this merchant's application",
            Self::Suspended => "the acquirer has suspended this merchant; call the acquirer",
            Self::Decommissioned => "the acquirer has taken this terminal out of service",
            Self::PaymentsOpen => {
                "payments are not finished or not settled yet; finish them, or ask the acquirer to order it"
            }
            Self::ClockAhead => "this terminal's clock is ahead of the host's; set it, then try again",
            Self::BadRequest => "the host does not understand or believe the request; call the acquirer",
        })
    }
}

/// What both sides must mean alike so that the keys' blocks open: the machine, the terminal number and both public keys.
pub fn agreement_context(serial_number: &str, terminal_number: &str, device_key: &[u8], host_key: &[u8]) -> Vec<u8> {
    let (device_key, host_key) = (hex::encode(device_key), hex::encode(host_key));
    format!("yima enrolment 1\n{serial_number}\n{terminal_number}\n{device_key}\n{host_key}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it_and_masks_itself() {
        let code = ActivationCode::parse("1234 5678-9012").unwrap();
        assert_eq!(code.expose_digits(), "123456789012");
        assert_eq!(*code.expose_grouped(), "1234 5678 9012");
        assert_eq!(format!("{code:?}"), "ActivationCode(masked)");
        for wrong in ["", "12345678901", "1234567890123", "12345678901x", "１２３４５６７８９０１２"] {
            assert!(ActivationCode::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn yes_and_no_have_the_shape_that_the_documents_show() {
        let no: Answer<TerminalAnswer> = Answer::Refused(Refusal::WrongCode);
        assert_eq!(serde_json::to_string(&no).unwrap(), r#"{"refused":"wrong_code"}"#);
        let yes = Answer::Granted(TerminalAnswer { binding: None, payments: None });
        assert_eq!(serde_json::to_string(&yes).unwrap(), r#"{"granted":{"binding":null}}"#);
        let wish = serde_json::to_string(&Wish::Decommission { unfinished: 0, unsettled: 2 }).unwrap();
        assert_eq!(wish, r#"{"decommission":{"unfinished":0,"unsettled":2}}"#);
    }
}
