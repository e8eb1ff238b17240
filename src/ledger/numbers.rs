//! Whole card numbers: each is kept under a key of its own (AES-256-GCM, bound to its payment), which a storage key of the vault
//! wraps, and can be read as long as a payment may be voided, refunded or taken back.
//!
//! When a batch is over its keys are destroyed: the keys that must live on come under a new storage key, and the vault
//! destroys the old one. So nothing is left to find, in old pages, in the copy of yesterday or in the cells of a memory card.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension, TransactionBehavior, params};
use zeroize::Zeroizing;

use super::connecting::{PATIENCE, empty_log};
use super::{Ledger, LedgerError, statement_error};
use crate::card_number::Pan;
use crate::crypto::gcm;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};
use crate::vault::{SecureElement, StorageKey, VaultError};

/// Payments whose keys must go: of a batch that is over, and with nothing to take back, to send again or to tell the host any more.
/// What a person is to decide may be yet. It begins at the keys: they are few, payments of many years are not.
const OVER: &str = "SELECT id FROM pan_keys CROSS JOIN transactions ON id = transaction_id
     WHERE (merchant_code, terminal_number, batch) <> (?1, ?2, (SELECT batch FROM counters WHERE id = 1))
     AND batch NOT IN (SELECT batch FROM settlements WHERE state <> 'closed' AND state <> 'given_up')
     AND state NOT IN ('pending', 'host_approved', 'reversal_due', 'repeat_due')
     AND (state <> 'unresolved' OR resolution IS NOT NULL)
     AND id NOT IN (SELECT o.transaction_id FROM offline_sales o WHERE o.state <> 'delivered' AND o.state = 'queued')";

/// The vault, for the ledger.
pub(super) struct Keeper(Arc<dyn SecureElement>);

/// A card number as it is written down.
pub(super) struct Kept {
    sealed_pan: Vec<u8>,
    storage_key: StorageKey,
    wrapped: Vec<u8>,
}

impl Kept {
    /// What stands in the row of the payment.
    pub(super) fn sealed_pan(&self) -> &[u8] {
        &self.sealed_pan
    }
}

/// A key that must live on.
struct Living {
    id: i64,
    bound: String,
    storage_key: StorageKey,
    wrapped: Vec<u8>,
}

impl Ledger {
    /// From now on whole card numbers are kept, by keys of this vault. Without a vault the ledger has their first six and last
    /// four digits only.
    #[must_use]
    pub fn keeping_numbers(mut self, vault: Arc<dyn SecureElement>) -> Self {
        self.keeper = Some(Keeper(vault));
        self
    }

