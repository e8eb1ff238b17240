//! Sales by instalments: whether acquirer and issuer let them be, the plan that the issuer makes of one, and the plans in its books. No
//! network here.

use rusqlite::{OptionalExtension, params};

use super::books::{Booked, Books};
use super::rules::{Refusal, format_error};
use super::store::{EntryState, Store, StoreError};
use crate::acquirer::instalments::read_asked;
use crate::acquirer::kinds;
use crate::host_tables::InstalmentOffer;
use crate::iso8583::{Dialect, Message};
use crate::money::{Amount, Currency};
use crate::payment::instalments::{AskedInstalments, Fee, Periods, Plan, offers};
use crate::reference::{Batch, Stan, TraceNumber};

/// Table of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS instalment_plans (
        terminal      TEXT NOT NULL,
        batch         INTEGER NOT NULL,
        stan          INTEGER NOT NULL,        -- the sale's
        periods       INTEGER NOT NULL,
        programme     TEXT,
        amount        INTEGER NOT NULL,        -- minor units of CNY, all of them
        first         INTEGER NOT NULL,
        following     INTEGER NOT NULL,
        fee           INTEGER NOT NULL,        -- at once
        first_fee     INTEGER NOT NULL,        -- by periods
        following_fee INTEGER NOT NULL,
        PRIMARY KEY (terminal, batch, stan),
        FOREIGN KEY (terminal, batch, stan) REFERENCES entries (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
";

/// This card may not pay so.
const NOT_THIS_CARD: &str = "57";

/// This terminal may not offer so many.
const NOT_HERE: &str = "58";

/// The amount is too small for it.
const AMOUNT: &str = "13";

/// The applications of UnionPay cards whose holders pay later: credit, and quasi credit.
const CREDIT: [&str; 2] = ["A000000333010102", "A000000333010103"];

/// Up to so many periods the sandbox's issuer takes no fee, and up to so many it takes all of it at once.
const FREE: u8 = 3;
const AT_ONCE: u8 = 6;

/// What it takes of the amount for each period, in parts per ten thousand.
const FEE_RATE: u64 = 60;

/// What is wrong with a request: response code and reason.
type Problem = (&'static str, String);

/// What a request wants, beside what its terminal was told.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub asked: AskedInstalments,
    pub offered: Option<InstalmentOffer>,
}

/// A plan in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPlan {
    /// The terminal.
    pub terminal: String,
    /// Batch and STAN of the sale.
    pub trace: TraceNumber,
    /// The acquirer's number of the programme.
    pub programme: Option<String>,
    /// What the cardholder pays.
    pub plan: Plan,
    /// The sale was neither taken back, nor voided, nor given back.
    pub stands: bool,
}

/// What a request asks for; nothing of what is paid at once.
///
/// # Errors
/// A [`Refusal`] when it cannot be read.
pub(super) fn of_request(dialect: &Dialect, message: &Message) -> Result<Option<AskedInstalments>, Refusal> {
    let Some(rules) = dialect.instalments.as_ref().filter(|_| kinds::is_by_instalments(dialect, message)) else {
        return Ok(None);
    };
    let asked = message.bytes(rules.field).and_then(|field| read_asked(rules, field));
    asked.map(Some).ok_or_else(|| format_error(format!("field {} asks for no periods", rules.field)))
}

/// What there is to be said against it: the acquirer does not offer it so, or the card is none of credit.
///
/// # Errors
/// When the database fails.
pub(super) fn problem(
    books: &Books<'_>,
    pan: &str,
    minor: u64,
    wanted: &Wanted,
) -> Result<Option<Problem>, StoreError> {
    let Wanted { asked, offered } = wanted;
    let periods = asked.periods;
    let Some(offer) = offered.as_ref().filter(|offer| offer.periods.contains(&periods.number())) else {
        return Ok(Some((NOT_HERE, format!("{periods} periods are not offered"))));
    };
    if offer.programme != asked.programme {
        return Ok(Some((NOT_HERE, "another programme than the one that is offered".to_owned())));
    }
    let amount = Amount::new(minor, Currency::CNY).map_err(|error| StoreError::Row(error.to_string()))?;
    if !offers(amount, Some(offer)).iter().any(|offer| offer.periods == periods) {
        return Ok(Some((AMOUNT, format!("{amount} is too little for {periods} periods"))));
    }
    let sql = "SELECT aid FROM account_schemes WHERE pan = ?1";
    let aid: Option<String> = books.connection().query_row(sql, [pan], |row| row.get(0)).optional()?;
    Ok(match aid {
        Some(aid) if CREDIT.contains(&aid.as_str()) => None,
        _ => Some((NOT_THIS_CARD, "no card of credit pays by instalments".to_owned())),
    })
}

