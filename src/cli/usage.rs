//! The words for a command line that cannot be understood. What was typed may be a key, a PIN or a card number in the wrong
//! place, so it is repeated only when it looks like a word.

use clap::error::{ContextKind, ContextValue, Error};

/// What is said instead of it.
const UNSAID: &str = "(what was typed is not repeated: it may be a secret)";

/// Digits of a word at most: `--dialect iso87-ascii` has two.
const MOST_DIGITS: usize = 3;

/// Characters of a word at most.
const LONGEST: usize = 32;

/// The error without what may be a secret.
pub fn without_secrets(mut error: Error) -> Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        let unsaid = match error.get(kind) {
            Some(ContextValue::String(typed)) => !is_word(typed),
            Some(ContextValue::Strings(typed)) => !typed.iter().all(|typed| is_word(typed)),
            _ => false,
        };
        if unsaid {
            error.insert(kind, ContextValue::String(UNSAID.to_owned()));
            // What clap proposes instead repeats it.
            error.remove(ContextKind::Suggested);
        }
    }
    error
}

/// Whether somebody meant an option, a command or a choice. No word is made of hexadecimal digits alone.
fn is_word(typed: &str) -> bool {
    // The value behind an option is no part of its name; clap names what an option takes in angle brackets.
    let name = typed.split(['=', ' ']).next().unwrap_or_default();
    let is_name = typed.starts_with('<') || typed.starts_with("--") && (name == typed || typed.ends_with('>'));
    let digits = typed.bytes().filter(u8::is_ascii_digit).count();
    let plain = typed.chars().all(|character| character.is_ascii_alphanumeric() || "-_./<> ".contains(character));
    let says_something =
        typed.chars().any(|character| character.is_ascii_alphabetic() && !character.is_ascii_hexdigit());
    plain && typed.len() <= LONGEST && digits <= MOST_DIGITS && (is_name || says_something)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_repeated_and_what_may_be_a_secret_is_not() {
        for word in ["--kye", "--dialect", "--key <HEX>", "<HEX>", "unionpya", "iso87-asci", "sael", "aes-cmac"] {
            assert!(is_word(word), "{word}");
        }
        for secret in [
            "0123456789ABCDEF",
            "CDEF",
            "89ABCDEF",
            "1234",
            "12",
            "6228480000000001230",
            "--key=0123456789ABCDEF",
            "{\"2\":\"x\"}",
            "B0096P0TE00N0000",
            "",
        ] {
            assert!(!is_word(secret), "{secret}");
        }
    }
}
