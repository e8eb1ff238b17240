//! The QR code at the foot of a slip: one line of ASCII that names the transaction, for returns and enquiries, and holds the
//! terminal to its log: who has the slip can show that an earlier state of the log was another one.
//!
//! Eleven fields divided by `/`, in this order; a field that is not known is empty:
//!
//! | field | content |
//! |---|---|
//! | version | `Y2` |
//! | merchant code | 15 characters (field 42) |
//! | terminal number | 8 characters (field 41) |
//! | batch | 6 digits |
//! | STAN | 6 digits |
//! | RRN | 12 characters, or nothing |
//! | amount | minor units, no leading zeros |
//! | currency | ISO 4217, three letters |
//! | local time | `YYYYMMDDTHHMMSS` |
//! | log's size | leaves of the log that ends with this payment (RFC 6962), or nothing |
//! | log's root | its hash, 64 hexadecimal digits, or nothing |
//!
//! It carries nothing of the card. Only capital letters, digits and `/` in the usual case, so that a QR code in
//! alphanumeric mode stays small (53 modules at level M).

use super::SaleSlip;

/// The line that names a transaction.
///
/// `Y2/898440100000001/00000001/000001/000123/012345678901/1234/CNY/20260305T142609/58/0A1B…`
pub fn transaction_code(slip: &SaleSlip) -> String {
    format!(
        "Y2/{}/{}/{}/{}/{}/{}/{}/{}/{}",
        slip.merchant_code,
        slip.terminal_number,
        slip.trace.batch,
        slip.trace.stan,
        slip.rrn.as_ref().map_or("", |rrn| rrn.as_str()),
        slip.amount.minor(),
        slip.amount.currency(),
        slip.at.strftime("%Y%m%dT%H%M%S"),
        slip.log_head.as_deref().unwrap_or("/"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::slip;

    #[test]
    fn names_the_transaction_and_the_log_and_nothing_of_the_card() {
        let mut slip = slip();
        let transaction = "Y2/898440100000001/00000001/000001/000123/012345678901/1234/CNY/20260305T142609";
        assert_eq!(transaction_code(&slip), format!("{transaction}/58/{}", "0A1B2C3D".repeat(8)));
        slip.log_head = None;
        assert_eq!(transaction_code(&slip), format!("{transaction}//"));
        slip.rrn = None;
        assert!(transaction_code(&slip).contains("/000123//1234/"));
    }
}
