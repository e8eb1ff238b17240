//! What a batch comes to by the host's own entries, and how a settlement of it goes on.

use jiff::{Timestamp, Zoned};
use rusqlite::{OptionalExtension, params};

use super::account::{self, New, PostingKind};
use crate::acquirer::settlement::{DIFFERENCES_PER_PAGE, SETTLEMENTS_TOLD, read_totals, write_totals};
use crate::iso8583::SettlementRules;
use crate::ledger::Prepared;
use crate::money::{Amount, Currency};
use crate::payment::record::State;
use crate::payment::transaction::{Kind, Money};
use crate::reference::{Batch, Rrn, Stan, TraceNumber};
use crate::sandbox::host::books::Books;
use crate::sandbox::host::store::{StoreError, Terminal, kind_of};
use crate::settlement::closing::{BatchTotals, Closing, HostDifference, HostSettlement, Line, MerchantAccount};
use crate::settlement::reconciliation::{Difference, Ours, Theirs, compare};
use crate::settlement::{Scheme, Side, Sum};

/// Response code of a batch that ends without what was to be uploaded (ISO 8583: reconcile error).
pub(super) const NOT_COMPLETE: &str = "95";

/// Response code of a batch that nobody compared.
pub(super) const NOT_COMPARED: &str = "25";

/// A payment that the host has booked.
struct Booked {
    stan: Stan,
    kind: Kind,
    amount: Amount,
    domestic: bool,
    rrn: String,
}

/// A settlement of a batch.
struct Row {
    said: String,
    answered: String,
    equal: bool,
    closing: Option<Closing>,
}

fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Row(error.to_string())
}

fn amount(minor: i64) -> Result<Amount, StoreError> {
    let minor = u64::try_from(minor).map_err(damaged)?;
    Amount::new(minor, Currency::CNY).map_err(damaged)
}

/// Remembers of which scheme the card of an account is.
pub fn note_scheme(connection: &Prepared, pan: &str, aid: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO account_schemes (pan, aid) VALUES (?1, ?2) ON CONFLICT (pan) DO UPDATE SET aid = ?2",
        [pan, aid],
    )?;
    Ok(())
}

/// Whether a batch is being settled or was: no payment comes into it any more.
pub fn is_settling(books: &Books<'_>, terminal: &str, batch: Batch) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM batch_settlements WHERE terminal = ?1 AND batch = ?2)";
    Ok(books.connection().query_row(sql, params![terminal, batch.number()], |row| row.get(0))?)
}

/// A payment was taken back: where its batch was posted already, the merchant's account follows.
pub fn adjust(
    books: &Books<'_>,
    terminal: &str,
    batch: Batch,
    kind: Kind,
    booked: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT merchant FROM batch_settlements WHERE terminal = ?1 AND batch = ?2 AND state = 'closed'";
    let merchant: Option<String> =
        books.connection().query_row(sql, params![terminal, batch.number()], |row| row.get(0)).optional()?;
    let minor = i64::try_from(booked).map_err(damaged)?;
    let amount = match kind.money() {
        Money::ToMerchant => -minor,
        Money::ToCustomer => minor,
        Money::Held | Money::Released | Money::None => return Ok(()),
    };
    let Some(merchant) = merchant else { return Ok(()) };
    account::post(books, &New { merchant: &merchant, kind: PostingKind::Adjustment, terminal, batch, amount, at })
}

