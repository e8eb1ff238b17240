//! Whose a code is that a customer shows: a wallet's number by its first digits and its length, a code of EMV by the application in it.
//! Which those are is data (`assets/code-networks.toml`). A code that is nobody's is not sent anywhere: it may be a coupon.

use serde::Deserialize;

use super::consumer::{self, ConsumerCodeError, ConsumerPresented};
use crate::crypto::hex;
use crate::payment::qr::{CodeError, PaymentCode};

/// The networks that are shipped.
const SHIPPED: &str = include_str!("../../assets/code-networks.toml");

/// All networks whose codes are taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networks {
    networks: Vec<Network>,
}

/// One network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What it is called in the ledger and in JSON.
    pub word: String,
    /// What it is called in Chinese.
    pub zh: String,
    /// What it is called in English.
    pub en: String,
    /// How many digits its codes have.
    #[serde(default)]
    lengths: Vec<usize>,
    /// How they begin.
    #[serde(default)]
    prefixes: Vec<String>,
    /// How application identifiers begin, hexadecimal.
    #[serde(default)]
    applications: Vec<String>,
}

/// A code that can be paid with.
#[derive(Clone, Debug)]
pub struct Scanned<'a> {
    /// The code.
    pub code: PaymentCode,
    /// Whose it is.
    pub network: &'a Network,
    /// What it says, where it is one of EMV.
    pub emv: Option<ConsumerPresented>,
}

/// What was scanned cannot be paid with. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// No code to pay with at all.
    #[error(transparent)]
    NoCode(#[from] CodeError),
    /// It begins as a code of EMV and is none.
    #[error(transparent)]
    Consumer(#[from] ConsumerCodeError),
    /// Nobody's whom this terminal knows.
    #[error("that code of {0} characters is of no wallet that is taken here; ask for the customer's payment code")]
    Nobodys(usize),
}

/// A table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworksError {
    /// Not TOML of this shape.
    #[error("the table of code networks cannot be read: {0}")]
    Toml(String),
    /// A network contradicts itself or another one.
    #[error("the network {word} of the table of code networks: {problem}")]
    Network {
        /// Which.
        word: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Networks {
    /// The networks that are shipped.
    ///
    /// # Errors
    /// Never for the shipped table, which a test reads.
    pub fn shipped() -> Result<Self, NetworksError> {
        Self::parse(SHIPPED)
    }

    /// Reads a table and checks it as a whole.
    ///
    /// # Errors
    /// When it is not TOML of this shape, or a network contradicts itself or another one.
    pub fn parse(text: &str) -> Result<Self, NetworksError> {
        let read: Self = toml::from_str(text).map_err(|error| NetworksError::Toml(error.to_string()))?;
        for (at, network) in read.networks.iter().enumerate() {
            network.check(&read.networks[..at])?;
        }
        Ok(read)
    }

    /// What was scanned, and whose it is. Blanks and line ends around it are the scanner's.
    ///
    /// # Errors
    /// When it is no code to pay with, or nobody's in the table.
    pub fn scanned(&self, text: &str) -> Result<Scanned<'_>, ScanError> {
        let code = PaymentCode::parse(text.trim_ascii())?;
        if consumer::is_of_this_kind(&code) {
            let emv = ConsumerPresented::read(&code)?;
            let network = emv.applications.iter().find_map(|application| {
                let name = hex::encode(&application.name);
                self.networks.iter().find(|network| network.applications.iter().any(|start| name.starts_with(start)))
            });
            let network = network.ok_or(ScanError::Nobodys(code.expose().len()))?;
            return Ok(Scanned { code, network, emv: Some(emv) });
        }
        let network = self.networks.iter().find(|network| network.has(code.expose()));
        let network = network.ok_or(ScanError::Nobodys(code.expose().len()))?;
        Ok(Scanned { code, network, emv: None })
    }

    /// A network by its word.
    pub fn named(&self, word: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.word == word)
    }

    /// All of them, in the table's order.
    pub fn all(&self) -> &[Network] {
        &self.networks
    }
}

impl Network {
    /// How numbers of this network begin and how many digits they have, if it has such.
    pub fn numbers(&self) -> Option<(&str, usize)> {
        Some((self.prefixes.first()?, *self.lengths.iter().find(|length| **length >= 18).or(self.lengths.first())?))
    }

    fn has(&self, number: &str) -> bool {
        number.bytes().all(|byte| byte.is_ascii_digit())
            && self.lengths.contains(&number.len())
            && self.prefixes.iter().any(|prefix| number.starts_with(prefix))
    }

