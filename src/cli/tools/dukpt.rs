//! `yima tools dukpt`: the keys of a terminal and of its transactions, as the host derives them.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;
use zeroize::Zeroizing;

use super::input::{Given, Input};
use super::{print, word};
use crate::cli::Failure;
use crate::crypto::aes::AesKey;
use crate::crypto::dukpt::{self, DukptError, aes, tdes};
use crate::crypto::hex;
use crate::crypto::tdes::TdesKey;

/// What comes after `yima tools dukpt`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// tdes is ANSI X9.24-1:2009; the others, by the length of the base derivation key, X9.24-3:2017
    #[arg(long, value_enum, ignore_case = true)]
    algorithm: Algorithm,

    /// Base derivation key in hexadecimal; `-` reads a line of standard input
    #[arg(long, value_name = "HEX")]
    bdk: Given,

    /// Key serial number in hexadecimal: 10 bytes with TDES, 12 with AES; the counter is part of it
    #[arg(long, value_name = "HEX")]
    ksn: Given,

    /// What the key is for, seen from the terminal
    #[arg(long, value_enum, ignore_case = true)]
    purpose: Purpose,

    /// Kind of working key, with AES only [default: as the base derivation key]
    #[arg(long, value_enum, ignore_case = true)]
    key_type: Option<KeyType>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    Tdes,
    Aes128,
    Aes192,
    Aes256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// The initial key of the terminal
    Ik,
    /// PIN encryption
    Pin,
    /// MAC of a request; AES: MAC generation
    MacRequest,
    /// MAC of a response; AES: MAC verification
    MacResponse,
    /// Data of a request; AES: data encryption, encrypt
    DataRequest,
    /// Data of a response; AES: data encryption, decrypt
    DataResponse,
    /// AES only: MAC, both ways
    MacBoth,
    /// AES only: data encryption, both ways
    DataBoth,
    /// AES only: key encryption
    KeyEncryption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KeyType {
    Tdes2,
    Tdes3,
    Aes128,
    Aes192,
    Aes256,
}

impl Arguments {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut input = Input::default();
        let base = input.bytes("--bdk", &self.bdk)?;
        let number = input.bytes("--ksn", &self.ksn)?;
        let (key, counter) = match self.algorithm {
            Algorithm::Tdes => self.tdes(&base, &number)?,
            Algorithm::Aes128 => self.aes(&base, &number, KeyType::Aes128)?,
            Algorithm::Aes192 => self.aes(&base, &number, KeyType::Aes192)?,
            Algorithm::Aes256 => self.aes(&base, &number, KeyType::Aes256)?,
        };
        let key = Zeroizing::new(hex::encode(&key));
        let object = json!({
            "algorithm": word(&self.algorithm),
            "ksn": hex::encode(&number),
            "counter": counter,
            "purpose": word(&self.purpose),
            "key": *key,
        });
        Ok(print(&key, &object, self.json))
    }

    fn tdes(&self, base: &[u8], number: &[u8]) -> Result<(Zeroizing<Vec<u8>>, u32), Failure> {
        if self.key_type.is_some() {
            return Err("--key-type goes with AES only: keys of TDES are of double length".into());
        }
        let number = tdes::KeySerialNumber::new(number).map_err(serial_number)?;
        let initial = tdes::InitialKey::derive(&TdesKey::new(base)?, number)?;
        let key = match self.purpose.of_both() {
            Some(purpose) => initial.transaction_key(number)?.working_key(purpose)?,
            None if self.purpose == Purpose::Ik => initial.key().clone(),
            None => return Err(format!("--purpose {} goes with AES only", word(&self.purpose)).into()),
        };
        Ok((Zeroizing::new(key.expose_bytes().to_vec()), number.counter()))
    }

    fn aes(&self, base: &[u8], number: &[u8], base_type: KeyType) -> Result<(Zeroizing<Vec<u8>>, u32), Failure> {
        let length = base_type.of_dukpt().length();
        if base.len() != length {
            return Err(format!("--bdk has {} bytes; {} takes {length}", base.len(), word(&self.algorithm)).into());
        }
        let number = aes::KeySerialNumber::new(number).map_err(serial_number)?;
        let initial = aes::InitialKey::derive(&AesKey::new(base)?, number)?;
        let usage = match (self.purpose, self.purpose.of_both()) {
            (_, Some(purpose)) => purpose.into(),
            (Purpose::MacBoth, None) => aes::Usage::MacBothWays,
            (Purpose::DataBoth, None) => aes::Usage::DataBothWays,
            (Purpose::KeyEncryption, None) => aes::Usage::KeyEncryption,
            (_, None) => return Ok((Zeroizing::new(initial.key().expose_bytes().to_vec()), number.counter())),
        };
        let key_type = self.key_type.unwrap_or(base_type).of_dukpt();
        Ok((initial.transaction_key(number)?.working_key(usage, key_type)?, number.counter()))
    }
}

impl Purpose {
    /// The purposes that TDES and AES have alike.
    const fn of_both(self) -> Option<dukpt::Purpose> {
        Some(match self {
            Self::Pin => dukpt::Purpose::Pin,
            Self::MacRequest => dukpt::Purpose::MacRequest,
            Self::MacResponse => dukpt::Purpose::MacResponse,
            Self::DataRequest => dukpt::Purpose::DataRequest,
            Self::DataResponse => dukpt::Purpose::DataResponse,
            Self::Ik | Self::MacBoth | Self::DataBoth | Self::KeyEncryption => return None,
        })
    }
}

impl KeyType {
    const fn of_dukpt(self) -> aes::KeyType {
        match self {
            Self::Tdes2 => aes::KeyType::Tdes2,
            Self::Tdes3 => aes::KeyType::Tdes3,
            Self::Aes128 => aes::KeyType::Aes128,
            Self::Aes192 => aes::KeyType::Aes192,
            Self::Aes256 => aes::KeyType::Aes256,
        }
    }
}

fn serial_number(error: DukptError) -> Failure {
    format!("--ksn: {error}").into()
}