/// What the host has booked in a batch, cards and codes alike.
fn booked(books: &Books<'_>, terminal: &str, batch: Batch) -> Result<Vec<Booked>, StoreError> {
    let sql = "SELECT stan, kind, booked, coalesce(aid, ''), rrn FROM entries LEFT JOIN account_schemes USING (pan)
                   WHERE terminal = ?1 AND batch = ?2 AND state = 'approved' AND booked > 0
               UNION ALL SELECT stan, 'code_payment', amount, '', rrn FROM code_orders
                   WHERE terminal = ?1 AND batch = ?2 AND state = 'paid'
               UNION ALL SELECT stan, 'code_refund', booked, '', rrn FROM code_refunds
                   WHERE terminal = ?1 AND batch = ?2 AND booked > 0
               ORDER BY 1";
    let mut statement = books.connection().prepare(sql)?;
    let rows = statement.query_map(params![terminal, batch.number()], |row| {
        let words: (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
        Ok((row.get::<_, u32>(0)?, words, row.get::<_, i64>(2)?))
    })?;
    let mut booked = Vec::new();
    for row in rows {
        let (stan, (kind, aid, rrn), minor) = row?;
        let kind = kind_of(kind)?;
        if Side::of(kind).is_some() {
            let domestic = kind.is_by_code() || Scheme::of_aid(&aid).is_domestic();
            booked.push(Booked {
                stan: Stan::new(stan).map_err(damaged)?,
                kind,
                amount: amount(minor)?,
                domestic,
                rrn,
            });
        }
    }
    Ok(booked)
}

fn totals_of(booked: &[Booked]) -> Result<BatchTotals, StoreError> {
    let mut sums = BatchTotals::nothing(Currency::CNY).sums();
    for payment in booked {
        let side = usize::from(Side::of(payment.kind) == Some(Side::Credit));
        let sum: &mut Sum = &mut sums[side + if payment.domestic { 0 } else { 2 }];
        sum.count += 1;
        sum.amount = sum.amount.checked_add(payment.amount).map_err(damaged)?;
    }
    Ok(BatchTotals::from_sums(sums))
}

fn find(books: &Books<'_>, terminal: &str, batch: Batch) -> Result<Option<Row>, StoreError> {
    let sql = "SELECT said, answered, equal, gross, fee, differences FROM batch_settlements WHERE terminal = ?1 AND batch = ?2";
    Ok(books
        .connection()
        .query_row(sql, params![terminal, batch.number()], |row| {
            let (gross, fee, differences): (Option<i64>, Option<i64>, Option<u32>) =
                (row.get(3)?, row.get(4)?, row.get(5)?);
            let closing = gross.zip(fee).zip(differences).map(|((gross_minor, fee_minor), differences)| Closing {
                gross_minor,
                fee_minor,
                differences,
            });
            Ok(Row { said: row.get(0)?, answered: row.get(1)?, equal: row.get(2)?, closing })
        })
        .optional()?)
}

/// Totals come: they are compared, once. Gives field 48 of the answer; nothing when they cannot be read.
pub(super) fn compare_totals(
    books: &Books<'_>,
    rules: &SettlementRules,
    terminal: &Terminal,
    batch: Batch,
    said: &str,
    now: &Zoned,
) -> Result<Option<String>, StoreError> {
    let Some((theirs, _)) = read_totals(said, Currency::CNY) else { return Ok(None) };
    let own = totals_of(&booked(books, &terminal.terminal, batch)?)?;
    let answer = |flags: [char; 2]| {
        let too_many = || StoreError::Row("more payments than a message counts".to_owned());
        let mut text = write_totals(&own, '0').ok_or_else(too_many)?;
        let half = text.len() / 2;
        for (side, flag) in flags.into_iter().enumerate() {
            text.replace_range((side + 1) * half - 1..(side + 1) * half, &flag.to_string());
        }
        Ok::<_, StoreError>(text)
    };
    if let Some(before) = find(books, &terminal.terminal, batch)? {
        let again = before.said == said;
        return Ok(Some(if again { before.answered } else { answer([rules.verdicts.error; 2])? }));
    }
    let flag = |equal| if equal { rules.verdicts.equal } else { rules.verdicts.different };
    let flags = [flag(own.domestic == theirs.domestic), flag(own.foreign == theirs.foreign)];
    let answered = answer(flags)?;
    books.connection().execute(
        "INSERT INTO batch_settlements (terminal, batch, merchant, state, said, answered, equal, at)
         VALUES (?1, ?2, ?3, 'compared', ?4, ?5, ?6, ?7)",
        params![
            terminal.terminal,
            batch.number(),
            terminal.merchant,
            said,
            answered,
            own == theirs,
            now.datetime().to_string()
        ],
    )?;
    Ok(Some(answered))
}

/// Payments are uploaded. Gives the response code.
pub(super) fn take_lines(
    books: &Books<'_>,
    terminal: &str,
    batch: Batch,
    lines: &[Line],
) -> Result<&'static str, StoreError> {
    let Some(row) = find(books, terminal, batch)? else { return Ok(NOT_COMPARED) };
    // What comes once more after the end changes nothing.
    if row.closing.is_none() {
        for line in lines {
            books.connection().execute(
                "INSERT INTO batch_lines (terminal, batch, stan, kind, amount) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (terminal, batch, stan) DO UPDATE SET kind = ?4, amount = ?5",
                params![terminal, batch.number(), line.stan.number(), line.kind.word(), line.amount.minor() as i64],
            )?;
        }
    }
    Ok("00")
}

