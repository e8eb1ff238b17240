//! What is to be told and what was, in the host's database; and who has which phone.

use rusqlite::{OptionalExtension, Row, params};

use super::{About, Event, Notification, Phone};
use crate::ledger::Prepared;
use crate::money::{Amount, Currency};
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::host::Host;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::store::{Store, StoreError};
use crate::wording::Language;

/// Tables of this module.
pub(in crate::sandbox::host) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS phones (
        holder   TEXT PRIMARY KEY,            -- a TEST card number, or the name of a wallet
        phone    TEXT NOT NULL,               -- a TEST number: no network gives such to anybody
        language TEXT NOT NULL CHECK (language IN ('zh', 'en'))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS notifications (
        id            INTEGER PRIMARY KEY,
        key           TEXT NOT NULL UNIQUE,
        event         TEXT NOT NULL,
        phone         TEXT NOT NULL,
        language      TEXT NOT NULL,
        text          TEXT NOT NULL,
        amount        INTEGER NOT NULL,
        merchant_name TEXT NOT NULL,
        terminal      TEXT NOT NULL,
        batch         INTEGER NOT NULL,
        stan          INTEGER NOT NULL,
        rrn           TEXT NOT NULL,
        made_at       INTEGER NOT NULL,
        state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
        tries         INTEGER NOT NULL DEFAULT 0,
        next_at       INTEGER NOT NULL,
        problem       TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS notifications_due ON notifications (next_at) WHERE state = 'waiting';
";

/// Tries before a notification is given up.
const MOST_TRIES: u32 = 12;

/// The longest pause between two tries, in seconds.
const LONGEST_PAUSE_S: i64 = 300;

/// How far a notification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// To be told.
    Waiting,
    /// The provider has it.
    Delivered,
    /// Tried too often.
    GivenUp,
}

impl Standing {
    const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::GivenUp];

    /// The word in the database and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// Gives every account and every wallet a phone that has none yet.
pub(in crate::sandbox::host) fn make_phones(store: &Store) -> Result<(), StoreError> {
    store.transaction(|books| {
        let connection: &Prepared = books.connection();
        let holders: Vec<String> = {
            let sql = "SELECT pan FROM accounts UNION ALL SELECT name FROM wallets ORDER BY 1";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        };
        for (number, holder) in (1..).zip(holders) {
            let language = if holder == "wallet-3" { "en" } else { "zh" };
            let number: i32 = number;
            connection.execute(
                "INSERT INTO phones (holder, phone, language) VALUES (?1, ?2, ?3) ON CONFLICT (holder) DO NOTHING",
                params![holder, format!("+8610000{number:06}"), language],
            )?;
        }
        Ok(())
    })
}

/// The phone of whoever pays.
pub(super) fn phone_of(books: &Books<'_>, holder: &str) -> Result<Option<(Phone, Language)>, StoreError> {
    let sql = "SELECT phone, language FROM phones WHERE holder = ?1";
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let found = books.connection().query_row(sql, [holder], read).optional()?;
    found.map(|(phone, word)| Ok((phone_in(&phone)?, language(&word)))).transpose()
}

#[expect(clippy::too_many_arguments, reason = "a row has so many columns")]
pub(super) fn write(
    books: &Books<'_>,
    event: Event,
    about: &About<'_>,
    phone: &Phone,
    language: Language,
    merchant: &str,
    text: &str,
    now: i64,
) -> Result<(), StoreError> {
    let amount = i64::try_from(about.minor).map_err(|_| StoreError::Row("an amount beyond all bounds".to_owned()))?;
    books.connection().execute(
        "INSERT INTO notifications (key, event, phone, language, text, amount, merchant_name, terminal, batch, stan, rrn, made_at,
                                    next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12) ON CONFLICT (key) DO NOTHING",
        params![
            format!("{}-{}-{}-{}", about.terminal, about.trace.batch, about.trace.stan, event.word()),
            event.word(),
            phone.expose(),
            match language {
                Language::Chinese => "zh",
                Language::English => "en",
            },
            text,
            amount,
            merchant,
            about.terminal,
            about.trace.batch.number(),
            about.trace.stan.number(),
            about.rrn,
            now
        ],
    )?;
    Ok(())
}

const COLUMNS: &str = "id, key, event, phone, language, text, amount, merchant_name, terminal, batch, stan, rrn, made_at, state, tries, \
                       problem";

