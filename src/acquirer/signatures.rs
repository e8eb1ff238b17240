//! Which message uploads a cardholder's signature (0820), and of which payment it is (pure): what a host reads.

use crate::iso8583::{Dialect, Message, Mti};
use crate::reference::{Batch, Stan, TraceNumber};

/// A signature that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploaded<'a> {
    /// Batch and STAN of the payment; nothing, where they are none.
    pub trace: Option<TraceNumber>,
    /// The picture, as T.82 writes it.
    pub picture: &'a [u8],
}

/// What a request uploads; nothing when it is another message.
pub fn of_request<'a>(dialect: &Dialect, message: &'a Message) -> Option<Uploaded<'a>> {
    let rules = dialect.signatures.as_ref()?;
    let sixty = message.text(60).unwrap_or_default();
    let is_one = message.mti() == Mti::NETWORK_ADVICE
        && sixty.get(..2) == Some(&rules.message_type)
        && sixty.get(8..11) == Some(&rules.code);
    if !is_one {
        return None;
    }
    let batch = sixty.get(2..8).and_then(|digits| Batch::parse(digits).ok());
    let stan = message.text(11).and_then(|digits| Stan::parse(digits).ok());
    let trace = batch.zip(stan).map(|(batch, stan)| TraceNumber { batch, stan });
    Some(Uploaded { trace, picture: message.bytes(rules.field).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::{advice, signature_upload, with_requests};
    use crate::acquirer::messages::{RequestError, Requests};
    use crate::crypto::mac;
    use crate::iso8583::dialect::MAC_FIELD;
    use crate::payment::advice::AdviceKind;

    #[test]
    fn a_signature_names_its_payment_and_brings_the_picture_under_a_mac() {
        with_requests(|requests| {
            let upload = signature_upload();
            let written = requests.signature(&upload).unwrap();
            let message = &written.frame.message;
            assert_eq!(message.mti(), Mti::NETWORK_ADVICE);
            let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
            assert_eq!(fields, [11, 32, 37, 38, 41, 42, 59, 60, 62, 64], "and no card number");
            assert_eq!((message.text(11), message.text(60)), (Some("000042"), Some("07000007800")));
            assert_eq!((message.text(37), message.text(38)), (Some("000000000001"), Some("A12B3C")));
            assert_eq!(message.bytes(62), Some(upload.signature.data()));
            let covered = requests.dialect.mac_covered(&written.bytes).unwrap();
            assert!(mac::equal(message.bytes(MAC_FIELD).unwrap(), &requests.vault.mac(covered).unwrap()));
            let read = requests.dialect.unpack(&written.bytes).unwrap();
            assert_eq!(read, written.frame);
            let uploaded = of_request(requests.dialect, &read.message).unwrap();
            assert_eq!((uploaded.trace, uploaded.picture), (Some(upload.trace), upload.signature.data()));
            assert_eq!(requests.signature(&upload).unwrap().bytes, written.bytes, "a repeat is the same");
        });
    }

    #[test]
    fn no_other_message_is_one_and_a_dialect_without_them_writes_none() {
        with_requests(|requests| {
            let others = [
                requests.echo(jiff::civil::date(2026, 11, 28).at(2, 3, 4, 0)).unwrap(),
                requests.advice(&advice(AdviceKind::CardResult)).unwrap(),
            ];
            for other in &others {
                assert_eq!(of_request(requests.dialect, &other.frame.message), None);
            }
            let mut dialect = requests.dialect.clone();
            dialect.signatures = None;
            let without = Requests { dialect: &dialect, ..*requests };
            assert!(matches!(without.signature(&signature_upload()), Err(RequestError::NoSignatures)));
            assert_eq!(of_request(&dialect, &requests.signature(&signature_upload()).unwrap().frame.message), None);
        });
    }
}
