//! `yima sale`: one payment without the touchscreen; and what else begins with an amount: `yima pre-auth`, `yima balance`.

use std::process::ExitCode;

use clap::Args;

use super::Failure;
use super::card::{Options, Typing};
use crate::app::Setup;
use crate::money::{Amount, AmountError, Currency};
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Kind;

/// What comes after `yima sale` and `yima pre-auth`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How much, like 12.34
    amount: String,

    /// ISO 4217 code; the settings' currency when left out
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima balance`.
#[derive(Debug, Args)]
pub struct BalanceArguments {
    #[command(flatten)]
    options: Options,
}

impl Arguments {
    /// Takes a payment.
    pub fn sell(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        self.run(setup, Kind::Sale, Purpose::Sale)
    }

    /// Sets money aside.
    pub fn set_aside(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        self.run(setup, Kind::PreAuthorisation, Purpose::PreAuthorisation)
    }

    fn run(
        &self,
        setup: Result<Setup, Failure>,
        kind: Kind,
        purpose: fn(Amount) -> Purpose,
    ) -> Result<ExitCode, Failure> {
        let typing = Typing { kind, amount: Some(&self.amount), currency: self.currency.as_deref() };
        self.options.run(setup, &typing, |setup| {
            let amount = amount(&self.amount, self.currency.as_deref(), setup)?;
            Ok(purpose(amount))
        })
    }
}

impl BalanceArguments {
    /// Asks what is on the account.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let typing = Typing { kind: Kind::Balance, amount: None, currency: None };
        self.options.run(setup, &typing, |setup| {
            let currency: Currency = setup.settings.terminal.currency.parse()?;
            Ok(Purpose::Balance(currency))
        })
    }
}

/// An amount as somebody typed it, which must be more than nothing.
pub(super) fn amount(text: &str, currency: Option<&str>, setup: &Setup) -> Result<Amount, Failure> {
    let currency: Currency = currency.unwrap_or(&setup.settings.terminal.currency).parse()?;
    let amount = Amount::parse(text, currency)?;
    if amount.is_zero() { Err(AmountError::Nothing.into()) } else { Ok(amount) }
}
