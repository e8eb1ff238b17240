//! The code that a merchant shows (EMV QRCPS Merchant-Presented Mode 1.1): made, and read.
//!
//! A code is text of data objects. The first says that it is such a code, the last is a checksum over all before it; what is between
//! may stand in any order and is written in that of its numbers. Lengths count characters, not bytes. What no part of this module
//! knows the meaning of is kept as it came.

mod crc;
mod objects;
mod parts;
mod texts;

use std::fmt;

use self::objects::Object;
use self::texts::{Kind, check};
use crate::money::{Amount, Currency};

/// Most characters of a code (4.7).
pub const LONGEST: usize = 512;

/// The only version there is.
const VERSION: &str = "01";

const FORMAT: u8 = 0;
const INITIATION: u8 = 1;
const CATEGORY: u8 = 52;
const CURRENCY: u8 = 53;
const AMOUNT: u8 = 54;
const TIP: u8 = 55;
const FIXED_FEE: u8 = 56;
const PERCENTAGE: u8 = 57;
const COUNTRY: u8 = 58;
const NAME: u8 = 59;
const CITY: u8 = 60;
const POSTAL_CODE: u8 = 61;
const ADDITIONAL: u8 = 62;
const CHECKSUM: u8 = 63;
const LANGUAGE: u8 = 64;

/// Numbers of the accounts, and those among them that are templates.
const ACCOUNTS: std::ops::RangeInclusive<u8> = 2..=51;
const ACCOUNT_TEMPLATES: std::ops::RangeInclusive<u8> = 26..=51;

/// Numbers that nobody has given a meaning yet, and templates of whoever uses them.
const OTHERS: std::ops::RangeInclusive<u8> = 65..=99;
const OWN_TEMPLATES: std::ops::RangeInclusive<u8> = 80..=99;

/// What a merchant's code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantPresented {
    /// Whether it stands for one payment or for many; it need not say.
    pub initiation: Option<Initiation>,
    /// Where the money goes, one for each network: one at least.
    pub accounts: Vec<Account>,
    /// Four digits of ISO 18245.
    pub category: String,
    /// What is to be paid, or in what.
    pub price: Price,
    /// What is paid beside it.
    pub tip: Option<Tip>,
    /// Two letters of ISO 3166.
    pub country: String,
    /// The merchant's name.
    pub name: String,
    /// Where the merchant is.
    pub city: String,
    /// The same as the post says it.
    pub postal_code: Option<String>,
    /// What bill it is and who shows it.
    pub additional: Additional,
    /// Name and city in another language.
    pub language: Option<Language>,
    /// What has no meaning here, by its number from 65.
    pub others: Vec<(u8, String)>,
}

/// For how many payments a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// For many: it hangs on the wall.
    Static,
    /// For one.
    Dynamic,
}

/// What is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// The customer types how much of this.
    Asked(Currency),
    /// This.
    Fixed(Amount),
}

/// A tip or a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tip {
    /// The customer types it.
    Asked,
    /// This much.
    Fixed(Amount),
    /// Hundredths of a percent: 1 to 9999.
    Percentage(u16),
}

/// Where the money goes in one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// A text of a card network, by its number from 2 to 25.
    Number {
        /// Which network.
        id: u8,
        /// Its account.
        value: String,
    },
    /// A template, by its number from 26 to 51.
    Template {
        /// Which of them.
        id: u8,
        /// Whose it is: an application identifier, a UUID or a domain name turned round.
        globally_unique_identifier: String,
        /// The network's own objects, by their numbers from 1 to 99.
        values: Vec<(u8, String)>,
    },
}

/// Template 62. A text of three stars asks the customer for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additional {
    /// Number of the bill.
    pub bill_number: Option<String>,
    /// Telephone number to be charged with.
    pub mobile_number: Option<String>,
    /// Which shop.
    pub store_label: Option<String>,
    /// Number of a loyalty card.
    pub loyalty_number: Option<String>,
    /// Name of this payment.
    pub reference_label: Option<String>,
    /// Name of the customer.
    pub customer_label: Option<String>,
    /// Which terminal.
    pub terminal_label: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// What the customer's phone is asked for: A address, M telephone number, E e-mail.
    pub consumer_data_request: Option<String>,
    /// What has no meaning here, by its number from 10.
    pub others: Vec<(u8, String)>,
}

