//! Money and sentences as the screen's own small values.

use jiff::civil::DateTime;
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

use super::generated;
use crate::app::view::{RowKind, RowState};
use crate::money::{Amount, Currency};
use crate::payment::cash::CashKind;
use crate::payment::transaction::Kind;
use crate::receipt::symbol::Symbol;
use crate::wording::{Language, Reason};

/// What was done.
pub(super) const fn kind(kind: Kind) -> generated::TransactionKind {
    match kind {
        Kind::Sale => generated::TransactionKind::Sale,
        Kind::OfflineSale => generated::TransactionKind::OfflineSale,
        Kind::PreAuthorisation => generated::TransactionKind::PreAuthorisation,
        Kind::Balance => generated::TransactionKind::Balance,
        Kind::Void => generated::TransactionKind::VoidSale,
        Kind::Refund => generated::TransactionKind::Refund,
        Kind::PreAuthorisationVoid => generated::TransactionKind::PreAuthorisationVoid,
        Kind::Completion => generated::TransactionKind::Completion,
        Kind::CompletionNotice => generated::TransactionKind::CompletionNotice,
        Kind::CompletionVoid => generated::TransactionKind::CompletionVoid,
        Kind::CodePayment => generated::TransactionKind::CodePayment,
        Kind::CodeRefund => generated::TransactionKind::CodeRefund,
        Kind::PreAuthorisationTopUp => generated::TransactionKind::PreAuthorisationTopUp,
    }
}

/// What a row was.
pub(super) const fn row_kind(of: RowKind) -> generated::TransactionKind {
    match of {
        RowKind::Host(of) => kind(of),
        RowKind::Cash(CashKind::Sale) => generated::TransactionKind::CashSale,
        RowKind::Cash(CashKind::Refund) => generated::TransactionKind::CashRefund,
    }
}

/// Where it stands.
pub(super) const fn row_state(state: RowState) -> generated::RowState {
    match state {
        RowState::Pending => generated::RowState::Pending,
        RowState::Approved => generated::RowState::Approved,
        RowState::Declined => generated::RowState::Declined,
        RowState::ReversalDue => generated::RowState::ReversalDue,
        RowState::Reversed => generated::RowState::Reversed,
        RowState::Unresolved => generated::RowState::Unresolved,
    }
}

/// Sign and digits apart.
pub(super) fn money(amount: Amount) -> generated::Money {
    generated::Money { sign: sign(amount).into(), digits: amount.grouped().into() }
}

/// Sign and digits in one text, for rows.
pub(super) fn money_text(amount: Amount) -> String {
    format!("{}{}", sign(amount), amount.grouped())
}

/// Minor units with a sign before the currency's own.
pub(super) fn signed_money(minor: i64, currency: Currency) -> generated::Money {
    let minus = if minor < 0 { "−" } else { "" };
    let whole = |amount: Amount| amount.grouped();
    let digits = Amount::new(minor.unsigned_abs(), currency).map_or_else(|_| beyond(minor, currency), whole);
    generated::Money { sign: format!("{minus}{}", sign(Amount::zero(currency))).into(), digits: digits.into() }
}

/// The digits of what is more than a payment can be: an account holds the sum of many.
fn beyond(minor: i64, currency: Currency) -> String {
    let minor = minor.unsigned_abs();
    let unit = 10_u64.saturating_pow(currency.exponent().into());
    let whole = (minor / unit).to_string();
    let mut grouped = String::with_capacity(whole.len() * 2);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let places = usize::from(currency.exponent());
    if places == 0 { grouped } else { format!("{grouped}.{:0places$}", minor % unit) }
}

/// The same in one text, for rows.
pub(super) fn signed_text(minor: i64, currency: Currency) -> String {
    let money = signed_money(minor, currency);
    format!("{}{}", money.sign, money.digits)
}

/// What a reason says in `language`; nothing for no reason.
pub(super) fn sentences(reason: Option<&Reason>, language: Language) -> generated::Sentences {
    let Some(reason) = reason else { return generated::Sentences::default() };
    let said = reason.sentences(language);
    let code = reason.code.as_ref().map(|code| match language {
        Language::Chinese => format!("应答码 {code}"),
        Language::English => format!("Code {code}"),
    });
    // A technician's detail is in English, whoever looks: it says that it is not for the shop.
    let detail = Some(&reason.detail).filter(|detail| !detail.is_empty()).map(|detail| match language {
        Language::Chinese => format!("技术信息：{detail}"),
        Language::English => detail.clone(),
    });
    let small: Vec<String> = code.into_iter().chain(detail).collect();
    generated::Sentences { what: said.what.into(), advice: said.advice.into(), code: small.join(" · ").into() }
}

