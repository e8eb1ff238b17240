//! What is particular to one transaction, and what became of going online.

use std::fmt;

use super::super::data::{DataObjects, decimal};
use super::super::tag;
use super::super::terminal::{TerminalData, TransactionKind};

/// 9F39 of a chip that was read by contact (ISO 8583, field 22).
const ENTRY_MODE_CHIP: u8 = 0x05;

/// What is particular to this transaction.
#[derive(Clone, Debug)]
pub struct TransactionData {
    /// What is asked of the application.
    pub kind: TransactionKind,
    /// 9F02, twelve BCD digits; cashback is part of it.
    pub amount: [u8; 6],
    /// 9F03: the cashback, twelve BCD digits.
    pub amount_other: [u8; 6],
    /// 5F2A, ISO 4217 numeric.
    pub currency: [u8; 2],
    /// 5F36.
    pub currency_exponent: u8,
    /// 9A, YYMMDD.
    pub date: [u8; 3],
    /// 9F21, HHMMSS.
    pub time: [u8; 3],
    /// 9F37: four bytes from the system's random generator, fresh for every transaction.
    pub unpredictable_number: [u8; 4],
    /// 1 to 99 from the system's random generator: whether this transaction is picked to go online. Nothing when the
    /// terminal never leaves that to chance.
    pub random_number: Option<u8>,
    /// The merchant wants the issuer to be asked.
    pub forced_online: bool,
    /// 9F41, four bytes BCD.
    pub sequence_counter: [u8; 4],
    /// 9F1C, the terminal number, 8 characters.
    pub terminal_identification: Vec<u8>,
    /// 9F16, the merchant code, 15 characters.
    pub merchant_identifier: Vec<u8>,
    /// 9F1E, 8 characters.
    pub interface_serial_number: [u8; 8],
}

impl TransactionData {
    /// The terminal's data objects as the transaction begins.
    pub(super) fn objects(&self, terminal: &TerminalData) -> DataObjects {
        // Twelve digits fit in eight bytes; what is beyond four bytes cannot be said in 81 and 9F04 (Book 3, annex A1).
        let binary = |amount: &[u8]| u32::try_from(decimal(amount)).unwrap_or(u32::MAX).to_be_bytes();
        let mut data = DataObjects::default();
        data.put(tag::TERMINAL_COUNTRY, terminal.country);
        data.put(tag::TERMINAL_TYPE, [terminal.terminal_type]);
        data.put(tag::TERMINAL_CAPABILITIES, terminal.capabilities);
        data.put(tag::ADDITIONAL_CAPABILITIES, terminal.additional_capabilities);
        data.put(tag::ENTRY_MODE, [ENTRY_MODE_CHIP]);
        data.put(tag::AMOUNT_AUTHORISED, self.amount);
        data.put(tag::AMOUNT_AUTHORISED_BINARY, binary(&self.amount));
        data.put(tag::AMOUNT_OTHER, self.amount_other);
        data.put(tag::AMOUNT_OTHER_BINARY, binary(&self.amount_other));
        data.put(tag::TRANSACTION_CURRENCY, self.currency);
        data.put(tag::TRANSACTION_CURRENCY_EXPONENT, [self.currency_exponent]);
        data.put(tag::TRANSACTION_DATE, self.date);
        data.put(tag::TRANSACTION_TIME, self.time);
        data.put(tag::TRANSACTION_TYPE, [self.kind.code()]);
        data.put(tag::UNPREDICTABLE_NUMBER, self.unpredictable_number);
        data.put(tag::TRANSACTION_SEQUENCE_COUNTER, self.sequence_counter);
        data.put(tag::TERMINAL_IDENTIFICATION, self.terminal_identification.clone());
        data.put(tag::MERCHANT_IDENTIFIER, self.merchant_identifier.clone());
        data.put(tag::IFD_SERIAL_NUMBER, self.interface_serial_number);
        data
    }
}

/// What became of going online.
#[derive(Clone, PartialEq, Eq)]
pub enum OnlineResult {
    /// The issuer approved.
    Approved {
        /// 8A: the host's two characters, unchanged (Book 4, annex A6).
        response_code: [u8; 2],
        /// Field 55 of the answer: 91 and scripts.
        issuer_data: Vec<u8>,
    },
    /// The issuer declined, or its approval is not wanted.
    Declined {
        /// 8A: the host's two characters, unchanged.
        response_code: [u8; 2],
        /// Field 55 of the answer.
        issuer_data: Vec<u8>,
    },
    /// The issuer wants to be called before it decides (Book 4, 6.5.2).
    Referral {
        /// 8A: the host's two characters, unchanged.
        response_code: [u8; 2],
        /// Field 55 of the answer.
        issuer_data: Vec<u8>,
    },
    /// No answer that can be believed.
    UnableToGoOnline,
}

/// Shows the response code; what the issuer says to the card stays between them.
impl fmt::Debug for OnlineResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, code) = match self {
            Self::Approved { response_code, .. } => ("Approved", response_code),
            Self::Declined { response_code, .. } => ("Declined", response_code),
            Self::Referral { response_code, .. } => ("Referral", response_code),
            Self::UnableToGoOnline => return f.write_str("UnableToGoOnline"),
        };
        write!(f, "{name}({}, masked)", code.escape_ascii())
    }
}
