//! Receipts: what stands on them, how it is laid out, and how that becomes printer commands or text. Pure.
//!
//! A [`SaleSlip`] and `assets/receipts/sale.toml`, a [`PurchaseSlip`] and `purchase.toml`, or a [`ParkedSlip`] and `parked.toml`, make a [`Document`] that knows no printer; [`layout`] fits it into a
//! number of columns; [`render`] turns it into ESC/POS for a [`PrinterProfile`], [`text`] into lines for a terminal.

pub(crate) mod cash;
mod cashiers;
mod document;
mod encoding;
mod escpos;
pub mod html;
pub mod layout;
pub mod link;
mod logo;
pub mod named;
mod profile;
mod purchase;
pub mod set_up;
mod settlement;
mod shown_code;
pub mod symbol;
pub(crate) mod template;
mod transaction_code;

pub use cash::CashSlip;
pub use cashiers::{SlipCashier, SlipCashierSum};
pub use document::{Align, Document, Line, Size};
pub use encoding::Charset;
#[cfg(test)]
pub use encoding::columns;
pub use escpos::{commands, render, render_cash, render_parked, render_purchase, render_settlement, unit};
#[cfg(test)]
pub(crate) use layout::text_of_document;
pub use layout::{text, text_of_cash, text_of_parked, text_of_purchase, text_of_settlement};
pub use logo::{Letterhead, Logo, LogoError};
pub use profile::{Drawer, PrinterProfile, ProfileError};
#[cfg(test)]
pub(crate) use purchase::tests::purchase_slip as purchase_example;
pub use purchase::{PaidBy, PurchaseSlip, SlipPart};
#[cfg(test)]
pub(crate) use settlement::tests::settlement_slip as settlement_example;
pub use settlement::{SettlementSlip, SlipCash, SlipDifference, SlipSum};
pub use shown_code::ShownCodeSlip;
#[cfg(test)]
pub(crate) use shown_code::tests::shown_code_slip as shown_code_example;
#[cfg(test)]
pub use template::titled_kinds;
pub use transaction_code::transaction_code;

use std::sync::Arc;

use jiff::civil::{Date, DateTime};

use crate::goods::SoldGood;
use crate::money::Amount;
use crate::reference::{AuthorisationCode, MerchantCode, ResponseCode, Rrn, TerminalNumber, TraceNumber};
use crate::terminal::mark::Mark;
use crate::wording::Language;

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
    /// What it was, in the word of the ledger: `sale`, `void`, `refund`, ...; templates say by it what stands where.
    pub kind: &'static str,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// Batch and STAN of the earlier transaction that it is about.
    pub original: Option<TraceNumber>,
    /// Local time of the sale.
    pub at: DateTime,
    /// What was paid, or went back.
    pub amount: Amount,
    /// What of that is a tip.
    pub tip: Option<Amount>,
    /// How the cardholder pays it, where that is by instalments.
    pub instalments: Option<SlipInstalments>,
    /// It went back to the customer.
    pub goes_back: bool,
    /// How the card was read.
    pub entry: CardEntry,
    /// Goods, if the cashier named any; without them the slip shows the amount alone.
    pub goods: Vec<SoldGood>,
    /// Card number, first six and last four; empty where a code was used.
    pub truncated_pan: String,
    /// The end of the customer's code.
    pub code_tail: Option<String>,
    /// By which number the wallet knows what was paid.
    pub voucher: Option<String>,
    /// PAN sequence number.
    pub card_sequence_number: Option<u8>,
    /// The bank behind the card, where the acquirer's list knows it.
    pub bank: Option<String>,
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
    /// What the cardholder signed on the screen; without it, it is done with a pen.
    pub signed: Option<Arc<Logo>>,
    /// The cardholder would have to sign, but not for so small an amount.
    pub signature_spared: bool,
    /// The bank checked the cardholder's PIN.
    pub pin_checked_by_bank: bool,
    /// What the acquirer wants at the end.
    pub trailer: Vec<String>,
    /// The head of the terminal's log of transactions that ends with this payment: leaves, `/`, and the hash in hexadecimal.
    pub log_head: Option<String>,
    /// The customer's link to an e-receipt, and the last day on which it opens one.
    pub link: Option<(String, Date)>,
    /// Number of whoever took it, where people sign on.
    pub cashier: Option<String>,
    /// Printed before; counts from 1 for the first duplicate.
    pub duplicate: Option<u32>,
    /// What the slip must not be taken for something else by.
    pub mark: Mark,
    /// What the shop has at the head and at the foot of its slips.
    pub letterhead: Arc<Letterhead>,
}

