//! How a transaction, its reversal, the advices that follow, a sign-on, an echo and a question about terminal data are written
//! in ISO 8583. Which message a kind of transaction is says the dialect.
//!
//! Needs the dialect, the terminal's identity and its keys. Sends nothing.

use jiff::civil::DateTime;
use zeroize::Zeroizing;

use super::device::{DeviceRecord, SMART_POS};
use super::instalments::{self, ProgrammeTooLong};
use super::kinds;
use super::parameters::Question;
use super::told_goods;
use crate::crypto::{CryptoError, hex};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::{self, TlvBuilder};
use crate::goods::sold::Sold;
use crate::iso8583::dialect::{Dialect, MAC_FIELD};
use crate::iso8583::transaction_rules::TransactionMessage;
use crate::iso8583::{Frame, Message, Mti, PackError};
use crate::payment::advice::{Advice, AdviceKind};
use crate::payment::online::{AboutRequest, EntryMode, ReversalRequest, SaleRequest};
use crate::payment::transaction::{IfUnknown, Kind, Money, Original};
use crate::reference::{Batch, TraceNumber};
use crate::terminal::identity::Identity;
use crate::vault::{SecureElement, VaultError};

mod of_codes;
mod of_settlements;
mod of_signatures;

/// Field 60, first part: messages about no payment of their own.
pub const MANAGEMENT_TYPE: &str = "00";

/// Field 60, third part: a card's TC.
pub const CARD_RESULT: &str = "203";

/// Field 60, third part: what came of the issuer's scripts.
pub const SCRIPT_RESULT: &str = "951";

/// Field 60, third part: an echo.
pub const ECHO: &str = "301";

/// The field of track 3.
const TRACK_3: u8 = 36;

/// Digits of the random factor in field 59.
pub const FACTOR_DIGITS: usize = 6;

