//! `yima sale`: one payment without the touchscreen; and what else begins with an amount: `yima pre-auth`, `yima balance`.

use std::process::ExitCode;

use clap::Args;
use zeroize::Zeroizing;

use super::Failure;
use super::card::{Options, Typing};
use crate::app::Setup;
use crate::goods::sold::Sold;
use crate::money::{Amount, AmountError, Currency};
use crate::payment::entry::CardBy;
use crate::payment::instalments::{ByInstalments, Periods};
use crate::payment::purpose::Purpose;
use crate::payment::qr::{PaymentCode, Way};
use crate::payment::tip::tipped;
use crate::payment::transaction::Kind;

/// What comes after `yima sale`.
#[derive(Debug, Args)]
pub struct SaleArguments {
    /// How much, like 12.34
    #[arg(required_unless_present = "goods", conflicts_with = "goods")]
    amount: Option<String>,

    /// ISO 4217 code; the settings' currency when left out
    #[arg(long, value_name = "CODE", conflicts_with = "goods")]
    currency: Option<String>,

    /// Goods of the catalogue instead of an amount: barcode, scale's label or number of each, with x and how much of it where that
    /// is not one piece, like 6901028075763x2 or 21x0.532
    #[arg(long, value_name = "CODE[xQUANTITY]", num_args = 1..)]
    goods: Vec<String>,

    /// What the customer gives as a tip, beside the amount or what the goods cost
    #[arg(long, value_name = "AMOUNT")]
    tip: Option<String>,

    /// By instalments, in so many periods that the acquirer offers: what a customer with a credit card asked for. The issuer's plan stands on
    /// the slip
    #[arg(long, value_name = "PERIODS", conflicts_with_all = ["tip", "code", "show_code"])]
    instalments: Option<u8>,

    /// The customer pays with the code on a phone: what was scanned, or - to read it from standard input, where no other program sees it
    #[arg(long, value_name = "CODE|-", conflicts_with_all = ["pin", "application", "show_code"])]
    code: Option<String>,

    /// The customer scans a code that is shown: it is told on standard error
    #[arg(long, conflicts_with_all = ["pin", "application"])]
    show_code: bool,

    /// Wait for the stripe alone: the chip reader is not asked
    #[arg(long, conflicts_with_all = ["code", "show_code", "application", "manual"])]
    swipe: bool,

    /// Type the card: number and expiry (MMYY) are read from standard input, a line each, without echo; only where the acquirer's
    /// parameter or the settings allow it
    #[arg(long, conflicts_with_all = ["code", "show_code", "application"])]
    manual: bool,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima pre-auth`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How much, like 12.34
    amount: String,

    /// ISO 4217 code; the settings' currency when left out
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    /// Wait for the stripe alone: the chip reader is not asked
    #[arg(long, conflicts_with_all = ["application", "manual"])]
    swipe: bool,

    /// Type the card, as with yima sale --manual
    #[arg(long, conflicts_with_all = ["application"])]
    manual: bool,

    #[command(flatten)]
    options: Options,
}

/// What comes after `yima offline-sale`.
#[derive(Debug, Args)]
pub struct OfflineArguments {
    /// How much, like 12.34
    amount: String,

    /// ISO 4217 code; the settings' currency when left out
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    #[command(flatten)]
    options: Options,
}

impl OfflineArguments {
    /// Takes a payment that the card approves alone.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let (text, currency) = (&self.amount, self.currency.as_deref());
        self.options.run(setup, &Typing { kind: Kind::OfflineSale, amount: Some(text), currency }, |setup| {
            Ok(Purpose::Offline(amount(text, currency, setup)?, Sold::default()))
        })
    }
}

/// What comes after `yima balance`.
#[derive(Debug, Args)]
pub struct BalanceArguments {
    #[command(flatten)]
    options: Options,
}

impl SaleArguments {
    /// Takes a payment.
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let (text, currency) = (self.amount.as_deref(), self.currency.as_deref());
        let kind = if self.show_code || self.code.is_some() { Kind::CodePayment } else { Kind::Sale };
        self.options.run(setup, &Typing { kind, amount: text, currency }, |setup| {
            let way = way(self.code.as_deref(), self.show_code, setup)?;
            let (due, sold) = match text {
                Some(text) => (amount(text, currency, setup)?, Sold::default()),
                None => {
                    let cart = setup.cart_of(&self.goods, setup.settings.terminal.currency.parse()?)?;
                    // What is given away is not paid for.
                    if cart.total().is_zero() {
                        return Err(AmountError::Nothing.into());
                    }
                    (cart.total(), cart.sold())
                }
            };
            let (due, sold) = match &self.tip {
                Some(tip) => {
                    let sold = tipped(due, &sold, amount(tip, currency, setup)?)?;
                    (sold.amount(), sold)
                }
                None => (due, sold),
            };
            if let Some(number) = self.instalments {
                let sale = ByInstalments::new(due, sold, Periods::new(number)?)?;
                return Ok(by(self.swipe, self.manual, Purpose::Instalments(sale)));
            }
            let purpose = match way {
                Some(way) => Purpose::Code(due, sold, way),
                None if sold == Sold::default() => Purpose::Sale(due),
                None => Purpose::Goods(sold),
            };
            Ok(by(self.swipe, self.manual, purpose))
        })
    }
}

/// The same with a card that comes in one way alone.
fn by(swipe: bool, manual: bool, purpose: Purpose) -> Purpose {
    match (swipe, manual) {
        (true, _) => Purpose::By(CardBy::Stripe, Box::new(purpose)),
        (false, true) => Purpose::By(CardBy::Typed, Box::new(purpose)),
        (false, false) => purpose,
    }
}

/// Who shows a code to whom, if anybody does.
pub(super) fn way(code: Option<&str>, show_code: bool, setup: &Setup) -> Result<Option<Way>, Failure> {
    if show_code {
        return Ok(Some(Way::Shown { valid_s: setup.settings.codes.valid_s }));
    }
    let Some(code) = code else { return Ok(None) };
    let mut line = Zeroizing::new(String::new());
    let text = if code == "-" {
        std::io::stdin().read_line(&mut line)?;
        line.trim_ascii()
    } else {
        code
    };
    Ok(Some(Way::Scanned(PaymentCode::parse(text)?)))
}

impl Arguments {
    /// Sets money aside.
    pub fn set_aside(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let (text, currency) = (&self.amount, self.currency.as_deref());
        self.options.run(setup, &Typing { kind: Kind::PreAuthorisation, amount: Some(text), currency }, |setup| {
            Ok(by(self.swipe, self.manual, Purpose::PreAuthorisation(amount(text, currency, setup)?)))
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
