//! What a batch comes to: how many payments were charged and how much that is, by kind and scheme, and what still stands in the
//! way of a settlement.
//!
//! Needs: how many payments of a batch are alike, and their sum ([`Tally`]). Decides only; reads, sends and prints nothing.

pub mod closing;
pub mod reconciliation;

use crate::money::{Amount, AmountError, Currency};
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::transaction::{Kind, Money};

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// From the cardholder to the merchant.
    Debit,
    /// Back.
    Credit,
}

impl Side {
    /// Which way the money of a kind goes; nothing, where none moves.
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind.money() {
            Money::ToMerchant => Some(Self::Debit),
            Money::ToCustomer => Some(Self::Credit),
            Money::Held | Money::Released | Money::None => None,
        }
    }
}

/// Whose card it is, by the registered part (RID, ISO/IEC 7816-5) of its application; without one by the beginning of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// UnionPay: settled as domestic.
    UnionPay,
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express.
    AmericanExpress,
    /// JCB.
    Jcb,
    /// Discover and Diners Club.
    Discover,
    /// Any other one.
    Other,
}

/// RIDs of the schemes.
const RIDS: [(&str, Scheme); 6] = [
    ("A000000333", Scheme::UnionPay),
    ("A000000003", Scheme::Visa),
    ("A000000004", Scheme::Mastercard),
    ("A000000025", Scheme::AmericanExpress),
    ("A000000065", Scheme::Jcb),
    ("A000000152", Scheme::Discover),
];

impl Scheme {
    /// The scheme of an application identifier in hexadecimal, or of the first six digits of a number.
    pub fn of_aid(aid: &str) -> Self {
        if let Some(beginning) = aid.parse().ok().filter(|_| aid.len() == 6) {
            return Self::of_number(beginning);
        }
        let rid = aid.get(..10).unwrap_or(aid);
        RIDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(rid)).map_or(Self::Other, |(_, scheme)| *scheme)
    }

    /// The scheme of a number by its first six digits, as the schemes themselves say which are theirs.
    const fn of_number(beginning: u32) -> Self {
        match beginning {
            620_000..=629_999 | 810_000..=817_199 => Self::UnionPay,
            400_000..=499_999 => Self::Visa,
            510_000..=559_999 | 222_100..=272_099 => Self::Mastercard,
            340_000..=349_999 | 370_000..=379_999 => Self::AmericanExpress,
            352_800..=358_999 => Self::Jcb,
            300_000..=305_999 | 360_000..=369_999 | 380_000..=399_999 | 601_100..=601_199 | 644_000..=659_999 => {
                Self::Discover
            }
            _ => Self::Other,
        }
    }

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnionPay => "unionpay",
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::AmericanExpress => "american_express",
            Self::Jcb => "jcb",
            Self::Discover => "discover",
            Self::Other => "other",
        }
    }

    /// Whether its cards are settled as domestic (内卡).
    pub const fn is_domestic(self) -> bool {
        match self {
            Self::UnionPay => true,
            Self::Visa | Self::Mastercard | Self::AmericanExpress | Self::Jcb | Self::Discover | Self::Other => false,
        }
    }
}

/// Payments of a batch that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What was wanted.
    pub kind: Kind,
    /// Where they stand.
    pub state: State,
    /// What a person found out about them.
    pub resolution: Option<Resolution>,
    /// Application identifier, hexadecimal, or the first six digits of the number where a card had none.
    pub aid: String,
    /// Their currency.
    pub currency: Currency,
    /// How many they are.
    pub count: u32,
    /// Their sum in minor units.
    pub minor: u64,
}

/// How many, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u32,
    /// How much.
    pub amount: Amount,
}

/// What came about of one kind on cards of one scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was wanted.
    pub kind: Kind,
    /// Whose cards.
    pub scheme: Scheme,
    /// How many, and how much.
    pub sum: Sum,
}

impl Line {
    /// Whether it is settled as domestic: so is what is paid by code, whosever card is behind the wallet.
    pub const fn is_domestic(&self) -> bool {
        self.kind.is_by_code() || self.scheme.is_domestic()
    }

    /// By which means it was paid, in JSON: the scheme of the card, or a code.
    pub const fn method(&self) -> &'static str {
        if self.kind.is_by_code() { "code" } else { self.scheme.word() }
    }
}

/// What a batch comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Its currency.
    pub currency: Currency,
    /// By kind and scheme, in this order; what did not occur has no line. Also what moves no money: it is told, and not added.
    pub lines: Vec<Line>,
    /// Payments that are neither paid nor not paid for certain: none may be settled over.
    pub open: u32,
}

