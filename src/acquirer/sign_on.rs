//! Sign-on: the working keys under the master key, in field 62 of an answer (0810), and the batch number that comes with
//! them.
//!
//! The answer carries no MAC that could be checked: its key is in it. What makes it believable is the line (TLS, with the
//! acquirer's own authority), and that only who has the master key can make keys with the right check values.
//! Reads only; the vault checks the keys and takes them.

use super::answers;
use super::messages::{Requests, Written};
use crate::iso8583::sign_on_rules::SignOnRules;
use crate::payment::online::LinkFailure;
use crate::reference::{Batch, ResponseCode};
use crate::vault::{KeyName, SealedKey, VaultError};

/// Bytes of a DES key of single length.
const SINGLE: usize = 8;

/// What came of a sign-on: new working keys are in the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedOn {
    /// The batch that the host has for this terminal; none when it named none.
    pub batch: Option<Batch>,
}

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
pub enum SignOnFailure {
    /// No valid answer. Unless nothing was sent, the host may have made new keys.
    #[error("{0}")]
    Link(#[from] LinkFailure),
    /// The host says no.
    #[error("the host refuses the sign-on with {0}; ask the acquirer whether this terminal may trade")]
    Refused(ResponseCode),
    /// The keys cannot be read.
    #[error("the host's working keys cannot be read: {0}; report this to the acquirer")]
    Keys(#[from] SignOnKeysError),
    /// The vault does not take the keys. Those before are still there.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Why a field 62 holds no working keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignOnKeysError {
    /// No field 62.
    #[error("there is no field 62")]
    Missing,
    /// A length that no layout of the dialect has.
    #[error("field 62 has {found} bytes; with keys it has {known}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes there may be.
        known: String,
    },
}

/// An answer to a sign-on that belongs to its request.
#[derive(Debug)]
pub struct Answer {
    /// Field 62.
    pub field62: Vec<u8>,
    /// Field 60, second part.
    pub batch: Option<Batch>,
}

/// Splits field 62 into keys, in the order in which they stand there.
///
/// # Errors
/// When its length is none of the dialect's.
pub fn keys<'a>(rules: &SignOnRules, field: &'a [u8]) -> Result<Vec<SealedKey<'a>>, SignOnKeysError> {
    let layout = rules.layout(field.len()).ok_or_else(|| SignOnKeysError::Length {
        found: field.len(),
        known: rules.layouts.iter().map(|layout| rules.length_of(layout).to_string()).collect::<Vec<_>>().join(", "),
    })?;
    let mut rest = field;
    let mut keys = Vec::with_capacity(3);
    for (name, length) in [(KeyName::Pin, layout.pin), (KeyName::Mac, layout.mac), (KeyName::Data, layout.data)] {
        if length == 0 {
            continue;
        }
        // The layout was found by the length of the whole, so that neither cut is ever beyond the end.
        let (sealed, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let (check_value, behind) = behind.split_at_checked(rules.check_value).unwrap_or((behind, &[]));
        rest = behind;
        let may_be_single = name == KeyName::Mac && rules.may_be_single(length);
        let sealed = if may_be_single { without_zeros(sealed) } else { sealed };
        keys.push(SealedKey { name, sealed, check_value });
    }
    Ok(keys)
}

/// A key of double length whose second half is zeros is one of single length.
fn without_zeros(sealed: &[u8]) -> &[u8] {
    match sealed.split_at_checked(SINGLE) {
        Some((first, second)) if second.len() == SINGLE && second.iter().all(|byte| *byte == 0) => first,
        _ => sealed,
    }
}

