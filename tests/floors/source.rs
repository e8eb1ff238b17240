//! Rust source as a list of the paths and string literals in it, enough to see who uses whom.
//!
//! It knows comments, literals, attributes and `use` trees; it knows no types. Items under `#[cfg(test)]` are left out:
//! a test may stand where its subject may not.

/// The paths and string literals of a file.
#[derive(Debug, Default)]
pub struct Source {
    pub paths: Vec<UsedPath>,
    /// Line and text of each string literal.
    pub strings: Vec<(usize, String)>,
}

/// A path as if it were written out: `use a::{b, c::d}` gives `a::b` and `a::c::d`; `self` and `*` at its end are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedPath {
    pub line: usize,
    pub segments: Vec<String>,
    /// Whether it stands in a `use` declaration.
    pub imported: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    /// `::`
    Join,
    Sign(char),
}

impl Source {
    /// Reads a file.
    pub fn read(text: &str) -> Self {
        let tokens = without_tests(tokens(text));
        let mut source = Self::default();
        let mut at = 0;
        let mut imported = false;
        while at < tokens.len() {
            let (line, token) = &tokens[at];
            match token {
                Token::Word(word) if word == "use" => imported = true,
                Token::Sign(';') => imported = false,
                Token::Text(text) => source.strings.push((*line, text.clone())),
                Token::Word(_) => {
                    at = read_path(&tokens, at, &[], imported, &mut source.paths);
                    continue;
                }
                Token::Join | Token::Sign(_) => {}
            }
            at += 1;
        }
        source
    }
}

/// Reads the path that starts at `at` under `prefix`, with its tree, and returns where it ends.
fn read_path(
    tokens: &[(usize, Token)],
    mut at: usize,
    prefix: &[String],
    imported: bool,
    paths: &mut Vec<UsedPath>,
) -> usize {
    let mut segments = prefix.to_vec();
    let mut line = tokens.get(at).map_or(0, |(line, _)| *line);
    loop {
        match tokens.get(at) {
            Some((place, Token::Word(word))) => {
                line = *place;
                if word != "self" || segments.is_empty() {
                    segments.push(word.clone());
                }
                at += 1;
            }
            Some((_, Token::Sign('*'))) => at += 1,
            Some((_, Token::Sign('{'))) => {
                at += 1;
                while let Some((_, token)) = tokens.get(at) {
                    match token {
                        Token::Sign('}') => return at + 1,
                        Token::Word(word) if word == "as" => at += 2,
                        Token::Word(_) | Token::Sign('*') => at = read_path(tokens, at, &segments, imported, paths),
                        _ => at += 1,
                    }
                }
                return at;
            }
            _ => {}
        }
        if matches!(tokens.get(at), Some((_, Token::Join)))
            && matches!(tokens.get(at + 1), Some((_, Token::Word(_) | Token::Sign('{' | '*'))))
        {
            at += 1;
        } else {
            break;
        }
    }
    paths.push(UsedPath { line, segments, imported });
    at
}

/// Splits source text; comments and whitespace go, literals of numbers, characters and lifetimes become nothing.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let letters: Vec<char> = text.chars().collect();
    let letter = |at: usize| letters.get(at).copied().unwrap_or('\0');
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < letters.len() {
        let start = at;
        let token = match letter(at) {
            '/' if letter(at + 1) == '/' => {
                at = end_of(&letters, at, |at| letter(at) == '\n');
                None
            }
            '/' if letter(at + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (letter(at), letter(at + 1)) {
                        ('/', '*') => (depth, at) = (depth + 1, at + 2),
                        ('*', '/') => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 || at >= letters.len() {
                        break None;
                    }
                }
            }
            'r' if letter(at + 1) == '"' || (letter(at + 1) == '#' && matches!(letter(at + 2), '"' | '#')) => {
                let opening = end_of(&letters, at + 1, |at| letter(at) == '"');
                let hashes = opening - at - 1;
                let closes = |at: usize| letter(at) == '"' && (1..=hashes).all(|hash| letter(at + hash) == '#');
                let closing = end_of(&letters, opening + 1, closes);
                at = closing + hashes + 1;
                Some(Token::Text(letters[(opening + 1).min(closing)..closing].iter().collect()))
            }
            '"' => {
                at += 1;
                while at < letters.len() && letter(at) != '"' {
                    at += if letter(at) == '\\' { 2 } else { 1 };
                }
                at = (at + 1).min(letters.len());
                Some(Token::Text(letters[start + 1..at - 1].iter().collect()))
            }
            '\'' if letter(at + 1) == '\\' => {
                at = end_of(&letters, at + 3, |at| letter(at) == '\'') + 1;
                None
            }
            '\'' if letter(at + 2) == '\'' => {
                at += 3;
                None
            }
            '\'' => {
                at = end_of(&letters, at + 1, |at| !is_word(letter(at)));
                None
            }
            ':' if letter(at + 1) == ':' => {
                at += 2;
                Some(Token::Join)
            }
            letter_here if letter_here.is_ascii_digit() => {
                at = end_of(&letters, at, |at| !is_word(letter(at)));
                None
            }
            letter_here if is_word(letter_here) => {
                at = end_of(&letters, at, |at| !is_word(letter(at)));
                let word: String = letters[start..at].iter().collect();
                // The prefix of a byte or C string is part of the literal that follows.
                match word.as_str() {
                    "b" | "c" if letter(at) == '"' => None,
                    "br" | "cr" if matches!(letter(at), '"' | '#') => {
                        at -= 1;
                        None
                    }
                    _ => Some(Token::Word(word)),
                }
            }
            letter_here => {
                at += 1;
                (!letter_here.is_whitespace()).then_some(Token::Sign(letter_here))
            }
        };
        tokens.extend(token.map(|token| (line, token)));
        line += letters[start..at.min(letters.len())].iter().filter(|letter| **letter == '\n').count();
    }
    tokens
}

/// The first place from `at` on where `ends` holds, or the end of the text.
fn end_of(letters: &[char], at: usize, ends: impl Fn(usize) -> bool) -> usize {
    (at..letters.len()).find(|at| ends(*at)).unwrap_or(letters.len())
}

/// Takes out every item under `#[cfg(test)]`: up to its closing brace, or its semicolon.
fn without_tests(tokens: Vec<(usize, Token)>) -> Vec<(usize, Token)> {
    let word = |word: &str| Token::Word(word.to_owned());
    let attribute = [
        Token::Sign('#'),
        Token::Sign('['),
        word("cfg"),
        Token::Sign('('),
        word("test"),
        Token::Sign(')'),
        Token::Sign(']'),
    ];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let rest = &tokens[at..];
        if !attribute.iter().eq(rest.iter().take(attribute.len()).map(|(_, token)| token)) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += attribute.len();
        let mut depth = 0_usize;
        while let Some((_, token)) = tokens.get(at) {
            at += 1;
            match token {
                Token::Sign('{' | '(' | '[') => depth += 1,
                Token::Sign('}' | ')' | ']') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && *token == Token::Sign('}') {
                        // A tree of imports ends with the semicolon after its brace.
                        at += usize::from(matches!(tokens.get(at), Some((_, Token::Sign(';')))));
                        break;
                    }
                }
                Token::Sign(';') if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}
