//! `yima tools mac`: the MAC over a message.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::input::{Given, Input};
use super::{Cipher, cut, print, word};
use crate::cli::Failure;
use crate::crypto::hex;
use crate::crypto::mac::iso9797::{self, Padding};
use crate::crypto::mac::unionpay_block;
use crate::crypto::tdes::TdesKey;

/// What comes after `yima tools mac`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Algorithm
    #[arg(long, value_enum, ignore_case = true)]
    alg: Algorithm,

    /// Padding method of ISO 9797-1 [default: 1]: 1 zeros, 2 80 and zeros, 3 zeros behind and the length in front; for
    /// unionpay and cmac there is no choice
    #[arg(long, value_name = "METHOD", value_parser = clap::value_parser!(u8).range(1..=3))]
    padding: Option<u8>,

    /// Block cipher of unionpay (tdes or sm4), iso9797-1 and cmac [default: tdes, cmac: aes]
    #[arg(long, value_enum, ignore_case = true)]
    cipher: Option<Cipher>,

    /// Bytes to print, from the left [default: the whole MAC; unionpay: the 4 that are field 64]
    #[arg(long, value_name = "N")]
    bytes: Option<usize>,

    /// Key in hexadecimal; `-` reads a line of standard input
    #[arg(long, value_name = "HEX")]
    key: Given,

    /// Message in hexadecimal, with blanks or without; without it, or with `-`, standard input is read
    #[arg(value_name = "DATA")]
    data: Vec<Given>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// UnionPay-style terminals ("ECB"): the 8 characters of field 64
    Unionpay,
    /// ANSI X9.9: algorithm 1 with DES, key of 8 bytes; a longer one is TDES throughout
    #[value(name = "x9.9")]
    X99,
    /// ANSI X9.19, retail MAC: algorithm 3, key of 16 bytes
    #[value(name = "x9.19")]
    X919,
    /// ISO 9797-1 algorithm 1: CBC-MAC
    #[value(name = "iso9797-1")]
    Iso97971,
    /// ISO 9797-1 algorithm 3: DES, the last block TDES, key of 16 bytes
    #[value(name = "iso9797-3")]
    Iso97973,
    /// CMAC (NIST SP 800-38B)
    #[value(alias = "aes-cmac")]
    Cmac,
    /// CBC-MAC with SM4
    Sm4,
}

/// Bytes that field 64 shows of a MAC: two characters each.
const FIELD_64: usize = 4;

impl Arguments {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut input = Input::default();
        let key = input.bytes("--key", &self.key)?;
        let message = input.data("DATA", &self.data)?;
        let (cipher, padding) = (self.cipher()?, self.padding()?);
        let whole = match self.alg {
            Algorithm::Unionpay => unionpay_block(&cipher.key(&key)?, &message)?,
            Algorithm::Cmac => cipher.key(&key)?.cmac(&message)?,
            Algorithm::X99 | Algorithm::Iso97971 | Algorithm::Sm4 => {
                iso9797::algorithm_1(&cipher.key(&key)?, padding, &message)?
            }
            Algorithm::X919 | Algorithm::Iso97973 => {
                iso9797::algorithm_3(&TdesKey::new(&key)?, padding, &message)?.to_vec()
            }
        };
        let usual = if self.alg == Algorithm::Unionpay { FIELD_64 } else { whole.len() };
        let mac = hex::encode(cut(&whole, self.bytes.unwrap_or(usual))?);
        let object = json!({
            "algorithm": word(&self.alg),
            "cipher": word(&cipher),
            "padding": self.takes_padding().then_some(self.padding.unwrap_or(1)),
            "mac": mac,
            "whole": hex::encode(&whole),
        });
        Ok(print(&mac, &object, self.json))
    }

    /// The cipher, when the algorithm goes with it.
    fn cipher(&self) -> Result<Cipher, Failure> {
        let (usual, others): (_, &[Cipher]) = match self.alg {
            Algorithm::Unionpay => (Cipher::Tdes, &[Cipher::Sm4]),
            Algorithm::Iso97971 => (Cipher::Tdes, &[Cipher::Aes, Cipher::Sm4]),
            Algorithm::Cmac => (Cipher::Aes, &[Cipher::Tdes, Cipher::Sm4]),
            Algorithm::X99 | Algorithm::X919 | Algorithm::Iso97973 => (Cipher::Tdes, &[]),
            Algorithm::Sm4 => (Cipher::Sm4, &[]),
        };
        match self.cipher {
            None => Ok(usual),
            Some(wanted) if wanted == usual || others.contains(&wanted) => Ok(wanted),
            Some(wanted) => Err(format!("--cipher {} does not go with {}", word(&wanted), word(&self.alg)).into()),
        }
    }

    fn padding(&self) -> Result<Padding, Failure> {
        if self.padding.is_some() && !self.takes_padding() {
            return Err(format!("--padding does not go with {}: it pads in its own way", word(&self.alg)).into());
        }
        Ok(match self.padding {
            None | Some(1) => Padding::Zeros,
            Some(2) => Padding::OneThenZeros,
            Some(_) => Padding::LengthInFront,
        })
    }

    fn takes_padding(&self) -> bool {
        !matches!(self.alg, Algorithm::Unionpay | Algorithm::Cmac)
    }
}
