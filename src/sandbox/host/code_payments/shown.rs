//! The code that a terminal shows for an order: an EMV code of the merchant for this one payment, with a name of the order that nobody
//! can guess.

use crate::crypto::hex;
use crate::money::Amount;
use crate::qr::merchant::{Account, Additional, Initiation, MerchantCodeError, MerchantPresented, Price};
use crate::reference::TraceNumber;

/// The account's template, and whose it is: a domain that will never be.
const TEMPLATE: u8 = 26;
const OWNER: &str = "test.yima.sandbox";

/// The order's name in it.
const TOKEN: u8 = 1;

/// Longest name of a merchant in a code.
const LONGEST_NAME: usize = 25;

/// A name for an order.
pub(super) fn token(random: &[u8; 12]) -> String {
    hex::encode(random)
}

/// The text of the code.
pub(super) fn text(
    merchant: &str,
    terminal: &str,
    trace: TraceNumber,
    amount: Amount,
    token: &str,
) -> Result<String, MerchantCodeError> {
    let name: String = merchant.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect();
    let code = MerchantPresented {
        initiation: Some(Initiation::Dynamic),
        accounts: vec![Account::Template {
            id: TEMPLATE,
            globally_unique_identifier: OWNER.to_owned(),
            values: vec![(TOKEN, token.to_owned())],
        }],
        // Miscellaneous shops.
        category: "5999".to_owned(),
        price: Price::Fixed(amount),
        tip: None,
        country: "CN".to_owned(),
        name: if name.is_empty() { "TEST".to_owned() } else { name },
        city: "TEST".to_owned(),
        postal_code: None,
        additional: Additional {
            bill_number: Some(trace.to_string()),
            terminal_label: Some(terminal.to_owned()),
            ..Additional::default()
        },
        language: None,
        others: Vec::new(),
    };
    code.write()
}

/// The order's name in a code that a wallet has scanned, with what else it says; nothing where it is of another network.
pub(super) fn read(text: &str) -> Result<Option<(String, MerchantPresented)>, MerchantCodeError> {
    let code = MerchantPresented::read(text)?;
    let token = code.accounts.iter().find_map(|account| match account {
        Account::Template { id: TEMPLATE, globally_unique_identifier, values }
            if globally_unique_identifier == OWNER =>
        {
            values.iter().find(|(id, _)| *id == TOKEN).map(|(_, value)| value.clone())
        }
        Account::Template { .. } | Account::Number { .. } => None,
    });
    Ok(token.map(|token| (token, code)))
}
