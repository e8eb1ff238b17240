//! `yima tools keyblock`: a key into a TR-31 key block, and out of one.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::input::{Given, Input};
use super::print;
use crate::cli::Failure;
use crate::crypto::hex;
use crate::crypto::key_block::{self, Header};

/// What comes after `yima tools keyblock`.
#[derive(Debug, Subcommand)]
pub enum Direction {
    /// Put a key into a block
    Wrap(WrapArguments),
    /// Take the key out of a block and print it
    Unwrap(UnwrapArguments),
}

/// What comes after `yima tools keyblock wrap`.
#[derive(Debug, Args)]
pub struct WrapArguments {
    /// Key block protection key in hexadecimal: TDES of 16 or 24 bytes for versions A to C, AES for D; `-` reads a line
    /// of standard input
    #[arg(long, value_name = "HEX")]
    kbpk: Given,

    /// Key to wrap in hexadecimal; `-` reads a line of standard input
    #[arg(long, value_name = "HEX")]
    key: Given,

    /// Header as text, for example B0000P0TE00N0000, with optional blocks behind it; its length is put right, and a
    /// block PB is added where it needs one
    #[arg(long, value_name = "TEXT")]
    header: String,

    /// Bytes that the key shall seem to have [default: 24 for TDES and 32 for AES, any other key as it is]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(..=4096))]
    pad_to: Option<u16>,

    /// Padding instead of random bytes, in hexadecimal
    #[arg(long, value_name = "HEX")]
    fill: Option<Given>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima tools keyblock unwrap`.
#[derive(Debug, Args)]
pub struct UnwrapArguments {
    /// Key block protection key in hexadecimal; `-` reads a line of standard input
    #[arg(long, value_name = "HEX")]
    kbpk: Given,

    /// Key block; `-` reads a line of standard input
    #[arg(value_name = "BLOCK")]
    block: Given,

    /// Print as JSON, with header and optional blocks
    #[arg(long)]
    json: bool,
}

impl Direction {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Wrap(arguments) => arguments.run(),
            Self::Unwrap(arguments) => arguments.run(),
        }
    }
}

impl WrapArguments {
    fn run(&self) -> Result<ExitCode, Failure> {
        let mut input = Input::default();
        let protection_key = input.bytes("--kbpk", &self.kbpk)?;
        let key = input.bytes("--key", &self.key)?;
        let header = Header::parse(&self.header).map_err(|error| format!("--header: {error}"))?;
        let usual = match header.algorithm {
            'T' | 'D' => 24,
            'A' => 32,
            _ => 0,
        };
        let shown = usize::from(self.pad_to.unwrap_or(usual));
        let needed = key_block::padding_length(header.protection, key.len(), shown);
        let padding = match &self.fill {
            Some(given) => input.bytes("--fill", given)?,
            None => {
                let mut random = Zeroizing::new(vec![0; needed]);
                getrandom::fill(&mut random)?;
                random
            }
        };
        if padding.len() != needed {
            return Err(format!("--fill has {} bytes; {needed} are needed here", padding.len()).into());
        }
        let block = key_block::wrap(&protection_key, &header, &key, &padding)?;
        Ok(print(&block, &json!({ "key_block": block }), self.json))
    }
}

impl UnwrapArguments {
    fn run(&self) -> Result<ExitCode, Failure> {
        let mut input = Input::default();
        let protection_key = input.bytes("--kbpk", &self.kbpk)?;
        let block = input.text("BLOCK", &self.block)?;
        let unwrapped = key_block::unwrap(&protection_key, &block)?;
        let key = Zeroizing::new(hex::encode(&unwrapped.key));
        let object = json!({ "key": *key, "header": as_json(&unwrapped.header, &block) });
        Ok(print(&key, &object, self.json))
    }
}

fn as_json(header: &Header, block: &str) -> Value {
    let optional_blocks: Value =
        header.optional_blocks.iter().map(|block| json!({ "id": block.id, "content": block.content })).collect();
    json!({
        "version": header.protection.letter(),
        "length": block.len(),
        "key_usage": header.usage,
        "algorithm": header.algorithm,
        "mode_of_use": header.mode_of_use,
        "key_version": header.key_version,
        "exportability": header.exportability,
        "optional_blocks": optional_blocks,
    })
}
