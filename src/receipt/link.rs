//! The customer's link to an e-receipt. It stands in the code at the foot of the customer's copy and on the screen, and the
//! terminal makes it alone, at once: nobody is asked.
//!
//! `BASE/R/TERMINAL-BATCH-STAN-UNTIL-SIGNATURE/SIZE/ROOT`
//!
//! | part | content |
//! |---|---|
//! | `BASE` | where the acquirer shows e-receipts, a parameter of the terminal |
//! | `TERMINAL` | terminal number, 8 letters and digits |
//! | `BATCH`, `STAN` | 6 digits each; of a purchase that was paid in parts the STAN of each, and what was paid in cash as `C` and minor units, with `.` between them |
//! | `UNTIL` | the last day on which it opens anything, `YYYYMMDD` |
//! | `SIGNATURE` | 32 hexadecimal digits: the first half of an HMAC with SHA-256 over all that stands from `TERMINAL` to its end, but itself |
//! | `SIZE`, `ROOT` | head of the log that ends with the payment, as in [`transaction_code`](super::transaction_code); left out where it is not known |
//!
//! The key of the signature follows from the device key, which nobody but terminal and host has: 128 bits that nobody else can
//! work out are what makes a link unguessable. The same payment has the same link on every duplicate. It carries nothing of the
//! card, and is of capital letters, digits and `-` and `/` behind the base, so that its code stays small.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::crypto::sha256::hmac_sha256;
use crate::crypto::{CryptoError, hex, mac};
use crate::host_tables::is_link_base;
use crate::reference::{Batch, Stan, TerminalNumber, TraceNumber};

/// What the secret of a device key is for that makes a [`LinkKey`].
pub const PURPOSE: &str = "e-receipt link 1";

/// What stands between base and terminal number.
pub const PATH: &str = "/R/";

/// Days for which a link may be valid.
pub const DAYS: std::ops::RangeInclusive<u16> = 1..=1096;

/// Days for which it is valid when the acquirer does not say.
pub const USUAL_DAYS: u16 = 180;

/// Bytes of a signature.
const SIGNATURE: usize = 16;

/// Parts of a purchase beside the first, at most: with more the code on narrow paper could not be read.
pub const MOST_PARTS: usize = 9;

/// The most digits of what was paid in cash.
const LONGEST_CASH: usize = 12;

/// The most characters that a path of ours has.
const LONGEST_PATH: usize = 160;

/// What terminal and host sign links by. Masks itself and is wiped when dropped.
#[derive(Clone)]
pub struct LinkKey(Zeroizing<Vec<u8>>);

/// Where the acquirer shows e-receipts, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptAddress {
    base: String,
    days: u16,
}

/// Which receipt a link opens, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptLink {
    /// Whose payment it is.
    pub terminal: TerminalNumber,
    /// Batch and STAN of the payment; of a purchase that was paid in parts, of its first part.
    pub trace: TraceNumber,
    /// STANs of its other parts, of the same batch. No more than [`MOST_PARTS`].
    pub parts: Vec<Stan>,
    /// What of it was paid in cash, in minor units: no host knows of that but by this link.
    pub cash_minor: Option<u64>,
    /// The last day on which it opens anything.
    pub until: Date,
    /// Head of the terminal's log that ends with the payment: leaves, `/`, and the hash in hexadecimal.
    pub log_head: Option<String>,
}

/// What can be no base of links.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no address for e-receipts: it begins with https:// or http://, has at most 60 characters, and no blank, ? or #"
)]
pub struct BaseError(String);

impl LinkKey {
    /// A key out of a secret that terminal and host have.
    pub const fn new(secret: Zeroizing<Vec<u8>>) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(masked)")
    }
}

impl ReceiptAddress {
    /// An address, without `/` at its end, that is valid for so many days after a payment; days out of [`DAYS`] count as the
    /// nearest.
    ///
    /// # Errors
    /// When it can be none.
    pub fn new(base: &str, days: u16) -> Result<Self, BaseError> {
        if !is_base(base) {
            return Err(BaseError(base.to_owned()));
        }
        Ok(Self { base: base.trim_end_matches('/').to_owned(), days: days.clamp(*DAYS.start(), *DAYS.end()) })
    }

