//! `yima sandbox signatures`: what cardholders signed on terminals' screens, as the host has it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::{Failure, output};
use crate::receipt::Logo;
use crate::sandbox::host::{Host, TakenSignature};

/// What comes after `yima sandbox signatures`.
#[derive(Debug, Args)]
pub struct SignatureArguments {
    /// Write each as a picture (PNG) into this directory, named by terminal, batch and STAN
    #[arg(long, value_name = "DIRECTORY")]
    png: Option<PathBuf>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl SignatureArguments {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        let signatures = Host::prepare(host)?.signatures()?;
        let mut all = Vec::new();
        for signature in &signatures {
            let file = self.png.as_deref().map(|directory| write(directory, signature)).transpose()?;
            let TakenSignature { terminal, trace, data, picture, times } = signature;
            if self.json {
                all.push(json!({
                    "terminal": terminal,
                    "batch": trace.batch.to_string(),
                    "stan": trace.stan.to_string(),
                    "width": picture.width(),
                    "height": picture.height(),
                    "bytes": data.len(),
                    "times": times,
                    "png": file.map(|file| file.display().to_string()),
                }));
            } else {
                let size = format!("{} x {} dots, {} bytes", picture.width(), picture.height(), data.len());
                let file = file.map_or_else(String::new, |file| format!(": {}", file.display()));
                output::say(&format!("terminal {terminal} {trace}: {size}{file}"));
            }
        }
        if self.json {
            output::json(&all.into());
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write(directory: &Path, signature: &TakenSignature) -> Result<PathBuf, Failure> {
    let TakenSignature { terminal, trace, picture, .. } = signature;
    let file = directory.join(format!("{terminal}-{trace}.png"));
    let png = Logo::new(picture.width(), picture.bits().to_vec())?.png()?;
    std::fs::create_dir_all(directory)?;
    std::fs::write(&file, png).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}
