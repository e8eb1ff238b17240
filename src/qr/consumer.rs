//! The code that a customer shows, as EMV has it (EMV QRCPS Consumer-Presented Mode 1.1): BER-TLV, written in base 64. Read only.
//!
//! In it are a card number or what stands for one, and a cryptogram: who has it can charge the customer. What names the customer is
//! masked and wiped, as in the code itself ([`PaymentCode`]).

use std::fmt;

use zeroize::Zeroizing;

use crate::card_number::{CardNumberError, Pan, Track2};
use crate::crypto::{base64, hex};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::{self, Tlv, TlvError};
use crate::payment::qr::PaymentCode;

const FORMAT: Tag = Tag(0x85);
const APPLICATION: Tag = Tag(0x61);
const COMMON: Tag = Tag(0x62);
const OWN_TRANSPARENT: Tag = Tag(0x63);
const COMMON_TRANSPARENT: Tag = Tag(0x64);
const LANGUAGE: Tag = Tag(0x5F2D);
const ISSUER_URL: Tag = Tag(0x5F50);
const TOKEN_REQUESTOR: Tag = Tag(0x9F19);
const ACCOUNT_REFERENCE: Tag = Tag(0x9F24);
const LAST_FOUR: Tag = Tag(0x9F25);
const CARDHOLDER: Tag = Tag(0x5F20);
const EXPIRY: Tag = Tag(0x5F24);
const NAME: Tag = Tag(0x4F);
const LABEL: Tag = Tag(0x50);

/// The only version there is.
const VERSION: &[u8] = b"CPV01";

/// How such a code begins: [`FORMAT`], its length and the first letters of [`VERSION`].
const BEGINNING: &str = "hQVDUFY";

/// Most applications in a code. Two are usual.
pub const MOST_APPLICATIONS: usize = 8;

/// What a customer's code says. The first application is the one that the customer likes best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerPresented {
    /// What can be paid with: one at least.
    pub applications: Vec<Application>,
    /// What is said for all of them.
    pub common: Customer,
}

/// One way to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// 4F: application identifier.
    pub name: Vec<u8>,
    /// 50: what it is called.
    pub label: Option<String>,
    /// What is said for this one alone.
    pub own: Customer,
}

/// What is said of a customer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Customer {
    /// 5A: the card number, or what stands for it.
    pub pan: Option<Pan>,
    /// 57.
    pub track2: Option<Track2>,
    /// 5F20.
    pub cardholder: Option<Zeroizing<String>>,
    /// 5F24: year, month, day, packed decimal.
    pub expiry: Option<Zeroizing<[u8; 3]>>,
    /// 5F2D: languages, two letters each.
    pub languages: Option<String>,
    /// 5F50.
    pub issuer_url: Option<String>,
    /// 9F19: who asked for the token.
    pub token_requestor: Option<String>,
    /// 9F24: what names the account beyond tokens.
    pub account_reference: Option<Zeroizing<String>>,
    /// 9F25: the end of the number that the customer knows.
    pub last_four: Option<Zeroizing<String>>,
    /// 63 or 64: cryptogram, counter and what belongs to them, for the issuer alone.
    pub chip_data: Zeroizing<Vec<u8>>,
    /// 9F26, of those.
    pub cryptogram: Option<Zeroizing<[u8; 8]>>,
}

/// A code that cannot be read. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumerCodeError {
    /// Not of that kind at all.
    #[error("that is no customer's code of EMV: it does not begin with CPV01")]
    OtherKind,
    /// Not base 64.
    #[error("the customer's code is not base 64; scan it again")]
    Base64,
    /// Not BER-TLV.
    #[error("the customer's code is not readable: {0}; scan it again")]
    Tlv(#[from] TlvError),
    /// An object is missing.
    #[error("the customer's code has no {0}")]
    Missing(Tag),
    /// The same object twice at one place.
    #[error("the customer's code has {0} twice")]
    Twice(Tag),
    /// A value that its object cannot have.
    #[error("{0} of the customer's code has a value that it cannot have")]
    Value(Tag),
    /// A card number or track.
    #[error("{tag} of the customer's code: {error}")]
    CardNumber {
        /// Where.
        tag: Tag,
        /// What is wrong with it.
        error: CardNumberError,
    },
    /// Number and track are of two cards.
    #[error("card number and track of the customer's code are of two cards")]
    TwoCards,
    /// More than [`MOST_APPLICATIONS`].
    #[error("the customer's code has more than {MOST_APPLICATIONS} applications")]
    TooMany,
}

