//! ESC/POS bytes to commands. Pure; input cut anywhere gives the same commands; nothing it is fed makes it fail.
//!
//! Commands that draw nothing on our paper are known by their length and skipped. A command nobody knows is skipped with
//! its letter.

use encoding_rs::GB18030;

/// One command, or one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A character to print.
    Character(char),
    /// End of line.
    LineFeed,
    /// `ESC @`.
    Initialise,
    /// `ESC E`, `ESC G`, and bit 3 of `ESC !`.
    Bold(bool),
    /// `GS !`, `FS !`, and bits of `ESC !`: how many times as wide and high, 1 to 8.
    Size(u8, u8),
    /// `ESC a`: 0 left, 1 centre, 2 right.
    Align(u8),
    /// `ESC $`: the line goes on so many dots from its beginning.
    MoveTo(u16),
    /// `ESC d`: the line and so many more.
    FeedLines(u8),
    /// `ESC J`: so many dots.
    FeedDots(u8),
    /// `ESC 2` and `ESC 3`: dots from line to line; `None` for the usual.
    LineSpacing(Option<u8>),
    /// `GS V` and the old `ESC i`, `ESC m`.
    Cut,
    /// `ESC p m t1 t2`: a pulse opens the drawer, on one of two pins.
    Pulse(u8),
    /// `GS r n`.
    Transmit(u8),
    /// `GS a n`.
    AutomaticStatus(u8),
    /// `DLE EOT n`: answered at once, not in its turn.
    RealTimeStatus(u8),
    /// `DLE DC4 8`: everything that waits is thrown away, at once.
    ClearBuffer,
    /// `GS ( k` for QR codes: function and what follows it.
    Qr(u8, Vec<u8>),
    /// `GS v 0`: a picture; bytes in a row, and the rows.
    Raster(usize, Vec<u8>),
}

/// Takes the stream apart.
#[derive(Debug, Default)]
pub struct Tokenizer {
    waiting: Vec<u8>,
    chinese: bool,
    /// Bytes of an oversized command that are still to be thrown away.
    skip: usize,
}

/// What `DLE DC4` needs to clear the buffer: its function and seven bytes that noise will not make.
const CLEAR_BUFFER: [u8; 8] = [8, 1, 3, 20, 1, 6, 2, 8];

/// A command with more data than this is thrown away instead of kept in memory.
const MOST_KEPT: usize = 256 * 1024;

/// What stands at the head of the stream.
enum Head {
    /// A whole command of so many bytes.
    Whole(usize, Option<Token>),
    /// The rest has not come yet; when its length is known, how long it will be.
    Begun(Option<usize>),
}

impl Tokenizer {
    /// Takes bytes and gives the commands they complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.waiting.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let skipped = self.skip.min(self.waiting.len() - at);
            at += skipped;
            self.skip -= skipped;
            let Some(rest) = self.waiting.get(at..).filter(|rest| !rest.is_empty()) else { break };
            match head(rest, self.chinese) {
                Head::Whole(length, token) => {
                    match (rest, &token) {
                        ([0x1C, b'&', ..], _) => self.chinese = true,
                        ([0x1C, b'.', ..], _) | (_, Some(Token::Initialise)) => self.chinese = false,
                        _ => {}
                    }
                    tokens.extend(token);
                    at += length;
                }
                Head::Begun(Some(length)) if length > MOST_KEPT => self.skip = length,
                Head::Begun(_) => break,
            }
        }
        self.waiting.drain(..at);
        tokens
    }
}

fn head(bytes: &[u8], chinese: bool) -> Head {
    match bytes {
        [0x1B, rest @ ..] => escape(rest),
        [0x1C, rest @ ..] => chinese_command(rest),
        [0x1D, rest @ ..] => group(rest),
        [0x10, rest @ ..] => real_time(rest),
        [b'\n', ..] => Head::Whole(1, Some(Token::LineFeed)),
        [0x20..=0x7E, ..] => Head::Whole(1, Some(Token::Character(char::from(bytes[0])))),
        [0x81..=0xFE, rest @ ..] if chinese => match rest {
            [] => Head::Begun(Some(2)),
            [second, ..] => match two_bytes(bytes[0], *second) {
                Some(character) => Head::Whole(2, Some(Token::Character(character))),
                // The head of a four-byte code is nothing to this printer; the digit behind it is printed.
                None => Head::Whole(1, None),
            },
        },
        // The upper half of the code page; our paper has no use for it but to show that it came.
        [0x80..=0xFF, ..] => Head::Whole(1, Some(Token::Character('?'))),
        _ => Head::Whole(1, None),
    }
}

