//! How a cardholder's signature is uploaded in a dialect (0820).

use serde::Deserialize;

use super::DialectError;
use super::layout::{Content, Layout, Length};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureRules {
    /// Field 60, first part.
    #[serde(rename = "type")]
    pub message_type: String,
    /// Field 60, third part.
    pub code: String,
    /// The field of the picture.
    pub field: u8,
    /// The most bytes that the host takes of one.
    pub most_bytes: usize,
}

impl SignatureRules {
    /// Checks what belongs together.
    pub(super) fn check(&self, layout: &Layout) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(&self.message_type, 2) || !digits(&self.code, 3) {
            return wrong("signatures", "type has two digits and code has three");
        }
        // All other messages of its kind have it.
        if self.message_type == "00" {
            return wrong("signatures.type", "00 is that of messages about the terminal itself");
        }
        let room = layout.field(self.field).and_then(|field| match (field.content, field.length) {
            (Content::Bytes, Length::Prefixed(prefix)) => Some(prefix.max),
            _ => None,
        });
        match room {
            // The head of a picture alone has twenty.
            Some(room) if (100..=room).contains(&self.most_bytes) => Ok(()),
            Some(_) => wrong("signatures.most_bytes", "it is 100 or more, and no more than the field holds"),
            None => wrong("signatures.field", "it is a field of bytes of any length"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::Dialect;
    use crate::iso8583::dialect::SHIPPED;

    #[test]
    fn what_could_not_be_sent_or_told_from_another_message_is_refused() {
        let shipped = SHIPPED[0].1;
        assert_eq!(Dialect::parse(shipped).unwrap().signatures.unwrap().most_bytes, 999);
        for (from, to, said) in [
            ("type = \"07\"\ncode", "type = \"7\"\ncode", "two digits"),
            ("code = \"800\"", "code = \"80\"", "three"),
            ("type = \"07\"\ncode", "type = \"00\"\ncode", "the terminal itself"),
            ("field = 62\nmost_bytes", "field = 61\nmost_bytes", "a field of bytes"),
            ("most_bytes = 999", "most_bytes = 1000", "no more than the field holds"),
            ("most_bytes = 999", "most_bytes = 99", "100 or more"),
            ("most_bytes = 999", "most_bits = 999", "most_bits"),
        ] {
            assert!(shipped.contains(from), "{from}");
            let error = Dialect::parse(&shipped.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
        let (before, rules) = shipped.split_once("[signatures]\n").unwrap();
        let behind = rules.split_once("\n[").unwrap().1;
        assert_eq!(
            Dialect::parse(&format!("{before}[{behind}")).unwrap().signatures,
            None,
            "an acquirer may have none"
        );
    }
}
