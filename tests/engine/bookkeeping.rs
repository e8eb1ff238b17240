//! What whoever keeps the books gets of a day: each payment and each good as a line of a table, and the batch with everything in it. Two
//! people took it, by card, by code and in cash.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yima::app::cash_view::{CashFor, CashStage};
use yima::app::shop_view::ShopIntent;
use yima::app::staff_view::{CodePurpose, StaffIntent};
use yima::app::tip_view::TipIntent;
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts, SaleReport};
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::money::Currency;
use yima::payment::purpose::Purpose;
use yima::payment::qr::PaymentCode;
use yima::payment::transaction::Presence;
use yima::reference::{Batch, TraceNumber};
use yima::sandbox::host::Host;
use yima::sandbox::wallet::RunningWallets;
use yima::settlement::closing::{State, Verdict};

use super::by_code::NoCard;
use super::seeking::{in_cash, next_customer, scan, yuan};
use super::staff::{self, MANAGERS};
use super::terminal::{Running, Terminal, is_keypad};

/// A spreadsheet that takes it for a formula shows 2.
const GOODS: &str = "number,barcode,name,price\n1,6901028075763,=1+1,3.50\n";

/// What a day at the counter left, settled.
struct Day {
    terminal: Terminal,
    batch: Batch,
}

/// Pays with the card that is in the reader, and goes back to the keypad.
#[track_caller]
fn by_card(running: &mut Running, wish: Intent, tip: TipIntent) -> SaleReport {
    running.wish(wish);
    running.until("asked for a tip", |screen| matches!(screen, Screen::Tip(_)));
    running.wish(Intent::Tip(tip));
    done(running)
}

#[track_caller]
fn done(running: &mut Running) -> SaleReport {
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved, "{report:?}");
    running.until("done", |screen| matches!(screen, Screen::Approved { .. }));
    next_customer(running);
    report
}

#[track_caller]
fn cash_of(terminal: &Terminal) -> TraceNumber {
    let list = terminal.ledger().list(None, None, 1).unwrap();
    match &list.rows[0] {
        yima::ledger::Listed::Cash(row) => row.trace,
        row => panic!("{row:?}"),
    }
}