fn two_bytes(first: u8, second: u8) -> Option<char> {
    if !(0x40..=0xFE).contains(&second) || second == 0x7F {
        return None;
    }
    let code = [first, second];
    let (text, _, wrong) = GB18030.decode(&code);
    let mut characters = text.chars();
    match (characters.next(), characters.next(), wrong) {
        (Some(character), None, false) => Some(character),
        _ => None,
    }
}

/// A command of `1 + letter + length` bytes, once all of them are there.
fn fixed(rest: &[u8], length: usize, token: impl FnOnce(&[u8]) -> Option<Token>) -> Head {
    match rest.get(1..=length) {
        Some(parameters) => Head::Whole(2 + length, token(parameters)),
        None => Head::Begun(Some(2 + length)),
    }
}

/// A command whose data has a length of its own, given by its first bytes.
fn sized(
    rest: &[u8],
    header: usize,
    data: impl FnOnce(&[u8]) -> usize,
    token: impl FnOnce(&[u8], &[u8]) -> Option<Token>,
) -> Head {
    let Some(parameters) = rest.get(1..=header) else { return Head::Begun(None) };
    let length = data(parameters);
    match rest.get(1 + header..1 + header + length) {
        Some(content) => Head::Whole(2 + header + length, token(parameters, content)),
        None => Head::Begun(Some(2 + header + length)),
    }
}

fn escape(rest: &[u8]) -> Head {
    let Some(letter) = rest.first() else { return Head::Begun(None) };
    let no_token = |_: &[u8]| None;
    match letter {
        b'@' => Head::Whole(2, Some(Token::Initialise)),
        b'2' => Head::Whole(2, Some(Token::LineSpacing(None))),
        b'i' | b'm' => Head::Whole(2, Some(Token::Cut)),
        b'<' | b'L' | b'S' | b'v' => Head::Whole(2, None),
        b'!' => fixed(rest, 1, |p| Some(Token::Size(1 + (p[0] >> 5 & 1), 1 + (p[0] >> 4 & 1)))),
        b'E' | b'G' => fixed(rest, 1, |p| Some(Token::Bold(p[0] & 1 == 1))),
        b'a' => fixed(rest, 1, |p| Some(Token::Align(p[0] % 48))),
        b'd' => fixed(rest, 1, |p| Some(Token::FeedLines(p[0]))),
        b'J' => fixed(rest, 1, |p| Some(Token::FeedDots(p[0]))),
        b'3' => fixed(rest, 1, |p| Some(Token::LineSpacing(Some(p[0])))),
        b' ' | b'%' | b'-' | b'=' | b'?' | b'K' | b'M' | b'R' | b'T' | b'U' | b'V' | b'e' | b'r' | b't' | b'u'
        | b'{' => fixed(rest, 1, no_token),
        b'$' => fixed(rest, 2, |p| Some(Token::MoveTo(u16::from_le_bytes([p[0], p[1]])))),
        b'\\' | b'B' | b'c' => fixed(rest, 2, no_token),
        b'p' => fixed(rest, 3, |p| Some(Token::Pulse(p[0] % 48))),
        b'W' => fixed(rest, 8, no_token),
        b'D' => zero_terminated(rest),
        b'*' => sized(rest, 3, |p| usize::from(u16::from_le_bytes([p[1], p[2]])) * column_bytes(p[0]), |_, _| None),
        _ => Head::Whole(2, None),
    }
}

/// Bytes of one column of `ESC *`: 8 or 24 dots.
const fn column_bytes(mode: u8) -> usize {
    if mode >= 32 { 3 } else { 1 }
}

