//! The unified social credit code of a company (GB 32100-2015): eighteen characters, the last of which follows from the
//! others.

/// Characters of a code, in the order of their values. I, O, S, V and Z are left out.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Characters of a code.
const LENGTH: usize = 18;

/// What makes a text no credit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditCodeError {
    /// It is too short or too long.
    #[error("a unified social credit code has {LENGTH} characters, \"{0}\" has not")]
    Length(String),
    /// A character that no code has.
    #[error(
        "character {place} of \"{code}\" is in no unified social credit code: digits and capitals without I, O, S, V, Z"
    )]
    Character {
        /// The text.
        code: String,
        /// Which, counted from 1.
        place: usize,
    },
    /// The last character does not follow from the others: a slip of the pen.
    #[error("\"{code}\" is no unified social credit code: after its first seventeen characters comes {right}")]
    Check {
        /// The text.
        code: String,
        /// What should stand last.
        right: char,
    },
}

/// Checks a code.
///
/// # Errors
/// When it is none; the sentence says where.
pub fn check(code: &str) -> Result<(), CreditCodeError> {
    if code.len() != LENGTH {
        return Err(CreditCodeError::Length(code.to_owned()));
    }
    let mut values = [0; LENGTH];
    for (index, (value, character)) in values.iter_mut().zip(code.bytes()).enumerate() {
        let found = ALPHABET.iter().position(|known| *known == character);
        *value = found.ok_or_else(|| CreditCodeError::Character { code: code.to_owned(), place: index + 1 })?;
    }
    let right = check_character(&values[..LENGTH - 1]);
    if usize::from(right) == values[LENGTH - 1] {
        Ok(())
    } else {
        Err(CreditCodeError::Check { code: code.to_owned(), right: char::from(ALPHABET[usize::from(right)]) })
    }
}

/// The value that makes the weighted sum a multiple of 31; the weights are the powers of three.
fn check_character(values: &[usize]) -> u8 {
    let (mut sum, mut weight) = (0, 1);
    for value in values {
        sum = (sum + value * weight) % 31;
        weight = weight * 3 % 31;
    }
    ((31 - sum) % 31) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of public companies, as their annual reports print them: a bank and a maker of software.
    #[test]
    fn codes_of_public_companies_are_right_and_one_wrong_character_is_seen() {
        for code in ["91100000100003962T", "9144030071526726XG"] {
            assert_eq!(check(code), Ok(()), "{code}");
            for (place, right) in code.char_indices() {
                let other = if right == '7' { "8" } else { "7" };
                let mut wrong = code.to_owned();
                wrong.replace_range(place..=place, other);
                assert!(check(&wrong).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_told_where() {
        assert!(check("9110000010000396").unwrap_err().to_string().contains("18 characters"));
        assert!(check("91100000100003962I").unwrap_err().to_string().contains("character 18"));
        assert!(check("老王小吃店老王").unwrap_err().to_string().contains("18 characters"));
        assert!(check("老王小吃店老").unwrap_err().to_string().contains("character 1 "));
        assert!(check("911000001000039620").unwrap_err().to_string().ends_with("comes T"));
    }
}
