//! What an engine is made of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::by_code::CodeSetup;
use super::found_printer::FoundPrinterFile;
use super::settling::SettlementPlan;
use super::shop::ShopSetup;
use super::signing::SignaturePlan;
use super::staff::StaffSetup;
use super::swiping::EntrySetup;
use super::workers::Devices;
use crate::acquirer::link::HostLink;
use crate::devices::printer::Printer;
use crate::devices::reader::CardReader;
use crate::devices::scanner::ScannerLine;
use crate::devices::sound::Sound;
use crate::devices::stripe::StripeLine;
use crate::emv::terminal::TerminalData;
use crate::host_tables::HostTables;
use crate::iso8583::QueueCodes;
use crate::ledger::Ledger;
use crate::money::Currency;
use crate::payment::chooser::Chooser;
use crate::receipt::link::LinkKey;
use crate::receipt::{Letterhead, PrinterProfile};
use crate::reference::{MerchantCode, TerminalNumber};
use crate::terminal::emv_files::{EmvFiles, Provenance, SetHashes};
use crate::terminal::identity::Identity;
use crate::terminal::mark::Mark;
use crate::till_keys::TillKeys;
use crate::wording::Language;

/// Everything an engine is made of.
pub struct Parts {
    /// Who this terminal is.
    pub identity: Identity,
    /// Its merchant code.
    pub merchant_code: MerchantCode,
    /// Its terminal number.
    pub terminal_number: TerminalNumber,
    /// The terminal's side of EMV.
    pub terminal: TerminalData,
    /// What else the acquirer decides, of the same set.
    pub tables: Arc<HostTables>,
    /// Which set that is.
    pub set: (Provenance, SetHashes),
    /// What the customers' links to e-receipts are signed by.
    pub receipt_key: Option<LinkKey>,
    /// Where data that the host sends are kept.
    pub emv_files: EmvFiles,
    /// The ledger.
    pub ledger: Ledger,
    /// The card reader.
    pub reader: Box<dyn CardReader>,
    /// A file that is there while a card which has been in a sale is in the reader.
    pub used_card_note: PathBuf,
    /// The printer.
    pub printer: Box<dyn Printer>,
    /// Where it is kept what a test finds out about the printer.
    pub found_printer: FoundPrinterFile,
    /// What the printer can do.
    pub printer_profile: PrinterProfile,
    /// What the shop has at head and foot of its slips.
    pub letterhead: Arc<Letterhead>,
    /// How long a slip waits for paper.
    pub printer_patience: Duration,
    /// Where a scanner is that is no keyboard; nothing, where there is none.
    pub scanner: Option<ScannerLine>,
    /// Where a reader of stripes is; nothing, where no card is swiped.
    pub stripe: Option<StripeLine>,
    /// What is taken of cards without their chip, where the acquirer says nothing.
    pub entry: EntrySetup,
    /// Sounds.
    pub sound: Box<dyn Sound>,
    /// The way to the host.
    pub link: Arc<dyn HostLink>,
    /// The vault holds working keys.
    pub has_working_keys: bool,
    /// Which of its response codes end an entry of the queue.
    pub queue_codes: QueueCodes,
    /// So many percent of what was set aside may be paid.
    pub completion_percent: u32,
    /// A request can say that a part of a sale may be approved. Whether that counts is the acquirer's parameter.
    pub in_part: bool,
    /// How payments by code are taken; nothing, where the acquirer has none.
    pub codes: Option<CodeSetup>,
    /// When it settles without being asked.
    pub settlement: SettlementPlan,
    /// Whether and how long customers sign on the screen.
    pub signature: SignaturePlan,
    /// Currency of the keypad.
    pub currency: Currency,
    /// Language of the slips.
    pub language: Language,
    /// How long to wait for a card, and for an answer to what its holder is asked about it.
    pub card_wait: Duration,
    /// How long to wait for a PIN.
    pub pin_wait: Duration,
    /// A cardholder may go on without a PIN.
    pub pin_bypass: bool,
    /// PINs may be typed on the screen when the reader has no pad. Counts with test keys only.
    pub screen_pad: bool,
    /// Its digits stand on other keys each time.
    pub shuffled_pin_keys: bool,
    /// Who chooses among several applications of a card.
    pub chooser: Chooser,
    /// Cash is taken here.
    pub cash: bool,
    /// Tips that customers are asked for, in percent.
    pub tips: Vec<u32>,
    /// Where the goods are.
    pub shop: ShopSetup,
    /// Where numbers are given to the payments of tills; nothing, where none may speak to this terminal.
    pub till_keys: Option<TillKeys>,
    /// How its people are known, and who is there.
    pub staff: StaffSetup,
    /// What must be said of it wherever anything is shown or printed.
    pub mark: Mark,
    /// Held as long as the engine runs: two engines on one ledger would take each other's payments back.
    pub lock: EngineLock,
}

