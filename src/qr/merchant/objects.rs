//! Data objects: two digits that name one, two that count the characters of its value, the value.

use super::MerchantCodeError;

/// Most characters of a value: its length has two digits.
pub(super) const LONGEST_VALUE: usize = 99;

/// One data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    /// Its number.
    pub id: u8,
    /// What it holds: one character at least.
    pub value: &'a str,
}

/// All objects of a text, none of them twice. `within`: the template whose value the text is.
pub(super) fn read(text: &str, within: Option<u8>) -> Result<Vec<Object<'_>>, MerchantCodeError> {
    let mut objects: Vec<Object<'_>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = text.chars().count() - rest.chars().count();
        let cut = || MerchantCodeError::Cut { at, within };
        let (id, behind) = two_digits(rest).ok_or_else(cut)?;
        let (length, behind) = two_digits(behind).ok_or_else(cut)?;
        let (value, behind) = characters(behind, usize::from(length)).ok_or_else(cut)?;
        if value.is_empty() {
            return Err(MerchantCodeError::Empty { id, within });
        }
        if objects.iter().any(|object| object.id == id) {
            return Err(MerchantCodeError::Twice { id, within });
        }
        objects.push(Object { id, value });
        rest = behind;
    }
    Ok(objects)
}

/// Writes one behind the others.
pub(super) fn write(text: &mut String, id: u8, value: &str) -> Result<(), MerchantCodeError> {
    let length = value.chars().count();
    if !(1..=LONGEST_VALUE).contains(&length) {
        return Err(MerchantCodeError::Length { id, length });
    }
    text.push_str(&format!("{id:02}{length:02}{value}"));
    Ok(())
}

fn two_digits(text: &str) -> Option<(u8, &str)> {
    let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((digits.parse().ok()?, &text[2..]))
}

/// So many characters, which may be more bytes.
fn characters(text: &str, count: usize) -> Option<(&str, &str)> {
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.nth(count).map(|end| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters() {
        let objects = read("0002ZH0104最佳运输0202北京", Some(64)).unwrap();
        let values: Vec<_> = objects.iter().map(|object| (object.id, object.value)).collect();
        assert_eq!(values, [(0, "ZH"), (1, "最佳运输"), (2, "北京")]);
        let mut written = String::new();
        for (id, value) in values {
            write(&mut written, id, value).unwrap();
        }
        assert_eq!(written, "0002ZH0104最佳运输0202北京");
    }

    #[test]
    fn what_is_cut_off_empty_or_there_twice_is_refused_with_its_place() {
        for (text, error) in [
            ("0", MerchantCodeError::Cut { at: 0, within: None }),
            ("0002ZH01", MerchantCodeError::Cut { at: 6, within: None }),
            ("0002ZH0104最佳运", MerchantCodeError::Cut { at: 6, within: None }),
            ("0a02ZH", MerchantCodeError::Cut { at: 0, within: None }),
            ("00+1Z", MerchantCodeError::Cut { at: 0, within: None }),
            ("京", MerchantCodeError::Cut { at: 0, within: None }),
            ("0000", MerchantCodeError::Empty { id: 0, within: None }),
            ("0001Z0001Z", MerchantCodeError::Twice { id: 0, within: None }),
        ] {
            assert_eq!(read(text, None).unwrap_err(), error, "{text}");
        }
        let mut written = String::new();
        assert_eq!(write(&mut written, 7, ""), Err(MerchantCodeError::Length { id: 7, length: 0 }));
        assert_eq!(write(&mut written, 7, &"京".repeat(100)), Err(MerchantCodeError::Length { id: 7, length: 100 }));
    }
}
