//! Each message meets each fault, with the terminal running or killed at that moment. When the fault is over and the queue
//! empty, the two ledgers agree, nobody has paid more than once, and the payment stands where it should.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use openssl::sha::sha1;
use yima::crypto::hex;
use yima::emv::ca_keys::CaKeys;
use yima::emv::terminal::{Application, TerminalData};
use yima::host_tables::HostTables;
use yima::iso8583::Order;
use yima::ledger::TransactionRow;
use yima::payment::record::State;
use yima::sandbox::host::DEFAULT_TERMINAL;
use yima::terminal::emv_files::Provenance;

use crate::agreement::{disagreements, not_told};
use crate::cells::{self, Cell, Power, Trouble};
use crate::fault_proxy::message::{MessageProxy, Seen};
use crate::fault_proxy::{Fault, Kind};
use crate::table::table;
use crate::terminal::{Act, Books, LIMIT, Premises, Run, Terminal};

/// Cells that are tried at a time: they wait most of the time.
const HANDS: usize = 24;

/// The applications that the host has for the terminal: two, one of them with another action code than the program's.
static APPLICATIONS: LazyLock<String> = LazyLock::new(|| {
    let two = first_two(TerminalData::SHIPPED_APPLICATIONS, "[[aid]]");
    let other = two.replace("FC4004F800", ONLINE);
    assert_ne!(two, other, "something to fetch");
    other
});

/// The CA keys that it has: two. Few messages, so that many cells fit into a minute.
static CA_KEYS: LazyLock<String> = LazyLock::new(|| first_two(CaKeys::SHIPPED_TEST, "[[key]]"));

/// The tables that it has.
const TABLES: &str = "terminal = { tries = 7 }\ncard = [{ prefix = \"41\", bank = \"A\", kind = \"debit\" }]";

/// The action code by which the host's applications are known.
const ONLINE: &str = "FC4004F801";

fn first_two(text: &str, entry: &str) -> String {
    let third = text.match_indices(entry).nth(2).unwrap().0;
    text[..third].to_owned()
}

