//! How this terminal is set up: `yima.toml`. Every key has a default, every key is documented in `assets/yima.toml`, and a
//! wrong or unknown one is refused with file, line and key.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::binding::check_serial_number;
use super::link::LinkSettings;
use super::machine;
use super::till::{Listen, TillSettings};
use crate::goods::Pattern;
use crate::host_tables::LONGEST_FALLBACK_S;
use crate::wording::Language;

/// Where the settings are when nobody says otherwise.
pub const SYSTEM_FILE: &str = "/etc/yima/yima.toml";

/// Where the state is when nobody says otherwise.
pub const SYSTEM_STATE: &str = "/var/lib/yima";

/// The longest wait that can be set, in seconds.
const LONGEST_WAIT_S: u64 = 600;

/// The longest a PIN pad waits: it counts its seconds in one byte (PC/SC part 10).
const LONGEST_PIN_WAIT_S: u64 = 255;

/// How many days payments stay in the ledger at least: the law on electronic commerce (2018, article 31) asks for three years.
pub const LEAST_KEPT_DAYS: u32 = 1096;

/// The example that is packaged: all keys with their defaults.
pub const EXAMPLE: &str = include_str!("../../assets/yima.toml");

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The terminal itself.
    pub terminal: TerminalSettings,
    /// The acquirer's host.
    pub host: LinkSettings,
    /// Where the keys are.
    pub vault: VaultSettings,
    /// The ledger.
    pub ledger: LedgerSettings,
    /// The card reader.
    pub reader: ReaderSettings,
    /// The cardholder's PIN.
    pub pin: PinSettings,
    /// The receipt printer.
    pub printer: PrinterSettings,
    /// What the shop has on its slips.
    pub receipt: ReceiptSettings,
    /// A scanner on a serial line.
    pub scanner: ScannerSettings,
    /// Cards without their chip.
    pub stripe: StripeSettings,
    /// Sounds.
    pub sound: SoundSettings,
    /// The touchscreen.
    pub screen: ScreenSettings,
    /// The goods.
    pub goods: GoodsSettings,
    /// The customer's signature.
    pub signature: SignatureSettings,
    /// Payments by code.
    pub codes: CodeSettings,
    /// Settlement.
    pub settlement: SettlementSettings,
    /// The interface for tills.
    pub till: TillSettings,
    /// People.
    pub people: PeopleSettings,
}

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

    fn check(&self) -> Result<(), (&'static str, String)> {
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

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key or value in it is wrong.
    #[error("{path}, line {line}, {key}: {problem}")]
    Key {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// Which key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The same, where the line is not found: the key is left out, or its section is written in one line.
    #[error("{path}, {key}: {problem}")]
    Somewhere {
        /// Which file.
        path: String,
        /// Which key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A default does not fit this machine.
    #[error("{key} (left at its default): {problem}")]
    Default {
        /// Which key.
        key: String,
        /// What is wrong.
        problem: String,
    },
}

/// Where settings come from, to say of a wrong one where it stands. Whoever uses a value may find that it cannot be: a name
/// that nobody ships, a file that is not there.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    path: String,
    text: String,
}

impl Origin {
    /// The key `section.key` has a value that cannot be.
    pub fn wrong(&self, key: &str, problem: impl std::fmt::Display) -> SettingsError {
        let (path, key, problem) = (self.path.clone(), key.to_owned(), problem.to_string());
        match line_of(&self.text, &key) {
            Some(line) => SettingsError::Key { path, line, key, problem },
            None if path.is_empty() => SettingsError::Default { key, problem },
            None => SettingsError::Somewhere { path, key, problem },
        }
    }
}

impl Settings {
    /// Reads the settings: the file asked for, or the system's if there is one, or the defaults.
    ///
    /// # Errors
    /// When a file that was asked for is missing, or a file is wrong.
    pub fn load(asked_for: Option<&Path>) -> Result<(Self, Origin), SettingsError> {
        let path = match asked_for {
            Some(path) => path,
            None if Path::new(SYSTEM_FILE).exists() => Path::new(SYSTEM_FILE),
            None => return Ok((Self::default(), Origin::default())),
        };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(Origin { path: name, text }),
            Err(source) => Err(SettingsError::File { path: name, source }),
        }
    }

    fn parse(origin: Origin) -> Result<(Self, Origin), SettingsError> {
        let text = &origin.text;
        let settings: Self = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start).min(text.len());
            let (line, key) = place(text, offset);
            SettingsError::Key { path: origin.path.clone(), line, key, problem: error.message().to_owned() }
        })?;
        match settings.check() {
            Ok(()) => Ok((settings, origin)),
            Err((key, problem)) => Err(origin.wrong(key, problem)),
        }
    }

    /// What a type cannot say; gives the whole key and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let currency = self.terminal.currency.parse::<crate::money::Currency>();
        currency.map_err(|error| ("terminal.currency", error.to_string()))?;
        let tips = &self.terminal.tips;
        if tips.len() > MOST_TIPS || !tips.iter().all(|percent| (1..=LARGEST_TIP).contains(percent)) {
            let problem = format!("{tips:?}; at most {MOST_TIPS} of 1 to {LARGEST_TIP} percent are offered");
            return Err(("terminal.tips", problem));
        }
        for (key, seconds, longest) in [
            ("reader.card_wait_s", self.reader.card_wait_s, LONGEST_WAIT_S),
            ("reader.answer_timeout_s", self.reader.answer_timeout_s, LONGEST_WAIT_S),
            ("pin.wait_s", self.pin.wait_s, LONGEST_PIN_WAIT_S),
            ("printer.patience_s", self.printer.patience_s, LONGEST_WAIT_S),
            ("signature.wait_s", self.signature.wait_s, LONGEST_WAIT_S),
        ] {
            if !(1..=longest).contains(&seconds) {
                return Err((key, format!("{seconds} seconds; it must be 1 to {longest}")));
            }
        }
        if !matches!(self.people.lock_after_s, 0 | 30..=86_400) {
            let problem = format!("{} seconds; it must be 30 to 86400, or 0 for never", self.people.lock_after_s);
            return Err(("people.lock_after_s", problem));
        }
        self.receipt.check()?;
        self.check_host()?;
        Listen::parse(&self.till.listen).map_err(|error| ("till.listen", error.to_string()))?;
        if !(1200..=4_000_000).contains(&self.printer.baud) {
            return Err(("printer.baud", format!("{} bits per second; usual are 9600 to 115200", self.printer.baud)));
        }
        if !(1200..=4_000_000).contains(&self.scanner.baud) {
            return Err(("scanner.baud", format!("{} bits per second; usual is 9600", self.scanner.baud)));
        }
        if !(1200..=4_000_000).contains(&self.stripe.baud) {
            return Err(("stripe.baud", format!("{} bits per second; usual is 9600", self.stripe.baud)));
        }
        if self.stripe.fallback_s > LONGEST_FALLBACK_S {
            let problem =
                format!("{} seconds; it must be 1 to {LONGEST_FALLBACK_S}, or 0 for never", self.stripe.fallback_s);
            return Err(("stripe.fallback_s", problem));
        }
        if self.ledger.keep_days < LEAST_KEPT_DAYS {
            let problem = format!(
                "{} days; payments must be kept for three years: {LEAST_KEPT_DAYS} or more",
                self.ledger.keep_days
            );
            return Err(("ledger.keep_days", problem));
        }
        if self.vault.kind == VaultKind::Pkcs11 {
            if !self.vault.module.is_absolute() {
                return Err(("vault.module", "it must be the whole path of the token's PKCS#11 module".to_owned()));
            }
            if self.vault.token.is_empty() {
                return Err(("vault.token", "it must be the label or the serial number of the token".to_owned()));
            }
        }
        for (key, pixels) in [("screen.width", self.screen.width), ("screen.height", self.screen.height)] {
            if !(320..=8192).contains(&pixels) {
                return Err((key, format!("{pixels} pixels; it must be 320 to 8192")));
            }
        }
        Ok(())
    }

    fn check_host(&self) -> Result<(), (&'static str, String)> {
        for (key, seconds) in self.host.time_limits() {
            if !(1..=LONGEST_WAIT_S).contains(&seconds) {
                return Err((key, format!("{seconds} seconds; it must be 1 to {LONGEST_WAIT_S}")));
            }
        }
        let interval = self.host.echo_interval_s;
        if !matches!(interval, 0 | 10..=3600) {
            let problem = format!("{interval} seconds; it must be 10 to 3600, or 0 for never");
            return Err(("host.echo_interval_s", problem));
        }
        Ok(())
    }

    /// The serial number that the maker left on this machine, if there is one.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or holds none.
    pub fn serial_number(&self, state: &Path) -> Result<Option<String>, SettingsError> {
        let path = state.join(&self.terminal.serial_number_file);
        let name = || path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let number = text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
                check_serial_number(number).map_err(|problem| SettingsError::Somewhere {
                    path: name(),
                    key: "serial number".to_owned(),
                    problem,
                })?;
                Ok(Some(number.to_owned()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SettingsError::File { path: name(), source }),
        }
    }

    /// The identity directory under a state directory.
    pub fn identity_directory(&self, state: &Path) -> PathBuf {
        state.join(&self.terminal.identity)
    }
}