    fn check(&self, earlier: &[Self]) -> Result<(), NetworksError> {
        let wrong = |problem: String| Err(NetworksError::Network { word: self.word.clone(), problem });
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if self.word.is_empty() || !self.word.bytes().all(fits) || self.zh.is_empty() || self.en.is_empty() {
            return wrong("it has a word of small letters, digits and _, and a name in zh and en".to_owned());
        }
        if self.prefixes.is_empty() != self.lengths.is_empty()
            || (self.prefixes.is_empty() && self.applications.is_empty())
        {
            return wrong("it has prefixes and lengths, or applications, or all of them".to_owned());
        }
        let digits = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !self.prefixes.iter().all(digits) || !self.lengths.iter().all(|length| (10..=32).contains(length)) {
            return wrong("prefixes are digits, lengths are 10 to 32".to_owned());
        }
        let hexadecimal = |text: &String| {
            (10..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
        };
        if !self.applications.iter().all(hexadecimal) {
            return wrong("applications are 10 to 32 hexadecimal digits, in capital letters".to_owned());
        }
        let begin = |one: &String, other: &String| one.starts_with(other.as_str()) || other.starts_with(one.as_str());
        let shares =
            |ours: &[String], theirs: &[String]| ours.iter().any(|one| theirs.iter().any(|two| begin(one, two)));
        for other in earlier {
            let same_length = self.lengths.iter().any(|length| other.lengths.contains(length));
            if other.word == self.word
                || (same_length && shares(&self.prefixes, &other.prefixes))
                || shares(&self.applications, &other.applications)
            {
                return wrong(format!("it cannot be told from {}", other.word));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_by_their_beginning_and_length() {
        let networks = Networks::shipped().unwrap();
        for (text, word) in [
            ("6220000000000000000", "unionpay"),
            ("130000000000000000", "wechat_pay"),
            ("100000000000000000", "wechat_pay"),
            ("281234567890123456", "alipay"),
            ("300000000000000000000000", "alipay"),
            ("0100000000000000000\r\n", "e_cny"),
        ] {
            let scanned = networks.scanned(text).unwrap();
            assert_eq!((scanned.network.word.as_str(), scanned.code.expose()), (word, text.trim_ascii()));
            assert!(scanned.emv.is_none());
        }
    }

    #[test]
    fn what_is_nobodys_is_refused_and_not_repeated() {
        let networks = Networks::shipped().unwrap();
        for text in [
            "622000000000000000",
            "160000000000000000",
            "6901234567892",
            "2812345678901234567890123",
            "28123456789O123456",
        ] {
            let error = networks.scanned(text).unwrap_err();
            assert_eq!(error, ScanError::Nobodys(text.len()), "{text}");
            assert!(!error.to_string().contains(&text[..6]), "{error}");
        }
        assert!(matches!(networks.scanned("https://pay.example/1?2"), Err(ScanError::NoCode(_))));
        assert!(matches!(networks.scanned("hQVDUFYwMWET"), Err(ScanError::Consumer(_))), "cut off");
    }

    #[test]
    fn codes_of_emv_are_known_by_their_application() {
        let networks = Networks::shipped().unwrap();
        // 85 CPV01, 61 with 4F A000000333010101.
        let scanned = networks.scanned("hQVDUFYwMWEKTwigAAADMwEBAQ==").unwrap();
        assert_eq!(scanned.network.word, "unionpay");
        assert_eq!(scanned.emv.unwrap().applications[0].name.len(), 8);
        // A0000000555555 of the specification's example is nobody's.
        assert!(matches!(networks.scanned("hQVDUFYwMWEJTwegAAAAVVVV"), Err(ScanError::Nobodys(24))));
    }

    #[test]
    fn a_table_that_contradicts_itself_is_refused() {
        for (from, to, said) in [
            (
                "word = \"alipay\"",
                "word = \"unionpay\"",
                "unionpay of the table of code networks: it cannot be told from",
            ),
            ("word = \"alipay\"", "word = \"Alipay\"", "a word of small letters"),
            ("zh = \"支付宝\"", "zh = \"\"", "a name in zh and en"),
            (
                "prefixes = [\"25\"",
                "prefixes = [\"15\"",
                "alipay of the table of code networks: it cannot be told from wechat",
            ),
            ("prefixes = [\"62\"]", "prefixes = []", "prefixes and lengths"),
            ("lengths = [19]", "lengths = [9]", "lengths are 10 to 32"),
            ("\"A000000025\"", "\"A00000000310\"", "cannot be told from visa"),
            ("\"A000000025\"", "\"a000000025\"", "in capital letters"),
            ("en = \"Alipay\"", "name = \"Alipay\"", "cannot be read"),
        ] {
            assert!(SHIPPED.contains(from), "{from}");
            let error = Networks::parse(&SHIPPED.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
    }

    #[test]
    fn every_network_of_numbers_says_how_one_is_made() {
        let networks = Networks::shipped().unwrap();
        for network in networks.all().iter().filter(|network| !network.prefixes.is_empty()) {
            let (prefix, length) = network.numbers().unwrap();
            let number = format!("{prefix:0<length$}");
            assert_eq!(networks.scanned(&number).unwrap().network, networks.named(&network.word).unwrap());
        }
    }
}
