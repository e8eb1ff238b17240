//! How a cardholder's signature is written.

use super::{RequestError, Requests, Written};
use crate::iso8583::Mti;
use crate::payment::signature::SignatureUpload;

impl Requests<'_> {
    /// 0820: the signature of a payment that is over, by the payment's own batch, STAN, RRN and authorisation code. Books nothing. The
    /// random factor of field 59 is the STAN, as in a reversal.
    ///
    /// # Errors
    /// When the dialect takes no signatures, the picture does not fit it or the keys cannot be used.
    pub fn signature(&self, upload: &SignatureUpload) -> Result<Written, RequestError> {
        let rules = self.dialect.signatures.as_ref().ok_or(RequestError::NoSignatures)?;
        let stan = upload.trace.stan.to_string();
        let mut message = self
            .named(Mti::NETWORK_ADVICE, &stan)?
            .with_text(11, &stan)
            .with_text(60, &format!("{}{}{}", rules.message_type, upload.trace.batch, rules.code))
            .with_bytes(rules.field, upload.signature.data());
        if let Some(rrn) = &upload.rrn {
            message = message.with_text(37, rrn.as_str());
        }
        if let Some(code) = &upload.authorisation_code {
            message = message.with_text(38, code.as_str());
        }
        self.written(message)
    }
}
