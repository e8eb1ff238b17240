//! `yima tools`: cryptography for field engineers, hexadecimal in and out. Keys come with the command; those of the
//! terminal's vault are never touched.

mod dukpt;
mod input;
mod kcv;
mod keyblock;
mod mac;
mod pinblock;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::Value;

use super::{Failure, output};
use crate::crypto::CryptoError;
use crate::crypto::aes::AesKey;
use crate::crypto::cipher::BlockKey;
use crate::crypto::sm4::Sm4Key;
use crate::crypto::tdes::TdesKey;

/// What comes after `yima tools`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Arguments stay in the shell's history and are seen by everyone on this machine while the command runs: give a real \
key, PIN or card number as - and it is read from standard input, a line for each option in the order in which --help \
lists them, then the data. Nothing here reads or writes the terminal's own keys.")]
pub enum Tool {
    /// Message authentication codes
    Mac(mac::Arguments),
    /// Check value of a key
    Kcv(kcv::Arguments),
    /// PIN blocks of ISO 9564, formats 0 to 4
    #[command(subcommand)]
    Pinblock(pinblock::Direction),
    /// Keys of DUKPT: initial key and working keys of a transaction
    Dukpt(dukpt::Arguments),
    /// Key blocks of TR-31 and X9.143, versions A to D
    #[command(subcommand)]
    Keyblock(keyblock::Direction),
}

impl Tool {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Mac(arguments) => arguments.run(),
            Self::Kcv(arguments) => arguments.run(),
            Self::Pinblock(direction) => direction.run(),
            Self::Dukpt(arguments) => arguments.run(),
            Self::Keyblock(direction) => direction.run(),
        }
    }
}

/// Which block cipher a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cipher {
    /// TDES with 16 or 24 bytes, DES with 8
    #[value(aliases = ["des", "3des", "tdea"])]
    Tdes,
    /// AES with 16, 24 or 32 bytes
    Aes,
    /// SM4 with 16 bytes
    Sm4,
}

impl Cipher {
    fn key(self, bytes: &[u8]) -> Result<BlockKey, CryptoError> {
        Ok(match self {
            Self::Tdes => BlockKey::Tdes(TdesKey::new(bytes)?),
            Self::Aes => BlockKey::Aes(AesKey::new(bytes)?),
            Self::Sm4 => BlockKey::Sm4(Sm4Key::new(bytes)?),
        })
    }
}

/// The word by which a choice is given.
fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The leftmost bytes of a result, as many as are wanted.
fn cut(whole: &[u8], bytes: usize) -> Result<&[u8], Failure> {
    match whole.get(..bytes) {
        Some(cut) if bytes > 0 => Ok(cut),
        _ => Err(format!("--bytes {bytes} cannot be: there are 1 to {}", whole.len()).into()),
    }
}

/// Prints a result: the line alone, or the object.
fn print(line: &str, object: &Value, as_json: bool) -> ExitCode {
    if as_json {
        output::json(object)
    } else {
        output::say(line)
    }
    ExitCode::SUCCESS
}
