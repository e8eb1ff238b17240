//! Fits a document into the columns of a printer. A Chinese character takes two columns and is never cut in half; a line
//! that is too long continues on the next; an amount keeps to the right edge.

use std::sync::Arc;

use super::encoding::{columns, columns_of};
use super::{
    Align, CashSlip, Charset, CopyFor, Document, Line, Logo, ParkedSlip, PurchaseSlip, SaleSlip, SettlementSlip, Size,
};
use crate::wording::Language;

/// One line as it stands on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Characters; at most as many columns as there are.
    Text {
        /// What it says, blanks between left and right included.
        text: String,
        /// Where it stands.
        align: Align,
        /// How large it is.
        size: Size,
        /// Whether it is bold.
        bold: bool,
    },
    /// A QR code, in the middle.
    Qr(String),
    /// A picture, in the middle.
    Logo(Arc<Logo>),
    /// What a cardholder signed on the screen, in the middle.
    Signature(Arc<Logo>),
    /// Empty lines.
    Feed(u8),
}

/// A document in rows of at most `width` columns.
pub fn rows(document: &Document, width: usize) -> Vec<Row> {
    document.lines.iter().flat_map(|line| rows_of(line, width)).collect()
}

/// One copy of a slip as plain text of `width` columns, all of one size, for a terminal and for tests.
pub fn text(slip: &SaleSlip, copy: CopyFor, width: usize, language: Language) -> String {
    lines(&Document::of_sale(slip, copy, language, Charset::Gb18030), width)
}

/// One copy of a slip of cash, as [`text`].
pub fn text_of_cash(slip: &CashSlip, copy: CopyFor, width: usize, language: Language) -> String {
    lines(&Document::of_cash(slip, copy, language, Charset::Gb18030), width)
}

/// A slip that says what was given up, as [`text`].
pub fn text_of_parked(slip: &ParkedSlip, width: usize, language: Language) -> String {
    lines(&Document::of_parked(slip, language, Charset::Gb18030), width)
}

/// A document as lines of text.
#[cfg(test)]
pub(crate) fn text_of_document(document: &Document, width: usize) -> String {
    lines(document, width)
}

/// The slip of a settlement as lines of text.
pub fn text_of_settlement(slip: &SettlementSlip, width: usize, language: Language) -> String {
    lines(&Document::of_settlement(slip, language, Charset::Gb18030), width)
}

/// One copy of the slip of a purchase, as [`text`].
pub fn text_of_purchase(slip: &PurchaseSlip, copy: CopyFor, width: usize, language: Language) -> String {
    lines(&Document::of_purchase(slip, copy, language, Charset::Gb18030), width)
}

fn lines(document: &Document, width: usize) -> String {
    let mut text = String::new();
    for row in rows(document, width) {
        match row {
            Row::Text { text: line, align, .. } => {
                let free = width.saturating_sub(columns(&line));
                let before = match align {
                    Align::Left => 0,
                    Align::Centre => free / 2,
                    Align::Right => free,
                };
                text.push_str(format!("{:before$}{line}", "").trim_end());
            }
            Row::Qr(content) => text.push_str(&format!("[QR] {content}")),
            Row::Logo(_) => text.push_str("[LOGO]"),
            // The line above says that there is one.
            Row::Signature(_) => text.push_str("[SIGNATURE]"),
            Row::Feed(lines) => text.push_str(&"\n".repeat(usize::from(lines.saturating_sub(1)))),
        }
        text.push('\n');
    }
    text
}

/// Blanks before the second and every further line of a value that does not fit into one.
const INDENT: usize = 2;

fn rows_of(line: &Line, width: usize) -> Vec<Row> {
    match line {
        Line::Text { text, align, size, bold } => {
            let size = match size {
                // Narrow and high rather than broken in two.
                Size::Double if columns(text) * 2 > width => Size::Tall,
                size => *size,
            };
            let row = |text| Row::Text { text, align: *align, size, bold: *bold };
            wrap(text, width / size.width()).into_iter().map(row).collect()
        }
        Line::Pair { left, right, bold } => {
            let row = |text| Row::Text { text, align: Align::Left, size: Size::Normal, bold: *bold };
            pair(left, right, width).into_iter().map(row).collect()
        }
        Line::Rule => {
            vec![Row::Text { text: "-".repeat(width), align: Align::Left, size: Size::Normal, bold: false }]
        }
        Line::Qr(content) => vec![Row::Qr(content.clone())],
        Line::Logo(logo) => vec![Row::Logo(Arc::clone(logo))],
        Line::Signature(picture) => vec![Row::Signature(Arc::clone(picture))],
        Line::Feed(lines) => vec![Row::Feed(*lines)],
    }
}

