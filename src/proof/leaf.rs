//! A leaf of the log: the text that says what a payment finally is.
//!
//! One line of ASCII without a line feed, written in one way only: [`TITLE`], then a word `key=value` for each of [`KEYS`] in
//! this order, divided by one blank. A value that is not known is empty. Of a value, each byte that is no graphic ASCII
//! character, and the percent sign, is written as `%` and two hexadecimal digits.
//!
//! | key | what |
//! |---|---|
//! | `merchant` `terminal` `batch` `stan` | which payment: fields 42, 41, 60.2 and 11 |
//! | `kind` `state` `resolution` | what was wanted, where it stands, what a person found out |
//! | `amount` `currency` `time` | minor units, ISO 4217, local time |
//! | `entry` `verification` `card` `sequence` `aid` | how the card was read and its holder verified; first six and last four digits; nothing of a card where a code was used |
//! | `response` `rrn` `authorisation` | fields 39, 37 and 38 of the answer |
//! | `cryptogram` `atc` | the card's last word |
//! | `reason` `reversal` | why it was not paid or is taken back: in a word, and as field 39 of the reversal |
//! | `late_response` `late_rrn` `late_authorisation` `late_time` | an approval that came too late |
//!
//! That is the leaf of a sale. One of any other kind begins with [`TITLE_OF_OTHERS`] and has [`KEYS_OF_ORIGINAL`] behind `kind`:
//!
//! | key | what |
//! |---|---|
//! | `original_batch` `original_stan` `original_time` | what it refers to: field 61, with the local time; empty where it refers to nothing |
//!
//! One of a card without its chip, of whatever kind, begins with [`TITLE_WITHOUT_CHIP`] and has these keys as well; its `aid` is empty.
//!
//! There is nothing secret in it. A later version of this text has another title; leaves are never written anew.

use jiff::civil::DateTime;

use crate::emv::cvm::Verification;
use crate::money::{Amount, Currency};
use crate::payment::online::{EntryMode, LateApproval, ReversalReason};
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::transaction::Kind;
use crate::reference::{AuthorisationCode, Batch, MerchantCode, ResponseCode, Rrn, Stan, TerminalNumber, TraceNumber};
use crate::wording::ReasonKind;

/// What the text is, and by which version of this definition.
pub const TITLE: &str = "yima-transaction-1";

/// The keys, in the order in which they stand.
pub const KEYS: [&str; 26] = [
    "merchant",
    "terminal",
    "batch",
    "stan",
    "kind",
    "state",
    "resolution",
    "amount",
    "currency",
    "time",
    "entry",
    "verification",
    "card",
    "sequence",
    "aid",
    "response",
    "rrn",
    "authorisation",
    "cryptogram",
    "atc",
    "reason",
    "reversal",
    "late_response",
    "late_rrn",
    "late_authorisation",
    "late_time",
];

/// What the text of anything but a sale is.
pub const TITLE_OF_OTHERS: &str = "yima-transaction-2";

/// What the text of a card without its chip is: the stripe was read, or the number typed.
pub const TITLE_WITHOUT_CHIP: &str = "yima-transaction-3";

/// The keys that it has behind [`KIND`].
pub const KEYS_OF_ORIGINAL: [&str; 3] = ["original_batch", "original_stan", "original_time"];

/// The key behind which they stand.
const KIND: &str = "kind";

/// What a payment finally is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What was to be done.
    pub kind: Kind,
    /// What it refers to, and the local time of that.
    pub original: Option<(TraceNumber, DateTime)>,
    /// Where it stands.
    pub state: State,
    /// What a person found out, when the terminal had given up.
    pub resolution: Option<Resolution>,
    /// Amount.
    pub amount: Amount,
    /// Local time.
    pub at: DateTime,
    /// How the card was read.
    pub entry: EntryMode,
    /// How the cardholder was verified.
    pub verification: Option<Verification>,
    /// Card number, first six and last four.
    pub truncated_pan: String,
    /// PAN sequence number.
    pub sequence_number: Option<u8>,
    /// Application identifier, hexadecimal; empty where no card has said one.
    pub aid: String,
    /// Field 39.
    pub response_code: Option<ResponseCode>,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// The card's last cryptogram, hexadecimal.
    pub cryptogram: Option<String>,
    /// ATC, hexadecimal.
    pub atc: Option<String>,
    /// Why it was not paid or is taken back.
    pub reason: Option<ReasonKind>,
    /// Field 39 of the reversal.
    pub reversal_reason: Option<ReversalReason>,
    /// An approval that came too late, and its local time.
    pub late: Option<(LateApproval, DateTime)>,
}

