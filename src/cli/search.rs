//! What is looked for among payments, as arguments of the commands that show some.

use clap::Args;
use jiff::civil::{Date, DateTime};

use super::Failure;
use crate::app::Setup;
use crate::goods::{Barcode, GoodNumber};
use crate::ledger::{LastFour, Search};
use crate::money::Amount;
use crate::people::PersonNumber;
use crate::reference::{Rrn, Stan};

/// What is looked for. All that is given must be so.
#[derive(Clone, Debug, Args)]
pub struct Wanted {
    /// Only payments of this STAN, in whatever batch
    #[arg(long, value_name = "STAN", value_parser = stan, help_heading = "Search")]
    stan: Option<Stan>,

    /// Only the payment with this reference number of the host
    #[arg(long, value_name = "RRN", value_parser = rrn, help_heading = "Search")]
    rrn: Option<Rrn>,

    /// Only payments of this amount, in the settings' currency
    #[arg(long, value_name = "AMOUNT", help_heading = "Search")]
    amount: Option<String>,

    /// Only payments by a card that ends with these four digits
    #[arg(long, value_name = "DIGITS", value_parser = last_four, help_heading = "Search")]
    last_four: Option<LastFour>,

    /// Only payments that this person took, by number
    #[arg(long = "taken-by", value_name = "NUMBER", value_parser = person, help_heading = "Search")]
    taken_by: Option<PersonNumber>,

    /// Only payments of this good, by number or barcode
    #[arg(long, value_name = "NUMBER|BARCODE", help_heading = "Search")]
    good: Option<String>,

    /// Only payments of this day and later ones, or from this local time on
    #[arg(long, value_name = "TIME", value_parser = from, help_heading = "Search")]
    from: Option<DateTime>,

    /// Only payments up to the end of this day, or before this local time
    #[arg(long, value_name = "TIME", value_parser = until, help_heading = "Search")]
    until: Option<DateTime>,
}

impl Wanted {
    /// What is looked for; nothing, when that is everything.
    ///
    /// # Errors
    /// When the amount is none in the settings' currency.
    pub fn search(&self, setup: &Setup) -> Result<Option<Search>, Failure> {
        let currency = setup.settings.terminal.currency.parse()?;
        let search = Search {
            kind: None,
            amount: self.amount.as_deref().map(|text| Amount::parse(text, currency)).transpose()?,
            last_four: self.last_four.clone(),
            stan: self.stan,
            rrn: self.rrn.clone(),
            from: self.from,
            before: self.until,
            cashier: self.taken_by,
            good: self.good.as_deref().map(|text| good(setup, text)).transpose()?,
        };
        Ok((search != Search::default()).then_some(search))
    }
}

pub(super) fn person(text: &str) -> Result<PersonNumber, String> {
    PersonNumber::parse(text).map_err(|_| "it is 00 to 99".to_owned())
}

/// The good with a barcode as the catalogue has it now; its number, where the catalogue knows it no more.
fn good(setup: &Setup, text: &str) -> Result<GoodNumber, Failure> {
    if text.parse::<Barcode>().is_ok()
        && let Some(catalogue) = setup.catalogue_to_look_at()?
        && let Some(scanned) = catalogue.scan(text, &setup.settings.goods.scale_barcodes)?
    {
        return Ok(scanned.good.number);
    }
    text.parse().map_err(|_| format!("no good has the number or barcode {text}; yima goods search finds others").into())
}

fn stan(text: &str) -> Result<Stan, String> {
    text.parse()
        .map_err(|_| ())
        .and_then(|number| Stan::new(number).map_err(|_| ()))
        .map_err(|()| "it is 1 to 999999".to_owned())
}

fn rrn(text: &str) -> Result<Rrn, String> {
    Rrn::parse(text).map_err(|error| error.to_string())
}

fn last_four(text: &str) -> Result<LastFour, String> {
    LastFour::parse(text).ok_or_else(|| "these are four digits".to_owned())
}

pub(super) fn from(text: &str) -> Result<DateTime, String> {
    day(text).map(|day| day.at(0, 0, 0, 0)).map_or_else(|| time(text), Ok)
}

pub(super) fn until(text: &str) -> Result<DateTime, String> {
    match day(text) {
        Some(day) => day.tomorrow().map(|next| next.at(0, 0, 0, 0)).map_err(|error| error.to_string()),
        None => time(text),
    }
}

/// A time of day makes it no longer a day.
fn day(text: &str) -> Option<Date> {
    (!text.contains([':', 'T', ' '])).then(|| text.parse().ok()).flatten()
}

fn time(text: &str) -> Result<DateTime, String> {
    text.parse().map_err(|_| "a day is 2026-11-22, a time 2026-11-22T14:26:09".to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_is_all_of_it_and_a_time_is_that_moment() {
        let midnight = |day: i8| date(2026, 11, day).at(0, 0, 0, 0);
        assert_eq!((from("2026-11-22"), until("2026-11-22")), (Ok(midnight(22)), Ok(midnight(23))));
        let moment = date(2026, 11, 22).at(14, 26, 9, 0);
        assert_eq!((from("2026-11-22T14:26:09"), until("2026-11-22T14:26:09")), (Ok(moment), Ok(moment)));
        assert!(from("22.11.2026").is_err() && until("yesterday").is_err());
    }

    #[test]
    fn numbers_are_read_as_they_stand_on_a_slip() {
        assert_eq!(stan("000042").unwrap().number(), 42);
        assert!(stan("0").is_err() && stan("x").is_err() && stan("1000000").is_err());
        assert!(last_four("123").is_err() && rrn("12").is_err());
    }
}