/// Line number of a key, given with its section.
fn line_of(text: &str, wanted: &str) -> Option<usize> {
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim();
        } else if let Some((key, _)) = line.split_once('=')
            && wanted.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) == Some(key.trim())
        {
            return Some(index + 1);
        }
    }
    None
}

/// Line number and full key (`section.key`) of what stands at an offset.
fn place(text: &str, offset: usize) -> (usize, String) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_number = before.matches('\n').count() + 1;
    let line = text.lines().nth(line_number - 1).unwrap_or("").trim();
    if line.starts_with('[') {
        return (line_number, line.to_owned());
    }
    let section = before.lines().rev().find_map(|line| line.trim().strip_prefix('[')?.split(']').next());
    let key = line.split('=').next().unwrap_or("").trim();
    (line_number, section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin { path: "yima.toml".to_owned(), text: text.to_owned() }
    }

    fn message(text: &str) -> String {
        Settings::parse(origin(text)).unwrap_err().to_string()
    }

    #[test]
    fn the_example_holds_every_key_with_its_default() {
        let (example, _) = Settings::parse(origin(EXAMPLE)).unwrap();
        assert_eq!(example, Settings::default());
        let keys = EXAMPLE.lines().filter(|line| line.contains('=') && !line.starts_with('#')).count();
        let documented = EXAMPLE
            .lines()
            .zip(EXAMPLE.lines().skip(1))
            .filter(|(above, line)| above.starts_with('#') && line.contains('=') && !line.starts_with('#'))
            .count();
        assert_eq!(keys, documented, "every key has a comment above it");
    }

    #[test]
    fn every_key_of_the_program_is_in_the_example() {
        // serde names all known keys when it meets an unknown one.
        for section in [
            "terminal",
            "host",
            "vault",
            "ledger",
            "reader",
            "pin",
            "printer",
            "sound",
            "screen",
            "goods",
            "people",
            "till",
            "receipt",
            "scanner",
            "stripe",
            "signature",
        ] {
            let message = message(&format!("[{section}]\nno_such_key = 1"));
            for key in message.split('`').skip(3).step_by(2) {
                assert!(EXAMPLE.contains(&format!("{key} =")), "{section}.{key} is not in assets/yima.toml");
            }
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_file_and_line() {
        let text = "[terminal]\nlanguage = \"zh-CN\"\n\n[printer]\nbuad = 9600\n";
        assert!(
            message(text).starts_with("yima.toml, line 5, printer.buad: unknown field `buad`"),
            "{}",
            message(text)
        );
        assert!(message("[printer]\nbaud = \"fast\"").starts_with("yima.toml, line 2, printer.baud: "));
        assert!(message("[pinter]\nbaud = 1").starts_with("yima.toml, line 1, [pinter]: unknown field `pinter`"));
        assert!(
            message("[terminal]\n\ncurrency = \"XYZ\"")
                .starts_with("yima.toml, line 3, terminal.currency: unknown currency")
        );
        assert!(message("[terminal\n").starts_with("yima.toml, line 1"));
        assert!(message("[reader]\ncard_wait_s = 0").starts_with("yima.toml, line 2, reader.card_wait_s: 0 seconds"));
        assert!(message("[signature]\nwait_s = 0").starts_with("yima.toml, line 2, signature.wait_s: 0 seconds"));
        assert!(message("[signature]\npad = \"on\"").starts_with("yima.toml, line 2, signature.pad: unknown variant"));
        assert!(message("[printer]\npatience_s = 9999").starts_with("yima.toml, line 2, printer.patience_s: "));
        let head = message("[receipt]\nheader_zh = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\"]");
        assert!(head.starts_with("yima.toml, line 2, receipt.header_zh: 7 lines; at most 6"), "{head}");
        let long = message(&format!("[receipt]\nfooter_en = [\"{}\"]", "x".repeat(61)));
        assert!(long.contains("receipt.footer_en: ") && long.contains("at most 60 characters"), "{long}");
        let law = message("[ledger]\nkeep_days = 1095");
        assert!(law.starts_with("yima.toml, line 2, ledger.keep_days: 1095 days; payments must be kept"), "{law}");
        assert!(message("[ledger]\nkeep_days = -1").starts_with("yima.toml, line 2, ledger.keep_days: "));
        assert!(Settings::parse(origin("[ledger]\nkeep_days = 4000")).is_ok());
        assert!(message("[pin]\nwait_s = 256").starts_with("yima.toml, line 2, pin.wait_s: 256 seconds"));
        assert!(message("[stripe]\nfallback_s = 121").starts_with("yima.toml, line 2, stripe.fallback_s: 121 seconds"));
        assert!(message("[stripe]\nbaud = 1").starts_with("yima.toml, line 2, stripe.baud: "));
        assert!(message("[sound]\ndevice = \"默认").starts_with("yima.toml, line 2"));
        let scale = message("[goods]\nscale_barcodes = [\"21AAAAAWWWWWC\", \"69AAAAAWWWWWC\"]");
        assert!(
            scale.starts_with("yima.toml, line 2, goods.scale_barcodes: \"69AAAAAWWWWWC\" does not begin"),
            "{scale}"
        );
        let token = "[vault]\nkind = \"pkcs11\"\nmodule = \"libsofthsm2.so\"\ntoken = \"\"\n";
        assert!(message(token).starts_with("yima.toml, line 3, vault.module: "), "{}", message(token));
        let token = token.replace("lib", "/usr/lib/softhsm/lib");
        assert!(message(&token).starts_with("yima.toml, line 4, vault.token: "), "{}", message(&token));
    }

    #[test]
    fn a_wrong_value_is_named_where_it_stands_also_among_keys_of_the_same_name() {
        for (from, to, key) in [
            ("answer_timeout_s = 30", "answer_timeout_s = 0", "reader.answer_timeout_s"),
            ("answer_timeout_s = 60", "answer_timeout_s = 0", "host.answer_timeout_s"),
            ("baud = 115200", "baud = 0", "printer.baud"),
            ("width = 720", "width = 100000", "screen.width"),
        ] {
            let text = EXAMPLE.replacen(from, to, 1);
            let line = text.lines().position(|line| line == to).unwrap() + 1;
            assert!(message(&text).starts_with(&format!("yima.toml, line {line}, {key}: ")), "{}", message(&text));
        }
        let (_, origin) = Settings::parse(origin(EXAMPLE)).unwrap();
        let line = EXAMPLE.lines().position(|line| line.starts_with("profile =")).unwrap() + 1;
        let said = origin.wrong("printer.profile", "not known").to_string();
        assert_eq!(said, format!("yima.toml, line {line}, printer.profile: not known"));
        let said = Origin::default().wrong("host.url", "no").to_string();
        assert_eq!(said, "host.url (left at its default): no");
    }

    #[test]
    fn customers_sign_on_the_screen_where_acquirer_or_settings_say_so() {
        for (pad, by_acquirer, used) in [
            (SignaturePad::Acquirer, false, false),
            (SignaturePad::Acquirer, true, true),
            (SignaturePad::Always, false, true),
            (SignaturePad::Never, true, false),
        ] {
            assert_eq!(pad.is_used(by_acquirer), used, "{pad:?} {by_acquirer}");
        }
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there() {
        let error = Settings::load(Some(Path::new("/nowhere/yima.toml"))).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/yima.toml: "));
    }
}