impl Store {
    /// All notifications, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn notifications(&self) -> Result<Vec<Notification>, StoreError> {
        self.transaction(|books| {
            let sql = format!("SELECT {COLUMNS} FROM notifications ORDER BY id");
            let mut statement = books.connection().prepare(&sql)?;
            let rows = statement.query_map([], |row| Ok(notification(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// The one that has been due for longest.
    pub(super) fn due_notification(&self, now: i64) -> Result<Option<Notification>, StoreError> {
        self.transaction(|books| {
            let sql = format!(
                "SELECT {COLUMNS} FROM notifications WHERE state = 'waiting' AND next_at <= ?1 ORDER BY next_at, id LIMIT 1"
            );
            books.connection().query_row(&sql, [now], |row| Ok(notification(row))).optional()?.transpose()
        })
    }

    /// What came of a try.
    pub(super) fn note_delivery(
        &self,
        notification: &Notification,
        failed_by: Option<&str>,
        now: i64,
    ) -> Result<(), StoreError> {
        let tries = notification.tries + 1;
        let state = match failed_by {
            None => Standing::Delivered,
            Some(_) if tries >= MOST_TRIES => Standing::GivenUp,
            Some(_) => Standing::Waiting,
        };
        self.transaction(|books| {
            books.connection().execute(
                "UPDATE notifications SET state = ?2, tries = ?3, next_at = ?4, problem = ?5 WHERE id = ?1",
                params![notification.id, state.word(), tries, now + pause_s(tries), failed_by],
            )?;
            Ok(())
        })
    }
}

impl Host {
    /// As [`Store::notifications`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn notifications(&self) -> Result<Vec<Notification>, StoreError> {
        self.store.notifications()
    }
}

/// Seconds between the last of so many tries and the next one.
fn pause_s(tries: u32) -> i64 {
    1_i64.checked_shl(tries.saturating_sub(1)).unwrap_or(LONGEST_PAUSE_S).clamp(1, LONGEST_PAUSE_S)
}

fn phone_in(text: &str) -> Result<Phone, StoreError> {
    Phone::parse(text).ok_or_else(|| StoreError::Row("a telephone number that is none".to_owned()))
}

fn language(word: &str) -> Language {
    if word == "en" { Language::English } else { Language::Chinese }
}

fn notification(row: &Row<'_>) -> Result<Notification, StoreError> {
    let damaged = |problem: &dyn ToString| StoreError::Row(problem.to_string());
    let words: (String, String, String) = (row.get(2)?, row.get(4)?, row.get(13)?);
    let minor = row.get::<_, i64>(6)?.try_into().map_err(|error| damaged(&error))?;
    Ok(Notification {
        id: row.get(0)?,
        key: row.get(1)?,
        event: Event::ALL.into_iter().find(|event| event.word() == words.0).ok_or(StoreError::Row(words.0))?,
        phone: phone_in(&row.get::<_, String>(3)?)?,
        language: language(&words.1),
        text: row.get(5)?,
        amount: Amount::new(minor, Currency::CNY).map_err(|error| damaged(&error))?,
        merchant_name: row.get(7)?,
        terminal: row.get(8)?,
        trace: TraceNumber {
            batch: Batch::new(row.get(9)?).map_err(|error| damaged(&error))?,
            stan: Stan::new(row.get(10)?).map_err(|error| damaged(&error))?,
        },
        rrn: row.get(11)?,
        made_at: row.get(12)?,
        standing: Standing::ALL.into_iter().find(|one| one.word() == words.2).ok_or(StoreError::Row(words.2))?,
        tries: row.get(14)?,
        problem: row.get(15)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses: Vec<_> = (1..=12).map(pause_s).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(pause_s(u32::MAX), 300);
    }

    #[test]
    fn what_cannot_be_delivered_is_tried_twelve_times_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("host.sqlite3")).unwrap();
        store.make_wallets().unwrap();
        make_phones(&store).unwrap();
        let trace = TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(2).unwrap() };
        let about = About { holder: "wallet-3", terminal: "10000001", trace, minor: 500, rrn: "263330000001" };
        for _ in 0..2 {
            store.transaction(|books| super::super::queue(books, Event::Paid, &about, 100)).unwrap();
        }
        let nobody = About { holder: "6228480000000001230", ..about };
        store.transaction(|books| super::super::queue(books, Event::Held, &nobody, 100)).unwrap();
        assert_eq!(
            store.notifications().unwrap().len(),
            1,
            "the same twice is once, and who has no phone is told nothing"
        );
        let mut now = 100;
        for tries in 0..12 {
            let due = store.due_notification(now).unwrap().unwrap();
            assert_eq!((due.tries, due.language), (tries, Language::English));
            store.note_delivery(&due, Some("no answer"), now).unwrap();
            assert_eq!(store.due_notification(now).unwrap(), None, "not before the pause is over");
            now += LONGEST_PAUSE_S;
        }
        assert_eq!(store.due_notification(now).unwrap(), None);
        let kept = &store.notifications().unwrap()[0];
        assert_eq!((kept.standing, kept.problem.as_deref()), (Standing::GivenUp, Some("no answer")));
    }
}
