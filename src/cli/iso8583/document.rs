//! A message as JSON, read without losing anything: no key is there twice, no number is taken for text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use zeroize::Zeroizing;

use crate::iso8583::parts::Given;

/// Text, or keys with documents, in the order in which they stand.
pub struct Document(pub Given);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

/// A value that is neither; it is never part of the message, for it may be a card number.
const OTHER: &str = "a value stands in quotes, also when it is digits: a number would lose its leading zeros";

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes, or an object")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Document, E> {
        Ok(Document(Given::Text(Zeroizing::new(text.to_owned()))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut entries: Vec<(String, Given)> = Vec::new();
        while let Some((key, Document(value))) = map.next_entry::<String, Document>()? {
            if entries.iter().any(|(before, _)| *before == key) {
                return Err(A::Error::custom(format!("\"{key}\" is there twice")));
            }
            entries.push((key, value));
        }
        Ok(Document(Given::Parts(entries)))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Document, E> {
        Err(E::custom(OTHER))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Document, E> {
        Err(E::custom(OTHER))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Document, E> {
        Err(E::custom(OTHER))
    }
}
