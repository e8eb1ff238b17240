//! What is done with an earlier transaction without the touchscreen: `yima void`, `yima refund`, `yima top-up`, `yima completion`.

use std::process::ExitCode;

use clap::Args;

use super::Failure;
use super::card::{Options, Typing};
use super::queue::Number;
use super::sale::amount;
use crate::app::Setup;
use crate::money::Amount;
use crate::payment::purpose::Purpose;
use crate::payment::transaction::{Kind, Presence};

/// What comes after `yima void`.
#[derive(Debug, Args)]
pub struct VoidArguments {
    #[command(flatten)]
    number: Number,

    /// The customer's card is not there
    #[arg(long)]
    no_card: bool,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima refund`.
#[derive(Debug, Args)]
pub struct RefundArguments {
    #[command(flatten)]
    number: Number,

    /// How much goes back, like 12.34; all that is left when left out
    amount: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima top-up`.
#[derive(Debug, Args)]
pub struct TopUpArguments {
    #[command(flatten)]
    number: Number,

    /// How much more is set aside, like 12.34
    amount: String,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima completion`.
#[derive(Debug, Args)]
pub struct CompletionArguments {
    #[command(flatten)]
    number: Number,

    /// How much is paid, like 12.34; all that was set aside when left out
    amount: Option<String>,

    /// The customer's card is not there
    #[arg(long)]
    no_card: bool,

    /// The acquirer is only told of it; no card is needed, and it cannot be taken back
    #[arg(long, conflicts_with = "no_card")]
    notice: bool,

    #[command(flatten)]
    options: Options,
}

const fn presence(no_card: bool) -> Presence {
    if no_card { Presence::CardAway } else { Presence::CardThere }
}

fn typed(text: Option<&str>, setup: &Setup) -> Result<Option<Amount>, Failure> {
    text.map(|text| amount(text, None, setup)).transpose()
}

impl VoidArguments {
    /// Undoes a sale of this batch, a pre-authorisation or a completion.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let typing = Typing { kind: Kind::Void, amount: None, currency: None };
        self.options.run(setup, &typing, |_| Ok(Purpose::Void(self.number.trace(), presence(self.no_card))))
    }
}

impl RefundArguments {
    /// Gives money back.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let amount = self.amount.as_deref();
        let typing = Typing { kind: Kind::Refund, amount, currency: None };
        self.options.run(setup, &typing, |setup| Ok(Purpose::Refund(self.number.trace(), typed(amount, setup)?)))
    }
}

impl TopUpArguments {
    /// Sets more aside.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let typing = Typing { kind: Kind::PreAuthorisationTopUp, amount: Some(&self.amount), currency: None };
        self.options
            .run(setup, &typing, |setup| Ok(Purpose::TopUp(self.number.trace(), amount(&self.amount, None, setup)?)))
    }
}

impl CompletionArguments {
    /// Takes what was set aside.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let amount = self.amount.as_deref();
        let kind = if self.notice { Kind::CompletionNotice } else { Kind::Completion };
        self.options.run(setup, &Typing { kind, amount, currency: None }, |setup| {
            let amount = typed(amount, setup)?;
            Ok(if self.notice {
                Purpose::CompletionNotice(self.number.trace(), amount)
            } else {
                Purpose::Completion(self.number.trace(), amount, presence(self.no_card))
            })
        })
    }
}
