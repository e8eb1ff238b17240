//! The sections of the settings: what each says, and what it says where nothing stands in the file.

use std::path::PathBuf;

use serde::Deserialize;

use crate::goods::Pattern;
use crate::terminal::machine;
use crate::wording::Language;

/// How many days payments stay in the ledger at least: the law on electronic commerce (2018, article 31) asks for three years.
pub const LEAST_KEPT_DAYS: u32 = 1096;

/// Tips that a screen has room for.
pub const MOST_TIPS: usize = 4;

/// The largest share of what is to be paid that a tip may be, in percent: more is a finger that slipped.
pub const LARGEST_TIP: u32 = 100;

/// The terminal itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TerminalSettings {
    /// Directory with the binding record, certificates and keys; relative ones are taken from the state directory.
    pub identity: PathBuf,
    /// File in which the maker left the machine's serial number (TUSN); relative ones are taken from the state directory.
    pub serial_number_file: PathBuf,
    /// Files in which the machine says which it is; noted at enrolment.
    pub machine: Vec<PathBuf>,
    /// Language of screen and slips at start.
    pub language: Language,
    /// Currency of the keypad, ISO 4217.
    pub currency: String,
    /// Cash is taken here as well.
    pub cash: bool,
    /// Tips that customers are asked for, in percent of what is to be paid; nobody is asked where there are none.
    pub tips: Vec<u32>,
}

/// Where the keys are. The PIN of a token never stands here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultSettings {
    /// What keeps them.
    pub kind: VaultKind,
    /// PKCS#11 module of the token.
    pub module: PathBuf,
    /// Label or serial number of the token.
    pub token: String,
    /// File with its PIN; relative ones are taken from the identity directory.
    pub pin_file: PathBuf,
}

/// What keeps the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VaultKind {
    /// A file, for tests and the sandbox.
    Software,
    /// A token that speaks PKCS #11.
    Pkcs11,
}

/// The ledger.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerSettings {
    /// Days after which payments of a batch that is over go to an archive.
    pub keep_days: u32,
}

/// The card reader.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReaderSettings {
    /// Part of the reader's name; empty takes the first one that is there.
    pub name: String,
    /// Seconds to wait for a card.
    pub card_wait_s: u64,
    /// Seconds a card may take for one command.
    pub answer_timeout_s: u64,
}

/// The cardholder's PIN.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PinSettings {
    /// Seconds to enter a PIN.
    pub wait_s: u64,
    /// Whether a cardholder may go on without one.
    pub bypass: bool,
    /// On the screen, the digits stand on other keys each time.
    pub shuffled_keys: bool,
}

/// The receipt printer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrinterSettings {
    /// Serial device.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
    /// How the printer says that its buffer is full.
    pub flow_control: FlowControl,
    /// Model, by the name of a shipped profile.
    pub profile: String,
    /// Seconds to wait for paper or a closed cover in the middle of a slip.
    pub patience_s: u64,
}

/// What the shop has on its slips.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptSettings {
    /// A picture for the head, PNG; empty for none. Relative ones are taken from the state directory.
    pub logo: PathBuf,
    /// Lines below it, on Chinese slips.
    pub header_zh: Vec<String>,
    /// The same on English ones.
    pub header_en: Vec<String>,
    /// Lines at the end of Chinese slips.
    pub footer_zh: Vec<String>,
    /// The same on English ones.
    pub footer_en: Vec<String>,
}

impl ReceiptSettings {
    /// More lines than that are no head of a slip.
    const MOST_LINES: usize = 6;
    /// A longer line is three on narrow paper.
    const LONGEST_LINE: usize = 60;

    /// What a type cannot say.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, lines) in [
            ("receipt.header_zh", &self.header_zh),
            ("receipt.header_en", &self.header_en),
            ("receipt.footer_zh", &self.footer_zh),
            ("receipt.footer_en", &self.footer_en),
        ] {
            if lines.len() > Self::MOST_LINES {
                return Err((key, format!("{} lines; at most {} fit", lines.len(), Self::MOST_LINES)));
            }
            if let Some(line) = lines.iter().find(|line| line.chars().count() > Self::LONGEST_LINE) {
                let problem = format!("\"{line}\" is too long; a line has at most {} characters", Self::LONGEST_LINE);
                return Err((key, problem));
            }
        }
        Ok(())
    }
}

/// A scanner on a serial line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScannerSettings {
    /// Serial device; empty where there is none.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
}

/// A reader for magnetic stripes, and what is taken of cards without their chip.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StripeSettings {
    /// Serial device; empty where there is none.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
    /// The reader sends a check character behind each track.
    pub lrc: bool,
    /// Seconds in which a stripe counts after its chip could not be read; 0 never.
    pub fallback_s: u16,
    /// What may be done with a number that is typed, in words of kinds.
    pub typed: Vec<String>,
}