/// Template 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// Two letters of ISO 639.
    pub preference: String,
    /// The merchant's name.
    pub name: String,
    /// Where the merchant is.
    pub city: Option<String>,
    /// What has no meaning here, by its number from 3.
    pub others: Vec<(u8, String)>,
}

/// A code that cannot be read or made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerchantCodeError {
    /// Longer than any code.
    #[error("a merchant's code has {LONGEST} characters at most, this has {0}")]
    TooLong(usize),
    /// It does not begin or end as such a code does.
    #[error(
        "that is no merchant's code: it does not begin with 000201 or does not end with 63, 04 and four digits of a checksum"
    )]
    Frame,
    /// Some character was changed, lost or added.
    #[error("the checksum of the code is {said}, that of its text is {right:04X}; scan it again")]
    Checksum {
        /// What stands in it.
        said: String,
        /// What ought to.
        right: u16,
    },
    /// Number, length or value of an object is not there or no number.
    #[error("the object at character {at}{} is cut off or its number or length is none", of_template(*within))]
    Cut {
        /// Characters in front of it.
        at: usize,
        /// The template that it is in.
        within: Option<u8>,
    },
    /// An object without a value.
    #[error("object {id:02}{} is empty", of_template(*within))]
    Empty {
        /// Which.
        id: u8,
        /// The template that it is in.
        within: Option<u8>,
    },
    /// The same object twice.
    #[error("object {id:02}{} is there twice", of_template(*within))]
    Twice {
        /// Which.
        id: u8,
        /// The template that it is in.
        within: Option<u8>,
    },
    /// An object that must be there is not.
    #[error("{what} is missing (object {id:02}{})", of_template(*within))]
    Missing {
        /// Which.
        id: u8,
        /// What it is.
        what: &'static str,
        /// The template that it ought to be in.
        within: Option<u8>,
    },
    /// A value that its object cannot have.
    #[error("{what} (object {id:02}{}) must be {must}", of_template(*within))]
    Value {
        /// Which.
        id: u8,
        /// What it is.
        what: &'static str,
        /// What it may be.
        must: String,
        /// The template that it is in.
        within: Option<u8>,
    },
    /// A value that is too long to be written, as a template of all that is in it may be.
    #[error("object {id:02} would have {length} characters; it has 1 to 99")]
    Length {
        /// Which.
        id: u8,
        /// How many it would have.
        length: usize,
    },
    /// An object with a number that is not for it.
    #[error("object {id:02}{} cannot stand there", of_template(*within))]
    Number {
        /// Which.
        id: u8,
        /// The template that it is in.
        within: Option<u8>,
    },
}

fn of_template(template: Option<u8>) -> String {
    template.map(|template| format!(" of template {template:02}")).unwrap_or_default()
}

impl MerchantPresented {
    /// Reads a code.
    ///
    /// # Errors
    /// When its checksum is wrong, an object is cut off, missing, there twice or where it cannot be, or has a value that it cannot
    /// have.
    pub fn read(text: &str) -> Result<Self, MerchantCodeError> {
        let length = text.chars().count();
        if length > LONGEST {
            return Err(MerchantCodeError::TooLong(length));
        }
        let (covered, said) = text
            .len()
            .checked_sub(4)
            .and_then(|at| text.split_at_checked(at))
            .filter(|(covered, _)| text.starts_with("000201") && covered.ends_with("6304"))
            .ok_or(MerchantCodeError::Frame)?;
        let right = crc::crc_16(covered.as_bytes());
        if said != format!("{right:04X}") {
            return Err(MerchantCodeError::Checksum { said: said.to_owned(), right });
        }
        let objects = objects::read(text, None)?;
        // The last four digits may have been the end of another object.
        if objects.last().is_none_or(|last| last.id != CHECKSUM) {
            return Err(MerchantCodeError::Frame);
        }
        let code = Self::of(&objects)?;
        code.checked()?;
        Ok(code)
    }

