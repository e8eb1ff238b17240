//! The issuer looks at a card without its chip: whether its stripe is one that it has written, whether a stripe may stand for a chip, and
//! whether the holder is the one who knows the PIN. No network here.

use rusqlite::{OptionalExtension, params};

use super::books::{Account, Books};
use super::pins;
use super::store::{Store, StoreError};
use super::transactions::Asked;
use crate::card_number::{PinDemand, ServiceCode};
use crate::ledger::Prepared;
use crate::payment::online::EntryMode;
use crate::payment::transaction::Kind;
use crate::sandbox::stripe::{StripeCard, is_own_stripe};

/// Table of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS stripes (
        pan          TEXT PRIMARY KEY REFERENCES accounts,
        service_code TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// A card that may not be used so: its chip could be read, as far as anybody says.
const NOT_PERMITTED: &str = "57";

/// The verification of the card failed.
const NOT_VERIFIED: &str = "59";

/// The application of a UnionPay card, by which settlements know the scheme of one without a chip.
const UNIONPAY_AID: &str = "A000000333010101";

/// Master key of accounts whose cards have no chip: it makes no cryptogram.
const NO_CHIP_KEY: &[u8; 16] = b"TEST NO CHIP AT.";

/// What is wrong with a request: response code and reason.
type Problem = (&'static str, &'static str);

impl Store {
    /// The account behind a card without a chip; one that is there keeps its balance.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn register_stripe(&self, card: &StripeCard) -> Result<(), StoreError> {
        self.register_chipless(&card.pan, &card.expiry, NO_CHIP_KEY, card.balance, UNIONPAY_AID)?;
        self.transaction(|books| note(books.connection(), &card.pan, &card.service_code))
    }
}

/// Keeps which service code stands on a card.
pub(super) fn note(connection: &Prepared, pan: &str, service_code: &str) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO stripes (pan, service_code) VALUES (?1, ?2) ON CONFLICT (pan) DO UPDATE SET service_code = ?2",
        params![pan, service_code],
    )?;
    Ok(())
}

/// What there is to be said against a card without its chip. Number and expiry have been looked at.
///
/// # Errors
/// When the database fails.
pub(super) fn check(books: &Books<'_>, account: &Account, asked: &Asked<'_>) -> Result<Option<Problem>, StoreError> {
    let message = asked.message;
    if message.bytes(55).is_some() {
        return Ok(Some(("30", "chip data of a card without its chip")));
    }
    let code = match (asked.entry, message.text(35)) {
        (EntryMode::Typed, None) => None,
        (EntryMode::Typed, Some(_)) => return Ok(Some(("30", "a track of a card whose number was typed"))),
        // What may have to be sent again brings no track.
        (_, None) if asked.kind == Kind::Refund => None,
        (_, None) => return Ok(Some(("30", "a stripe without track 2"))),
        (entry, Some(track)) => {
            let behind = track.split_once(['D', '=']).map_or("", |(_, behind)| behind);
            let (Some(code), Some(own)) = (behind.get(4..7), behind.get(7..)) else {
                return Ok(Some((NOT_VERIFIED, "track 2 is too short")));
            };
            if issued(books.connection(), asked.pan)?.as_deref() != Some(code) {
                return Ok(Some((NOT_VERIFIED, "the service code is not the one on the card")));
            }
            if !is_own_stripe(asked.pan, &account.expiry, code, own)? {
                return Ok(Some((NOT_VERIFIED, "the verification value on the stripe is wrong")));
            }
            let code = ServiceCode::parse(code);
            if code.is_some_and(ServiceCode::has_chip) && entry != EntryMode::Fallback {
                return Ok(Some((
                    NOT_PERMITTED,
                    "a card with a chip was swiped, and nobody says that it could not be read",
                )));
            }
            code
        }
    };
    match &asked.pin {
        Some(pin) => pins::check(books, asked.pan, pin),
        None if asked.kind.takes_pin() && code.is_some_and(|code| code.pin() == PinDemand::Required) => {
            Ok(Some(("05", "the card demands a PIN")))
        }
        None => Ok(None),
    }
}

/// How it was read, for the books.
pub(super) const fn said_of(entry: EntryMode) -> &'static str {
    match entry {
        EntryMode::Chip | EntryMode::NotRead => "",
        EntryMode::Stripe => ", by its stripe",
        EntryMode::Fallback => ", by its stripe because the chip could not be read (fallback)",
        EntryMode::Typed => ", its number typed",
    }
}

fn issued(connection: &Prepared, pan: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT service_code FROM stripes WHERE pan = ?1";
    Ok(connection.query_row(sql, [pan], |row| row.get(0)).optional()?)
}
