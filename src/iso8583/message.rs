//! A message and its frame, free of any encoding.

use std::fmt;

use zeroize::Zeroize;

/// Fields of a message made here whose values may be seen in a log. Everything else masks itself. What was read from bytes is
/// shown as its dialect says, which is checked against [`super::masking::NEVER_SHOWN`].
const SHOWN: &[u8] = &[3, 4, 11, 12, 13, 15, 22, 25, 32, 37, 38, 39, 41, 42, 49, 60, 61];

/// Bytes a message has room for when it gets its first field: few need more.
const FIRST_ROOM: usize = 512;

/// Fields it has room for then.
const FIRST_FIELDS: usize = 16;

/// Message type identifier: four digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mti(u16);

impl Mti {
    /// Authorisation request: money is set aside, or let go.
    pub const AUTHORISATION_REQUEST: Self = Self(100);
    /// Financial request.
    pub const FINANCIAL_REQUEST: Self = Self(200);
    /// Financial advice: money moves, and nothing can take the message back.
    pub const FINANCIAL_ADVICE: Self = Self(220);
    /// Batch upload: advices of what was paid, among them the cards' TCs.
    pub const BATCH_UPLOAD: Self = Self(320);
    /// Reversal request.
    pub const REVERSAL_REQUEST: Self = Self(400);
    /// Settlement request: totals of a batch are compared.
    pub const SETTLEMENT_REQUEST: Self = Self(500);
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

/// A field's value, borrowed from its message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Digits, a track (separator `D`) or text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The length only.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "({} characters)", text.len()),
            Self::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
        }
    }
}

/// A message type and its fields.
///
/// All values stand in one buffer, which is wiped when the message is dropped.
#[derive(Clone)]
pub struct Message {
    mti: Mti,
    /// In the order of their numbers.
    entries: Vec<Entry>,
    values: Values,
    /// A second bitmap stood in the message, though it names no field.
    pub(super) empty_second_bitmap: bool,
}

/// Where a field's value stands.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) field: u8,
    pub(super) is_text: bool,
    /// Whether a log may show it.
    pub(super) shown: bool,
    /// How it stood in the bytes it was read from.
    pub(super) form: Form,
    /// Where it begins in the message's own buffer.
    pub(super) start: usize,
    pub(super) length: usize,
    /// Where it began in the bytes it was read from; 0 for a value that was not.
    pub(super) offset: usize,
}

/// How a value stood in the bytes it was read from: it is written back as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the dialect writes it.
    Usual,
    /// A track in characters whose separators are `D`.
    OtherSeparator,
    /// Text in another alphabet than the dialect's, kept as the bytes it was.
    OtherAlphabet,
}

impl Message {
    /// A message without fields.
    pub fn new(mti: Mti) -> Self {
        Self::with_room(mti, 0, 0)
    }

    /// A message without fields, and room for so many of them.
    pub(super) fn with_room(mti: Mti, fields: usize, bytes: usize) -> Self {
        let values = Values(Vec::with_capacity(bytes));
        Self { mti, entries: Vec::with_capacity(fields), values, empty_second_bitmap: false }
    }

    /// The same message with a field of digits or text; it replaces one that was there.
    #[must_use]
    pub fn with_text(mut self, field: u8, text: &str) -> Self {
        self.set(field, Value::Text(text));
        self
    }

    /// The same message with a field of bytes; it replaces one that was there.
    #[must_use]
    pub fn with_bytes(mut self, field: u8, bytes: &[u8]) -> Self {
        self.set(field, Value::Bytes(bytes));
        self
    }

    /// The same message without a field.
    #[must_use]
    pub fn without(mut self, field: u8) -> Self {
        if let Ok(index) = self.index_of(field) {
            let removed = self.entries.remove(index);
            self.wipe(removed);
        }
        self
    }

    /// Puts a value into a field.
    pub fn set(&mut self, field: u8, value: Value<'_>) {
        let (is_text, bytes) = match value {
            Value::Text(text) => (true, text.as_bytes()),
            Value::Bytes(bytes) => (false, bytes),
        };
        let start = self.values.0.len();
        self.values.append(bytes);
        let shown = SHOWN.contains(&field);
        let form = Form::Usual;
        let entry = Entry { field, is_text, shown, form, start, length: bytes.len(), offset: 0 };
        match self.index_of(field) {
            Ok(index) => {
                let replaced = std::mem::replace(&mut self.entries[index], entry);
                self.wipe(replaced);
            }
            Err(index) => {
                if self.entries.is_empty() {
                    self.entries.reserve(FIRST_FIELDS);
                }
                self.entries.insert(index, entry);
            }
        }
    }

    /// Puts text in another alphabet than the dialect's, which are bytes to this program, into a field of text.
    pub fn set_other_alphabet(&mut self, field: u8, bytes: &[u8]) {
        self.set(field, Value::Bytes(bytes));
        if let Ok(index) = self.index_of(field) {
            self.entries[index].form = Form::OtherAlphabet;
        }
    }

    /// Takes the value that `read` writes to the end of the buffer, as a field behind all others.
    pub(super) fn push_read<E>(
        &mut self,
        entry: Entry,
        read: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.values.0.len();
        read(&mut self.values.0)?;
        self.entries.push(Entry { start, length: self.values.0.len() - start, ..entry });
        Ok(())
    }