/// Whether a code is one of this kind: what begins so and cannot be read is no wallet's number either.
pub fn is_of_this_kind(code: &PaymentCode) -> bool {
    code.expose().starts_with(BEGINNING)
}

impl ConsumerPresented {
    /// Reads a code that was scanned. Objects that nobody here knows are passed over.
    ///
    /// # Errors
    /// When it is not of this kind, not readable, or lacks what every such code has.
    pub fn read(code: &PaymentCode) -> Result<Self, ConsumerCodeError> {
        if !is_of_this_kind(code) {
            return Err(ConsumerCodeError::OtherKind);
        }
        let bytes = Zeroizing::new(base64::decode(code.expose()).ok_or(ConsumerCodeError::Base64)?);
        let objects = tlv::walk(&bytes).collect::<Result<Vec<_>, _>>()?;
        if objects.first().is_none_or(|first| (first.tag, first.value) != (FORMAT, VERSION)) {
            return Err(ConsumerCodeError::OtherKind);
        }
        once(&objects, |tag| tag != APPLICATION)?;
        let of = |tag| objects.iter().filter(move |object| object.tag == tag).map(|object| object.value);
        if of(APPLICATION).count() > MOST_APPLICATIONS {
            return Err(ConsumerCodeError::TooMany);
        }
        let applications = of(APPLICATION).map(Application::read).collect::<Result<Vec<_>, _>>()?;
        if applications.is_empty() {
            return Err(ConsumerCodeError::Missing(APPLICATION));
        }
        let common = of(COMMON).next().map(|value| Customer::read(value, COMMON_TRANSPARENT)).transpose()?;
        Ok(Self { applications, common: common.unwrap_or_default() })
    }

    /// The number that is paid with: of the first application, or of all.
    pub fn pan(&self) -> Option<&Pan> {
        self.applications
            .iter()
            .map(|application| &application.own)
            .chain([&self.common])
            .find_map(|said| said.pan.as_ref())
    }
}

impl Application {
    fn read(value: &[u8]) -> Result<Self, ConsumerCodeError> {
        let name = find(value, NAME)?.ok_or(ConsumerCodeError::Missing(NAME))?;
        if !(5..=16).contains(&name.len()) {
            return Err(ConsumerCodeError::Value(NAME));
        }
        let label = find(value, LABEL)?.map(|label| text(LABEL, label, 1..=16)).transpose()?;
        Ok(Self { name: name.to_vec(), label, own: Customer::read(value, OWN_TRANSPARENT)? })
    }
}

impl Customer {
    /// Reads a template. `transparent`: the template in it whose objects are for the issuer.
    fn read(value: &[u8], transparent: Tag) -> Result<Self, ConsumerCodeError> {
        let objects = tlv::walk(value).collect::<Result<Vec<_>, _>>()?;
        once(&objects, |_| true)?;
        let number = |tag, error| ConsumerCodeError::CardNumber { tag, error };
        let of = |tag: Tag| objects.iter().find(|object| object.tag == tag).map(|object| object.value);
        let words = |tag, lengths| of(tag).map(|value| text(tag, value, lengths)).transpose();
        let digits = |tag: Tag, length: usize| match of(tag) {
            None => Ok(None),
            Some(value) if value.len() == length => Ok(Some(hex::encode(value))),
            Some(_) => Err(ConsumerCodeError::Value(tag)),
        };
        let chip_data = Zeroizing::new(of(transparent).unwrap_or_default().to_vec());
        let cryptogram = match find(&chip_data, tag::CRYPTOGRAM)? {
            Some(value) => Some(value.try_into().map_err(|_| ConsumerCodeError::Value(tag::CRYPTOGRAM))?),
            None => None,
        };
        let pan = of(tag::PAN).map(Pan::from_compressed).transpose().map_err(|error| number(tag::PAN, error))?;
        let track2 = of(tag::TRACK_2).map(Track2::from_packed).transpose();
        let track2 = track2.map_err(|error| number(tag::TRACK_2, error))?;
        if let (Some(pan), Some(track)) = (&pan, &track2)
            && track.pan().map_err(|error| number(tag::TRACK_2, error))? != *pan
        {
            return Err(ConsumerCodeError::TwoCards);
        }
        let last_four = digits(LAST_FOUR, 2)?;
        if last_four.as_deref().is_some_and(|digits| !digits.bytes().all(|digit| digit.is_ascii_digit())) {
            return Err(ConsumerCodeError::Value(LAST_FOUR));
        }
        Ok(Self {
            pan,
            track2,
            cardholder: words(CARDHOLDER, 2..=26)?.map(Zeroizing::new),
            expiry: of(EXPIRY).map(expiry).transpose()?,
            languages: words(LANGUAGE, 2..=8)?,
            issuer_url: words(ISSUER_URL, 1..=64)?,
            token_requestor: digits(TOKEN_REQUESTOR, 6)?,
            account_reference: words(ACCOUNT_REFERENCE, 29..=29)?.map(Zeroizing::new),
            last_four: last_four.map(Zeroizing::new),
            chip_data,
            cryptogram: cryptogram.map(Zeroizing::new),
        })
    }
}