/// Reads the answer to a sign-on: it must be to this request, of this terminal and acquirer, and say 00.
///
/// # Errors
/// [`SignOnFailure::Link`] when it cannot be read or belongs to something else, [`SignOnFailure::Refused`] when the host says
/// no.
pub fn read(requests: &Requests<'_>, request: &Written, bytes: &[u8]) -> Result<Answer, SignOnFailure> {
    let answer = answers::read_unsigned(requests, request, bytes)?;
    let sixty = answer.text(60);
    // The host may name another batch than the request's; type and code must be the request's.
    let parts =
        |text: Option<&str>| text.and_then(|text| Some((text.get(..2)?.to_owned(), text.get(8..11)?.to_owned())));
    let asked = request.frame.message.text(60);
    if let Some(found) = parts(sixty)
        && Some(&found) != parts(asked).as_ref()
    {
        let problem = format!("it answers type {} and code {}, the request was a sign-on", found.0, found.1);
        return Err(LinkFailure::WrongAnswer(problem).into());
    }
    let response_code = answers::response_code(&answer)?;
    if response_code.as_str() != "00" {
        return Err(SignOnFailure::Refused(response_code));
    }
    let batch = match sixty.and_then(|text| text.get(2..8)) {
        // All zeros name none.
        None | Some("000000") => None,
        Some(digits) => {
            let wrong = |error: crate::reference::ReferenceError| LinkFailure::WrongAnswer(error.to_string());
            Some(Batch::parse(digits).map_err(wrong)?)
        }
    };
    Ok(Answer { field62: answer.bytes(62).ok_or(SignOnKeysError::Missing)?.to_vec(), batch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::device;
    use crate::acquirer::fixtures::{sign_on_trace, with_requests};
    use crate::crypto::hex;
    use crate::crypto::tdes::TdesKey;
    use crate::iso8583::{Dialect, Frame, Message, Mti};
    use crate::vault::SecureElement;
    use crate::vault::software::SoftwareVault;

    fn rules() -> SignOnRules {
        Dialect::shipped("unionpay").unwrap().sign_on
    }

    fn split(field: &[u8]) -> Vec<(KeyName, usize, Vec<u8>)> {
        let rules = rules();
        let keys = keys(&rules, field).unwrap();
        keys.iter().map(|key| (key.name, key.sealed.len(), key.check_value.to_vec())).collect()
    }

    #[test]
    fn field_62_is_split_by_its_length() {
        let field: Vec<u8> = (1..=60).collect();
        let pin = |length: usize| (KeyName::Pin, length, field[length..length + 4].to_vec());
        assert_eq!(split(&field[..24]), [pin(8), (KeyName::Mac, 8, field[20..24].to_vec())]);
        assert_eq!(split(&field[..40]), [pin(16), (KeyName::Mac, 16, field[36..40].to_vec())]);
        let data = (KeyName::Data, 16, field[56..60].to_vec());
        assert_eq!(split(&field), [pin(16), (KeyName::Mac, 16, field[36..40].to_vec()), data]);
        for length in [0, 23, 25, 39, 41, 59, 61] {
            let error = keys(&rules(), &vec![7; length]).unwrap_err();
            assert!(
                error.to_string().contains(&length.to_string()) && error.to_string().contains("24, 40, 60"),
                "{error}"
            );
        }
    }

    /// The worked sample of a public post: master key, MAC key of single length and its check value.
    #[test]
    fn a_mac_key_of_single_length_in_a_place_for_double_length_is_taken_as_it_is() {
        let master = hex::decode("CA5D92598DCA48CE8A4C76361A9269E9").unwrap();
        let sealed = |key: &[u8]| TdesKey::new(&master).unwrap().encrypt_ecb(key).unwrap();
        let check_value = |key: &[u8]| TdesKey::new(key).unwrap().check_value().unwrap()[..4].to_vec();
        let (pin, mac) = ([5; 16], hex::decode("5BB5C72CD00B7338").unwrap());
        let field = [sealed(&pin), check_value(&pin), sealed(&mac), vec![0; 8], check_value(&mac)].concat();
        let vault = SoftwareVault::in_memory();
        vault.set(KeyName::Master, &master);
        vault.import_under_master(&keys(&rules(), &field).unwrap()).unwrap();
        let value = vault.check_value(KeyName::Mac).unwrap().unwrap();
        assert_eq!(hex::encode(&value), "AB7153CA");
    }

    fn answer(requests: &Requests<'_>, request: &Written) -> Message {
        let asked = &request.frame.message;
        let mut answer = Message::new(asked.mti().answer().unwrap());
        for field in [11, 41, 42] {
            answer = answer.with_text(field, asked.text(field).unwrap());
        }
        let mark = device::write_mark(requests.identity.mark.as_str(), &requests.dialect.binding);
        let answer = answer.with_text(32, &requests.identity.acquirer_code).with_text(59, &mark);
        answer.with_text(39, "00").with_text(60, "00000012003").with_bytes(62, &[7; 40])
    }

    fn packed(requests: &Requests<'_>, message: Message) -> Vec<u8> {
        let (tpdu, header) = (requests.tpdu.to_vec(), requests.dialect.header.clone());
        requests.dialect.pack(&Frame { tpdu, header, message }).unwrap().to_vec()
    }

    #[test]
    fn an_answer_to_this_very_sign_on_is_read_and_no_other() {
        with_requests(|requests| {
            let request = requests.sign_on(sign_on_trace()).unwrap();
            let read = |message: Message| read(requests, &request, &packed(requests, message));
            let good = read(answer(requests, &request)).unwrap();
            assert_eq!((good.batch.map(Batch::number), good.field62.len()), (Some(12), 40));
            let named_none = read(answer(requests, &request).with_text(60, "00000000003")).unwrap();
            assert_eq!(named_none.batch, None);
            for (field, wrong) in [
                (11, "000043"),
                (41, "10000002"),
                (42, "898000000000002"),
                (32, "11111111"),
                (60, "22000012003"),
                (60, "00000012001"),
            ] {
                let failure = read(answer(requests, &request).with_text(field, wrong)).unwrap_err();
                assert!(matches!(failure, SignOnFailure::Link(LinkFailure::WrongAnswer(_))), "{field}: {failure}");
            }
            let mut other = Message::new(Mti::new(820).unwrap());
            answer(requests, &request).fields().for_each(|(field, value)| other.set(field, value));
            assert!(matches!(read(other), Err(SignOnFailure::Link(_))));
            let refused = read(answer(requests, &request).with_text(39, "97")).unwrap_err();
            assert!(matches!(&refused, SignOnFailure::Refused(code) if code.as_str() == "97"), "{refused}");
            let empty = read(answer(requests, &request).without(62)).unwrap_err();
            assert!(matches!(empty, SignOnFailure::Keys(SignOnKeysError::Missing)), "{empty}");
        });
    }

    #[test]
    fn a_sign_on_names_terminal_device_and_batch_and_carries_no_mac() {
        with_requests(|requests| {
            let message = requests.sign_on(sign_on_trace()).unwrap().frame.message;
            assert_eq!(message.mti(), Mti::NETWORK_REQUEST);
            let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
            assert_eq!(fields, [11, 32, 41, 42, 59, 60]);
            assert_eq!((message.text(11), message.text(60)), (Some("000042"), Some("00000007003")));
        });
    }
}
