//! A transaction's request: read, decided, booked and written down, all in one database transaction. Who decides depends on the
//! kind: the issuer ([`super::issuing`]), the transaction that it refers to ([`super::references`]), or nobody, when it only asks
//! for a balance ([`super::balances`]).

use jiff::Zoned;

use super::balances;
use super::books::{Books, NewEntry, Referred};
use super::code_payments;
use super::instalments::{self, Wanted};
use super::issuing;
use super::notifications::{self, About, Event};
use super::originals::Original;
use super::pins;
use super::receipts;
use super::references;
use super::repeats;
use super::rules::{self, Decision, PART, Refusal, format_error};
use super::scripts::{self, Script};
use super::settling;
use super::store::{EntryState, Store, StoreError, Terminal};
use crate::acquirer::kinds;
use crate::emv::tag;
use crate::emv::tlv::TlvBuilder;
use crate::host_tables::InstalmentOffer;
use crate::iso8583::{Dialect, Message};
use crate::payment::online::EntryMode;
use crate::payment::transaction::{Kind, Money};
use crate::pin::Pin;
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::issuer::Verified;

/// Where field 60 says whether a part may be approved, behind type, batch, network management code and two digits.
const IN_PART: std::ops::Range<usize> = 13..14;

/// Where it says whether a stripe stands for a chip that could not be read.
const CONDITION: std::ops::Range<usize> = 12..13;

/// What a request asks for.
pub(super) struct Asked<'a> {
    pub kind: Kind,
    pub trace: TraceNumber,
    /// What it refers to.
    pub original: Option<TraceNumber>,
    pub pan: &'a str,
    /// Nothing when it asks for a balance.
    pub minor: u64,
    pub pin: Option<Pin>,
    /// How its card was read.
    pub entry: EntryMode,
    /// A part of it may be approved.
    pub in_part: bool,
    /// It is to be paid by instalments.
    pub instalments: Option<Wanted>,
    /// What it tells of goods.
    pub goods: Option<&'a [u8]>,
    pub message: &'a Message,
}

/// What becomes of it.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub response_code: String,
    pub reason: String,
    /// What is debited, given back, set aside or let go.
    pub booked: u64,
    pub account_known: bool,
    /// The cryptogram, when it is right: also of a refusal the card may hear.
    pub verified: Option<Verified>,
    pub original: Option<Referred>,
}

impl Verdict {
    /// It is not done.
    pub fn declined(code: &str, reason: impl Into<String>) -> Self {
        Self { response_code: code.to_owned(), reason: reason.into(), ..Self::default() }
    }

    /// The account is not in doubt.
    pub fn of_account(self) -> Self {
        Self { account_known: true, ..self }
    }

    /// What it refers to is not in doubt.
    pub fn about(self, original: Referred) -> Self {
        Self { original: Some(original), ..self }
    }

    /// It is done, with so much.
    pub fn approved(code: &str, reason: &str, booked: u64) -> Self {
        Self { booked, ..Self::declined(code, reason).of_account() }
    }
}

/// Decides on a request (0100, 0200, 0220), books it and writes it down. The very same message (`bytes`) once more is no second
/// request: something on the way has doubled it, or the terminal repeats what it had no answer to, and it is answered as the
/// first was.
///
/// # Errors
/// When the database fails; nothing is booked then.
pub fn decide(
    store: &Store,
    dialect: &Dialect,
    terminal: &Terminal,
    message: &Message,
    bytes: &[u8],
    offered: Option<&InstalmentOffer>,
    now: &Zoned,
) -> Result<Decision, StoreError> {
    let asked = match read(dialect, terminal, message, offered) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(refusal.into()),
    };
    let request = repeats::digest(asked.kind, message, bytes);
    store.transaction(|books| {
        if asked.kind == Kind::Balance {
            return balances::tell(books, &asked, request, now);
        }
        if let Some(before) = books.entry(&terminal.terminal, asked.trace)? {
            if let Some(again) = repeats::answer(books, &before.entry, request)? {
                return Ok(again);
            }
            let reason = format!("{} was used before, or taken back before it came", asked.trace);
            return Ok(Decision { response_code: "94".to_owned(), reason, ..Decision::default() });
        }
        if code_payments::has_number(books, &terminal.terminal, asked.trace)? {
            let reason = format!("{} is the number of an order", asked.trace);
            return Ok(Decision { response_code: "94".to_owned(), reason, ..Decision::default() });
        }
        if settling::is_settling(books, &terminal.terminal, asked.trace.batch)? {
            let reason = format!("batch {} is settled", asked.trace.batch);
            return Ok(Decision { response_code: "12".to_owned(), reason, ..Decision::default() });
        }
        let verdict = match asked.original {
            None => issuing::judge(books, &asked, now)?,
            Some(original) => references::judge(books, dialect, terminal, &asked, original, now)?,
        };
        let decision = book(books, terminal, &asked, verdict, now)?;
        repeats::remember(books, &terminal.terminal, asked.trace, request, &decision)?;
        Ok(decision)
    })
}

