//! Processing restrictions: versions, usage control, dates (EMV 4.4 Book 3, 10.4).
//!
//! Needs: 9F08, 9F07, 5F28, 5F24, 5F25 of the card; 9F09, 9F1A, the date and the service of the terminal. Sets bits of
//! the TVR only.

use super::data::{CardDataError, DataObjects};
use super::results::Tvr;
use super::tag::{self, Tag};
use super::terminal::{Place, TransactionKind};

/// Usage control, first byte: domestic use; the bit below each is for international use (annex C2).
const DOMESTIC_CASH: u8 = 0x80;
const DOMESTIC_GOODS: u8 = 0x20;
const DOMESTIC_SERVICES: u8 = 0x08;
/// Valid at ATMs.
const AT_ATM: u8 = 0x02;
/// Valid at terminals other than ATMs.
const OTHER_THAN_ATM: u8 = 0x01;
/// Usage control, second byte: domestic cashback.
const DOMESTIC_CASHBACK: u8 = 0x80;

/// Checks what is asked of the application, and where.
///
/// # Errors
/// When a data object of the card has a wrong length, or a date is none.
pub fn check(data: &DataObjects, kind: TransactionKind, place: Place, tvr: &mut Tvr) -> Result<(), CardDataError> {
    versions(data, tvr)?;
    usage(data, kind, place, tvr)?;
    dates(data, tvr)
}

fn versions(data: &DataObjects, tvr: &mut Tvr) -> Result<(), CardDataError> {
    if let Some(card) = data.sized::<2>(tag::CARD_APPLICATION_VERSION)?
        && data.get(tag::TERMINAL_APPLICATION_VERSION) != Some(&card)
    {
        tvr.set(Tvr::VERSIONS_DIFFER);
    }
    Ok(())
}

fn usage(data: &DataObjects, kind: TransactionKind, place: Place, tvr: &mut Tvr) -> Result<(), CardDataError> {
    let Some([use_byte, cashback_byte]) = data.sized::<2>(tag::APPLICATION_USAGE_CONTROL)? else { return Ok(()) };
    let allowed_here = use_byte & if place == Place::Atm { AT_ATM } else { OTHER_THAN_ATM } != 0;
    // Without the issuer's country nothing says whether the transaction is domestic (Book 3, 10.4.2).
    let allowed_for = data.sized::<2>(tag::ISSUER_COUNTRY)?.is_none_or(|country| {
        let domestic = data.get(tag::TERMINAL_COUNTRY) == Some(&country);
        let scope = |bits: u8| if domestic { bits } else { bits >> 1 };
        let purchase = use_byte & scope(DOMESTIC_GOODS | DOMESTIC_SERVICES) != 0;
        match kind {
            TransactionKind::Purchase | TransactionKind::PreAuthorisation => purchase,
            TransactionKind::Cashback => purchase && cashback_byte & scope(DOMESTIC_CASHBACK) != 0,
            TransactionKind::Cash => use_byte & scope(DOMESTIC_CASH) != 0,
            // The Books restrict neither.
            TransactionKind::Refund | TransactionKind::Balance => true,
        }
    });
    if !(allowed_here && allowed_for) {
        tvr.set(Tvr::SERVICE_NOT_ALLOWED);
    }
    Ok(())
}

fn dates(data: &DataObjects, tvr: &mut Tvr) -> Result<(), CardDataError> {
    let today = with_century(data.sized(tag::TRANSACTION_DATE)?.unwrap_or_default());
    if let Some(effective) = date(data, tag::EFFECTIVE_DATE)?
        && with_century(effective) > today
    {
        tvr.set(Tvr::NOT_YET_EFFECTIVE);
    }
    let expiration = date(data, tag::EXPIRATION_DATE)?.ok_or(CardDataError::Missing(tag::EXPIRATION_DATE))?;
    if with_century(expiration) < today {
        tvr.set(Tvr::EXPIRED);
    }
    Ok(())
}

/// A date of the card. One that no calendar has ends the transaction (Book 3, 7.5).
fn date(data: &DataObjects, tag: Tag) -> Result<Option<[u8; 3]>, CardDataError> {
    let value = data.sized::<3>(tag)?;
    let digits = |byte: u8| byte >> 4 <= 9 && byte & 0x0F <= 9;
    let possible = |[year, month, day]: &[u8; 3]| {
        digits(*year) && digits(*month) && digits(*day) && (1..=0x12).contains(month) && (1..=0x31).contains(day)
    };
    if value.as_ref().is_none_or(possible) { Ok(value) } else { Err(CardDataError::Wrong(tag)) }
}