/// What names the customer is not shown.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("pan", &self.pan)
            .field("languages", &self.languages)
            .field("chip_data", &format_args!("({} bytes)", self.chip_data.len()))
            .finish_non_exhaustive()
    }
}

/// The value of an object of this level. What a template inside it has is not looked at.
fn find(value: &[u8], tag: Tag) -> Result<Option<&[u8]>, ConsumerCodeError> {
    for object in tlv::walk(value) {
        let object = object?;
        if object.tag == tag {
            return Ok(Some(object.value));
        }
    }
    Ok(None)
}

fn once(objects: &[Tlv<'_>], counts: impl Fn(Tag) -> bool) -> Result<(), ConsumerCodeError> {
    let twice = |(at, object): &(usize, &Tlv<'_>)| {
        counts(object.tag) && objects[..*at].iter().any(|earlier| earlier.tag == object.tag)
    };
    match objects.iter().enumerate().find(twice) {
        Some((_, object)) => Err(ConsumerCodeError::Twice(object.tag)),
        None => Ok(()),
    }
}

fn text(tag: Tag, value: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Result<String, ConsumerCodeError> {
    let printable = value.iter().all(|byte| (0x20..0x7F).contains(byte));
    match std::str::from_utf8(value) {
        Ok(text) if printable && lengths.contains(&value.len()) => Ok(text.to_owned()),
        _ => Err(ConsumerCodeError::Value(tag)),
    }
}

fn expiry(value: &[u8]) -> Result<Zeroizing<[u8; 3]>, ConsumerCodeError> {
    let packed: [u8; 3] = value.try_into().map_err(|_| ConsumerCodeError::Value(EXPIRY))?;
    let decimal = packed.iter().all(|byte| byte >> 4 < 10 && byte & 0x0F < 10);
    let is_day = (0x01..=0x12).contains(&packed[1]) && (0x01..=0x31).contains(&packed[2]);
    if decimal && is_day { Ok(Zeroizing::new(packed)) } else { Err(ConsumerCodeError::Value(EXPIRY)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::tlv::TlvBuilder;
    use proptest::prelude::*;

    /// EMV QRCPS Consumer-Presented Mode 1.1, 5.
    const EXAMPLE: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xE\
         RVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";

    fn read(text: &str) -> Result<ConsumerPresented, ConsumerCodeError> {
        ConsumerPresented::read(&PaymentCode::parse(text).unwrap())
    }

    fn of_bytes(bytes: &[u8]) -> Result<ConsumerPresented, ConsumerCodeError> {
        read(&base64::encode(bytes))
    }

    /// A code with these objects behind its first one.
    fn coded(objects: &[(Tag, &[u8])]) -> Result<ConsumerPresented, ConsumerCodeError> {
        let mut builder = TlvBuilder::new().with(FORMAT, VERSION);
        for (tag, value) in objects {
            builder.push(*tag, value);
        }
        of_bytes(&builder.build())
    }

    fn template(objects: &[(Tag, &[u8])]) -> Vec<u8> {
        let mut builder = TlvBuilder::new();
        for (tag, value) in objects {
            builder.push(*tag, value);
        }
        builder.build()
    }

    const AID: (Tag, &[u8]) = (NAME, &[0xA0, 0, 0, 3, 0x33]);

    #[test]
    fn the_example_of_the_specification_is_read() {
        let code = read(EXAMPLE).unwrap();
        let names: Vec<_> =
            code.applications.iter().map(|one| (hex::encode(&one.name), one.label.as_deref())).collect();
        let expected = [("A0000000555555", "Product1"), ("A0000000666666", "Product2")];
        assert_eq!(names, expected.map(|(name, label)| (name.to_owned(), Some(label))));
        assert_eq!(code.pan().unwrap().expose_digits(), "1234567890123458");
        assert_eq!(code.common.cardholder.as_ref().unwrap().as_str(), "CARDHOLDER/EMV");
        assert_eq!(code.common.languages.as_deref(), Some("ruesdeen"));
        assert_eq!(hex::encode(&code.common.cryptogram.as_ref().unwrap()[..]), "584FD385FA234BCC");
        assert_eq!(tlv::find(&code.common.chip_data, Tag(0x9F36)).unwrap(), Some(&[0, 1][..]));
    }

    #[test]
    fn nothing_that_names_the_customer_or_pays_is_shown() {
        let shown = format!("{:?}", read(EXAMPLE).unwrap());
        assert!(shown.contains("123456******3458"), "{shown}");
        for secret in ["1234567890", "CARDHOLDER", "88, 79, 211", "584FD385"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }

    #[test]
    fn what_an_application_says_is_its_own() {
        let track = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD3, 0x01, 0x22, 0x01, 0x1F];
        let application = template(&[
            AID,
            (tag::TRACK_2, &track),
            (tag::PAN, &[0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11]),
            (EXPIRY, &[0x30, 0x12, 0x31]),
            (LAST_FOUR, &[0x11, 0x11]),
            (TOKEN_REQUESTOR, &[1, 0x23, 0x45, 0x67, 0x89, 1]),
            (OWN_TRANSPARENT, &template(&[(tag::CRYPTOGRAM, &[7; 8])])),
        ]);
        let code = coded(&[(APPLICATION, &application)]).unwrap();
        let own = &code.applications[0].own;
        assert_eq!(code.pan().unwrap().truncated(), "411111******1111");
        assert_eq!(own.expiry.as_deref(), Some(&[0x30, 0x12, 0x31]));
        assert_eq!(
            (own.last_four.as_ref().unwrap().as_str(), own.token_requestor.as_deref()),
            ("1111", Some("012345678901"))
        );
        assert_eq!(own.cryptogram.as_deref(), Some(&[7; 8]));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_tag_and_never_with_its_value() {
        use ConsumerCodeError::{Base64, CardNumber, Missing, OtherKind, TooMany, Twice, TwoCards, Value};
        let with = |more: &[(Tag, &[u8])]| coded(&[(APPLICATION, &template(&[&[AID], more].concat()))]);
        let aid = template(&[AID]);
        let track = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD3, 0x01, 0x22, 0x01, 0x1F];
        let other = (tag::PAN, &[0x62, 0x22, 0, 0, 0, 0, 0, 0][..]);
        let length = CardNumberError::Length(4);
        for (result, error) in [
            (read("281234567890123456"), OtherKind),
            (read(&EXAMPLE.replace("hQVDUFYwMWET", "hQVDUFYwMmET")), OtherKind),
            (read(EXAMPLE.trim_end_matches('=')), Base64),
            (
                of_bytes(&[0x85, 5, b'C', b'P', b'V', b'0', b'1', 0x61, 9, 0]),
                ConsumerCodeError::Tlv(TlvError::Value { tag: APPLICATION, offset: 9, length: 9, left: 1 }),
            ),
            (coded(&[(COMMON, &[])]), Missing(APPLICATION)),
            (coded(&[(APPLICATION, &[])]), Missing(NAME)),
            (coded(&[(APPLICATION, &template(&[(NAME, &[1; 4])]))]), Value(NAME)),
            (coded(&[(APPLICATION, &aid), (COMMON, &[]), (COMMON, &[])]), Twice(COMMON)),
            (coded(&[(APPLICATION, &aid), (FORMAT, VERSION)]), Twice(FORMAT)),
            (coded(&vec![(APPLICATION, &aid[..]); 9]), TooMany),
            (with(&[AID]), Twice(NAME)),
            (with(&[(LABEL, &[])]), Value(LABEL)),
            (with(&[(CARDHOLDER, b"A\n")]), Value(CARDHOLDER)),
            (with(&[(EXPIRY, &[0x30, 0x13, 1])]), Value(EXPIRY)),
            (with(&[(LAST_FOUR, &[0x1A, 0x11])]), Value(LAST_FOUR)),
            (with(&[(tag::PAN, &[0x12, 0x34])]), CardNumber { tag: tag::PAN, error: length }),
            (with(&[(tag::TRACK_2, &track), other]), TwoCards),
            (with(&[(OWN_TRANSPARENT, &template(&[(tag::CRYPTOGRAM, &[7; 7])]))]), Value(tag::CRYPTOGRAM)),
        ] {
            assert_eq!(result.unwrap_err(), error);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = of_bytes(&[&[0x85, 5][..], VERSION, &bytes].concat());
        }
    }
}
