//! `yima sandbox stripe`: a reader of stripes, and the cards that are swiped through it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::{Failure, output};
use crate::sandbox::card::profile::SHIPPED;
use crate::sandbox::stripe::{SandboxStripeReader, StripeCard, WITHOUT_CHIP};

/// What comes after `yima sandbox stripe`.
#[derive(Debug, Args)]
pub struct StripeArguments {
    /// A link to the pseudo-terminal with a name that stays [default: stripe in the state directory]
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,

    /// Name the cards that can be swiped, one a line, and do nothing else
    #[arg(long)]
    list: bool,
}

impl StripeArguments {
    /// Swipes the card that each line of standard input names; a line that begins with a sentinel is sent as it is.
    pub fn run(&self, state: &Path) -> Result<ExitCode, Failure> {
        if self.list {
            for (name, _) in WITHOUT_CHIP.iter().chain(SHIPPED) {
                let card = StripeCard::shipped(name)?;
                output::say(&format!("{name:24} {} {}", card.service_code, card.title));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let link = self.link.clone().unwrap_or_else(|| state.join("stripe"));
        let mut reader = SandboxStripeReader::plugged_in(link)?;
        output::say(&format!("stripe reader: {} (TEST)", reader.device().display()));
        for line in std::io::stdin().lines() {
            let line = Zeroizing::new(line?);
            let said = line.trim_ascii();
            if said.starts_with(['%', ';', '+']) {
                reader.send(said)?;
                continue;
            }
            match StripeCard::shipped(said) {
                Ok(card) => reader.swipe(&card)?,
                // Whoever mistypes a name goes on.
                Err(error) => output::note(&error.to_string()),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
