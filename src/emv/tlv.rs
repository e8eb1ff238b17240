//! BER-TLV as EMV uses it (EMV 4.4 Book 3, annex B): a borrowing iterator, a tree of all levels and a builder.

use super::tag::Tag;

/// Templates may nest this deep; no EMV answer needs more than four.
pub const MAX_DEPTH: usize = 8;

/// Bytes that are not BER-TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlvError {
    /// A tag runs past the end, or has more than four bytes.
    #[error("tag at offset {offset} is cut off or longer than four bytes")]
    Tag {
        /// Offset of the tag's first byte.
        offset: usize,
    },
    /// A length is indefinite, or has more than four bytes, or runs past the end.
    #[error("length of {tag} at offset {offset} cannot be read")]
    Length {
        /// The tag the length belongs to.
        tag: Tag,
        /// Offset of the length's first byte.
        offset: usize,
    },
    /// A value is longer than what is left.
    #[error("value of {tag} at offset {offset} should have {length} bytes, {left} are left")]
    Value {
        /// The tag the value belongs to.
        tag: Tag,
        /// Offset of the value's first byte.
        offset: usize,
        /// Bytes the length announces.
        length: usize,
        /// Bytes there are.
        left: usize,
    },
    /// Templates nest deeper than [`MAX_DEPTH`].
    #[error("templates nest deeper than {MAX_DEPTH} levels at offset {offset}")]
    Depth {
        /// Offset of the first byte that lies too deep.
        offset: usize,
    },
}

/// One data object, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value.
    pub value: &'a [u8],
}

/// Walks the data objects of one level. Padding bytes `00` between objects are skipped (Book 3, annex B).
///
/// Ends after the first error.
#[derive(Clone, Debug)]
pub struct TlvIter<'a> {
    bytes: &'a [u8],
    /// Where `bytes` begin in the message they are part of: offsets count from there.
    base: usize,
    offset: usize,
    failed: bool,
}

/// The data objects of one level of `bytes`.
pub const fn walk(bytes: &[u8]) -> TlvIter<'_> {
    walk_from(bytes, 0)
}

/// As [`walk`], for bytes that begin at offset `base` of a message.
const fn walk_from(bytes: &[u8], base: usize) -> TlvIter<'_> {
    TlvIter { bytes, base, offset: 0, failed: false }
}

/// A data object with those inside it, and where they stand in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Offset of the tag's first byte.
    pub offset: usize,
    /// Offset of the value's first byte.
    pub value_offset: usize,
    /// Its value, also when it is a template.
    pub value: &'a [u8],
    /// What a template holds.
    pub children: Vec<Node<'a>>,
}

/// All data objects of `bytes`, templates with what is in them.
///
/// # Errors
/// When the bytes are not BER-TLV, or nest deeper than [`MAX_DEPTH`].
pub fn tree(bytes: &[u8]) -> Result<Vec<Node<'_>>, TlvError> {
    branches(bytes, 0, 0)
}

fn branches(bytes: &[u8], base: usize, depth: usize) -> Result<Vec<Node<'_>>, TlvError> {
    if depth > MAX_DEPTH {
        return Err(TlvError::Depth { offset: base });
    }
    let mut nodes = Vec::new();
    let mut objects = walk_from(bytes, base);
    while let Some(object) = objects.next_with_offset() {
        let (offset, Tlv { tag, value }) = object?;
        let value_offset = base + objects.offset - value.len();
        let children = if tag.is_constructed() { branches(value, value_offset, depth + 1)? } else { Vec::new() };
        nodes.push(Node { tag, offset, value_offset, value, children });
    }
    Ok(nodes)
}

/// The value of the first object with `tag`, at this level or in a template below it.
///
/// # Errors
/// When the bytes are not BER-TLV up to there.
pub fn find(bytes: &[u8], tag: Tag) -> Result<Option<&[u8]>, TlvError> {
    find_within(bytes, 0, tag, 0)
}

fn find_within(bytes: &[u8], base: usize, tag: Tag, depth: usize) -> Result<Option<&[u8]>, TlvError> {
    if depth > MAX_DEPTH {
        return Err(TlvError::Depth { offset: base });
    }
    let mut objects = walk_from(bytes, base);
    while let Some(object) = objects.next() {
        let object = object?;
        if object.tag == tag {
            return Ok(Some(object.value));
        }
        let inside = base + objects.offset - object.value.len();
        if object.tag.is_constructed()
            && let Some(found) = find_within(object.value, inside, tag, depth + 1)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl<'a> Iterator for TlvIter<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with_offset().map(|object| object.map(|(_, object)| object))
    }
}

impl<'a> TlvIter<'a> {
    /// The next object and the offset of its tag.
    pub fn next_with_offset(&mut self) -> Option<Result<(usize, Tlv<'a>), TlvError>> {
        if self.failed {
            return None;
        }
        while self.bytes.get(self.offset) == Some(&0) {
            self.offset += 1;
        }
        if self.offset >= self.bytes.len() {
            return None;
        }
        let start = self.base + self.offset;
        let object = self.read();
        self.failed = object.is_err();
        Some(object.map(|object| (start, object)))
    }

    fn read(&mut self) -> Result<Tlv<'a>, TlvError> {
        let start = self.offset;
        let (tag, tag_length) = Tag::read(&self.bytes[start..]).ok_or(TlvError::Tag { offset: self.base + start })?;
        let at = start + tag_length;
        let (length, length_length) =
            read_length(&self.bytes[at..]).ok_or(TlvError::Length { tag, offset: self.base + at })?;
        let offset = at + length_length;
        let left = self.bytes.len() - offset;
        if length > left {
            return Err(TlvError::Value { tag, offset: self.base + offset, length, left });
        }
        self.offset = offset + length;
        Ok(Tlv { tag, value: &self.bytes[offset..self.offset] })
    }
}

