//! Payments of tills: a key is written down before anything begins, the numbers of the ledger before its rows, and the end once it is
//! known.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::error::wrong;
use super::{TillId, TillKeys, TillKeysError};
use crate::crypto::sha256::sha256;
use crate::ledger::Prepared;
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber, TraceNumber};
use crate::till::IdempotencyKey;
use crate::till::answer::Facts;
use crate::till::request::PaymentRequest;
use crate::till::rules::{Outcome, Standing, Verdict, on_request};

/// Days for which a key that has ended counts: as long as payments stay in the ledger at least.
pub const KEPT_DAYS: i64 = 1096;

/// Which payment of a till, within the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentNumber(pub(super) i64);

/// A payment of a till as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Which.
    pub number: PaymentNumber,
    /// Whose.
    pub till: TillId,
    /// The till's key.
    pub key: IdempotencyKey,
    /// What was wanted.
    pub request: PaymentRequest,
    /// Where it stands.
    pub standing: Standing,
    /// When it was written down.
    pub accepted_at: Timestamp,
    /// What became of it, once it has ended.
    pub outcome: Option<Outcome>,
    /// What else is known.
    pub facts: Facts,
    /// What was last told of it: a state of `till::answer`.
    pub told: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenUp {
    /// The key is written down: the payment begins now, and whoever has this answer begins it.
    Begin(Box<PaymentRow>),
    /// The same was wanted before: this is how it stands.
    Tell(Box<PaymentRow>),
    /// The key stands for another request.
    UsedOtherwise,
}

/// A number of the ledger that a payment was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundNumber {
    /// The terminal's acquirer code then.
    pub merchant_code: MerchantCode,
    /// The terminal's number then.
    pub terminal_number: TerminalNumber,
    /// Batch and STAN.
    pub trace: TraceNumber,
}

const COLUMNS: &str = "number, till, key, request, standing, accepted_at, outcome, facts, told";

