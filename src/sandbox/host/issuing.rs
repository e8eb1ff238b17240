//! The issuer: whether a card is its own, made its cryptogram for this very request, and has the money. No network here.

use jiff::Zoned;

use super::books::{Account, Books};
use super::cryptogram::{self, Claim};
use super::instalments;
use super::pins;
use super::rules::PART;
use super::scripts::{self, Script};
use super::store::StoreError;
use super::stripes;
use super::transactions::{Asked, Verdict};
use crate::payment::transaction::Kind;
use crate::sandbox::issuer::{Cryptogram, Verified};

/// The only currency there is here (field 49).
pub(super) const CNY: &str = "156";

/// A sale, or money to be set aside, also more of it.
///
/// # Errors
/// When the database fails.
pub(super) fn judge(books: &Books<'_>, asked: &Asked<'_>, now: &Zoned) -> Result<Verdict, StoreError> {
    let (account, verified) = match identify(books, asked, now)? {
        Ok(identified) => identified,
        Err(verdict) => return Ok(verdict),
    };
    let reason = match asked.original {
        Some(original) => format!("set aside beside {original}"),
        None if asked.kind == Kind::PreAuthorisation => "set aside".to_owned(),
        None => "approved".to_owned(),
    };
    let reason = format!("{reason}{}", stripes::said_of(asked.entry));
    let too_little = || Verdict::declined("51", "not enough in the account").of_account();
    let refused = match &asked.instalments {
        Some(wanted) => instalments::problem(books, asked.pan, asked.minor, wanted)?,
        None => None,
    };
    if let Some((code, reason)) = refused {
        return Ok(Verdict { verified, ..Verdict::declined(code, reason).of_account() });
    }
    let reason = match &asked.instalments {
        Some(wanted) => format!("{reason}, in {} periods", wanted.asked.periods),
        None => reason,
    };
    let verdict = match scripts::of(asked.kind, asked.minor) {
        Script::Decline(code) => Verdict::declined(&format!("{code:02}"), "the amount asks for it").of_account(),
        Script::Partial => match asked.minor / 2 {
            half if half <= account.available() => Verdict::approved(PART, "the amount asks for a part", half),
            _ => too_little(),
        },
        // Half a loaf, where the terminal can deal with it.
        _ if asked.minor > account.available() && asked.in_part && account.available() > 0 => {
            Verdict::approved(PART, "all that the account holds", account.available())
        }
        _ if asked.minor > account.available() => too_little(),
        _ => Verdict::approved("00", &reason, asked.minor),
    };
    Ok(Verdict { verified, ..verdict })
}

/// Whether the card is one of ours, and its holder the one who knows the PIN. The cryptogram comes back when it is right, also with a
/// refusal: the card may hear of it. A card without its chip has none.
///
/// # Errors
/// When the database fails.
pub(super) fn identify(
    books: &Books<'_>,
    asked: &Asked<'_>,
    now: &Zoned,
) -> Result<Result<(Account, Option<Verified>), Verdict>, StoreError> {
    let message = asked.message;
    let declined = |code: &str, reason: &str| Ok(Err(Verdict::declined(code, reason).of_account()));
    let Some(account) = books.account(asked.pan)? else {
        return Ok(Err(Verdict::declined("14", "no account behind this card")));
    };
    if message.text(49) != Some(CNY) {
        return declined("12", "only CNY is taken");
    }
    if message.text(14) != Some(&account.expiry) || account.expiry < year_and_month(now) {
        return declined("54", "expired, or another expiry than the account's");
    }
    let track_begins = format!("{}D{}", asked.pan, account.expiry);
    if message.text(35).is_some_and(|track| !track.starts_with(&track_begins)) {
        return declined("05", "track 2 is another card's");
    }
    if asked.entry.is_without_chip() {
        return Ok(match stripes::check(books, &account, asked)? {
            Some((code, reason)) => Err(Verdict::declined(code, reason).of_account()),
            None => Ok((account, None)),
        });
    }
    let sequence_number = format!("{:03}", account.sequence_number.number());
    if message.text(23).is_some_and(|number| number != sequence_number) {
        return declined("05", "the card sequence number is another card's");
    }
    let claim = Claim {
        amount: &format!("{:012}", asked.minor),
        currency: message.text(49).unwrap_or_default(),
        processing_code: message.text(3).unwrap_or_default(),
    };
    let chip_data = message.bytes(55).unwrap_or_default();
    // What a card has approved alone is told with its last word.
    let expected = if asked.kind == Kind::OfflineSale { Cryptogram::Tc } else { Cryptogram::Arqc };
    let verified = match cryptogram::verify(&account, expected, chip_data, &claim) {
        Ok(verified) => verified,
        Err(error) => return declined("05", &error.to_string()),
    };
    books.remember_atc(asked.pan, verified.atc)?;
    if asked.kind == Kind::OfflineSale && !books.remember_offline(asked.pan, verified.atc)? {
        return declined("05", "this cryptogram came with another number before");
    }
    if let Some(pin) = &asked.pin
        && let Some((code, reason)) = pins::check(books, asked.pan, pin)?
    {
        return Ok(Err(Verdict { verified: Some(verified), ..Verdict::declined(code, reason).of_account() }));
    }
    Ok(Ok((account, Some(verified))))
}

fn year_and_month(now: &Zoned) -> String {
    format!("{:02}{:02}", now.year() % 100, now.month())
}