/// A request that cannot be written: nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The dialect says nothing of such a transaction.
    #[error("no message of this dialect is a {0}")]
    NoMessage(&'static str),
    /// The number of the earlier transaction's card is kept no more: the card must be there.
    #[error("the card number of what this {0} is about is kept no more; read the card")]
    NumberGone(&'static str),
    /// It is not said which transaction it is about.
    #[error("a {0} names the transaction that it is about, and this one names none")]
    NoOriginal(&'static str),
    /// The dialect has no payments by code.
    #[error("this dialect has no payments by code")]
    NoCodePayments,
    /// The dialect settles no batches.
    #[error("this dialect has no settlement")]
    NoSettlement,
    /// The dialect takes no signatures.
    #[error("this dialect takes no signatures")]
    NoSignatures,
    /// The dialect has no sales by instalments.
    #[error("this dialect has no instalments")]
    NoInstalments,
    /// What is asked for does not fit the dialect.
    #[error(transparent)]
    Programme(#[from] ProgrammeTooLong),
    /// More payments than a message counts.
    #[error("the batch has more payments than a message can count; call the acquirer")]
    TooMany,
    /// Nothing can take such a transaction back.
    #[error("a {0} cannot be taken back")]
    NotReversible(&'static str),
    /// A value does not fit the dialect.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The keys cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The proof of the machine cannot be computed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Writes requests of one terminal.
pub struct Requests<'a> {
    /// How they are written.
    pub dialect: &'a Dialect,
    /// Transport address; the answer has it swapped.
    pub tpdu: &'a [u8],
    /// Who asks.
    pub identity: &'a Identity,
    /// Holds the keys.
    pub vault: &'a dyn SecureElement,
}

/// A request, and the bytes it travels as.
pub struct Written {
    /// The message, to compare the answer with.
    pub frame: Frame,
    /// What is sent.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Requests<'_> {
    /// 0100, 0200, 0220: a sale, or any other transaction for which a card was read. The random factor of field 59 is the end of
    /// the card number. A PIN is enciphered for this card number, and in no other message.
    ///
    /// # Errors
    /// When the dialect has no such transaction, it lacks what it is about, a value does not fit the dialect or the keys cannot
    /// be used.
    pub fn sale(&self, request: &SaleRequest) -> Result<Written, RequestError> {
        let card = &request.card;
        let pan = card.pan.expose_digits();
        let entry = self.entry_mode(card.entry, request.pin.is_some());
        let mut message = self.asking(request.kind, request.trace, pan, card.entry)?.with_text(22, &entry);
        // A question that moves no money names no amount.
        if request.kind.money() != Money::None {
            message = message.with_text(4, &request.amount.twelve_digits());
        }
        message = message.with_text(49, &currency(request.amount));
        if !request.chip_data.is_empty() {
            message = message.with_bytes(55, &request.chip_data);
        }
        if let Some(pin) = &request.pin {
            message = message
                .with_text(26, &self.dialect.pin.capture_length)
                .with_bytes(52, &self.vault.encrypt_pin(pin, &card.pan)?)
                .with_text(53, &self.dialect.pin.security_control);
        }
        if let Some(expiry) = card.expiry {
            message = message.with_text(14, &hex::encode(&expiry));
        }
        if let Some(number) = card.sequence_number {
            message = message.with_text(23, &format!("{number:03}"));
        }
        if let Some(track) = &card.track2 {
            message = message.with_text(35, track.expose_digits());
        }
        // Not every acquirer has a place for it.
        if let Some(track) = card.track3.as_ref().filter(|_| self.dialect.field(TRACK_3).is_some()) {
            message = message.with_text(TRACK_3, track.expose_digits());
        }
        // Behind what every message has there; one without it wants all or nothing.
        let said = message.text(60).zip(self.dialect.transactions.in_part.as_ref());
        if let Some(whole) = said.filter(|_| request.in_part).map(|(head, digit)| format!("{head}{digit}")) {
            message = message.with_text(60, &whole);
        }
        let message = self.telling(message, &request.sold);
        let mut message = self.with_condition(message, request.is_by_instalments())?;
        if let Some(asked) = &request.instalments {
            let rules = self.dialect.instalments.as_ref().ok_or(RequestError::NoInstalments)?;
            message = message.with_bytes(rules.field, &instalments::write_asked(rules, asked)?);
        }
        self.written(referring(message, request.kind, request.original.as_ref())?)
    }

    /// 0100, 0200, 0220: a transaction about an earlier one whose card is not there. Of the card the host is told its number alone,
    /// which is the earlier one's; field 59 is as in [`Requests::sale`].
    ///
    /// # Errors
    /// As [`Requests::sale`].
    pub fn about(&self, request: &AboutRequest) -> Result<Written, RequestError> {
        let transaction = &request.transaction;
        let (kind, amount) = (transaction.kind(), transaction.amount());
        let original = transaction.original().ok_or(RequestError::NoOriginal(kind.word()))?;
        let pan = original.pan.whole().ok_or(RequestError::NumberGone(kind.word()))?;
        let message = self
            .asking(kind, request.trace, pan.expose_digits(), EntryMode::NotRead)?
            .with_text(4, &amount.twelve_digits())
            .with_text(22, &self.entry_mode(EntryMode::NotRead, false))
            .with_text(49, &currency(amount));
        let message = self.with_condition(message, request.is_by_instalments())?;
        self.written(referring(message, kind, Some(original))?)
    }

    /// 0400: takes a request back. It says of the transaction what the request said.
    ///
    /// A reversal is durable before its request leaves and holds no card number, so the random factor of field 59 is the
    /// STAN: six digits too, known to both sides, and different from request to request.
    ///
    /// # Errors
    /// When nothing can take such a transaction back, a value does not fit the dialect or the keys cannot be used.
    pub fn reversal(&self, request: &ReversalRequest) -> Result<Written, RequestError> {
        if request.kind.if_unknown() != IfUnknown::TakenBack {
            return Err(RequestError::NotReversible(request.kind.word()));
        }
        let rules = self.rules(request.kind)?;
        let mut message = self
            .financial(Mti::REVERSAL_REQUEST, rules, request.trace, &request.trace.stan.to_string(), request.entry)?
            .with_text(4, &request.amount.twelve_digits())
            .with_text(22, &self.entry_mode(request.entry, request.with_pin))
            .with_text(39, request.reason.code())
            .with_text(49, &currency(request.amount))
            .with_text(61, &original(request.trace, request.at));
        if let Some(number) = request.sequence_number {
            message = message.with_text(23, &format!("{number:03}"));
        }
        if let Some(code) = &request.authorisation_code {
            message = message.with_text(38, code.as_str());
        }
        if !request.chip_data.is_empty() {
            message = message.with_bytes(55, &request.chip_data);
        }
        self.written(self.with_condition(message, request.by_instalments)?)
    }

    /// 0320 or 0620: tells of a payment that is over, by its processing code and condition. Field 60 says that it is no payment of
    /// its own. The random factor of field 59 is the STAN, as in a reversal.
    ///
    /// # Errors
    /// When the dialect has no such payment, a value does not fit the dialect or the keys cannot be used.
    pub fn advice(&self, advice: &Advice) -> Result<Written, RequestError> {
        let (mti, code) = match advice.kind {
            AdviceKind::CardResult => (Mti::BATCH_UPLOAD, CARD_RESULT),
            AdviceKind::ScriptResult => (Mti::ADMINISTRATIVE_ADVICE, SCRIPT_RESULT),
        };
        let mut message = self
            .financial(mti, self.rules(advice.payment)?, advice.trace, &advice.trace.stan.to_string(), advice.entry)?
            .with_text(4, &advice.amount.twelve_digits())
            .with_text(22, &self.entry_mode(advice.entry, advice.with_pin))
            .with_text(49, &currency(advice.amount))
            .with_bytes(55, &self.chip_data(&advice.chip_data))
            .with_text(60, &format!("{MANAGEMENT_TYPE}{}{code}50", advice.trace.batch))
            .with_text(61, &original(advice.original, advice.at));
        if let Some(number) = advice.sequence_number {
            message = message.with_text(23, &format!("{number:03}"));
        }
        self.written(self.with_condition(message, advice.by_instalments)?)
    }

    /// Field 55 as this dialect names its objects.
    fn chip_data(&self, data: &[u8]) -> Zeroizing<Vec<u8>> {
        let script_results = Tag::read(&self.dialect.script_results).map_or(tag::SCRIPT_RESULTS, |(tag, _)| tag);
        let mut builder = TlvBuilder::new();
        for object in tlv::walk(data).map_while(Result::ok) {
            let tag = if object.tag == tag::SCRIPT_RESULTS { script_results } else { object.tag };
            builder.push(tag, object.value);
        }
        Zeroizing::new(builder.build())
    }

    /// 0820: asks whether the host is there. Books nothing, uses up no STAN, carries no MAC. The random factor of field 59 is
    /// the time: six digits that both sides have.
    ///
    /// # Errors
    /// When the identity does not fit the dialect or the keys cannot be used.
    pub fn echo(&self, now: DateTime) -> Result<Written, RequestError> {
        let message =
            self.timed(Mti::NETWORK_ADVICE, now)?.with_text(60, &format!("{MANAGEMENT_TYPE}{}{ECHO}", Batch::FIRST));
        let frame = self.frame(message);
        Ok(Written { bytes: self.dialect.pack(&frame)?, frame })
    }

    /// 0800: asks for working keys. The random factor of field 59 is the STAN; the MAC it could carry would be one of the keys
    /// that are asked for, so that device key and certificate alone say who asks.
    ///
    /// # Errors
    /// When the identity does not fit the dialect or the device key cannot be used.
    pub fn sign_on(&self, trace: TraceNumber) -> Result<Written, RequestError> {
        let stan = trace.stan.to_string();
        let message = self
            .named(Mti::NETWORK_REQUEST, &stan)?
            .with_text(11, &stan)
            .with_text(60, &format!("{MANAGEMENT_TYPE}{}{}", trace.batch, self.dialect.sign_on.code));
        let frame = self.frame(message);
        Ok(Written { bytes: self.dialect.pack(&frame)?, frame })
    }

    /// 0800, 0820: asks for terminal data. Books nothing, uses up no STAN; carries a MAC, and so does its answer.
    ///
    /// # Errors
    /// When a value does not fit the dialect or the keys cannot be used.
    pub fn question(&self, question: &Question, now: DateTime) -> Result<Written, RequestError> {
        let mut message = self.timed(question.mti, now)?.with_text(60, &format!("00{}{}", Batch::FIRST, question.code));
        if let Some(field) = &question.field62 {
            message = message.with_bytes(62, field);
        }
        self.written(message)
    }

    /// A message about no payment: its time stands where others have a STAN.
    fn timed(&self, mti: Mti, now: DateTime) -> Result<Message, RequestError> {
        let time = format!("{:02}{:02}{:02}", now.hour(), now.minute(), now.second());
        let date = format!("{:02}{:02}", now.month(), now.day());
        Ok(self.named(mti, &time)?.with_text(12, &time).with_text(13, &date))
    }

    fn rules(&self, kind: Kind) -> Result<&TransactionMessage, RequestError> {
        kinds::message_of(self.dialect, kind).ok_or(RequestError::NoMessage(kind.word()))
    }

    /// A request about a card.
    fn asking(&self, kind: Kind, trace: TraceNumber, pan: &str, entry: EntryMode) -> Result<Message, RequestError> {
        let rules = self.rules(kind)?;
        let factor = &pan[pan.len().saturating_sub(FACTOR_DIGITS)..];
        Ok(self.financial(rules.mti, rules, trace, factor, entry)?.with_text(2, pan))
    }

    fn financial(
        &self,
        mti: Mti,
        rules: &TransactionMessage,
        trace: TraceNumber,
        factor: &str,
        entry: EntryMode,
    ) -> Result<Message, RequestError> {
        Ok(self
            .named(mti, factor)?
            .with_text(3, &rules.processing_code)
            .with_text(11, &trace.stan.to_string())
            .with_text(25, &rules.condition)
            // Type, batch, network management code, terminal reads chips (5), whether a stripe stands for one.
            .with_text(60, &format!("{}{}0005{}", rules.transaction_type, trace.batch, self.condition(entry))))
    }

    /// Field 25 of what is by instalments; of what is not it is its kind's.
    fn with_condition(&self, message: Message, by_instalments: bool) -> Result<Message, RequestError> {
        if !by_instalments {
            return Ok(message);
        }
        let rules = self.dialect.instalments.as_ref().ok_or(RequestError::NoInstalments)?;
        Ok(message.with_text(25, &rules.condition))
    }

    /// How the card was read, and whether the request brings a PIN: 1, or not: 2. What follows it says the same.
    fn entry_mode(&self, entry: EntryMode, with_pin: bool) -> String {
        let digits = &self.dialect.transactions.entry;
        let read = match entry {
            EntryMode::Chip => &digits.chip,
            EntryMode::Stripe | EntryMode::Fallback => &digits.stripe,
            EntryMode::Typed => &digits.typed,
            EntryMode::NotRead => return self.dialect.transactions.card_away.clone(),
        };
        format!("{read}{}", if with_pin { 1 } else { 2 })
    }

    /// With what is sold, where the acquirer has a field for it.
    fn telling(&self, message: Message, sold: &Sold) -> Message {
        let told = self.dialect.goods.as_ref();
        match told.and_then(|rules| Some((rules.field, told_goods::write(sold, rules.most_bytes)?))) {
            Some((field, goods)) => message.with_bytes(field, &goods),
            None => message,
        }
    }

    /// Field 60, fifth part.
    fn condition(&self, entry: EntryMode) -> &str {
        let digits = &self.dialect.transactions.entry;
        match entry {
            EntryMode::Fallback => &digits.fallback,
            EntryMode::Chip | EntryMode::Stripe | EntryMode::Typed | EntryMode::NotRead => &digits.usual,
        }
    }

    /// A message that names this terminal, as every message does: one machine, one code.
    fn named(&self, mti: Mti, factor: &str) -> Result<Message, RequestError> {
        let serial_number = &self.identity.serial_number;
        let device = DeviceRecord {
            device_type: SMART_POS.to_owned(),
            serial_number: serial_number.clone(),
            factor: factor.to_owned(),
            ciphertext: self.vault.device_ciphertext(serial_number, factor)?,
            application_version: format!("{:<8.8}", env!("CARGO_PKG_VERSION")),
            binding: Some(self.identity.mark.as_str().to_owned()),
            machine: Some(self.identity.machine.over(serial_number, factor)?),
        };
        Ok(Message::new(mti)
            .with_text(32, &self.identity.acquirer_code)
            .with_text(41, &self.identity.terminal_number)
            .with_text(42, &self.identity.merchant_code)
            .with_text(59, &device.write(&self.dialect.binding)))
    }

    fn written(&self, message: Message) -> Result<Written, RequestError> {
        let covered = self.dialect.pack_for_mac(&message)?;
        let frame = self.frame(message.with_bytes(MAC_FIELD, &self.vault.mac(&covered)?));
        Ok(Written { bytes: self.dialect.pack(&frame)?, frame })
    }

    fn frame(&self, message: Message) -> Frame {
        Frame { tpdu: self.tpdu.to_vec(), header: self.dialect.header.clone(), message }
    }
}

/// What a request says of the earlier transaction that it is about.
fn referring(mut message: Message, kind: Kind, about: Option<&Original>) -> Result<Message, RequestError> {
    let Some(about) = about else {
        let refers = Kind::ALL.into_iter().any(|original| kind.may_refer_to(original));
        return if refers { Err(RequestError::NoOriginal(kind.word())) } else { Ok(message) };
    };
    if let Some(rrn) = &about.rrn {
        message = message.with_text(37, rrn.as_str());
    }
    if let Some(code) = &about.authorisation_code {
        message = message.with_text(38, code.as_str());
    }
    Ok(message.with_text(61, &original(about.trace, about.at)))
}

/// Field 61: batch, STAN and date of the transaction a message is about.
fn original(trace: TraceNumber, at: DateTime) -> String {
    format!("{}{}{:02}{:02}", trace.batch, trace.stan, at.month(), at.day())
}

fn currency(amount: crate::money::Amount) -> String {
    format!("{:03}", amount.currency().numeric())
}

#[cfg(test)]
mod of_kinds;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::{PIN_KEY, advice, reversal_request, sale_request, with_requests};
    use crate::crypto::cipher::BlockKey;
    use crate::crypto::tdes::TdesKey;
    use crate::crypto::{mac, pin_block};
    use crate::pin::Pin;

    #[test]
    fn a_sale_has_these_fields_and_no_others() {
        with_requests(|requests| {
            let message = requests.sale(&sale_request()).unwrap().frame.message;
            assert_eq!(message.mti(), Mti::FINANCIAL_REQUEST);
            let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
            assert_eq!(fields, [2, 3, 4, 11, 14, 22, 23, 25, 32, 35, 41, 42, 49, 55, 59, 60, 64]);
            for (field, text) in [
                (2, "4111111111111111"),
                (3, "000000"),
                (4, "000000001234"),
                (11, "000042"),
                (14, "3012"),
                (22, "052"),
                (23, "001"),
                (25, "00"),
                (32, "48520000"),
                (35, "4111111111111111D30122011"),
                (41, "10000001"),
                (42, "898000000000001"),
                (49, "156"),
                (60, "2200000700050"),
            ] {
                assert_eq!(message.text(field), Some(text), "field {field}");
            }
            let device = DeviceRecord::read(message.text(59).unwrap(), &requests.dialect.binding).unwrap();
            assert_eq!((device.factor.as_str(), device.device_type.as_str()), ("111111", "04"));
            assert_eq!(device.application_version.len(), 8);
            let ciphertext = requests.vault.device_ciphertext(&device.serial_number, &device.factor).unwrap();
            assert_eq!(device.ciphertext, ciphertext);
            let machine = requests.identity.machine.over(&device.serial_number, "111111").unwrap();
            assert_eq!(
                (device.machine, device.binding.as_deref()),
                (Some(machine), Some(requests.identity.mark.as_str()))
            );
        });
    }

    #[test]
    fn goods_are_told_where_the_dialect_has_a_field_for_them_and_nowhere_else() {
        with_requests(|requests| {
            let mut request = sale_request();
            request.sold = Sold::default().with_tip(request.amount, request.amount).unwrap();
            let message = requests.sale(&request).unwrap().frame.message;
            assert_eq!(message.bytes(58), Some(&b"T\t1234\n"[..]));
            let shown = requests.dialect.masked(58, crate::iso8583::Value::Bytes(b"T\t1234\n"));
            assert!(!shown.contains("1234") && !shown.contains("31323334"), "nobody is shown it: {shown}");
            let mut dialect = requests.dialect.clone();
            dialect.goods = None;
            let without = Requests { dialect: &dialect, ..*requests };
            assert_eq!(without.sale(&request).unwrap().frame.message.bytes(58), None);
        });
    }

    #[test]
    fn nothing_of_a_request_that_is_enough_to_pay_with_is_in_a_log() {
        let request = sale_request();
        let said = format!("{request:?} {:?}", request.card);
        for secret in ["4111111111111111", "48, 18", "3012", "159, 54"] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
        assert!(said.contains("411111"), "who looks at it knows which card it was: {said}");
    }

    #[test]
    fn a_pin_for_the_bank_is_in_the_sale_and_in_nothing_that_follows_it() {
        with_requests(|requests| {
            let mut sale = sale_request();
            let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
            sale.pin = Some(pin.clone());
            let written = requests.sale(&sale).unwrap();
            let message = &written.frame.message;
            let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
            assert_eq!(fields, [2, 3, 4, 11, 14, 22, 23, 25, 26, 32, 35, 41, 42, 49, 52, 53, 55, 59, 60, 64]);
            for (field, text) in [(22, "051"), (26, "12"), (53, "2600000000000000"), (60, "2200000700050")] {
                assert_eq!(message.text(field), Some(text), "field {field}");
            }
            let key = BlockKey::Tdes(TdesKey::new(&PIN_KEY).unwrap());
            let block: [u8; 8] = *pin_block::decipher(&key, message.bytes(52).unwrap()).unwrap();
            assert_eq!(pin_block::read_format_0(&block, sale.card.pan.expose_digits()).unwrap(), pin);
            assert!(pin_block::read_format_0(&block, "4111111111111129").is_err(), "for this card number only");
            assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);

            let reversal = requests.reversal(&ReversalRequest { with_pin: true, ..reversal_request() }).unwrap();
            let advices = AdviceKind::ALL
                .map(|kind| requests.advice(&Advice { with_pin: true, ..advice(kind) }).unwrap().frame.message);
            for message in [reversal.frame.message].into_iter().chain(advices) {
                assert_eq!(message.text(22), Some("051"), "the sale's");
                assert!(message.fields().all(|(field, _)| ![2, 14, 26, 35, 52, 53].contains(&field)), "{message:?}");
            }
        });
    }

    #[test]
    fn a_reversal_names_its_original_and_holds_no_card_number() {
        with_requests(|requests| {
            let message = requests.reversal(&reversal_request()).unwrap().frame.message;
            let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
            assert_eq!(fields, [3, 4, 11, 22, 23, 25, 32, 38, 39, 41, 42, 49, 55, 59, 60, 61, 64]);
            assert_eq!(message.text(39), Some("98"));
            assert_eq!(message.text(61), Some("0000070000421122"));
            assert_eq!(
                DeviceRecord::read(message.text(59).unwrap(), &requests.dialect.binding).unwrap().factor,
                "000042"
            );
        });
    }

    #[test]
    fn an_advice_names_its_original_and_brings_script_results_under_the_dialects_tag() {
        with_requests(|requests| {
            for (kind, mti, sixty) in [
                (AdviceKind::CardResult, Mti::BATCH_UPLOAD, "0000000720350"),
                (AdviceKind::ScriptResult, Mti::ADMINISTRATIVE_ADVICE, "0000000795150"),
            ] {
                let message = requests.advice(&advice(kind)).unwrap().frame.message;
                assert_eq!(message.mti(), mti);
                let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
                assert_eq!(fields, [3, 4, 11, 22, 23, 25, 32, 41, 42, 49, 55, 59, 60, 61, 64]);
                assert_eq!(message.text(11), Some("000043"), "a number of its own");
                assert_eq!(message.text(60), Some(sixty));
                assert_eq!(message.text(61), Some("0000070000421122"), "the payment's number");
                assert_eq!(message.bytes(55).unwrap(), [0x9F, 0x36, 2, 0, 1, 0xDF, 0x31, 5, 0x20, 0, 0, 0, 1]);
                assert_eq!(
                    DeviceRecord::read(message.text(59).unwrap(), &requests.dialect.binding).unwrap().factor,
                    "000043"
                );
            }
        });
    }

    #[test]
    fn an_echo_and_a_question_name_the_terminal_too() {
        with_requests(|requests| {
            let now = jiff::civil::date(2026, 11, 28).at(2, 3, 4, 0);
            let question = Question {
                mti: Mti::NETWORK_REQUEST,
                code: "370".to_owned(),
                field62: Some(vec![1]),
                about: String::new(),
            };
            for (written, fields) in [
                (requests.echo(now), &[12, 13, 32, 41, 42, 59, 60][..]),
                (requests.question(&question, now), &[12, 13, 32, 41, 42, 59, 60, 62, 64]),
            ] {
                let message = written.unwrap().frame.message;
                assert_eq!(message.fields().map(|(field, _)| field).collect::<Vec<_>>(), fields);
                assert_eq!((message.text(12), message.text(13)), (Some("020304"), Some("1128")));
                let device = DeviceRecord::read(message.text(59).unwrap(), &requests.dialect.binding).unwrap();
                assert_eq!(device.factor, "020304");
            }
        });
    }

    #[test]
    fn a_repeat_is_the_same_byte_for_byte() {
        with_requests(|requests| {
            let again = |write: &dyn Fn() -> Written| assert_eq!(write().bytes, write().bytes);
            again(&|| requests.reversal(&reversal_request()).unwrap());
            for kind in AdviceKind::ALL {
                again(&|| requests.advice(&advice(kind)).unwrap());
            }
        });
    }

    #[test]
    fn what_is_sent_carries_the_mac_over_what_is_sent() {
        with_requests(|requests| {
            for written in [requests.sale(&sale_request()), requests.reversal(&reversal_request())] {
                let written = written.unwrap();
                let covered = requests.dialect.mac_covered(&written.bytes).unwrap();
                let given = written.frame.message.bytes(MAC_FIELD).unwrap();
                assert!(mac::equal(given, &requests.vault.mac(covered).unwrap()));
                assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);
            }
        });
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_before_anything_leaves() {
        with_requests(|requests| {
            let mut request = sale_request();
            request.card.expiry = Some([0x1E, 0x0C]);
            let error = requests.sale(&request).err().unwrap();
            assert!(error.to_string().contains("field 14"), "{error}");
            request = sale_request();
            request.chip_data = vec![0; 256].into();
            assert!(requests.sale(&request).err().unwrap().to_string().contains("field 55"));
        });
    }
}
