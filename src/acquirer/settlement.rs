//! What is said of totals, uploaded payments and the merchant's money, as it stands in fields 48 and 62 (pure): both sides write and
//! read it by this.

use jiff::civil::DateTime;

use super::messages::{Requests, Written};
use super::parameters::{Question, Reply};
use super::{answers, kinds};
use crate::iso8583::settlement_rules::{AMOUNT_DIGITS, COUNT_DIGITS, LINE_DIGITS, TOTALS_FIELD};
use crate::iso8583::{Dialect, Message, Mti, SettlementRules};
use crate::money::{Amount, Currency};
use crate::payment::online::{Decision, LinkFailure};
use crate::payment::transaction::Kind;
use crate::reference::{Batch, Rrn, Stan};
use crate::settlement::Sum;
use crate::settlement::closing::{
    Answer, BatchTotals, Closing, HostDifference, HostSettlement, Line, MerchantAccount, Request, Verdict,
};
use crate::settlement::reconciliation;

/// The field of what is said of money in words of this program.
pub const WORDS_FIELD: u8 = 62;

/// Differences on one page.
pub const DIFFERENCES_PER_PAGE: usize = 20;

/// Settlements that are told with an account.
pub const SETTLEMENTS_TOLD: usize = 12;

/// Most digits of a sum in field 62.
const SIGNED_DIGITS: usize = 15;

/// Which message of a settlement a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Compares totals.
    Compare,
    /// Uploads payments.
    Upload,
    /// Ends the batch.
    End,
    /// Asks for the merchant's account.
    Account,
    /// Asks what differs.
    Differences,
}

/// Field 60, third part.
pub fn network_code(message: &Message) -> Option<&str> {
    message.text(60)?.get(8..11)
}

/// Field 60, second part.
pub fn batch_of(message: &Message) -> Option<Batch> {
    Batch::parse(message.text(60)?.get(2..8)?).ok()
}

/// What a request about a settlement is; nothing when it is another message.
pub fn of_request(dialect: &Dialect, message: &Message) -> Option<Asked> {
    let (rules, code) = (dialect.settlement.as_ref()?, network_code(message)?);
    match message.mti() {
        Mti::SETTLEMENT_REQUEST if code == rules.compare => Some(Asked::Compare),
        Mti::BATCH_UPLOAD if code == rules.upload => Some(Asked::Upload),
        Mti::BATCH_UPLOAD if code == rules.end_equal || code == rules.end_different => Some(Asked::End),
        Mti::NETWORK_REQUEST if code == rules.questions.account => Some(Asked::Account),
        Mti::NETWORK_REQUEST if code == rules.questions.differences => Some(Asked::Differences),
        _ => None,
    }
}

/// Field 48 of totals; behind each side stands a digit.
///
/// Nothing, when there are more payments than it can count.
pub fn write_totals(totals: &BatchTotals, flag: char) -> Option<String> {
    let [a, b, c, d] = totals.sums();
    let sum = |sum: Sum| {
        let count = format!("{:0width$}", sum.count, width = COUNT_DIGITS);
        (count.len() == COUNT_DIGITS).then(|| format!("{}{count}", sum.amount.twelve_digits()))
    };
    Some(format!("{}{}{flag}{}{}{flag}", sum(a)?, sum(b)?, sum(c)?, sum(d)?))
}

/// Reads field 48 of totals, and the digit behind each side.
pub fn read_totals(text: &str, currency: Currency) -> Option<(BatchTotals, [char; 2])> {
    let mut places = Places::of(text.as_bytes())?;
    let mut side = || Some(([places.sum(currency)?, places.sum(currency)?], places.text(1)?.chars().next()?));
    let (([a, b], first), ([c, d], second)) = (side()?, side()?);
    places.0.is_empty().then_some((BatchTotals::from_sums([a, b, c, d]), [first, second]))
}

