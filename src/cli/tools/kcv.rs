//! `yima tools kcv`: the check value of a key.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::input::{Given, Input};
use super::{Cipher, cut, print, word};
use crate::cli::Failure;
use crate::crypto::check_value::{self, check_value};
use crate::crypto::hex;

/// What comes after `yima tools kcv`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What the key is for
    #[arg(long, value_enum, ignore_case = true)]
    alg: Cipher,

    /// How it is computed [default: cmac for AES, zeros for the others]
    #[arg(long, value_enum, ignore_case = true)]
    method: Option<Method>,

    /// Bytes to print, from the left [default: the whole block]; 3, 4, 5 or 8 are usual
    #[arg(long, value_name = "N")]
    bytes: Option<usize>,

    /// Key in hexadecimal; `-` reads a line of standard input
    #[arg(long, value_name = "HEX")]
    key: Given,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// A block of zeros, encrypted
    Zeros,
    /// The CMAC of a block of zeros (X9.24-1:2017, X9.143)
    Cmac,
}

impl Arguments {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let key = self.alg.key(&Input::default().bytes("--key", &self.key)?)?;
        let method = self.method.unwrap_or(if self.alg == Cipher::Aes { Method::Cmac } else { Method::Zeros });
        let whole = check_value(
            &key,
            match method {
                Method::Zeros => check_value::Method::EncryptedZeros,
                Method::Cmac => check_value::Method::Cmac,
            },
        )?;
        let kcv = hex::encode(cut(&whole, self.bytes.unwrap_or(whole.len()))?);
        let object = json!({ "algorithm": word(&self.alg), "method": word(&method), "kcv": kcv });
        Ok(print(&kcv, &object, self.json))
    }
}
