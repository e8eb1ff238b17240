//! `yima log`: the transaction log is signed, exported, proved and verified. Verifying a file needs no terminal, only public
//! keys.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, output};
use crate::app::Setup;
use crate::app::log::{LogKeys, LogVerdict};
use crate::ledger::{CheckpointRow, Unlogged};
use crate::proof::checkpoint::Checkpoint;
use crate::proof::inclusion::InclusionProof;
use crate::proof::leaf::Leaf;
use crate::proof::note::{Note, NoteKey};
use crate::proof::tree::Head;
use crate::proof::verify::{Fault, Trust, Verified, verify};
use crate::receipt::link;
use crate::reference::{Batch, Stan};

/// What a verification gives back to the shell when it found something wrong.
const WRONG: u8 = 1;

/// What comes after `yima log`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Look at the log of this terminal, or at a file of one, and name the first entry that is wrong
    Verify(Verify),
    /// Write the last entry of a payment with what proves that it is in the log
    Prove(Prove),
    /// Sign the head of the log by the device key
    Checkpoint(Sign),
    /// Write the whole log into a file, which with the public keys is enough to verify it
    Export(Export),
}

#[derive(Debug, Args)]
struct Verify {
    /// A file that yima log export wrote
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "proof")]
    file: Option<PathBuf>,

    /// A file that yima log prove wrote
    #[arg(long, value_name = "FILE", requires = "key")]
    proof: Option<PathBuf>,

    /// Public key of the terminal, as yima log checkpoint prints it, or a file with it; again for earlier keys
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,

    /// Public key of the acquirer, likewise
    #[arg(long, value_name = "KEY")]
    host_key: Vec<String>,

    /// A head that is known from elsewhere: "SIZE HASH", what the code of a slip says, or a file with a checkpoint that these
    /// keys signed
    #[arg(long, value_name = "HEAD", requires = "file")]
    anchor: Option<String>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Prove {
    /// STAN of the payment, the newest of this number
    #[arg(value_parser = stan)]
    stan: Stan,

    /// The payment of this batch
    #[arg(long, value_name = "BATCH", value_parser = batch)]
    batch: Option<Batch>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Sign {
    /// Have the host sign it as well
    #[arg(long)]
    cosign: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Export {
    /// Where to [default: standard output]
    file: Option<PathBuf>,

    /// Print what was written as JSON
    #[arg(long, requires = "file")]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: impl FnOnce() -> Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        match &self.act {
            Act::Verify(verify) => match (&verify.file, &verify.proof) {
                (Some(file), _) => verify.file(file),
                (None, Some(proof)) => verify.proof(proof),
                (None, None) => verify.here(&setup()?),
            },
            Act::Prove(prove) => prove.run(&setup()?),
            Act::Checkpoint(sign) => sign.run(&setup()?),
            Act::Export(export) => export.run(&setup()?),
        }
    }
}

impl Verify {
    fn here(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        Ok(match setup.verify_log()? {
            None => {
                self.say(json!({ "ok": true, "entries": 0 }), "this terminal has no ledger yet");
                ExitCode::SUCCESS
            }
            Some(LogVerdict::Whole(verified)) => self.whole(&verified),
            Some(LogVerdict::Wrong(fault)) => self.wrong(&fault),
            Some(LogVerdict::Disagrees(unlogged)) => self.disagrees(&unlogged),
        })
    }

    fn file(&self, path: &Path) -> Result<ExitCode, Failure> {
        let content = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (device, host) = (keys(&self.key)?, keys(&self.host_key)?);
        let anchor = self.anchor.as_deref().map(|text| anchor(text, &device, &host)).transpose()?;
        let trust = Trust { device: &device, host: &host, anchor, growing: false };
        Ok(match verify(&content, &trust) {
            Ok(verified) => self.whole(&verified),
            Err(fault) => self.wrong(&fault),
        })
    }

