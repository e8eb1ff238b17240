//! `yima cash` and `yima drawer`: a sale in cash without the touchscreen, what goes back of one, and the drawer.

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};

use clap::Args;

use super::people::{Attending, of};
use super::sale::amount;
use super::transactions::{cash_as_json, cash_line};
use super::{Failure, output, purchase};
use crate::app::cash_view::{CashFor, CashIntent, CashStage, DrawerView};
use crate::app::purchase_view::PurchaseIntent;
use crate::app::view::{CopyState, Intent, Screen, View};
use crate::app::{Attendant, Ending, Engine, Listener, SaleReport, Setup};
use crate::clock;
use crate::ledger::DrawerState;
use crate::money::AmountError;
use crate::payment::cash::CashKind;
use crate::payment::purchase::NotNow;
use crate::payment::purpose::Purpose;
use crate::people::{AuditEntry, Deed, Place, Right};
use crate::reference::{Batch, Stan, TraceNumber};
use crate::wording::{Language, Reason};

/// What comes after `yima cash`.
#[derive(Debug, Args)]
pub struct CashArguments {
    /// How much is paid, like 12.34; with --refund how much goes back, all that is left when left out
    #[arg(required_unless_present_any = ["goods", "refund"], conflicts_with = "goods")]
    amount: Option<String>,

    /// What the customer gives; exactly what is paid when left out
    #[arg(long, value_name = "AMOUNT", conflicts_with = "refund")]
    given: Option<String>,

    /// Goods of the catalogue instead of an amount, as for yima sale
    #[arg(long, value_name = "CODE[xQUANTITY]", num_args = 1.., conflicts_with = "refund")]
    goods: Vec<String>,

    /// Give a cash sale back, or a part of it: its batch and STAN, as they stand on the receipt
    #[arg(long, value_name = "BATCH-STAN", value_parser = trace)]
    refund: Option<TraceNumber>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    attending: Attending,
}

/// What comes after `yima drawer`.
#[derive(Debug, Args)]
pub struct DrawerArguments {
    #[command(flatten)]
    attending: Attending,
}

/// What the engine tells.
enum Told {
    /// What stands on its screen.
    Shown(Box<Screen>),
    /// What became of what was wanted of an earlier number.
    Over(Box<SaleReport>),
}

struct Teller(Sender<Told>);

impl Listener for Teller {
    fn show(&mut self, view: &View) {
        // The command may have ended already.
        let _ = self.0.send(Told::Shown(Box::new(view.screen.clone())));
    }

    fn report(&mut self, report: &SaleReport) {
        let _ = self.0.send(Told::Over(Box::new(report.clone())));
    }
}

impl CashArguments {
    /// Takes cash, or gives it back.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        taken_here(setup)?;
        let text = self.amount.as_deref();
        let wanted = text.map(|text| amount(text, None, setup)).transpose()?;
        let what = match wanted {
            Some(amount) => CashFor::Amount(amount),
            None if self.refund.is_some() => CashFor::Cart,
            None => {
                let cart = setup.cart_of(&self.goods, setup.settings.terminal.currency.parse()?)?;
                // What is given away is not paid for.
                if cart.total().is_zero() {
                    return Err(AmountError::Nothing.into());
                }
                CashFor::Goods(cart.sold())
            }
        };
        let due = match &what {
            CashFor::Amount(amount) => Some(*amount),
            CashFor::Goods(sold) => Some(sold.amount()),
            CashFor::Cart => None,
        };
        let given = match &self.given {
            Some(text) => Some(amount(text, None, setup)?),
            None => due,
        };
        let right = if self.refund.is_some() { Right::Refund } else { Right::Sale };
        let (engine, told, language) = start(setup, &self.attending, right)?;
        let trace = match (self.refund, given) {
            (Some(sale), _) => {
                engine.intents().send(Intent::Begin(Purpose::Refund(sale, wanted)));
                refunded(&told, sale, language)?
            }
            (None, Some(given)) => {
                engine.intents().send(Intent::Cash(CashIntent::Begin(what)));
                engine.intents().send(Intent::Cash(CashIntent::Take(given)));
                sold(&told, language)?
            }
            (None, None) => return Err(AmountError::Nothing.into()),
        };
        drop(engine);
        say(setup, trace, language, self.json)
    }
}

/// `yima purchase pay --cash`: so much is given for the rest of the purchase that is open, or exactly that.
pub(super) fn pay_rest(
    setup: &Setup,
    given: Option<&str>,
    attending: &Attending,
    json: bool,
) -> Result<ExitCode, Failure> {
    taken_here(setup)?;
    let open = match setup.ledger_to_look_at(&setup.identity()?)? {
        Some(ledger) => ledger.open_purchase()?,
        None => None,
    };
    let purchase = open.ok_or(NotNow::None)?;
    purchase.may_pay()?;
    let given = given.map(|text| amount(text, None, setup)).transpose()?;
    let (engine, told, language) = start(setup, attending, Right::Sale)?;
    engine.intents().send(Intent::Purchase(PurchaseIntent::Cash));
    engine.intents().send(Intent::Cash(CashIntent::Take(given.unwrap_or(purchase.rest()))));
    let trace = sold(&told, language)?;
    drop(engine);
    say(setup, trace, language, json)
}

