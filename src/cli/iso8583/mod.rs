//! `yima decode iso8583` and `yima encode iso8583`: messages of the host link as text, as JSON and as bytes.

pub mod decode;
mod document;
pub mod encode;

use std::path::Path;

use clap::Args;

use super::Failure;
use crate::iso8583::Layout;
use crate::iso8583::framing::Framing;

/// How a message is written.
#[derive(Debug, Args)]
pub struct Writing {
    /// iso8583: how the message is written: unionpay, iso87-ascii, iso87-binary, iso93-binary, or the path of a dialect
    /// file (.toml) [default: unionpay]
    #[arg(long, value_name = "DIALECT")]
    dialect: Option<String>,

    /// iso8583: the message stands alone, without length, transport address and header
    #[arg(long)]
    no_frame: bool,
}

impl Writing {
    /// Whether anything was said about it.
    pub const fn is_given(&self) -> bool {
        self.dialect.is_some() || self.no_frame
    }

    fn layout(&self) -> Result<Layout, Failure> {
        let name = self.dialect.as_deref().unwrap_or("unionpay");
        if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(name).map_err(|error| format!("{name} cannot be read: {error}"))?;
            return Ok(Layout::parse(&text)?);
        }
        Ok(Layout::shipped(name)?)
    }
}

/// The frame in words: `length u16, TPDU 6000030000, header 603100311000`.
fn words(framing: Framing, tpdu: &str, header: &str) -> String {
    if framing == Framing::NONE {
        return "none".to_owned();
    }
    let mut words = vec![format!("length {}", framing.length.word())];
    if !tpdu.is_empty() {
        words.push(format!("TPDU {tpdu}"));
    }
    if !header.is_empty() {
        words.push(format!("header {header}"));
    }
    words.join(", ")
}
