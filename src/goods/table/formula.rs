//! Text that a spreadsheet would take for a formula, and compute: it begins with one of a few signs. In a table it stands behind an
//! apostrophe, which tells spreadsheets that text follows.

use std::borrow::Cow;

/// With what a formula begins, also as wide as a Chinese character.
const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// What tells that text follows.
const MARK: char = '\'';

/// Free text for a cell: never a formula.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_like_a_formula(text) { Cow::Owned(format!("{MARK}{text}")) } else { Cow::Borrowed(text) }
}

/// What [`guarded`] was given.
pub(super) fn plain(cell: &str) -> &str {
    cell.strip_prefix(MARK).filter(|text| is_like_a_formula(text)).unwrap_or(cell)
}

/// Marks in front are looked through, so that text that begins with one comes back as it was.
fn is_like_a_formula(text: &str) -> bool {
    text.trim_start_matches(|sign: char| sign == MARK || sign.is_whitespace()).starts_with(SIGNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_formula_is_text_in_a_table_and_comes_back_as_it_was() {
        for formula in ["=1+1", "+86 10", "-5", "@SUM(A1)", "\t=1+1", " -1", "'=1+1", "''+1", "＝1+1"] {
            let cell = guarded(formula);
            assert_eq!(cell, format!("'{formula}"));
            assert_eq!(plain(&cell), formula);
        }
        for text in ["", "Cola", "'", "'Cola'", "1-2", "苹果", "Café+"] {
            assert_eq!((guarded(text).as_ref(), plain(text)), (text, text));
        }
    }
}