/// A text that is no leaf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Another title: of a newer program, or none of ours.
    #[error(
        "it begins with none of {TITLE}, {TITLE_OF_OTHERS} and {TITLE_WITHOUT_CHIP}: a newer version of this program wrote it, or it is no leaf"
    )]
    Title,
    /// A value is missing or cannot be.
    #[error("its {0} is missing or cannot be")]
    Value(&'static str),
    /// It would be written in another way.
    #[error("it is not written as leaves are")]
    Form,
}

/// Whether a payment that stands so is over as far as the terminal knows by itself, or a person has ended it.
pub const fn is_final(state: State, resolution: Option<Resolution>) -> bool {
    match state {
        State::Approved | State::Declined | State::Reversed => true,
        State::Unresolved => resolution.is_some(),
        State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue => false,
    }
}

impl Leaf {
    /// The text.
    pub fn text(&self) -> String {
        let title = self.title();
        let mut text = title.to_owned();
        let mut write = |key: &str, value: &str| text.push_str(&format!(" {key}={}", escaped(value)));
        for (key, value) in KEYS.iter().zip(self.values()) {
            write(key, &value);
            if *key == KIND && title != TITLE {
                KEYS_OF_ORIGINAL.iter().zip(self.values_of_original()).for_each(|(key, value)| write(key, &value));
            }
        }
        text
    }

    const fn title(&self) -> &'static str {
        match (self.entry, self.kind) {
            (EntryMode::Stripe | EntryMode::Fallback | EntryMode::Typed, _) => TITLE_WITHOUT_CHIP,
            (EntryMode::Chip | EntryMode::NotRead, Kind::Sale) => TITLE,
            (EntryMode::Chip | EntryMode::NotRead, _) => TITLE_OF_OTHERS,
        }
    }

    /// As [`KEYS_OF_ORIGINAL`] stand.
    fn values_of_original(&self) -> [String; KEYS_OF_ORIGINAL.len()] {
        self.original.map_or_else(Default::default, |(trace, at)| {
            [trace.batch.to_string(), trace.stan.to_string(), at.to_string()]
        })
    }

    /// As [`KEYS`] stand.
    fn values(&self) -> [String; KEYS.len()] {
        let late = self.late.as_ref();
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        [
            self.merchant_code.to_string(),
            self.terminal_number.to_string(),
            self.trace.batch.to_string(),
            self.trace.stan.to_string(),
            self.kind.word().to_owned(),
            self.state.word().to_owned(),
            text(self.resolution.map(Resolution::word)),
            self.amount.minor().to_string(),
            self.amount.currency().code().to_owned(),
            self.at.to_string(),
            self.entry.word().to_owned(),
            text(self.verification.map(Verification::word)),
            self.truncated_pan.clone(),
            self.sequence_number.map(|number| number.to_string()).unwrap_or_default(),
            self.aid.clone(),
            text(self.response_code.as_ref().map(ResponseCode::as_str)),
            text(self.rrn.as_ref().map(Rrn::as_str)),
            text(self.authorisation_code.as_ref().map(AuthorisationCode::as_str)),
            text(self.cryptogram.as_deref()),
            text(self.atc.as_deref()),
            text(self.reason.map(ReasonKind::word)),
            text(self.reversal_reason.map(ReversalReason::code)),
            text(late.map(|(late, _)| late.response_code.as_str())),
            text(late.and_then(|(late, _)| late.rrn.as_ref()).map(Rrn::as_str)),
            text(late.and_then(|(late, _)| late.authorisation_code.as_ref()).map(AuthorisationCode::as_str)),
            late.map(|(_, at)| at.to_string()).unwrap_or_default(),
        ]
    }

    /// Reads the text.
    ///
    /// # Errors
    /// When it is none, or could be written in another way.
    pub fn parse(text: &str) -> Result<Self, LeafError> {
        let (title, rest) = text.split_once(' ').ok_or(LeafError::Title)?;
        let (of_sale, without_chip) = match title {
            TITLE => (true, false),
            TITLE_OF_OTHERS => (false, false),
            TITLE_WITHOUT_CHIP => (false, true),
            _ => return Err(LeafError::Title),
        };
        let mut words = Words { words: rest.split(' '), key: 0 };
        let merchant_code = words.value(|text| MerchantCode::parse(text).ok())?;
        let terminal_number = words.value(|text| TerminalNumber::parse(text).ok())?;
        let batch = words.value(|text| Batch::parse(text).ok())?;
        let stan = words.value(|text| Stan::parse(text).ok())?;
        let trace = TraceNumber { batch, stan };
        let kind = words
            .value(|text| Kind::from_word(text).filter(|kind| without_chip || (*kind == Kind::Sale) == of_sale))?;
        let original = if of_sale { None } else { words.original()? };
        if original.is_some() != Kind::ALL.into_iter().any(|other| kind.may_refer_to(other)) {
            return Err(LeafError::Value(KEYS_OF_ORIGINAL[0]));
        }
        let state = words.value(State::from_word)?;
        let resolution = words.maybe(Resolution::from_word)?;
        let minor: u64 = words.value(|text| text.parse().ok())?;
        let currency: Currency = words.value(|text| text.parse().ok())?;
        let leaf = Self {
            merchant_code,
            terminal_number,
            trace,
            kind,
            original,
            state,
            resolution,
            amount: Amount::new(minor, currency).map_err(|_| LeafError::Value("amount"))?,
            at: words.value(|text| text.parse().ok())?,
            entry: words
                .value(|text| EntryMode::from_word(text).filter(|entry| !of_sale || *entry == EntryMode::Chip))
                .and_then(|entry| {
                    let fits = entry.is_without_chip() == without_chip;
                    if fits { Ok(entry) } else { Err(LeafError::Value("entry")) }
                })?,
            verification: words.maybe(Verification::from_word)?,
            truncated_pan: if kind.is_by_code() {
                // Nothing may stand there.
                words.maybe(|_| None::<String>)?.unwrap_or_default()
            } else {
                words.value(some_text)?
            },
            sequence_number: words.maybe(|text| text.parse().ok())?,
            aid: match (of_sale, without_chip) {
                (true, _) => words.value(some_text)?,
                // Nothing may stand there.
                (false, true) => words.maybe(|_| None::<String>)?.unwrap_or_default(),
                (false, false) => words.maybe(some_text)?.unwrap_or_default(),
            },
            response_code: words.maybe(|text| ResponseCode::parse(text).ok())?,
            rrn: words.maybe(|text| Rrn::parse(text).ok())?,
            authorisation_code: words.maybe(|text| AuthorisationCode::parse(text).ok())?,
            cryptogram: words.maybe(some_text)?,
            atc: words.maybe(some_text)?,
            reason: words.maybe(ReasonKind::from_word)?,
            reversal_reason: words.maybe(ReversalReason::from_code)?,
            late: words.late(trace)?,
        };
        if leaf.text() == text { Ok(leaf) } else { Err(LeafError::Form) }
    }
}

