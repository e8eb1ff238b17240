//! Terminal risk management: floor limit, random selection, velocity (EMV 4.4 Book 3, 10.6).
//!
//! Needs: the amount, the amounts logged for the same card, the terminal's limits, 9F14 and 9F23 of the card, a random
//! number that is handed in, and the card's counters by GET DATA. Sets bits of the TVR only.

use super::apdu::{Command, Status};
use super::data::{CardDataError, DataObjects};
use super::results::Tvr;
use super::tag;
use super::tlv;

/// How often a transaction below the floor limit goes online all the same (Book 3, 10.6.2). Amounts in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RandomSelection {
    /// Below this amount all are equally likely; above it likelier the higher.
    pub threshold: u32,
    /// Percentage below the threshold.
    pub target: u8,
    /// Percentage just below the floor limit.
    pub maximum: u8,
}

/// What the outside knows of the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Amounts logged for the same number and sequence number, in minor units (Book 4, 6.3.5).
    pub logged: u64,
    /// The number is on the exception file.
    pub on_exception_file: bool,
}

/// The checks that need nothing of the card. `number`: 1 to 99 from a random generator, or nothing when the terminal never
/// chooses by chance.
pub fn check_amount(
    amount: u64,
    lookup: Lookup,
    floor_limit: u32,
    selection: RandomSelection,
    number: Option<u8>,
    tvr: &mut Tvr,
) {
    if lookup.on_exception_file {
        tvr.set(Tvr::ON_EXCEPTION_FILE);
    }
    if amount.saturating_add(lookup.logged) >= u64::from(floor_limit) {
        tvr.set(Tvr::FLOOR_LIMIT_EXCEEDED);
    }
    if amount < u64::from(floor_limit)
        && let Some(number) = number
        && u64::from(number) <= selection.percentage(amount, floor_limit)
    {
        tvr.set(Tvr::SELECTED_RANDOMLY);
    }
}

impl RandomSelection {
    /// Percentage for an amount below the floor limit: the target up to the threshold, from there in a straight line up to
    /// the maximum.
    fn percentage(self, amount: u64, floor_limit: u32) -> u64 {
        let (threshold, target) = (u64::from(self.threshold), u64::from(self.target));
        if amount < threshold {
            return target;
        }
        let span = u64::from(floor_limit).saturating_sub(threshold).max(1);
        let rise = u64::from(self.maximum).saturating_sub(target);
        target + rise * (amount - threshold) / span
    }
}

/// Velocity checking under way (Book 3, 10.6.3).
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct Velocity {
    lower: u8,
    upper: u8,
    /// 9F36, once it was asked for.
    atc: Option<Option<u16>>,
}

impl Velocity {
    /// Begins by asking for the counter; nothing when the card has no limits.
    ///
    /// # Errors
    /// When a limit has not one byte.
    pub fn start(data: &DataObjects) -> Result<Option<(Self, Command)>, CardDataError> {
        let lower = data.sized::<1>(tag::LOWER_OFFLINE_LIMIT)?;
        let upper = data.sized::<1>(tag::UPPER_OFFLINE_LIMIT)?;
        Ok(match (lower, upper) {
            (Some([lower]), Some([upper])) => Some((Self { lower, upper, atc: None }, Command::get_data(tag::ATC))),
            _ => None,
        })
    }

    /// Takes an answer, gives the next command or nothing when the check is over.
    pub fn answer(&mut self, data: &[u8], status: Status, tvr: &mut Tvr) -> Option<Command> {
        let counter = |tag| match tlv::find(data, tag) {
            Ok(Some(&[high, low])) if status == Status::OK => Some(u16::from_be_bytes([high, low])),
            _ => None,
        };
        match self.atc {
            None => {
                self.atc = Some(counter(tag::ATC));
                Some(Command::get_data(tag::LAST_ONLINE_ATC))
            }
            Some(atc) => {
                self.judge(atc, counter(tag::LAST_ONLINE_ATC), tvr);
                None
            }
        }
    }