impl Day {
    fn new() -> Self {
        let terminal = staff::terminal();
        let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
        catalogue.import(&Table::read(GOODS.as_bytes()).unwrap(), Currency::CNY).unwrap();
        let parts = |parts| Parts { cash: true, tips: vec![10], ..staff::signing_on(parts) };
        let mut running = terminal.start_with("unionpay-debit", parts);
        running.sign_on(1);
        by_card(&mut running, Intent::Charge(yuan(2000)), TipIntent::Give(0));
        scan(&mut running, 350);
        by_card(&mut running, Intent::Shop(ShopIntent::Pay), TipIntent::GiveNone);
        scan(&mut running, 350);
        scan(&mut running, 700);
        in_cash(&mut running, CashFor::Cart, 1000);
        in_cash(&mut running, CashFor::Amount(yuan(500)), 500);
        let cash = cash_of(&terminal);
        let mistaken = by_card(&mut running, Intent::Charge(yuan(1000)), TipIntent::GiveNone).trace.unwrap();
        running.staff(StaffIntent::SignOff);
        running.sign_on(99);
        running.wish(Intent::Begin(Purpose::Void(mistaken, Presence::CardThere)));
        done(&mut running);
        running.wish(Intent::Begin(Purpose::Refund(cash, Some(yuan(200)))));
        let is_back =
            |screen: &Screen| matches!(screen, Screen::Cash(view) if matches!(view.stage, CashStage::Done { .. }));
        running.until("given back", is_back);
        next_customer(&mut running);
        drop(running);
        Self::by_phone(&terminal);
        let batch = mistaken.batch;
        let end = Instant::now() + Duration::from_secs(60);
        let mut running = terminal.start_with("unionpay-debit", parts);
        unlock(&mut running);
        running.wish(Intent::Settle { without_undecided: false });
        loop {
            match terminal.ledger().settlement(batch).unwrap() {
                Some(row) if row.under_way.state == State::Closed => {
                    assert_eq!(row.under_way.verdict, Some(Verdict::Equal));
                    break;
                }
                row => assert!(Instant::now() < end, "{row:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { terminal, batch }
    }

    /// Somebody pays by phone, and gets a part of it back.
    fn by_phone(terminal: &Terminal) {
        let host = Host::prepare(&terminal.folder.path().join("host")).unwrap();
        let wallets = RunningWallets::start(&host, ([127, 0, 0, 1], 0).into()).unwrap();
        let made = reqwest::blocking::Client::new()
            .post(format!("{}wallets/wallet-1/code", wallets.url()))
            .header("Content-Type", "application/json")
            .body(json!({ "form": "number" }).to_string())
            .send()
            .unwrap();
        let made: Value = serde_json::from_str(&made.text().unwrap()).unwrap();
        let mut running = terminal
            .start_with("unionpay-debit", |parts| Parts { reader: Box::new(NoCard), ..staff::signing_on(parts) });
        unlock(&mut running);
        running.charge("12.34");
        running.until("a card or a code", |screen| matches!(screen, Screen::PresentCard { .. }));
        running.wish(Intent::PayByScanned(PaymentCode::parse(made["code"].as_str().unwrap())));
        let paid = done(&mut running).trace.unwrap();
        running.wish(Intent::Begin(Purpose::Refund(paid, Some(yuan(234)))));
        done(&mut running);
    }

    fn yima(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_yima"))
            .arg("--state")
            .arg(self.terminal.folder.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        serde_json::from_str(&self.yima(&[&["transactions", "--json"], arguments].concat())).unwrap()
    }

    /// Lines of a table, by the names of its columns.
    fn table(&self, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
        let said = self.yima(arguments);
        let mut reader = csv::Reader::from_reader(said.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }
}

/// Whoever was signed on does so again.
#[track_caller]
fn unlock(running: &mut Running) {
    running.until_code("locked", |view| view.purpose == CodePurpose::Unlock && !view.checking);
    running.staff(StaffIntent::SignOn(staff::number(99), staff::code(MANAGERS)));
    running.until("keypad", is_keypad);
}

/// Minor units of what is written like 12.34, and of nothing.
fn minor(text: &str) -> i64 {
    let digits: i64 = text.replace(['.', '-'], "").parse().unwrap_or_default();
    if text.starts_with('-') { -digits } else { digits }
}

fn sum(lines: &[BTreeMap<String, String>], column: &str) -> i64 {
    lines.iter().map(|line| minor(&line[column])).sum()
}

fn sum_of(rows: &[Value], of: impl Fn(&Value) -> &Value) -> i64 {
    rows.iter().map(|row| minor(of(row).as_str().unwrap_or_default())).sum()
}

#[test]
fn the_books_of_a_day_are_the_same_as_a_table_and_as_json_and_come_to_what_was_settled() {
    let day = Day::new();
    let (lines, rows) = (day.table(&["transactions", "--csv"]), day.json(&[]));
    assert_eq!((lines.len(), rows.len()), (9, 9));
    for (line, row) in lines.iter().zip(&rows) {
        for key in ["batch", "stan", "kind", "state", "amount", "at", "currency"] {
            assert_eq!(Some(line[key].as_str()), row[key].as_str(), "{key} of {row:#}");
        }
        for key in ["original", "rrn", "auth_code", "cashier", "tip"] {
            assert_eq!(line[key], row[key].as_str().unwrap_or_default(), "{key} of {row:#}");
        }
    }
    assert_eq!(sum(&lines, "amount"), sum_of(&rows, |row| &row["amount"]));
    assert_eq!((sum(&lines, "tip"), sum_of(&rows, |row| &row["tip"])), (200, 200));
    assert_eq!((sum(&lines, "given"), sum_of(&rows, |row| &row["cash"]["given"])), (1500, 1500));
    assert_eq!((sum(&lines, "change"), sum_of(&rows, |row| &row["cash"]["change"])), (300, 300));
    let of = |method: &str| -> Vec<_> { lines.iter().filter(|line| line["method"] == method).cloned().collect() };
    assert_eq!(["unionpay", "code", "cash"].map(|method| of(method).len()), [4, 2, 3]);
    assert_eq!(["unionpay", "code", "cash"].map(|method| sum(&of(method), "net")), [2550, 1000, 1000]);
    let settled = day.terminal.ledger().settlement(day.batch).unwrap().unwrap();
    assert_eq!(settled.under_way.totals.net_minor(), 3550, "by card and by code, less what went back");

    let goods = day.table(&["transactions", "--csv", "--goods"]);
    assert_eq!(goods.len(), 2);
    let of_rows: i64 = rows.iter().map(|row| sum_of(row["goods"].as_array().unwrap(), |good| &good["amount"])).sum();
    assert_eq!((sum(&goods, "amount"), of_rows), (1050, 1050));
    let sold: Vec<_> =
        goods.iter().map(|line| (line["name"].as_str(), line["quantity"].as_str(), line["method"].as_str())).collect();
    assert_eq!(sold, [("'=1+1", "2", "cash"), ("'=1+1", "1", "unionpay")], "no formula");

    // The same is looked for in the same way.
    for wanted in [
        &["--taken-by", "01"][..],
        &["--taken-by", "99"],
        &["--good", "6901028075763"],
        &["--good", "1"],
        &["--amount", "5.00"],
        &["--limit", "2"],
        &["--stan", "999999"],
    ] {
        let lines = day.table(&[&["transactions", "--csv"], wanted].concat());
        let rows = day.json(wanted);
        let stans = |key: &str| rows.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines.iter().map(|line| line["stan"].clone()).collect::<Vec<_>>(), stans("stan"), "{wanted:?}");
    }
    assert_eq!(day.table(&["transactions", "--csv", "--taken-by", "99"]).len(), 4);
    assert_eq!(day.table(&["transactions", "--csv", "--good", "1"]).len(), 2);
}

#[test]
fn each_section_of_a_batch_as_a_table_comes_to_the_same() {
    let day = Day::new();
    let batch = day.batch.to_string();
    let lines = day.table(&["settlement", &batch, "--csv"]);
    let fee = day.terminal.ledger().settlement(day.batch).unwrap().unwrap().closing.unwrap().fee_minor;
    let yuan = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    let expected = [
        ["type", "sale", "unionpay", "3", "35.50", ""],
        ["type", "void", "unionpay", "1", "10.00", ""],
        ["type", "code_payment", "code", "1", "12.34", ""],
        ["type", "code_refund", "code", "1", "2.34", ""],
        ["cashier", "sale", "01", "3", "35.50", ""],
        ["cashier", "code_payment", "99", "1", "12.34", ""],
        ["cashier", "code_refund", "99", "1", "2.34", ""],
        ["cashier", "void", "99", "1", "10.00", ""],
        ["tips", "", "01", "", "2.00", ""],
        ["cash", "cash_sale", "01", "2", "12.00", ""],
        ["cash", "cash_refund", "99", "1", "2.00", ""],
        ["goods", "'=1+1", "pieces", "3", "10.50", ""],
        ["settlement", "closed", "equal", "6", "35.50", "35.50"],
        ["fee", "", "", "", &yuan(fee), ""],
        ["net", "", "", "", &yuan(3550 - fee), ""],
    ];
    let columns = ["section", "name", "method", "count", "amount", "host_amount"];
    let said: Vec<_> = lines.iter().map(|line| columns.map(|column| line[column].as_str())).collect();
    assert_eq!(said, expected);
    assert!(lines.iter().all(|line| line["batch"] == batch && line["currency"] == "CNY"));
    let back = ["void", "code_refund", "cash_refund"];
    let of = |section: &str| -> i64 {
        let lines = lines.iter().filter(|line| line["section"] == section);
        lines.map(|line| minor(&line["amount"]) * if back.contains(&line["name"].as_str()) { -1 } else { 1 }).sum()
    };
    let net = of("settlement");
    assert_eq!((of("type"), of("cashier"), of("fee") + of("net")), (net, net, net), "each is all of it");
    // Cash is said not to be settled. All that was keyed is no good: the day without it, its tip and what went back of it.
    assert_eq!(of("goods"), net + of("cash") - (2000 + of("tips")) - 500 + 200 - (1234 - 234));
}
