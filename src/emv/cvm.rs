//! Cardholder verification: the card's list of rules, one after the other, until one is fulfilled (EMV 4.4 Book 3, 10.5).
//!
//! Needs: 8E and 9F42 of the card, 9F33, kind and place of the transaction, the amount and its currency, and the card's
//! key for an enciphered PIN. Yields commands and the wish for a PIN. A rule that the terminal cannot fulfil fails as the
//! Book says, it is never skipped quietly; an enciphered PIN that failed never becomes a plaintext one.

use super::apdu::{Command, Status};
use super::data::{CardDataError, DataObjects, decimal};
use super::oda::PinKey;
use super::pin::{self, Ended, PinCheck, PinEntry, PinKind, PinRequest};
use super::results::Tvr;
use super::tag;
use super::terminal::{Place, TransactionKind};

/// How the cardholder was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Nothing was asked of the cardholder, rightly.
    None,
    /// The cardholder signs the slip.
    Signature,
    /// The card checked a PIN.
    OfflinePin,
    /// The card checked a PIN, and the cardholder signs the slip.
    OfflinePinAndSignature,
    /// The host checks a PIN.
    OnlinePin,
    /// No rule could be fulfilled; the TVR says so.
    Failed,
    /// The card has no list, or asks for no verification at all.
    NotPerformed,
}

impl Verification {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Signature,
        Self::OfflinePin,
        Self::OfflinePinAndSignature,
        Self::OnlinePin,
        Self::Failed,
        Self::NotPerformed,
    ];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Signature => "signature",
            Self::OfflinePin => "offline_pin",
            Self::OfflinePinAndSignature => "offline_pin_and_signature",
            Self::OnlinePin => "online_pin",
            Self::Failed => "failed",
            Self::NotPerformed => "not_performed",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verification| verification.word() == word)
    }

    /// True when the slip needs a signature.
    pub const fn needs_signature(self) -> bool {
        matches!(self, Self::Signature | Self::OfflinePinAndSignature)
    }
}

/// The verdict with the value of 9F34: rule, condition, result (annex C4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvmResult {
    /// How.
    pub verification: Verification,
    /// 9F34.
    pub results: [u8; 3],
}

impl CvmResult {
    /// Nothing was performed: the card asks for none or has no rules (Book 4, 6.3.4.5).
    pub const NOTHING: Self =
        Self { verification: Verification::NotPerformed, results: [NO_CVM_PERFORMED, 0, UNKNOWN] };
}

/// What is the same for all rules of a transaction.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// What is asked of the application.
    pub kind: TransactionKind,
    /// Where.
    pub place: Place,
    /// 9F33, second byte.
    pub capability: u8,
    /// The card's key for an enciphered PIN, when it could be recovered.
    pub pin_key: Option<PinKey>,
}

/// What verification wants next.
#[derive(Debug)]
pub enum Next {
    /// Send this and come back with the answer.
    Send(Command),
    /// Ask the cardholder.
    Ask(PinRequest),
    /// The verdict.
    Done(CvmResult),
    /// The card answered VERIFY with a status that means nothing there: the transaction ends (Book 3, 6.3.5).
    Refused(Status),
}

/// Rule codes without bit 7 (annex C3).
const FAIL: u8 = 0x00;
const PLAINTEXT_PIN: u8 = 0x01;
const ONLINE_PIN: u8 = 0x02;
const PLAINTEXT_PIN_AND_SIGNATURE: u8 = 0x03;
const ENCIPHERED_PIN: u8 = 0x04;
const ENCIPHERED_PIN_AND_SIGNATURE: u8 = 0x05;
/// Face, finger, palm, iris and voice, checked by the card or by the issuer.
const FIRST_BIOMETRIC: u8 = 0x06;
const LAST_BIOMETRIC: u8 = 0x0F;
const SIGNATURE: u8 = 0x1E;
const NO_CVM: u8 = 0x1F;
/// Bit 7: go on with the next rule when this one fails.
const NEXT_IF_FAILED: u8 = 0x40;