/// What a slip says of instalments: amounts without the fee, which stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlipInstalments {
    /// In so many periods.
    pub periods: u8,
    /// The first.
    pub first: Amount,
    /// Each of the others.
    pub following: Amount,
    /// The fee, where it is taken at once.
    pub fee: Option<Amount>,
    /// The fee with the first period, where it is taken by periods.
    pub first_fee: Option<Amount>,
    /// The fee with each of the others.
    pub following_fee: Option<Amount>,
}

impl SlipInstalments {
    /// The issuer wants no fee.
    pub const fn are_free(&self) -> bool {
        self.fee.is_none() && self.first_fee.is_none() && self.following_fee.is_none()
    }
}

/// How a slip says that a card was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardEntry {
    /// By its chip (C).
    Chip,
    /// By its stripe (S).
    Stripe,
    /// By its stripe, because the chip could not be read (F).
    Fallback,
    /// Its number was typed (M).
    Typed,
    /// It was not there (N).
    None,
}

/// Everything a slip can say about what the terminal has given up: a person must look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedSlip {
    /// Name of the shop.
    pub merchant_name: String,
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Acquirer code, as printed on slips.
    pub acquirer_code: String,
    /// What it was, in the word of the queue: `reversal`, `repeat`, ...; the template says by it what stands where.
    pub kind: &'static str,
    /// The host could not be told of a payment that is over; otherwise nobody knows what came of something.
    pub advice: bool,
    /// Batch and STAN of what was given up.
    pub trace: TraceNumber,
    /// Batch and STAN of the payment.
    pub original: TraceNumber,
    /// Amount of the payment.
    pub amount: Amount,
    /// Local time of the payment.
    pub at: DateTime,
    /// Local time when it was given up.
    pub parked_at: DateTime,
    /// How often it was tried.
    pub tries: u32,
    /// The host's answer, if one came.
    pub response_code: Option<ResponseCode>,
    /// Telephone number of the acquirer's help desk, where it told one.
    pub help_desk: Option<String>,
    /// What the slip must not be taken for something else by.
    pub mark: Mark,
}

/// What a customer has paid with: one payment, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Of one transaction.
    Sale(Box<SaleSlip>),
    /// Of a purchase that was paid in parts.
    Purchase(Box<PurchaseSlip>),
}

impl Receipt {
    /// One copy of it, with no character that `charset` cannot print.
    pub fn document(&self, copy: CopyFor, language: Language, charset: Charset) -> Document {
        match self {
            Self::Sale(slip) => Document::of_sale(slip, copy, language, charset),
            Self::Purchase(slip) => Document::of_purchase(slip, copy, language, charset),
        }
    }

    /// The content of the job that prints one copy.
    pub fn render(&self, copy: CopyFor, profile: &PrinterProfile, language: Language) -> Vec<u8> {
        match self {
            Self::Sale(slip) => render(slip, copy, profile, language),
            Self::Purchase(slip) => render_purchase(slip, copy, profile, language),
        }
    }

    /// One copy as plain text of `width` columns.
    pub fn text(&self, copy: CopyFor, width: usize, language: Language) -> String {
        match self {
            Self::Sale(slip) => text(slip, copy, width, language),
            Self::Purchase(slip) => text_of_purchase(slip, copy, width, language),
        }
    }

    /// Name of the shop, and which payment it is of.
    pub fn title(&self) -> String {
        match self {
            Self::Sale(slip) => format!("{} {}", slip.merchant_name, slip.trace),
            Self::Purchase(slip) => match slip.number {
                Some(number) => format!("{} {number}", slip.merchant_name),
                None => slip.merchant_name.clone(),
            },
        }
    }
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
    use crate::goods::{GoodName, GoodNumber, Quantity, TaxRate, Unit};
    use crate::money::Currency;
    use crate::reference::{Batch, Stan};