/// The answer that this very request got when it came before, if it still stands.
///
/// # Errors
/// When the database fails.
pub fn answered_before(
    store: &Store,
    dialect: &Dialect,
    terminal: &Terminal,
    message: &Message,
    bytes: &[u8],
) -> Result<Option<Decision>, StoreError> {
    let (Some(kind), Ok(trace)) = (kinds::of_request(dialect, message), trace(message)) else { return Ok(None) };
    let request = repeats::digest(kind, message, bytes);
    store.transaction(|books| match books.entry(&terminal.terminal, trace)? {
        Some(before) => repeats::answer(books, &before.entry, request),
        None => Ok(None),
    })
}

/// Writes an entry and moves the account by what it changes.
fn book(
    books: &Books<'_>,
    terminal: &Terminal,
    asked: &Asked<'_>,
    verdict: Verdict,
    now: &Zoned,
) -> Result<Decision, StoreError> {
    let is_approved = verdict.booked > 0;
    let before = match verdict.original {
        Some(original) => books.family(original.root)?.standing()?,
        None => Default::default(),
    };
    let entry = NewEntry {
        terminal: &terminal.terminal,
        trace: asked.trace,
        kind: asked.kind,
        original: verdict.original,
        amount: asked.minor,
        booked: verdict.booked,
        state: if is_approved { EntryState::Approved } else { EntryState::Declined },
        response_code: &verdict.response_code,
        reason: &verdict.reason,
        pan: verdict.account_known.then_some(asked.pan),
    };
    let (id, rrn) = books.record(&entry, now.date())?;
    books.keep_original(&terminal.terminal, asked.trace, &Original::of_request(asked.message))?;
    receipts::keep(books, &terminal.terminal, asked.trace, asked.message, asked.goods, now)?;
    if is_approved {
        let after = books.family(verdict.original.map_or(id, |original| original.root))?.standing()?;
        books.move_account(asked.pan, before, after)?;
        if let Some(event) = Event::of(asked.kind) {
            let about = About {
                holder: asked.pan,
                terminal: &terminal.terminal,
                trace: asked.trace,
                minor: verdict.booked,
                rrn: &rrn,
            };
            notifications::queue(books, event, &about, now.timestamp().as_second())?;
        }
    }
    let plan = match &asked.instalments {
        Some(Wanted { asked: wanted, .. }) if is_approved => {
            let plan = instalments::plan_of(verdict.booked, wanted.periods)?;
            instalments::keep(books, &terminal.terminal, asked.trace, wanted, verdict.booked, &plan)?;
            Some(plan)
        }
        _ => None,
    };
    let issuer_data = issuer_data(asked, &verdict)?;
    Ok(Decision {
        plan,
        amount: (verdict.response_code == PART).then_some(verdict.booked),
        response_code: verdict.response_code,
        reason: verdict.reason,
        authorisation_code: is_approved.then(|| rrn[rrn.len() - 6..].to_owned()),
        rrn: Some(rrn),
        issuer_data,
        ..Decision::default()
    })
}