/// First byte of 9F34 when no rule was performed.
const NO_CVM_PERFORMED: u8 = 0x3F;

/// Result byte of 9F34.
const UNKNOWN: u8 = 0;
const FAILED: u8 = 1;
const SUCCESSFUL: u8 = 2;

/// Capability bits of 9F33, second byte (Book 4, annex A2).
const CAN_PLAINTEXT: u8 = 0x80;
const CAN_ONLINE: u8 = 0x40;
const CAN_SIGN: u8 = 0x20;
pub(super) const CAN_ENCIPHERED: u8 = 0x10;
const CAN_NONE: u8 = 0x08;

/// A rule of the list.
#[derive(Clone, Copy, Debug)]
struct Rule {
    code: u8,
    condition: u8,
}

/// Verification under way.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct CardholderVerification {
    circumstances: Circumstances,
    /// Rules whose condition holds, in order.
    rules: std::vec::IntoIter<Rule>,
    current: Rule,
    check: Option<PinCheck>,
    /// The last rule that was performed, in vain.
    last_failed: Option<Rule>,
    bypassed: bool,
    enciphered_failed: bool,
}

impl CardholderVerification {
    /// Begins with the card's list. Call it when the AIP announces cardholder verification. `None`: the card has no list,
    /// or no rule in it, which is the same (Book 3, 10.5).
    ///
    /// # Errors
    /// When the list is there but is not amounts and pairs of bytes.
    pub fn start(
        data: &DataObjects,
        circumstances: Circumstances,
        tvr: &mut Tvr,
    ) -> Result<Option<(Self, Next)>, CardDataError> {
        let wrong = CardDataError::Wrong(tag::CVM_LIST);
        let list = data.get(tag::CVM_LIST).map(|list| list.split_first_chunk::<8>().ok_or(wrong)).transpose()?;
        let Some((amounts, rules)) = list.filter(|(_, rules)| !rules.is_empty()) else {
            tvr.set(Tvr::CARD_DATA_MISSING);
            return Ok(None);
        };
        let (pairs, odd) = rules.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(wrong);
        }
        let mut applicable = Vec::new();
        for [code, condition] in pairs {
            let rule = Rule { code: *code, condition: *condition };
            if condition_holds(rule, *amounts, &circumstances, data)? {
                applicable.push(rule);
            }
        }
        let mut verification = Self {
            circumstances,
            rules: applicable.into_iter(),
            current: Rule { code: FAIL, condition: 0 },
            check: None,
            last_failed: None,
            bypassed: false,
            enciphered_failed: false,
        };
        let next = verification.try_rules(tvr);
        Ok(Some((verification, next)))
    }

    /// Takes the card's answer.
    pub fn answer(&mut self, data: &[u8], status: Status, tvr: &mut Tvr) -> Next {
        match self.check.take() {
            Some(mut check) => {
                let next = check.answer(data, status, tvr);
                self.after_check(check, next, tvr)
            }
            None => self.failed(true, tvr),
        }
    }

    /// Takes what came of asking for a PIN.
    pub fn entered(&mut self, entry: PinEntry, tvr: &mut Tvr) -> Next {
        match self.check.take() {
            Some(mut check) => {
                let next = check.entered(entry, tvr);
                self.after_check(check, next, tvr)
            }
            None => self.after_online_pin(&entry, tvr),
        }
    }

    /// Rule after rule, until one needs an answer or the verdict stands.
    fn try_rules(&mut self, tvr: &mut Tvr) -> Next {
        let Some(rule) = self.rules.next() else { return self.verdict_failed(tvr) };
        self.current = rule;
        match rule.code & 0x3F {
            NO_CVM if self.supports(rule.code) => self.done(Verification::None, SUCCESSFUL),
            // What becomes of a signature is known to people only (Book 4, 6.3.4.5).
            SIGNATURE if self.supports(rule.code) => self.done(Verification::Signature, UNKNOWN),
            // Nothing comes after it, whatever bit 7 says (Book 3, 10.5).
            FAIL => {
                self.last_failed = Some(rule);
                self.verdict_failed(tvr)
            }
            SIGNATURE | NO_CVM => self.failed(false, tvr),
            code @ PLAINTEXT_PIN..=ENCIPHERED_PIN_AND_SIGNATURE => self.try_pin(code, tvr),
            // The terminal knows what is meant and has nothing that could take a finger or a face.
            FIRST_BIOMETRIC..=LAST_BIOMETRIC => {
                tvr.set(Tvr::BIOMETRIC_NOT_SUPPORTED);
                self.failed(false, tvr)
            }
            _ => {
                tvr.set(Tvr::CVM_UNRECOGNISED);
                self.failed(false, tvr)
            }
        }
    }

    fn try_pin(&mut self, code: u8, tvr: &mut Tvr) -> Next {
        if !self.supports(code) {
            // A terminal with one kind of offline PIN has a pad; it only lacks this method (Book 3, 10.5.1).
            let offline = self.circumstances.capability & (CAN_PLAINTEXT | CAN_ENCIPHERED) != 0;
            if code == ONLINE_PIN || !offline {
                tvr.set(Tvr::PIN_PAD_MISSING);
            }
            return self.failed(false, tvr);
        }
        // Who went on without a PIN once is not asked again (Book 4, 6.3.4.3).
        if self.bypassed {
            tvr.set(Tvr::PIN_NOT_ENTERED);
            return self.failed(true, tvr);
        }
        let kind = match code {
            ONLINE_PIN => {
                return Next::Ask(PinRequest { kind: PinKind::Online, tries_left: None, wrong_before: false });
            }
            ENCIPHERED_PIN | ENCIPHERED_PIN_AND_SIGNATURE => PinKind::Enciphered,
            _ if self.enciphered_failed => return self.failed(false, tvr),
            _ => PinKind::Plaintext,
        };
        let (check, next) = PinCheck::start(kind, self.circumstances.pin_key.clone());
        self.after_check(check, next, tvr)
    }

    fn after_check(&mut self, check: PinCheck, next: pin::Next, tvr: &mut Tvr) -> Next {
        match next {
            pin::Next::Send(command) => {
                self.check = Some(check);
                Next::Send(command)
            }
            pin::Next::Ask(request) => {
                self.check = Some(check);
                Next::Ask(request)
            }
            pin::Next::Refused(status) => Next::Refused(status),
            pin::Next::Over(Ended::Right) => match self.current.code & 0x3F {
                PLAINTEXT_PIN_AND_SIGNATURE | ENCIPHERED_PIN_AND_SIGNATURE => {
                    self.done(Verification::OfflinePinAndSignature, UNKNOWN)
                }
                _ => self.done(Verification::OfflinePin, SUCCESSFUL),
            },
            pin::Next::Over(ended) => {
                self.bypassed |= ended == Ended::Bypassed;
                self.enciphered_failed |=
                    matches!(self.current.code & 0x3F, ENCIPHERED_PIN | ENCIPHERED_PIN_AND_SIGNATURE);
                self.failed(true, tvr)
            }
        }
    }

    fn after_online_pin(&mut self, entry: &PinEntry, tvr: &mut Tvr) -> Next {
        match entry {
            PinEntry::Captured => {
                tvr.set(Tvr::ONLINE_PIN_ENTERED);
                self.done(Verification::OnlinePin, UNKNOWN)
            }
            PinEntry::Bypassed => {
                tvr.set(Tvr::PIN_NOT_ENTERED);
                self.bypassed = true;
                self.failed(true, tvr)
            }
            PinEntry::Entered { .. } | PinEntry::Verified(_) | PinEntry::PadBroken => {
                tvr.set(Tvr::PIN_PAD_MISSING);
                self.failed(true, tvr)
            }
        }
    }

    /// The current rule failed. `performed`: the terminal could do what it asks for, so 9F34 may name it.
    fn failed(&mut self, performed: bool, tvr: &mut Tvr) -> Next {
        if performed {
            self.last_failed = Some(self.current);
        }
        if self.current.code & NEXT_IF_FAILED != 0 { self.try_rules(tvr) } else { self.verdict_failed(tvr) }
    }

    fn verdict_failed(&self, tvr: &mut Tvr) -> Next {
        tvr.set(Tvr::CVM_FAILED);
        let Rule { code, condition } = self.last_failed.unwrap_or(Rule { code: NO_CVM_PERFORMED, condition: 0 });
        Next::Done(CvmResult { verification: Verification::Failed, results: [code, condition, FAILED] })
    }

    fn done(&self, verification: Verification, result: u8) -> Next {
        let Rule { code, condition } = self.current;
        Next::Done(CvmResult { verification, results: [code, condition, result] })
    }

    fn supports(&self, code: u8) -> bool {
        supports(code, self.circumstances.capability)
    }
}