    /// A slip with every field.
    pub(crate) fn slip() -> SaleSlip {
        SaleSlip {
            merchant_name: "老王小吃店".into(),
            merchant_code: MerchantCode::parse("898440100000001").unwrap(),
            terminal_number: TerminalNumber::parse("00000001").unwrap(),
            acquirer_code: "48981234".into(),
            kind: "sale",
            original: None,
            goes_back: false,
            entry: CardEntry::Chip,
            trace: TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(123).unwrap() },
            at: "2026-03-05T14:26:09".parse().unwrap(),
            amount: Amount::new(1234, Currency::CNY).unwrap(),
            tip: None,
            instalments: None,
            goods: Vec::new(),
            truncated_pan: "622848*********1230".into(),
            code_tail: None,
            voucher: None,
            card_sequence_number: Some(1),
            bank: Some("中国农业银行".into()),
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
            signed: None,
            signature_spared: false,
            trailer: Vec::new(),
            pin_checked_by_bank: false,
            log_head: Some(format!("58/{}", "0A1B2C3D".repeat(8))),
            link: None,
            cashier: None,
            duplicate: None,
            mark: Mark::Test,
            letterhead: Arc::default(),
        }
    }

    #[test]
    fn of_a_tip_it_says_what_was_paid_for_and_what_was_given() {
        let amount = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let tipped = SaleSlip { amount: amount(1419), tip: Some(amount(185)), ..slip() };
        for (language, words) in [(Language::Chinese, ["消费", "小费"]), (Language::English, ["Before the tip", "Tip"])]
        {
            let lines = |slip: &SaleSlip| -> Vec<String> {
                let text = text(slip, CopyFor::Customer, 32, language);
                text.lines().map(str::to_owned).collect()
            };
            let said = lines(&tipped);
            for (word, sum) in words.iter().zip(["12.34", "1.85"]) {
                assert!(
                    said.iter().any(|line| line.starts_with(word) && line.ends_with(sum)),
                    "{word} {sum}: {said:?}"
                );
            }
            assert!(said.iter().any(|line| line.contains("14.19")));
            assert!(!lines(&slip()).iter().any(|line| line.starts_with(words[1])), "nobody gave one");
        }
    }

    /// 600.05 in six periods, or a fee taken otherwise.
    pub(crate) fn in_periods(fees: [Option<u64>; 3]) -> SaleSlip {
        let amount = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let [fee, first_fee, following_fee] = fees.map(|fee| fee.map(amount));
        let (first, following) = (amount(10_005), amount(10_000));
        let instalments = SlipInstalments { periods: 6, first, following, fee, first_fee, following_fee };
        SaleSlip { amount: amount(60_005), instalments: Some(instalments), ..slip() }
    }

    #[test]
    fn of_instalments_it_says_how_many_how_much_and_what_they_cost() {
        let zh = [("分期期数", "6"), ("首期金额", "100.05"), ("每期金额", "100.00")];
        let en = [("Instalments", "6"), ("First", "100.05"), ("Each that follows", "100.00")];
        for (fees, fee_zh, fee_en) in [
            ([Some(2160), None, None], &[("手续费(一次收取)", "21.60")][..], &[("Fee, taken at once", "21.60")][..]),
            (
                [None, Some(365), Some(360)],
                &[("首期手续费", "3.65"), ("每期手续费", "3.60")],
                &[("Fee with the first", "3.65"), ("Fee with each", "3.60")],
            ),
            ([None, None, None], &[("手续费", "免收")], &[("Fee", "none")]),
        ] {
            for (language, lines, fee) in [(Language::Chinese, zh, fee_zh), (Language::English, en, fee_en)] {
                for copy in [CopyFor::Merchant, CopyFor::Customer] {
                    let said = text(&in_periods(fees), copy, 32, language);
                    for (word, sum) in lines.iter().chain(fee) {
                        assert!(
                            said.lines().any(|line| line.starts_with(word) && line.ends_with(sum)),
                            "{word} {sum}:\n{said}"
                        );
                    }
                    let is_fee = |line: &&str| {
                        ["手续费", "首期手续费", "每期手续费", "Fee"].iter().any(|word| line.starts_with(word))
                    };
                    assert_eq!(said.lines().filter(is_fee).count(), fee.len(), "{said}");
                }
            }
        }
        let signs = text(&in_periods([None; 3]), CopyFor::Merchant, 48, Language::Chinese);
        assert!(signs.contains("分期付款消费") && signs.contains("同意按以上期数分期还款"), "{signs}");
        let at_once = text(&slip(), CopyFor::Merchant, 48, Language::Chinese);
        assert!(!at_once.contains("分期") && !at_once.contains("手续费"), "{at_once}");
    }

    #[test]
    fn what_was_paid_by_code_says_by_which_and_nothing_of_a_card() {
        let paid = SaleSlip {
            kind: "code_payment",
            entry: CardEntry::None,
            truncated_pan: String::new(),
            code_tail: Some("123456".into()),
            voucher: Some("4200001234202611290000000001".into()),
            card_sequence_number: None,
            bank: None,
            application_label: String::new(),
            aid: String::new(),
            card_expiry: None,
            authorisation_code: None,
            cryptogram: None,
            tvr: String::new(),
            tsi: String::new(),
            atc: None,
            signature: false,
            ..slip()
        };
        let zh = text(&paid, CopyFor::Merchant, 32, Language::Chinese);
        for line in ["扫码签购单", "扫码消费", "付款码", "*123456", "4200001234202611290000000001", "RMB ￥12.34"]
        {
            assert!(zh.contains(line), "{line}\n{zh}");
        }
        for line in ["卡号", "发卡行", "AID", "TVR", "签名", "应用标签"] {
            assert!(!zh.contains(line), "{line}\n{zh}");
        }
        let shown = SaleSlip { code_tail: None, ..paid };
        assert!(!text(&shown, CopyFor::Merchant, 32, Language::Chinese).contains("付款码"), "ours was shown");
    }

    #[test]
    fn a_card_without_its_chip_says_how_it_was_read_and_nothing_of_a_chip() {
        for (entry, zh, en) in [
            (CardEntry::Stripe, "卡号(刷卡/S)", "Card number (swiped/S)"),
            (CardEntry::Fallback, "卡号(降级刷卡/F)", "Card number (fallback/F)"),
            (CardEntry::Typed, "卡号(手工输入/M)", "Card number (typed/M)"),
        ] {
            let swiped = SaleSlip {
                entry,
                aid: String::new(),
                application_label: String::new(),
                card_sequence_number: None,
                cryptogram: None,
                tvr: String::new(),
                tsi: String::new(),
                atc: None,
                ..slip()
            };
            for (language, line) in [(Language::Chinese, zh), (Language::English, en)] {
                let text = text(&swiped, CopyFor::Merchant, 32, language);
                assert_eq!(text.lines().filter(|said| said.trim() == line).count(), 1, "{line}\n{text}");
                for of_chip in ["AID", "TVR", "TSI", "ATC", "TC ", "chip", "插卡", "PSN"] {
                    assert!(!text.contains(of_chip), "{of_chip}\n{text}");
                }
                // Where nobody typed a PIN the holder signs.
                assert!(text.contains(if language == Language::Chinese { "签名" } else { "ignature" }), "{text}");
            }
        }
    }

    /// What was given up, with every field.
    pub(crate) fn parked_slip() -> ParkedSlip {
        let trace = |stan| TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(stan).unwrap() };
        ParkedSlip {
            merchant_name: "老王小吃店".into(),
            merchant_code: MerchantCode::parse("898440100000001").unwrap(),
            terminal_number: TerminalNumber::parse("00000001").unwrap(),
            acquirer_code: "48981234".into(),
            kind: "card_result",
            advice: true,
            trace: trace(124),
            original: trace(123),
            amount: Amount::new(1234, Currency::CNY).unwrap(),
            at: "2026-03-05T14:26:09".parse().unwrap(),
            parked_at: "2026-03-05T17:03:40".parse().unwrap(),
            tries: 20,
            response_code: Some(ResponseCode::parse("96").unwrap()),
            help_desk: Some("95516".into()),
            mark: Mark::Test,
        }
    }

    #[test]
    fn what_gives_money_back_says_of_what_and_has_no_line_of_a_card_that_was_not_there() {
        let original = TraceNumber { stan: slip().trace.stan.next(), ..slip().trace };
        let void = SaleSlip { kind: "void", original: Some(original), goes_back: true, ..slip() };
        let text_of = |slip: &SaleSlip, language| text(slip, CopyFor::Merchant, 32, language);
        let zh = text_of(&void, Language::Chinese);
        for line in ["消费撤销单", "消费撤销", "原凭证号 000124", "RMB -￥12.34", "卡号(插卡/C)"] {
            assert!(zh.contains(line), "{line}\n{zh}");
        }
        assert!(!zh.contains("签购单") && !zh.contains("记入本卡账户"), "{zh}");
        let away = SaleSlip {
            kind: "completion_notice",
            original: Some(original),
            entry: CardEntry::None,
            aid: String::new(),
            application_label: String::new(),
            cryptogram: None,
            tvr: String::new(),
            tsi: String::new(),
            atc: None,
            ..slip()
        };
        let en = text_of(&away, Language::English);
        for line in ["COMPLETION SLIP", "COMPLETION NOTICE", "Card number (no card/N)", "RMB"] {
            assert!(en.contains(line), "{line}\n{en}");
        }
        assert!(!en.contains("AID") && !en.contains("TVR") && !en.contains("RMB -"), "{en}");
    }

    #[test]
    fn slips_of_what_was_given_up_read_as_the_golden_files_say() {
        let payment = ParkedSlip {
            kind: "reversal",
            advice: false,
            trace: parked_slip().original,
            response_code: None,
            ..parked_slip()
        };
        for (name, slip, width, language, golden) in [
            (
                "parked-reversal-58-zh",
                payment.clone(),
                32,
                Language::Chinese,
                include_str!("../../tests/golden/parked-reversal-58-zh.txt"),
            ),
            (
                "parked-reversal-80-en",
                payment,
                48,
                Language::English,
                include_str!("../../tests/golden/parked-reversal-80-en.txt"),
            ),
            (
                "parked-advice-58-zh",
                parked_slip(),
                32,
                Language::Chinese,
                include_str!("../../tests/golden/parked-advice-58-zh.txt"),
            ),
        ] {
            let text = text_of_parked(&slip, width, language);
            assert_eq!(text, golden, "\n---- {name} is now ----\n{text}");
        }
    }

    /// A slip whose every text is as long as life makes it.
    pub(crate) fn long_slip() -> SaleSlip {
        let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let piece = |name: &str, count: u32, price, discount: u64| SoldGood {
            number: GoodNumber::new(1).unwrap(),
            name: GoodName::parse(name).unwrap(),
            quantity: Quantity::Pieces(count),
            unit: Unit::Piece,
            price: yuan(price),
            discount: yuan(discount),
            amount: yuan(price * u64::from(count) - discount),
            tax_rate: TaxRate::new(1300).unwrap(),
        };
        let apples = SoldGood {
            quantity: Quantity::Grams(532),
            unit: Unit::Kilogram,
            amount: yuan(638),
            tax_rate: TaxRate::new(900).unwrap(),
            ..piece("苹果", 1, 1200, 0)
        };
        // The scale has rounded as it likes.
        let labelled = SoldGood { amount: yuan(640), ..apples.clone() };
        SaleSlip {
            merchant_name: "上海市黄浦区南京东路步行街老王家三代祖传小吃店（第二分店）".into(),
            amount: yuan(999_999_999_999),
            goods: vec![
                piece("豆浆", 2, 300, 0),
                piece("油条", 1, 150, 50),
                piece("招牌红烧牛肉面加大份加牛肉加香菜不要辣🌶", 1, 999_999_959_621, 0),
                piece("Extra large iced americano with oat milk", 12, 3200, 0),
                apples,
                labelled,
            ],
            signature: false,
            duplicate: Some(2),
            mark: Mark::Live,
            ..slip()
        }
    }

    #[test]
    fn a_pin_that_the_bank_checked_stands_on_both_copies_and_nobody_signs() {
        let checked = SaleSlip { signature: false, pin_checked_by_bank: true, ..slip() };
        for (language, says, signs) in [
            (Language::Chinese, "发卡行已验证密码，无需签名", "持卡人签名"),
            (Language::English, "PIN verified by the bank, no signature", "Cardholder signature"),
        ] {
            for copy in [CopyFor::Merchant, CopyFor::Customer] {
                let text = text(&checked, copy, 48, language);
                assert!(text.contains(says) && !text.contains(signs), "{text}");
            }
            let signed = text(&slip(), CopyFor::Merchant, 48, language);
            assert!(!signed.contains(says) && signed.contains(signs), "{signed}");
        }
    }

    #[test]
    fn what_was_signed_on_the_screen_stands_where_the_pens_line_was_and_on_the_shops_copy_alone() {
        let picture = Arc::new(Logo::new(24, vec![0b1010_1010; 9]).unwrap());
        let signed = SaleSlip { signed: Some(Arc::clone(&picture)), ..slip() };
        let document = |slip: &SaleSlip, copy| Document::of_sale(slip, copy, Language::Chinese, Charset::Gb18030);
        for (language, says, with_pen) in [
            (Language::Chinese, "已在屏幕上签名", "本人确认以上交易"),
            (Language::English, "Signed on the screen", "I confirm the transaction"),
        ] {
            let said = text(&signed, CopyFor::Merchant, 48, language);
            assert!(said.contains(says) && said.contains("[SIGNATURE]") && said.contains(with_pen), "{said}");
            assert!(said.contains("012345678901 RMB"), "by which payment it was given\n{said}");
            let customers = text(&signed, CopyFor::Customer, 48, language);
            assert!(!customers.contains(says) && !customers.contains("[SIGNATURE]"), "{customers}");
        }
        let lines = document(&signed, CopyFor::Merchant).lines;
        assert!(lines.contains(&Line::Signature(Arc::clone(&picture))) && !lines.contains(&Line::Feed(3)));
        assert!(document(&slip(), CopyFor::Merchant).lines.contains(&Line::Feed(3)), "room for a pen");
        // Its dots go to the printer as they are.
        let profile = PrinterProfile::shipped("generic-58").unwrap();
        let job = render(&signed, CopyFor::Merchant, &profile, Language::Chinese);
        let raster: &[u8] = &[0x1D, b'v', b'0', 0, 3, 0, 3, 0, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA];
        assert!(job.windows(raster.len()).any(|part| part == raster));
        // Nobody who need not sign has signed.
        let spared = SaleSlip { signature: false, ..signed };
        assert!(!text(&spared, CopyFor::Merchant, 48, Language::English).contains("Signed on the screen"));
    }

    #[test]
    fn what_the_acquirer_wants_stands_at_the_end_and_a_spared_signature_is_said() {
        let trailer = vec!["消费热线 95516".to_owned(), "谢谢惠顾".to_owned()];
        let spared = SaleSlip { signature: false, signature_spared: true, trailer, ..slip() };
        for copy in [CopyFor::Merchant, CopyFor::Customer] {
            let said = text(&spared, copy, 32, Language::Chinese);
            let lines: Vec<_> = said.lines().map(str::trim).collect();
            assert!(lines.contains(&"金额未超过免签限额，无需签名") && !said.contains("持卡人签名"), "{said}");
            let end = lines.iter().position(|line| *line == "消费热线 95516").unwrap();
            assert_eq!(lines[end + 1], "谢谢惠顾", "{said}");
        }
        let unknown = SaleSlip { bank: None, ..slip() };
        let said = text(&unknown, CopyFor::Merchant, 32, Language::Chinese);
        assert!(!said.contains("发卡行 ") && !said.contains("操作员"), "{said}");
        let taken = SaleSlip { cashier: Some("07".to_owned()), ..slip() };
        for (language, who) in [(Language::Chinese, "操作员号"), (Language::English, "Cashier")] {
            let said = text(&taken, CopyFor::Customer, 32, language);
            assert!(said.lines().any(|line| line.starts_with(who) && line.ends_with(" 07")), "{said}");
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