    /// The text of the code, objects in the order of their numbers.
    ///
    /// # Errors
    /// When a value is one that its object cannot have, or the whole is too long.
    pub fn write(&self) -> Result<String, MerchantCodeError> {
        self.checked()?;
        let mut text = String::new();
        let mut put = |id, value: &str| objects::write(&mut text, id, value);
        put(FORMAT, VERSION)?;
        if let Some(initiation) = self.initiation {
            put(INITIATION, initiation.digits())?;
        }
        for account in &self.accounts {
            put(account.id(), &account.value()?)?;
        }
        put(CATEGORY, &self.category)?;
        put(CURRENCY, &format!("{:03}", self.price.currency().numeric()))?;
        if let Price::Fixed(amount) = self.price {
            put(AMOUNT, &amount.to_string())?;
        }
        if let Some(tip) = self.tip {
            put(TIP, tip.digits())?;
            match tip {
                Tip::Asked => {}
                Tip::Fixed(amount) => put(FIXED_FEE, &amount.to_string())?,
                Tip::Percentage(hundredths) => {
                    put(PERCENTAGE, &format!("{:02}.{:02}", hundredths / 100, hundredths % 100))?;
                }
            }
        }
        for (id, value) in [(COUNTRY, &self.country), (NAME, &self.name), (CITY, &self.city)] {
            put(id, value)?;
        }
        if let Some(code) = &self.postal_code {
            put(POSTAL_CODE, code)?;
        }
        if self.additional != Additional::default() {
            put(ADDITIONAL, &self.additional.value()?)?;
        }
        // The checksum has a lower number, and its place is the end.
        if let Some(language) = &self.language {
            put(LANGUAGE, &language.value()?)?;
        }
        for (id, value) in &self.others {
            put(*id, value)?;
        }
        text.push_str("6304");
        text.push_str(&format!("{:04X}", crc::crc_16(text.as_bytes())));
        let length = text.chars().count();
        if length > LONGEST { Err(MerchantCodeError::TooLong(length)) } else { Ok(text) }
    }