    fn proof(&self, path: &Path) -> Result<ExitCode, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (device, host) = (keys(&self.key)?, keys(&self.host_key)?);
        let proved = InclusionProof::parse(&text).and_then(|proof| {
            let checkpoint = proof.proved(&device)?;
            let cosigned = !proof.note.signed_by(&host)?.is_empty();
            Ok((proof, checkpoint, cosigned))
        });
        Ok(match proved {
            Ok((proof, checkpoint, cosigned)) => {
                let said = json!({
                    "ok": true,
                    "origin": checkpoint.origin,
                    "entry": proof.index,
                    "leaf": proof.leaf,
                    "head": checkpoint.head.line(),
                    "cosigned": cosigned,
                });
                let by = if cosigned { "terminal and acquirer" } else { "the terminal" };
                let line = format!(
                    "entry {} is in the log of {}, whose head of {} entries {by} signed:\n{}",
                    proof.index, checkpoint.origin, checkpoint.head.size, proof.leaf
                );
                self.say(said, &line);
                ExitCode::SUCCESS
            }
            Err(error) => {
                self.say(json!({ "ok": false, "problem": error.to_string() }), &error.to_string());
                ExitCode::from(WRONG)
            }
        })
    }

    fn whole(&self, verified: &Verified) -> ExitCode {
        let cosigned = verified.cosigned.map(|head| head.line());
        let said = json!({
            "ok": true,
            "origin": verified.origin,
            "entries": verified.head.size,
            "head": verified.head.line(),
            "signed": verified.signed,
            "checkpoints": verified.checkpoints,
            "cosigned": cosigned,
            "signatures_not_looked_at": verified.not_looked_at,
        });
        let mut lines = vec![
            format!("the log is whole: {} entries, {} of them signed", verified.head.size, verified.signed),
            format!("head: {}", verified.head.line()),
            cosigned.map_or_else(
                || "the acquirer has signed no head of it, as far as these keys show".to_owned(),
                |head| format!("signed by the acquirer: {head}"),
            ),
        ];
        if verified.not_looked_at > 0 {
            let count = verified.not_looked_at;
            lines.push(format!("{count} signatures were not looked at: give the acquirer's key by --host-key"));
        }
        self.say(said, &lines.join("\n"));
        ExitCode::SUCCESS
    }

    fn wrong(&self, fault: &Fault) -> ExitCode {
        let said = json!({
            "ok": false,
            "line": fault.line,
            "first_bad_entry": fault.entry,
            "problem": fault.problem.to_string(),
        });
        self.say(
            said,
            &format!("the log is wrong from entry {} on (line {}): {}", fault.entry, fault.line, fault.problem),
        );
        ExitCode::from(WRONG)
    }

    fn disagrees(&self, unlogged: &Unlogged) -> ExitCode {
        let (entry, logged) = match &unlogged.logged {
            Some(entry) => (json!(entry.index), entry.leaf.clone()),
            None => (Value::Null, "nothing".to_owned()),
        };
        let said = json!({
            "ok": false,
            "first_bad_entry": entry,
            "batch": unlogged.trace.batch.to_string(),
            "stan": unlogged.trace.stan.to_string(),
            "problem": "the ledger says otherwise than the log",
            "ledger": unlogged.now,
            "log": unlogged.logged.as_ref().map(|entry| &entry.leaf),
        });
        let line = format!(
            "the ledger says otherwise of {} than the log:\nledger: {}\nlog:    {logged}",
            unlogged.trace, unlogged.now
        );
        self.say(said, &line);
        ExitCode::from(WRONG)
    }

    fn say(&self, value: Value, line: &str) {
        if self.json { output::json(&value) } else { output::say(line) }
    }
}