    /// The card number of a payment; none where it was not kept or its key was destroyed.
    ///
    /// # Errors
    /// When the ledger cannot be read or the vault fails.
    pub fn pan(&self, trace: TraceNumber) -> Result<Option<Pan>, LedgerError> {
        let Some(Keeper(vault)) = &self.keeper else { return Ok(None) };
        let found: Option<(Vec<u8>, i64, Vec<u8>)> = self
            .connection
            .query_row(
                "SELECT sealed_pan, storage_key, wrapped FROM transactions JOIN pan_keys ON transaction_id = id
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .map_err(statement_error(&self.path))?;
        let Some((sealed_pan, storage_key, wrapped)) = found else { return Ok(None) };
        let bound = self.bound(trace);
        let key = match vault.unwrap_key(StorageKey::of_number(storage_key), &wrapped, bound.as_bytes()) {
            // A ledger whose place a copy took may know keys that were destroyed since.
            Err(VaultError::NoStorageKey(_)) => return Ok(None),
            key => key?,
        };
        let digits = gcm::open(&key, bound.as_bytes(), &sealed_pan).map_err(VaultError::from)?;
        // What stands there is not repeated.
        let wrong = || LedgerError::Value { what: "card number", value: "something else".to_owned() };
        let digits = std::str::from_utf8(&digits).map_err(|_| wrong())?;
        Pan::of_digits(digits).map(Some).map_err(|_| wrong())
    }

    /// Destroys the keys of card numbers of every batch but the one whose numbers are given now, except where a payment may yet be
    /// taken back. Whoever closes a batch calls it, and every start: what a power cut leaves is finished then, and a vault that
    /// has no storage key yet makes one before the first payment. Gives how many were destroyed.
    ///
    /// # Errors
    /// When it is not done: the keys are there, or some of them, and it must be tried again.
    pub fn destroy_number_keys(&mut self) -> Result<usize, LedgerError> {
        let Some(Keeper(vault)) = &self.keeper else { return Ok(0) };
        let failed = statement_error(&self.path);
        let identity = [self.merchant_code.as_str(), self.terminal_number.as_str()];
        let over: i64 = self
            .connection
            .query_row(&format!("SELECT count(*) FROM ({OVER})"), identity, |row| row.get(0))
            .map_err(&failed)?;
        let before = vault.storage_keys()?;
        if over == 0 && before.len() == 1 {
            return Ok(0);
        }
        // Nothing that goes was ever under the new one.
        let storage_key = if over > 0 { vault.make_storage_key()? } else { newest(&**vault)? };
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        let destroyed = self
            .connection
            .execute(&format!("DELETE FROM pan_keys WHERE transaction_id IN ({OVER})"), identity)
            .map_err(&failed)?;
        for living in self.living(storage_key)? {
            match vault.unwrap_key(living.storage_key, &living.wrapped, living.bound.as_bytes()) {
                Ok(key) => {
                    let wrapped = vault.wrap_key(storage_key, &key, living.bound.as_bytes())?;
                    self.connection
                        .execute(
                            "UPDATE pan_keys SET storage_key = ?2, wrapped = ?3 WHERE transaction_id = ?1",
                            params![living.id, storage_key.number(), wrapped],
                        )
                        .map_err(&failed)?;
                }
                Err(VaultError::NoStorageKey(_)) => {
                    self.connection
                        .execute("DELETE FROM pan_keys WHERE transaction_id = ?1", [living.id])
                        .map_err(&failed)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.commit(transaction)?;
        // Durable before the only key goes that could read what stood there.
        vault.destroy_storage_keys_but(storage_key)?;
        self.empty_log();
        Ok(destroyed)
    }

    /// Encrypts a card number, where numbers are kept.
    pub(super) fn seal(&self, trace: TraceNumber, pan: &Pan) -> Result<Option<Kept>, LedgerError> {
        let Some(Keeper(vault)) = &self.keeper else { return Ok(None) };
        let (mut key, mut nonce) = (Zeroizing::new([0; gcm::KEY]), [0; gcm::NONCE]);
        getrandom::fill(key.as_mut_slice())
            .and_then(|()| getrandom::fill(&mut nonce))
            .map_err(|error| VaultError::Random(error.to_string()))?;
        let bound = self.bound(trace);
        let storage_key = newest(&**vault)?;
        Ok(Some(Kept {
            sealed_pan: gcm::seal(&key, &nonce, bound.as_bytes(), pan.expose_digits().as_bytes())
                .map_err(VaultError::from)?,
            storage_key,
            wrapped: vault.wrap_key(storage_key, &key, bound.as_bytes())?,
        }))
    }

    /// Writes the key of the row that was just made.
    pub(super) fn keep_key(&self, kept: &Kept) -> rusqlite::Result<()> {
        let id = self.connection.last_insert_rowid();
        self.connection.execute(
            "INSERT INTO pan_keys (transaction_id, storage_key, wrapped) VALUES (?1, ?2, ?3)",
            params![id, kept.storage_key.number(), kept.wrapped],
        )?;
        Ok(())
    }

    /// Keys that are not under this storage key.
    fn living(&self, storage_key: StorageKey) -> Result<Vec<Living>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT id, merchant_code, terminal_number, batch, stan, storage_key, wrapped
                 FROM pan_keys CROSS JOIN transactions ON id = transaction_id WHERE storage_key <> ?1",
            )
            .map_err(&failed)?;
        let rows = statement
            .query_map([storage_key.number()], |row| {
                let (merchant, terminal): (String, String) = (row.get(1)?, row.get(2)?);
                Ok(Living {
                    id: row.get(0)?,
                    bound: bound_to(&merchant, &terminal, row.get(3)?, row.get(4)?),
                    storage_key: StorageKey::of_number(row.get(5)?),
                    wrapped: row.get(6)?,
                })
            })
            .map_err(&failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// What is in the write-ahead log comes into the file, and the log is cut: old pages in it hold wrapped keys, though nothing
    /// unwraps them. Where somebody reads just now it is done with the next one.
    fn empty_log(&self) {
        let emptied = self.connection.busy_timeout(Duration::ZERO).and_then(|()| empty_log(&self.connection));
        if !matches!(emptied, Ok(true)) {
            tracing::info!(?emptied, "the ledger's write-ahead log was not emptied");
        }
        if let Err(error) = self.connection.busy_timeout(PATIENCE) {
            tracing::warn!(%error, "the ledger's connection no longer waits for others");
        }
    }

    /// The payment that a key and a number belong to: neither works in the place of another's.
    fn bound(&self, trace: TraceNumber) -> String {
        let (merchant, terminal): (&MerchantCode, &TerminalNumber) = (&self.merchant_code, &self.terminal_number);
        bound_to(merchant.as_str(), terminal.as_str(), trace.batch.number(), trace.stan.number())
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({})", self.0.name())
    }
}

fn bound_to(merchant: &str, terminal: &str, batch: u32, stan: u32) -> String {
    format!("yima card number {merchant} {terminal} {batch:06} {stan:06}")
}

/// The storage key that wraps what comes.
fn newest(vault: &dyn SecureElement) -> Result<StorageKey, VaultError> {
    vault.storage_keys()?.pop().map_or_else(|| vault.make_storage_key(), Ok)
}

#[cfg(test)]
mod tests;
