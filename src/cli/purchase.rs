//! `yima purchase`: the purchase of which a part is paid: how it stands, the rest in another way, or all of it back.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::card::{Options, Typing};
use super::cash::pay_rest;
use super::sale::way;
use super::{Failure, output};
use crate::app::Setup;
use crate::money::Amount;
use crate::payment::purchase::{Known, Means, Part, Purchase, PurchaseState};
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Kind;
use crate::wording::Language;

/// What comes after `yima purchase`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<What>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Have the rest paid with another card, with a code or in cash
    Pay(PayArguments),
    /// Give it up: every part that is paid is taken back
    GiveUp(GiveUpArguments),
}

/// What comes after `yima purchase pay`.
#[derive(Debug, Args)]
struct PayArguments {
    /// The customer pays with the code on a phone: what was scanned, or - to read it from standard input, where no other program sees it
    #[arg(long, value_name = "CODE|-", conflicts_with_all = ["pin", "application", "show_code", "cash"])]
    code: Option<String>,

    /// The customer scans a code that is shown: it is told on standard error
    #[arg(long, conflicts_with_all = ["pin", "application", "cash"])]
    show_code: bool,

    /// The rest is paid in cash
    #[arg(long, conflicts_with_all = ["pin", "application"])]
    cash: bool,

    /// What the customer gives; exactly the rest when left out
    #[arg(long, value_name = "AMOUNT", requires = "cash")]
    given: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima purchase give-up`.
#[derive(Debug, Args)]
struct GiveUpArguments {
    #[command(flatten)]
    options: Options,
}

impl Arguments {
    /// Shows it, or goes on with it.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        match &self.what {
            None => self.show(&setup?),
            Some(What::Pay(arguments)) => arguments.run(setup),
            Some(What::GiveUp(arguments)) => {
                let typing = Typing { kind: Kind::Sale, amount: None, currency: None };
                arguments.options.give_up(setup, &typing)
            }
        }
    }

    /// The one that is open; or else the last one.
    fn show(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let identity = setup.identity()?;
        let purchase = match setup.ledger_to_look_at(&identity)? {
            Some(ledger) => ledger.newest_purchase()?,
            None => None,
        };
        if self.json {
            output::json(&purchase.as_ref().map_or(Value::Null, as_json));
            return Ok(ExitCode::SUCCESS);
        }
        let language = setup.settings.terminal.language;
        match (&purchase, language) {
            (Some(purchase), _) => print(purchase, language),
            (None, Language::Chinese) => output::say("还没有分开付的单子。"),
            (None, Language::English) => output::say("No purchase was paid in parts."),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PayArguments {
    fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        if self.cash {
            return pay_rest(&setup?, self.given.as_deref(), self.options.attending(), self.options.as_json());
        }
        let kind = if self.show_code || self.code.is_some() { Kind::CodePayment } else { Kind::Sale };
        self.options.run(setup, &Typing { kind, amount: None, currency: None }, |setup| {
            let way = way(self.code.as_deref(), self.show_code, setup)?;
            let identity = setup.identity()?;
            let open = match setup.ledger_to_look_at(&identity)? {
                Some(ledger) => ledger.open_purchase()?,
                None => None,
            };
            // Where none is open the engine says so, as it says everything else.
            let nothing = Amount::new(1, setup.settings.terminal.currency.parse()?)?;
            Ok(Purpose::Rest(open.map_or(nothing, |purchase| purchase.rest()), way))
        })
    }
}

/// A purchase as a program reads it.
pub(super) fn as_json(purchase: &Purchase) -> Value {
    json!({
        "number": purchase.number,
        "state": purchase.state.word(),
        "due": purchase.due.to_string(),
        "currency": purchase.due.currency().code(),
        "paid": purchase.paid().to_string(),
        "rest": purchase.rest().to_string(),
        "at": purchase.opened_at.to_string(),
        "parts": purchase.parts.iter().map(|part| part_as_json(purchase, part)).collect::<Vec<_>>(),
    })
}

fn part_as_json(purchase: &Purchase, part: &Part) -> Value {
    json!({
        "batch": part.trace.batch.to_string(),
        "stan": part.trace.stan.to_string(),
        "kind": part.means.kind_word(),
        "amount": part.amount.to_string(),
        "pan": (!part.truncated_pan.is_empty()).then_some(&part.truncated_pan),
        "state": part.state.word(),
        "money": money_word(known(purchase, part)),
        "refund": part.refund.map(|(trace, state)| json!({ "trace": trace.to_string(), "state": state.word() })),
    })
}

/// What is known of the money of a part, now.
fn known(purchase: &Purchase, part: &Part) -> Known {
    if purchase.state == PurchaseState::GivenUp { part.went_back() } else { part.known() }
}

const fn money_word(known: Known) -> &'static str {
    match known {
        Known::Paid => "paid",
        Known::NotPaid => "not_paid",
        Known::NotYet => "not_known_yet",
        Known::ByAPerson => "a_person_must_look",
    }
}

/// A purchase as a person reads it.
pub(super) fn print(purchase: &Purchase, language: Language) {
    let pick = |zh: &'static str, en: &'static str| match language {
        Language::Chinese => zh,
        Language::English => en,
    };
    let state = match purchase.state {
        PurchaseState::Open => pick("还没付完", "open"),
        PurchaseState::Paid => pick("已付清", "paid"),
        PurchaseState::GivenUp => pick("已放弃", "given up"),
    };
    output::say(&format!(
        "  {} {} ({state}): {} {}, {} {}, {} {}",
        pick("单号", "purchase"),
        purchase.number,
        pick("应付", "due"),
        purchase.due.signed(),
        pick("已付", "paid"),
        purchase.paid().signed(),
        pick("还差", "still to pay"),
        purchase.rest().signed(),
    ));
    for part in &purchase.parts {
        let money = match known(purchase, part) {
            Known::Paid => pick("已付", "paid"),
            Known::NotPaid => pick("没有扣款或已退回", "not charged, or taken back"),
            Known::NotYet => pick("结果还不知道", "not known yet"),
            Known::ByAPerson => pick("需要人工处理", "a person must look"),
        };
        let by = match part.means {
            Means::Card => &part.truncated_pan,
            Means::Code => pick("扫码", "code"),
            Means::Cash => pick("现金", "cash"),
        };
        output::say(&format!("    {} {} {by}: {money}", part.trace, part.amount.signed()));
    }
    if purchase.state == PurchaseState::Open {
        output::note("  yima purchase pay | yima purchase give-up");
    }
}