    /// The address itself.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The last day on which the link to a payment of this day opens anything.
    pub fn until(&self, paid_on: Date) -> Date {
        paid_on.saturating_add(i32::from(self.days).days())
    }
}

/// Whether a text can be the base of links.
fn is_base(text: &str) -> bool {
    is_link_base(text)
}

impl ReceiptLink {
    /// The whole link.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn text(&self, address: &ReceiptAddress, key: &LinkKey) -> Result<String, CryptoError> {
        let head = self.log_head.as_ref().map(|head| format!("/{head}")).unwrap_or_default();
        Ok(format!("{}{PATH}{}-{}{head}", address.base, self.named(), hex::encode(&self.signature(key)?)))
    }

    /// Reads what stands behind [`PATH`], with the signature that it brings. Nothing when it is written otherwise than this
    /// program writes it, so that one receipt has one link. The signature is not looked at: see [`ReceiptLink::is_signed`].
    pub fn parse(path: &str) -> Option<(Self, Vec<u8>)> {
        if path.len() > LONGEST_PATH {
            return None;
        }
        let (named, log_head) = match path.split_once('/') {
            Some((named, head)) => (named, Some(head.to_owned())),
            None => (path, None),
        };
        let [terminal, batch, stan, until, signature] = named.split('-').collect::<Vec<_>>().try_into().ok()?;
        if terminal.bytes().any(|byte| !byte.is_ascii_alphanumeric()) || !log_head.as_deref().is_none_or(is_head) {
            return None;
        }
        let mut stans = stan.split('.').peekable();
        let first = stans.next()?;
        let (mut parts, mut cash_minor) = (Vec::new(), None);
        for part in stans {
            match part.strip_prefix('C') {
                Some(cash) if cash.len() <= LONGEST_CASH => cash_minor = Some(cash.parse().ok()?),
                _ => parts.push(Stan::parse(part).ok()?),
            }
        }
        let link = Self {
            terminal: TerminalNumber::parse(terminal).ok()?,
            trace: TraceNumber { batch: Batch::parse(batch).ok()?, stan: Stan::parse(first).ok()? },
            parts: Some(parts).filter(|parts| parts.len() <= MOST_PARTS)?,
            cash_minor,
            until: Date::strptime("%Y%m%d", until).ok()?,
            log_head,
        };
        let signature = hex::decode(signature).ok().filter(|signature| signature.len() == SIGNATURE)?;
        (format!("{}-{}", link.named(), hex::encode(&signature)) == named).then_some((link, signature))
    }

    /// Whether this signature was made by the key, in a time that does not depend on where it differs.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn is_signed(&self, signature: &[u8], key: &LinkKey) -> Result<bool, CryptoError> {
        Ok(mac::equal(&self.signature(key)?, signature))
    }

    /// Whether it opens a purchase that was paid in parts.
    pub const fn is_of_purchase(&self) -> bool {
        !self.parts.is_empty() || self.cash_minor.is_some()
    }

    /// Batch and STAN of every part that the host knows.
    pub fn traces(&self) -> impl Iterator<Item = TraceNumber> {
        let of = |stan: &Stan| TraceNumber { batch: self.trace.batch, stan: *stan };
        std::iter::once(self.trace).chain(self.parts.iter().map(of))
    }

    /// Whether a link by this terminal number can be written: letters and digits alone.
    pub fn can_name(terminal: &TerminalNumber) -> bool {
        terminal.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    fn named(&self) -> String {
        let cash = self.cash_minor.map(|minor| format!("C{minor}"));
        let paid =
            self.parts.iter().map(ToString::to_string).chain(cash).fold(String::new(), |paid, part| paid + "." + &part);
        let Self { terminal, trace: TraceNumber { batch, stan }, until, .. } = self;
        format!("{terminal}-{batch}-{stan}{paid}-{}", until.strftime("%Y%m%d"))
    }

    fn signature(&self, key: &LinkKey) -> Result<[u8; SIGNATURE], CryptoError> {
        let whole = hmac_sha256(
            &key.0,
            &[self.named().as_bytes(), b"/", self.log_head.as_deref().unwrap_or_default().as_bytes()],
        )?;
        let mut half = [0; SIGNATURE];
        half.copy_from_slice(&whole[..SIGNATURE]);
        Ok(half)
    }
}