    fn of(objects: &[Object<'_>]) -> Result<Self, MerchantCodeError> {
        let within = None;
        let value = |id| objects.iter().find(|object| object.id == id).map(|object| object.value);
        let text = |id, what| value(id).map(str::to_owned).ok_or(MerchantCodeError::Missing { id, what, within });
        let wrong = |id, what, must: &str| MerchantCodeError::Value { id, what, must: must.to_owned(), within };
        let initiation = match value(INITIATION) {
            None => None,
            Some("11") => Some(Initiation::Static),
            Some("12") => Some(Initiation::Dynamic),
            Some(_) => return Err(wrong(INITIATION, "the point of initiation", "11 or 12")),
        };
        let numeric = text(CURRENCY, "the currency")?;
        let currency = Some(numeric)
            .filter(|digits| digits.len() == 3)
            .and_then(|digits| Currency::from_numeric(digits.parse().ok()?))
            .ok_or_else(|| wrong(CURRENCY, "the currency", "three digits of ISO 4217 that this program knows"))?;
        let amount = |id, what| match value(id) {
            None => Ok(None),
            // A point with nothing behind it is allowed.
            Some(text) => match Amount::parse(text.strip_suffix('.').unwrap_or(text), currency) {
                Ok(amount) if !amount.is_zero() && text.len() <= 13 => Ok(Some(amount)),
                _ => Err(wrong(id, what, "more than nothing, with a point and no more decimals than the currency has")),
            },
        };
        let tip = match (value(TIP), amount(FIXED_FEE, "the fixed fee")?, value(PERCENTAGE)) {
            (None, None, None) => None,
            (Some("01"), None, None) => Some(Tip::Asked),
            (Some("02"), Some(fee), None) => Some(Tip::Fixed(fee)),
            (Some("03"), None, Some(text)) => Some(Tip::Percentage(
                percentage(text).ok_or_else(|| wrong(PERCENTAGE, "the fee in percent", "00.01 to 99.99"))?,
            )),
            _ => {
                return Err(wrong(
                    TIP,
                    "the tip",
                    "01 alone, 02 with a fixed fee (56), or 03 with one in percent (57)",
                ));
            }
        };
        Ok(Self {
            initiation,
            accounts: objects
                .iter()
                .filter(|object| ACCOUNTS.contains(&object.id))
                .map(Account::of)
                .collect::<Result<_, _>>()?,
            category: text(CATEGORY, "the merchant category")?,
            price: amount(AMOUNT, "the amount")?.map_or(Price::Asked(currency), Price::Fixed),
            tip,
            country: text(COUNTRY, "the country")?,
            name: text(NAME, "the merchant's name")?,
            city: text(CITY, "the city")?,
            postal_code: value(POSTAL_CODE).map(str::to_owned),
            additional: value(ADDITIONAL).map(Additional::of).transpose()?.unwrap_or_default(),
            language: value(LANGUAGE).map(Language::of).transpose()?,
            others: rest(objects, |id| OTHERS.contains(&id)),
        })
    }

    /// Everything that is not held by the types.
    fn checked(&self) -> Result<(), MerchantCodeError> {
        let within = None;
        if self.accounts.is_empty() {
            let what = "the account of a network";
            return Err(MerchantCodeError::Missing { id: *ACCOUNTS.start(), what, within });
        }
        check(CATEGORY, "the merchant category", &self.category, Kind::Digits, 4..=4, within)?;
        check(COUNTRY, "the country", &self.country, Kind::Letters, 2..=2, within)?;
        check(NAME, "the merchant's name", &self.name, Kind::Any, 1..=25, within)?;
        check(CITY, "the city", &self.city, Kind::Any, 1..=15, within)?;
        if let Some(code) = &self.postal_code {
            check(POSTAL_CODE, "the postal code", code, Kind::Printable, 1..=10, within)?;
        }
        let currency = self.price.currency();
        let amounts = [
            (AMOUNT, if let Price::Fixed(amount) = self.price { Some(amount) } else { None }),
            (FIXED_FEE, if let Some(Tip::Fixed(fee)) = self.tip { Some(fee) } else { None }),
        ];
        for (id, amount) in amounts.into_iter().filter_map(|(id, amount)| Some((id, amount?))) {
            if amount.is_zero() || amount.currency() != currency || amount.to_string().len() > 13 {
                let must = format!("more than nothing, in {}, of 13 characters at most", currency.code());
                return Err(MerchantCodeError::Value { id, what: "the amount", must, within });
            }
        }
        if let Some(Tip::Percentage(hundredths)) = self.tip
            && !(1..=9999).contains(&hundredths)
        {
            let must = "00.01 to 99.99".to_owned();
            return Err(MerchantCodeError::Value { id: PERCENTAGE, what: "the fee in percent", must, within });
        }
        let mut ids: Vec<u8> = Vec::new();
        for account in &self.accounts {
            account.checked()?;
            ids.push(account.id());
        }
        for (id, value) in &self.others {
            if !OTHERS.contains(id) {
                return Err(MerchantCodeError::Number { id: *id, within });
            }
            check(*id, "a value", value, Kind::Any, 1..=99, within)?;
            if OWN_TEMPLATES.contains(id) {
                objects::read(value, Some(*id))?;
            }
            ids.push(*id);
        }
        once(&ids, within)?;
        self.additional.checked()?;
        self.language.as_ref().map_or(Ok(()), Language::checked)
    }
}

/// Up to two digits, a point and two more: `3`, `3.5`, `03.50`.
fn percentage(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fits = |digits: &str| digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !fits(whole) || !fits(fraction) {
        return None;
    }
    let hundredths: u16 = format!("{whole}{fraction:0<2}").parse().ok()?;
    (hundredths > 0).then_some(hundredths)
}

/// Objects without a meaning here, as they came.
fn rest(objects: &[Object<'_>], has_none: impl Fn(u8) -> bool) -> Vec<(u8, String)> {
    let mut rest: Vec<(u8, String)> = objects
        .iter()
        .filter(|object| has_none(object.id))
        .map(|object| (object.id, object.value.to_owned()))
        .collect();
    rest.sort();
    rest
}

fn once(ids: &[u8], within: Option<u8>) -> Result<(), MerchantCodeError> {
    match ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)) {
        Some((_, id)) => Err(MerchantCodeError::Twice { id: *id, within }),
        None => Ok(()),
    }
}

impl Initiation {
    const fn digits(self) -> &'static str {
        match self {
            Self::Static => "11",
            Self::Dynamic => "12",
        }
    }
}

impl Tip {
    const fn digits(self) -> &'static str {
        match self {
            Self::Asked => "01",
            Self::Fixed(_) => "02",
            Self::Percentage(_) => "03",
        }
    }
}

impl Price {
    /// In what it is paid.
    pub const fn currency(&self) -> Currency {
        match self {
            Self::Asked(currency) => *currency,
            Self::Fixed(amount) => amount.currency(),
        }
    }
}

/// As it stands in a code.
impl fmt::Display for Initiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits())
    }
}

#[cfg(test)]
mod tests;