    fn judge(&self, atc: Option<u16>, last_online: Option<u16>, tvr: &mut Tvr) {
        if last_online == Some(0) {
            tvr.set(Tvr::NEW_CARD);
        }
        if atc.is_none() || last_online.is_none() {
            // A card with limits owes both counters (Book 3, 7.5).
            tvr.set(Tvr::CARD_DATA_MISSING);
        }
        // Without both counters, or with one that runs backwards, the limits count as exceeded.
        let since = atc.zip(last_online).and_then(|(atc, last)| atc.checked_sub(last)).filter(|since| *since > 0);
        if since.is_none_or(|since| since > u16::from(self.lower)) {
            tvr.set(Tvr::LOWER_LIMIT_EXCEEDED);
            // Asked only of who is beyond the lower one.
            if since.is_none_or(|since| since > u16::from(self.upper)) {
                tvr.set(Tvr::UPPER_LIMIT_EXCEEDED);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELECTION: RandomSelection = RandomSelection { threshold: 1_000, target: 10, maximum: 60 };

    #[test]
    fn the_floor_limit_is_reached_at_once_and_with_earlier_amounts() {
        for (amount, logged, exceeded) in
            [(4_999, 0, false), (5_000, 0, true), (3_000, 2_000, true), (3_000, 1_999, false), (1, u64::MAX, true)]
        {
            let mut tvr = Tvr::default();
            let lookup = Lookup { logged, on_exception_file: false };
            check_amount(amount, lookup, 5_000, SELECTION, None, &mut tvr);
            assert_eq!(tvr.has(Tvr::FLOOR_LIMIT_EXCEEDED), exceeded, "{amount} + {logged}");
            assert!(!tvr.has(Tvr::ON_EXCEPTION_FILE));
        }
    }

    #[test]
    fn chance_grows_with_the_amount() {
        // 10 % below 10.00, then up to 60 % at the floor limit of 50.00.
        for (amount, number, selected) in [
            (999, 10, true),
            (999, 11, false),
            (3_000, 35, true),
            (3_000, 36, false),
            (4_999, 59, true),
            (5_000, 1, false),
        ] {
            let mut tvr = Tvr::default();
            check_amount(amount, Lookup::default(), 5_000, SELECTION, Some(number), &mut tvr);
            assert_eq!(tvr.has(Tvr::SELECTED_RANDOMLY), selected, "{amount} with {number}");
        }
    }

    #[test]
    fn a_card_on_the_exception_file_is_marked() {
        let mut tvr = Tvr::default();
        check_amount(1, Lookup { logged: 0, on_exception_file: true }, 5_000, SELECTION, None, &mut tvr);
        assert!(tvr.has(Tvr::ON_EXCEPTION_FILE));
    }

    #[test]
    fn counters_are_compared_with_both_limits() {
        let velocity = Velocity { lower: 3, upper: 5, atc: None };
        for (atc, last, bits) in [
            (Some(13), Some(10), [0x00, 0x00, 0x00]),
            (Some(14), Some(10), [0x00, 0x00, 0x40]),
            (Some(16), Some(10), [0x00, 0x00, 0x60]),
            (Some(2), Some(0), [0x00, 0x08, 0x00]),
            (None, Some(0), [0x20, 0x08, 0x60]),
            (None, Some(10), [0x20, 0x00, 0x60]),
            (Some(13), None, [0x20, 0x00, 0x60]),
            (Some(10), Some(10), [0x00, 0x00, 0x60]),
            (Some(9), Some(10), [0x00, 0x00, 0x60]),
            (Some(0), Some(0), [0x00, 0x08, 0x60]),
        ] {
            let mut tvr = Tvr::default();
            velocity.judge(atc, last, &mut tvr);
            assert_eq!([tvr.0[0], tvr.0[1], tvr.0[3]], bits, "{atc:?} {last:?}");
        }
    }

    #[test]
    fn the_upper_limit_is_looked_at_beyond_the_lower_one_only() {
        let mut tvr = Tvr::default();
        Velocity { lower: 5, upper: 3, atc: None }.judge(Some(14), Some(10), &mut tvr);
        assert_eq!(tvr, Tvr::default());
    }

    #[test]
    fn velocity_needs_both_limits() {
        let mut data = DataObjects::default();
        data.put_from_card(tag::LOWER_OFFLINE_LIMIT, &[3]);
        assert!(Velocity::start(&data).unwrap().is_none());
        data.put_from_card(tag::UPPER_OFFLINE_LIMIT, &[5]);
        assert!(Velocity::start(&data).unwrap().is_some());
        data.put_from_card(tag::UPPER_OFFLINE_LIMIT, &[5, 5]);
        assert_eq!(Velocity::start(&data).err(), Some(CardDataError::Wrong(tag::UPPER_OFFLINE_LIMIT)));
    }
}