/// The batch ends: it is posted, once. Gives what is answered, or the response code of why not.
pub(super) fn close(
    books: &Books<'_>,
    terminal: &Terminal,
    batch: Batch,
    lines: u32,
    now: &Zoned,
) -> Result<Result<Closing, &'static str>, StoreError> {
    let Some(row) = find(books, &terminal.terminal, batch)? else { return Ok(Err(NOT_COMPARED)) };
    if let Some(closing) = row.closing {
        return Ok(Ok(closing));
    }
    let uploaded = uploaded(books, &terminal.terminal, batch)?;
    if uploaded.len() != lines as usize {
        return Ok(Err(NOT_COMPLETE));
    }
    let booked = booked(books, &terminal.terminal, batch)?;
    let differences = if row.equal { Vec::new() } else { differences(batch, uploaded, &booked) };
    for (place, difference) in differences.iter().enumerate() {
        keep(books, &terminal.terminal, batch, place, difference)?;
    }
    let gross_minor = totals_of(&booked)?.net_minor();
    let fee_minor = account::fee_of(gross_minor, account::fee_rate(books, &terminal.merchant)?);
    let closing = Closing { gross_minor, fee_minor, differences: u32::try_from(differences.len()).map_err(damaged)? };
    for (kind, amount) in [(PostingKind::Settlement, gross_minor), (PostingKind::Fee, -fee_minor)] {
        if amount != 0 {
            let (merchant, at) = (terminal.merchant.as_str(), now.timestamp());
            account::post(books, &New { merchant, kind, terminal: &terminal.terminal, batch, amount, at })?;
        }
    }
    books.connection().execute(
        "UPDATE batch_settlements SET state = 'closed', gross = ?3, fee = ?4, differences = ?5, closed_at = ?6
         WHERE terminal = ?1 AND batch = ?2",
        params![
            terminal.terminal,
            batch.number(),
            closing.gross_minor,
            closing.fee_minor,
            closing.differences,
            now.datetime().to_string()
        ],
    )?;
    // The next sign-on names a batch that is open.
    books.connection().execute(
        "UPDATE terminal_keys SET batch = max(batch, min(?2 + 1, 999999)) WHERE terminal = ?1",
        params![terminal.terminal, batch.number()],
    )?;
    Ok(Ok(closing))
}

