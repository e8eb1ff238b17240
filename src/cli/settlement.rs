//! `yima settle`, `yima settlements`, `yima settlement` and `yima account`: settling a batch, what became of it, and the merchant's money.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::people::{Attending, cash_sum_as_json, of, sum_as_json};
use super::queue::number;
use super::table::{Table, free};
use super::{Failure, output, reprint};
use crate::app::settling::{BatchReport, batch_report};
use crate::app::view::View;
use crate::app::{Engine, Listener, SaleReport, Setup, SetupError};
use crate::clock;
use crate::goods::{GoodSum, Unit};
use crate::ledger::{CashierSum, Ledger, SettlementRow};
use crate::money::{Amount, Currency};
use crate::payment::queue::check_words;
use crate::people::Right;
use crate::reference::Batch;
use crate::settlement::Line;
use crate::settlement::closing::{BatchTotals, Cause, Closing, HostDifference, State, Wish};

/// How often it is looked how far a settlement is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many settlements are listed.
const LISTED: u32 = 100;

/// What comes after `yima settle`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SettleArguments {
    /// Do not wait for what people have not decided about: it is not counted, and the host names it where it has it otherwise
    #[arg(long)]
    without_undecided: bool,

    /// How many seconds to wait for the end; afterwards the terminal goes on by itself whenever it runs
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    wait: u64,

    /// Print as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    attending: Attending,

    #[command(subcommand)]
    action: Option<Action>,
}

/// What a person does with a settlement that comes to no end.
#[derive(Debug, Subcommand)]
enum Action {
    /// End the settlement of a batch that the acquirer settles in another way; it is kept for good and cannot be undone
    GiveUp {
        /// Which batch
        #[arg(value_name = "BATCH", value_parser = batch)]
        batch: Batch,

        /// Who says so here
        #[arg(long, value_name = "NAME")]
        by: String,

        /// Why: who was asked, and what they said
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
}

/// What comes after `yima settlements`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima settlement`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Which batch; the open one without it
    #[arg(value_name = "BATCH", value_parser = batch)]
    batch: Option<Batch>,

    /// Print as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print as a table with a line for each sum, each good and each difference
    #[arg(long)]
    csv: bool,

    /// Print the slip of its settlement once more, marked as a duplicate: by the terminal that runs, or here where none does
    #[arg(long, requires = "batch", conflicts_with_all = ["json", "csv"])]
    print: bool,

    #[command(flatten)]
    attending: Attending,
}

/// What comes after `yima account`.
#[derive(Debug, Args)]
pub struct AccountArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Nobody looks at the screen of an engine that settles.
struct Nobody;

impl Listener for Nobody {
    fn show(&mut self, _: &View) {}

    fn report(&mut self, _: &SaleReport) {}
}

/// How a wish ended.
enum Ended {
    Settled(Box<SettlementRow>),
    WaitsForPeople(usize),
    GoesOn,
}

