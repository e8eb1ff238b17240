//! E-receipts: what a customer's link opens. The link was made by the terminal alone ([`crate::receipt::link`]); the host looks
//! whether its terminal signed it, whether it is still valid, and whether the payment is in its books. What is shown is what
//! these books say: of the card the last four digits, and how the payment stands now.
//!
//! Goods and a tip are on it as far as the terminal told them beside the payment. A purchase that was paid in parts has one page with all of
//! them; what was paid in cash stands in its link alone.

mod facts;
mod found;
mod goods;
mod purchases;

use jiff::civil::Date;
use zeroize::Zeroizing;

pub(super) use self::facts::{keep, merchant_name};
pub use self::found::{EReceipt, Now};
pub(super) use self::goods::told;
pub use self::purchases::PurchaseReceipt;
use super::Host;
use super::books::Books;
use super::store::{Store, StoreError};
use crate::crypto::device;
use crate::crypto::sm4::Sm4Key;
use crate::ledger::Prepared;
use crate::receipt::link::{LinkKey, PURPOSE, ReceiptLink};

/// Tables of this module.
pub(super) const SCHEMAS: [&str; 2] = [facts::SCHEMA, goods::SCHEMA];

/// What a link opens.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// A receipt.
    Receipt(Box<EReceipt>),
    /// The receipt of a purchase that was paid in parts.
    Purchase(Box<PurchaseReceipt>),
    /// Nothing any more: its last day is over.
    Expired,
    /// Nothing. Whether its signature is wrong or nobody knows the payment is not told.
    Nothing,
}

/// What signed the links of a terminal: of the device key that it has, and of those that it had, so that a slip outlives an enrolment
/// anew. Called where a device key is written.
///
/// # Errors
/// When the database cannot be written, or what stands there is no key.
pub(super) fn keep_link_keys(connection: &Prepared) -> Result<(), StoreError> {
    let missing: Vec<(String, Vec<u8>)> = {
        let mut statement = connection.prepare("SELECT terminal, device_key FROM terminals")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (terminal, device_key) in missing {
        let device_key = Zeroizing::new(device_key);
        let secret = device::secret_for(&Sm4Key::new(&device_key)?, PURPOSE)?;
        connection.execute(
            "INSERT INTO link_keys (terminal, secret) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            rusqlite::params![terminal, secret.as_slice()],
        )?;
    }
    Ok(())
}

fn link_keys(books: &Books<'_>, terminal: &str) -> Result<Vec<LinkKey>, StoreError> {
    let mut statement = books.connection().prepare("SELECT secret FROM link_keys WHERE terminal = ?1")?;
    let rows = statement.query_map([terminal], |row| Ok(LinkKey::new(Zeroizing::new(row.get(0)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Store {
    /// What a link opens, of which `path` stands behind `/R/`, on a day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_receipt(&self, path: &str, today: Date) -> Result<Opened, StoreError> {
        let Some((link, signature)) = ReceiptLink::parse(path) else { return Ok(Opened::Nothing) };
        self.transaction(|books| {
            let mut is_signed = false;
            for key in link_keys(books, link.terminal.as_str())? {
                is_signed |= link.is_signed(&signature, &key)?;
            }
            if !is_signed {
                return Ok(Opened::Nothing);
            }
            let found = if link.is_of_purchase() {
                purchases::find(books, &link)?.map(|found| Opened::Purchase(Box::new(found)))
            } else {
                found::find(books, &link, link.trace)?.map(|found| Opened::Receipt(Box::new(found)))
            };
            Ok(match found {
                None => Opened::Nothing,
                Some(_) if today > link.until => Opened::Expired,
                Some(found) => found,
            })
        })
    }
}

impl Host {
    /// As [`Store::open_receipt`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_receipt(&self, path: &str, today: Date) -> Result<Opened, StoreError> {
        self.store.open_receipt(path, today)
    }
}