fn chinese_command(rest: &[u8]) -> Head {
    let Some(letter) = rest.first() else { return Head::Begun(None) };
    match letter {
        b'!' => fixed(rest, 1, |p| Some(Token::Size(1 + (p[0] >> 2 & 1), 1 + (p[0] >> 3 & 1)))),
        b'-' | b'C' => fixed(rest, 1, |_| None),
        b'W' => fixed(rest, 1, |p| {
            let times = 1 + (p[0] & 1);
            Some(Token::Size(times, times))
        }),
        b'S' | b'p' | b'?' => fixed(rest, 2, |_| None),
        b'2' => fixed(rest, 74, |_| None),
        _ => Head::Whole(2, None),
    }
}

fn group(rest: &[u8]) -> Head {
    let Some(letter) = rest.first() else { return Head::Begun(None) };
    match letter {
        b'!' => fixed(rest, 1, |p| Some(Token::Size(1 + (p[0] >> 4 & 7), 1 + (p[0] & 7)))),
        b'a' => fixed(rest, 1, |p| Some(Token::AutomaticStatus(p[0]))),
        b'r' => fixed(rest, 1, |p| Some(Token::Transmit(p[0]))),
        b'/' | b'B' | b'E' | b'H' | b'I' | b'T' | b'b' | b'f' | b'h' | b'w' => fixed(rest, 1, |_| None),
        b'$' | b'L' | b'P' | b'W' | b'\\' => fixed(rest, 2, |_| None),
        b'^' => fixed(rest, 3, |_| None),
        b'V' => match rest.get(1) {
            None => Head::Begun(None),
            Some(65 | 66 | 97 | 98 | 103 | 104) => fixed(rest, 2, |_| Some(Token::Cut)),
            Some(_) => Head::Whole(3, Some(Token::Cut)),
        },
        b'(' => sized(
            rest,
            3,
            |p| usize::from(u16::from_le_bytes([p[1], p[2]])),
            |p, data| match (p[0], data) {
                (b'k', [49, function, content @ ..]) => Some(Token::Qr(*function, content.to_vec())),
                _ => None,
            },
        ),
        b'v' => sized(
            rest,
            6,
            |p| usize::from(u16::from_le_bytes([p[2], p[3]])) * usize::from(u16::from_le_bytes([p[4], p[5]])),
            |p, data| Some(Token::Raster(usize::from(u16::from_le_bytes([p[2], p[3]])), data.to_vec())),
        ),
        b'*' => sized(rest, 2, |p| usize::from(p[0]) * usize::from(p[1]) * 8, |_, _| None),
        b'8' => sized(rest, 5, |p| u32::from_le_bytes([p[1], p[2], p[3], p[4]]) as usize, |_, _| None),
        b'k' => match rest.get(1) {
            None => Head::Begun(None),
            Some(0..=6) => zero_terminated(rest),
            Some(_) => sized(rest, 2, |p| usize::from(p[1]), |_, _| None),
        },
        _ => Head::Whole(2, None),
    }
}

fn real_time(rest: &[u8]) -> Head {
    match rest {
        [] => Head::Begun(None),
        [0x04, ..] => fixed(rest, 1, |p| Some(Token::RealTimeStatus(p[0]))),
        [0x05, ..] => fixed(rest, 1, |_| None),
        [0x14, 8, ..] => fixed(rest, 8, |p| (p == CLEAR_BUFFER).then_some(Token::ClearBuffer)),
        [0x14, _, ..] => fixed(rest, 3, |_| None),
        [0x14] => Head::Begun(None),
        _ => Head::Whole(1, None),
    }
}

