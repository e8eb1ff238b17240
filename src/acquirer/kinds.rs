//! Which message a kind of transaction is in a dialect, and which kind a message is about (pure).

use crate::iso8583::transaction_rules::TransactionMessage;
use crate::iso8583::{Dialect, Message};
use crate::payment::transaction::{IfUnknown, Kind};

/// The message of a kind; nothing when the dialect has none.
pub fn message_of(dialect: &Dialect, kind: Kind) -> Option<&TransactionMessage> {
    dialect.transactions.message(kind.word())
}

/// What a request is about: its message type, processing code and condition, and the type in field 60, are those of one kind.
pub fn of_request(dialect: &Dialect, request: &Message) -> Option<Kind> {
    let (kind, rules) = of_type(dialect, request)?;
    let right = request.mti() == rules.mti
        && request.text(3) == Some(&rules.processing_code)
        && has_condition(dialect, kind, rules, request);
    right.then_some(kind)
}

/// Whether a request, or what takes one back, says that it is by instalments.
pub fn is_by_instalments(dialect: &Dialect, message: &Message) -> bool {
    dialect.instalments.as_ref().is_some_and(|rules| message.text(25) == Some(&rules.condition))
}

/// Field 25 is that of the kind, or of instalments where the kind tells of them.
fn has_condition(dialect: &Dialect, kind: Kind, rules: &TransactionMessage, message: &Message) -> bool {
    message.text(25) == Some(&rules.condition) || (kind.tells_of_instalments() && is_by_instalments(dialect, message))
}

/// What a reversal takes back: it repeats processing code, condition and type of the request.
pub fn of_reversal(dialect: &Dialect, reversal: &Message) -> Option<Kind> {
    let (kind, rules) = of_type(dialect, reversal)?;
    let right = reversal.text(3) == Some(&rules.processing_code) && has_condition(dialect, kind, rules, reversal);
    right.then_some(kind)
}

/// Whether this is the answer to a request that can be taken back. Field 60 says which kind it was, and the rest must be that
/// kind's; an answer may leave it out.
pub fn answers_what_can_be_taken_back(dialect: &Dialect, answer: &Message) -> bool {
    let said = answer.text(60).map(|text| text.get(..2));
    dialect.transactions.messages().any(|(word, rules)| {
        let can_be = Kind::from_word(word).is_some_and(|kind| kind.if_unknown() == IfUnknown::TakenBack);
        can_be
            && rules.mti.answer() == Some(answer.mti())
            && answer.text(3) == Some(&rules.processing_code)
            && said.is_none_or(|said| said == Some(&rules.transaction_type))
    })
}

fn of_type<'a>(dialect: &'a Dialect, message: &Message) -> Option<(Kind, &'a TransactionMessage)> {
    let (word, rules) = dialect.transactions.of_type(message.text(60)?.get(..2)?)?;
    Some((Kind::from_word(word)?, rules))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::Mti;
    use crate::iso8583::transaction_rules::WORDS;

    #[test]
    fn a_dialect_knows_the_word_of_every_kind_that_is_done_with_a_card() {
        let with_card = Kind::ALL.into_iter().filter(|kind| !kind.is_by_code()).map(Kind::word);
        assert_eq!(with_card.collect::<Vec<_>>(), WORDS);
    }

    #[test]
    fn a_message_is_of_one_kind_only() {
        let dialect = Dialect::shipped("unionpay").unwrap();
        for (word, rules) in dialect.transactions.messages() {
            let sixty = format!("{}00000100050", rules.transaction_type);
            let right = |mti| {
                Message::new(mti)
                    .with_text(3, &rules.processing_code)
                    .with_text(25, &rules.condition)
                    .with_text(60, &sixty)
            };
            let kind = Kind::from_word(word);
            assert_eq!(of_request(&dialect, &right(rules.mti)), kind);
            assert_eq!(of_reversal(&dialect, &right(Mti::REVERSAL_REQUEST)), kind);
            assert_eq!(of_request(&dialect, &right(Mti::REVERSAL_REQUEST)), None);
            for (field, wrong) in [(3, "999999"), (25, "99"), (60, "9900000100050"), (60, "2")] {
                assert_eq!(of_request(&dialect, &right(rules.mti).with_text(field, wrong)), None, "{word} {field}");
                let reversal = right(Mti::REVERSAL_REQUEST).with_text(field, wrong);
                assert_eq!(of_reversal(&dialect, &reversal), None, "{word} {field}");
            }
        }
    }
}
