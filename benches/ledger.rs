//! How quick the ledger is: `cargo bench --bench ledger`, with a number of payments to make the large ledger smaller.
//!
//! Durable commits are compared with SQLite itself writing one row per transaction, by turns in the same run and in the same
//! folder (under `target/`, so that a disk is measured and not memory). A sale is written as the program writes it: its number,
//! its request with the card number under a key of its own, the approval, the end with slips, advice and log, and then what
//! becomes of slips and advice. Pages and searches are asked of a ledger with a million payments, with other values each time;
//! totals of a batch with ten thousand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops here and now"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use rusqlite::{Connection, params};
use yima::card_number::Pan;
use yima::emv::cvm::Verification;
use yima::ledger::{LastFour, Ledger, Page, PrintState, Search};
use yima::money::{Amount, Currency};
use yima::payment::online::EntryMode;
use yima::payment::queue::EntryId;
use yima::payment::record::{CardResult, Pending, Record};
use yima::payment::transaction::Kind;
use yima::reference::{AuthorisationCode, Batch, MerchantCode, ResponseCode, Rrn, Stan, TerminalNumber};
use yima::settlement::totals;
use yima::vault::SecureElement;
use yima::vault::software::SoftwareVault;

/// Payments in the large ledger.
const MANY: u64 = 1_000_000;

/// Payments in its last batch.
const BATCH: u64 = 10_000;

/// Rows of a page.
const PAGE: usize = 20;

/// How often each is asked.
const TIMES: u64 = 200;

fn main() {
    // Cargo adds arguments of its own.
    let many = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(MANY);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    commits(folder.path());
    questions(folder.path(), many.max(BATCH));
}

fn open(path: &Path) -> Ledger {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    Ledger::open(path, merchant, TerminalNumber::parse("10000001").unwrap()).unwrap()
}

fn pending(number: u64) -> Record {
    Record::Pending(Box::new(Pending {
        kind: Kind::Sale,
        original: None,
        amount: Amount::new(number % 50_000 + 1, Currency::CNY).unwrap(),
        at: date(2026, 11, 22).at(14, 26, 9, 0),
        entry: EntryMode::Chip,
        verification: Verification::OnlinePin,
        pan: Pan::of_digits("6228480000000001230").unwrap().into(),
        sequence_number: Some(1),
        card_expiry: Some("3012".to_owned()),
        aid: "A000000333010101".to_owned(),
        application_label: "UnionPay Debit".to_owned(),
        bank: None,
        chip_data: vec![0x9F; 200],
        instalments: None,
    }))
}

/// Writes a sale as the program does; gives in how many durable commits.
fn sale(ledger: &mut Ledger, number: u64) -> u32 {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(number)).unwrap();
    let approval = Record::HostApproved {
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: Rrn::parse(&format!("{number:012}")).ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        part: None,
        plan: None,
    };
    ledger.record(trace, &approval).unwrap();
    let card = CardResult {
        cryptogram: "0102030405060708".to_owned(),
        tvr: "8000008000".to_owned(),
        tsi: "6800".to_owned(),
        atc: "0001".to_owned(),
        signature: false,
        chip_data: vec![0x9F; 200],
        scripts: None,
    };
    ledger.record(trace, &Record::Approved(Box::new(card))).unwrap();
    for slip in ledger.copies_of(trace).unwrap() {
        ledger.copy_is(&slip, PrintState::Sending).unwrap();
        ledger.copy_is(&slip, PrintState::Printed).unwrap();
    }
    let advice = ledger.next_advice().unwrap().unwrap();
    ledger.done(EntryId::Advice(advice.id)).unwrap();
    9
}

/// One row per transaction, and nothing else: what the disk and SQLite take at least.
fn raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS sales (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, at TEXT NOT NULL,
                 chip_data BLOB NOT NULL) STRICT;",
        )
        .unwrap();
    connection
}