/// How a printer says that its buffer is full. Linux has no DTR/DSR flow control: the printer's DTR is wired to the host's
/// CTS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowControl {
    /// By the lines RTS and CTS.
    RtsCts,
    /// By the characters XON and XOFF.
    XonXoff,
    /// Not at all.
    None,
}

/// Sounds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SoundSettings {
    /// Whether there are any.
    pub enabled: bool,
    /// ALSA device.
    pub device: String,
}

/// The touchscreen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenSettings {
    /// Width of the window in pixels; the whole display in kiosk mode.
    pub width: u32,
    /// Height of the window in pixels.
    pub height: u32,
    /// Light letters on a dark ground.
    pub dark: bool,
}

/// The goods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoodsSettings {
    /// How the shop's scales write their barcodes; the first that fits counts.
    pub scale_barcodes: Vec<Pattern>,
}

/// The customer's signature.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignatureSettings {
    /// Whether customers sign on the screen, where they have to sign.
    pub pad: SignaturePad,
    /// Seconds to sign there; after them it is done on paper.
    pub wait_s: u64,
}

/// Whether customers sign on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignaturePad {
    /// Where the acquirer's parameters say so.
    #[default]
    Acquirer,
    /// They do.
    Always,
    /// They sign on paper.
    Never,
}

impl SignaturePad {
    /// Whether they do, with what the acquirer says.
    pub const fn is_used(self, by_acquirer: bool) -> bool {
        match self {
            Self::Acquirer => by_acquirer,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl Default for SignatureSettings {
    fn default() -> Self {
        Self { pad: SignaturePad::Acquirer, wait_s: 150 }
    }
}

/// Payments by code, where the acquirer has them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeSettings {
    /// Seconds before each enquiry whether an order is paid; after the last one it is cancelled.
    pub enquiries_s: Vec<u32>,
    /// Seconds before each further try to cancel while somebody waits for it; the queue goes on with it.
    pub cancels_s: Vec<u32>,
    /// Seconds for which a code on the screen can be paid.
    pub valid_s: u32,
}

impl Default for CodeSettings {
    fn default() -> Self {
        let mut enquiries_s = vec![3, 3, 4];
        enquiries_s.extend([5; 8]);
        enquiries_s.extend([10; 7]);
        Self { enquiries_s, cancels_s: vec![2, 4], valid_s: 120 }
    }
}

/// When batches are settled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettlementSettings {
    /// Local time of every night, like `23:30`; empty where people do it.
    pub at: String,
}

impl Default for SettlementSettings {
    fn default() -> Self {
        Self { at: "23:30".to_owned() }
    }
}

/// The people who work at the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleSettings {
    /// What cashiers need a manager's code for, in words of `assets/people.toml`.
    pub manager_code_for: Vec<String>,
    /// Seconds without a touch after which the screen is locked; 0 never.
    pub lock_after_s: u64,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        let money_back = ["void", "refund", "pre_authorisation_void", "completion_void"];
        Self { manager_code_for: money_back.map(str::to_owned).to_vec(), lock_after_s: 300 }
    }
}

impl Default for TerminalSettings {
    fn default() -> Self {
        Self {
            identity: "identity".into(),
            serial_number_file: "serial-number".into(),
            machine: machine::SOURCES.map(PathBuf::from).to_vec(),
            language: Language::Chinese,
            currency: "CNY".to_owned(),
            cash: false,
            tips: Vec::new(),
        }
    }
}

impl Default for VaultSettings {
    fn default() -> Self {
        Self { kind: VaultKind::Software, module: PathBuf::new(), token: String::new(), pin_file: "token.pin".into() }
    }
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self { keep_days: LEAST_KEPT_DAYS }
    }
}

impl Default for ReaderSettings {
    fn default() -> Self {
        Self { name: String::new(), card_wait_s: 60, answer_timeout_s: 30 }
    }
}

impl Default for PinSettings {
    fn default() -> Self {
        Self { wait_s: 60, bypass: false, shuffled_keys: true }
    }
}

impl Default for PrinterSettings {
    fn default() -> Self {
        Self {
            device: "/dev/ttyUSB0".to_owned(),
            baud: 115_200,
            flow_control: FlowControl::RtsCts,
            profile: "generic-58".to_owned(),
            patience_s: 120,
        }
    }
}

impl Default for ScannerSettings {
    fn default() -> Self {
        Self { device: String::new(), baud: 9_600 }
    }
}

impl Default for StripeSettings {
    fn default() -> Self {
        Self { device: String::new(), baud: 9_600, lrc: false, fallback_s: 0, typed: Vec::new() }
    }
}

impl Default for SoundSettings {
    fn default() -> Self {
        Self { enabled: true, device: "default".to_owned() }
    }
}

impl Default for ScreenSettings {
    fn default() -> Self {
        Self { width: 720, height: 1280, dark: false }
    }
}
