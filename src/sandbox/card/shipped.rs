//! The card profiles that come with the program: every file in `assets/sandbox/cards/`, by its name.

macro_rules! shipped {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../assets/sandbox/cards/", $name, ".toml")))),*]
    };
}

/// Names and texts, in the order in which they are listed.
pub const SHIPPED: &[(&str, &str)] = shipped! {
    "unionpay-debit"
    "unionpay-credit"
    "multi-application"
    "no-directory"
    "sda"
    "dda"
    "no-authentication"
    "cvm-none"
    "cvm-signature"
    "cvm-plaintext-pin"
    "cvm-enciphered-pin"
    "cvm-enciphered-pin-key"
    "cvm-online-pin"
    "cvm-combined"
    "cvm-fail"
    "cvm-amounts"
    "pin-blocked"
    "offline"
    "velocity"
    "declines-after-approval"
    "blocked-application"
    "blocked-card"
    "expired"
    "format-1"
    "external-authenticate"
    "t1"
    "aes"
    "low-balance"
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::card_number::luhn;
    use crate::sandbox::card::profile::CardProfile;

    #[test]
    fn every_file_is_shipped() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sandbox/cards");
        let files: BTreeSet<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(files, SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect());
    }

    #[test]
    fn every_shipped_number_is_one_and_there_once() {
        let mut numbers = BTreeSet::new();
        for (name, _) in SHIPPED {
            for application in CardProfile::shipped(name).unwrap().applications {
                assert!(luhn(&application.pan), "{name}");
                assert!(numbers.insert(application.pan), "{name}: the number is another card's");
            }
        }
    }
}