/// The plan of an amount: what does not come out even is in the first period. Up to three periods are free, up to six cost their fee at once,
/// more cost it by periods.
///
/// # Errors
/// When there is no such plan.
pub(super) fn plan_of(minor: u64, periods: Periods) -> Result<Plan, StoreError> {
    let wrong = |error: String| StoreError::Row(error);
    let yuan = |minor| Amount::new(minor, Currency::CNY).map_err(|error| wrong(error.to_string()));
    let count = u64::from(periods.number());
    let split = |whole: u64| (whole / count + whole % count, whole / count);
    let (first, following) = split(minor);
    let fee_minor = u64::try_from((u128::from(minor) * u128::from(FEE_RATE * count) + 5_000) / 10_000)
        .map_err(|error| wrong(error.to_string()))?;
    let fee = if fee_minor == 0 || periods.number() <= FREE {
        Fee::None
    } else if periods.number() <= AT_ONCE {
        Fee::AtOnce(yuan(fee_minor)?)
    } else {
        let (first, following) = split(fee_minor);
        Fee::ByPeriods { first: yuan(first)?, following: yuan(following)? }
    };
    Plan::new(yuan(minor)?, periods, yuan(first)?, yuan(following)?, fee).map_err(|error| wrong(error.to_string()))
}

/// Keeps the plan of a sale whose entry has just been written.
///
/// # Errors
/// When the database cannot be written.
pub(super) fn keep(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
    asked: &AskedInstalments,
    minor: u64,
    plan: &Plan,
) -> Result<(), StoreError> {
    let (fee, first_fee, following_fee) = match plan.fee() {
        Fee::None => (0, 0, 0),
        Fee::AtOnce(fee) => (fee.minor(), 0, 0),
        Fee::ByPeriods { first, following } => (0, first.minor(), following.minor()),
    };
    let [minor, first, following, fee, first_fee, following_fee] =
        [minor, plan.first().minor(), plan.following().minor(), fee, first_fee, following_fee]
            .map(|minor| i64::try_from(minor).unwrap_or(i64::MAX));
    books.connection().execute(
        "INSERT INTO instalment_plans
             (terminal, batch, stan, periods, programme, amount, first, following, fee, first_fee, following_fee)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            terminal,
            trace.batch.number(),
            trace.stan.number(),
            asked.periods.number(),
            asked.programme,
            minor,
            first,
            following,
            fee,
            first_fee,
            following_fee
        ],
    )?;
    Ok(())
}

/// The plan of a sale; nothing of what is paid at once, or was not approved.
///
/// # Errors
/// When the database cannot be read, or a row is damaged.
pub(super) fn kept(books: &Books<'_>, terminal: &str, trace: TraceNumber) -> Result<Option<Plan>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM instalment_plans WHERE terminal = ?1 AND batch = ?2 AND stan = ?3");
    let key = params![terminal, trace.batch.number(), trace.stan.number()];
    let row = books.connection().query_row(&sql, key, numbers).optional()?;
    row.map(|row| row.plan()).transpose()
}

/// Whether a message about a sale says of it what it was: by instalments, or at once.
///
/// # Errors
/// When the database cannot be read, or a row is damaged.
pub(super) fn says_what_it_was(
    books: &Books<'_>,
    dialect: &Dialect,
    terminal: &str,
    original: &Booked,
    message: &Message,
) -> Result<bool, StoreError> {
    // Of a sale that came to nothing there is no plan, whatever it asked for.
    if original.entry.state != EntryState::Approved {
        return Ok(true);
    }
    let is_planned = kept(books, terminal, original.entry.trace)?.is_some();
    Ok(is_planned == kinds::is_by_instalments(dialect, message))
}

