//! What stands on the page of an e-receipt: the slip's own document in both languages, and above it how the payment stands now.

use crate::receipt::html::{Article, page};
use crate::receipt::{Align, Charset, CopyFor, Document, Line, Size};
use crate::sandbox::host::receipts::{EReceipt, Now, PurchaseReceipt};
use crate::wording::Language;

const TITLE: &str = "电子签购单 E-receipt";

const LANGUAGES: [Language; 2] = [Language::Chinese, Language::English];

/// The page of a receipt, `first` in sight.
pub(super) fn of_receipt(receipt: &EReceipt, first: Language) -> String {
    let notices = LANGUAGES.map(|language| [standing(receipt.now, language)]);
    let documents =
        LANGUAGES.map(|language| Document::of_sale(&receipt.slip, CopyFor::Customer, language, Charset::Unicode));
    whole(first, [&notices[0], &notices[1]], &documents)
}

/// The page of a purchase that was paid in parts: what of them does not stand as it was is said above it.
pub(super) fn of_purchase(receipt: &PurchaseReceipt, first: Language) -> String {
    let notices = LANGUAGES.map(|language| {
        let changed = receipt.now.iter().enumerate().filter(|(_, (_, now))| *now != Now::Stands);
        let mut said: Vec<_> = changed.map(|(index, (_, now))| of_part(index + 1, *now, language)).collect();
        if said.is_empty() {
            said.push(standing(Now::Stands, language));
        }
        said
    });
    let documents =
        LANGUAGES.map(|language| Document::of_purchase(&receipt.slip, CopyFor::Customer, language, Charset::Unicode));
    whole(first, [&notices[0], &notices[1]], &documents)
}

/// How one part of a purchase stands.
fn of_part(place: usize, now: Now, language: Language) -> String {
    let said = standing(now, language);
    match language {
        Language::Chinese => format!("第 {place} 部分：{said}"),
        Language::English => format!("Part {place}: {said}"),
    }
}

/// A page without a receipt that says why.
pub(super) fn without(zh: &str, en: &str, first: Language) -> String {
    let title = |text: &str| Document {
        lines: vec![Line::Text { text: text.to_owned(), align: Align::Centre, size: Size::Double, bold: true }],
    };
    let notices = [[zh.to_owned()], [en.to_owned()]];
    whole(first, [&notices[0], &notices[1]], &[title("电子签购单"), title("E-receipt")])
}

fn whole(first: Language, notices: [&[String]; 2], documents: &[Document; 2]) -> String {
    let [zh, en] = LANGUAGES;
    let articles = [
        Article { language: zh, notices: notices[0], document: &documents[0] },
        Article { language: en, notices: notices[1], document: &documents[1] },
    ];
    page(TITLE, first, &articles)
}

/// How a payment stands now, in a sentence.
fn standing(now: Now, language: Language) -> String {
    let (zh, en) = match now {
        Now::Stands => ("状态：交易有效。".to_owned(), "Status: valid.".to_owned()),
        Now::TakenBack => (
            "状态：此交易已冲正，资金未发生变动。".to_owned(),
            "Status: this transaction was reversed; no money has moved by it.".to_owned(),
        ),
        Now::Undone => ("状态：此交易已撤销。".to_owned(), "Status: this transaction was voided.".to_owned()),
        Now::Refunded(amount) => {
            let amount = amount.signed();
            (format!("状态：已退款 {amount}。"), format!("Status: {amount} was refunded."))
        }
        Now::Completed => (
            "状态：此预授权已完成，扣款见完成单。".to_owned(),
            "Status: this pre-authorisation was completed; the completion has a receipt of its own.".to_owned(),
        ),
    };
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}

/// The language that a browser asks for first, of those that there are.
pub(in crate::sandbox) fn wanted(accept: Option<&str>) -> Language {
    let first = accept.unwrap_or_default().split(',').map(|one| one.trim().to_ascii_lowercase());
    let known = first.filter_map(|one| match one.get(..2) {
        Some("zh") => Some(Language::Chinese),
        Some("en") => Some(Language::English),
        _ => None,
    });
    known.into_iter().next().unwrap_or(Language::Chinese)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Amount, Currency};

    #[test]
    fn how_a_payment_stands_is_said_in_both_languages() {
        let part = Amount::new(500, Currency::CNY).unwrap();
        for (now, zh, en) in [
            (Now::Stands, "有效", "valid"),
            (Now::TakenBack, "冲正", "reversed"),
            (Now::Undone, "撤销", "voided"),
            (Now::Refunded(part), "已退款 ￥5.00", "￥5.00 was refunded"),
            (Now::Completed, "已完成", "completed"),
        ] {
            let said = LANGUAGES.map(|language| standing(now, language));
            assert!(said[0].contains(zh) || said[0].contains(&zh.replace('￥', "¥")), "{said:?}");
            assert!(said[1].contains(en) || said[1].contains(&en.replace('￥', "¥")), "{said:?}");
        }
    }

    #[test]
    fn the_browsers_language_comes_first() {
        for (accept, language) in [
            (Some("en-GB,en;q=0.9,zh;q=0.5"), Language::English),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), Language::Chinese),
            (Some("fr-FR, EN;q=0.5"), Language::English),
            (Some("fr"), Language::Chinese),
            (None, Language::Chinese),
        ] {
            assert_eq!(wanted(accept), language, "{accept:?}");
        }
    }
}