/// The card number in three groups: `622202 ****** 1234`.
pub(super) fn card(truncated_pan: &str) -> String {
    match (truncated_pan.find('*'), truncated_pan.rfind('*')) {
        (Some(first), Some(last)) => {
            let (head, rest) = truncated_pan.split_at(first);
            let (stars, tail) = rest.split_at(last - first + 1);
            format!("{head} {stars} {tail}").trim().to_owned()
        }
        _ => truncated_pan.to_owned(),
    }
}

/// The last four digits of the card number, by which a person tells cards apart; empty when there is none.
pub(super) fn last_four(truncated_pan: &str) -> &str {
    truncated_pan.rsplit('*').next().map_or("", |tail| tail.get(tail.len().saturating_sub(4)..).unwrap_or(tail))
}

/// `14:26:09`.
pub(super) fn time(at: DateTime) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// `11-22 14:26`: rows may be of another day.
pub(super) fn day_and_time(at: DateTime) -> String {
    at.strftime("%m-%d %H:%M").to_string()
}

/// A screen sets the yen sign at half the size of the digits, where the narrow form stands better than the paper's wide one.
fn sign(amount: Amount) -> String {
    amount.currency().sign().replace('￥', "¥")
}

/// Pixels of a module of a code: many, for a picture that is drawn much larger than it is loses its proportions by rounding.
const MODULE: usize = 16;

/// A code with its white margin; the screen draws it [`modules`] modules wide.
pub(super) fn picture(symbol: &Symbol) -> Image {
    let side = symbol.size * MODULE;
    let length = u32::try_from(side).unwrap_or_default();
    let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(length, length);
    for (index, pixel) in pixels.make_mut_slice().iter_mut().enumerate() {
        let (x, y) = (index % side / MODULE, index / side / MODULE);
        let shade = if symbol.dark[y * symbol.size + x] { 0 } else { 255 };
        *pixel = Rgb8Pixel::new(shade, shade, shade);
    }
    Image::from_rgb8(pixels)
}

/// How many modules that is.
pub(super) fn modules(symbol: &Symbol) -> i32 {
    i32::try_from(symbol.size).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::ResponseCode;
    use crate::wording::ReasonKind;

    #[test]
    fn the_code_stands_after_the_sentence_with_the_technicians_detail() {
        let reason = Reason {
            code: Some(ResponseCode::parse("51").unwrap()),
            ..Reason::with_detail(ReasonKind::HostDeclined, "F39 of 0210")
        };
        assert_eq!(sentences(Some(&reason), Language::English).code, "Code 51 · F39 of 0210");
        assert_eq!(sentences(Some(&reason), Language::Chinese).code, "应答码 51 · 技术信息：F39 of 0210");
        assert_eq!(sentences(None, Language::English), generated::Sentences::default());
    }

    #[test]
    fn a_card_number_is_read_in_three_groups() {
        for (stored, shown) in
            [("622202******1234", "622202 ****** 1234"), ("****1234", "**** 1234"), ("", ""), ("1234", "1234")]
        {
            assert_eq!(card(stored), shown);
        }
    }

    #[test]
    fn cards_are_told_apart_by_their_last_four_digits() {
        for (stored, shown) in [("622202******1234", "1234"), ("****1234", "1234"), ("", ""), ("12", "12")] {
            assert_eq!(last_four(stored), shown, "{stored:?}");
        }
    }

    #[test]
    fn what_is_less_than_nothing_has_a_minus_before_the_sign() {
        for (minor, shown) in [(123_456, "¥1,234.56"), (-123_456, "−¥1,234.56"), (0, "¥0.00")] {
            assert_eq!(signed_text(minor, Currency::CNY), shown);
        }
        // An account may hold more than a payment can be.
        assert_eq!(signed_text(i64::MIN, Currency::CNY), "−¥92,233,720,368,547,758.08");
        assert_eq!(signed_text(1_000_000_000_000, "JPY".parse().unwrap()), "¥1,000,000,000,000");
    }

    #[test]
    fn the_sign_is_narrow_on_the_screen() {
        let amount = Amount::new(123_456, Currency::CNY).unwrap();
        assert_eq!(money_text(amount), "¥1,234.56");
        assert_eq!((money(amount).sign.as_str(), money(amount).digits.as_str()), ("¥", "1,234.56"));
    }
}