impl SettleArguments {
    /// Settles the batch, here or in the terminal that runs.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        if let Some(Action::GiveUp { batch, by, note }) = &self.action {
            return self.give_up(setup, *batch, by.trim(), note.trim());
        }
        let identity = setup.identity()?;
        self.attending.attend(of(setup)?.people(), Right::Settle)?;
        if setup.settlement_plan()?.most_lines == 0 {
            return Err("the acquirer of this terminal settles no batches: its dialect has no settlement".into());
        }
        let batch = {
            let mut ledger = setup.ledger_beside(&identity)?;
            // One that is under way is the one that is meant.
            let batch = match ledger.settlement_under_way()? {
                Some(row) => row.under_way.batch,
                None => ledger.batch_to_settle()?,
            };
            if ledger.settlement(batch)?.is_none() {
                let wish = Wish { cause: Cause::ByHand, since: now(), without_undecided: self.without_undecided };
                ledger.wish_settlement(&wish)?;
            }
            batch
        };
        // Where a terminal runs, it sees the wish.
        let engine = match setup.parts() {
            Ok(parts) => Some(Engine::start(parts, Box::new(Nobody))?),
            Err(SetupError::Running(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let ledger = setup.ledger_to_look_at(&identity)?.ok_or("this terminal has no ledger yet")?;
        let ended = self.wait_for(&ledger, batch)?;
        if matches!(ended, Ended::WaitsForPeople(_)) {
            setup.ledger_beside(&identity)?.withdraw_settlement()?;
        }
        drop(engine);
        self.say(&ledger, batch, ended)
    }

    fn give_up(&self, setup: &Setup, batch: Batch, by: &str, note: &str) -> Result<ExitCode, Failure> {
        check_words(by, note)?;
        let identity = setup.identity()?;
        setup.ledger_to_look_at(&identity)?.ok_or("this terminal has no ledger yet: nothing is settled")?;
        self.attending.attend(of(setup)?.people(), Right::Settle)?;
        setup.ledger_beside(&identity)?.give_settlement_up(batch, by, note, now())?;
        output::say(&format!("batch {batch}: the terminal asks no more; the acquirer settles it"));
        Ok(ExitCode::SUCCESS)
    }

    fn wait_for(&self, ledger: &Ledger, batch: Batch) -> Result<Ended, Failure> {
        let until = clock::instant() + Duration::from_secs(self.wait);
        loop {
            if let Some(row) = ledger.settlement(batch)? {
                if !row.under_way.state.is_open() {
                    return Ok(Ended::Settled(Box::new(row)));
                }
            } else {
                let open = ledger.open_entries()?;
                if open.waiting == 0 && open.parked > 0 && !self.without_undecided {
                    return Ok(Ended::WaitsForPeople(open.parked));
                }
            }
            if clock::instant() >= until {
                return Ok(Ended::GoesOn);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn say(&self, ledger: &Ledger, batch: Batch, ended: Ended) -> Result<ExitCode, Failure> {
        let row = match ended {
            Ended::Settled(row) => row,
            Ended::WaitsForPeople(count) => {
                return Err(format!(
                    "batch {batch} is not settled: {count} entries wait for a person, see yima queue. To settle without them: \
                     yima settle --without-undecided"
                )
                .into());
            }
            Ended::GoesOn => {
                return Err(format!(
                    "batch {batch} is not settled yet; the terminal goes on with it by itself whenever it runs: yima settlements"
                )
                .into());
            }
        };
        let differences = ledger.settlement_differences(batch)?;
        if self.json {
            output::json(&as_json(&row, Some(&differences)));
        } else {
            print(&row);
            differences.iter().for_each(|difference| output::say(&difference_line(difference)));
        }
        let good = row.under_way.state == State::Closed && differences.is_empty();
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

impl ListArguments {
    /// Lists settlements.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let ledger = setup.ledger_to_look_at(&setup.identity()?)?;
        let rows = ledger.map(|ledger| ledger.settlements(LISTED)).transpose()?.unwrap_or_default();
        if self.json {
            output::json(&rows.iter().map(|row| as_json(row, None)).collect());
        } else if rows.is_empty() {
            output::say("no batch has been settled");
        } else {
            rows.iter().for_each(|row| output::say(&line(row)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ReportArguments {
    /// Reports on a batch.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        if let Some(batch) = self.batch.filter(|_| self.print) {
            self.attending.attend(of(setup)?.people(), Right::Reports)?;
            setup.want_settlement_slip(batch)?;
            return reprint::slip_of_settlement(setup, batch);
        }
        let currency: Currency = setup.settings.terminal.currency.parse()?;
        let ledger = setup.ledger_to_look_at(&setup.identity()?)?.ok_or("this terminal has no ledger yet")?;
        let batch = match self.batch {
            Some(batch) => batch,
            None => ledger.batch()?,
        };
        let report = batch_report(&ledger, batch, currency)?;
        if self.json {
            output::json(&report_as_json(&report));
        } else if self.csv {
            table_of(&report)?.say()?;
        } else {
            print_report(&report);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl AccountArguments {
    /// Asks the host for the merchant's account.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let account = setup.merchant_account()?;
        let currency = account.currency;
        if self.json {
            let settlements: Vec<_> = account
                .settlements
                .iter()
                .map(|settlement| {
                    json!({
                        "batch": settlement.batch.to_string(),
                        "at": settlement.at.to_string(),
                        "state": if settlement.posted { "posted" } else { "open" },
                        "equal": settlement.equal,
                        "money": closing_as_json(&settlement.closing, currency),
                    })
                })
                .collect();
            output::json(&json!({
                "balance": signed(account.balance_minor, currency),
                "currency": currency.code(),
                "fee_per_ten_thousand": account.fee_rate,
                "settlements": settlements,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        output::say(&format!("on the account: {} {}", signed(account.balance_minor, currency), currency.code()));
        output::say(&format!("  fee {}.{:02} %", account.fee_rate / 100, account.fee_rate % 100));
        for settlement in &account.settlements {
            let state = if settlement.posted { "posted" } else { "open" };
            let at = settlement.at.strftime("%Y-%m-%d %H:%M:%S");
            let closing = &settlement.closing;
            output::say(&format!(
                "  batch {} {at} {state}: {} less {} = {}, {} differences",
                settlement.batch,
                signed(closing.gross_minor, currency),
                signed(closing.fee_minor, currency),
                signed(closing.net_minor(), currency),
                closing.differences
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn batch(text: &str) -> Result<Batch, String> {
    number(text, Batch::new)
}

/// Local time, to the second.
fn now() -> DateTime {
    let now = clock::local().datetime();
    now.with().subsec_nanosecond(0).build().unwrap_or(now)
}

/// Minor units with a sign, as people read them.
fn signed(minor: i64, currency: Currency) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let amount = Amount::new(minor.unsigned_abs(), currency);
    amount.map_or_else(|_| format!("{minor} minor units"), |amount| format!("{sign}{amount}"))
}

fn closing_as_json(closing: &Closing, currency: Currency) -> Value {
    json!({
        "gross": signed(closing.gross_minor, currency),
        "fee": signed(closing.fee_minor, currency),
        "net": signed(closing.net_minor(), currency),
        "differences": closing.differences,
    })
}

fn totals_as_json(totals: &BatchTotals) -> Value {
    let [a, b, c, d] = totals.sums().map(|sum| json!({ "count": sum.count, "amount": sum.amount.to_string() }));
    json!({ "domestic": { "debit": a, "credit": b }, "foreign": { "debit": c, "credit": d } })
}

fn difference_as_json(difference: &HostDifference) -> Value {
    json!({
        "kind": difference.kind.word(),
        "stan": difference.stan.to_string(),
        "ours": difference.ours.map(|amount| amount.to_string()),
        "theirs": difference.theirs.map(|amount| amount.to_string()),
        "rrn": difference.rrn.as_ref().map(|rrn| rrn.as_str()),
    })
}

fn as_json(row: &SettlementRow, differences: Option<&[HostDifference]>) -> Value {
    let under_way = &row.under_way;
    let currency = under_way.totals.currency();
    json!({
        "batch": under_way.batch.to_string(),
        "state": under_way.state.word(),
        "cause": row.cause.word(),
        "begun_at": row.begun_at.to_string(),
        "closed_at": row.closed_at.map(|at| at.to_string()),
        "currency": currency.code(),
        "totals": totals_as_json(&under_way.totals),
        "net": signed(under_way.totals.net_minor(), currency),
        "undecided": row.undecided,
        "uploaded": under_way.uploaded,
        "tries": row.tries,
        "verdict": under_way.verdict.map(|verdict| verdict.word()),
        "host_totals": row.host_totals.as_ref().map(totals_as_json),
        "money": row.closing.as_ref().map(|closing| closing_as_json(closing, currency)),
        "given_up": row.given_up.as_ref().map(|(by, note)| json!({ "by": by, "note": note })),
        "differences": differences.map(|all| all.iter().map(difference_as_json).collect::<Vec<_>>()),
    })
}

fn line(row: &SettlementRow) -> String {
    let under_way = &row.under_way;
    let currency = under_way.totals.currency();
    let money = row.closing.map_or_else(String::new, |closing| {
        let differ = if closing.differences > 0 { format!(", {} differ", closing.differences) } else { String::new() };
        format!(
            ", posted {} less {}{differ}",
            signed(closing.gross_minor, currency),
            signed(closing.fee_minor, currency)
        )
    });
    let verdict = under_way.verdict.map_or("-", |verdict| verdict.word());
    format!(
        "{} {} {:<9} {:<9} {} payments, {} {}{money}, {verdict}",
        under_way.batch,
        row.begun_at.strftime("%Y-%m-%d %H:%M:%S"),
        row.cause.word(),
        under_way.state.word(),
        under_way.totals.count(),
        signed(under_way.totals.net_minor(), currency),
        currency.code(),
    )
}

fn print(row: &SettlementRow) {
    output::say(&line(row));
    if row.undecided > 0 {
        output::say(&format!("  {} payments are not counted: nobody has decided about them", row.undecided));
    }
    if let Some((by, note)) = &row.given_up {
        output::say(&format!("  given up by {by}: {note}"));
    }
}

fn difference_line(difference: &HostDifference) -> String {
    let amount = |amount: Option<Amount>| amount.map_or_else(|| "nothing".to_owned(), |amount| amount.to_string());
    let rrn = difference.rrn.as_ref().map_or("-", |rrn| rrn.as_str());
    format!(
        "  differs: STAN {} {}: here {}, at the host {}, RRN {rrn}",
        difference.stan,
        difference.kind.word(),
        amount(difference.ours),
        amount(difference.theirs)
    )
}

fn report_as_json(report: &BatchReport) -> Value {
    let lines: Vec<_> = report
        .totals
        .lines
        .iter()
        .map(|line| {
            json!({
                "kind": line.kind.word(),
                "method": line.method(),
                "count": line.sum.count,
                "amount": line.sum.amount.to_string(),
            })
        })
        .collect();
    let currency = report.totals.currency;
    let goods: Vec<_> = report
        .goods
        .iter()
        .map(|GoodSum { name, unit, quantity, minor }| {
            json!({ "name": name, "unit": unit.word(), "quantity": quantity, "amount": minor_text(*minor, currency) })
        })
        .collect();
    json!({
        "batch": report.batch.to_string(),
        "currency": currency.code(),
        "lines": lines,
        "cashiers": report.cashiers.iter().map(|sum| sum_as_json(sum, &report.people, currency)).collect::<Vec<_>>(),
        "open": report.totals.open,
        "goods": goods,
        "cash": report.cash.iter().map(|sum| cash_sum_as_json(sum, &report.people, currency)).collect::<Vec<_>>(),
        "settlement": report.settlement.as_ref().map(|row| as_json(row, None)),
        "differences": report.differences.iter().map(difference_as_json).collect::<Vec<_>>(),
    })
}

fn minor_text(minor: u64, currency: Currency) -> String {
    signed(i64::try_from(minor).unwrap_or(i64::MAX), currency)
}

fn print_report(report: &BatchReport) {
    output::say(&format!("batch {}", report.batch));
    for Line { kind, sum, .. } in &report.totals.lines {
        output::say(&format!("  {:<22} {:>4} {:>14}", kind.word(), sum.count, sum.amount.grouped()));
    }
    let mut methods: Vec<&str> = report.totals.lines.iter().map(Line::method).collect();
    methods.dedup();
    methods.sort_unstable();
    methods.dedup();
    for method in methods {
        let of_method = report.totals.lines.iter().filter(|line| line.method() == method);
        let net = of_method.fold(0_i64, |net, line| net + signed_of(line));
        output::say(&format!("  by {method:<19} {:>19}", signed(net, report.totals.currency)));
    }
    // Where nobody signs on there is nobody to tell apart.
    for sum in report.cashiers.iter().filter(|sum| sum.cashier.is_some()) {
        let who = sum.cashier.map(|person| report.people.label(person)).unwrap_or_default();
        let amount = minor_text(sum.minor, report.totals.currency);
        output::say(&format!("  {who} {:<19} {:>4} {amount:>14}", sum.kind.word(), sum.count));
    }
    for (who, minor) in tips_of(&report.cashiers) {
        output::say(&format!("  {who} {:<24} {:>14}", "tips", minor_text(minor, report.totals.currency)));
    }
    for (kind, count, minor) in report.cash_sums() {
        let amount = minor_text(minor, report.totals.currency);
        output::say(&format!("  {:<22} {count:>4} {amount:>14}  (in cash, not settled)", kind.word()));
    }
    if report.totals.open > 0 {
        output::say(&format!("  {} payments are not finished", report.totals.open));
    }
    for GoodSum { name, unit, quantity, minor } in &report.goods {
        let amount = minor_text(*minor, report.totals.currency);
        output::say(&format!("  sold {name}: {quantity} {}, {amount}", quantity_unit(*unit)));
    }
    if let Some(row) = &report.settlement {
        print(row);
    }
    report.differences.iter().for_each(|difference| output::say(&difference_line(difference)));
}

/// What a line adds to what is left for the merchant.
fn signed_of(line: &Line) -> i64 {
    let minor = i64::try_from(line.sum.amount.minor()).unwrap_or(i64::MAX);
    match crate::settlement::Side::of(line.kind) {
        Some(crate::settlement::Side::Debit) => minor,
        Some(crate::settlement::Side::Credit) => -minor,
        None => 0,
    }
}

/// What quantities of goods are counted in.
const fn quantity_unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Piece => "pieces",
        Unit::Kilogram | Unit::Jin | Unit::HundredGrams => "g",
    }
}

fn table_of(report: &BatchReport) -> Result<Table, Failure> {
    let mut table =
        Table::of(&["batch", "section", "name", "method", "count", "amount", "host_amount", "currency", "reference"])?;
    let (batch, currency) = (report.batch.to_string(), report.totals.currency);
    let mut row = |fields: [&str; 7]| {
        let [section, name, method, count, amount, host, reference] = fields;
        table.line(&[&batch, section, name, method, count, amount, host, currency.code(), reference])
    };
    for line in &report.totals.lines {
        let (count, amount) = (line.sum.count.to_string(), line.sum.amount.to_string());
        row(["type", line.kind.word(), line.method(), &count, &amount, "", ""])?;
    }
    for sum in &report.cashiers {
        let who = sum.cashier.map(|person| person.to_string()).unwrap_or_default();
        row(["cashier", sum.kind.word(), &who, &sum.count.to_string(), &minor_text(sum.minor, currency), "", ""])?;
    }
    for (who, minor) in tips_of(&report.cashiers) {
        row(["tips", "", &who, "", &minor_text(minor, currency), "", ""])?;
    }
    for sum in &report.cash {
        let who = sum.cashier.map(|person| person.to_string()).unwrap_or_default();
        let amount = minor_text(sum.minor, currency);
        row(["cash", sum.kind.word(), &who, &sum.count.to_string(), &amount, "", ""])?;
    }
    for GoodSum { name, unit, quantity, minor } in &report.goods {
        row([
            "goods",
            &free(name),
            quantity_unit(*unit),
            &quantity.to_string(),
            &minor_text(*minor, currency),
            "",
            "",
        ])?;
    }
    if let Some(row_of) = &report.settlement {
        let net = signed(row_of.under_way.totals.net_minor(), currency);
        let count = row_of.under_way.totals.count().to_string();
        let host = row_of.closing.map(|closing| signed(closing.gross_minor, currency)).unwrap_or_default();
        let verdict = row_of.under_way.verdict.map_or("", |verdict| verdict.word());
        row(["settlement", row_of.under_way.state.word(), verdict, &count, &net, &host, ""])?;
        if let Some(closing) = row_of.closing {
            row(["fee", "", "", "", &signed(closing.fee_minor, currency), "", ""])?;
            row(["net", "", "", "", &signed(closing.net_minor(), currency), "", ""])?;
        }
    }
    for difference in &report.differences {
        let amount = |amount: Option<Amount>| amount.map(|amount| amount.to_string()).unwrap_or_default();
        let (stan, rrn) = (difference.stan.to_string(), difference.rrn.as_ref().map_or("", |rrn| rrn.as_str()));
        let (ours, theirs) = (amount(difference.ours), amount(difference.theirs));
        row(["difference", &stan, difference.kind.word(), "", &ours, &theirs, rrn])?;
    }
    Ok(table)
}

/// Whose tips come to how much, in minor units; whoever has none is left out. Nobody's, where nobody signs on.
fn tips_of(sums: &[CashierSum]) -> BTreeMap<String, u64> {
    let mut tips = BTreeMap::new();
    for sum in sums.iter().filter(|sum| sum.tips > 0) {
        let who = sum.cashier.map_or_else(|| "-".to_owned(), |person| person.to_string());
        *tips.entry(who).or_default() += sum.tips;
    }
    tips
}