/// What was found in a cell.
pub struct Found {
    pub cell: Cell,
    /// Where the payment stands at the terminal, or which set of terminal data counts.
    pub terminal: String,
    /// The same at the host.
    pub host: String,
    /// What the account has paid, in minor units.
    pub charged: i64,
    pub took: Duration,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// Has one cell happen.
fn play(cell: Cell) -> Found {
    let began = Instant::now();
    let premises = if cell.kind == Kind::SignOn { Premises::without_working_keys() } else { Premises::new() };
    premises.put_at_host_for(cell.kind);
    let proxy = MessageProxy::start(premises.host.address, &premises.pki(), &premises.kit());
    let terminal = premises.terminal(proxy.url());
    prepare(&proxy, &cell);
    let mut problems = Vec::new();
    let run = match cell.power {
        Power::Running => {
            let run = cell.act().carry_out(&terminal);
            go_on(&cell, &proxy, &terminal, run, &mut problems)
        }
        Power::Killed => kill_and_restart(&cell, &proxy, &terminal, &mut problems),
    };
    let (mut books, end) = (terminal.books(), Instant::now() + LIMIT);
    while !(is_settled(&cell, &mut books)
        && (cell.act() != Act::Fetch || premises.fetched(&terminal))
        && (cell.kind != Kind::Status || premises.was_told(&mut books)))
    {
        if Instant::now() > end {
            problems.push("it never came to rest".to_owned());
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(run);
    proxy.release();
    let (rows, entries) = (books.rows(), premises.host.ledger().unwrap());
    problems.extend(disagreements(&rows, &entries, premises.charged()));
    problems.extend(not_told(&rows, &premises.host.advices().unwrap()));
    problems.extend(wrong_states(&cell, &rows));
    if !problems.is_empty() {
        problems.push(format!("seen on the way: {}", seen(&proxy.seen())));
        problems.push(terminal.last_words());
    }
    let last = rows.last();
    let entry = last.and_then(|row| entries.iter().find(|entry| entry.trace == row.trace));
    let set = if premises.fetched(&terminal) { "new set" } else { "old set" };
    Found {
        cell,
        terminal: last.map_or(set, |row| row.state.word()).to_owned(),
        host: match (last, entry) {
            (None, _) => (if premises.taken().is_some() { "told" } else { "not told" }).to_owned(),
            (Some(_), None) => "nothing".to_owned(),
            (Some(_), Some(entry)) => format!("{} {}", entry.state.word(), entry.response_code),
        },
        charged: premises.charged(),
        took: began.elapsed(),
        problems,
    }
}

/// Tells the proxy what is to go wrong, and what has to go wrong before for that message to be sent.
fn prepare(proxy: &MessageProxy, cell: &Cell) {
    if cell.kind == Kind::Reversal {
        (1..=cell.nth()).for_each(|nth| proxy.tell_beforehand(Kind::Sale, nth, Fault::Lost));
    }
    match (cell.trouble, cell.kind) {
        (Trouble::Told(fault), kind) => proxy.tell(kind, cell.nth(), fault),
        // Nobody knows what a connection is for before something comes through it: it is the one after the message before.
        (Trouble::Refused, Kind::SignOn | Kind::Echo | Kind::List | Kind::NoSale | Kind::Other) => proxy.refuse(),
        (Trouble::Refused, Kind::Sale) => proxy.refuse_after(Kind::Echo, 1),
        (Trouble::Refused, Kind::Reversal | Kind::CardResult) => proxy.refuse_after(Kind::Sale, 1),
        (Trouble::Refused, Kind::ScriptResult) => proxy.refuse_after(Kind::CardResult, 1),
        (Trouble::Refused, kind @ (Kind::Fetch | Kind::Table | Kind::End)) => proxy.refuse_after(kind, 1),
        (Trouble::Refused, Kind::Status) => proxy.refuse_after(Kind::CardResult, 1),
    }
}

/// The fault strikes, and everything goes on.
fn go_on(
    cell: &Cell,
    proxy: &MessageProxy,
    terminal: &Terminal,
    mut run: Option<Run>,
    problems: &mut Vec<String>,
) -> Option<Run> {
    if !proxy.moment().wait(1, LIMIT) {
        problems.push("the fault never struck".to_owned());
    }
    match (&mut run, cell.kind) {
        (Some(run), Kind::SignOn | Kind::Echo) => run.pay_at_last(12_34),
        (Some(_), _) => {}
        (None, _) => {
            // Half a set is none.
            problems.extend(set_problems(terminal));
            match terminal.setup().update_parameters() {
                Ok((update, _)) => {
                    problems.extend(update.unconfirmed.map(|error| format!("the host was not told: {error}")));
                }
                Err(error) => problems.push(format!("the second try failed: {error}")),
            }
        }
    }
    run
}

/// The process dies when the fault strikes. Another one finds what it left.
fn kill_and_restart(cell: &Cell, proxy: &MessageProxy, terminal: &Terminal, problems: &mut Vec<String>) -> Option<Run> {
    let process = Arc::new(Mutex::new(None));
    let victim = Arc::clone(&process);
    let mut held = process.lock().unwrap();
    proxy.moment().then(move || drop(victim.lock().unwrap().take()));
    *held = Some(terminal.start_elsewhere(cell.act()));
    drop(held);
    if !proxy.moment().wait(1, LIMIT) {
        problems.push("the fault never struck".to_owned());
    }
    drop(process.lock().unwrap().take());
    problems.extend(set_problems(terminal));
    let mut run = terminal.start();
    if matches!(cell.kind, Kind::SignOn | Kind::Echo | Kind::List | Kind::Fetch | Kind::Table | Kind::End) {
        run.pay_at_last(12_34);
    }
    Some(run)
}

/// Nothing is under way any more.
fn is_settled(cell: &Cell, books: &mut Books<'_>) -> bool {
    let rows = books.rows();
    let over = |row: &TransactionRow| {
        matches!(row.state, State::Approved | State::Declined | State::Reversed | State::Unresolved)
    };
    rows.len() >= cell.payments().len() && rows.iter().all(over) && books.advices().is_empty()
}

impl Premises {
    /// Something to fetch, for messages about that.
    fn put_at_host_for(&self, kind: Kind) {
        if matches!(kind, Kind::List | Kind::Fetch | Kind::Table | Kind::End) {
            self.put_at_host("aids.toml", &APPLICATIONS);
            self.put_at_host("capk.toml", &CA_KEYS);
            self.put_at_host("host.toml", TABLES);
        }
        if kind == Kind::Status {
            self.host.order(DEFAULT_TERMINAL, Order::Status).unwrap();
        }
    }

    /// The terminal has what the host offers, and the host knows.
    fn fetched(&self, terminal: &Terminal) -> bool {
        let hash = |text: &str| hex::encode(&sha1(text.as_bytes()));
        let offered = (hash(&CA_KEYS), hash(&APPLICATIONS));
        let tables = HostTables::parse(TABLES).unwrap();
        let tables = Some((tables.parameters_digest(), tables.cards_digest()));
        self.taken() == Some(offered) && self.tables_taken() == tables && action_code(terminal) == Ok(true)
    }

    /// The host was told how the terminal is, and the terminal knows that this is done.
    fn was_told(&self, books: &mut Books<'_>) -> bool {
        !self.host.reports().unwrap().is_empty() && books.open_orders().is_empty()
    }
}

/// Whether the set that counts has the host's action code; what is wrong with it otherwise.
fn action_code(terminal: &Terminal) -> Result<bool, String> {
    let setup = terminal.setup();
    let in_use = setup.emv_files(&setup.identity().unwrap()).load().map_err(|error| error.to_string())?;
    if !in_use.passed_over.is_empty() {
        return Err(format!("a broken set: {:?}", in_use.passed_over));
    }
    let online = |application: &Application| hex::encode(&application.action_codes.online) == ONLINE;
    let new = in_use.data.applications.iter().any(online);
    if new != (*in_use.tables == HostTables::parse(TABLES).unwrap()) {
        return Err(format!("a mix: {:?} beside the action code of another set", in_use.tables));
    }
    match (&in_use.provenance, new) {
        (Provenance::Shipped, false) | (Provenance::Host { .. }, true) => Ok(new),
        (provenance, _) => Err(format!("the set {provenance} is not what it should be")),
    }
}

fn set_problems(terminal: &Terminal) -> Option<String> {
    action_code(terminal).err()
}

/// Payments that stand where they should not.
fn wrong_states(cell: &Cell, rows: &[TransactionRow]) -> Option<String> {
    let expected = cell.payments();
    // Keys that do not fit the host's are found by the first payment, which is taken back; then there are new ones.
    let before = rows.iter().take_while(|row| cell.kind == Kind::SignOn && row.state == State::Reversed).count();
    let rows = &rows[before..];
    let right =
        rows.len() == expected.len() && rows.iter().zip(&expected).all(|(row, states)| states.contains(&row.state));
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    (!right).then(|| format!("payments stand at {states:?}, expected {expected:?}"))
}

fn seen(all: &[Seen]) -> String {
    let mut text = String::new();
    for Seen { kind, stan, fault, reached, said } in all {
        let stan = stan.as_deref().unwrap_or("-");
        let _ = write!(
            text,
            "\n    {kind:?} {stan}, fault {fault:?}, reached the host {reached} times, which said {said:?}"
        );
    }
    text
}

/// Plays cells. Gives the table, and what is wrong.
fn run(cells: Vec<Cell>) -> (String, Vec<String>) {
    let began = Instant::now();
    let (senseless, cells): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.makes_no_sense().is_some());
    let waiting = Mutex::new(cells.iter());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                loop {
                    let Some(cell) = waiting.lock().unwrap().next() else { return };
                    let played = catch_unwind(AssertUnwindSafe(|| play(*cell)));
                    let played = played.unwrap_or_else(|panic| collapsed(*cell, &*panic));
                    found.lock().unwrap().push(played);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let wrong = found.iter().filter(|found| !found.problems.is_empty());
    let wrong: Vec<_> = wrong.map(|found| format!("{:?}\n  {}", found.cell, found.problems.join("\n  "))).collect();
    let mut text = table(&found, &senseless);
    let _ = writeln!(text, "{} cells, {} wrong, {} s", found.len(), wrong.len(), began.elapsed().as_secs());
    (text, wrong)
}

fn collapsed(cell: Cell, panic: &(dyn std::any::Any + Send)) -> Found {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let problems = vec![format!("the test gave up: {}", said.unwrap_or("?"))];
    let nothing = || "?".to_owned();
    Found { cell, terminal: nothing(), host: nothing(), charged: 0, took: Duration::ZERO, problems }
}

fn check(cells: Vec<Cell>) -> String {
    let (table, wrong) = run(cells);
    assert!(wrong.is_empty(), "{table}\n{}", wrong.join("\n"));
    table
}

#[test]
fn every_message_survives_every_fault_and_payments_also_a_power_cut_with_it() {
    println!("{}", check(cells::all().into_iter().filter(Cell::is_in_the_short_run).collect()));
}

#[test]
#[ignore = "long: ./dev fault-matrix"]
fn every_message_survives_every_fault_and_a_power_cut_with_it() {
    println!("{}", check(cells::all()));
}