/// A command that ends with a zero; one that has none within reason is no command.
fn zero_terminated(rest: &[u8]) -> Head {
    const LONGEST: usize = 255;
    match rest.iter().skip(2).take(LONGEST).position(|byte| *byte == 0) {
        Some(at) => Head::Whole(1 + 2 + at + 1, None),
        None if rest.len() > LONGEST + 2 => Head::Whole(2, None),
        None => Head::Begun(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(bytes: &[u8]) -> Vec<Token> {
        Tokenizer::default().take(bytes)
    }

    #[test]
    fn commands_are_taken_apart() {
        for (bytes, expected) in [
            (
                &b"\x1b@\x1c&\xd6\xd0a\n"[..],
                vec![Token::Initialise, Token::Character('中'), Token::Character('a'), Token::LineFeed],
            ),
            (b"\x1d!\x11\x1bE\x01\x1ba\x01", vec![Token::Size(2, 2), Token::Bold(true), Token::Align(1)]),
            (
                b"\x1dVB\x00\x1dr\x01\x1da\xff\x10\x04\x04",
                vec![Token::Cut, Token::Transmit(1), Token::AutomaticStatus(255), Token::RealTimeStatus(4)],
            ),
            (
                b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08\x10\x14\x08\x01\x03\x14\x01\x06\x02\x09w",
                vec![Token::ClearBuffer, Token::Character('w')],
            ),
            (b"\x1d(k\x05\x00\x31\x50\x30HI", vec![Token::Qr(80, b"0HI".to_vec())]),
            (b"\x1dv0\x00\x01\x00\x02\x00\xaa\x55", vec![Token::Raster(1, vec![0xAA, 0x55])]),
            (b"a\x1b$\x6c\x01b", vec![Token::Character('a'), Token::MoveTo(0x16C), Token::Character('b')]),
            (b"\x1bp\x00\x19\x19x\x1bp1\x19\x19", vec![Token::Pulse(0), Token::Character('x'), Token::Pulse(1)]),
            (b"\x1dkA\x02\x1b@y", vec![Token::Character('y')]),
            (b"\x1b\x7f\x1d\x7fz", vec![Token::Character('z')]),
        ] {
            assert_eq!(tokens(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_four_byte_code_comes_out_as_two_digits() {
        // What a real printer makes of the narrow yen sign, 81 30 84 36.
        assert_eq!(tokens(b"\x1c&\x81\x30\x84\x36"), [Token::Character('0'), Token::Character('6')]);
    }

    #[test]
    fn without_chinese_mode_there_is_no_chinese() {
        assert_eq!(tokens(b"\xd6\xd0"), [Token::Character('?'), Token::Character('?')]);
    }

    #[test]
    fn a_picture_that_lost_bytes_swallows_what_follows_until_it_is_filled_up() {
        let mut tokenizer = Tokenizer::default();
        assert_eq!(tokenizer.take(b"\x1dv0\x00\x02\x00\x04\x00\xff\x1dr\x01"), []);
        let filled = tokenizer.take(&[0; 16]);
        assert!(matches!(filled.as_slice(), [Token::Raster(2, rows)] if rows.len() == 8));
        assert_eq!(tokenizer.take(b"\x1dr\x01"), [Token::Transmit(1)]);
    }

    #[test]
    fn a_giant_picture_is_thrown_away_without_being_kept() {
        let mut tokenizer = Tokenizer::default();
        assert_eq!(tokenizer.take(b"\x1dv0\x00\xff\xff\xff\xff"), []);
        tokenizer.take(&vec![0xFF; 100_000]);
        assert!(tokenizer.waiting.is_empty());
    }

    proptest! {
        #[test]
        fn input_cut_anywhere_gives_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..120), at in 0_usize..120) {
            let at = at.min(bytes.len());
            let mut parts = Tokenizer::default();
            let mut found = parts.take(&bytes[..at]);
            found.extend(parts.take(&bytes[at..]));
            prop_assert_eq!(found, tokens(&bytes));
        }

        #[test]
        fn commands_byte_by_byte_give_the_same(
            letters in proptest::collection::vec(
                prop_oneof![Just(0x1B_u8), Just(0x1C), Just(0x1D), Just(0x10), Just(0), 1..=8_u8, 0x20..0x7F_u8, Just(0xD6)], 0..60)
        ) {
            let mut single = Tokenizer::default();
            let found: Vec<_> = letters.iter().flat_map(|byte| single.take(&[*byte])).collect();
            prop_assert_eq!(found, tokens(&letters));
        }
    }
}