/// The type by which field 60 tells a kind.
pub fn type_of(dialect: &Dialect, kind: Kind) -> Option<&str> {
    let by_code = |kind| {
        let messages = &dialect.code_payments.as_ref()?.messages;
        Some(&messages_of(messages, kind)?.transaction_type)
    };
    let rules = kinds::message_of(dialect, kind).map(|rules| &rules.transaction_type);
    rules.or_else(|| by_code(kind)).map(String::as_str)
}

const fn messages_of(
    messages: &crate::iso8583::code_payment_rules::CodeMessages,
    kind: Kind,
) -> Option<&crate::iso8583::transaction_rules::TransactionMessage> {
    match kind {
        Kind::CodePayment => Some(&messages.pay),
        Kind::CodeRefund => Some(&messages.refund),
        _ => None,
    }
}

/// Field 48 of uploaded payments. Nothing, when a kind has no message.
pub fn write_lines(dialect: &Dialect, lines: &[Line]) -> Option<String> {
    let mut text = format!("{:02}", lines.len());
    for line in lines {
        text.push_str(&format!("{}{}{}", type_of(dialect, line.kind)?, line.stan, line.amount.twelve_digits()));
    }
    Some(text)
}

/// Reads field 48 of uploaded payments.
pub fn read_lines(dialect: &Dialect, text: &str, currency: Currency) -> Option<Vec<Line>> {
    let (count, rest) = text.split_at_checked(2)?;
    let count: usize = count.parse().ok()?;
    if rest.len() != count * LINE_DIGITS || !rest.is_ascii() {
        return None;
    }
    let line = |at: usize| {
        let text = rest.get(at * LINE_DIGITS..(at + 1) * LINE_DIGITS)?;
        let kind = Kind::ALL.into_iter().find(|kind| type_of(dialect, *kind) == text.get(..2))?;
        let minor = text.get(8..)?.parse().ok()?;
        Some(Line { stan: Stan::parse(text.get(2..8)?).ok()?, kind, amount: Amount::new(minor, currency).ok()? })
    };
    (0..count).map(line).collect()
}

fn signed(minor: i64) -> String {
    format!("{}{:0width$}", if minor < 0 { 'D' } else { 'C' }, minor.unsigned_abs(), width = SIGNED_DIGITS)
}

/// Reads text of fixed lengths, one after the other.
struct Places<'a>(&'a str);

impl<'a> Places<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(Self)
    }

    fn text(&mut self, length: usize) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn number(&mut self, length: usize) -> Option<u32> {
        let text = self.text(length)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    }

    fn signed(&mut self) -> Option<i64> {
        let negative = match self.text(1)? {
            "C" => false,
            "D" => true,
            _ => return None,
        };
        let minor: i64 = self.text(SIGNED_DIGITS)?.parse().ok()?;
        Some(if negative { -minor } else { minor })
    }

    fn sum(&mut self, currency: Currency) -> Option<Sum> {
        let minor = self.text(AMOUNT_DIGITS)?.parse().ok()?;
        Some(Sum { count: self.number(COUNT_DIGITS)?, amount: Amount::new(minor, currency).ok()? })
    }

    /// Nothing, where blanks stand.
    fn maybe<T>(&mut self, length: usize, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
        let text = self.text(length)?;
        if text.trim().is_empty() { Some(None) } else { read(text).map(Some) }
    }
}

/// Field 62 of the answer that ends a batch.
pub fn write_closing(closing: &Closing) -> Vec<u8> {
    format!("{}{}{:06}", signed(closing.gross_minor), signed(closing.fee_minor), closing.differences).into_bytes()
}

fn take_closing(places: &mut Places<'_>) -> Option<Closing> {
    Some(Closing { gross_minor: places.signed()?, fee_minor: places.signed()?, differences: places.number(6)? })
}

