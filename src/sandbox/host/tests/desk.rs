//! The host's books without a network: requests as they come out of a message, decisions as they go into one.

use jiff::Zoned;
use jiff::civil::date;
use tempfile::TempDir;

use super::{BALANCE, Signed, chip_data, profile};
use crate::acquirer::kinds;
use crate::crypto::mac::Cipher;
use crate::iso8583::{Dialect, Message, Mti};
use crate::payment::transaction::{CardUse, Kind};
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::host::rules::Decision;
use crate::sandbox::host::store::{Entry, EntryState, Store, Terminal, TerminalRow};
use crate::sandbox::host::{taking_back, transactions};

/// Number of its only terminal.
pub const TERMINAL: &str = "10000001";

/// A host with one account.
pub struct Desk {
    pub store: Store,
    pub dialect: Dialect,
    terminal: Terminal,
    /// The card's counter.
    counter: u16,
    directory: TempDir,
}

/// A request that was decided on.
#[derive(Clone)]
pub struct Done {
    pub kind: Kind,
    pub trace: TraceNumber,
    pub minor: u64,
    pub decision: Decision,
    pub message: Message,
}

impl Done {
    pub fn code(&self) -> &str {
        &self.decision.response_code
    }

    /// What there is of it.
    pub fn booked(&self) -> u64 {
        self.decision.amount.unwrap_or(self.minor)
    }
}

/// A host's books with one account and one terminal.
pub fn books() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("host.sqlite3")).unwrap();
    // Nothing is cut here, and hundreds of days are played.
    store.connection().pragma_update(None, "synchronous", "OFF").unwrap();
    store.register_account(&profile()).unwrap();
    let row = TerminalRow {
        terminal: TERMINAL,
        merchant: "999TEST00000001",
        serial_number: "00000402TEST0001",
        acquirer: "99990000",
        certificate: "00",
        cipher: Cipher::Tdes,
        master_key: &[1; 16],
        device_key: &[2; 16],
    };
    store.register_terminal(&row).unwrap();
    (directory, store)
}

impl Desk {
    pub fn new() -> Self {
        let (directory, store) = books();
        let terminal = store.terminal(TERMINAL).unwrap().unwrap();
        let dialect = Dialect::shipped("unionpay").unwrap();
        Self { store, dialect, terminal, counter: 0, directory }
    }

    /// The same books, left as an older version of the host had them, and opened by this one.
    pub fn after_an_update(self, older: &str) -> Self {
        let Self { store, dialect, terminal, counter, directory } = self;
        store.connection().execute_batch(older).unwrap();
        drop(store);
        let store = Store::open(&directory.path().join("host.sqlite3")).unwrap();
        Self { store, dialect, terminal, counter, directory }
    }

    /// An account as it was at first, and nothing in the books. The card goes on counting.
    pub fn begin_anew(&self) {
        let connection = self.store.connection();
        let sql = format!(
            "DELETE FROM originals; DELETE FROM sale_answers; UPDATE entries SET original = NULL, root = NULL;
             DELETE FROM entries; UPDATE accounts SET balance = {BALANCE}, held = 0;"
        );
        connection.execute_batch(&sql).unwrap();
    }

    pub fn balance(&self) -> u64 {
        self.store.balance(&profile().pan).unwrap().unwrap()
    }

    pub fn held(&self) -> u64 {
        self.store.held(&profile().pan).unwrap().unwrap()
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.store.ledger().unwrap()
    }

    /// What a pre-authorisation has set aside with all that was added to it.
    pub fn set_aside(&self, hold: &Done) -> u64 {
        let adds = |entry: &Entry| {
            entry.kind == Kind::PreAuthorisationTopUp
                && entry.state == EntryState::Approved
                && entry.original == Some(hold.trace)
        };
        let more: u64 = self.entries().iter().filter(|entry| adds(entry)).map(|entry| entry.booked.minor()).sum();
        hold.booked() + more
    }

    /// The message of a request; its original is named with all that is known of it.
    pub fn message(&mut self, kind: Kind, trace: TraceNumber, minor: u64, original: Option<&Done>) -> Message {
        let (profile, rules) = (profile(), kinds::message_of(&self.dialect, kind).unwrap().clone());
        let mut message = Message::new(rules.mti)
            .with_text(2, &profile.pan)
            .with_text(3, &rules.processing_code)
            .with_text(11, &trace.stan.to_string())
            .with_text(22, "052")
            .with_text(25, &rules.condition)
            .with_text(49, "156")
            .with_text(60, &format!("{}{}00050", rules.transaction_type, trace.batch));
        if kind != Kind::Balance {
            message = message.with_text(4, &format!("{minor:012}"));
        }
        if kind.card() == CardUse::Whole {
            self.counter += 1;
            let signed = Signed { transaction_type: kind.for_kernel().code(), ..Signed::default() };
            message = message
                .with_text(14, &profile.expiry)
                .with_text(23, "001")
                .with_bytes(55, &chip_data(&profile, self.counter, minor, &signed));
        }
        if let Some(original) = original {
            message = message.with_text(61, &format!("{}{}1122", original.trace.batch, original.trace.stan));
            for (field, text) in [(37, &original.decision.rrn), (38, &original.decision.authorisation_code)] {
                if let Some(text) = text {
                    message = message.with_text(field, text);
                }
            }
        }
        message
    }

    /// Sends a request; anything that makes its bytes will do for them.
    pub fn send(&self, message: &Message) -> Decision {
        let bytes = format!("{:?}", message.fields().map(|(field, value)| (field, text(value))).collect::<Vec<_>>());
        transactions::decide(&self.store, &self.dialect, &self.terminal, message, bytes.as_bytes(), None, &now())
            .unwrap()
    }

    pub fn ask(&mut self, kind: Kind, stan: u32, minor: u64, original: Option<&Done>) -> Done {
        self.ask_in(1, kind, stan, minor, original)
    }

    pub fn ask_in(&mut self, batch: u32, kind: Kind, stan: u32, minor: u64, original: Option<&Done>) -> Done {
        let trace = TraceNumber { batch: Batch::new(batch).unwrap(), stan: Stan::new(stan).unwrap() };
        let message = self.message(kind, trace, minor, original);
        Done { kind, trace, minor, decision: self.send(&message), message }
    }

    /// Takes a request back; gives the response code.
    pub fn reverse(&self, kind: Kind, trace: TraceNumber, minor: u64) -> String {
        let rules = kinds::message_of(&self.dialect, kind).unwrap();
        let message = Message::new(Mti::REVERSAL_REQUEST)
            .with_text(3, &rules.processing_code)
            .with_text(4, &format!("{minor:012}"))
            .with_text(11, &trace.stan.to_string())
            .with_text(22, "052")
            .with_text(25, &rules.condition)
            .with_text(39, "98")
            .with_text(49, "156")
            .with_text(60, &format!("{}{}00050", rules.transaction_type, trace.batch))
            .with_text(61, &format!("{}{}1122", trace.batch, trace.stan));
        let said = taking_back::reversal(&self.store, &self.dialect, &self.terminal, &message, &now()).unwrap();
        said.response_code
    }

    pub fn take_back(&self, done: &Done) -> String {
        self.reverse(done.kind, done.trace, done.minor)
    }
}

fn text(value: crate::iso8583::Value<'_>) -> String {
    match value {
        crate::iso8583::Value::Text(text) => text.to_owned(),
        crate::iso8583::Value::Bytes(bytes) => crate::crypto::hex::encode(bytes),
    }
}

fn now() -> Zoned {
    date(2026, 11, 22).at(14, 3, 5, 0).in_tz("UTC").unwrap()
}