/// Length and the bytes it took: short form, or `81` to `84` with that many bytes behind it.
fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        short @ 0..=0x7F => Some((usize::from(short), 1)),
        long @ 0x81..=0x84 => {
            let count = usize::from(long & 0x7F);
            let length = bytes.get(1..=count)?.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            Some((usize::try_from(length).ok()?, 1 + count))
        }
        _ => None,
    }
}

/// Writes data objects one behind the other.
#[derive(Clone, Debug, Default)]
pub struct TlvBuilder {
    bytes: Vec<u8>,
}

impl TlvBuilder {
    /// An empty builder.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Adds an object.
    #[must_use]
    pub fn with(mut self, tag: Tag, value: &[u8]) -> Self {
        self.push(tag, value);
        self
    }

    /// Adds an object whose value is made of other objects.
    #[must_use]
    pub fn with_template(self, tag: Tag, content: Self) -> Self {
        self.with(tag, &content.bytes)
    }

    /// Adds an object.
    pub fn push(&mut self, tag: Tag, value: &[u8]) {
        self.bytes.extend(tag.bytes());
        let length = value.len();
        match length {
            0..=0x7F => self.bytes.push(length as u8),
            0x80..=0xFF => self.bytes.extend([0x81, length as u8]),
            0x100..=0xFFFF => {
                self.bytes.push(0x82);
                self.bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                self.bytes.push(0x84);
                self.bytes.extend((length as u32).to_be_bytes());
            }
        }
        self.bytes.extend(value);
    }

    /// The bytes written.
    pub fn build(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AID: Tag = Tag(0x4F);
    const FCI: Tag = Tag(0x6F);

    #[test]
    fn walks_one_level() {
        let bytes = [0x00, 0x4F, 0x02, 0xA0, 0x00, 0x00, 0x9F, 0x38, 0x01, 0x55];
        let objects: Vec<_> = walk(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(objects[0], Tlv { tag: AID, value: &[0xA0, 0x00] });
        assert_eq!(objects[1], Tlv { tag: Tag(0x9F38), value: &[0x55] });
    }

    #[test]
    fn errors_name_the_offset() {
        assert_eq!(walk(&[0x9F]).next(), Some(Err(TlvError::Tag { offset: 0 })));
        assert_eq!(walk(&[0x4F]).next(), Some(Err(TlvError::Length { tag: AID, offset: 1 })));
        assert_eq!(walk(&[0x4F, 0x80]).next(), Some(Err(TlvError::Length { tag: AID, offset: 1 })));
        assert_eq!(
            walk(&[0x4F, 0x05, 1]).next(),
            Some(Err(TlvError::Value { tag: AID, offset: 2, length: 5, left: 1 }))
        );
        let mut iter = walk(&[0x4F, 0x05, 1]);
        assert!(iter.next().is_some());
        assert!(iter.next().is_none(), "an error ends the walk");
    }

    #[test]
    fn finds_within_templates_but_not_endlessly() {
        let inner = TlvBuilder::new().with(AID, &[1]);
        let mut nested = TlvBuilder::new().with_template(FCI, inner);
        assert_eq!(find(&nested.clone().build(), AID), Ok(Some(&[1][..])));
        for _ in 0..MAX_DEPTH {
            nested = TlvBuilder::new().with_template(FCI, nested);
        }
        let nested = nested.build();
        let depth = Err(TlvError::Depth { offset: 2 * (MAX_DEPTH + 1) });
        assert_eq!(find(&nested, AID), depth);
        assert_eq!(tree(&nested).map(|_| None), depth);
    }

    #[test]
    fn a_tree_keeps_the_offsets_of_the_message() {
        let bytes = [0x00, 0x6F, 0x81, 0x09, 0x84, 0x01, 0xA0, 0x00, 0xBF, 0x0C, 0x02, 0x42, 0x00, 0x50, 0x01, 0x41];
        let nodes = tree(&bytes).unwrap();
        let places: Vec<_> = nodes.iter().map(|node| (node.tag, node.offset, node.value_offset)).collect();
        assert_eq!(places, [(FCI, 1, 4), (Tag(0x50), 13, 15)]);
        let inner = &nodes[0].children;
        assert_eq!((inner[0].tag, inner[0].offset, inner[0].value), (Tag(0x84), 4, &[0xA0][..]));
        assert_eq!((inner[1].tag, inner[1].offset, inner[1].value_offset), (Tag(0xBF0C), 8, 11));
        assert_eq!(inner[1].children[0].offset, 11);
        // An error deep inside is told from the message's beginning.
        assert_eq!(
            tree(&[0x6F, 0x04, 0xA5, 0x02, 0x50, 0x05]),
            Err(TlvError::Value { tag: Tag(0x50), offset: 6, length: 5, left: 0 })
        );
        assert_eq!(
            find(&[0x70, 0x04, 0x5A, 0x00, 0x9F, 0x02], AID),
            Err(TlvError::Length { tag: Tag(0x9F02), offset: 6 })
        );
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_back(value in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let bytes = TlvBuilder::new().with(Tag(0x9F4B), &value).with(AID, &[7]).build();
            prop_assert_eq!(find(&bytes, Tag(0x9F4B)), Ok(Some(&value[..])));
            prop_assert_eq!(find(&bytes, AID), Ok(Some(&[7][..])));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = walk(&bytes).count();
            let _ = tree(&bytes);
            let _ = find(&bytes, AID);
        }
    }
}
