//! A merchant's application: what is applied for, where it stands, what the acquirer assigns to it, and the binding record that
//! follows from it.

use jiff::Timestamp;

use super::register::RegisterError;
use crate::terminal::binding::{self, BindingRecord, Place, check_serial_number};
use crate::terminal::credit_code;

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be decided.
    Applied,
    /// May be enrolled.
    Approved,
    /// Over: it was not taken.
    Rejected,
    /// Its terminal is enrolled.
    Active,
    /// Its terminal must not trade for now.
    Suspended,
    /// Over: its terminal is out of service.
    Decommissioned,
}

/// An application as the acquirer has it.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its number.
    pub id: i64,
    /// What was applied for.
    pub form: Form,
    /// Where it stands.
    pub state: State,
    /// Why it was rejected or suspended.
    pub reason: String,
    /// Acquirer code, merchant code and terminal number, once it was approved.
    pub numbers: Option<Numbers>,
    /// Version of the newest binding record; 0 before the first.
    pub version: u32,
    /// When that was issued.
    pub issued_at: Timestamp,
    /// Public key of the device that was enrolled.
    pub device_key: Option<Vec<u8>>,
    /// Key of the machine's proofs.
    pub machine: Option<Vec<u8>>,
    /// The place its terminal asked to be moved to.
    pub move_asked: Option<String>,
}

/// What a merchant says in an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Serial number of the machine (TUSN).
    pub serial_number: String,
    /// Name of the shop.
    pub merchant_name: String,
    /// Unified social credit code.
    pub credit_code: String,
    /// Settlement account.
    pub account: String,
    /// Deployment address.
    pub address: String,
    /// Where that is.
    pub place: Place,
}

/// What an acquirer assigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Acquirer's institution code.
    pub acquirer: String,
    /// Merchant code.
    pub merchant: String,
    /// Terminal number.
    pub terminal: String,
}

impl State {
    pub(super) const ALL: [Self; 6] =
        [Self::Applied, Self::Approved, Self::Rejected, Self::Active, Self::Suspended, Self::Decommissioned];

    /// The word in the database, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Decommissioned => "decommissioned",
        }
    }
}

impl Form {
    /// Checks everything that an acquirer can check without asking anybody.
    ///
    /// # Errors
    /// At the first value that cannot be.
    pub fn check(&self) -> Result<(), RegisterError> {
        let wrong = |what: &'static str| move |problem: String| RegisterError::Value { what, problem };
        check_serial_number(&self.serial_number).map_err(wrong("serial number"))?;
        credit_code::check(&self.credit_code).map_err(|error| wrong("credit code")(error.to_string()))?;
        for (what, text) in [("name", &self.merchant_name), ("account", &self.account), ("address", &self.address)] {
            binding::check_text(text).map_err(wrong(what))?;
        }
        if self.account.chars().filter(char::is_ascii_digit).count() < 8 {
            return Err(wrong("account")("it has eight digits at least".to_owned()));
        }
        Ok(())
    }

    /// The account as terminals may know it: first and last four characters.
    pub fn masked_account(&self) -> String {
        let characters: Vec<char> = self.account.chars().filter(|character| *character != ' ').collect();
        let ends = |range: &[char]| range.iter().collect::<String>();
        let count = characters.len();
        format!("{} **** **** {}", ends(&characters[..4.min(count)]), ends(&characters[count.saturating_sub(4)..]))
    }
}

impl Application {
    /// Whether it is neither rejected nor decommissioned.
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Rejected | State::Decommissioned)
    }

    /// The binding record as this register has it now; nothing before its terminal was enrolled.
    pub fn record(&self) -> Option<BindingRecord> {
        let (numbers, device_key) = (self.numbers.as_ref()?, self.device_key.as_ref()?);
        Some(BindingRecord {
            version: self.version,
            issued_at: self.issued_at,
            test: true,
            serial_number: self.form.serial_number.clone(),
            device_key: binding::key_name(device_key).ok()?,
            acquirer_code: numbers.acquirer.clone(),
            merchant_code: numbers.merchant.clone(),
            terminal_number: numbers.terminal.clone(),
            merchant_name: self.form.merchant_name.clone(),
            credit_code: self.form.credit_code.clone(),
            settlement_account: self.form.masked_account(),
            address: self.form.address.clone(),
            place: self.form.place,
        })
    }
}
