//! How the card decides for itself (EMV 4.4 Book 3, 10.8): offline limits, blocked or not, PIN tries.

use super::image::{ImageError, numeric, refused};
use super::lists::{DataObjectList, value_of};
use super::memory::Counters;
use super::profile::ApplicationProfile;
use crate::emv::tag;

/// The rules, the same in every transaction. What the issuer has changed since stands in [`Counters`].
#[derive(Clone, Copy, Debug)]
pub struct RiskRules {
    /// Up to this amount of its own currency it approves offline.
    pub offline_limit: u64,
    /// Transactions since the last one online after which it does not.
    pub consecutive_limit: Option<u8>,
    /// Its own currency, packed.
    pub currency: [u8; 2],
    /// Declines at its last word, whatever the issuer said.
    pub declines_after_approval: bool,
    /// Blocked from the beginning.
    pub blocked: bool,
    /// Wrong PINs in a row until it refuses more.
    pub pin_tries: u8,
    /// How many of them a new card has.
    pub pin_tries_left: u8,
}

impl RiskRules {
    /// The rules of an application.
    ///
    /// # Errors
    /// When a number of the profile is none of a card.
    pub fn new(profile: &ApplicationProfile) -> Result<Self, ImageError> {
        let (tries, left) = (profile.pin_tries, profile.pin_tries_left.unwrap_or(profile.pin_tries));
        if !(1..=15).contains(&tries) {
            return Err(refused("pin_tries", format!("is {tries}, it can be 1 to 15")));
        }
        if left > tries {
            return Err(refused("pin_tries_left", format!("is {left}, more than the {tries} there are")));
        }
        Ok(Self {
            offline_limit: profile.offline_limit,
            consecutive_limit: profile.consecutive_limit,
            currency: numeric("currency", profile.currency)?,
            declines_after_approval: profile.declines_after_approval,
            blocked: profile.blocked,
            pin_tries: tries,
            pin_tries_left: left,
        })
    }

    /// Whether the application declines everything: from the beginning, or by its issuer's last script.
    pub fn is_blocked(&self, counters: Counters) -> bool {
        counters.blocked.unwrap_or(self.blocked)
    }

    /// PIN tries left (tag 9F17).
    pub fn pin_tries_left(&self, counters: Counters) -> u8 {
        counters.pin_tries_left.unwrap_or(self.pin_tries_left)
    }

    /// Whether the card approves an amount without its issuer: `data` as the list brings it.
    pub fn approve_offline(&self, list: &DataObjectList, data: &[u8]) -> bool {
        let amount = value_of(list, data, tag::AMOUNT_AUTHORISED).unwrap_or_default();
        let minor =
            amount.iter().fold(0, |sum: u64, byte| sum * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 0x0F));
        let own_currency = value_of(list, data, tag::TRANSACTION_CURRENCY) == Some(&self.currency[..]);
        own_currency && self.offline_limit > 0 && minor <= self.offline_limit
    }
}
