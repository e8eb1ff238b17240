//! A message and its frame, free of any encoding.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// Fields whose values may be seen in a log. Everything else masks itself; a dialect file cannot open it.
const SHOWN: &[u8] = &[3, 4, 11, 12, 13, 15, 22, 25, 32, 37, 38, 39, 41, 42, 49, 60, 61];

/// Message type identifier: four digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mti(u16);

impl Mti {
    /// Financial request.
    pub const FINANCIAL_REQUEST: Self = Self(200);
    /// Batch upload: advices of what was paid, among them the cards' TCs.
    pub const BATCH_UPLOAD: Self = Self(320);
    /// Reversal request.
    pub const REVERSAL_REQUEST: Self = Self(400);
    /// Administrative advice: what came of the issuer's scripts.
    pub const ADMINISTRATIVE_ADVICE: Self = Self(620);
    /// Network management request: sign on, key exchange, parameters.
    pub const NETWORK_REQUEST: Self = Self(800);
    /// Network management advice: echo, status upload.
    pub const NETWORK_ADVICE: Self = Self(820);

    /// A type of up to four digits.
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 9999 { Some(Self(number)) } else { None }
    }

    /// The number itself.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The type of the answer to this request: ten more.
    pub const fn answer(self) -> Option<Self> {
        Self::new(self.0 + 10)
    }
}

impl fmt::Display for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl fmt::Debug for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A field's value. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Digits, a track (separator `D`) or text.
    Text(Zeroizing<String>),
    /// Bytes.
    Bytes(Zeroizing<Vec<u8>>),
}

/// The length only.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "({} characters)", text.len()),
            Self::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
        }
    }
}

/// A message type and its fields.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    mti: Mti,
    fields: BTreeMap<u8, Value>,
}

impl Message {
    /// A message without fields.
    pub const fn new(mti: Mti) -> Self {
        Self { mti, fields: BTreeMap::new() }
    }

    /// The same message with a field of digits or text; it replaces one that was there.
    #[must_use]
    pub fn with_text(mut self, field: u8, text: &str) -> Self {
        self.set(field, Value::Text(Zeroizing::new(text.to_owned())));
        self
    }

    /// The same message with a field of bytes; it replaces one that was there.
    #[must_use]
    pub fn with_bytes(mut self, field: u8, bytes: &[u8]) -> Self {
        self.set(field, Value::Bytes(Zeroizing::new(bytes.to_vec())));
        self
    }

    /// The same message without a field.
    #[must_use]
    pub fn without(mut self, field: u8) -> Self {
        self.fields.remove(&field);
        self
    }

    /// Puts a value into a field.
    pub fn set(&mut self, field: u8, value: Value) {
        self.fields.insert(field, value);
    }

    /// The message type.
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// Digits or text of a field, if it is there and not bytes.
    pub fn text(&self, field: u8) -> Option<&str> {
        match self.fields.get(&field) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Bytes(_)) | None => None,
        }
    }

    /// Bytes of a field, if it is there and not text.
    pub fn bytes(&self, field: u8) -> Option<&[u8]> {
        match self.fields.get(&field) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            Some(Value::Text(_)) | None => None,
        }
    }

    /// All fields in the order of their numbers.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &Value)> {
        self.fields.iter().map(|(field, value)| (*field, value))
    }
}

/// `0210 {3: 000000, 39: 00, 55: (16 bytes)}`: values outside the list of harmless fields show their length only.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.mti)?;
        let mut map = f.debug_map();
        for (field, value) in self.fields() {
            let shown = match value {
                Value::Text(text) if SHOWN.contains(&field) => text.to_string(),
                masked => format!("{masked:?}"),
            };
            map.entry(&field, &format_args!("{shown}"));
        }
        map.finish()
    }
}

/// What travels: transport address, header and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Transport address: kind, destination (2), source (2).
    pub tpdu: Vec<u8>,
    /// Application header, as long as the dialect's.
    pub header: Vec<u8>,
    /// The message.
    pub message: Message,
}

impl Frame {
    /// The transport address of the answer: destination and source swapped.
    pub fn answer_tpdu(&self) -> Vec<u8> {
        match *self.tpdu {
            [kind, d1, d2, s1, s2] => vec![kind, s1, s2, d1, d2],
            _ => self.tpdu.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_only_harmless_fields() {
        let message = Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(2, "6228480000000001230")
            .with_text(4, "000000001234")
            .with_text(14, "3012")
            .with_text(35, "6228480000000001230D30122200")
            .with_text(45, "B6228480000000001230^")
            .with_bytes(52, &[0xAB; 8])
            .with_bytes(55, &[0xCD; 3])
            .with_bytes(57, &[0xEF])
            .with_text(59, "A2")
            .with_bytes(62, &[0x12]);
        assert_eq!(
            format!("{message:?}"),
            "0200 {2: (19 characters), 4: 000000001234, 14: (4 characters), 35: (28 characters), 45: (21 characters), \
             52: (8 bytes), 55: (3 bytes), 57: (1 bytes), 59: (2 characters), 62: (1 bytes)}"
        );
    }

    #[test]
    fn the_answer_has_ten_more_and_a_swapped_address() {
        assert_eq!(Mti::FINANCIAL_REQUEST.answer().unwrap().to_string(), "0210");
        assert_eq!(Mti::new(9999).unwrap().answer(), None);
        let message = Message::new(Mti::NETWORK_REQUEST);
        let frame = Frame { tpdu: vec![0x60, 1, 2, 3, 4], header: vec![], message };
        assert_eq!(frame.answer_tpdu(), [0x60, 3, 4, 1, 2]);
    }
}
