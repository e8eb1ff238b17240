//! The templates of a merchant's code: accounts, what is said beside them, and the merchant's name in another language.

use super::objects::{self, Object};
use super::texts::{Kind, check};
use super::{
    ACCOUNT_TEMPLATES, ACCOUNTS, ADDITIONAL, Account, Additional, LANGUAGE, Language, MerchantCodeError, once, rest,
};

impl Account {
    /// Its number.
    pub const fn id(&self) -> u8 {
        match self {
            Self::Number { id, .. } | Self::Template { id, .. } => *id,
        }
    }

    pub(super) fn of(object: &Object<'_>) -> Result<Self, MerchantCodeError> {
        let id = object.id;
        if !ACCOUNT_TEMPLATES.contains(&id) {
            return Ok(Self::Number { id, value: object.value.to_owned() });
        }
        let within = Some(id);
        let objects = objects::read(object.value, within)?;
        let unique = objects.iter().find(|object| object.id == 0).map(|object| object.value.to_owned());
        let what = "the globally unique identifier";
        let globally_unique_identifier = unique.ok_or(MerchantCodeError::Missing { id: 0, what, within })?;
        Ok(Self::Template { id, globally_unique_identifier, values: rest(&objects, |id| id != 0) })
    }

    pub(super) fn value(&self) -> Result<String, MerchantCodeError> {
        match self {
            Self::Number { value, .. } => Ok(value.clone()),
            Self::Template { globally_unique_identifier, values, .. } => {
                let mut text = String::new();
                objects::write(&mut text, 0, globally_unique_identifier)?;
                for (id, value) in values {
                    objects::write(&mut text, *id, value)?;
                }
                Ok(text)
            }
        }
    }

    pub(super) fn checked(&self) -> Result<(), MerchantCodeError> {
        match self {
            Self::Number { id, value } => {
                if !ACCOUNTS.contains(id) || ACCOUNT_TEMPLATES.contains(id) {
                    return Err(MerchantCodeError::Number { id: *id, within: None });
                }
                check(*id, "the account", value, Kind::Printable, 1..=99, None)
            }
            Self::Template { id, globally_unique_identifier, values } => {
                let within = Some(*id);
                if !ACCOUNT_TEMPLATES.contains(id) {
                    return Err(MerchantCodeError::Number { id: *id, within: None });
                }
                let unique = globally_unique_identifier;
                check(0, "the globally unique identifier", unique, Kind::Printable, 1..=32, within)?;
                for (id, value) in values {
                    if !(1..=99).contains(id) {
                        return Err(MerchantCodeError::Number { id: *id, within });
                    }
                    check(*id, "a value", value, Kind::Any, 1..=99, within)?;
                }
                once(&values.iter().map(|(id, _)| *id).collect::<Vec<_>>(), within)
            }
        }
    }
}

impl Additional {
    fn named(&self) -> [(u8, &'static str, &Option<String>); 9] {
        [
            (1, "the bill number", &self.bill_number),
            (2, "the mobile number", &self.mobile_number),
            (3, "the store label", &self.store_label),
            (4, "the loyalty number", &self.loyalty_number),
            (5, "the reference label", &self.reference_label),
            (6, "the customer label", &self.customer_label),
            (7, "the terminal label", &self.terminal_label),
            (8, "the purpose", &self.purpose),
            (9, "what the customer is asked for", &self.consumer_data_request),
        ]
    }

    pub(super) fn of(text: &str) -> Result<Self, MerchantCodeError> {
        let objects = objects::read(text, Some(ADDITIONAL))?;
        let value = |id| objects.iter().find(|object| object.id == id).map(|object| object.value.to_owned());
        Ok(Self {
            bill_number: value(1),
            mobile_number: value(2),
            store_label: value(3),
            loyalty_number: value(4),
            reference_label: value(5),
            customer_label: value(6),
            terminal_label: value(7),
            purpose: value(8),
            consumer_data_request: value(9),
            others: rest(&objects, |id| !(1..=9).contains(&id)),
        })
    }

    pub(super) fn value(&self) -> Result<String, MerchantCodeError> {
        let mut text = String::new();
        let named = self.named().into_iter().filter_map(|(id, _, value)| Some((id, value.as_deref()?)));
        for (id, value) in named.chain(self.others.iter().map(|(id, value)| (*id, value.as_str()))) {
            objects::write(&mut text, id, value)?;
        }
        Ok(text)
    }

    pub(super) fn checked(&self) -> Result<(), MerchantCodeError> {
        let within = Some(ADDITIONAL);
        for (id, what, value) in self.named() {
            if let Some(value) = value {
                let longest = if id == 9 { 3 } else { 25 };
                check(id, what, value, Kind::Any, 1..=longest, within)?;
            }
        }
        for (id, value) in &self.others {
            if !(10..=99).contains(id) {
                return Err(MerchantCodeError::Number { id: *id, within });
            }
            check(*id, "a value", value, Kind::Any, 1..=99, within)?;
        }
        once(&self.others.iter().map(|(id, _)| *id).collect::<Vec<_>>(), within)
    }
}

impl Language {
    pub(super) fn of(text: &str) -> Result<Self, MerchantCodeError> {
        let within = Some(LANGUAGE);
        let objects = objects::read(text, within)?;
        let value = |id| objects.iter().find(|object| object.id == id).map(|object| object.value.to_owned());
        let missing = |id, what| MerchantCodeError::Missing { id, what, within };
        Ok(Self {
            preference: value(0).ok_or_else(|| missing(0, "the language"))?,
            name: value(1).ok_or_else(|| missing(1, "the merchant's name in it"))?,
            city: value(2),
            others: rest(&objects, |id| id > 2),
        })
    }

    pub(super) fn value(&self) -> Result<String, MerchantCodeError> {
        let mut text = String::new();
        objects::write(&mut text, 0, &self.preference)?;
        objects::write(&mut text, 1, &self.name)?;
        if let Some(city) = &self.city {
            objects::write(&mut text, 2, city)?;
        }
        for (id, value) in &self.others {
            objects::write(&mut text, *id, value)?;
        }
        Ok(text)
    }

    pub(super) fn checked(&self) -> Result<(), MerchantCodeError> {
        let within = Some(LANGUAGE);
        check(0, "the language", &self.preference, Kind::Letters, 2..=2, within)?;
        check(1, "the merchant's name in it", &self.name, Kind::Any, 1..=25, within)?;
        if let Some(city) = &self.city {
            check(2, "the city in it", city, Kind::Any, 1..=15, within)?;
        }
        for (id, value) in &self.others {
            if !(3..=99).contains(id) {
                return Err(MerchantCodeError::Number { id: *id, within });
            }
            check(*id, "a value", value, Kind::Any, 1..=99, within)?;
        }
        once(&self.others.iter().map(|(id, _)| *id).collect::<Vec<_>>(), within)
    }
}
