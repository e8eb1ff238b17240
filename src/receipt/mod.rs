//! Receipts: what stands on them, how it is laid out, and how that becomes printer commands or text. Pure.
//!
//! A [`SaleSlip`] and `assets/receipts/sale.toml` make a [`Document`] that knows no printer; [`layout`] fits it into a
//! number of columns; [`render`] turns it into ESC/POS for a [`PrinterProfile`], [`text`] into lines for a terminal.

mod document;
mod encoding;
mod escpos;
pub mod layout;
mod profile;
mod template;
mod transaction_code;

pub use document::{Align, Document, Line, Size};
pub use encoding::Charset;
pub use escpos::render;
pub use layout::text;
pub use profile::{PrinterProfile, ProfileError};
pub use transaction_code::transaction_code;

use jiff::civil::DateTime;

use crate::money::Amount;
use crate::reference::{AuthorisationCode, MerchantCode, Rrn, TerminalNumber, TraceNumber};

/// Everything a sale's slip can say, already masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleSlip {
    /// Name of the shop.
    pub merchant_name: String,
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Acquirer code, as printed on slips.
    pub acquirer_code: String,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// Local time of the sale.
    pub at: DateTime,
    /// What was paid.
    pub amount: Amount,
    /// Goods, if the cashier named any; without them the slip shows the amount alone.
    pub goods: Vec<GoodsLine>,
    /// Card number, first six and last four.
    pub truncated_pan: String,
    /// PAN sequence number.
    pub card_sequence_number: Option<u8>,
    /// Name of the application on the card ("UnionPay Debit").
    pub application_label: String,
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Expiry, `YYMM`.
    pub card_expiry: Option<String>,
    /// Retrieval reference number.
    pub rrn: Option<Rrn>,
    /// Authorisation code.
    pub authorisation_code: Option<AuthorisationCode>,
    /// Application cryptogram (TC), hexadecimal.
    pub cryptogram: Option<String>,
    /// Terminal verification results, hexadecimal.
    pub tvr: String,
    /// Transaction status information, hexadecimal.
    pub tsi: String,
    /// Application transaction counter, hexadecimal.
    pub atc: Option<String>,
    /// The cardholder must sign (on the merchant's copy).
    pub signature: bool,
    /// The bank checked the cardholder's PIN.
    pub pin_checked_by_bank: bool,
    /// Printed before; counts from 1 for the first duplicate.
    pub duplicate: Option<u32>,
    /// The keys or the card are for tests only; the slip says so.
    pub test: bool,
}

/// One line of goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodsLine {
    /// What it is.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of all of them.
    pub total: Amount,
}

/// Whose copy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CopyFor {
    /// 商户存根.
    Merchant,
    /// 持卡人存根.
    Customer,
}

impl CopyFor {
    /// The word used in JSON and in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Customer => "customer",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::reference::{Batch, Stan};
    use crate::wording::Language;

    /// A slip with every field.
    pub(crate) fn slip() -> SaleSlip {
        SaleSlip {
            merchant_name: "老王小吃店".into(),
            merchant_code: MerchantCode::parse("898440100000001").unwrap(),
            terminal_number: TerminalNumber::parse("00000001").unwrap(),
            acquirer_code: "48981234".into(),
            trace: TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(123).unwrap() },
            at: "2026-03-05T14:26:09".parse().unwrap(),
            amount: Amount::new(1234, Currency::CNY).unwrap(),
            goods: Vec::new(),
            truncated_pan: "622848*********1230".into(),
            card_sequence_number: Some(1),
            application_label: "UnionPay Debit".into(),
            aid: "A000000333010101".into(),
            card_expiry: Some("3012".into()),
            rrn: Some(Rrn::parse("012345678901").unwrap()),
            authorisation_code: Some(AuthorisationCode::parse("A12B3C").unwrap()),
            cryptogram: Some("0123456789ABCDEF".into()),
            tvr: "0000008000".into(),
            tsi: "E800".into(),
            atc: Some("001A".into()),
            signature: true,
            pin_checked_by_bank: false,
            duplicate: None,
            test: true,
        }
    }

    /// A slip whose every text is as long as life makes it.
    pub(crate) fn long_slip() -> SaleSlip {
        let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let goods = |name: &str, quantity, total| GoodsLine { name: name.into(), quantity, total: yuan(total) };
        SaleSlip {
            merchant_name: "上海市黄浦区南京东路步行街老王家三代祖传小吃店（第二分店）".into(),
            amount: yuan(999_999_999_999),
            goods: vec![
                goods("豆浆", 2, 600),
                goods("招牌红烧牛肉面加大份加牛肉加香菜不要辣🌶", 1, 999_999_960_999),
                goods("Extra large iced americano with oat milk", 12, 38_400),
            ],
            signature: false,
            duplicate: Some(2),
            test: false,
            ..slip()
        }
    }

    #[test]
    fn slips_read_as_the_golden_files_say() {
        for (name, slip, copy, width, language, golden) in [
            (
                "merchant-58-zh",
                slip(),
                CopyFor::Merchant,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/merchant-58-zh.txt"),
            ),
            (
                "customer-58-zh",
                slip(),
                CopyFor::Customer,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/customer-58-zh.txt"),
            ),
            (
                "long-58-zh",
                long_slip(),
                CopyFor::Merchant,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/long-58-zh.txt"),
            ),
            (
                "long-80-zh",
                long_slip(),
                CopyFor::Customer,
                48,
                Language::Chinese,
                include_str!("../../tests/golden/long-80-zh.txt"),
            ),
            (
                "merchant-80-en",
                slip(),
                CopyFor::Merchant,
                48,
                Language::English,
                include_str!("../../tests/golden/merchant-80-en.txt"),
            ),
        ] {
            let text = text(&slip, copy, width, language);
            assert_eq!(text, golden, "\n---- {name} is now ----\n{text}");
        }
    }
}