/// Whether the terminal can do what a rule asks for; "fail" it always can.
const fn supports(code: u8, capability: u8) -> bool {
    let needed = match code & 0x3F {
        FAIL => 0,
        PLAINTEXT_PIN => CAN_PLAINTEXT,
        ONLINE_PIN => CAN_ONLINE,
        PLAINTEXT_PIN_AND_SIGNATURE => CAN_PLAINTEXT | CAN_SIGN,
        ENCIPHERED_PIN => CAN_ENCIPHERED,
        ENCIPHERED_PIN_AND_SIGNATURE => CAN_ENCIPHERED | CAN_SIGN,
        SIGNATURE => CAN_SIGN,
        NO_CVM => CAN_NONE,
        _ => return false,
    };
    capability & needed == needed
}

/// Condition codes (annex C3). A condition this terminal does not know does not hold.
fn condition_holds(
    rule: Rule,
    amounts: [u8; 8],
    circumstances: &Circumstances,
    data: &DataObjects,
) -> Result<bool, CardDataError> {
    let Circumstances { kind, place, capability, .. } = circumstances;
    let cash = *kind == TransactionKind::Cash;
    let manual = *place == Place::Attended;
    Ok(match rule.condition {
        0x00 => true,
        0x01 => cash && !manual,
        0x02 => !cash && *kind != TransactionKind::Cashback,
        0x03 => supports(rule.code, *capability),
        0x04 => cash && manual,
        0x05 => *kind == TransactionKind::Cashback,
        // Under or over X (06, 07) or Y (08, 09), when the transaction is in the application's currency.
        0x06..=0x09 => {
            let same = data.get(tag::APPLICATION_CURRENCY).is_some()
                && data.get(tag::APPLICATION_CURRENCY) == data.get(tag::TRANSACTION_CURRENCY);
            let [a, b, c, d, e, f, g, h] = amounts;
            let limit = u32::from_be_bytes(if rule.condition <= 0x07 { [a, b, c, d] } else { [e, f, g, h] });
            let amount = decimal(data.require(tag::AMOUNT_AUTHORISED)?);
            let (amount, limit) = (amount, u64::from(limit));
            same && if rule.condition.is_multiple_of(2) { amount < limit } else { amount > limit }
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use crate::pin::Pin;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    /// What a card may say to VERIFY and GET DATA.
    const STATUSES: [u16; 8] = [0x9000, 0x63C2, 0x63C1, 0x63C0, 0x6983, 0x6984, 0x6A88, 0x6F00];

    /// No PIN pad; all PINs; all that there is.
    const SIGN_OR_NONE: u8 = CAN_SIGN | CAN_NONE;
    const ALL: u8 = 0xF8;

    fn sale(list: &str) -> DataObjects {
        let mut data = DataObjects::default();
        data.put_from_card(tag::CVM_LIST, &hex::decode(list).unwrap());
        data.put(tag::AMOUNT_AUTHORISED, [0, 0, 0, 0, 0x12, 0x34]);
        data.put(tag::TRANSACTION_CURRENCY, [0x01, 0x56]);
        data.put_from_card(tag::APPLICATION_CURRENCY, &[0x01, 0x56]);
        data
    }

    fn at_counter(capability: u8) -> Circumstances {
        Circumstances { kind: TransactionKind::Purchase, place: Place::Attended, capability, pin_key: None }
    }

    /// Runs a list; PINs are answered by `entry`, the card's statuses come from `statuses`.
    fn run(
        data: &DataObjects,
        circumstances: Circumstances,
        entry: &PinEntry,
        statuses: &[u16],
    ) -> (Verification, String, String, usize) {
        let mut tvr = Tvr::default();
        let mut statuses = statuses.iter();
        let mut asked = 0;
        let Some((mut verification, mut next)) = CardholderVerification::start(data, circumstances, &mut tvr).unwrap()
        else {
            return (Verification::NotPerformed, String::new(), hex::encode(&tvr.0), 0);
        };
        loop {
            next = match next {
                Next::Send(_) => verification.answer(&[], Status(*statuses.next().unwrap()), &mut tvr),
                Next::Ask(_) => {
                    asked += 1;
                    verification.entered(entry.clone(), &mut tvr)
                }
                Next::Refused(status) => panic!("{status:?}"),
                Next::Done(CvmResult { verification, results }) => {
                    assert_eq!(statuses.next(), None, "all commands were sent");
                    return (verification, hex::encode(&results), hex::encode(&tvr.0), asked);
                }
            }
        }
    }

    fn typed() -> PinEntry {
        let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
        PinEntry::Entered { pin, random: Zeroizing::new(vec![0; 256]) }
    }

    #[test]
    fn rules_are_tried_in_order() {
        for (list, verification, results, bits) in [
            // No CVM if supported.
            ("00000000000000001F031E00", Verification::None, "1F0302", "0000000000"),
            // PIN at the host, and on failure the next: signature.
            ("000000000000000042001E00", Verification::Signature, "1E0000", "0000100000"),
            // PIN if supported is skipped without a trace.
            ("000000000000000042031E00", Verification::Signature, "1E0000", "0000000000"),
            // PIN without "next": nothing was performed.
            ("000000000000000002001E00", Verification::Failed, "3F0001", "0000900000"),
            // An unknown method, then the next; and alone.
            ("000000000000000061001F00", Verification::None, "1F0002", "0000400000"),
            ("00000000000000002100", Verification::Failed, "3F0001", "0000C00000"),
            // No CVM up to 20.00 (2000 = 07D0), above it a signature.
            ("00000000000007D01F081E09", Verification::None, "1F0802", "0000000000"),
            ("00000000000003E81F081E09", Verification::Signature, "1E0900", "0000000000"),
            // Over X of 10.00, under it.
            ("000003E8000000001F071E00", Verification::None, "1F0702", "0000000000"),
            ("000003E8000000001F061E00", Verification::Signature, "1E0000", "0000000000"),
            // No condition holds.
            ("00000000000000001F011F041F05", Verification::Failed, "3F0001", "0000800000"),
            // A finger that nobody can take is no unknown method; alone, with a signature behind, and "if supported".
            ("00000000000000000900", Verification::Failed, "3F0001", "0000800200"),
            ("000000000000000046004F001E00", Verification::Signature, "1E0000", "0000000200"),
            ("000000000000000046031E00", Verification::Signature, "1E0000", "0000000000"),
            ("000000000000000050001E00", Verification::Signature, "1E0000", "0000400000"),
            // Plain failure is a rule of its own, also "if supported", and the last one even if it names a next.
            ("00000000000000000000", Verification::Failed, "000001", "0000800000"),
            ("00000000000000000003", Verification::Failed, "000301", "0000800000"),
            ("000000000000000040001F00", Verification::Failed, "400001", "0000800000"),
            // An empty list is none.
            ("0000000000000000", Verification::NotPerformed, "", "2000000000"),
        ] {
            let found = run(&sale(list), at_counter(SIGN_OR_NONE), &PinEntry::PadBroken, &[]);
            assert_eq!(found, (verification, results.to_owned(), bits.to_owned(), 0), "{list}");
        }
    }

    #[test]
    fn conditions_follow_what_is_asked_and_where() {
        use TransactionKind::{Balance, Cash, Cashback, PreAuthorisation, Purchase, Refund};
        for (kind, place, holding) in [
            (Purchase, Place::Attended, &[0x00, 0x02, 0x03][..]),
            (PreAuthorisation, Place::Attended, &[0x00, 0x02, 0x03]),
            (Refund, Place::Attended, &[0x00, 0x02, 0x03]),
            (Balance, Place::Unattended, &[0x00, 0x02, 0x03]),
            (Cashback, Place::Attended, &[0x00, 0x03, 0x05]),
            (Cash, Place::Attended, &[0x00, 0x03, 0x04]),
            (Cash, Place::Unattended, &[0x00, 0x01, 0x03]),
            (Cash, Place::Atm, &[0x00, 0x01, 0x03]),
        ] {
            let circumstances = Circumstances { kind, place, ..at_counter(ALL) };
            let holds = |condition: &u8| {
                let rule = Rule { code: NO_CVM, condition: *condition };
                condition_holds(rule, [0; 8], &circumstances, &sale("00")).unwrap()
            };
            let found: Vec<u8> = (0x00..=0x05).filter(holds).collect();
            assert_eq!(found, holding, "{kind:?} {place:?}");
        }
    }

    #[test]
    fn a_pin_is_checked_by_the_card() {
        const PIN_ELSE_SIGNATURE: &str = "000000000000000041001E00";
        for (list, statuses, verification, results, bits, asked) in [
            ("00000000000000000100", &[0x6A88, 0x9000][..], Verification::OfflinePin, "010002", "0000000000", 1),
            (
                "00000000000000000300",
                &[0x6A88, 0x9000],
                Verification::OfflinePinAndSignature,
                "030000",
                "0000000000",
                1,
            ),
            (
                PIN_ELSE_SIGNATURE,
                &[0x6A88, 0x63C2, 0x63C1, 0x9000],
                Verification::OfflinePin,
                "410002",
                "0000000000",
                3,
            ),
            (PIN_ELSE_SIGNATURE, &[0x6A88, 0x63C1, 0x63C0], Verification::Signature, "1E0000", "0000200000", 2),
            (PIN_ELSE_SIGNATURE, &[0x6A88, 0x6983], Verification::Signature, "1E0000", "0000200000", 1),
            ("00000000000000000100", &[0x6A88, 0x6984], Verification::Failed, "010001", "0000A00000", 1),
        ] {
            let found = run(&sale(list), at_counter(ALL), &typed(), statuses);
            assert_eq!(found, (verification, results.to_owned(), bits.to_owned(), asked), "{list} {statuses:04X?}");
        }
    }

    #[test]
    fn a_status_that_means_nothing_to_verify_ends_the_transaction() {
        for meaningless in [0x6F00, 0x6985, 0x6700, 0x6283, 0x9001] {
            let mut tvr = Tvr::default();
            let list = sale("000000000000000041001E00");
            let (mut verification, _) =
                CardholderVerification::start(&list, at_counter(ALL), &mut tvr).unwrap().unwrap();
            verification.answer(&[], Status(0x6A88), &mut tvr);
            verification.entered(typed(), &mut tvr);
            let next = verification.answer(&[], Status(meaningless), &mut tvr);
            assert!(matches!(next, Next::Refused(status) if status.0 == meaningless), "{meaningless:04X}: {next:?}");
        }
    }

    #[test]
    fn a_bypass_covers_the_pin_rules_behind_it() {
        let found = run(&sale("0000000000000000410042001E00"), at_counter(ALL), &PinEntry::Bypassed, &[0x6A88]);
        assert_eq!(found, (Verification::Signature, "1E0000".to_owned(), "0000080000".to_owned(), 1));
    }

    #[test]
    fn an_enciphered_pin_that_fails_is_not_asked_for_in_the_clear() {
        // No key could be recovered: the plaintext rule behind it is not tried, the signature is.
        let found = run(&sale("0000000000000000440041001E00"), at_counter(ALL), &typed(), &[]);
        assert_eq!(found, (Verification::Signature, "1E0000".to_owned(), "0000000000".to_owned(), 0));
        let found = run(&sale("000000000000000044000100"), at_counter(ALL), &typed(), &[]);
        assert_eq!(found, (Verification::Failed, "440001".to_owned(), "0000800000".to_owned(), 0));
    }

    #[test]
    fn a_pin_for_the_host_is_only_captured() {
        let list = sale("000000000000000042001E00");
        for (entry, verification, results, bits) in [
            (PinEntry::Captured, Verification::OnlinePin, "420000", "0000040000"),
            (PinEntry::Bypassed, Verification::Signature, "1E0000", "0000080000"),
            (PinEntry::PadBroken, Verification::Signature, "1E0000", "0000100000"),
        ] {
            let found = run(&list, at_counter(ALL), &entry, &[]);
            assert_eq!(found, (verification, results.to_owned(), bits.to_owned(), 1));
        }
    }

    #[test]
    fn amounts_count_only_in_the_application_currency() {
        let mut data = sale("00000000000007D01F081E00");
        data.put_from_card(tag::APPLICATION_CURRENCY, &[0x08, 0x40]);
        assert_eq!(run(&data, at_counter(ALL), &PinEntry::PadBroken, &[]).0, Verification::Signature);
    }

    #[test]
    fn a_missing_list_is_missing_data_and_a_crooked_one_an_error() {
        let (verification, _, bits, _) = run(&DataObjects::default(), at_counter(ALL), &PinEntry::PadBroken, &[]);
        assert_eq!((verification, bits.as_str()), (Verification::NotPerformed, "2000000000"));
        for list in ["00000000", "00000000000000001F"] {
            assert!(CardholderVerification::start(&sale(list), at_counter(ALL), &mut Tvr::default()).is_err());
        }
    }

    proptest! {
        /// Whatever list, answers and cardholder: a verdict, and no more commands than rules can ask for.
        #[test]
        fn any_list_comes_to_a_verdict_or_is_refused(
            list in proptest::collection::vec(any::<u8>(), 0..64),
            statuses in proptest::collection::vec(proptest::sample::select(&STATUSES[..]), 0..16),
            entry in proptest::sample::select(vec![PinEntry::Bypassed, PinEntry::Captured, PinEntry::PadBroken, typed()]),
        ) {
            let (data, mut tvr) = (sale(&hex::encode(&list)), Tvr::default());
            let Ok(Some((mut verification, mut next))) =
                CardholderVerification::start(&data, at_counter(ALL), &mut tvr)
            else {
                return Ok(());
            };
            let mut statuses = statuses.into_iter();
            for _ in 0..10 * list.len() {
                next = match next {
                    Next::Send(_) => {
                        verification.answer(&[], Status(statuses.next().unwrap_or(0x6983)), &mut tvr)
                    }
                    Next::Ask(_) => verification.entered(entry.clone(), &mut tvr),
                    _ => return Ok(()),
                };
            }
            prop_assert!(false, "the list does not end");
        }
    }
}