/// Field 62 of a page of differences.
pub fn write_differences(differences: &[HostDifference], more: bool) -> Vec<u8> {
    let mut text = format!("{}{:02}", u8::from(more), differences.len());
    for difference in differences {
        let what = match difference.kind {
            reconciliation::Kind::UnknownHere => '1',
            reconciliation::Kind::NotCharged => '2',
            reconciliation::Kind::ChargedAllTheSame => '3',
            reconciliation::Kind::Amounts => '4',
        };
        let amount = |amount: Option<Amount>| amount.map_or_else(|| " ".repeat(AMOUNT_DIGITS), Amount::twelve_digits);
        let rrn = difference.rrn.as_ref().map_or("", |rrn| rrn.as_str());
        text.push_str(&format!(
            "{what}{}{}{}{rrn:<12}",
            difference.stan,
            amount(difference.ours),
            amount(difference.theirs)
        ));
    }
    text.into_bytes()
}

/// Reads a page of differences, and whether others follow.
pub fn read_differences(bytes: &[u8], currency: Currency) -> Option<(Vec<HostDifference>, bool)> {
    let mut places = Places::of(bytes)?;
    let more = places.number(1)? == 1;
    let count = places.number(2)?;
    let mut differences = Vec::new();
    for _ in 0..count {
        let kind = match places.text(1)? {
            "1" => reconciliation::Kind::UnknownHere,
            "2" => reconciliation::Kind::NotCharged,
            "3" => reconciliation::Kind::ChargedAllTheSame,
            "4" => reconciliation::Kind::Amounts,
            _ => return None,
        };
        let stan = Stan::parse(places.text(6)?).ok()?;
        let amount = |text: &str| Amount::new(text.parse().ok()?, currency).ok();
        let ours = places.maybe(AMOUNT_DIGITS, amount)?;
        let theirs = places.maybe(AMOUNT_DIGITS, amount)?;
        let rrn = places.maybe(12, |text| Rrn::parse(text).ok())?;
        differences.push(HostDifference { kind, stan, ours, theirs, rrn });
    }
    places.0.is_empty().then_some((differences, more))
}

/// Field 62 of what is told of an account.
pub fn write_account(account: &MerchantAccount) -> Vec<u8> {
    let told = account.settlements.iter().take(SETTLEMENTS_TOLD);
    let mut text = format!(
        "{}{:03}{:05}{:02}",
        signed(account.balance_minor),
        account.currency.numeric(),
        account.fee_rate,
        told.clone().count()
    );
    for settlement in told {
        let closing = String::from_utf8_lossy(&write_closing(&settlement.closing)).into_owned();
        text.push_str(&format!(
            "{}{}{}{}{closing}",
            settlement.batch,
            u8::from(settlement.posted),
            u8::from(settlement.equal),
            settlement.at.strftime("%Y%m%d%H%M%S")
        ));
    }
    text.into_bytes()
}

/// Reads what is told of an account.
pub fn read_account(bytes: &[u8]) -> Option<MerchantAccount> {
    let mut places = Places::of(bytes)?;
    let balance_minor = places.signed()?;
    let currency = Currency::from_numeric(u16::try_from(places.number(3)?).ok()?)?;
    let (fee_rate, count) = (places.number(5)?, places.number(2)?);
    let mut settlements = Vec::new();
    for _ in 0..count {
        let batch = Batch::parse(places.text(6)?).ok()?;
        let (posted, equal) = (places.number(1)? == 1, places.number(1)? == 1);
        let at = DateTime::strptime("%Y%m%d%H%M%S", places.text(14)?).ok()?;
        let closing = take_closing(&mut places)?;
        settlements.push(HostSettlement { batch, posted, equal, closing, date: at.date(), at });
    }
    places.0.is_empty().then_some(MerchantAccount { balance_minor, currency, fee_rate, settlements })
}

/// Field 62 of the question what differs: the batch, and how many came before.
pub fn write_place(batch: Batch, after: u32) -> Vec<u8> {
    format!("{batch}{after:06}").into_bytes()
}