/// The words of a leaf that are still to be read.
struct Words<'a> {
    words: std::str::Split<'a, char>,
    key: usize,
}

impl Words<'_> {
    /// The value of the next key; nothing when it is empty.
    fn maybe<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, LeafError> {
        let key = KEYS.get(self.key).copied().ok_or(LeafError::Form)?;
        self.key += 1;
        self.of(key, parse)
    }

    /// The value of a key whose turn it is.
    fn of<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, LeafError> {
        let wrong = || LeafError::Value(key);
        let value = self.words.next().and_then(|word| word.strip_prefix(key)?.strip_prefix('=')).ok_or_else(wrong)?;
        let value = unescaped(value).ok_or_else(wrong)?;
        if value.is_empty() { Ok(None) } else { parse(&value).map(Some).ok_or_else(wrong) }
    }

    /// The value of the next key, which is never empty.
    fn value<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, LeafError> {
        let key = KEYS.get(self.key).copied().ok_or(LeafError::Form)?;
        self.maybe(parse)?.ok_or(LeafError::Value(key))
    }

    /// What it refers to; half of one would be written in another way.
    fn original(&mut self) -> Result<Option<(TraceNumber, DateTime)>, LeafError> {
        let [batch, stan, time] = KEYS_OF_ORIGINAL;
        let batch = self.of(batch, |text| Batch::parse(text).ok())?;
        let stan = self.of(stan, |text| Stan::parse(text).ok())?;
        let at = self.of(time, |text| text.parse().ok())?;
        Ok(batch.zip(stan).zip(at).map(|((batch, stan), at)| (TraceNumber { batch, stan }, at)))
    }

    fn late(&mut self, trace: TraceNumber) -> Result<Option<(LateApproval, DateTime)>, LeafError> {
        let response_code = self.maybe(|text| ResponseCode::parse(text).ok())?;
        let rrn = self.maybe(|text| Rrn::parse(text).ok())?;
        let authorisation_code = self.maybe(|text| AuthorisationCode::parse(text).ok())?;
        let at = self.maybe(|text| text.parse().ok())?;
        match (response_code, at) {
            (Some(response_code), Some(at)) => {
                Ok(Some((LateApproval { trace, response_code, rrn, authorisation_code }, at)))
            }
            // Half of one would be written in another way.
            (_, _) => Ok(None),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the ways to read a value")]
fn some_text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::civil::date;

    use super::*;

    /// A payment that was paid.
    pub fn paid(stan: u32) -> Leaf {
        Leaf {
            merchant_code: MerchantCode::parse("898440100000001").unwrap(),
            terminal_number: TerminalNumber::parse("10000001").unwrap(),
            trace: TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(stan).unwrap() },
            kind: Kind::Sale,
            original: None,
            state: State::Approved,
            resolution: None,
            amount: Amount::new(1234, Currency::CNY).unwrap(),
            at: date(2026, 11, 22).at(14, 26, 9, 0),
            entry: EntryMode::Chip,
            verification: Some(Verification::OnlinePin),
            truncated_pan: "622848*********1230".to_owned(),
            sequence_number: Some(1),
            aid: "A000000333010101".to_owned(),
            response_code: ResponseCode::parse("00").ok(),
            rrn: Rrn::parse("000000000001").ok(),
            authorisation_code: AuthorisationCode::parse("A12 %C").ok(),
            cryptogram: Some("0102030405060708".to_owned()),
            atc: Some("0001".to_owned()),
            reason: None,
            reversal_reason: None,
            late: None,
        }
    }

    /// Taken back; an approval came after all.
    fn taken_back() -> Leaf {
        let paid = paid(7);
        let late = LateApproval {
            trace: paid.trace,
            response_code: ResponseCode::parse("00").unwrap(),
            rrn: None,
            authorisation_code: AuthorisationCode::parse("999999").ok(),
        };
        Leaf {
            state: State::Reversed,
            reason: Some(ReasonKind::HostSilent),
            reversal_reason: Some(ReversalReason::NoAnswer),
            verification: None,
            sequence_number: None,
            late: Some((late, date(2026, 11, 22).at(14, 30, 0, 0))),
            ..paid
        }
    }

    /// What was signed once is read for ever: this text never changes.
    #[test]
    fn a_leaf_is_this_text() {
        assert_eq!(
            paid(42).text(),
            "yima-transaction-1 merchant=898440100000001 terminal=10000001 batch=000001 stan=000042 kind=sale \
             state=approved resolution= amount=1234 currency=CNY time=2026-11-22T14:26:09 entry=chip \
             verification=online_pin card=622848*********1230 sequence=1 aid=A000000333010101 response=00 \
             rrn=000000000001 authorisation=A12%20%25C cryptogram=0102030405060708 atc=0001 reason= reversal= \
             late_response= late_rrn= late_authorisation= late_time="
        );
    }

    /// A part of a payment went back. No card has a last word of it.
    fn refunded() -> Leaf {
        let paid = paid(42);
        let trace = TraceNumber { batch: Batch::new(2).unwrap(), stan: Stan::new(7).unwrap() };
        let original = Some((paid.trace, paid.at));
        Leaf { trace, kind: Kind::Refund, original, cryptogram: None, atc: None, ..paid }
    }

    #[test]
    fn a_leaf_of_anything_but_a_sale_is_this_text() {
        assert_eq!(
            refunded().text(),
            "yima-transaction-2 merchant=898440100000001 terminal=10000001 batch=000002 stan=000007 kind=refund \
             original_batch=000001 original_stan=000042 original_time=2026-11-22T14:26:09 \
             state=approved resolution= amount=1234 currency=CNY time=2026-11-22T14:26:09 entry=chip \
             verification=online_pin card=622848*********1230 sequence=1 aid=A000000333010101 response=00 \
             rrn=000000000001 authorisation=A12%20%25C cryptogram= atc= reason= reversal= \
             late_response= late_rrn= late_authorisation= late_time="
        );
    }

    #[test]
    fn a_leaf_says_what_it_refers_to_exactly_when_its_kind_does() {
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Sale) {
            let refers = Kind::ALL.into_iter().any(|other| kind.may_refer_to(other));
            let truncated_pan = if kind.is_by_code() { String::new() } else { refunded().truncated_pan };
            let with = Leaf { kind, entry: EntryMode::Chip, truncated_pan, ..refunded() };
            let without = Leaf { original: None, ..with.clone() };
            assert_eq!(Leaf::parse(&with.text()).is_ok(), refers, "{kind:?}");
            assert_eq!(Leaf::parse(&without.text()).is_ok(), !refers, "{kind:?}");
        }
        let text = refunded().text();
        for (from, to) in [
            ("yima-transaction-2", "yima-transaction-1"),
            ("kind=refund", "kind=sale"),
            ("kind=refund", "kind=pre_authorisation"),
            ("original_stan=000042", "original_stan="),
            ("original_stan=000042", "original_stan=42"),
            ("original_stan=000042 ", ""),
            ("original_time=2026-11-22T14:26:09", "original_time="),
        ] {
            let wrong = text.replacen(from, to, 1);
            assert_ne!(wrong, text, "{from}");
            assert!(Leaf::parse(&wrong).is_err(), "{wrong}");
        }
        let away = Leaf { entry: EntryMode::NotRead, aid: String::new(), ..refunded() };
        assert_eq!(Leaf::parse(&away.text()), Ok(away));
        let sale = Leaf { entry: EntryMode::NotRead, ..paid(1) };
        assert!(Leaf::parse(&sale.text()).is_err(), "the card of a sale is there");
        for (kind, original) in [(Kind::CodePayment, None), (Kind::CodeRefund, refunded().original)] {
            let by_code = Leaf { kind, original, truncated_pan: String::new(), ..refunded() };
            assert_eq!(Leaf::parse(&by_code.text()).as_ref(), Ok(&by_code));
            let card = Leaf { truncated_pan: refunded().truncated_pan, ..by_code };
            assert!(Leaf::parse(&card.text()).is_err(), "who pays by code has no card");
        }
    }

    #[test]
    fn a_card_without_its_chip_has_a_title_of_its_own_and_no_application() {
        for entry in [EntryMode::Stripe, EntryMode::Fallback, EntryMode::Typed] {
            for leaf in [paid(1), refunded()] {
                let leaf = Leaf { entry, aid: String::new(), cryptogram: None, atc: None, ..leaf };
                let text = leaf.text();
                assert!(
                    text.starts_with("yima-transaction-3 ") && text.contains(&format!(" entry={} ", entry.word())),
                    "{text}"
                );
                assert_eq!(Leaf::parse(&text), Ok(leaf.clone()));
                for (from, to) in [
                    ("transaction-3", "transaction-1"),
                    ("transaction-3", "transaction-2"),
                    (&format!("entry={}", entry.word())[..], "entry=chip"),
                    ("aid=", "aid=A000000333010101"),
                ] {
                    assert!(Leaf::parse(&text.replacen(from, to, 1)).is_err(), "{from} -> {to}");
                }
                let named = Leaf { aid: "A000000333010101".to_owned(), ..leaf };
                assert!(Leaf::parse(&named.text()).is_err(), "a stripe has no application");
            }
        }
    }

    #[test]
    fn every_leaf_is_read_back() {
        let resolved = Leaf {
            state: State::Unresolved,
            resolution: Some(Resolution::Charged),
            reason: Some(ReasonKind::HostSilent),
            reversal_reason: Some(ReversalReason::NoAnswer),
            ..paid(3)
        };
        for leaf in [paid(1), taken_back(), resolved, refunded()] {
            assert_eq!(Leaf::parse(&leaf.text()), Ok(leaf));
        }
    }

    #[test]
    fn a_text_that_could_be_written_otherwise_is_no_leaf() {
        let text = taken_back().text();
        for (from, to) in [
            ("yima-transaction-1", "yima-transaction-2"),
            (" batch", "  batch"),
            ("batch=000001", "batch=1"),
            ("%20", " "),
            ("A12%20", "A%312%20"),
            ("%20", "%2"),
            ("state=reversed", "state=lost"),
            ("amount=1234", "amount=+1234"),
            ("amount=1234", "amount="),
            ("late_response=00", "late_response="),
            ("T14:26:09", "t14:26:09"),
            ("kind=sale", "kind=gift"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from} is in it");
            assert!(Leaf::parse(&changed).is_err(), "{from} -> {to}");
        }
        assert!(Leaf::parse(&format!("{text} more=")).is_err());
        assert!(Leaf::parse("").is_err());
    }

    #[test]
    fn what_is_final_is_what_nobody_goes_on_with() {
        let finals: Vec<_> = State::ALL.into_iter().filter(|state| is_final(*state, None)).collect();
        assert_eq!(finals, [State::Approved, State::Declined, State::Reversed]);
        assert!(is_final(State::Unresolved, Some(Resolution::Reversed)), "a person has ended it");
    }
}