fn taken_here(setup: &Setup) -> Result<(), Failure> {
    if setup.settings.terminal.cash {
        return Ok(());
    }
    Err("no cash is taken at this terminal; to take some: terminal.cash = true in the settings".into())
}

/// The engine, for somebody who has this right.
fn start(setup: &Setup, attending: &Attending, right: Right) -> Result<(Engine, Receiver<Told>, Language), Failure> {
    let mut parts = setup.parts()?;
    parts.staff.attendant = Attendant::Known(attending.attend(parts.people(), right)?);
    let language = parts.language;
    let (sender, told) = channel();
    Ok((Engine::start(parts, Box::new(Teller(sender)))?, told, language))
}

/// What was written down.
fn say(setup: &Setup, trace: TraceNumber, language: Language, json: bool) -> Result<ExitCode, Failure> {
    let ledger = setup.ledger_to_look_at(&setup.identity()?)?.ok_or("this terminal has no ledger yet")?;
    let row = ledger.cash(trace)?.ok_or_else(|| format!("the ledger has no cash sale {trace}"))?;
    let purchase = ledger.purchase_of(trace)?;
    if json {
        let mut said = cash_as_json(&ledger, &row)?;
        if let Some(purchase) = &purchase {
            said["purchase"] = purchase::as_json(purchase);
        }
        output::json(&said);
        return Ok(ExitCode::SUCCESS);
    }
    output::say(&cash_line(&row));
    if let Some(purchase) = &purchase {
        purchase::print(purchase, language);
    }
    let words = |zh: &'static str, en: &'static str| match language {
        Language::Chinese => zh,
        Language::English => en,
    };
    if let Some(change) = row.change.filter(|change| !change.is_zero()) {
        output::say(&format!("  {} {}", words("找零", "change"), change.signed()));
    }
    if row.drawer == DrawerState::Failed {
        output::say(&format!("  {}", words("钱箱没有打开，请用钥匙", "the drawer did not open; use its key")));
    }
    for copy in ledger.copies_of(trace)? {
        output::say(&format!("  {}: {}", copy.copy.word(), copy.state.word()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until a sale is over: written down, the drawer open or not, its slip out or not.
fn sold(told: &Receiver<Told>, language: Language) -> Result<TraceNumber, Failure> {
    let mut asked = false;
    loop {
        let Told::Shown(screen) = told.recv()? else { continue };
        match *screen {
            Screen::Cash(view) => match view.stage {
                CashStage::Asks { notice: Some(reason), .. } => return Err(said(&reason, language)),
                CashStage::Asks { .. } => asked = true,
                // A slip of an earlier run may be asked about when it starts.
                CashStage::Done { .. } if !asked || view.kind != CashKind::Sale => {}
                CashStage::Done { trace, drawer, copies, .. } => {
                    if drawer != DrawerView::Opening && copies.iter().all(|copy| !goes_on(&copy.state)) {
                        return Ok(trace);
                    }
                }
            },
            Screen::Purchase(view) => {
                if let Some(reason) = &view.notice {
                    return Err(said(reason, language));
                }
            }
            Screen::OutOfService { reason } => return Err(said(&reason, language)),
            _ => {}
        }
    }
}

/// Waits until what goes back is written down and its slips are out or not.
fn refunded(told: &Receiver<Told>, sale: TraceNumber, language: Language) -> Result<TraceNumber, Failure> {
    loop {
        let Told::Over(report) = told.recv()? else { continue };
        if report.original != Some(sale) {
            continue;
        }
        return match (report.ending, report.trace, &report.reason) {
            (Ending::Approved, Some(trace), _) => Ok(trace),
            (_, _, Some(reason)) => Err(said(reason, language)),
            _ => Err(format!("{sale} was not given back").into()),
        };
    }
}

const fn goes_on(state: &CopyState) -> bool {
    matches!(state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_))
}

fn said(reason: &Reason, language: Language) -> Failure {
    let sentences = reason.sentences(language);
    let detail = if reason.detail.is_empty() { String::new() } else { format!(" ({})", reason.detail) };
    format!("{} {}{detail}", sentences.what, sentences.advice).into()
}

impl DrawerArguments {
    /// Opens the drawer. The terminal may run meanwhile.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let profile = setup.printer_profile()?;
        if profile.drawer.is_none() {
            return Err(crate::devices::printer::DrawerFault::None.into());
        }
        let mut of_terminal = of(setup)?;
        let cashier = self.attending.attend(of_terminal.people(), Right::Drawer)?;
        // What cannot be written down does not happen.
        let now = clock::local().datetime();
        let now = now.with().subsec_nanosecond(0).build().unwrap_or(now);
        let entry = AuditEntry::new(now, Place::Command, Deed::DrawerOpened, cashier);
        of_terminal.people().ledger().audit(&entry)?;
        setup.printer(profile).open_drawer()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `000001-000007`, as it stands on a receipt.
fn trace(text: &str) -> Result<TraceNumber, String> {
    let (batch, stan) = text.split_once(['-', '/']).ok_or("it is like 000001-000007")?;
    Ok(TraceNumber { batch: super::queue::number(batch, Batch::new)?, stan: super::queue::number(stan, Stan::new)? })
}
