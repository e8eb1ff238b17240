//! `yima people`, `yima shift` and `yima audit`: who works at the terminal, the drawer, and what was written down of people.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::search::{from, person, until};
use super::table::{Table, free};
use super::{Failure, output, typed_code};
use crate::app::Setup;
use crate::app::attending::{AttendError, People, PeopleOfTerminal};
use crate::clock;
use crate::ledger::{AuditSearch, CashSum, CashierSum};
use crate::money::{Amount, Currency};
use crate::people::{AuditEntry, Deed, Movement, Person, PersonNumber, Place, Right, Roster, Shift};

/// How many entries are shown when nobody says.
const USUAL_LIMIT: usize = 100;

/// How many shifts are listed.
const LISTED: u32 = 100;

/// What comes after `yima people`.
#[derive(Debug, Args)]
pub struct PeopleArguments {
    /// The manager who changes something, by number; the code is read from standard input, or typed without echo
    #[arg(long, global = true, value_name = "NUMBER", value_parser = person)]
    by: Option<PersonNumber>,

    #[command(subcommand)]
    action: Option<PeopleAction>,
}

#[derive(Debug, Subcommand)]
enum PeopleAction {
    /// List everybody
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add somebody: 01 to 98 are cashiers, 00 and 99 managers. The first is a manager
    Add {
        /// The number, which is never given to somebody else
        #[arg(value_name = "NUMBER", value_parser = person)]
        number: PersonNumber,

        /// A name
        #[arg(long, value_name = "NAME", default_value = "")]
        name: String,
    },
    /// Give somebody a new code: it is read twice from standard input, or typed twice without echo. It ends a lock-out
    Code {
        /// Whose
        #[arg(value_name = "NUMBER", value_parser = person)]
        number: PersonNumber,
    },
    /// Call somebody otherwise: the name stands on screen and slips beside the number
    Name {
        /// Whom
        #[arg(value_name = "NUMBER", value_parser = person)]
        number: PersonNumber,

        /// The name; an empty one takes it away
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Let somebody sign on no more; what they did stays
    Disable {
        /// Whom
        #[arg(value_name = "NUMBER", value_parser = person)]
        number: PersonNumber,
    },
    /// Let somebody sign on again
    Enable {
        /// Whom
        #[arg(value_name = "NUMBER", value_parser = person)]
        number: PersonNumber,
    },
}

/// What comes after `yima shift`.
#[derive(Debug, Args)]
pub struct ShiftArguments {
    /// Who does it, by number; the code is read from standard input, or typed without echo. Without it whoever is signed on
    #[arg(long, global = true, value_name = "NUMBER", value_parser = person)]
    cashier: Option<PersonNumber>,

    /// The manager who gives the right, where one is needed; the code is read after the cashier's
    #[arg(long, global = true, value_name = "NUMBER", value_parser = person)]
    manager: Option<PersonNumber>,

    #[command(subcommand)]
    action: Option<ShiftAction>,
}

#[derive(Debug, Subcommand)]
enum ShiftAction {
    /// Open a shift with so much in the drawer
    Open {
        /// How much, like 200.00
        amount: String,
    },
    /// Put cash into the drawer
    In {
        /// How much
        amount: String,
    },
    /// Take cash out of it
    Out {
        /// How much
        amount: String,
    },
    /// Close the shift: so much was counted
    Close {
        /// How much
        amount: String,
    },
    /// List the shifts, newest first, with what was too much or too little
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// What comes after `yima audit`.
#[derive(Debug, Args)]
pub struct AuditArguments {
    /// Print as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print as a table
    #[arg(long)]
    csv: bool,

    /// Only entries about this person, or done by them
    #[arg(long, value_name = "NUMBER", value_parser = person)]
    person: Option<PersonNumber>,

    /// Only entries of this day and later ones, or from this local time on
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<DateTime>,

    /// Only entries up to the end of this day, or before this local time
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<DateTime>,

