//! People in the ledger: who they are, what is kept of their codes, who is signed on, and what is written down of them. Each change and
//! the entry that tells of it are one database transaction.

use std::time::Duration;

use jiff::civil::DateTime;
use rusqlite::types::Value;
use rusqlite::{Row, TransactionBehavior, params, params_from_iter};

use super::row::{maybe_word, word};
use super::{Ledger, LedgerError, statement_error};
use crate::people::{AuditEntry, Deed, KeptCode, Moment, Person, PersonNumber, Place, Right, Roster, Tries};

/// What is looked for among what was written down of people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// About this person, or done by them.
    pub person: Option<PersonNumber>,
    /// No earlier than this, local time.
    pub from: Option<DateTime>,
    /// Earlier than this.
    pub before: Option<DateTime>,
}

impl Ledger {
    /// Everybody, by number.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn people(&self) -> Result<Roster, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare("SELECT number, name, enabled, code, wrong, wrong_boot, wrong_at_ms FROM people ORDER BY number")
            .map_err(&failed)?;
        let rows = statement.query_map([], |row| Ok(person(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect::<Result<_, _>>().map(Roster)
    }

    /// Adds somebody, who has no code yet.
    ///
    /// # Errors
    /// When the number is taken or has no role, or it cannot be written.
    pub fn add_person(&mut self, number: PersonNumber, name: &str, entry: &AuditEntry) -> Result<(), LedgerError> {
        crate::people::check_name(name)?;
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        self.people()?.check_new(number)?;
        transaction
            .execute(
                "INSERT INTO people (number, name, enabled, added_at) VALUES (?1, ?2, 1, ?3)",
                params![number.number(), name, entry.at.to_string()],
            )
            .map_err(&failed)?;
        self.write_down(entry)?;
        self.commit(transaction)
    }

    /// Gives somebody a code. Wrong ones before it count no more.
    ///
    /// # Errors
    /// When there is nobody of this number, or it cannot be written.
    pub fn give_code(&mut self, number: PersonNumber, code: &KeptCode, entry: &AuditEntry) -> Result<(), LedgerError> {
        let changes = "code = ?2, wrong = 0, wrong_boot = NULL, wrong_at_ms = NULL";
        self.change_person(number, changes, &[&code.stored()], entry)
    }

    /// Calls somebody otherwise from now on. What was written down before names the number, and stays.
    ///
    /// # Errors
    /// When there is nobody of this number, nobody can be called that, or it cannot be written.
    pub fn name_person(&mut self, number: PersonNumber, name: &str, entry: &AuditEntry) -> Result<(), LedgerError> {
        crate::people::check_name(name)?;
        self.change_person(number, "name = ?2", &[&name], entry)
    }

    /// Enables somebody, or disables.
    ///
    /// # Errors
    /// When there is nobody of this number, the others do not allow it, or it cannot be written.
    pub fn enable_person(
        &mut self,
        number: PersonNumber,
        enabled: bool,
        entry: &AuditEntry,
    ) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let roster = self.people()?;
        if enabled {
            roster.check_enable(number)?
        } else {
            roster.check_disable(number)?
        }
        transaction
            .execute("UPDATE people SET enabled = ?2 WHERE number = ?1", params![number.number(), enabled])
            .map_err(&failed)?;
        if !enabled {
            // Who is disabled is no longer signed on.
            transaction
                .execute("UPDATE on_duty SET person = NULL, since = NULL WHERE person = ?1", [number.number()])
                .map_err(&failed)?;
        }
        self.write_down(entry)?;
        self.commit(transaction)
    }

    /// A code is about to be looked at: it counts as a wrong one until [`Ledger::code_was_right`]. Gives how many there are now.
    ///
    /// # Errors
    /// When there is nobody of this number, or it cannot be written: then it must not be looked at.
    pub fn count_try(&mut self, number: PersonNumber, now: &Moment) -> Result<u32, LedgerError> {
        let failed = statement_error(&self.path);
        let since_ms = i64::try_from(now.since_boot.as_millis()).unwrap_or(i64::MAX);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let changed = transaction
            .execute(
                "UPDATE people SET wrong = wrong + 1, wrong_boot = ?2, wrong_at_ms = ?3 WHERE number = ?1",
                params![number.number(), now.boot, since_ms],
            )
            .map_err(&failed)?;
        if changed != 1 {
            return Err(crate::people::NotAllowed::Nobody(number).into());
        }
        let wrong = transaction
            .query_row("SELECT wrong FROM people WHERE number = ?1", [number.number()], |row| row.get(0))
            .map_err(&failed)?;
        self.commit(transaction)?;
        Ok(wrong)
    }

    /// The code was right: wrong ones before it count no more.
    ///
    /// # Errors
    /// When it cannot be written: then it does not count as right.
    pub fn code_was_right(&mut self, number: PersonNumber) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "UPDATE people SET wrong = 0, wrong_boot = NULL, wrong_at_ms = NULL WHERE number = ?1",
                [number.number()],
            )
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// A code could not be looked at: it was neither right nor wrong.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn code_was_not_looked_at(&mut self, number: PersonNumber) -> Result<(), LedgerError> {
        self.connection
            .execute("UPDATE people SET wrong = max(wrong - 1, 0) WHERE number = ?1", [number.number()])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// Who is signed on, since when.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn on_duty(&self) -> Result<Option<(PersonNumber, DateTime)>, LedgerError> {
        let found: (Option<u32>, Option<String>) = self
            .connection
            .query_row("SELECT person, since FROM on_duty WHERE id = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(statement_error(&self.path))?;
        let (Some(person), Some(since)) = found else { return Ok(None) };
        let since = since.parse().map_err(|_| LedgerError::Value { what: "time", value: since.clone() })?;
        Ok(Some((number(person)?, since)))
    }