    /// The message type.
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// The value of a field, if it is there.
    pub fn value(&self, field: u8) -> Option<Value<'_>> {
        self.entry(field).map(|entry| self.value_of(entry))
    }

    /// Digits or text of a field, if it is there and not bytes.
    pub fn text(&self, field: u8) -> Option<&str> {
        match self.value(field)? {
            Value::Text(text) => Some(text),
            Value::Bytes(_) => None,
        }
    }

    /// Bytes of a field, if it is there and not text.
    pub fn bytes(&self, field: u8) -> Option<&[u8]> {
        match self.value(field)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(_) => None,
        }
    }

    /// All fields in the order of their numbers.
    pub fn fields(&self) -> impl Iterator<Item = (u8, Value<'_>)> {
        self.entries.iter().map(|entry| (entry.field, self.value_of(entry)))
    }

    /// Whether the message has a second bitmap that names no field.
    pub const fn has_empty_second_bitmap(&self) -> bool {
        self.empty_second_bitmap
    }

    /// Says that the message has a second bitmap though it names no field. In a message that has one anyway it says nothing.
    pub fn set_empty_second_bitmap(&mut self) {
        self.empty_second_bitmap = true;
    }

    pub(super) fn entry(&self, field: u8) -> Option<&Entry> {
        self.index_of(field).ok().map(|index| &self.entries[index])
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The bytes of a value in the buffer; those of its text when it is one.
    pub(super) fn stored(&self, entry: &Entry) -> &[u8] {
        &self.values.0[entry.start..entry.start + entry.length]
    }

    fn index_of(&self, field: u8) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&field, |entry| entry.field)
    }

    fn value_of(&self, entry: &Entry) -> Value<'_> {
        let bytes = self.stored(entry);
        // What is marked as text came from a string, or was read as ASCII.
        if entry.is_text
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            Value::Text(text)
        } else {
            Value::Bytes(bytes)
        }
    }

    fn wipe(&mut self, entry: Entry) {
        self.values.0[entry.start..entry.start + entry.length].zeroize();
    }
}

/// The values of a message. What stands there is wiped; room that nothing was written to needs none, for it is never written
/// to and then given up.
#[derive(Clone)]
struct Values(Vec<u8>);

impl Values {
    /// Appends without leaving a copy behind: a vector that grows by itself frees the old room as it is.
    fn append(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Self(Vec::with_capacity(needed.max(2 * self.0.capacity()).max(FIRST_ROOM)));
            larger.0.extend_from_slice(&self.0);
            *self = larger;
        }
        self.0.extend_from_slice(bytes);
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// Equal fields make equal messages, wherever they stand in the buffer.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        (self.mti, self.empty_second_bitmap) == (other.mti, other.empty_second_bitmap)
            && self.fields().eq(other.fields())
    }
}

impl Eq for Message {}

/// `0210 {3: 000000, 39: 00, 55: (16 bytes)}`: values outside the list of harmless fields show their length only.
/// Fields that are said of a message that could not be read to its end. Where its fields end is not sure then: what seems to be an
/// amount may be a part of a card number. These are too short for one.
const SAID_OF_A_PART: [u8; 2] = [3, 39];

/// Which fields a message has, and how long they are.
struct Outline<'a>(&'a Message);

impl fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.0.mti)?;
        let mut map = f.debug_map();
        for entry in &self.0.entries {
            match self.0.value_of(entry) {
                Value::Text(text) if entry.shown && SAID_OF_A_PART.contains(&entry.field) => {
                    map.entry(&entry.field, &format_args!("{text}"))
                }
                value => map.entry(&entry.field, &value),
            };
        }
        map.finish()
    }
}

impl Message {
    /// What can be said of a message that was read in part: its type and its fields, hardly a value.
    pub(super) fn outline(&self) -> impl fmt::Display {
        Outline(self)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.mti)?;
        let mut map = f.debug_map();
        for entry in &self.entries {
            match self.value_of(entry) {
                Value::Text(text) if entry.shown => map.entry(&entry.field, &format_args!("{text}")),
                masked => map.entry(&entry.field, &masked),
            };
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
    fn a_field_is_replaced_removed_and_found_again() {
        let message = Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(39, "00")
            .with_text(2, "6228480000000001230")
            .with_text(3, "000000")
            .with_text(2, "4111111111111111")
            .with_text(4, "000000001234")
            .without(4)
            .with_bytes(3, &[0xFF, 0xFE]);
        assert_eq!(message.fields().map(|(field, _)| field).collect::<Vec<_>>(), [2, 3, 39]);
        assert_eq!((message.text(2), message.bytes(2)), (Some("4111111111111111"), None));
        assert_eq!((message.text(3), message.bytes(3)), (None, Some(&[0xFF, 0xFE][..])));
        assert_eq!((message.text(4), message.value(4)), (None, None));
        let same = Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(2, "4111111111111111")
            .with_bytes(3, &[0xFF, 0xFE])
            .with_text(39, "00");
        assert_eq!(message, same);
        assert_ne!(message, same.clone().with_bytes(39, b"00"), "bytes are not text");
        assert_ne!(message, same.without(39));
        // What was replaced or removed is no longer there.
        let buffer = String::from_utf8_lossy(&message.values.0).into_owned();
        assert!(!buffer.contains("622848") && !buffer.contains("1234"), "{buffer:?}");
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