    /// Show at most so many [default: 100; with --json and --csv all]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}

impl PeopleArguments {
    /// Lists or changes.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.action {
            None => return list(setup, false),
            Some(PeopleAction::List { json }) => return list(setup, *json),
            Some(change) => self.change(&mut of(setup)?.people(), change)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn change(&self, people: &mut People<'_>, change: &PeopleAction) -> Result<(), Failure> {
        let codes = &mut typed_code::read;
        match change {
            PeopleAction::List { .. } => {}
            PeopleAction::Add { number, name } => {
                people.add(*number, name.trim(), self.by, codes)?;
                output::say(&format!("{number} is added; give a code: yima people code {number}"));
            }
            PeopleAction::Code { number } => {
                let mut salt = [0; 16];
                getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
                people.give_code(*number, self.by, &salt, codes)?;
                output::say(&format!("{number} has a new code"));
            }
            PeopleAction::Name { number, name } => {
                people.name(*number, name.trim(), self.by, codes)?;
                output::say(format!("{number} {}", name.trim()).trim_end());
            }
            PeopleAction::Disable { number } => {
                people.enable(*number, false, self.by, codes)?;
                output::say(&format!("{number} can sign on no more"));
            }
            PeopleAction::Enable { number } => {
                people.enable(*number, true, self.by, codes)?;
                output::say(&format!("{number} can sign on again"));
            }
        }
        Ok(())
    }
}

/// The people of this terminal; one that cannot be used says so as it always does.
pub(super) fn of(setup: &Setup) -> Result<PeopleOfTerminal, Failure> {
    setup.people().map_err(|error| match error {
        AttendError::Setup(error) => error.into(),
        other => other.into(),
    })
}

fn list(setup: &Setup, json: bool) -> Result<ExitCode, Failure> {
    let (roster, key) = setup.people_to_look_at()?;
    let state = |person: &Person| match () {
        () if !person.enabled => "disabled",
        () if person.is_locked_out() => "locked_out",
        () if person.code_for(&key).is_none() => "no_code",
        () => "ready",
    };
    if json {
        let all = roster.0.iter().map(|person| {
            json!({
                "number": person.number.to_string(),
                "name": person.name,
                "role": person.role().word(),
                "state": state(person),
                "wrong_codes": person.tries.wrong,
            })
        });
        output::json(&all.collect());
    } else if roster.0.is_empty() {
        output::say("nobody has to sign on here; yima people add 99 adds the manager");
    } else {
        for person in &roster.0 {
            output::say(&format!(
                "{} {:<8} {:<10} {}",
                person.number,
                person.role().word(),
                state(person),
                person.name
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl ShiftArguments {
    /// Shows or changes the shift.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let (text, deed) = match &self.action {
            None => return show_open(setup),
            Some(ShiftAction::List { json }) => return list_shifts(setup, *json),
            Some(ShiftAction::Open { amount }) => (amount, Deed::ShiftOpened),
            Some(ShiftAction::In { amount } | ShiftAction::Out { amount }) => (amount, Deed::CashMoved),
            Some(ShiftAction::Close { amount }) => (amount, Deed::DrawerCounted),
        };
        let currency: Currency = setup.settings.terminal.currency.parse()?;
        let amount = Amount::parse(text, currency)?;
        let mut of_terminal = of(setup)?;
        let mut people = of_terminal.people();
        let cashier = people.attend(self.cashier, self.manager, Right::Shift, &mut typed_code::read)?;
        let entry = AuditEntry::new(now(), Place::Command, deed, cashier);
        let ledger = people.ledger();
        let shift = match &self.action {
            Some(ShiftAction::Open { .. }) => ledger.begin_shift(amount, &entry)?,
            Some(ShiftAction::In { .. }) => ledger.move_cash(Movement::PutIn, amount, &entry)?,
            Some(ShiftAction::Out { .. }) => ledger.move_cash(Movement::TakenOut, amount, &entry)?,
            _ => ledger.close_shift(amount, &entry)?,
        };
        output::say(&shift_line(&shift));
        Ok(ExitCode::SUCCESS)
    }
}

fn show_open(setup: &Setup) -> Result<ExitCode, Failure> {
    let ledger = setup.ledger_to_look_at(&setup.identity()?)?;
    match ledger.as_ref().map(|ledger| ledger.open_shift()).transpose()?.flatten() {
        Some(shift) => output::say(&shift_line(&shift)),
        None => output::say("no shift is open"),
    }
    Ok(ExitCode::SUCCESS)
}

fn list_shifts(setup: &Setup, json: bool) -> Result<ExitCode, Failure> {
    let Some(ledger) = setup.ledger_to_look_at(&setup.identity()?)? else {
        if json {
            output::json(&Value::Array(Vec::new()));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let shifts = ledger.shifts(LISTED)?;
    if !json {
        shifts.iter().for_each(|shift| output::say(&shift_line(shift)));
        return Ok(ExitCode::SUCCESS);
    }
    let mut all = Vec::new();
    let people = ledger.people()?;
    for shift in &shifts {
        let taken: Vec<_> = ledger
            .cashiers_of_shift(shift)?
            .iter()
            .map(|sum| sum_as_json(sum, &people, shift.float.currency()))
            .collect();
        let cash = ledger.cash_of_shift(shift)?;
        let cash: Vec<_> = cash.iter().map(|sum| cash_sum_as_json(sum, &people, shift.float.currency())).collect();
        let closing = shift.closing.as_ref();
        all.push(json!({
            "shift": shift.id,
            "opened_by": shift.opened_by.map(|person| person.to_string()),
            "opened_at": shift.opened_at.to_string(),
            "currency": shift.float.currency().code(),
            "float": shift.float.to_string(),
            "put_in": shift.put_in.to_string(),
            "taken_out": shift.taken_out.to_string(),
            "sold": shift.sold.to_string(),
            "given_back": shift.given_back.to_string(),
            "expected": shift.expected()?.to_string(),
            "closed_by": closing.and_then(|closing| closing.by).map(|person| person.to_string()),
            "closed_at": closing.map(|closing| closing.at.to_string()),
            "counted": closing.map(|closing| closing.counted.to_string()),
            "difference": difference(shift),
            "taken": taken,
            "cash": cash,
        }));
    }
    output::json(&Value::Array(all));
    Ok(ExitCode::SUCCESS)
}

/// What is too much or too little, with a sign; nothing before the drawer is counted.
fn difference(shift: &Shift) -> Option<String> {
    let minor = shift.difference()?;
    let amount = Amount::new(minor.unsigned_abs(), shift.float.currency()).ok()?;
    Some(if minor < 0 { format!("-{amount}") } else { amount.to_string() })
}

/// What somebody did of one kind.
pub(super) fn sum_as_json(sum: &CashierSum, people: &Roster, currency: Currency) -> Value {
    json!({
        "cashier": sum.cashier.map(|person| person.to_string()),
        "name": name_of(sum.cashier, people),
        "kind": sum.kind.word(),
        "count": sum.count,
        "amount": Amount::new(sum.minor, currency).map(|amount| amount.to_string()).unwrap_or_else(|_| sum.minor.to_string()),
        "tips": Amount::new(sum.tips, currency).map(|amount| amount.to_string()).unwrap_or_else(|_| sum.tips.to_string()),
    })
}

/// What somebody did in cash of one kind.
pub(super) fn cash_sum_as_json(sum: &CashSum, people: &Roster, currency: Currency) -> Value {
    json!({
        "cashier": sum.cashier.map(|person| person.to_string()),
        "name": name_of(sum.cashier, people),
        "kind": sum.kind.word(),
        "count": sum.count,
        "amount": Amount::new(sum.minor, currency).map(|amount| amount.to_string()).unwrap_or_else(|_| sum.minor.to_string()),
    })
}

/// What somebody is called; nothing where nobody says it.
fn name_of(cashier: Option<PersonNumber>, people: &Roster) -> Option<&str> {
    cashier.and_then(|person| people.of(person).ok()).map(|person| person.name.as_str()).filter(|name| !name.is_empty())
}

fn shift_line(shift: &Shift) -> String {
    let who = |person: Option<PersonNumber>| person.map_or_else(|| "-".to_owned(), |person| person.to_string());
    let begun = format!(
        "shift {} by {} since {}: {} + {} - {}",
        shift.id,
        who(shift.opened_by),
        shift.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
        shift.float,
        shift.put_in,
        shift.taken_out,
    );
    // Whoever counts is not told what was sold either.
    let cash = match (shift.sold.is_zero(), shift.given_back.is_zero()) {
        (true, true) => String::new(),
        _ => format!(" + cash {} - {}", shift.sold, shift.given_back),
    };
    match (&shift.closing, shift.expected(), difference(shift)) {
        (Some(closing), Ok(expected), Some(difference)) => format!(
            "{begun}{cash} = {expected}, counted {} by {} at {}: difference {difference}",
            closing.counted,
            who(closing.by),
            closing.at.strftime("%Y-%m-%d %H:%M:%S"),
        ),
        // Whoever counts is not told what should be there.
        _ => begun,
    }
}

impl AuditArguments {
    /// Shows what was written down.
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let whole = self.json || self.csv;
        let search = AuditSearch { person: self.person, from: self.from, before: self.until };
        let ledger = setup.ledger_to_look_at(&setup.identity()?)?;
        let limit = self.limit.unwrap_or(if whole { usize::MAX } else { USUAL_LIMIT });
        let entries = match &ledger {
            Some(ledger) => ledger.audit_entries(&search, limit)?,
            None => Vec::new(),
        };
        if self.json {
            output::json(&entries.iter().map(entry_as_json).collect());
        } else if self.csv {
            table_of(&entries)?.say()?;
        } else {
            entries.iter().for_each(|entry| output::say(&entry_line(entry)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn entry_as_json(entry: &AuditEntry) -> Value {
    json!({
        "at": entry.at.to_string(),
        "place": entry.place.word(),
        "deed": entry.deed.word(),
        "person": entry.person.map(|person| person.to_string()),
        "by": entry.by.map(|person| person.to_string()),
        "right": entry.right.map(Right::word),
        "detail": entry.detail,
    })
}

fn entry_line(entry: &AuditEntry) -> String {
    let mut line = format!(
        "{} {:<7} {:<15} {}",
        entry.at.strftime("%Y-%m-%d %H:%M:%S"),
        entry.place.word(),
        entry.deed.word(),
        entry.person.map_or_else(|| "--".to_owned(), |person| person.to_string()),
    );
    if let Some(by) = entry.by {
        line.push_str(&format!(" by {by}"));
    }
    if let Some(right) = entry.right {
        line.push_str(&format!(" {}", right.word()));
    }
    if !entry.detail.is_empty() {
        line.push_str(&format!(" ({})", entry.detail));
    }
    line
}

fn table_of(entries: &[AuditEntry]) -> Result<Table, Failure> {
    let mut table = Table::of(&["at", "place", "deed", "person", "by", "right", "detail"])?;
    for entry in entries {
        let number = |person: Option<PersonNumber>| person.map(|person| person.to_string()).unwrap_or_default();
        table.line(&[
            &entry.at.to_string(),
            entry.place.word(),
            entry.deed.word(),
            &number(entry.person),
            &number(entry.by),
            entry.right.map(Right::word).unwrap_or_default(),
            &free(&entry.detail),
        ])?;
    }
    Ok(table)
}

/// Local time, to the second.
fn now() -> DateTime {
    let now = clock::local().datetime();
    now.with().subsec_nanosecond(0).build().unwrap_or(now)
}

/// Who gives a command, as arguments of the commands that not everybody may give.
#[derive(Debug, Args)]
pub struct Attending {
    /// Who does it, by number, where people work here; the code is read from standard input, or typed without echo. Without
    /// it whoever is signed on at the screen
    #[arg(long, global = true, value_name = "NUMBER", value_parser = person, help_heading = "People")]
    cashier: Option<PersonNumber>,

    /// The manager who gives the right, where one is needed; the code is read after the cashier's
    #[arg(long, global = true, value_name = "NUMBER", value_parser = person, help_heading = "People")]
    manager: Option<PersonNumber>,
}

impl Attending {
    /// Whether somebody is named: then a code is read.
    pub const fn is_named(&self) -> bool {
        self.cashier.is_some() || self.manager.is_some()
    }

    /// Lets whoever gives the command change how the terminal is set up, and writes down what.
    ///
    /// # Errors
    /// When nobody may.
    pub fn change_settings(&self, setup: &Setup, what: &str) -> Result<(), Failure> {
        let changed = setup.change_settings(self.cashier, self.manager, what, &mut typed_code::read);
        changed.map_err(|error| match error {
            AttendError::Setup(error) => error.into(),
            other => other.into(),
        })
    }

    /// Who does something, once they may.
    ///
    /// # Errors
    /// When nobody may.
    pub fn attend(&self, mut people: People<'_>, right: Right) -> Result<Option<PersonNumber>, Failure> {
        Ok(people.attend(self.cashier, self.manager, right, &mut typed_code::read)?)
    }
}