    /// Somebody signs on, or nobody is signed on any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_on_duty(&mut self, person: Option<PersonNumber>, entry: &AuditEntry) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let since = person.map(|_| entry.at.to_string());
        transaction
            .execute(
                "UPDATE on_duty SET person = ?1, since = ?2 WHERE id = 1",
                params![person.map(PersonNumber::number), since],
            )
            .map_err(&failed)?;
        self.write_down(entry)?;
        self.commit(transaction)
    }

    /// Whoever takes the payments that are begun from now on, by this program.
    pub fn cashier_is(&mut self, cashier: Option<PersonNumber>) {
        self.cashier = cashier;
    }

    /// Writes down what happened with people.
    ///
    /// # Errors
    /// When it cannot be written: then it must not have happened.
    pub fn audit(&mut self, entry: &AuditEntry) -> Result<(), LedgerError> {
        self.write_down(entry)
    }

    /// The same, in a transaction of the database that has begun or none.
    pub(super) fn write_down(&self, entry: &AuditEntry) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "INSERT INTO audit (at, place, deed, person, by, \"right\", detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    entry.at.to_string(),
                    entry.place.word(),
                    entry.deed.word(),
                    entry.person.map(PersonNumber::number),
                    entry.by.map(PersonNumber::number),
                    entry.right.map(Right::word),
                    entry.detail,
                ],
            )
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// What was written down of people, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn audit_entries(&self, search: &AuditSearch, most: usize) -> Result<Vec<AuditEntry>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut values: Vec<Value> = vec![i64::try_from(most).unwrap_or(i64::MAX).into()];
        let mut conditions = vec!["1".to_owned()];
        let mut value = |value: Value| {
            values.push(value);
            format!("?{}", values.len())
        };
        if let Some(person) = search.person {
            let person = value(i64::from(person.number()).into());
            conditions.push(format!("(person = {person} OR by = {person})"));
        }
        if let Some(from) = search.from {
            conditions.push(format!("at >= {}", value(from.to_string().into())));
        }
        if let Some(before) = search.before {
            conditions.push(format!("at < {}", value(before.to_string().into())));
        }
        let sql = format!(
            "SELECT at, place, deed, person, by, \"right\", detail FROM audit WHERE {} ORDER BY id DESC LIMIT ?1",
            conditions.join(" AND ")
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let rows = statement.query_map(params_from_iter(values), |row| Ok(entry(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    fn change_person(
        &mut self,
        number: PersonNumber,
        assignment: &str,
        values: &[&dyn rusqlite::ToSql],
        entry: &AuditEntry,
    ) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let sql = format!("UPDATE people SET {assignment} WHERE number = ?1");
        let number_of = number.number();
        let all = [&[&number_of as &dyn rusqlite::ToSql], values].concat();
        if transaction.execute(&sql, &*all).map_err(&failed)? != 1 {
            return Err(crate::people::NotAllowed::Nobody(number).into());
        }
        self.write_down(entry)?;
        self.commit(transaction)
    }
}

/// Reads a number.
pub(super) fn number(number: u32) -> Result<PersonNumber, LedgerError> {
    PersonNumber::new(number).map_err(|_| LedgerError::Value { what: "number of a person", value: number.to_string() })
}

/// Reads a number that may not be there.
pub(super) fn maybe_number(row: &Row<'_>, index: usize) -> Result<Option<PersonNumber>, LedgerError> {
    let found: Option<u32> =
        row.get(index).map_err(|error| LedgerError::Value { what: "number of a person", value: error.to_string() })?;
    found.map(number).transpose()
}

fn person(row: &Row<'_>) -> Result<Person, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "person", value: error.to_string() };
    let (boot, at_ms): (Option<String>, Option<i64>) = (row.get(5).map_err(wrong)?, row.get(6).map_err(wrong)?);
    let at =
        boot.zip(at_ms).map(|(boot, at_ms)| Moment { boot, since_boot: Duration::from_millis(at_ms.unsigned_abs()) });
    Ok(Person {
        number: number(row.get(0).map_err(wrong)?)?,
        name: row.get(1).map_err(wrong)?,
        enabled: row.get(2).map_err(wrong)?,
        code: row.get::<_, Option<String>>(3).map_err(wrong)?.map(KeptCode::from_stored),
        tries: Tries { wrong: row.get(4).map_err(wrong)?, at },
    })
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, LedgerError> {
    Ok(AuditEntry {
        at: word(row, 0, "time", |text| text.parse().ok())?,
        place: word(row, 1, "place", Place::from_word)?,
        deed: word(row, 2, "deed", Deed::from_word)?,
        person: maybe_number(row, 3)?,
        by: maybe_number(row, 4)?,
        right: maybe_word(row, 5, "right", Right::from_word)?,
        detail: word(row, 6, "detail", |text| Some(text.to_owned()))?,
    })
}

#[cfg(test)]
mod tests;