/// Field 55 of the answer: the issuer's word to the card, and a script where the amount asks for one.
pub(super) fn issuer_data(asked: &Asked<'_>, verdict: &Verdict) -> Result<Option<Vec<u8>>, StoreError> {
    let (Some(verified), Ok(code)) = (&verdict.verified, verdict.response_code.as_bytes().try_into()) else {
        return Ok(None);
    };
    let data = verified.issuer_authentication_data(code)?;
    let mut issuer_data = TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &data).build();
    if let (Script::ForCard(script), 1..) = (scripts::of(asked.kind, asked.minor), verdict.booked) {
        issuer_data.extend(script.template());
    }
    Ok(Some(issuer_data))
}

fn read<'a>(
    dialect: &Dialect,
    terminal: &Terminal,
    message: &'a Message,
    offered: Option<&InstalmentOffer>,
) -> Result<Asked<'a>, Refusal> {
    let invalid = |reason: &str| Refusal { response_code: "12", reason: reason.to_owned() };
    let kind = kinds::of_request(dialect, message).ok_or_else(|| invalid("no transaction of this dialect"))?;
    let pan = message.text(2).ok_or_else(|| format_error("no card number"))?;
    let trace = trace(message)?;
    let pin = pins::read(&dialect.pin, message, terminal.pin_key.as_ref())?;
    let refers = Kind::ALL.into_iter().any(|original| kind.may_refer_to(original));
    let original = if refers { Some(rules::original(message)?) } else { None };
    let minor = match (kind.money(), message.text(4)) {
        (Money::None, None) => 0,
        _ => rules::amount(message)?,
    };
    match (kind.money(), minor) {
        (Money::None, 1..) => Err(Refusal { response_code: "13", reason: "a balance is of no amount".to_owned() }),
        (Money::ToMerchant | Money::ToCustomer | Money::Held | Money::Released, 0) => {
            Err(Refusal { response_code: "13", reason: "an amount of nothing".to_owned() })
        }
        _ => {
            let in_part = kind == Kind::Sale && says_in_part(dialect, message);
            let entry = entry_mode(dialect, message);
            let asked = if kind == Kind::Sale { instalments::of_request(dialect, message)? } else { None };
            let instalments = asked.map(|asked| Wanted { asked, offered: offered.cloned() });
            let goods = receipts::told(dialect, message, minor)?;
            Ok(Asked { kind, trace, original, pan, minor, pin, entry, in_part, instalments, goods, message })
        }
    }
}

/// Fields 22 and 60: how the card was read. What is asked about a card that is not there says so by a value of its own.
fn entry_mode(dialect: &Dialect, message: &Message) -> EntryMode {
    let digits = &dialect.transactions.entry;
    let mode = message.text(22).unwrap_or_default();
    let read = mode.get(..2).unwrap_or_default();
    let condition = message.text(60).and_then(|text| text.get(CONDITION)).unwrap_or_default();
    if read == digits.stripe && condition == digits.fallback {
        EntryMode::Fallback
    } else if read == digits.stripe {
        EntryMode::Stripe
    } else if message.text(14).is_none() && mode == dialect.transactions.card_away {
        EntryMode::NotRead
    } else if read == digits.typed {
        EntryMode::Typed
    } else {
        EntryMode::Chip
    }
}

/// Field 60, sixth part: the terminal takes less than it asks for.
fn says_in_part(dialect: &Dialect, message: &Message) -> bool {
    let said = message.text(60).and_then(|text| text.get(IN_PART));
    said.is_some() && said == dialect.transactions.in_part.as_deref()
}

/// The number of a request: field 11, and the batch in field 60.
pub(super) fn trace(message: &Message) -> Result<TraceNumber, Refusal> {
    let stan = message.text(11).and_then(|digits| Stan::parse(digits).ok()).ok_or_else(|| format_error("no STAN"))?;
    let batch = message.text(60).and_then(|text| text.get(2..8)).and_then(|batch| Batch::parse(batch).ok());
    Ok(TraceNumber { batch: batch.ok_or_else(|| format_error("no batch in field 60"))?, stan })
}
