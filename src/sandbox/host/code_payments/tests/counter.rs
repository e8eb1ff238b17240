//! A shop's counter: requests as they come out of a message, and customers with their wallets.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use tempfile::TempDir;

use crate::acquirer::code_payments::{CodeRequest, write_elements};
use crate::acquirer::kinds;
use crate::iso8583::{Dialect, Message};
use crate::payment::transaction::Kind;
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::host::code_payments::orders::CodeOrder;
use crate::sandbox::host::code_payments::requests::{self, Asker, Decided};
use crate::sandbox::host::code_payments::wallets::{OrderName, Paying};
use crate::sandbox::host::store::Store;
use crate::sandbox::host::tests::desk::{TERMINAL, books};
use crate::sandbox::host::transactions;

/// Where the day begins: 2026-11-22 14:03:05 UTC.
const MORNING_S: i64 = 1_795_356_185;

pub struct Counter {
    pub store: Store,
    pub dialect: Dialect,
    /// The time.
    pub now_s: i64,
    /// Codes so far.
    made: std::cell::Cell<u64>,
    _directory: TempDir,
}

/// Field 39.
pub fn code_of(decided: &Decided) -> &str {
    &decided.decision.response_code
}

/// The elements of an answer.
pub fn elements(decided: &Decided) -> Vec<(&str, &str)> {
    let mut rest = std::str::from_utf8(decided.decision.elements.as_deref().unwrap_or_default()).unwrap();
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let length: usize = rest[2..5].parse().unwrap();
        elements.push((&rest[..2], &rest[5..5 + length]));
        rest = &rest[5 + length..];
    }
    elements
}

impl Counter {
    pub fn new() -> Self {
        let (directory, store) = books();
        store.make_wallets().unwrap();
        let (dialect, made) = (Dialect::shipped("unionpay").unwrap(), std::cell::Cell::new(0));
        Self { store, dialect, now_s: MORNING_S, made, _directory: directory }
    }

    /// Wallets as they were at first, and nothing in the books.
    pub fn begin_anew(&mut self) {
        let sql = "DELETE FROM code_refunds; DELETE FROM wallet_codes; DELETE FROM code_orders; DELETE FROM wallets;";
        self.store.connection().execute_batch(sql).unwrap();
        self.store.make_wallets().unwrap();
        self.now_s = MORNING_S;
    }

    fn now(&self) -> Zoned {
        Timestamp::from_second(self.now_s).unwrap().to_zoned(TimeZone::UTC)
    }

    pub fn balance(&self, name: &str) -> u64 {
        self.store.wallets().unwrap().into_iter().find(|wallet| wallet.name == name).unwrap().balance
    }

    /// A code that a customer shows.
    pub fn code(&self, wallet: &str) -> String {
        self.made.set(self.made.get() + 1);
        let code = format!("28{:016}", self.made.get());
        self.store.keep_code(wallet, &code, self.now_s + 60).unwrap();
        code
    }

    pub fn message(
        &self,
        request: CodeRequest,
        stan: u32,
        minor: u64,
        elements: &[(&str, &str)],
        about: Option<u32>,
    ) -> Message {
        let rules = request.message(self.dialect.code_payments.as_ref().unwrap());
        let mut message = Message::new(rules.mti)
            .with_text(3, &rules.processing_code)
            .with_text(4, &format!("{minor:012}"))
            .with_text(11, &format!("{stan:06}"))
            .with_text(12, "140305")
            .with_text(13, "1122")
            .with_text(25, &rules.condition)
            .with_text(49, "156")
            .with_text(60, &format!("{}00000100050", rules.transaction_type));
        if !elements.is_empty() {
            message = message.with_bytes(57, &write_elements(elements));
        }
        match request {
            CodeRequest::Pay | CodeRequest::Open => message,
            CodeRequest::Enquire | CodeRequest::Cancel | CodeRequest::Refund => {
                message.with_text(61, &format!("000001{:06}1122", about.unwrap_or(stan)))
            }
        }
    }

    pub fn send(&self, request: CodeRequest, message: &Message) -> Decided {
        self.made.set(self.made.get() + 1);
        let mut random = [7; 12];
        random[..8].copy_from_slice(&self.made.get().to_be_bytes());
        let asker = Asker { terminal: TERMINAL, merchant: "示例商店 TEST", random: &random };
        requests::decide(&self.store, &self.dialect, asker, request, message, &self.now()).unwrap()
    }

    pub fn ask(
        &self,
        request: CodeRequest,
        stan: u32,
        minor: u64,
        elements: &[(&str, &str)],
        about: Option<u32>,
    ) -> Decided {
        self.send(request, &self.message(request, stan, minor, elements, about))
    }

    pub fn pay(&self, stan: u32, minor: u64, code: &str) -> Decided {
        self.ask(CodeRequest::Pay, stan, minor, &[("01", code)], None)
    }

    pub fn open(&self, stan: u32, minor: u64, valid_s: u32) -> Decided {
        self.ask(CodeRequest::Open, stan, minor, &[("02", &valid_s.to_string())], None)
    }

    /// What an enquiry tells of an order.
    pub fn outcome(&self, stan: u32, minor: u64) -> String {
        let decided = self.ask(CodeRequest::Enquire, stan, minor, &[], None);
        assert_eq!(code_of(&decided), "00");
        elements(&decided)[0].1.to_owned()
    }

    /// Cancels an order: field 39, and the outcome.
    pub fn cancel(&self, stan: u32, minor: u64) -> (String, String) {
        let decided = self.ask(CodeRequest::Cancel, stan, minor, &[], None);
        let outcome = elements(&decided).first().map(|(_, value)| (*value).to_owned());
        (code_of(&decided).to_owned(), outcome.unwrap_or_default())
    }

    pub fn order(&self, stan: u32) -> CodeOrder {
        let orders = self.store.code_orders().unwrap();
        orders.into_iter().find(|order| order.trace.stan.number() == stan).unwrap()
    }

    pub fn customer_pays(&self, wallet: &str, stan: u32, password: Option<&str>) -> Paying {
        let name = OrderName::name(&self.order(stan));
        self.store.pay_order(wallet, &name, password, self.now().timestamp()).unwrap()
    }

    pub fn customer_refuses(&self, wallet: &str, stan: u32) -> bool {
        let name = OrderName::name(&self.order(stan));
        self.store.refuse_order(wallet, &name, self.now().timestamp()).unwrap()
    }

    /// A sale with a card that the host does not know, or whose amount asks for a refusal; gives field 39.
    pub fn sale(&self, stan: u32, minor: u64) -> String {
        let rules = kinds::message_of(&self.dialect, Kind::Sale).unwrap();
        let trace = TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() };
        let message = Message::new(rules.mti)
            .with_text(2, "6222000000000000001")
            .with_text(3, &rules.processing_code)
            .with_text(4, &format!("{minor:012}"))
            .with_text(11, &trace.stan.to_string())
            .with_text(25, &rules.condition)
            .with_text(49, "156")
            .with_text(60, &format!("{}{}00050", rules.transaction_type, trace.batch));
        let terminal = self.store.terminal(TERMINAL).unwrap().unwrap();
        let decided =
            transactions::decide(&self.store, &self.dialect, &terminal, &message, &[stan as u8], None, &self.now())
                .unwrap();
        decided.response_code
    }
}