fn commits(folder: &Path) {
    let vault = SoftwareVault::in_memory();
    vault.make_storage_key().unwrap();
    let mut ledger = open(&folder.join("ledger.sqlite")).keeping_numbers(Arc::new(vault));
    let raw = raw(&folder.join("raw.sqlite"));
    let mut insert = raw.prepare("INSERT INTO sales (amount, at, chip_data) VALUES (?1, ?2, ?3)").unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..45_u64 {
        let begun = Instant::now();
        let committed: u32 = (0..20).map(|number| sale(&mut ledger, round * 20 + number)).sum();
        ours.push(f64::from(committed) / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for number in 0..committed {
            insert.execute(params![number, "2026-11-22T14:26:09", vec![0x9F_u8; 200]]).unwrap();
        }
        theirs.push(f64::from(committed) / begun.elapsed().as_secs_f64());
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!("durable commits of sales      {ours:>10.0} a second ({:.0} sales)", ours / 9.0);
    println!("SQLite, one row a transaction {theirs:>10.0} a second");
    println!("ratio                         {:>10.2} (to reach: 0.80)", ours / theirs);
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Payments of eleven years: 17 a minute apart on average, in batches of ten thousand.
fn fill(path: &Path, many: u64) {
    let connection = Connection::open(path).unwrap();
    // Rows are put in as they are in the end.
    let prepare =
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; DROP TRIGGER transactions_begin_pending; BEGIN";
    connection.execute_batch(prepare).unwrap();
    let mut insert = connection
        .prepare(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
                 truncated_pan, aid, application_label, response_code, rrn, authorisation_code, cryptogram, tvr, tsi, atc,
                 signature)
             VALUES ('898440100000001', '10000001', ?1, ?2, 'sale', 'approved', ?3, 'CNY', ?4, 'chip', ?5, ?6, 'UnionPay Debit',
                 '00', ?7, 'A12B3C', '0102030405060708', '8000008000', '6800', '0001', 0)",
        )
        .unwrap();
    for number in 0..many {
        let aid = ["A000000333010101", "A000000333010102", "A0000000031010"][(number % 3) as usize];
        let values = params![
            (number / BATCH + 1) as i64,
            (number % 999_999 + 1) as i64,
            amount(number) as i64,
            time(number).to_string(),
            format!("622848*********{:04}", scattered(number) % 10_000),
            aid,
            format!("{number:012}"),
        ];
        insert.execute(values).unwrap();
    }
    drop(insert);
    connection.execute("UPDATE log_head SET complete = 1", []).unwrap();
    connection.execute_batch("COMMIT").unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Any number from a number, the same each time.
const fn scattered(number: u64) -> u64 {
    (number ^ (number >> 13)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
}

/// Every tenth payment is of ten yuan: a price that everybody knows.
const fn amount(number: u64) -> u64 {
    if number.is_multiple_of(10) { 1000 } else { scattered(number) % 50_000 + 1 }
}

fn time(number: u64) -> DateTime {
    date(2015, 11, 22).at(8, 0, 0, 0).checked_add((i64::try_from(number).unwrap() * 340).seconds()).unwrap()
}

fn questions(folder: &Path, many: u64) {
    let path = folder.join("large.sqlite");
    drop(open(&path));
    fill(&path, many);
    let ledger = open(&path);
    let search = |search: &Search| ledger.search(search, None, PAGE).unwrap();
    let any = |number: u64| scattered(number + 7) % many;
    println!("{many} payments, {} MiB", std::fs::metadata(&path).unwrap().len() / (1024 * 1024));
    ask("newest page of the history", 20, |_| ledger.history(None, PAGE).unwrap());
    let mut end = None;
    ask("each page after it", 20, |_| {
        let page = ledger.history(end.as_ref(), PAGE).unwrap();
        end = page.next.clone();
        page
    });
    ask("how many there are", 20, |_| Many(ledger.count().unwrap()));
    ask("a STAN", 20, |number| {
        search(&Search { stan: Stan::new((any(number) % 999_999 + 1) as u32).ok(), ..Search::default() })
    });
    ask("an RRN", 20, |number| {
        search(&Search { rrn: Rrn::parse(&format!("{:012}", any(number))).ok(), ..Search::default() })
    });
    ask("an amount", 20, |number| {
        search(&Search { amount: Amount::new(amount(any(number)), Currency::CNY).ok(), ..Search::default() })
    });
    ask("four digits of a card", 20, |number| {
        search(&Search { last_four: LastFour::parse(&format!("{:04}", any(number) % 10_000)), ..Search::default() })
    });
    ask("an amount everybody pays, in one week", 20, |number| {
        let from = time(any(number));
        let before = from.checked_add(7.days()).ok();
        search(&Search { amount: Amount::new(1000, Currency::CNY).ok(), from: Some(from), before, ..Search::default() })
    });
    ask("a day", 20, |number| {
        let from = time(any(number));
        search(&Search { from: Some(from), before: from.checked_add(1.day()).ok(), ..Search::default() })
    });
    ask("amount, card and time at once", 20, |number| {
        let number = any(number);
        search(&Search {
            amount: Amount::new(amount(number), Currency::CNY).ok(),
            last_four: LastFour::parse(&format!("{:04}", scattered(number) % 10_000)),
            from: Some(time(number)),
            before: time(number).checked_add(1.day()).ok(),
            ..Search::default()
        })
    });
    ask("what was paid on a day", 20, |number| ledger.paid_on(time(any(number)).date(), Currency::CNY).unwrap());
    let batch = Batch::new(u32::try_from(many / BATCH).unwrap()).unwrap();
    ask("totals of a batch of 10,000", 50, |_| {
        let totals = totals(&ledger.tallies(batch).unwrap(), Currency::CNY).unwrap();
        assert_eq!(totals.lines.iter().map(|line| u64::from(line.sum.count)).sum::<u64>(), BATCH);
        totals
    });
}

/// What was asked for gives something.
trait Answer {
    fn rows(&self) -> usize;
}

impl Answer for Page {
    fn rows(&self) -> usize {
        self.rows.len()
    }
}

struct Many(usize);

impl Answer for Many {
    fn rows(&self) -> usize {
        self.0
    }
}

impl Answer for yima::ledger::DayTotal {
    fn rows(&self) -> usize {
        self.count
    }
}

impl Answer for yima::settlement::Totals {
    fn rows(&self) -> usize {
        self.lines.len()
    }
}

fn ask<A: Answer>(what: &str, most_ms: u64, mut question: impl FnMut(u64) -> A) {
    let mut rows = 0;
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|number| {
            let begun = Instant::now();
            rows += question(number).rows();
            begun.elapsed()
        })
        .collect();
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (median, worst) = (ms(times[times.len() / 2]), ms(times[times.len() - 1]));
    println!("{what:<38} median {median:>8.3} ms, worst {worst:>8.3} ms of {TIMES} (to reach: {most_ms}); {rows} rows");
    assert!(rows > 0, "{what} found nothing");
}