fn pair(left: &str, right: &str, width: usize) -> Vec<String> {
    let mut lines = wrap(left, width);
    if right.is_empty() {
        return lines;
    }
    let last_columns = lines.last().map_or(0, |last| columns(last));
    if last_columns + 1 + columns(right) <= width {
        let gap = width - last_columns - columns(right);
        if let Some(last) = lines.last_mut() {
            last.push_str(&" ".repeat(gap));
            last.push_str(right);
        }
    } else if columns(right) <= width {
        lines.push(format!("{}{right}", " ".repeat(width - columns(right))));
    } else {
        let indent = " ".repeat(INDENT);
        lines.extend(wrap(right, width - INDENT).into_iter().map(|line| format!("{indent}{line}")));
    }
    lines
}

/// Breaks a text into lines of at most `width` columns: at a blank when one is near the end, otherwise between two
/// characters. At least one line, which may be empty.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for character in text.chars() {
        if used + columns_of(character) > width {
            if character == ' ' {
                lines.push(std::mem::take(&mut line));
                used = 0;
                continue;
            }
            let rest = break_inside(&mut line, character, width);
            lines.push(std::mem::replace(&mut line, rest));
            used = columns(&line);
        }
        line.push(character);
        used += columns_of(character);
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// What moves to the next line when `next` no longer fits: the word it belongs to, or the mark before a character that
/// must not be parted from it.
fn break_inside(line: &mut String, next: char, width: usize) -> String {
    const CLOSING: &str = "，。、；：！？）】》”’%),.;:!?";
    let closes = CLOSING.contains(next);
    let word = line.char_indices().rev().take_while(|(_, c)| c.is_ascii() && *c != ' ').last();
    match word {
        // A word of more than half a line is broken; moving it would leave a hole.
        Some((at, _)) if (closes || next.is_ascii()) && at > 0 && line.len() - at <= width / 2 => line.split_off(at),
        // A closing mark does not begin a line: the character before it goes along.
        _ if closes => line.pop().map(String::from).unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_texts_go_on_in_the_next_line() {
        for (text, width, lines) in [
            ("老王小吃店", 10, vec!["老王小吃店"]),
            ("老王小吃店", 9, vec!["老王小吃", "店"]),
            ("a老王小吃店", 10, vec!["a老王小吃", "店"]),
            ("Old Wang's noodle bar", 12, vec!["Old Wang's", "noodle bar"]),
            ("ABCDEFGHIJKLMNOP", 10, vec!["ABCDEFGHIJ", "KLMNOP"]),
            ("同意记入本卡账户。", 16, vec!["同意记入本卡账", "户。"]),
            ("", 10, vec![""]),
        ] {
            assert_eq!(wrap(text, width), lines);
        }
    }

    #[test]
    fn the_right_side_keeps_to_the_right() {
        for (left, right, lines) in [
            ("豆浆", "6.00", vec!["豆浆        6.00"]),
            ("小笼包一份带醋", "12.00", vec!["小笼包一份带醋", "           12.00"]),
            ("特大号招牌红烧牛肉面", "12.00", vec!["特大号招牌红烧牛", "肉面       12.00"]),
            ("商户", "上海市黄浦区老王小吃店", vec!["商户", "  上海市黄浦区老", "  王小吃店"]),
        ] {
            assert_eq!(pair(left, right, 16), lines);
        }
    }

    #[test]
    fn a_double_line_that_does_not_fit_becomes_tall_and_stays_whole() {
        let line = |text: &str| Line::Text { text: text.into(), align: Align::Right, size: Size::Double, bold: true };
        let size = |text: &str| match rows_of(&line(text), 32).as_slice() {
            [Row::Text { size, .. }] => *size,
            other => panic!("{other:?}"),
        };
        assert_eq!(size("RMB ￥12.34"), Size::Double);
        assert_eq!(size("RMB ￥9,999,999,999.99"), Size::Tall);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_paper_and_no_character_is_lost(
            left in "[ -~中文字，。￥〓]{0,80}", right in "[!-~中文字，。]{0,80}", width in 24_usize..=48,
        ) {
            let lines = pair(&left, &right, width);
            prop_assert!(lines.iter().all(|line| columns(line) <= width));
            let without_blanks = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(without_blanks(&lines.concat()), without_blanks(&format!("{left}{right}")));
        }
    }

    #[test]
    fn a_mark_behind_a_word_takes_the_whole_word_along() {
        assert_eq!(wrap("In cash (not settled by the bank):", 32), ["In cash (not settled by the", "bank):"]);
        assert_eq!(wrap("For practice only. Not a receipt.", 32), ["For practice only. Not a", "receipt."]);
        assert_eq!(wrap("共十二万三千四百五十六元整了。", 28), ["共十二万三千四百五十六元整", "了。"]);
        assert_eq!(wrap(&format!("{}.", "7".repeat(32)), 32), ["7".repeat(31), "7.".to_owned()]);
    }
}
