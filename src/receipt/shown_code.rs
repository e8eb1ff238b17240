//! A code for the customer's phone on paper: what the screen shows, for a table or a counter that the screen does not reach. It can be
//! paid as long as the one on the screen, and once.

use jiff::civil::DateTime;

use super::template::{Condition, Slip, money};
use super::{Charset, Document, PrinterProfile};
use crate::money::Amount;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};
use crate::terminal::mark::Mark;
use crate::wording::Language;

/// How the slip writes a time of day.
const TIME: &str = "%H:%M:%S";

/// Everything such a slip can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCodeSlip {
    /// Name of the shop.
    pub merchant_name: String,
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Batch and STAN of the order.
    pub trace: TraceNumber,
    /// To be paid.
    pub amount: Amount,
    /// What the code says (EMV QRCPS, merchant-presented).
    pub code: String,
    /// Local time until which it can be paid, where that is known.
    pub valid_until: Option<DateTime>,
    /// What the slip must not be taken for something else by.
    pub mark: Mark,
}

impl ShownCodeSlip {
    /// The slip with no character that `charset` cannot print.
    pub fn document(&self, language: Language, charset: Charset) -> Document {
        Document::of_shown_code(self, language, charset)
    }

    /// The content of the job that prints it. A printer without Chinese characters prints in English whatever `language` says.
    pub fn render(&self, profile: &PrinterProfile, language: Language) -> Vec<u8> {
        super::escpos::render_shown_code(self, profile, language)
    }
}

impl Slip for ShownCodeSlip {
    fn holds(&self, condition: Condition) -> bool {
        match self.mark {
            Mark::Live => false,
            Mark::Test => matches!(condition, Condition::Test),
            Mark::Training => matches!(condition, Condition::Training),
        }
    }

    fn field(&self, name: &str, charset: Charset) -> Option<String> {
        match name {
            "merchant_name" => Some(self.merchant_name.clone()),
            "merchant_code" => Some(self.merchant_code.to_string()),
            "terminal_number" => Some(self.terminal_number.to_string()),
            "trace" => Some(self.trace.to_string()),
            "amount" => Some(money(self.amount, charset)),
            "valid_until" => self.valid_until.map(|until| until.strftime(TIME).to_string()),
            _ => None,
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.code.clone())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::receipt::tests::slip;
    use crate::receipt::{Line, text_of_document};

    /// A slip with every field.
    pub(crate) fn shown_code_slip() -> ShownCodeSlip {
        let like = slip();
        ShownCodeSlip {
            merchant_name: like.merchant_name,
            merchant_code: like.merchant_code,
            terminal_number: like.terminal_number,
            trace: like.trace,
            amount: like.amount,
            code: "00020101021226330016COM.EXAMPLE.YIMA01091000000015204581253031565405".to_owned(),
            valid_until: Some(like.at),
            mark: Mark::Live,
        }
    }

    #[test]
    fn it_says_how_much_to_whom_until_when_and_has_the_code() {
        let slip = shown_code_slip();
        for (language, words) in
            [(Language::Chinese, ["扫码付款", "有效期至"]), (Language::English, ["SCAN TO PAY", "Valid until"])]
        {
            let document = slip.document(language, Charset::Gb18030);
            assert!(document.lines.iter().any(|line| matches!(line, Line::Qr(code) if *code == slip.code)));
            let text = text_of_document(&document, 32);
            for wanted in words.into_iter().chain([&*slip.merchant_name, "12.34", &*slip.trace.to_string()]) {
                assert!(text.contains(wanted), "{wanted}:\n{text}");
            }
            assert!(!text.contains("TEST") && !text.contains("TRAINING"), "{text}");
        }
        let forever = ShownCodeSlip { valid_until: None, ..slip };
        let text = text_of_document(&forever.document(Language::English, Charset::Gb18030), 32);
        assert!(!text.contains("Valid until"), "{text}");
    }

    #[test]
    fn one_that_nobody_really_pays_says_so() {
        for (mark, said) in [(Mark::Test, "TEST"), (Mark::Training, "TRAINING")] {
            let slip = ShownCodeSlip { mark, ..shown_code_slip() };
            for language in [Language::Chinese, Language::English] {
                let text = text_of_document(&slip.document(language, Charset::Gb18030), 32);
                assert!(text.contains(said), "{text}");
            }
        }
    }
}
