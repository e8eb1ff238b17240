//! The script: what is done from the morning to the night, and what must come of it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use yima::payment::transaction::Kind;
use yima::sandbox::host::store::EntryState;

use super::books::{Entry, Shop, Trace, fen};
use super::paper;
use super::support::counter::{Counter, PAN, keep};
use super::support::running::Running;
use super::support::wait_until;

/// What the host keeps of a settlement, in ten thousandths.
const FEE: i64 = 38;

#[test]
fn two_days_agree_to_the_cent_at_the_terminal_the_host_and_on_paper() {
    let counter = Counter::open_to_silence();
    let goods = counter.state().join("goods.csv");
    std::fs::write(&goods, "编号,条码,名称,单价,单位,税率\n1,6901028075763,可口可乐,3.50,瓶,13%\n").unwrap();
    assert!(counter.yima(&["goods", "import"]).arg(&goods).status().unwrap().success());
    let parameters = counter.state().join("sandbox/host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    let allowed = "[terminal]
        in_part = true
        offline = { most = 15000, count = 3, total = 30000 }
        instalments = { periods = [3, 6, 12], from = 50000 }";
    std::fs::write(parameters.join("host.toml"), allowed).unwrap();
    for command in ["sign-on", "parameters"] {
        assert!(counter.yima(&[command]).status().unwrap().success(), "{command}");
    }
    let mut shop = Shop::open(counter);

    let sold = morning(&mut shop);
    faults_of_card_line_and_host(&mut shop);
    power_goes(&mut shop);
    money_goes_back(&mut shop, &sold);
    set_aside(&mut shop);
    other_ways_to_pay(&mut shop);
    in_cash(&mut shop);
    let by_code = customers_with_phones(&mut shop);
    let missing = |kind: &Kind| *kind != Kind::Balance && shop.entries.iter().all(|entry| entry.kind != kind.word());
    assert_eq!(Kind::ALL.into_iter().filter(missing).collect::<Vec<_>>(), [], "the day has every type of transaction");
    paper_runs_out(&mut shop);
    assert!(shop.tried >= 60, "{}", shop.tried);
    shop.agree();
    let first = sold[0].batch.clone();
    let fees = settles(&mut shop, &first, 0, 1);

    let second = next_day(&mut shop, &sold, &by_code);
    assert_ne!(second, first);
    shop.agree();
    let before = shop.net(&first) - fees;
    settles(&mut shop, &second, before, 2);
}

fn morning(shop: &mut Shop) -> Vec<Trace> {
    let amounts = ["0.01", "12.34", "88.88", "100.00", "250.50", "999.99", "5.20", "33.33", "45.60", "18.00", "1.00"];
    let mut sold: Vec<_> = amounts.into_iter().map(|amount| shop.sells(amount, "approved")).collect();
    sold.push(shop.sells("--goods=6901028075763x2", "approved"));
    let books = shop.counter.host_books();
    let holds = i64::try_from(shop.counter.balance()).unwrap();
    let held = i64::try_from(books.held(PAN).unwrap().unwrap()).unwrap();
    let (balance, code) = shop.counter.by_card(&["balance"], &[]);
    assert_eq!(fen(balance["balances"][0]["amount"].as_str().unwrap()), holds - held, "{balance:#}");
    shop.came_to((balance, code), "approved");
    sold
}

fn faults_of_card_line_and_host(shop: &mut Shop) {
    for declined in ["66.05", "66.51", "66.54", "66.61"] {
        shop.sells(declined, "declined");
    }
    // No answer; the same, and it was booked; a wrong MAC; a card that says no after the host said yes; a gateway in the host's
    // place; the answer to something else.
    for doubtful in ["67.01", "67.02", "67.03", "67.04", "67.06", "67.07", "67.08"] {
        shop.sells(doubtful, "reversed");
    }
    // A part of the amount, and nobody pays the rest.
    let part = shop.counter.sale("66.10", &[]);
    let part = shop.pays_a_part(part, "", "in_part");
    assert!(shop.counter.yima(&["purchase", "give-up"]).status().unwrap().success());
    shop.turns_out(&part, "reversed");
    let torn = shop.counter.sale("3.00", &["--tear", "5"]);
    shop.came_to(torn, "error");
    // The host is away, and comes back.
    shop.counter.host = None;
    shop.sells("4.00", "error");
    shop.counter.start_host();
    shop.sells("4.00", "approved");
}

/// Between request and answer: the host has booked, and the terminal does not know.
fn power_goes(shop: &mut Shop) {
    shop.counter.give_up_after(60);
    shop.counter.bring_card(&[]);
    let before = shop.counter.host_books().ledger().unwrap().len();
    let mut command = shop.counter.yima(&["sale", "67.02", "--json"]);
    shop.counter.shop.log_to(&mut command, "cut.log");
    let cut = Running::start("a sale that is cut", &mut command);
    wait_until("the host has booked", Duration::from_secs(30), || {
        let entries = shop.counter.host_books().ledger().unwrap();
        entries.len() > before
            && entries.iter().any(|entry| entry.state == EntryState::Approved && entry.booked.minor() == 6702)
    });
    cut.kill();
    shop.counter.card = None;
    let row = &shop.counter.transactions()[0];
    assert_eq!((row["state"].as_str(), row["amount"].as_str()), (Some("pending"), Some("67.02")));
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    let trace = Trace { batch: text("batch"), stan: text("stan") };
    shop.entries.push(Entry {
        trace,
        kind: "sale".to_owned(),
        outcome: "reversed".to_owned(),
        amount: 6702,
        profile: String::new(),
        slips: true,
    });
    shop.tried += 1;
    shop.counter.give_up_after(3);
    shop.sells("6.60", "approved");
}

fn money_goes_back(shop: &mut Shop, sold: &[Trace]) {
    let of = |which: usize| [sold[which].batch.clone(), sold[which].stan.clone()];
    let [batch, stan] = of(1);
    shop.with_card(&["void", &batch, &stan], "approved");
    // Once, and not twice.
    shop.with_card(&["void", &batch, &stan], "error");
    shop.with_card(&["void", &batch, "999999"], "error");
    let [batch, stan] = of(3);
    shop.with_card(&["refund", &batch, &stan, "40.00"], "approved");
    shop.with_card(&["refund", &batch, &stan, "0.01"], "approved");
    shop.with_card(&["refund", &batch, &stan, "60.00"], "error");
    shop.with_card(&["refund", &batch, &stan], "approved");
    // What nobody answers is sent again, the same, when the terminal runs again, and booked once.
    let [batch, stan] = of(4);
    let refund = shop.with_card(&["refund", &batch, &stan, "67.02"], "unresolved");
    shop.turns_out(&refund, "approved");
    let [batch, stan] = of(2);
    shop.no_card(&["void", &batch, &stan, "--no-card"], "approved");
}

fn set_aside(shop: &mut Shop) {
    let mut aside = |amount: &str, outcome: &str| shop.with_card(&["pre-auth", amount], outcome);
    let [let_go, paid, told, taken_back] =
        ["300.00", "200.00", "120.00", "80.00"].map(|amount| aside(amount, "approved"));
    aside("66.05", "declined");
    aside("67.02", "reversed");
    // More beside it, which the bank does or does not give; then all of it is let go, or paid.
    shop.with_card(&["top-up", &let_go.batch, &let_go.stan, "25.00"], "approved");
    shop.with_card(&["top-up", &let_go.batch, &let_go.stan, "66.51"], "declined");
    shop.with_card(&["top-up", &let_go.batch, &let_go.stan, "67.02"], "reversed");
    shop.with_card(&["void", &let_go.batch, &let_go.stan], "approved");
    shop.with_card(&["top-up", &let_go.batch, &let_go.stan, "1.00"], "error");
    shop.with_card(&["top-up", &paid.batch, &paid.stan, "30.00"], "approved");
    shop.with_card(&["completion", &paid.batch, &paid.stan, "264.50"], "approved");
    shop.no_card(&["completion", &told.batch, &told.stan, "100.00", "--notice"], "approved");
    let completion = shop.with_card(&["completion", &taken_back.batch, &taken_back.stan], "approved");
    shop.with_card(&["void", &completion.batch, &completion.stan], "approved");
    // What the last one had set aside is set aside again, and more beside it.
    shop.with_card(&["top-up", &taken_back.batch, &taken_back.stan, "20.00"], "approved");
    shop.held = 10_000;
}

/// A tip, an account that holds less than is asked for, and a card that approves alone.
fn other_ways_to_pay(shop: &mut Shop) {
    shop.with_card(&["sale", "10.00", "--tip", "1.50"], "approved");
    let credit = ["--profile", "unionpay-credit"];
    for (arguments, outcome) in [
        (&["sale", "600.00", "--instalments", "6"][..], "approved"),
        (&["sale", "499.99", "--instalments", "3"], "error"),
    ] {
        let came = shop.counter.by_card(arguments, &credit);
        shop.comes_from("unionpay-credit", came, outcome);
    }
    let slips = paper::read(&shop.counter);
    let planned: Vec<_> = slips.iter().filter(|slip| slip.0.contains(paper::BY_INSTALMENTS)).collect();
    assert!(planned.len() == 2 && planned.iter().all(|slip| slip.0.contains("600.00")), "{}", planned.len());
    // One purchase of 15.00: what the account holds, and the rest by the usual card. It has one slip.
    let first = shop.counter.sale("15.00", &["--profile", "low-balance"]);
    shop.pays_a_part(first, "low-balance", "in_part");
    let rest = shop.counter.by_card(&["purchase", "pay"], &[]);
    shop.pays_a_part(rest, "", "approved");
    let slips: Vec<_> = paper::read(&shop.counter).into_iter().filter(|slip| slip.0.contains("15.00")).collect();
    assert!(slips.len() == 2 && slips.iter().all(|slip| slip.0.contains("9.40") && slip.0.contains("5.60")));
    // The host is away. The next one pays by a card that asks for nobody, another card will not.
    shop.counter.host = None;
    let alone = ["--profile", "offline"];
    for (amount, outcome) in [("7.00", "approved"), ("66.51", "approved"), ("150.01", "error")] {
        let came = shop.counter.by_card(&["offline-sale", amount], &alone);
        shop.comes_from("offline", came, outcome);
    }
    // Nobody was asked, so that nothing is written down of it.
    let (refused, _) = shop.counter.by_card(&["offline-sale", "8.00"], &[]);
    assert_eq!(refused["outcome"], "declined", "{refused:#}");
    shop.counter.start_host();
    shop.sells("9.00", "approved");
    // The bank does not pay one of the two, and a person says so.
    let parked =
        shop.entries.iter().find(|entry| entry.kind == "offline_sale" && entry.amount == 6651).unwrap().trace.clone();
    let mut resolve = shop.counter.yima(&["queue", "resolve", &parked.batch, &parked.stan, "--as", "reversed"]);
    assert!(resolve.args(["--by", "王五", "--note", "银行不付"]).status().unwrap().success());
    shop.turns_out(&parked, "unresolved");
}

/// A drawer, and the host knows nothing of it.
fn in_cash(shop: &mut Shop) {
    shop.counter.set("[terminal]\ncash = true\n");
    let sold = shop.in_cash(&["cash", "12.30", "--given", "20"], 1230);
    shop.in_cash(&["cash", "--refund", &format!("{}-{}", sold.batch, sold.stan), "2.30"], 230);
}

fn customers_with_phones(shop: &mut Shop) -> Trace {
    let paid = shop.scans("wallet-1", false, "12.00", "approved");
    shop.scans("wallet-1", true, "20.00", "approved");
    shop.scans("wallet-2", false, "60.00", "declined");
    // A code that no wallet made, and an answer that cannot be trusted: the order is asked about, and it was paid.
    let nobodys = shop.counter.without_card(&["sale", "5.00", "--code", "-"], "6299999999999999999\n");
    shop.came_to(nobodys, "declined");
    shop.scans("wallet-1", false, "67.03", "approved");
    let shown = shows(shop, "33.00");
    shop.no_card(&["refund", &paid.batch, &paid.stan, "2.00"], "approved");
    shop.no_card(&["refund", &paid.batch, &paid.stan], "approved");
    shop.no_card(&["refund", &paid.batch, &paid.stan, "0.01"], "error");
    *shop.from_wallets.get_mut("wallet-1").unwrap() -= 1200;
    shown
}

/// Our code is shown, and paid with a phone.
fn shows(shop: &mut Shop, amount: &str) -> Trace {
    let mut command = shop.counter.yima(&["sale", amount, "--show-code", "--json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut sale = Running::start("a sale by code", &mut command);
    let said = BufReader::new(sale.child().stderr.take().unwrap());
    let shown = said.lines().map_while(Result::ok).find(|line| line.contains("000201"));
    let shown = shown.unwrap_or_else(|| panic!("no code was shown"));
    let code = &shown[shown.find("000201").unwrap()..];
    let mut pays = shop.counter.yima(&["sandbox", "wallet", "pay", "wallet-1", "--code", code.trim(), "--json"]);
    let paid = pays.output().unwrap();
    assert!(paid.status.success(), "{}", String::from_utf8_lossy(&paid.stderr));
    let mut result = String::new();
    std::io::Read::read_to_string(sale.child().stdout.as_mut().unwrap(), &mut result).unwrap();
    let code = sale.wait(Duration::from_secs(60)).code().unwrap();
    *shop.from_wallets.entry("wallet-1".to_owned()).or_default() += fen(amount);
    shop.came_to((serde_json::from_str(&result).unwrap(), code), "approved")
}

fn paper_runs_out(shop: &mut Shop) {
    shop.counter.start_printer(&["--paper-lines", "9", "--new-paper-after", "1.5"]);
    shop.sells("21.00", "approved");
    shop.counter.start_printer(&[]);
    shop.sells("22.00", "approved");
}

/// The night: gives the fee.
fn settles(shop: &mut Shop, batch: &str, before: i64, papers: usize) -> i64 {
    let output = shop.counter.yima(&["settle", "--json"]).output().unwrap();
    let settled: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert!(output.status.success(), "{settled:#}");
    let (net, verdict) = (shop.net(batch), settled["verdict"].as_str());
    assert_eq!((verdict, settled["batch"].as_str()), (Some("equal"), Some(batch)), "{settled:#}");
    assert_eq!((fen(settled["net"].as_str().unwrap()), &settled["host_totals"]), (net, &settled["totals"]));
    let fee = (net * FEE + 5000) / 10_000;
    let money = &settled["money"];
    assert_eq!(
        ["gross", "fee", "net"].map(|key| fen(money[key].as_str().unwrap())),
        [net, fee, net - fee],
        "{money:#}"
    );

    // The report of the batch, by kind.
    let report = shop.counter.yima(&["settlement", batch, "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let mut by_kind = std::collections::BTreeMap::new();
    for line in report["lines"].as_array().unwrap() {
        let sum: &mut (u64, i64) = by_kind.entry(line["kind"].as_str().unwrap().to_owned()).or_default();
        *sum = (sum.0 + line["count"].as_u64().unwrap(), sum.1 + fen(line["amount"].as_str().unwrap()));
    }
    assert_eq!(by_kind, shop.by_kind(batch));
    let cash: Vec<_> = shop.cash.iter().filter(|one| one.trace.batch == batch).map(|one| one.amount).collect();
    let said = report["cash"].as_array().unwrap().iter().map(|sum| fen(sum["amount"].as_str().unwrap()));
    assert_eq!(said.collect::<Vec<_>>(), cash, "one was sold, and of it something went back: {report:#}");

    // The merchant's account at the host, asked from both sides.
    let account = shop.counter.yima(&["account", "--json"]).output().unwrap();
    let account: Value = serde_json::from_slice(&account.stdout).unwrap();
    assert_eq!(fen(account["balance"].as_str().unwrap()), before + net - fee, "{account:#}");
    let books = shop.counter.yima(&["sandbox", "merchant", "account", "--json"]).output().unwrap();
    let books: Value = serde_json::from_slice(&books.stdout).unwrap();
    assert_eq!(fen(books["balance"].as_str().unwrap()), before + net - fee, "{books:#}");

    // And on paper.
    let slips: Vec<_> = paper::read(&shop.counter).into_iter().filter(|paper| paper.0.contains("结算单")).collect();
    assert_eq!(slips.len(), papers, "a slip for each settlement");
    let slip = slips.last().unwrap();
    let said = ["净额", "手续费", "入账金额"].map(|name| fen(slip.behind(name).unwrap()));
    assert_eq!((said, slip.behind("批次号")), ([net, fee, net - fee], Some(batch)), "{}", slip.0);
    let log = shop.counter.yima(&["log", "verify"]).output().unwrap();
    assert!(log.status.success(), "{}", String::from_utf8_lossy(&log.stderr));
    fee
}

fn next_day(shop: &mut Shop, sold: &[Trace], by_code: &Trace) -> String {
    let first = shop.sells("15.00", "approved");
    shop.sells("66.05", "declined");
    shop.sells("67.02", "reversed");
    // Yesterday's sale is not voided any more, but money of it goes back.
    shop.with_card(&["void", &sold[0].batch, &sold[0].stan], "error");
    shop.with_card(&["refund", &sold[5].batch, &sold[5].stan, "9.99"], "approved");
    shop.no_card(&["refund", &by_code.batch, &by_code.stan, "3.00"], "approved");
    *shop.from_wallets.get_mut("wallet-1").unwrap() -= 300;
    if let Some(picture) = shop.counter.receipts().last() {
        keep(picture, "receipt-refund-of-yesterday.png");
    }
    first.batch
}
