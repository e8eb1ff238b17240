//! Requests about an earlier transaction: it must be the one that they say it is, and there must be enough left of it. No network
//! here.

use jiff::Zoned;

use super::books::{Booked, Books, Referred};
use super::families::Family;
use super::instalments;
use super::issuing::{self, CNY};
use super::originals;
use super::pins;
use super::scripts::{self, Script};
use super::store::{EntryState, StoreError, Terminal};
use super::stripes;
use super::transactions::{Asked, Verdict};
use crate::iso8583::Dialect;
use crate::payment::transaction::{CardUse, Kind};
use crate::reference::TraceNumber;

/// What is wrong with a request: response code and reason.
type Problem = (&'static str, String);

/// A void, a refund, a top-up, a completion, or what undoes one.
///
/// # Errors
/// When the database fails.
pub(super) fn judge(
    books: &Books<'_>,
    dialect: &Dialect,
    terminal: &Terminal,
    asked: &Asked<'_>,
    named: TraceNumber,
    now: &Zoned,
) -> Result<Verdict, StoreError> {
    let Some(original) = books.entry(&terminal.terminal, named)? else {
        return Ok(Verdict::declined("25", format!("no transaction {named}")));
    };
    if let Some((code, reason)) = another(books, terminal, asked, &original)? {
        return Ok(Verdict::declined(code, reason));
    }
    let referred = Referred { id: original.id, root: original.root };
    let declined = |code: &str, reason: String| Ok(Verdict::declined(code, reason).of_account().about(referred));
    if asked.kind == Kind::Void
        && !instalments::says_what_it_was(books, dialect, &terminal.terminal, &original, asked.message)?
    {
        return declined("12", format!("{named} was paid otherwise, by instalments or at once"));
    }
    if asked.kind == Kind::Refund
        && asked.minor != original.entry.booked.minor()
        && instalments::kept(books, &terminal.terminal, named)?.is_some()
    {
        return declined("13", format!("{named} is paid by instalments: it goes back as a whole or not at all"));
    }
    let family = books.family(original.root)?;
    if let Some((code, reason)) = not_possible(dialect, &family, asked, &original) {
        return declined(code, reason);
    }
    let completes = matches!(asked.kind, Kind::Completion | Kind::CompletionNotice);
    if completes {
        let Some(account) = books.account(asked.pan)? else {
            return Ok(Verdict::declined("14", "no account behind this card"));
        };
        // What was set aside for it is let go by it.
        let free = account.balance.saturating_sub(account.held.saturating_sub(family.set_aside(original.id)));
        if asked.minor > free {
            return declined("51", "not enough in the account".to_owned());
        }
    }
    // More is set aside as the first of it was: the issuer looks at the card, and at what there is.
    if asked.kind.card() == CardUse::Whole {
        let verdict = issuing::judge(books, asked, now)?;
        let about = verdict.account_known;
        return Ok(if about { verdict.about(referred) } else { verdict });
    }
    if asked.entry.is_without_chip() {
        let Some(account) = books.account(asked.pan)? else {
            return Ok(Verdict::declined("14", "no account behind this card"));
        };
        if let Some((code, reason)) = stripes::check(books, &account, asked)? {
            return declined(code, reason.to_owned());
        }
    } else if let Some(pin) = &asked.pin
        && let Some((code, reason)) = pins::check(books, asked.pan, pin)?
    {
        return declined(code, reason.to_owned());
    }
    if let Script::Decline(code) = scripts::of(asked.kind, asked.minor) {
        return declined(&format!("{code:02}"), "the amount asks for it".to_owned());
    }
    let reason = format!("{} of {named}{}", asked.kind.word(), stripes::said_of(asked.entry));
    Ok(Verdict::approved("00", &reason, asked.minor).about(referred))
}

/// Whether the request means another transaction than the one that had the number, or one of which nothing came.
fn another(
    books: &Books<'_>,
    terminal: &Terminal,
    asked: &Asked<'_>,
    original: &Booked,
) -> Result<Option<Problem>, StoreError> {
    let entry = &original.entry;
    if original.pan.as_deref().is_some_and(|pan| pan != asked.pan) {
        return Ok(Some(("25", format!("another card was used in {}", entry.trace))));
    }
    let what = originals::disagreement_of_reference(books, &terminal.terminal, entry, asked.message)?;
    if let Some(what) = what {
        return Ok(Some(("25", format!("another transaction had this number: the {what} is not its"))));
    }
    Ok(match entry.state {
        EntryState::Approved if asked.kind.may_refer_to(entry.kind) => None,
        EntryState::Approved => Some((
            "12",
            format!("{} is a {}, of which there is no {}", entry.trace, entry.kind.word(), asked.kind.word()),
        )),
        EntryState::Declined | EntryState::Reversed => {
            Some(("25", format!("{} is {}: there is nothing of it", entry.trace, entry.state.word())))
        }
    })
}

/// Whether it cannot be done with the original, or not any more, or not with so much.
fn not_possible(dialect: &Dialect, family: &Family, asked: &Asked<'_>, original: &Booked) -> Option<Problem> {
    let (trace, booked) = (original.entry.trace, original.entry.booked.minor());
    let (given_back, set_aside) = (family.given_back(original.id), family.set_aside(original.id));
    let invalid = |reason: String| Some(("12", reason));
    if asked.message.text(49) != Some(CNY) {
        return invalid("only CNY is taken".to_owned());
    }
    if family.is_undone(original.id) {
        return invalid(format!("{trace} was undone before"));
    }
    if family.is_completed(original.id) {
        return invalid(format!("{trace} was completed before"));
    }
    let most = match asked.kind {
        Kind::Refund => booked.saturating_sub(given_back),
        Kind::Completion | Kind::CompletionNotice => {
            set_aside.saturating_mul(u64::from(dialect.transactions.most_completed_percent)) / 100
        }
        // As much as the account has: that says the issuer.
        Kind::PreAuthorisationTopUp => return None,
        Kind::Void | Kind::CompletionVoid if trace.batch != asked.trace.batch => {
            return invalid(format!("{trace} is of another batch"));
        }
        Kind::Void | Kind::CompletionVoid if given_back > 0 => {
            return invalid(format!("of {trace} a part was refunded"));
        }
        Kind::PreAuthorisationVoid if asked.minor != set_aside => {
            return Some(("13", format!("{trace} is let go with all that was added to it, or not at all")));
        }
        Kind::PreAuthorisationVoid => set_aside,
        Kind::Void | Kind::CompletionVoid if asked.minor != booked => {
            return Some(("13", format!("{trace} is undone as a whole or not at all")));
        }
        Kind::Void | Kind::CompletionVoid => booked,
        Kind::Sale
        | Kind::OfflineSale
        | Kind::PreAuthorisation
        | Kind::Balance
        | Kind::CodePayment
        | Kind::CodeRefund => {
            return invalid("it refers to nothing".to_owned());
        }
    };
    (asked.minor > most).then(|| ("13", format!("{} is more than the {most} that are left of {trace}", asked.minor)))
}