/// Reads it.
pub fn read_place(bytes: &[u8]) -> Option<(Batch, u32)> {
    let mut places = Places::of(bytes)?;
    let batch = Batch::parse(places.text(6)?).ok()?;
    let after = places.number(6)?;
    places.0.is_empty().then_some((batch, after))
}

/// The question what is on the merchant's account.
pub fn account_question(rules: &SettlementRules) -> Question {
    question(&rules.questions.account, None, "the merchant's account")
}

/// The question what of a batch the two have otherwise.
pub fn differences_question(rules: &SettlementRules, batch: Batch, after: u32) -> Question {
    question(&rules.questions.differences, Some(write_place(batch, after)), "what differs")
}

fn question(code: &str, field62: Option<Vec<u8>>, about: &str) -> Question {
    Question { mti: Mti::NETWORK_REQUEST, code: code.to_owned(), field62, about: about.to_owned() }
}

fn wrong(problem: &str) -> LinkFailure {
    LinkFailure::WrongAnswer(problem.to_owned())
}

/// A host that refuses has carried nothing out.
fn refused(code: &str) -> LinkFailure {
    LinkFailure::WrongAnswer(format!("the host refuses it with {code}"))
}

/// Reads and checks the answer to a request of a settlement.
///
/// # Errors
/// As [`answers::read`]; when the host refuses, or what it says cannot be read.
pub fn read(requests: &Requests<'_>, asked: &Request, written: &Written, bytes: &[u8]) -> Result<Answer, LinkFailure> {
    let answer = answers::read(requests, written, bytes)?;
    if answer.decision != Decision::Approved {
        return Err(refused(answer.response_code.as_str()));
    }
    let rules = requests.dialect.settlement.as_ref().ok_or_else(|| wrong("this dialect has no settlement"))?;
    let message = requests.dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    match asked {
        Request::Compare { totals, .. } => {
            let (theirs, flags) = message
                .text(TOTALS_FIELD)
                .and_then(|text| read_totals(text, totals.currency()))
                .ok_or_else(|| wrong("its totals cannot be read"))?;
            let verdicts = &rules.verdicts;
            let verdict = if flags.contains(&verdicts.error) {
                Verdict::SettledBefore
            } else if flags == [verdicts.equal; 2] {
                Verdict::Equal
            } else if flags.iter().all(|flag| [verdicts.equal, verdicts.different].contains(flag)) {
                Verdict::Different
            } else {
                return Err(wrong("it does not say whether the totals are the same"));
            };
            // What is not the same cannot be called so.
            if (verdict == Verdict::Equal) != (theirs == *totals) && verdict != Verdict::SettledBefore {
                return Err(wrong("its verdict and its totals contradict each other"));
            }
            Ok(Answer::Compared { verdict, theirs })
        }
        Request::Upload { .. } => Ok(Answer::Taken),
        Request::End { .. } => {
            let field = message.bytes(WORDS_FIELD).unwrap_or_default();
            let mut places = Places::of(field).ok_or_else(|| wrong("it cannot be read"))?;
            let closing = take_closing(&mut places).filter(|_| places.0.is_empty());
            closing.map(Answer::Closed).ok_or_else(|| wrong("it does not say what the batch came to"))
        }
        Request::Differences { .. } => Err(wrong("it answers a question with a booking")),
    }
}

/// What a reply says of differences.
///
/// # Errors
/// When the host refuses, or it cannot be read.
pub fn differences_in(reply: &Reply, approved: bool, currency: Currency) -> Result<Answer, LinkFailure> {
    if !approved {
        return Err(refused(reply.response_code.as_str()));
    }
    let (differences, more) =
        read_differences(&reply.field62, currency).ok_or_else(|| wrong("what differs cannot be read"))?;
    Ok(Answer::Differences { differences, more })
}

