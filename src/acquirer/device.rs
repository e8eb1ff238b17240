//! Field 59: which machine this is, in every financial message (one machine, one code).
//!
//! The field holds tag `A2`; in it, elements of a two-character tag, a three-digit length and a value. `A2` itself is
//! written the same way.

use std::fmt;

use crate::iso8583::BindingTags;

/// Device type of a smart POS (element 01).
pub const SMART_POS: &str = "04";

/// What the terminal says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Element 01: kind of machine, two digits.
    pub device_type: String,
    /// Element 02: terminal unique serial number (TUSN).
    pub serial_number: String,
    /// Element 03: random factor of six digits; see [`crate::acquirer::messages`] for where it comes from.
    pub factor: String,
    /// Element 04: eight characters that only the holder of the device key can make.
    pub ciphertext: String,
    /// Element 05: version of the application, eight characters.
    pub application_version: String,
    /// What stands for the binding record; the dialect names its element.
    pub binding: Option<String>,
    /// What proves on which machine this is; the dialect names its element.
    pub machine: Option<String>,
}

/// A field 59 that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceRecordError {
    /// Tag, length or value is cut off, or the length is no number.
    #[error("field 59 at character {0}: tag, length or value is cut off or not readable")]
    Element(usize),
    /// An element that must be there is not.
    #[error("field 59 has no element {0}")]
    Missing(&'static str),
}

impl DeviceRecord {
    /// The field's text.
    pub fn write(&self, tags: &BindingTags) -> String {
        let mut elements: String = [
            ("01", &self.device_type),
            ("02", &self.serial_number),
            ("03", &self.factor),
            ("04", &self.ciphertext),
            ("05", &self.application_version),
        ]
        .map(|(tag, value)| element(tag, value))
        .concat();
        for (tag, value) in [(&tags.record, &self.binding), (&tags.machine, &self.machine)] {
            if let Some(value) = value {
                elements.push_str(&element(tag, value));
            }
        }
        element("A2", &elements)
    }

    /// Reads the field's text. Unknown tags and elements are skipped.
    ///
    /// # Errors
    /// When it is cut off, or an element is missing.
    pub fn read(text: &str, tags: &BindingTags) -> Result<Self, DeviceRecordError> {
        let device = find(text, "A2")?.ok_or(DeviceRecordError::Missing("A2"))?;
        let value = |tag: &'static str| find(device, tag)?.map(str::to_owned).ok_or(DeviceRecordError::Missing(tag));
        Ok(Self {
            device_type: value("01")?,
            serial_number: value("02")?,
            factor: value("03")?,
            ciphertext: value("04")?,
            application_version: value("05")?,
            binding: find(device, &tags.record)?.map(str::to_owned),
            machine: find(device, &tags.machine)?.map(str::to_owned),
        })
    }
}

/// Field 59 of an answer: what stands for the binding record that the host has.
pub fn write_mark(mark: &str, tags: &BindingTags) -> String {
    element("A2", &element(&tags.record, mark))
}

/// Reads field 59 of an answer. Nothing when it names no binding record.
///
/// # Errors
/// When it is cut off.
pub fn read_mark<'a>(text: &'a str, tags: &BindingTags) -> Result<Option<&'a str>, DeviceRecordError> {
    match find(text, "A2")? {
        Some(device) => find(device, &tags.record),
        None => Ok(None),
    }
}

/// The factor is part of a card number, and the ciphertext proves who speaks: neither is shown.
impl fmt::Debug for DeviceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceRecord({}, {}, masked)", self.device_type, self.serial_number)
    }
}

fn element(tag: &str, value: &str) -> String {
    format!("{tag}{:03}{value}", value.len())
}

/// The value of the first element with `tag`.
fn find<'a>(text: &'a str, tag: &str) -> Result<Option<&'a str>, DeviceRecordError> {
    let mut at = 0;
    while at < text.len() {
        let failed = DeviceRecordError::Element(at);
        let part = |from: usize, to: usize| text.get(from..to).ok_or(failed.clone());
        let digits = part(at + 2, at + 5)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(failed);
        }
        let length: usize = digits.parse().map_err(|_| failed.clone())?;
        let value = part(at + 5, at + 5 + length)?;
        if part(at, at + 2)? == tag {
            return Ok(Some(value));
        }
        at += 5 + length;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> DeviceRecord {
        DeviceRecord {
            device_type: SMART_POS.to_owned(),
            serial_number: "00000102TEST0001".to_owned(),
            factor: "001230".to_owned(),
            ciphertext: "5FE058DB".to_owned(),
            application_version: "0.1.0   ".to_owned(),
            binding: None,
            machine: None,
        }
    }

    fn tags() -> BindingTags {
        BindingTags { record: "06".to_owned(), machine: "07".to_owned() }
    }

    #[test]
    fn an_element_is_tag_length_value_and_all_are_wrapped_in_a2() {
        let text = record().write(&tags());
        assert_eq!(
            text,
            "A20650100204020160000010 2TEST00010300600123004008".replace(' ', "") + "5FE058DB050080.1.0   "
        );
        assert_eq!(DeviceRecord::read(&text, &tags()), Ok(record()));
        assert_eq!(DeviceRecord::read(&format!("A1001x{text}"), &tags()), Ok(record()));
    }

    #[test]
    fn a_cut_or_empty_field_is_refused() {
        let text = record().write(&tags());
        for end in 1..text.len() {
            assert!(DeviceRecord::read(&text[..end], &tags()).is_err(), "{end}");
        }
        assert_eq!(DeviceRecord::read("", &tags()), Err(DeviceRecordError::Missing("A2")));
        assert_eq!(DeviceRecord::read("A2007010020", &tags()), Err(DeviceRecordError::Element(0)));
        assert_eq!(DeviceRecord::read("A20070100204", &tags()), Err(DeviceRecordError::Missing("02")));
        assert_eq!(DeviceRecord::read("A2+07", &tags()), Err(DeviceRecordError::Element(0)));
    }

    #[test]
    fn the_elements_of_the_binding_stand_under_the_dialects_tags() {
        let bound = DeviceRecord { binding: Some("AB".to_owned()), machine: Some("0123".to_owned()), ..record() };
        let text = bound.write(&tags());
        assert!(text.ends_with("050080.1.0   06002AB070040123"), "{text}");
        assert_eq!(DeviceRecord::read(&text, &tags()), Ok(bound));
        let other = BindingTags { record: "P1".to_owned(), machine: "P2".to_owned() };
        assert_eq!(DeviceRecord::read(&text, &other).unwrap().binding, None);
        let answer = write_mark("AB", &tags());
        assert_eq!(answer, "A200706002AB");
        assert_eq!(read_mark(&answer, &tags()), Ok(Some("AB")));
        assert_eq!(read_mark("A2000", &tags()), Ok(None));
        assert!(read_mark("A2007060", &tags()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = DeviceRecord::read(&text, &tags());
            let _ = DeviceRecord::read(&format!("A2{:03}{text}", text.len()), &tags());
        }
    }
}