impl Prove {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let proof = setup.prove_logged(self.batch, self.stan)?;
        if self.json {
            let leaf = Leaf::parse(&proof.leaf).ok();
            output::json(&json!({
                "entry": proof.index,
                "batch": leaf.as_ref().map(|leaf| leaf.trace.batch.to_string()),
                "stan": leaf.as_ref().map(|leaf| leaf.trace.stan.to_string()),
                "state": leaf.as_ref().map(|leaf| leaf.state.word()),
                "leaf": proof.leaf,
                "proof": proof.text(),
                "key": setup.log_keys()?.device.text(),
            }));
        } else {
            output::say(proof.text().trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Sign {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let row = if self.cosign { setup.cosign_log()? } else { setup.sign_log()?.1 };
        let keys = setup.log_keys()?;
        if self.json {
            output::json(&json!({
                "entries": row.size,
                "head": head_of(&row),
                "cosigned": row.cosigned,
                "checkpoint": row.note.whole(),
                "key": keys.device.text(),
                "earlier_keys": keys.earlier.iter().map(NoteKey::text).collect::<Vec<_>>(),
                "host_key": keys.host.text(),
            }));
        } else {
            output::say(row.note.whole().trim_end());
            say_keys(&keys);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let (text, row) = setup.export_log()?;
        let Some(path) = &self.file else {
            output::say(text.trim_end_matches('\n'));
            return Ok(ExitCode::SUCCESS);
        };
        std::fs::write(path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
        let keys = setup.log_keys()?;
        if self.json {
            output::json(&json!({
                "file": path.display().to_string(),
                "entries": row.size,
                "head": head_of(&row),
                "key": keys.device.text(),
                "earlier_keys": keys.earlier.iter().map(NoteKey::text).collect::<Vec<_>>(),
                "host_key": keys.host.text(),
            }));
        } else {
            output::say(&format!("{} entries in {}", row.size, path.display()));
            say_keys(&keys);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn head_of(row: &CheckpointRow) -> Option<String> {
    Checkpoint::parse(&row.note.text).map(|checkpoint| checkpoint.head.line())
}

/// On standard error: beside the result, what it is verified with.
fn say_keys(keys: &LogKeys) {
    output::note(&format!("key of this terminal: {}", keys.device.text()));
    keys.earlier.iter().for_each(|key| output::note(&format!("an earlier key of it: {}", key.text())));
    output::note(&format!("key of the acquirer:  {}", keys.host.text()));
}

/// Keys as text, or in files.
fn keys(texts: &[String]) -> Result<Vec<NoteKey>, Failure> {
    texts
        .iter()
        .map(|text| {
            let content = if text.contains('+') && !Path::new(text).exists() {
                text.clone()
            } else {
                std::fs::read_to_string(text).map_err(|error| format!("{text}: {error}"))?
            };
            Ok(NoteKey::parse(content.trim())?)
        })
        .collect()
}

/// A head as text, in the code of a slip, or in a file with a checkpoint that one of the keys signed.
fn anchor(text: &str, device: &[NoteKey], host: &[NoteKey]) -> Result<Head, Failure> {
    if let Some(head) = Head::from_line(text.trim()).or_else(|| on_a_slip(text.trim())) {
        return Ok(head);
    }
    let content = std::fs::read_to_string(text).map_err(|error| format!("{text}: {error}"))?;
    if let Some(head) = Head::from_line(content.trim()) {
        return Ok(head);
    }
    let note = Note::parse(&content).map_err(|error| format!("{text}: {error}"))?;
    let signed = !note.signed_by(device)?.is_empty() || !note.signed_by(host)?.is_empty();
    let checkpoint = Checkpoint::parse(&note.text).filter(|_| signed);
    Ok(checkpoint.ok_or_else(|| format!("{text} is no checkpoint that these keys signed"))?.head)
}

/// The head in a slip's code: its last two fields (`receipt/transaction_code.rs`), and those of a customer's link to an e-receipt
/// (`receipt/link.rs`).
fn on_a_slip(code: &str) -> Option<Head> {
    if let Some(head) = link::head_in(code) {
        return Head::from_code(head);
    }
    let [size, root] = code.strip_prefix("Y2/")?.split('/').skip(8).collect::<Vec<_>>().try_into().ok()?;
    Head::from_code(&format!("{size}/{root}"))
}

fn batch(text: &str) -> Result<Batch, String> {
    super::queue::number(text, Batch::new)
}

fn stan(text: &str) -> Result<Stan, String> {
    super::queue::number(text, Stan::new)
}