/// `58/0A1B…`: a number without zeros before it, and 64 hexadecimal digits.
fn is_head(text: &str) -> bool {
    let is_number = |text: &str| {
        (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
    };
    let is_hash = |text: &str| {
        text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    };
    text.split_once('/').is_some_and(|(size, root)| is_number(size) && is_hash(root))
}

/// The head of the log in the text of a link, for whoever only has the link: leaves, `/`, and the hash in hexadecimal.
pub fn head_in(text: &str) -> Option<&str> {
    let (_, path) = text.split_once(PATH)?;
    let (_, head) = path.split_once('/')?;
    Some(head).filter(|head| is_head(head))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn key(byte: u8) -> LinkKey {
        LinkKey::new(Zeroizing::new(vec![byte; 32]))
    }

    fn link() -> ReceiptLink {
        ReceiptLink {
            terminal: TerminalNumber::parse("10000001").unwrap(),
            trace: TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(123).unwrap() },
            parts: Vec::new(),
            cash_minor: None,
            until: "2026-09-01".parse().unwrap(),
            log_head: Some(format!("58/{}", "0A1B2C3D".repeat(8))),
        }
    }

    fn address() -> ReceiptAddress {
        ReceiptAddress::new("https://r.example.cn/", 180).unwrap()
    }

    #[test]
    fn a_link_is_what_was_written_and_only_its_key_has_signed_it() {
        for link in [link(), ReceiptLink { log_head: None, ..link() }] {
            let text = link.text(&address(), &key(7)).unwrap();
            let path = text.strip_prefix("https://r.example.cn/R/").unwrap();
            assert!(path.starts_with("10000001-000001-000123-20260901-"), "{text}");
            let (read, signature) = ReceiptLink::parse(path).unwrap();
            assert_eq!(read, link);
            assert!(read.is_signed(&signature, &key(7)).unwrap());
            assert!(!read.is_signed(&signature, &key(8)).unwrap(), "another terminal's key");
            assert_eq!(head_in(&text), link.log_head.as_deref());
        }
    }

    #[test]
    fn a_link_to_a_purchase_names_every_part_and_the_cash_that_only_the_terminal_knows() {
        let stan = |number| Stan::new(number).unwrap();
        let purchase =
            ReceiptLink { parts: vec![stan(125), stan(130)], cash_minor: Some(560), log_head: None, ..link() };
        let text = purchase.text(&address(), &key(7)).unwrap();
        let path = text.split_once(PATH).unwrap().1;
        assert!(path.starts_with("10000001-000001-000123.000125.000130.C560-20260901-"), "{text}");
        let (read, signature) = ReceiptLink::parse(path).unwrap();
        assert_eq!(read, purchase);
        assert!(read.is_signed(&signature, &key(7)).unwrap() && read.is_of_purchase() && !link().is_of_purchase());
        assert_eq!(read.traces().map(|trace| trace.stan.number()).collect::<Vec<_>>(), [123, 125, 130]);
        for (from, to) in [(".C560", ".C561"), (".C560", ""), (".000125", ""), (".000125", ".000126")] {
            let (other, _) = ReceiptLink::parse(&path.replacen(from, to, 1)).unwrap();
            assert!(!other.is_signed(&signature, &key(7)).unwrap(), "{from} as {to}");
        }
        for (from, to) in [
            (".C560", ".C0560"),
            (".C560", ".C"),
            (".C560", ".C560.C1"),
            (".C560", ".C560.000131"),
            (".000125", ".125"),
        ] {
            assert!(ReceiptLink::parse(&path.replacen(from, to, 1)).is_none(), "{from} as {to}");
        }
        let longest = ReceiptAddress::new(&format!("https://{}", "a".repeat(52)), 9999).unwrap();
        let most =
            ReceiptLink { parts: vec![stan(999_999); MOST_PARTS], cash_minor: Some(999_999_999_999), ..purchase };
        let text = most.text(&longest, &key(7)).unwrap();
        assert!(text.len() <= 213, "what a code of 57 modules holds at level M: {}", text.len());
        assert_eq!(ReceiptLink::parse(text.split_once(PATH).unwrap().1).unwrap().0, most);
        let more = ReceiptLink { parts: vec![stan(1); MOST_PARTS + 1], ..most };
        assert!(ReceiptLink::parse(more.text(&longest, &key(7)).unwrap().split_once(PATH).unwrap().1).is_none());
    }

    #[test]
    fn whatever_character_is_changed_the_signature_is_wrong_or_it_is_no_link() {
        let text = link().text(&address(), &key(7)).unwrap();
        let path = text.split_once(PATH).unwrap().1;
        for place in 0..path.len() {
            for other in ['0', '1', '9', 'A', 'F', 'a', '-', '/', '%'] {
                let mut changed: Vec<char> = path.chars().collect();
                if std::mem::replace(&mut changed[place], other) == other {
                    continue;
                }
                let changed: String = changed.iter().collect();
                let opens = ReceiptLink::parse(&changed)
                    .is_some_and(|(link, signature)| link.is_signed(&signature, &key(7)).unwrap());
                assert!(!opens, "{changed}");
            }
        }
        for other in ["", "/", &path[..path.len() - 1], &format!("{path}0"), &format!("{path}/"), &path.to_lowercase()]
        {
            assert!(ReceiptLink::parse(other).is_none(), "{other}");
        }
        let (named, _) = path.split_once('/').unwrap();
        let (without, signature) = ReceiptLink::parse(named).unwrap();
        assert!(!without.is_signed(&signature, &key(7)).unwrap(), "the log's head cannot be left out");
    }

    #[test]
    fn a_base_is_an_address_that_leaves_room_for_the_rest() {
        for (text, is) in [
            ("https://r.example.cn", true),
            ("http://127.0.0.1:8585", true),
            ("https://bank.example.cn/receipts", true),
            ("https://", false),
            ("https:///x", false),
            ("ftp://r.example.cn", false),
            ("r.example.cn", false),
            ("https://r.example.cn/?a", false),
            ("https://r.example.cn/#a", false),
            ("https://r.example.cn/ a", false),
            ("https://r.example.cn/收据", false),
            (&format!("https://{}", "a".repeat(53)), false),
        ] {
            assert_eq!(is_base(text), is, "{text}");
            assert_eq!(ReceiptAddress::new(text, 1).is_ok(), is);
        }
        let longest = ReceiptAddress::new(&format!("https://{}", "a".repeat(52)), 9999).unwrap();
        let most = ReceiptLink { log_head: Some(format!("{}/{}", u64::MAX, "F".repeat(64))), ..link() };
        assert!(most.text(&longest, &key(7)).unwrap().len() <= 213, "what a code of 57 modules holds at level M");
        assert_eq!(longest.until("2026-01-01".parse().unwrap()).to_string(), "2029-01-01", "1096 days at most");
        assert_eq!(address().until("2026-03-05".parse().unwrap()).to_string(), "2026-09-01");
    }

    #[test]
    fn a_number_that_a_link_cannot_carry_is_known_before() {
        assert!(ReceiptLink::can_name(&link().terminal));
        assert!(!ReceiptLink::can_name(&TerminalNumber::parse("10-00001").unwrap()));
        assert_eq!(format!("{:?}", key(7)), "LinkKey(masked)");
    }
}