/// What a reply says of the account.
///
/// # Errors
/// When the host refuses, or it cannot be read.
pub fn account_in(reply: &Reply, approved: bool) -> Result<MerchantAccount, LinkFailure> {
    if !approved {
        return Err(refused(reply.response_code.as_str()));
    }
    read_account(&reply.field62).ok_or_else(|| wrong("the account cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::without_offline_sales;

    fn amount(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn totals() -> BatchTotals {
        let sum = |count, minor| Sum { count, amount: amount(minor) };
        BatchTotals::from_sums([sum(12, 345_600), sum(1, 1_234), sum(0, 0), sum(999, 999_999_999_999)])
    }

    #[test]
    fn totals_stand_as_the_field_wants_them_and_come_back_the_same() {
        let text = write_totals(&totals(), '0').unwrap();
        assert_eq!(text, "00000034560001200000000123400100000000000000009999999999999990");
        assert_eq!(text.len(), 62);
        assert_eq!(read_totals(&text, Currency::CNY), Some((totals(), ['0', '0'])));
        for wrong in ["", &text[..61], &format!("{text}0"), &text.replace('9', "A")] {
            assert_eq!(read_totals(wrong, Currency::CNY), None, "{wrong}");
        }
        let many = Sum { count: 1000, amount: amount(1) };
        assert_eq!(write_totals(&BatchTotals::from_sums([many; 4]), '0'), None, "it counts no further");
    }

    #[test]
    fn a_full_part_fits_into_its_field_and_comes_back_the_same() {
        let dialect = Dialect::shipped("unionpay").unwrap();
        let most = dialect.settlement.as_ref().unwrap().most_lines;
        let kinds = [Kind::Sale, Kind::CodePayment, Kind::CodeRefund, Kind::Refund, Kind::CompletionNotice];
        let lines: Vec<_> = kinds
            .into_iter()
            .cycle()
            .zip(1..)
            .take(most)
            .map(|(kind, stan)| Line { stan: Stan::new(stan).unwrap(), kind, amount: amount(999_999_999_999) })
            .collect();
        let text = write_lines(&dialect, &lines).unwrap();
        assert_eq!(text.len(), 322);
        assert_eq!(read_lines(&dialect, &text, Currency::CNY), Some(lines));
        assert_eq!(read_lines(&dialect, &text[..321], Currency::CNY), None);
        assert_eq!(read_lines(&dialect, "0199000001000000000001", Currency::CNY), None, "no such kind");
        let nobody = Line { stan: Stan::FIRST, kind: Kind::OfflineSale, amount: amount(1) };
        assert_eq!(write_lines(&without_offline_sales(), &[nobody]), None);
    }

    #[test]
    fn what_is_said_of_money_fits_into_its_field_and_comes_back_the_same() {
        let difference = HostDifference {
            kind: reconciliation::Kind::Amounts,
            stan: Stan::new(42).unwrap(),
            ours: Some(amount(1)),
            theirs: None,
            rrn: Some(Rrn::parse("263330000001").unwrap()),
        };
        let page = vec![difference.clone(); DIFFERENCES_PER_PAGE];
        let bytes = write_differences(&page, true);
        assert!(bytes.len() <= 999);
        assert_eq!(read_differences(&bytes, Currency::CNY), Some((page, true)));
        assert_eq!(read_differences(&bytes[1..], Currency::CNY), None);
        let at = jiff::civil::date(2026, 11, 29).at(23, 30, 5, 0);
        let closing = Closing { gross_minor: -5, fee_minor: -1, differences: 3 };
        let settlement =
            HostSettlement { batch: Batch::FIRST, posted: true, equal: false, closing, date: at.date(), at };
        let account = MerchantAccount {
            balance_minor: -12_345,
            currency: Currency::CNY,
            fee_rate: 38,
            settlements: vec![settlement; SETTLEMENTS_TOLD],
        };
        let bytes = write_account(&account);
        assert!(bytes.len() <= 999);
        assert_eq!(read_account(&bytes), Some(account));
        assert_eq!(read_place(&write_place(Batch::FIRST, 7)), Some((Batch::FIRST, 7)));
    }
}
