//! `yima tools pinblock`: a PIN into a block of ISO 9564, and out of one.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use super::input::{Given, Input};
use super::{Cipher, print};
use crate::cli::Failure;
use crate::crypto::cipher::BlockKey;
use crate::crypto::hex;
use crate::crypto::pin_block::{self, FILLING, format_4};
use crate::pin::Pin;

/// What comes after `yima tools pinblock`.
#[derive(Debug, Subcommand)]
pub enum Direction {
    /// Put a PIN into a block
    Encode(EncodeArguments),
    /// Take the PIN out of a block
    Decode(DecodeArguments),
}

/// What both directions need.
#[derive(Debug, Args)]
struct Common {
    /// Format of ISO 9564: 0 and 3 with card number, 1 without, 2 for chip cards, 4 with AES
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=4))]
    format: u8,

    /// Card number, for formats 0, 3 and 4; its check digit is not looked at
    #[arg(long, value_name = "DIGITS")]
    pan: Option<Given>,

    /// Key in hexadecimal: the block is enciphered with it [formats 0 to 3: a clear block without]
    #[arg(long, value_name = "HEX")]
    key: Option<Given>,

    /// Block cipher of the key: tdes or sm4 for formats 0 to 3, aes for 4 [default: tdes, format 4: aes]
    #[arg(long, value_enum, ignore_case = true)]
    cipher: Option<Cipher>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima tools pinblock encode`.
#[derive(Debug, Args)]
pub struct EncodeArguments {
    /// PIN, 4 to 12 digits
    #[arg(long, value_name = "DIGITS")]
    pin: Given,

    #[command(flatten)]
    common: Common,

    /// Filling instead of random digits, in hexadecimal: formats 1 and 3 take 14 digits less the PIN's, format 3 A to F
    /// only; format 4 takes 16
    #[arg(long, value_name = "HEX")]
    fill: Option<String>,
}

/// What comes after `yima tools pinblock decode`.
#[derive(Debug, Args)]
pub struct DecodeArguments {
    #[command(flatten)]
    common: Common,

    /// Block in hexadecimal
    #[arg(value_name = "BLOCK")]
    block: Given,
}

impl Direction {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Encode(arguments) => arguments.run(),
            Self::Decode(arguments) => arguments.run(),
        }
    }
}

impl EncodeArguments {
    fn run(&self) -> Result<ExitCode, Failure> {
        let mut input = Input::default();
        let pin = Pin::new(Zeroizing::new(input.text("--pin", &self.pin)?.as_bytes().to_vec()))
            .map_err(|error| format!("--pin: {error}"))?;
        let card_number = self.common.card_number(&mut input)?;
        let key = self.common.key(&mut input)?;
        let clear = match self.common.format {
            0 => pin_block::format_0(&pin, &card_number)?,
            1 => pin_block::format_1(&pin, &self.filling(&pin, |digit| digit <= 0xF)?),
            2 => pin_block::format_2(&pin),
            3 => pin_block::format_3(&pin, &card_number, &self.filling(&pin, |digit| (0xA..=0xF).contains(&digit))?)?,
            _ => {
                let Some(BlockKey::Aes(key)) = key else { return Err(no_aes_key()) };
                let block = format_4::encipher(&key, &pin, &card_number, &self.random_bytes()?)?;
                return Ok(self.print(&block, true));
            }
        };
        if self.fill.is_some() && matches!(self.common.format, 0 | 2) {
            return Err(format!("--fill does not go with format {}: its filling is fixed", self.common.format).into());
        }
        Ok(match key {
            None => self.print(clear.as_slice(), false),
            Some(key) => self.print(&pin_block::encipher(&key, &clear)?, true),
        })
    }

    fn print(&self, block: &[u8], enciphered: bool) -> ExitCode {
        let block = hex::encode(block);
        let object = json!({ "format": self.common.format, "block": block, "enciphered": enciphered });
        print(&block, &object, self.common.json)
    }

    /// Ten digits that a format allows: those that are given, then what no PIN leaves room for; or random ones.
    fn filling(&self, pin: &Pin, allowed: impl Fn(u8) -> bool) -> Result<[u8; FILLING], Failure> {
        let needed = FILLING + 4 - pin.expose_digits().len();
        let Some(given) = &self.fill else { return random_digits(allowed) };
        let mut filling = [0xF; FILLING];
        let digits = self.fill_digits(given, needed)?;
        for (to, digit) in filling.iter_mut().zip(digits) {
            *to = digit;
        }
        Ok(filling)
    }

    fn random_bytes(&self) -> Result<[u8; format_4::RANDOM], Failure> {
        let mut bytes = [0; format_4::RANDOM];
        match &self.fill {
            None => getrandom::fill(&mut bytes)?,
            Some(given) => {
                let digits = self.fill_digits(given, 2 * format_4::RANDOM)?;
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                    *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
                }
            }
        }
        Ok(bytes)
    }

    fn fill_digits(&self, given: &str, needed: usize) -> Result<Vec<u8>, Failure> {
        let digits: Option<Vec<u8>> = given.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        match digits {
            Some(digits) if digits.len() == needed => Ok(digits),
            Some(digits) => Err(format!("--fill has {} digits; {needed} are needed here", digits.len()).into()),
            None => {
                let offset = given.chars().take_while(char::is_ascii_hexdigit).count();
                Err(format!("--fill: not a hexadecimal digit at offset {offset}").into())
            }
        }
    }
}

impl DecodeArguments {
    fn run(&self) -> Result<ExitCode, Failure> {
        let mut input = Input::default();
        let card_number = self.common.card_number(&mut input)?;
        let key = self.common.key(&mut input)?;
        let block = input.bytes("BLOCK", &self.block)?;
        let pin = if self.common.format == 4 {
            let Some(BlockKey::Aes(key)) = key else { return Err(no_aes_key()) };
            format_4::decipher(&key, &whole(&block)?, &card_number)?
        } else {
            let clear = match key {
                None => Zeroizing::new(whole(&block)?),
                Some(key) => pin_block::decipher(&key, &block)?,
            };
            match self.common.format {
                0 => pin_block::read_format_0(&clear, &card_number)?,
                1 => pin_block::read_format_1(&clear)?,
                2 => pin_block::read_format_2(&clear)?,
                _ => pin_block::read_format_3(&clear, &card_number)?,
            }
        };
        let digits = Zeroizing::new(String::from_utf8_lossy(pin.expose_digits()).into_owned());
        let object = json!({ "format": self.common.format, "pin": *digits });
        Ok(print(&digits, &object, self.common.json))
    }
}

impl Common {
    /// The card number, when the format has one.
    fn card_number(&self, input: &mut Input) -> Result<Zeroizing<String>, Failure> {
        match (self.format, &self.pan) {
            (1 | 2, _) => Ok(Zeroizing::default()),
            // As it stands on a card: in groups.
            (_, Some(given)) => Ok(Zeroizing::new(input.text("--pan", given)?.split_whitespace().collect())),
            (format, None) => Err(format!("--pan is missing: format {format} holds the card number").into()),
        }
    }

    fn key(&self, input: &mut Input) -> Result<Option<BlockKey>, Failure> {
        let (usual, other) = if self.format == 4 { (Cipher::Aes, Cipher::Aes) } else { (Cipher::Tdes, Cipher::Sm4) };
        let cipher = self.cipher.unwrap_or(usual);
        if cipher != usual && cipher != other {
            return Err("--cipher: formats 0 to 3 go with tdes and sm4, format 4 with aes".into());
        }
        let Some(given) = &self.key else { return Ok(None) };
        Ok(Some(cipher.key(&input.bytes("--key", given)?)?))
    }
}

/// Digits from the system's random generator, of those that are allowed.
fn random_digits(allowed: impl Fn(u8) -> bool) -> Result<[u8; FILLING], Failure> {
    let mut digits = [0; FILLING];
    let mut found = 0;
    while found < FILLING {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        let digit = byte[0] & 0x0F;
        if allowed(digit) {
            digits[found] = digit;
            found += 1;
        }
    }
    Ok(digits)
}

fn whole<const N: usize>(block: &[u8]) -> Result<[u8; N], Failure> {
    block.try_into().map_err(|_| format!("BLOCK has {} bytes; {N} are needed here", block.len()).into())
}

fn no_aes_key() -> Failure {
    "--key is missing: a block of format 4 exists only enciphered, with an AES key".into()
}