impl TillKeys {
    /// Takes a request up: writes its key down, or says what the key stands for. Of any number that come at once, one begins.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may begin.
    pub fn take_up(
        &mut self,
        till: TillId,
        key: &IdempotencyKey,
        request: &PaymentRequest,
        now: Timestamp,
    ) -> Result<TakenUp, TillKeysError> {
        let failed = self.failed();
        let digest = sha256(&[request.canonical.as_bytes()])?;
        // It reads first: who waits to write only then is turned away at once where another writes.
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let known = changes
            .query_row(
                "SELECT standing, digest FROM payments WHERE till = ?1 AND key = ?2",
                params![till.0, key.as_str()],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?)),
            )
            .optional()
            .map_err(&failed)?;
        let standing = known.as_ref().map(|(word, _)| standing(word)).transpose()?;
        let same = known.is_some_and(|(_, known)| known == digest);
        match on_request(standing, same) {
            Verdict::UsedOtherwise => return Ok(TakenUp::UsedOtherwise),
            Verdict::Tell => return Ok(TakenUp::Tell(Box::new(self.known(till, key)?))),
            Verdict::Begin => {}
        }
        changes
            .execute(
                "INSERT INTO payments (till, key, digest, request, standing, accepted_at, told)
                 VALUES (?1, ?2, ?3, ?4, 'open', ?5, '')
                 ON CONFLICT (till, key) DO UPDATE SET standing = 'open', accepted_at = ?5, facts = '{}', told = ''",
                params![till.0, key.as_str(), digest, request.canonical, now.to_string()],
            )
            .map_err(&failed)?;
        let row = self.known(till, key)?;
        changes.commit().map_err(failed)?;
        Ok(TakenUp::Begin(Box::new(row)))
    }

    fn known(&self, till: TillId, key: &IdempotencyKey) -> Result<PaymentRow, TillKeysError> {
        self.payment(till, key)?.ok_or(TillKeysError::NotOpen(till.0))
    }

    /// The payment of a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn payment(&self, till: TillId, key: &IdempotencyKey) -> Result<Option<PaymentRow>, TillKeysError> {
        let sql = format!("SELECT {COLUMNS} FROM payments WHERE till = ?1 AND key = ?2");
        self.connection
            .query_row(&sql, params![till.0, key.as_str()], |row| Ok(read(row)))
            .optional()
            .map_err(self.failed())?
            .transpose()
    }

    /// The payment of a number.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn payment_of(&self, number: PaymentNumber) -> Result<Option<PaymentRow>, TillKeysError> {
        let sql = format!("SELECT {COLUMNS} FROM payments WHERE number = ?1");
        self.connection.query_row(&sql, [number.0], |row| Ok(read(row))).optional().map_err(self.failed())?.transpose()
    }

    /// The payments that have not ended, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open_payments(&self) -> Result<Vec<PaymentRow>, TillKeysError> {
        let failed = self.failed();
        let sql = format!("SELECT {COLUMNS} FROM payments WHERE standing = 'open' ORDER BY number");
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let rows = statement.query_map([], |row| Ok(read(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    /// Gives a payment that is open a number of the ledger, before the ledger has a row of it. One more of the same is no more.
    ///
    /// # Errors
    /// When it cannot be written, or the payment is not open: then nothing may be sent under this number.
    pub fn bind(&mut self, payment: PaymentNumber, number: &BoundNumber) -> Result<(), TillKeysError> {
        let BoundNumber { merchant_code, terminal_number, trace } = number;
        self.connection
            .execute(
                "INSERT INTO numbers (payment, merchant_code, terminal_number, batch, stan) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    payment.0,
                    merchant_code.as_str(),
                    terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
            )
            .map(|_| ())
            .map_err(self.failed())
    }

    /// The numbers of the ledger that a payment was given, in their order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn numbers_of(&self, payment: PaymentNumber) -> Result<Vec<BoundNumber>, TillKeysError> {
        let failed = self.failed();
        let mut statement = self
            .connection
            .prepare("SELECT merchant_code, terminal_number, batch, stan FROM numbers WHERE payment = ?1 ORDER BY id")
            .map_err(&failed)?;
        let rows = statement
            .query_map([payment.0], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?, row.get::<_, u32>(3)?))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (merchant, terminal, batch, stan) = row.map_err(&failed)?;
            Ok(BoundNumber {
                merchant_code: MerchantCode::parse(&merchant).map_err(wrong("merchant code"))?,
                terminal_number: TerminalNumber::parse(&terminal).map_err(wrong("terminal number"))?,
                trace: TraceNumber {
                    batch: Batch::new(batch).map_err(wrong("batch number"))?,
                    stan: Stan::new(stan).map_err(wrong("STAN"))?,
                },
            })
        })
        .collect()
    }

    /// The terminal did not take a payment up. `event`: what its till is told.
    ///
    /// # Errors
    /// When it cannot be written, or the payment is not open or was given a number.
    pub fn refuse(&mut self, number: PaymentNumber, facts: &Facts, event: &str) -> Result<i64, TillKeysError> {
        self.note(number, Standing::Refused, None, facts, ("refused", event))
    }

    /// What became of a payment is known and stays so.
    ///
    /// # Errors
    /// When it cannot be written, or the payment is not open.
    pub fn end(
        &mut self,
        number: PaymentNumber,
        outcome: Outcome,
        facts: &Facts,
        event: &str,
    ) -> Result<i64, TillKeysError> {
        self.note(number, Standing::Ended, Some(outcome), facts, (outcome.word(), event))
    }

    /// Something else is known of a payment that is open. `told`: the state that its till is told of.
    ///
    /// # Errors
    /// When it cannot be written, or the payment is not open.
    pub fn tell(
        &mut self,
        number: PaymentNumber,
        facts: &Facts,
        told: &str,
        event: &str,
    ) -> Result<i64, TillKeysError> {
        self.note(number, Standing::Open, None, facts, (told, event))
    }

    /// State and what is told of it are one fact: no power cut can part them.
    fn note(
        &mut self,
        number: PaymentNumber,
        standing: Standing,
        outcome: Option<Outcome>,
        facts: &Facts,
        (told, event): (&str, &str),
    ) -> Result<i64, TillKeysError> {
        let failed = self.failed();
        let facts = serde_json::to_string(facts).map_err(wrong("payment"))?;
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let changed = changes
            .execute(
                "UPDATE payments SET standing = ?2, outcome = ?3, facts = ?4, told = ?5 WHERE number = ?1 AND standing = 'open'",
                params![number.0, standing.word(), outcome.map(Outcome::word), facts, told],
            )
            .map_err(&failed)?;
        if changed != 1 {
            return Err(TillKeysError::NotOpen(number.0));
        }
        let id = Self::insert_event(&changes, number, event).map_err(&failed)?;
        changes.commit().map_err(failed)?;
        Ok(id)
    }

    /// Forgets keys that have ended long ago. Gives how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_old(&mut self, now: Timestamp) -> Result<usize, TillKeysError> {
        let before = now.saturating_sub(jiff::SignedDuration::from_hours(KEPT_DAYS * 24)).map_err(wrong("time"))?;
        self.connection
            .execute("DELETE FROM payments WHERE standing <> 'open' AND accepted_at < ?1", [before.to_string()])
            .map_err(self.failed())
    }

    pub(super) fn connection(&self) -> &Prepared {
        &self.connection
    }
}

fn standing(word: &str) -> Result<Standing, TillKeysError> {
    Standing::from_word(word).ok_or_else(|| wrong("standing")(word))
}

fn read(row: &Row<'_>) -> Result<PaymentRow, TillKeysError> {
    let text = |index: usize| row.get::<_, String>(index).map_err(wrong("payment"));
    let outcome = row.get::<_, Option<String>>(6).map_err(wrong("outcome"))?;
    Ok(PaymentRow {
        number: PaymentNumber(row.get(0).map_err(wrong("number"))?),
        till: TillId(row.get(1).map_err(wrong("till"))?),
        key: text(2)?.parse().map_err(wrong("key"))?,
        request: PaymentRequest::of_canonical(&text(3)?).map_err(wrong("request"))?,
        standing: standing(&text(4)?)?,
        accepted_at: text(5)?.parse().map_err(wrong("time"))?,
        outcome: outcome.map(|word| Outcome::from_word(&word).ok_or_else(|| wrong("outcome")(word))).transpose()?,
        facts: serde_json::from_str(&text(7)?).map_err(wrong("payment"))?,
        told: text(8)?,
    })
}