/// The right to be the one engine on a ledger.
#[derive(Debug)]
pub struct EngineLock(#[expect(dead_code, reason = "the lock is held, never looked at")] pub(super) std::fs::File);

/// What stays of [`Parts`] once devices and ledger have gone to their places.
pub(super) struct Fixed {
    pub identity: Identity,
    pub merchant_code: MerchantCode,
    pub terminal_number: TerminalNumber,
    pub terminal: TerminalData,
    pub tables: Arc<HostTables>,
    pub set: (Provenance, SetHashes),
    pub receipt_key: Option<LinkKey>,
    pub printer_profile: PrinterProfile,
    pub found_printer: FoundPrinterFile,
    pub letterhead: Arc<Letterhead>,
    pub sound: Box<dyn Sound>,
    pub queue_codes: QueueCodes,
    pub completion_percent: u32,
    pub in_part: bool,
    pub entry: EntrySetup,
    pub codes: Option<CodeSetup>,
    pub settlement: SettlementPlan,
    pub signature: SignaturePlan,
    pub currency: Currency,
    pub language: Language,
    pub pin_wait: Duration,
    pub pin_bypass: bool,
    pub screen_pad: bool,
    pub shuffled_pin_keys: bool,
    pub card_wait: Duration,
    pub chooser: Chooser,
    pub has_working_keys: bool,
    pub cash: bool,
    pub tips: Vec<u32>,
    pub shop: ShopSetup,
    pub till_keys: Option<TillKeys>,
    pub staff: StaffSetup,
    pub mark: Mark,
    pub _lock: EngineLock,
}

impl Parts {
    /// Devices go to their workers; the rest stays with the engine.
    pub(super) fn split(self) -> (Devices, Fixed, Ledger) {
        let parts = self;
        let fixed = Fixed {
            identity: parts.identity,
            merchant_code: parts.merchant_code,
            terminal_number: parts.terminal_number,
            terminal: parts.terminal,
            tables: parts.tables,
            set: parts.set,
            receipt_key: parts.receipt_key,
            printer_profile: parts.printer_profile,
            found_printer: parts.found_printer,
            letterhead: parts.letterhead,
            sound: parts.sound,
            queue_codes: parts.queue_codes,
            completion_percent: parts.completion_percent,
            in_part: parts.in_part,
            entry: parts.entry,
            codes: parts.codes,
            settlement: parts.settlement,
            signature: parts.signature,
            currency: parts.currency,
            language: parts.language,
            card_wait: parts.card_wait,
            pin_wait: parts.pin_wait,
            pin_bypass: parts.pin_bypass,
            screen_pad: parts.screen_pad,
            shuffled_pin_keys: parts.shuffled_pin_keys,
            chooser: parts.chooser,
            has_working_keys: parts.has_working_keys,
            cash: parts.cash,
            tips: parts.tips,
            shop: parts.shop,
            till_keys: parts.till_keys,
            staff: parts.staff,
            mark: parts.mark,
            _lock: parts.lock,
        };
        let devices = Devices {
            reader: parts.reader,
            used_card_note: parts.used_card_note,
            printer: parts.printer,
            printer_patience: parts.printer_patience,
            link: parts.link,
            emv_files: parts.emv_files,
        };
        (devices, fixed, parts.ledger)
    }
}