fn uploaded(books: &Books<'_>, terminal: &str, batch: Batch) -> Result<Vec<(Stan, Kind, Amount)>, StoreError> {
    let sql = "SELECT stan, kind, amount FROM batch_lines WHERE terminal = ?1 AND batch = ?2 ORDER BY stan";
    let mut statement = books.connection().prepare(sql)?;
    let rows = statement.query_map(params![terminal, batch.number()], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    rows.map(|row| {
        let (stan, kind, minor) = row?;
        Ok((Stan::new(stan).map_err(damaged)?, kind_of(kind)?, amount(minor)?))
    })
    .collect()
}

/// Held against each other line by line. A payment that one of the two has as another kind is named as one that the host has not, and
/// one that the terminal has not.
fn differences(batch: Batch, uploaded: Vec<(Stan, Kind, Amount)>, booked: &[Booked]) -> Vec<Difference> {
    let other_kind = |stan: Stan, kind: Kind| {
        booked.iter().any(|booked| booked.stan == stan && Side::of(booked.kind) != Side::of(kind))
    };
    let (mut found, mut ours) = (Vec::new(), Vec::new());
    for (stan, kind, amount) in uploaded {
        let trace = TraceNumber { batch, stan };
        let line = Ours { trace, state: State::Approved, resolution: None, amount, to_be_told: false };
        if other_kind(stan, kind) {
            found.extend(compare(vec![line], Vec::new()).differences);
        } else {
            ours.push(line);
        }
    }
    let theirs = booked.iter().map(|booked| Theirs {
        trace: TraceNumber { batch, stan: booked.stan },
        charged: true,
        amount: booked.amount,
        rrn: booked.rrn.clone(),
        last_four: String::new(),
    });
    found.extend(compare(ours, theirs.collect()).differences);
    found.sort_by_key(|difference| difference.trace);
    found
}

fn keep(
    books: &Books<'_>,
    terminal: &str,
    batch: Batch,
    place: usize,
    difference: &Difference,
) -> Result<(), StoreError> {
    let theirs = difference.theirs.as_ref();
    books.connection().execute(
        "INSERT INTO batch_differences (terminal, batch, place, kind, stan, ours, theirs, rrn)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            terminal,
            batch.number(),
            place as i64,
            difference.kind.word(),
            difference.trace.stan.number(),
            difference.ours.as_ref().map(|ours| ours.amount.minor() as i64),
            theirs.map(|theirs| theirs.amount.minor() as i64),
            theirs.map(|theirs| theirs.rrn.as_str()),
        ],
    )?;
    Ok(())
}

/// A page of what differs, and whether others follow.
pub(super) fn page(
    books: &Books<'_>,
    terminal: &str,
    batch: Batch,
    after: u32,
) -> Result<(Vec<HostDifference>, bool), StoreError> {
    let sql = "SELECT kind, stan, ours, theirs, rrn FROM batch_differences
               WHERE terminal = ?1 AND batch = ?2 AND place >= ?3 ORDER BY place LIMIT ?4";
    let mut statement = books.connection().prepare(sql)?;
    let most = DIFFERENCES_PER_PAGE + 1;
    let rows = statement.query_map(params![terminal, batch.number(), after, most as i64], |row| {
        let amounts: (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, amounts, row.get::<_, Option<String>>(4)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (kind, stan, (ours, theirs), rrn) = row?;
        found.push(HostDifference {
            kind: crate::settlement::reconciliation::Kind::from_word(&kind).ok_or_else(|| damaged(&kind))?,
            stan: Stan::new(stan).map_err(damaged)?,
            ours: ours.map(amount).transpose()?,
            theirs: theirs.map(amount).transpose()?,
            rrn: rrn.map(|text| Rrn::parse(&text).map_err(damaged)).transpose()?,
        });
    }
    let more = found.len() > DIFFERENCES_PER_PAGE;
    found.truncate(DIFFERENCES_PER_PAGE);
    Ok((found, more))
}

/// What a terminal is told of its merchant's account.
pub(super) fn account(books: &Books<'_>, terminal: &Terminal) -> Result<MerchantAccount, StoreError> {
    let sql =
        "SELECT batch, state = 'closed', equal, coalesce(gross, 0), coalesce(fee, 0), coalesce(differences, 0), at
               FROM batch_settlements WHERE terminal = ?1 ORDER BY batch DESC LIMIT ?2";
    let mut statement = books.connection().prepare(sql)?;
    let rows = statement.query_map(params![terminal.terminal, SETTLEMENTS_TOLD as i64], |row| {
        let closing = Closing { gross_minor: row.get(3)?, fee_minor: row.get(4)?, differences: row.get(5)? };
        Ok((row.get::<_, u32>(0)?, (row.get(1)?, row.get(2)?), closing, row.get::<_, String>(6)?))
    })?;
    let mut settlements = Vec::new();
    for row in rows {
        let (batch, (posted, equal), closing, at) = row?;
        let at: jiff::civil::DateTime = at.parse().map_err(damaged)?;
        let batch = Batch::new(batch).map_err(damaged)?;
        settlements.push(HostSettlement { batch, posted, equal, closing, date: at.date(), at });
    }
    Ok(MerchantAccount {
        balance_minor: account::balance(books, &terminal.merchant)?,
        currency: Currency::CNY,
        fee_rate: account::fee_rate(books, &terminal.merchant)?,
        settlements,
    })
}