/// A batch that has no totals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TotalsError {
    /// Its payments cannot be added.
    #[error("the batch holds payments in {0} and in {1}; a batch is settled in one currency")]
    Currencies(Currency, Currency),
    /// More than a message can say.
    #[error("the batch comes to more than can be settled at once: {0}")]
    TooMuch(#[from] AmountError),
    /// More than a message can say.
    #[error("the batch has more payments than can be settled at once")]
    TooMany,
}

/// Adds up a batch.
///
/// # Errors
/// When it holds more than one currency, or more than a message can say.
pub fn totals(tallies: &[Tally], currency: Currency) -> Result<Totals, TotalsError> {
    let mut totals = Totals { currency, lines: Vec::new(), open: 0 };
    for tally in tallies {
        if tally.currency != currency {
            return Err(TotalsError::Currencies(currency, tally.currency));
        }
        match standing(tally.state, tally.resolution) {
            Standing::Charged => totals.add(tally)?,
            Standing::NotCharged => {}
            Standing::Open => totals.open = totals.open.checked_add(tally.count).ok_or(TotalsError::TooMany)?,
        }
    }
    totals.lines.sort_by_key(|line| (Kind::ALL.iter().position(|kind| *kind == line.kind), line.scheme));
    Ok(totals)
}

/// Whether a payment is paid, as a settlement counts it: for certain, or by a person's word.
pub const fn is_charged(state: State, resolution: Option<Resolution>) -> bool {
    matches!(standing(state, resolution), Standing::Charged)
}

/// What a row is for a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Charged,
    NotCharged,
    Open,
}

const fn standing(state: State, resolution: Option<Resolution>) -> Standing {
    match (state, resolution) {
        (State::Approved, _) | (State::Unresolved, Some(Resolution::Charged)) => Standing::Charged,
        (State::Declined | State::Reversed, _)
        | (State::Unresolved, Some(Resolution::Reversed | Resolution::Noted)) => Standing::NotCharged,
        (State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue, _)
        | (State::Unresolved, None) => Standing::Open,
    }
}

impl Sum {
    const fn nothing(currency: Currency) -> Self {
        Self { count: 0, amount: Amount::zero(currency) }
    }

    fn plus(self, count: u32, minor: u64) -> Result<Self, TotalsError> {
        let minor = self.amount.minor().saturating_add(minor);
        Ok(Self {
            count: self.count.checked_add(count).ok_or(TotalsError::TooMany)?,
            amount: Amount::new(minor, self.amount.currency())?,
        })
    }
}

impl Totals {
    fn add(&mut self, tally: &Tally) -> Result<(), TotalsError> {
        let (kind, scheme) = (tally.kind, Scheme::of_aid(&tally.aid));
        let same = |line: &&mut Line| (line.kind, line.scheme) == (kind, scheme);
        if let Some(line) = self.lines.iter_mut().find(same) {
            line.sum = line.sum.plus(tally.count, tally.minor)?;
        } else {
            let sum = Sum::nothing(self.currency).plus(tally.count, tally.minor)?;
            self.lines.push(Line { kind, scheme, sum });
        }
        Ok(())
    }

