//! Who pays, by the number of the sale: everybody has a card number of their own, which is recognised wherever it turns up.

use yima::card_number::luhn;
use yima::sandbox::card::fault::Faults;

/// First six digits, which may be seen.
pub const BEGINNING: &str = "622848";

/// The digits that nobody may see. There are so many different ones as numbers with the same last four need.
pub const SERIES: usize = 10;

/// What becomes of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Customer {
    /// Pays.
    Pays,
    /// Pays with a PIN that goes to the bank.
    PaysWithPin,
    /// Types a wrong PIN first.
    WrongPin,
    /// Has not enough in the account.
    Poor,
    /// Has no account.
    Unknown,
    /// Has a card that declines what the host has approved.
    DeclinesAfterApproval,
    /// Pulls the card out before it answers this command.
    Tears(u32),
    /// Has a card that falls silent at this command.
    FallsSilent(u32),
    /// Has a card without a chip, which is swiped.
    Swipes,
    /// Has a card whose number is typed.
    IsTyped,
}

impl Customer {
    /// Of a sale.
    pub fn of(sale: usize) -> Self {
        // Every command of a sale has its turn: a sale has some thirty.
        let command = u32::try_from(sale / 12 % 34).unwrap() + 1;
        match sale % 12 {
            1 | 7 => Self::PaysWithPin,
            2 => Self::Tears(command),
            3 => Self::Poor,
            4 => Self::DeclinesAfterApproval,
            5 => Self::WrongPin,
            6 => Self::Unknown,
            8 => Self::Swipes,
            9 => Self::FallsSilent(command),
            10 => Self::IsTyped,
            _ => Self::Pays,
        }
    }

    /// The card, by the name of its profile.
    pub const fn card(self) -> &'static str {
        match self {
            Self::PaysWithPin | Self::WrongPin => "cvm-online-pin",
            Self::DeclinesAfterApproval => "declines-after-approval",
            Self::Swipes | Self::IsTyped => "stripe-signature",
            Self::Pays | Self::Poor | Self::Unknown | Self::Tears(_) | Self::FallsSilent(_) => "unionpay-debit",
        }
    }

    /// What goes wrong with it.
    pub const fn faults(self) -> Faults {
        match self {
            Self::Tears(command) => Faults { tear: Some(command), mute: None },
            Self::FallsSilent(command) => Faults { tear: None, mute: Some(command) },
            _ => Faults { tear: None, mute: None },
        }
    }
}

/// The digits of a series that nobody may see: they are looked for.
pub fn hidden(series: usize) -> String {
    format!("9{series}5173846")
}

/// The card number of a sale.
pub fn number(sale: usize) -> String {
    let body = format!("{BEGINNING}{}{:03}", hidden(sale / 1000 % SERIES), sale % 1000);
    (0..10).map(|check| format!("{body}{check}")).find(|digits| luhn(digits)).unwrap()
}

#[test]
fn every_sale_has_a_number_of_its_own_that_is_one() {
    let numbers: std::collections::BTreeSet<String> = (0..10_000).map(number).collect();
    assert_eq!(numbers.len(), 10_000);
    assert!(numbers.iter().all(|digits| digits.len() == 19 && yima::card_number::Pan::parse(digits).is_ok()));
}