impl Store {
    /// The plans of sales by instalments, in the order of their sales.
    ///
    /// # Errors
    /// When the database cannot be read, or a row is damaged.
    pub fn instalment_plans(&self) -> Result<Vec<KeptPlan>, StoreError> {
        self.transaction(|books| {
            let sql = format!(
                "SELECT {COLUMNS}, terminal, batch, stan, programme FROM instalment_plans ORDER BY terminal, batch, stan"
            );
            let mut statement = books.connection().prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                let key: (String, u32, u32) = (row.get(7)?, row.get(8)?, row.get(9)?);
                Ok((numbers(row)?, key, row.get(10)?))
            })?;
            let mut plans = Vec::new();
            for row in rows {
                let (numbers, (terminal, batch, stan), programme) = row?;
                let damaged = |error: crate::reference::ReferenceError| StoreError::Row(error.to_string());
                let trace = TraceNumber {
                    batch: Batch::new(batch).map_err(damaged)?,
                    stan: Stan::new(stan).map_err(damaged)?,
                };
                let stands = stands(books, &terminal, trace)?;
                plans.push(KeptPlan { terminal, trace, programme, plan: numbers.plan()?, stands });
            }
            Ok(plans)
        })
    }
}

fn stands(books: &Books<'_>, terminal: &str, trace: TraceNumber) -> Result<bool, StoreError> {
    let Some(sale) = books.entry(terminal, trace)? else { return Ok(false) };
    let family = books.family(sale.root)?;
    Ok(sale.entry.state == EntryState::Approved
        && !family.is_undone(sale.id)
        && family.given_back(sale.id) < sale.entry.booked.minor())
}

/// Columns that make [`Numbers`].
const COLUMNS: &str = "periods, amount, first, following, fee, first_fee, following_fee";

struct Numbers {
    periods: u8,
    amounts: [i64; 6],
}

fn numbers(row: &rusqlite::Row<'_>) -> rusqlite::Result<Numbers> {
    let mut amounts = [0; 6];
    for (index, amount) in amounts.iter_mut().enumerate() {
        *amount = row.get(1 + index)?;
    }
    Ok(Numbers { periods: row.get(0)?, amounts })
}

impl Numbers {
    fn plan(&self) -> Result<Plan, StoreError> {
        let damaged = |error: String| StoreError::Row(format!("a plan of instalments: {error}"));
        let mut amounts = [Amount::zero(Currency::CNY); 6];
        for (amount, minor) in amounts.iter_mut().zip(self.amounts) {
            let minor = u64::try_from(minor).map_err(|error| damaged(error.to_string()))?;
            *amount = Amount::new(minor, Currency::CNY).map_err(|error| damaged(error.to_string()))?;
        }
        let [whole, first, following, fee, first_fee, following_fee] = amounts;
        let fee = if !fee.is_zero() {
            Fee::AtOnce(fee)
        } else if !first_fee.is_zero() || !following_fee.is_zero() {
            Fee::ByPeriods { first: first_fee, following: following_fee }
        } else {
            Fee::None
        };
        let periods = Periods::new(self.periods).map_err(|error| damaged(error.to_string()))?;
        Plan::new(whole, periods, first, following, fee).map_err(|error| damaged(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandboxs_issuer_takes_no_fee_of_three_periods_all_at_once_of_six_and_by_periods_of_more() {
        let of = |minor, number| {
            let plan = plan_of(minor, Periods::new(number).unwrap()).unwrap();
            let fee = match plan.fee() {
                Fee::None => (0, 0, 0),
                Fee::AtOnce(fee) => (fee.minor(), 0, 0),
                Fee::ByPeriods { first, following } => (0, first.minor(), following.minor()),
            };
            (plan.first().minor(), plan.following().minor(), fee)
        };
        assert_eq!(of(60_005, 3), (20_003, 20_001, (0, 0, 0)));
        assert_eq!(of(60_005, 6), (10_005, 10_000, (2160, 0, 0)));
        assert_eq!(of(60_005, 12), (5_005, 5_000, (0, 360, 360)));
        assert_eq!(of(6, 6), (1, 1, (0, 0, 0)), "a fee of nothing is none");
        assert!(plan_of(5, Periods::new(6).unwrap()).is_err(), "a period of nothing is none");
    }
}