    /// What goes one way, on domestic cards or on all others: what the host compares.
    ///
    /// # Errors
    /// When it is more than a message can say.
    pub fn of(&self, side: Side, domestic: bool) -> Result<Sum, TotalsError> {
        let wanted = |line: &&Line| Side::of(line.kind) == Some(side) && line.is_domestic() == domestic;
        self.lines
            .iter()
            .filter(wanted)
            .try_fold(Sum::nothing(self.currency), |sum, line| sum.plus(line.sum.count, line.sum.amount.minor()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_MINOR;

    const UNIONPAY: &str = "A000000333010101";
    const VISA: &str = "A0000000031010";

    fn tally(state: State, resolution: Option<Resolution>, aid: &str, count: u32, minor: u64) -> Tally {
        Tally { kind: Kind::Sale, state, resolution, aid: aid.to_owned(), currency: Currency::CNY, count, minor }
    }

    fn sum(count: u32, minor: u64) -> Sum {
        Sum { count, amount: Amount::new(minor, Currency::CNY).unwrap() }
    }

    #[test]
    fn what_was_charged_counts_and_nothing_else() {
        for (state, resolution, charged, open) in [
            (State::Approved, None, 2, 0),
            (State::Declined, None, 0, 0),
            (State::Reversed, None, 0, 0),
            (State::Unresolved, Some(Resolution::Charged), 2, 0),
            (State::Unresolved, Some(Resolution::Reversed), 0, 0),
            (State::Unresolved, None, 0, 2),
            (State::Pending, None, 0, 2),
            (State::HostApproved, None, 0, 2),
            (State::ReversalDue, None, 0, 2),
            (State::RepeatDue, None, 0, 2),
        ] {
            let totals = totals(&[tally(state, resolution, UNIONPAY, 2, 500)], Currency::CNY).unwrap();
            assert_eq!(totals.open, open, "{state:?} {resolution:?}");
            let expected = if charged == 0 { sum(0, 0) } else { sum(2, 500) };
            assert_eq!(totals.of(Side::Debit, true), Ok(expected), "{state:?} {resolution:?}");
            assert_eq!(totals.of(Side::Credit, true), Ok(sum(0, 0)));
            assert_eq!(totals.of(Side::Debit, false), Ok(sum(0, 0)));
        }
    }

    #[test]
    fn money_goes_to_the_merchant_or_back_and_what_is_set_aside_is_not_added() {
        let of = |kind, minor| Tally { kind, ..tally(State::Approved, None, UNIONPAY, 1, minor) };
        // The last of them is no more than set aside.
        let tallies: Vec<_> =
            Kind::ALL.into_iter().zip((0..12).chain([0])).map(|(kind, at)| of(kind, 10_u64.pow(at))).collect();
        let totals = totals(&tallies, Currency::CNY).unwrap();
        // Sale, offline sale, completion, notice of one, payment by code; void, refund, void of a completion, refund by code.
        assert_eq!(totals.of(Side::Debit, true), Ok(sum(5, 10_110_000_011)));
        assert_eq!(totals.of(Side::Credit, true), Ok(sum(4, 101_000_110_000)));
        assert_eq!(totals.lines.len(), 13, "each has its line");
        let held = Tally { state: State::RepeatDue, ..of(Kind::Refund, 1) };
        assert_eq!(super::totals(&[held], Currency::CNY).unwrap().open, 1);
    }

    #[test]
    fn domestic_and_foreign_cards_are_told_apart_by_their_scheme() {
        let tallies = [
            tally(State::Approved, None, VISA, 1, 100),
            tally(State::Approved, None, UNIONPAY, 2, 300),
            tally(State::Approved, None, "A000000333010102", 1, 50),
            tally(State::Unresolved, Some(Resolution::Charged), UNIONPAY, 1, 7),
            tally(State::Approved, None, "A0000000041010", 3, 30),
        ];
        let totals = totals(&tallies, Currency::CNY).unwrap();
        let lines: Vec<_> = totals.lines.iter().map(|line| (line.scheme.word(), line.sum)).collect();
        assert_eq!(lines, [("unionpay", sum(4, 357)), ("visa", sum(1, 100)), ("mastercard", sum(3, 30))]);
        assert_eq!(totals.of(Side::Debit, true), Ok(sum(4, 357)));
        assert_eq!(totals.of(Side::Debit, false), Ok(sum(4, 130)));
    }

    #[test]
    fn an_application_belongs_to_the_scheme_of_its_rid() {
        for (aid, scheme) in [
            ("A000000333", Scheme::UnionPay),
            ("a0000000031010", Scheme::Visa),
            ("A0000000651010", Scheme::Jcb),
            ("A00000002501", Scheme::AmericanExpress),
            ("A0000001523010", Scheme::Discover),
            ("A0000003", Scheme::Other),
            ("", Scheme::Other),
        ] {
            assert_eq!(Scheme::of_aid(aid), scheme, "{aid}");
        }
    }

    #[test]
    fn what_cannot_be_added_has_no_totals() {
        let usd: Currency = "USD".parse().unwrap();
        let mixed = [
            tally(State::Approved, None, VISA, 1, 1),
            Tally { currency: usd, ..tally(State::Declined, None, VISA, 1, 1) },
        ];
        assert_eq!(totals(&mixed, Currency::CNY), Err(TotalsError::Currencies(Currency::CNY, usd)));
        let much = [tally(State::Approved, None, VISA, 1, MAX_MINOR), tally(State::Approved, None, VISA, 1, 1)];
        assert!(matches!(totals(&much, Currency::CNY), Err(TotalsError::TooMuch(_))));
        // Each line is small enough, both together are not.
        let much =
            [tally(State::Approved, None, VISA, 1, MAX_MINOR), tally(State::Approved, None, "A0000000041010", 1, 1)];
        assert!(matches!(totals(&much, Currency::CNY).unwrap().of(Side::Debit, false), Err(TotalsError::TooMuch(_))));
        let many = [tally(State::Pending, None, VISA, u32::MAX, 1), tally(State::Pending, None, VISA, 1, 1)];
        assert_eq!(totals(&many, Currency::CNY), Err(TotalsError::TooMany));
        assert_eq!(totals(&[], Currency::CNY), Ok(Totals { currency: Currency::CNY, lines: Vec::new(), open: 0 }));
    }
}
