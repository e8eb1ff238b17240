//! The amount being keyed: digits fill from the right, like on a till; there is no key for the point.

use crate::money::{Amount, Currency, MAX_MINOR};

/// Digits typed so far, as minor units of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountEntry {
    minor: u64,
    currency: Currency,
    /// The next digit begins a new amount: what is shown belongs to an earlier attempt.
    kept: bool,
}

impl AmountEntry {
    /// Nothing typed yet.
    pub const fn new(currency: Currency) -> Self {
        Self { minor: 0, currency, kept: false }
    }

    /// An amount that stands there until a digit is typed.
    pub const fn of(amount: Amount) -> Self {
        Self { minor: amount.minor(), currency: amount.currency(), kept: amount.minor() > 0 }
    }

    /// Appends digits, one key's worth ("7", "00"). What is not a digit is ignored, and so is a key
    /// whose digits would not all fit in twelve.
    pub fn type_digits(&mut self, digits: &str) {
        let mut minor = if self.kept { 0 } else { self.minor };
        for digit in digits.chars() {
            let Some(value) = digit.to_digit(10).filter(|_| digit.is_ascii()) else { return };
            match minor.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(value))) {
                Some(next) if next <= MAX_MINOR => minor = next,
                _ => return,
            }
        }
        self.minor = minor;
        self.kept = false;
    }

    /// Takes the last digit back; an amount kept from an earlier attempt goes as a whole.
    pub fn delete(&mut self) {
        self.minor = if self.kept { 0 } else { self.minor / 10 };
        self.kept = false;
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        *self = Self::new(self.currency);
    }

    /// The payment was not made: the amount stays, ready to be charged again, until a digit is typed.
    pub fn keep(&mut self) {
        self.kept = self.minor > 0;
    }

    /// Another currency begins anew.
    pub fn set_currency(&mut self, currency: Currency) {
        if currency != self.currency {
            *self = Self::new(currency);
        }
    }

    /// What has been typed.
    pub fn amount(&self) -> Amount {
        // `type_digits` lets nothing larger in, so this never falls back.
        Amount::new(self.minor, self.currency).unwrap_or(Amount::zero(self.currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(currency: Currency, keys: &[&str]) -> String {
        let mut entry = AmountEntry::new(currency);
        for key in keys {
            entry.type_digits(key);
        }
        entry.amount().to_string()
    }

    #[test]
    fn digits_fill_from_the_right() {
        for (keys, shown) in [
            (&["1"][..], "0.01"),
            (&["1", "2", "3", "4"], "12.34"),
            (&["5", "00"], "5.00"),
            (&["0", "0", "00", "7"], "0.07"),
            (&[], "0.00"),
        ] {
            assert_eq!(typed(Currency::CNY, keys), shown, "{keys:?}");
        }
    }

    #[test]
    fn the_point_stands_where_the_currency_has_it() {
        assert_eq!(typed("JPY".parse().unwrap(), &["5", "00"]), "500");
        assert_eq!(typed("KWD".parse().unwrap(), &["1", "5", "00"]), "1.500");
    }

    #[test]
    fn a_key_that_does_not_fit_in_twelve_digits_changes_nothing() {
        let mut entry = AmountEntry::new(Currency::CNY);
        for _ in 0..11 {
            entry.type_digits("9");
        }
        entry.type_digits("00");
        assert_eq!(entry.amount().minor(), 99_999_999_999);
        entry.type_digits("9");
        entry.type_digits("9");
        assert_eq!(entry.amount().minor(), MAX_MINOR);
    }

    #[test]
    fn an_amount_that_stands_there_gives_way_to_the_first_digit() {
        let mut entry = AmountEntry::of(Amount::new(1234, Currency::CNY).unwrap());
        assert_eq!(entry.amount().to_string(), "12.34");
        entry.type_digits("5");
        assert_eq!(entry.amount().to_string(), "0.05");
    }

    #[test]
    fn what_is_not_a_digit_is_ignored() {
        assert_eq!(typed(Currency::CNY, &["1", "x", "٣", "-", "1.5", "", "2"]), "0.12");
    }

    #[test]
    fn delete_takes_one_digit_and_clear_takes_all() {
        let mut entry = AmountEntry::new(Currency::CNY);
        entry.type_digits("1");
        entry.type_digits("2");
        entry.delete();
        assert_eq!(entry.amount().to_string(), "0.01");
        entry.delete();
        entry.delete();
        assert!(entry.amount().is_zero());
        entry.type_digits("8");
        entry.clear();
        assert!(entry.amount().is_zero());
    }

    #[test]
    fn a_kept_amount_can_be_charged_again_but_not_added_to() {
        let mut entry = AmountEntry::new(Currency::CNY);
        entry.type_digits("00");
        entry.type_digits("5");
        entry.keep();
        assert_eq!(entry.amount().to_string(), "0.05");
        entry.type_digits("7");
        assert_eq!(entry.amount().to_string(), "0.07");
        entry.keep();
        entry.delete();
        assert!(entry.amount().is_zero());
        entry.type_digits("3");
        assert_eq!(entry.amount().to_string(), "0.03");
    }
}
