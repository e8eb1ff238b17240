//! What is looked for among payments by typing digits, and saying of what they are.

use jiff::civil::Date;

use crate::goods::{Barcode, GoodNumber};
use crate::ledger::{LastFour, Search};
use crate::money::{Amount, Currency};
use crate::people::PersonNumber;
use crate::reference::{Rrn, Stan};

/// Digits at most: more than a reference number or a barcode has.
pub const MOST_DIGITS: usize = 14;

/// What typed digits are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeekBy {
    /// An amount, in minor units.
    Amount,
    /// The end of a card number.
    LastFour,
    /// A STAN, in whatever batch.
    Stan,
    /// A reference number of the host.
    Rrn,
    /// A day: month and day, or the year before them.
    Day,
    /// Whoever took it.
    Cashier,
    /// A good, by its number or barcode.
    Good,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// This amount.
    Amount(Amount),
    /// A card that ends so.
    LastFour(LastFour),
    /// This STAN.
    Stan(Stan),
    /// This reference number.
    Rrn(Rrn),
    /// This day.
    Day(Date),
    /// What this person took.
    Cashier(PersonNumber),
    /// What this good was among.
    Good(GoodNumber),
}

/// What a person wants who looks for payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeekIntent {
    /// Type what is looked for.
    Open,
    /// Look for it: what the digits are of, and the digits.
    Find(SeekBy, String),
    /// Show all payments again.
    All,
}

impl SeekBy {
    /// All of them, in the order in which they stand on the screen.
    pub const ALL: [Self; 7] =
        [Self::Amount, Self::LastFour, Self::Stan, Self::Rrn, Self::Day, Self::Cashier, Self::Good];

    /// Whether so many digits can be of it.
    pub const fn takes(self, digits: usize) -> bool {
        match self {
            Self::Amount => matches!(digits, 1..=12),
            Self::LastFour => digits == 4,
            Self::Stan => matches!(digits, 1..=6),
            Self::Rrn => digits == 12,
            Self::Day => matches!(digits, 4 | 8),
            Self::Cashier => matches!(digits, 1 | 2),
            Self::Good => matches!(digits, 1..=14),
        }
    }

    /// What is looked for by these digits; nothing, where they are of no such thing. `good`: the number of the good with a barcode.
    pub fn sought(
        self,
        digits: &str,
        currency: Currency,
        today: Date,
        good: impl FnOnce(&str) -> Option<GoodNumber>,
    ) -> Option<Sought> {
        if !self.takes(digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match self {
            Self::Amount => {
                let amount = Amount::new(digits.parse().ok()?, currency).ok()?;
                (!amount.is_zero()).then_some(Sought::Amount(amount))
            }
            Self::LastFour => LastFour::parse(digits).map(Sought::LastFour),
            Self::Stan => Stan::new(digits.parse().ok()?).ok().map(Sought::Stan),
            Self::Rrn => Rrn::parse(digits).ok().map(Sought::Rrn),
            Self::Day => day(digits, today).map(Sought::Day),
            Self::Cashier => PersonNumber::parse(&format!("{digits:0>2}")).ok().map(Sought::Cashier),
            Self::Good if digits.parse::<Barcode>().is_ok() => good(digits).map(Sought::Good),
            Self::Good => GoodNumber::new(digits.parse().ok()?).ok().map(Sought::Good),
        }
    }
}

impl Sought {
    /// The question to the ledger.
    pub fn search(&self) -> Search {
        match self.clone() {
            Self::Amount(amount) => Search { amount: Some(amount), ..Search::default() },
            Self::LastFour(digits) => Search { last_four: Some(digits), ..Search::default() },
            Self::Stan(stan) => Search { stan: Some(stan), ..Search::default() },
            Self::Rrn(rrn) => Search { rrn: Some(rrn), ..Search::default() },
            Self::Day(day) => Search {
                from: Some(day.at(0, 0, 0, 0)),
                before: day.tomorrow().ok().map(|next| next.at(0, 0, 0, 0)),
                ..Search::default()
            },
            Self::Cashier(person) => Search { cashier: Some(person), ..Search::default() },
            Self::Good(number) => Search { good: Some(number), ..Search::default() },
        }
    }
}

/// The last such day that is not to come.
fn day(digits: &str, today: Date) -> Option<Date> {
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let of = |year: i16, month: i16, day: i16| Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok();
    if digits.len() == 8 {
        return of(part(0, 4)?, part(4, 6)?, part(6, 8)?);
    }
    let (month, day) = (part(0, 2)?, part(2, 4)?);
    // The 29th of February may be some years ago.
    (0..8).filter_map(|back| of(today.year() - back, month, day)).find(|found| *found <= today)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn sought(by: SeekBy, digits: &str) -> Option<Sought> {
        let good = |code: &str| (code == "6901234567892").then(|| GoodNumber::new(7).unwrap());
        by.sought(digits, Currency::CNY, date(2026, 3, 5), good)
    }

    #[test]
    fn digits_are_what_is_said_of_them_or_nothing() {
        let amount = |minor| Some(Sought::Amount(Amount::new(minor, Currency::CNY).unwrap()));
        assert_eq!(sought(SeekBy::Amount, "1234"), amount(1234));
        assert_eq!(sought(SeekBy::Amount, "0"), None);
        assert_eq!(sought(SeekBy::LastFour, "0230"), Some(Sought::LastFour(LastFour::parse("0230").unwrap())));
        assert_eq!(sought(SeekBy::LastFour, "230"), None);
        assert_eq!(sought(SeekBy::Stan, "42"), Some(Sought::Stan(Stan::new(42).unwrap())));
        assert_eq!(sought(SeekBy::Stan, "000000"), None);
        assert_eq!(sought(SeekBy::Rrn, "012345678901"), Some(Sought::Rrn(Rrn::parse("012345678901").unwrap())));
        assert_eq!(sought(SeekBy::Cashier, "1"), Some(Sought::Cashier(PersonNumber::new(1).unwrap())));
        assert_eq!(sought(SeekBy::Cashier, "100"), None);
        assert_eq!(sought(SeekBy::Good, "12"), Some(Sought::Good(GoodNumber::new(12).unwrap())));
        assert_eq!(sought(SeekBy::Good, "6901234567892"), Some(Sought::Good(GoodNumber::new(7).unwrap())));
        assert_eq!(sought(SeekBy::Good, "4006381333931"), None, "a barcode that no good has");
        for by in SeekBy::ALL {
            assert_eq!(sought(by, ""), None);
            assert_eq!(sought(by, "12a4"), None);
        }
    }

    #[test]
    fn a_day_without_a_year_is_the_last_one_that_was() {
        let day = |digits| match sought(SeekBy::Day, digits) {
            Some(Sought::Day(day)) => Some(day),
            _ => None,
        };
        assert_eq!(day("0305"), Some(date(2026, 3, 5)), "today");
        assert_eq!(day("0306"), Some(date(2025, 3, 6)));
        assert_eq!(day("0229"), Some(date(2024, 2, 29)));
        assert_eq!(day("20241231"), Some(date(2024, 12, 31)));
        assert_eq!((day("1301"), day("0230"), day("20261399")), (None, None, None));
        let search = Sought::Day(date(2026, 3, 5)).search();
        assert_eq!(search.from, Some(date(2026, 3, 5).at(0, 0, 0, 0)));
        assert_eq!(search.before, Some(date(2026, 3, 6).at(0, 0, 0, 0)));
    }
}
