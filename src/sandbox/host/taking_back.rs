//! Reversals (0400): a request is taken back, however often that is asked for, once.

use jiff::Zoned;

use super::books::{Booked, Books, NewEntry};
use super::instalments;
use super::notifications::{self, About, Event};
use super::originals;
use super::rules::{self, Decision, Refusal, format_error};
use super::scripts::{self, Script};
use super::settling;
use super::store::{Entry, EntryState, Store, StoreError, Terminal};
use super::transactions;
use crate::acquirer::kinds;
use crate::iso8583::{Dialect, Message};
use crate::payment::transaction::{IfUnknown, Kind};
use crate::reference::TraceNumber;

/// Reversals of [`Script::SilentReversals`] that get no answer.
const SILENT_REVERSALS: u32 = 2;

/// Response code of a reversal whose original never came.
const ORIGINAL_UNKNOWN: &str = "25";

/// Carries a reversal out. A request that has not come yet is written down as taken back, so that it is refused when it comes.
/// A reversal that says anything else of its request than was said of that number is about none that this host knows.
///
/// # Errors
/// When the database fails; nothing is taken back then.
pub fn reversal(
    store: &Store,
    dialect: &Dialect,
    terminal: &Terminal,
    message: &Message,
    now: &Zoned,
) -> Result<Decision, StoreError> {
    let (kind, trace, minor) = match read(dialect, message) {
        Ok(read) => read,
        Err(refusal) => return Ok(refusal.into()),
    };
    store.transaction(|books| {
        let Some(original) = books.entry(&terminal.terminal, trace)? else {
            return before_it_came(books, terminal, kind, trace, minor, now);
        };
        let what = match originals::disagreement(books, &terminal.terminal, trace, message)? {
            None if original.entry.kind != kind => Some("kind of transaction"),
            None if kind == Kind::Sale
                && !instalments::says_what_it_was(books, dialect, &terminal.terminal, &original, message)? =>
            {
                Some("way in which it is paid")
            }
            what => what,
        };
        if let Some(what) = what {
            return Ok(says(
                ORIGINAL_UNKNOWN,
                &format!("another payment had this number: the {what} is not its"),
                None,
            ));
        }
        if original.entry.amount.minor() != minor {
            return Ok(says("13", "the amount is not the original's", None));
        }
        let (code, reason, state) = match original.entry.state {
            EntryState::Approved => take_back(books, &original, now)?,
            EntryState::Declined => ("00", "nothing had been done", EntryState::Declined),
            EntryState::Reversed if is_unknown(&original.entry) => {
                (ORIGINAL_UNKNOWN, "taken back before it came", EntryState::Reversed)
            }
            EntryState::Reversed => ("00", "taken back before", EntryState::Reversed),
        };
        books.count_reversal(&terminal.terminal, trace, state)?;
        if (original.entry.state, state) == (EntryState::Approved, EntryState::Reversed) {
            let (at, booked) = (now.timestamp(), original.entry.booked.minor());
            settling::adjust(books, &terminal.terminal, trace.batch, kind, booked, at)?;
        }
        let silent = scripts::of(kind, minor) == Script::SilentReversals && original.entry.reversals < SILENT_REVERSALS;
        Ok(Decision { silent, ..says(code, reason, Some(original.entry.rrn)) })
    })
}

/// Moves the account to what stands without the request.
fn take_back(
    books: &Books<'_>,
    original: &Booked,
    now: &Zoned,
) -> Result<(&'static str, &'static str, EntryState), StoreError> {
    let family = books.family(original.root)?;
    let before = family.standing()?;
    // The completion would stand again. What was set aside for it has been let go or paid otherwise meanwhile, so that the customer
    // would pay for it twice, or for what is given up: what went back stays with the customer, and a person has to look.
    let completion = family.member(original.id).and_then(|void| family.member(void.original?));
    if original.entry.kind == Kind::CompletionVoid
        && before.held == 0
        && completion.is_some_and(|completion| completion.state == EntryState::Approved)
    {
        return Ok(("12", "what it gave back was used otherwise since", EntryState::Approved));
    }
    let after = family.with(original.id, EntryState::Reversed).standing()?;
    let pan = original.pan.as_deref().ok_or_else(|| StoreError::Row("an approval without an account".to_owned()))?;
    let balance = books.account(pan)?.map_or(0, |account| account.balance);
    if after.paid > before.paid && after.paid - before.paid > balance {
        return Ok(("51", "what it gave back has been spent since", EntryState::Approved));
    }
    books.move_account(pan, before, after)?;
    let Entry { terminal, trace, booked, rrn, .. } = &original.entry;
    let about = About { holder: pan, terminal, trace: *trace, minor: booked.minor(), rrn };
    notifications::queue(books, Event::TakenBack, &about, now.timestamp().as_second())?;
    Ok(("00", "taken back", EntryState::Reversed))
}

fn before_it_came(
    books: &Books<'_>,
    terminal: &Terminal,
    kind: Kind,
    trace: TraceNumber,
    minor: u64,
    now: &Zoned,
) -> Result<Decision, StoreError> {
    let reason = "taken back before it came";
    let entry = NewEntry {
        terminal: &terminal.terminal,
        trace,
        kind,
        original: None,
        amount: minor,
        booked: 0,
        state: EntryState::Reversed,
        response_code: ORIGINAL_UNKNOWN,
        reason,
        pan: None,
    };
    let (_, rrn) = books.record(&entry, now.date())?;
    Ok(says(ORIGINAL_UNKNOWN, reason, Some(rrn)))
}

fn is_unknown(entry: &Entry) -> bool {
    entry.response_code == ORIGINAL_UNKNOWN && entry.booked.is_zero()
}

fn says(code: &str, reason: &str, rrn: Option<String>) -> Decision {
    Decision { response_code: code.to_owned(), reason: reason.to_owned(), rrn, ..Decision::default() }
}

fn read(dialect: &Dialect, message: &Message) -> Result<(Kind, TraceNumber, u64), Refusal> {
    let kind = kinds::of_reversal(dialect, message);
    let kind = kind.ok_or_else(|| format_error("fields 3, 25 and 60 name no transaction of this dialect"))?;
    if kind.if_unknown() != IfUnknown::TakenBack {
        return Err(Refusal { response_code: "12", reason: format!("a {} cannot be taken back", kind.word()) });
    }
    let trace = transactions::trace(message)?;
    if rules::original(message)? != trace {
        return Err(format_error("field 61 names another request than the one that is taken back"));
    }
    Ok((kind, trace, rules::amount(message)?))
}
