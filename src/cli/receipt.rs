//! `yima receipt`: the slip of a payment in the ledger once more. Nothing is printed and nothing written down, unless it is to be printed:
//! the ledger counts what went to the printer.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::people::{Attending, of};
use super::{Failure, output, reprint};
use crate::app::Setup;
use crate::people::Right;
use crate::receipt::html::{Article, page};
use crate::receipt::{self, CashSlip, Charset, CopyFor, Document, PrinterProfile, Receipt};
use crate::reference::{Batch, Stan};
use crate::sandbox::printer::{PaperWidth, Picture};
use crate::wording::Language;

/// What comes after `yima receipt`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// STAN of the payment, the newest of this number
    #[arg(value_parser = stan)]
    stan: Stan,

    /// The payment of this batch
    #[arg(long, value_name = "BATCH", value_parser = batch)]
    batch: Option<Batch>,

    /// Whose copy [default: customer; with --print each that there is]
    #[arg(long, value_name = "COPY")]
    copy: Option<Copy>,

    /// Print it once more, marked and counted as a duplicate: by the terminal that runs, or here where none does
    #[arg(long, conflicts_with_all = ["html", "text", "escpos", "picture", "output"])]
    print: bool,

    #[command(flatten)]
    attending: Attending,

    /// A page for a browser, in both languages
    #[arg(long, conflicts_with_all = ["text", "escpos", "picture"])]
    html: bool,

    /// Lines of text, as wide as the printer's paper; this is what is written when nothing is said
    #[arg(long, conflicts_with_all = ["escpos", "picture"])]
    text: bool,

    /// What comes out of the printer, dot for dot, as PNG
    #[arg(long, conflicts_with = "escpos")]
    picture: bool,

    /// What the printer of the settings is sent
    #[arg(long)]
    escpos: bool,

    /// Where to [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Copy {
    Merchant,
    Customer,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let copy = self.copy.map(|copy| match copy {
            Copy::Merchant => CopyFor::Merchant,
            Copy::Customer => CopyFor::Customer,
        });
        if self.print {
            self.attending.attend(of(setup)?.people(), Right::Reports)?;
            return reprint::slips(setup, &setup.queue_duplicates(self.batch, self.stan, copy)?);
        }
        let copy = copy.unwrap_or(CopyFor::Customer);
        let slip = match setup.cash_duplicate(self.batch, self.stan, copy)? {
            Some(slip) => Again::Cash(Box::new(slip)),
            None => Again::Payment(Box::new(setup.duplicate(self.batch, self.stan, copy)?)),
        };
        let language = setup.settings.terminal.language;
        let profile = setup.printer_profile()?;
        let written = if self.html {
            let languages = [Language::Chinese, Language::English];
            let [zh, en] = languages.map(|language| slip.document(copy, language));
            let articles = [(languages[0], &zh), (languages[1], &en)].map(|(language, document)| Article {
                language,
                notices: &[],
                document,
            });
            page(&slip.title(), language, &articles).into_bytes()
        } else if self.picture {
            let paper = PaperWidth::of_dots(profile.dots);
            let pieces = Picture::printed(&slip.render(copy, &profile, language), paper);
            let [piece] = &pieces[..] else { return Err("this printer tears its slips into pieces".into()) };
            piece.png().map_err(|error| error.to_string())?
        } else if self.escpos {
            slip.render(copy, &profile, language)
        } else {
            slip.text(copy, usize::from(profile.columns), language).into_bytes()
        };
        match &self.output {
            Some(path) => std::fs::write(path, written).map_err(|error| format!("{}: {error}", path.display()))?,
            None if self.escpos || self.picture => std::io::stdout().write_all(&written)?,
            None => output::say(String::from_utf8_lossy(&written).trim_end_matches('\n')),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is written again.
enum Again {
    Payment(Box<Receipt>),
    Cash(Box<CashSlip>),
}

impl Again {
    fn title(&self) -> String {
        match self {
            Self::Payment(slip) => slip.title(),
            Self::Cash(slip) => format!("{} {}", slip.merchant_name, slip.trace),
        }
    }

    fn document(&self, copy: CopyFor, language: Language) -> Document {
        match self {
            Self::Payment(slip) => slip.document(copy, language, Charset::Unicode),
            Self::Cash(slip) => Document::of_cash(slip, copy, language, Charset::Unicode),
        }
    }

    fn render(&self, copy: CopyFor, profile: &PrinterProfile, language: Language) -> Vec<u8> {
        match self {
            Self::Payment(slip) => slip.render(copy, profile, language),
            Self::Cash(slip) => receipt::render_cash(slip, copy, profile, language),
        }
    }

    fn text(&self, copy: CopyFor, width: usize, language: Language) -> String {
        match self {
            Self::Payment(slip) => slip.text(copy, width, language),
            Self::Cash(slip) => receipt::text_of_cash(slip, copy, width, language),
        }
    }
}

fn batch(text: &str) -> Result<Batch, String> {
    super::queue::number(text, Batch::new)
}

fn stan(text: &str) -> Result<Stan, String> {
    super::queue::number(text, Stan::new)
}
