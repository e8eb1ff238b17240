//! What customers were told on their phones, or would be, on a page: as the sandbox's provider of notifications keeps it. Of a telephone
//! number the last four digits are shown.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::receipt::html::{Article, page};
use crate::receipt::{Align, Document, Line, Size};
use crate::sandbox::host::notifications::{Notification, Standing};
use crate::wording::Language;

const TITLE: &str = "短信 Messages (TEST)";

/// Most messages on the page, the newest first.
const MOST: usize = 50;

/// The page, `first` in sight. `zone`: where the host is.
pub(super) fn of_messages(messages: &[Notification], first: Language, zone: &TimeZone) -> String {
    let documents = [Language::Chinese, Language::English].map(|language| document(messages, language, zone));
    let notice = ["测试 TEST：没有人真的收到短信。".to_owned()];
    let notice_en = ["TEST: nobody is really told.".to_owned()];
    let articles = [
        Article { language: Language::Chinese, notices: &notice, document: &documents[0] },
        Article { language: Language::English, notices: &notice_en, document: &documents[1] },
    ];
    page(TITLE, first, &articles)
}

fn document(messages: &[Notification], language: Language, zone: &TimeZone) -> Document {
    let pick = |zh: &'static str, en: &'static str| match language {
        Language::Chinese => zh,
        Language::English => en,
    };
    let text = |text: String, size, align| Line::Text { text, align, size, bold: size == Size::Double };
    let mut lines = vec![text(pick("短信", "Messages").to_owned(), Size::Double, Align::Centre)];
    if messages.is_empty() {
        lines.push(text(pick("还没有短信。", "Nothing has been told yet.").to_owned(), Size::Normal, Align::Centre));
    }
    for one in messages.iter().rev().take(MOST) {
        let at = Timestamp::from_second(one.made_at).unwrap_or_default().to_zoned(zone.clone());
        let standing = match one.standing {
            Standing::Waiting => pick("等待发送", "waiting"),
            Standing::Delivered => pick("已送达", "delivered"),
            Standing::GivenUp => pick("未送达", "given up"),
        };
        lines.push(Line::Rule);
        lines.push(Line::Pair {
            left: one.phone.to_string(),
            right: at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            bold: false,
        });
        lines.push(text(one.text.clone(), Size::Tall, Align::Left));
        lines.push(Line::Pair { left: one.trace.to_string(), right: standing.to_owned(), bold: false });
    }
    Document { lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Amount, Currency};
    use crate::reference::{Batch, Stan, TraceNumber};
    use crate::sandbox::host::notifications::{Event, Phone};

    fn message(stan: u32, text: &str, standing: Standing) -> Notification {
        Notification {
            id: i64::from(stan),
            key: stan.to_string(),
            event: Event::Paid,
            phone: Phone::parse("+8610000000042").unwrap(),
            language: Language::Chinese,
            text: text.to_owned(),
            amount: Amount::new(1234, Currency::CNY).unwrap(),
            merchant_name: "老王小吃店".to_owned(),
            terminal: "10000001".to_owned(),
            trace: TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(stan).unwrap() },
            rrn: "263260000001".to_owned(),
            made_at: 1_795_000_000,
            standing,
            tries: 1,
            problem: None,
        }
    }

    #[test]
    fn the_newest_message_comes_first_in_both_languages_and_no_number_is_whole() {
        let messages = [message(1, "支付￥12.34", Standing::Delivered), message(2, "<b>退款</b>", Standing::GivenUp)];
        let html = of_messages(&messages, Language::English, &TimeZone::UTC);
        let place = |wanted: &str| html.find(wanted).unwrap_or_else(|| panic!("{wanted}: {html}"));
        assert!(place("&lt;b&gt;退款") < place("支付￥12.34"), "{html}");
        for wanted in ["*0042", "2026-11-18 11:06:40", "已送达", "未送达", "delivered", "given up", "000001-000002"]
        {
            place(wanted);
        }
        assert!(!html.contains("+8610000") && !html.contains("<b>"), "{html}");
        let none = of_messages(&[], Language::Chinese, &TimeZone::UTC);
        assert!(none.contains("还没有短信") && none.contains("Nothing has been told yet"), "{none}");
    }

    #[test]
    fn only_the_newest_are_on_the_page() {
        let messages: Vec<_> = (1..=120).map(|stan| message(stan, "x", Standing::Waiting)).collect();
        let html = of_messages(&messages, Language::Chinese, &TimeZone::UTC);
        assert!(html.contains("000001-000120") && html.contains("000001-000071") && !html.contains("000001-000070"));
    }
}
