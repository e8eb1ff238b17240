//! What a tool is given: arguments, or `-` for standard input. Whatever it is, it is treated as a secret.

use std::convert::Infallible;
use std::fmt;
use std::io::Read;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::cli::Failure;
use crate::crypto::hex;

/// Characters read from standard input at most.
const LONGEST_INPUT: usize = 1 << 20;

/// An argument, or the wish to read it from standard input.
#[derive(Clone)]
pub struct Given(Zeroizing<String>);

impl FromStr for Given {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

/// An argument may be a key.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(masked)")
    }
}

impl Given {
    fn is_standard_input(&self) -> bool {
        *self.0 == "-"
    }
}

/// Standard input, read once and given out in lines.
#[derive(Default)]
pub struct Input {
    text: Option<Zeroizing<String>>,
    read: usize,
}

impl Input {
    /// The text of an argument, or the next line of standard input; `name` is said when there is none.
    pub fn text(&mut self, name: &str, given: &Given) -> Result<Zeroizing<String>, Failure> {
        if !given.is_standard_input() {
            return Ok(given.0.clone());
        }
        let read = self.read;
        let rest = &self.standard_input()?[read..];
        if rest.is_empty() {
            return Err(format!("standard input ends before the line for {name}, at offset {read}").into());
        }
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let line = Zeroizing::new(rest[..length].trim().to_owned());
        self.read += length;
        Ok(line)
    }

    /// The bytes of an argument, or of the next line of standard input, in hexadecimal.
    pub fn bytes(&mut self, name: &str, given: &Given) -> Result<Zeroizing<Vec<u8>>, Failure> {
        bytes(name, &self.text(name, given)?)
    }

    /// The bytes of arguments that are words of one text, or of what is left of standard input. Who gives no argument and nothing
    /// there has forgotten something.
    pub fn data(&mut self, name: &str, given: &[Given]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if given.is_empty() {
            let read = self.read;
            let rest = &self.standard_input()?[read..];
            if rest.trim().is_empty() {
                return Err(format!("{name} is missing: no argument, and nothing on standard input").into());
            }
            return bytes(name, rest);
        }
        if let [only] = given
            && only.is_standard_input()
        {
            let read = self.read;
            return bytes(name, &self.standard_input()?[read..]);
        }
        let words: Vec<&str> = given.iter().map(|word| word.0.as_str()).collect();
        bytes(name, &Zeroizing::new(words.concat()))
    }

    fn standard_input(&mut self) -> Result<&str, Failure> {
        let text = match self.text.take() {
            Some(text) => text,
            None => {
                let mut input = Zeroizing::new(Vec::with_capacity(1 << 10));
                std::io::stdin().take(LONGEST_INPUT as u64 + 1).read_to_end(&mut input)?;
                if input.len() > LONGEST_INPUT {
                    return Err(format!("standard input is longer than {LONGEST_INPUT} characters").into());
                }
                let text = std::str::from_utf8(&input)
                    .map_err(|error| format!("standard input is not text at offset {}", error.valid_up_to()))?;
                Zeroizing::new(text.to_owned())
            }
        };
        Ok(self.text.insert(text))
    }
}

fn bytes(name: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = hex::decode(text).map_err(|error| {
        format!("{name}: not pairs of hexadecimal digits at offset {}, blanks not counted", error.offset)
    })?;
    Ok(Zeroizing::new(bytes))
}
