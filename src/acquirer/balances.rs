//! Field 54 of an answer: what an account holds. Twenty characters for each balance: kind of account (2), kind of balance (2),
//! currency (3), `C` for what the customer has or `D` for what the customer owes, amount (12).

use crate::money::{Amount, Currency};
use crate::payment::online::{Balance, BalanceKind};

/// Characters of one balance.
const LENGTH: usize = 20;

/// Kind of balance: the ledger's.
const LEDGER: &str = "01";

/// Kind of balance: what can be spent.
const AVAILABLE: &str = "02";

/// A field 54 that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// It has another length than so many whole balances.
    #[error("field 54 has {0} characters; a balance has {LENGTH}, and there is at least one")]
    Length(usize),
    /// A balance is not made of digits and a sign.
    #[error("field 54: balance {0} is not kind of account, kind of balance, currency, C or D, and amount")]
    Malformed(usize),
    /// A balance in a currency that this program does not know.
    #[error("field 54: balance {0} is in a currency that is not known here")]
    Currency(usize),
}

/// Reads the field.
///
/// # Errors
/// When any of it is not a balance: half of what a bank says is not told.
pub fn read(text: &str) -> Result<Vec<Balance>, BalanceError> {
    if text.is_empty() || !text.is_ascii() || !text.len().is_multiple_of(LENGTH) {
        return Err(BalanceError::Length(text.chars().count()));
    }
    (0..text.len() / LENGTH).map(|index| read_one(&text[index * LENGTH..(index + 1) * LENGTH], index + 1)).collect()
}

fn read_one(text: &str, number: usize) -> Result<Balance, BalanceError> {
    let malformed = || BalanceError::Malformed(number);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.to_owned());
    let account = digits(&text[..2]).ok_or_else(malformed)?;
    let kind = match digits(&text[2..4]).ok_or_else(malformed)?.as_str() {
        LEDGER => BalanceKind::Ledger,
        AVAILABLE => BalanceKind::Available,
        other => BalanceKind::Other(other.parse().map_err(|_| malformed())?),
    };
    let currency: u16 = digits(&text[4..7]).ok_or_else(malformed)?.parse().map_err(|_| malformed())?;
    let owed = match &text[7..8] {
        "C" => false,
        "D" => true,
        _ => return Err(malformed()),
    };
    let minor: u64 = digits(&text[8..]).ok_or_else(malformed)?.parse().map_err(|_| malformed())?;
    let currency = Currency::from_numeric(currency).ok_or(BalanceError::Currency(number))?;
    let amount = Amount::new(minor, currency).map_err(|_| malformed())?;
    Ok(Balance { account: account.parse().map_err(|_| malformed())?, kind, owed, amount })
}

/// Writes what can be spent of an account of no kind in particular.
pub fn write_available(amount: Amount) -> String {
    format!("00{AVAILABLE}{:03}C{}", amount.currency().numeric(), amount.twelve_digits())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cny(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    #[test]
    fn each_twenty_characters_are_a_balance() {
        let available = Balance { account: 0, kind: BalanceKind::Available, owed: false, amount: cny(123_456) };
        assert_eq!(write_available(cny(123_456)), "0002156C000000123456");
        assert_eq!(read("0002156C000000123456"), Ok(vec![available.clone()]));
        let owed = Balance { account: 30, kind: BalanceKind::Ledger, owed: true, amount: cny(1) };
        let other = Balance { account: 10, kind: BalanceKind::Other(40), owed: false, amount: cny(0) };
        assert_eq!(
            read("0002156C0000001234563001156D0000000000011040156C000000000000"),
            Ok(vec![available, owed, other])
        );
    }

    #[test]
    fn what_is_no_balance_is_refused_and_not_read_in_part() {
        for (text, error) in [
            ("", BalanceError::Length(0)),
            ("0002156C00000012345", BalanceError::Length(19)),
            ("0002156C0000001234560", BalanceError::Length(21)),
            ("0002156E000000123456", BalanceError::Malformed(1)),
            ("00021 6C000000123456", BalanceError::Malformed(1)),
            ("+002156C000000123456", BalanceError::Malformed(1)),
            ("0002156C+00000123456", BalanceError::Malformed(1)),
            ("0002156C0000001234560002156C00000012345X", BalanceError::Malformed(2)),
            ("0002000C000000123456", BalanceError::Currency(1)),
            ("0002156C0000001234\u{e9}", BalanceError::Length(19)),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }
}
