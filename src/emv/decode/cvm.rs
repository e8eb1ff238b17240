//! Cardholder verification: the card's list of rules (8E) and what came of it (9F34).

use serde::Serialize;

use super::{DecodeError, Line, sized};
use crate::crypto::hex;

/// The rules of a card, in order of preference (EMV 4.4 Book 3, 10.5 and annex C3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CvmList {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// Amount X, in minor units of the application's currency.
    pub amount_x: u32,
    /// Amount Y.
    pub amount_y: u32,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule: a method, when it applies, and what a failure means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The first byte in hexadecimal.
    pub code: String,
    /// The method.
    pub method: &'static str,
    /// The second byte in hexadecimal.
    pub condition_code: String,
    /// When the rule applies.
    pub condition: &'static str,
    /// True when the next rule is tried after this one failed.
    pub next_on_failure: bool,
}

/// How the cardholder was verified (EMV 4.4 Book 4, annex A4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CvmResults {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// The rule that was performed last.
    #[serde(flatten)]
    pub rule: Rule,
    /// What came of it.
    pub result: &'static str,
}

const LIST: &str = "Cardholder Verification Method List";
const RESULTS: &str = "Cardholder Verification Method Results";

/// Takes a list apart.
///
/// # Errors
/// When it is not two amounts and pairs of bytes.
pub fn list(value: &[u8]) -> Result<CvmList, DecodeError> {
    let found = value.len();
    let refused = DecodeError::Length { name: LIST, expected: "8 bytes and 2 for each rule", found, offset: found };
    let (amount_x, rest) = value.split_first_chunk::<4>().ok_or(refused)?;
    let (amount_y, rules) = rest.split_first_chunk::<4>().ok_or(refused)?;
    let (rules, odd) = rules.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(refused);
    }
    Ok(CvmList {
        name: LIST,
        value: hex::encode(value),
        amount_x: u32::from_be_bytes(*amount_x),
        amount_y: u32::from_be_bytes(*amount_y),
        rules: rules.iter().map(|[code, condition]| Rule::new(*code, *condition)).collect(),
    })
}

/// Takes results apart.
///
/// # Errors
/// When it is not three bytes.
pub fn results(value: &[u8]) -> Result<CvmResults, DecodeError> {
    let [code, condition, result] = sized(RESULTS, "3 bytes", value)?;
    let result = match result {
        0x00 => "unknown",
        0x01 => "failed",
        0x02 => "successful",
        _ => "reserved for future use",
    };
    Ok(CvmResults { name: RESULTS, value: hex::encode(value), rule: Rule::new(code, condition), result })
}

impl Rule {
    fn new(code: u8, condition: u8) -> Self {
        Self {
            code: hex::encode(&[code]),
            method: method(code),
            condition_code: hex::encode(&[condition]),
            condition: meaning(condition),
            next_on_failure: code & 0x40 != 0,
        }
    }
}

impl CvmList {
    /// The amounts, where a rule asks for them, and the rules.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = vec![
            Line::new("amount X", format!("{} minor units", self.amount_x)),
            Line::new("amount Y", format!("{} minor units", self.amount_y)),
        ];
        for (index, rule) in self.rules.iter().enumerate() {
            let failure = if rule.next_on_failure { "else the next rule" } else { "else verification fails" };
            let says = format!("{}, {}; {failure}", rule.method, rule.condition);
            lines.push(Line::new(format!("rule {} {}{}", index + 1, rule.code, rule.condition_code), says));
        }
        lines
    }
}

impl CvmResults {
    /// Method, condition and result.
    pub fn lines(&self) -> Vec<Line> {
        vec![
            Line::new("method", self.rule.method),
            Line::new("condition", self.rule.condition),
            Line::new("result", self.result),
        ]
    }
}

/// Methods, bits 6 to 1 of the first byte (annex C3, table 43; 3F in results only).
const fn method(code: u8) -> &'static str {
    match code & 0x3F {
        0x00 => "Fail CVM processing",
        0x01 => "Plaintext PIN verified by the card",
        0x02 => "Enciphered PIN verified online",
        0x03 => "Plaintext PIN verified by the card, and signature",
        0x04 => "Enciphered PIN verified by the card",
        0x05 => "Enciphered PIN verified by the card, and signature",
        0x06 => "Face verified by the card",
        0x07 => "Face verified online",
        0x08 => "Finger verified by the card",
        0x09 => "Finger verified online",
        0x0A => "Palm verified by the card",
        0x0B => "Palm verified online",
        0x0C => "Iris verified by the card",
        0x0D => "Iris verified online",
        0x0E => "Voice verified by the card",
        0x0F => "Voice verified online",
        0x1E => "Signature",
        0x1F => "No CVM required",
        0x20..=0x2F => "Method of the payment system",
        0x30..=0x3E => "Method of the issuer",
        0x3F => "No CVM performed",
        _ => "Reserved method",
    }
}

/// Conditions, the second byte (annex C3, table 44).
const fn meaning(condition: u8) -> &'static str {
    match condition {
        0x00 => "always",
        0x01 => "if unattended cash",
        0x02 => "if neither cash nor cashback",
        0x03 => "if the terminal supports it",
        0x04 => "if manual cash",
        0x05 => "if purchase with cashback",
        0x06 => "if in the application's currency and under X",
        0x07 => "if in the application's currency and over X",
        0x08 => "if in the application's currency and under Y",
        0x09 => "if in the application's currency and over Y",
        0x80..=0xFF => "on a condition of the payment system",
        _ => "on a reserved condition",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    #[test]
    fn a_list_is_told_rule_by_rule() {
        let value = hex::decode("00000000 000007D0 4203 1E06 1F09 3180 05").unwrap();
        assert_eq!(
            list(&value),
            Err(DecodeError::Length { name: LIST, expected: "8 bytes and 2 for each rule", found: 17, offset: 17 })
        );
        assert_eq!(
            told(&list(&value[..16]).unwrap().lines()),
            [
                "amount X: 0 minor units",
                "amount Y: 2000 minor units",
                "rule 1 4203: Enciphered PIN verified online, if the terminal supports it; else the next rule",
                "rule 2 1E06: Signature, if in the application's currency and under X; else verification fails",
                "rule 3 1F09: No CVM required, if in the application's currency and over Y; else verification fails",
                "rule 4 3180: Method of the issuer, on a condition of the payment system; else verification fails",
            ]
        );
        assert!(list(&value[..8]).unwrap().rules.is_empty());
        assert!(list(&value[..7]).is_err());
    }

    #[test]
    fn results_are_method_condition_and_result() {
        let results = |text| results(&hex::decode(text).unwrap()).map(|results| told(&results.lines()));
        assert_eq!(
            results("420302").unwrap(),
            ["method: Enciphered PIN verified online", "condition: if the terminal supports it", "result: successful",]
        );
        assert_eq!(results("3F0000").unwrap(), ["method: No CVM performed", "condition: always", "result: unknown"]);
        assert!(results("3F00").is_err());
    }
}
