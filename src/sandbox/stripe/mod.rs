//! Magnetic stripes of the sandbox: what is on those of its cards, and a reader to swipe them through ([`SandboxStripeReader`]).
//!
//! Every card with a chip has a stripe, made of the same profile; `assets/sandbox/stripes/` has cards without a chip. The verification value on
//! a stripe is made under a TEST key, by which the sandbox host knows it. A chip's own track 2 has none: whoever copies it from there
//! onto a stripe is found out.

mod reader;

use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::reader::SandboxStripeReader;
use super::card::profile::{ApplicationProfile, CardProfile, ProfileError, SHIPPED};
use crate::crypto::CryptoError;
use crate::crypto::cvv::{CVV_DIGITS, card_verification_value};

/// Verification values are made under these TEST keys: they protect nothing.
const VERIFICATION_KEYS: [u8; 16] = *b"TEST CVV CHECKS.";

/// What stands between service code and verification value.
const FILLING: &str = "00000";

/// Cards without a chip, by name.
pub const WITHOUT_CHIP: &[(&str, &str)] = &[
    ("stripe-pin", include_str!("../../../assets/sandbox/stripes/stripe-pin.toml")),
    ("stripe-signature", include_str!("../../../assets/sandbox/stripes/stripe-signature.toml")),
    ("stripe-cash", include_str!("../../../assets/sandbox/stripes/stripe-cash.toml")),
];

/// A card's stripe. Its number is a test number that belongs to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeCard {
    /// One line for lists.
    pub title: String,
    /// Test card number.
    pub pan: String,
    /// Expiry, `YYMM`.
    pub expiry: String,
    /// Service code, three digits.
    pub service_code: String,
    /// Name on track 1, at most 26 characters.
    #[serde(default = "test_cardholder")]
    pub cardholder: String,
    /// What the account holds at first, in minor units of CNY; of a card with a chip that says its profile.
    #[serde(default)]
    pub balance: u64,
}

fn test_cardholder() -> String {
    "TEST CARD/YIMA".to_owned()
}

impl StripeCard {
    /// The stripe of a card with a chip.
    pub fn of_application(title: &str, profile: &ApplicationProfile) -> Self {
        Self {
            title: title.to_owned(),
            pan: profile.pan.clone(),
            expiry: profile.expiry.clone(),
            service_code: profile.service_code.clone(),
            cardholder: profile.cardholder.clone(),
            balance: profile.issuer.balance,
        }
    }

    /// A card by its name: one without a chip, or the first application of a shipped profile.
    ///
    /// # Errors
    /// When there is none of this name; the message lists those that there are.
    pub fn shipped(name: &str) -> Result<Self, ProfileError> {
        let wrong = |problem: String| ProfileError { name: name.to_owned(), problem };
        if let Some((_, text)) = WITHOUT_CHIP.iter().find(|(known, _)| *known == name) {
            return toml::from_str(text).map_err(|error| wrong(error.to_string()));
        }
        if !SHIPPED.iter().any(|(known, _)| *known == name) {
            let known: Vec<_> = WITHOUT_CHIP.iter().chain(SHIPPED).map(|(known, _)| *known).collect();
            return Err(wrong(format!("not known; known are: {}", known.join(", "))));
        }
        let profile = CardProfile::shipped(name)?;
        let first = profile.applications.first().ok_or_else(|| wrong("it has no application".to_owned()))?;
        Ok(Self::of_application(&profile.title, first))
    }

    /// Cards without a chip.
    ///
    /// # Errors
    /// When one that is shipped cannot be read.
    pub fn without_chip() -> Result<Vec<Self>, ProfileError> {
        WITHOUT_CHIP.iter().map(|(name, _)| Self::shipped(name)).collect()
    }

    /// What its reader says: tracks 1 and 2 with their sentinels.
    ///
    /// # Errors
    /// When number, expiry or service code are none.
    pub fn tracks(&self) -> Result<Zeroizing<String>, CryptoError> {
        let Self { pan, expiry, service_code, cardholder, .. } = self;
        let own = Zeroizing::new(format!("{expiry}{service_code}{FILLING}{}", *self.value()?));
        Ok(Zeroizing::new(format!("%B{pan}^{cardholder}^{}?;{pan}={}?", *own, *own)))
    }

    fn value(&self) -> Result<Zeroizing<String>, CryptoError> {
        card_verification_value(&VERIFICATION_KEYS, &self.pan, &self.expiry, &self.service_code)
    }
}

/// Whether the digits behind number, expiry and service code of track 2 are those that the sandbox writes on stripes.
///
/// # Errors
/// When the values cannot be computed.
pub fn is_own_stripe(pan: &str, expiry: &str, service_code: &str, behind: &str) -> Result<bool, CryptoError> {
    let value = card_verification_value(&VERIFICATION_KEYS, pan, expiry, service_code)?;
    let given = behind.strip_prefix(FILLING).filter(|given| given.len() == CVV_DIGITS);
    Ok(given.is_some_and(|given| crate::crypto::mac::equal(given.as_bytes(), value.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card_number::{PinDemand, Swipe, luhn};

    #[test]
    fn every_card_has_a_stripe_that_a_terminal_reads_and_the_issuer_knows() {
        let with_chip = SHIPPED.iter().map(|(name, _)| (*name, true));
        for (name, chip) in WITHOUT_CHIP.iter().map(|(name, _)| (*name, false)).chain(with_chip) {
            let card = StripeCard::shipped(name).unwrap();
            assert!(luhn(&card.pan), "{name}");
            let swipe = Swipe::parse(&card.tracks().unwrap(), false).unwrap_or_else(|error| panic!("{name}: {error}"));
            let track = swipe.track2();
            assert_eq!(track.pan().unwrap().expose_digits(), card.pan, "{name}");
            let code = track.service_code().unwrap();
            assert_eq!(code.has_chip(), chip, "{name}");
            let behind = &track.expose_digits()[card.pan.len() + 8..];
            assert!(is_own_stripe(&card.pan, &card.expiry, &card.service_code, behind).unwrap(), "{name}");
            assert!(!is_own_stripe(&card.pan, &card.expiry, "101", behind).unwrap() || card.service_code == "101");
            // As the chip says it.
            assert!(!is_own_stripe(&card.pan, &card.expiry, &card.service_code, "00000").unwrap());
        }
        let pin = |name| StripeCard::shipped(name).map(|card| card.service_code).unwrap();
        let demand = |name| crate::card_number::ServiceCode::parse(&pin(name)).unwrap().pin();
        assert_eq!((demand("stripe-pin"), demand("stripe-signature")), (PinDemand::Required, PinDemand::None));
        assert!(StripeCard::shipped("nobody").unwrap_err().to_string().contains("stripe-pin, stripe-signature"));
    }
}
