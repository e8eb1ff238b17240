//! How what is sold is told to the host beside a payment in a dialect.

use serde::Deserialize;

use super::DialectError;
use super::layout::{Content, Layout, Length};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoodsRules {
    /// The field of the goods.
    pub field: u8,
    /// The most bytes that the host takes of them.
    pub most_bytes: usize,
}

impl GoodsRules {
    /// Checks what belongs together. `taken`: fields that say something else in the same messages.
    pub(super) fn check(&self, layout: &Layout, taken: &[u8]) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        if taken.contains(&self.field) {
            return wrong("goods.field", "payments by code have something else there");
        }
        let room = layout.field(self.field).and_then(|field| match (field.content, field.length) {
            (Content::Bytes, Length::Prefixed(prefix)) => Some(prefix.max),
            _ => None,
        });
        match room {
            // One line of goods is about a hundred.
            Some(room) if (200..=room).contains(&self.most_bytes) => Ok(()),
            Some(_) => wrong("goods.most_bytes", "it is 200 or more, and no more than the field holds"),
            None => wrong("goods.field", "it is a field of bytes of any length"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::Dialect;
    use crate::iso8583::dialect::SHIPPED;

    #[test]
    fn a_field_that_has_no_room_or_says_something_else_is_refused() {
        let shipped = SHIPPED[0].1;
        assert_eq!(Dialect::parse(shipped).unwrap().goods.unwrap().field, 58);
        let rules = "[goods]\nfield = 58\nmost_bytes = 999";
        assert!(shipped.contains(rules));
        for (with, said) in [
            ("[goods]\nfield = 57\nmost_bytes = 999", "payments by code"),
            ("[goods]\nfield = 61\nmost_bytes = 999", "a field of bytes"),
            ("[goods]\nfield = 58\nmost_bytes = 1000", "no more than the field holds"),
            ("[goods]\nfield = 58\nmost_bytes = 199", "200 or more"),
            ("[goods]\nfield = 58\nmost_bits = 999", "most_bits"),
        ] {
            let error = Dialect::parse(&shipped.replacen(rules, with, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{with}: {error}");
        }
        assert_eq!(Dialect::parse(&shipped.replacen(rules, "", 1)).unwrap().goods, None, "an acquirer may have none");
    }
}