/// YYMMDD in BCD with its century: 00 to 49 are of this one (EMV 4.4 Book 4, 6.7.3).
pub(super) const fn with_century([year, month, day]: [u8; 3]) -> (u8, u8, u8, u8) {
    (if year < 0x50 { 20 } else { 19 }, year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::results::Bit;

    fn domestic() -> DataObjects {
        let mut data = DataObjects::default();
        data.put(tag::TERMINAL_COUNTRY, [0x01, 0x56]);
        data.put(tag::ISSUER_COUNTRY, [0x01, 0x56]);
        data.put(tag::TERMINAL_APPLICATION_VERSION, [0x00, 0x30]);
        data.put(tag::CARD_APPLICATION_VERSION, [0x00, 0x30]);
        data.put(tag::APPLICATION_USAGE_CONTROL, [0xFF, 0x00]);
        data.put(tag::TRANSACTION_DATE, [0x26, 0x11, 0x22]);
        data.put(tag::EXPIRATION_DATE, [0x30, 0x12, 0x31]);
        data
    }

    #[test]
    fn each_restriction_sets_its_bit_and_no_other() {
        let cases: &[(Tag, &[u8], Option<Bit>)] = &[
            (tag::CARD_APPLICATION_VERSION, &[0x00, 0x20], Some(Tvr::VERSIONS_DIFFER)),
            (tag::EXPIRATION_DATE, &[0x26, 0x11, 0x21], Some(Tvr::EXPIRED)),
            (tag::EXPIRATION_DATE, &[0x26, 0x11, 0x22], None),
            (tag::EXPIRATION_DATE, &[0x99, 0x12, 0x31], Some(Tvr::EXPIRED)),
            (tag::EFFECTIVE_DATE, &[0x26, 0x11, 0x23], Some(Tvr::NOT_YET_EFFECTIVE)),
            (tag::EFFECTIVE_DATE, &[0x99, 0x01, 0x01], None),
            (tag::APPLICATION_USAGE_CONTROL, &[0xFE, 0x00], Some(Tvr::SERVICE_NOT_ALLOWED)),
            (tag::APPLICATION_USAGE_CONTROL, &[0x15, 0x00], Some(Tvr::SERVICE_NOT_ALLOWED)),
            (tag::APPLICATION_USAGE_CONTROL, &[0x21, 0x00], None),
            (tag::ISSUER_COUNTRY, &[0x08, 0x40], None),
        ];
        for (object, value, bit) in cases {
            let mut data = domestic();
            data.put(*object, *value);
            let (mut found, mut wanted) = (Tvr::default(), Tvr::default());
            check(&data, TransactionKind::Purchase, Place::Attended, &mut found).unwrap();
            if let Some(bit) = bit {
                wanted.set(*bit);
            }
            assert_eq!(found, wanted, "{object} {value:02X?}");
        }
    }

    #[test]
    fn a_card_without_expiration_date_ends_the_transaction() {
        let mut data = domestic();
        data.put(tag::EXPIRATION_DATE, [0x30]);
        assert_eq!(
            check(&data, TransactionKind::Purchase, Place::Attended, &mut Tvr::default()),
            Err(CardDataError::Wrong(tag::EXPIRATION_DATE))
        );
    }

    #[test]
    fn a_date_that_no_calendar_has_ends_the_transaction() {
        for object in [tag::EXPIRATION_DATE, tag::EFFECTIVE_DATE] {
            for date in
                [[0x30, 0x13, 0x01], [0x30, 0x00, 0x01], [0x30, 0x12, 0x32], [0x30, 0x12, 0x00], [0x3A, 0x12, 1]]
            {
                let mut data = domestic();
                data.put(object, date);
                let checked = check(&data, TransactionKind::Purchase, Place::Attended, &mut Tvr::default());
                assert_eq!(checked, Err(CardDataError::Wrong(object)), "{date:02X?}");
            }
        }
    }

    #[test]
    fn each_service_has_its_own_permission() {
        use TransactionKind::{Balance, Cash, Cashback, PreAuthorisation, Purchase, Refund};
        for (control, country, kind, place, allowed) in [
            ([0x81, 0x00], [0x01, 0x56], Cash, Place::Attended, true),
            ([0x41, 0x00], [0x01, 0x56], Cash, Place::Attended, false),
            ([0x41, 0x00], [0x08, 0x40], Cash, Place::Unattended, true),
            ([0x81, 0x00], [0x01, 0x56], Cash, Place::Atm, false),
            ([0x82, 0x00], [0x01, 0x56], Cash, Place::Atm, true),
            ([0x21, 0x80], [0x01, 0x56], Cashback, Place::Attended, true),
            ([0x21, 0x40], [0x01, 0x56], Cashback, Place::Attended, false),
            ([0x11, 0x40], [0x08, 0x40], Cashback, Place::Attended, true),
            ([0x01, 0x80], [0x01, 0x56], Cashback, Place::Attended, false),
            ([0x05, 0x00], [0x08, 0x40], Purchase, Place::Attended, true),
            ([0x05, 0x00], [0x08, 0x40], PreAuthorisation, Place::Attended, true),
            ([0x05, 0x00], [0x01, 0x56], PreAuthorisation, Place::Attended, false),
            ([0x01, 0x00], [0x08, 0x40], Refund, Place::Attended, true),
            ([0x01, 0x00], [0x01, 0x56], Balance, Place::Attended, true),
        ] {
            let mut data = domestic();
            data.put(tag::APPLICATION_USAGE_CONTROL, control);
            data.put(tag::ISSUER_COUNTRY, country);
            let mut tvr = Tvr::default();
            check(&data, kind, place, &mut tvr).unwrap();
            assert_eq!(!tvr.has(Tvr::SERVICE_NOT_ALLOWED), allowed, "{control:02X?} {country:02X?} {kind:?} {place:?}");
        }
    }
}
