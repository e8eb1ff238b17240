//! In how many periods, and from which amount on, the acquirer lets sales be paid.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The fewest periods there are.
pub const LEAST_PERIODS: u8 = 2;
/// The most periods there are: what two digits say.
pub const MOST_PERIODS: u8 = 99;

/// So many numbers of periods a screen has room for.
pub const MOST_OFFERED: usize = 6;

/// The most characters of the number of a programme.
pub const LONGEST_PROGRAMME: usize = 30;

/// Minor units: what twelve digits can say.
const LEAST_AMOUNTS: RangeInclusive<u64> = 1..=999_999_999_999;

/// What the acquirer offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalmentOffer {
    /// In so many periods, in the order in which they are shown.
    pub periods: Vec<u8>,
    /// From this amount on, in minor units.
    pub from: u64,
    /// The acquirer's number of the programme, which requests name; none where it has no such numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<String>,
}

impl InstalmentOffer {
    /// Makes of what was sent what can count, and notes what that changed; nothing when nothing of it can. Nothing is offered that was
    /// not, and nothing of less.
    pub(super) fn adjusted(mut self, noted: &mut Vec<String>) -> Option<Self> {
        if self.programme.as_ref().is_some_and(|programme| !is_programme(programme)) {
            noted.push("instalments: left out, the number of the programme cannot be one".to_owned());
            return None;
        }
        let sent = self.periods.len();
        let mut kept = Vec::new();
        for number in std::mem::take(&mut self.periods) {
            if is_number(number) && !kept.contains(&number) && kept.len() < MOST_OFFERED {
                kept.push(number);
            }
        }
        self.periods = kept;
        if self.periods.len() < sent {
            let left_out = sent - self.periods.len();
            noted.push(format!("numbers of periods: {left_out} of {sent} left out, they cannot be used"));
        }
        let from = self.from.clamp(*LEAST_AMOUNTS.start(), *LEAST_AMOUNTS.end());
        if from != self.from {
            noted.push(format!("instalments from: {} was sent, {from} counts", self.from));
        }
        self.from = from;
        (!self.periods.is_empty()).then_some(self)
    }

    /// What is wrong with it: which key, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let numbers = &self.periods;
        let twice = numbers.iter().enumerate().any(|(index, number)| numbers[..index].contains(number));
        if numbers.is_empty() || numbers.len() > MOST_OFFERED || twice || !numbers.iter().copied().all(is_number) {
            return Some(("instalments.periods", "there are 1 to 6 of them, each another one, of 2 to 99"));
        }
        if !LEAST_AMOUNTS.contains(&self.from) {
            return Some(("instalments.from", "it must be 1 to 999999999999, in minor units"));
        }
        if self.programme.as_ref().is_some_and(|programme| !is_programme(programme)) {
            return Some(("instalments.programme", "it has 1 to 30 letters and digits"));
        }
        None
    }
}

const fn is_number(number: u8) -> bool {
    number >= LEAST_PERIODS && number <= MOST_PERIODS
}

fn is_programme(text: &str) -> bool {
    (1..=LONGEST_PROGRAMME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(periods: &[u8], from: u64, programme: Option<&str>) -> InstalmentOffer {
        InstalmentOffer { periods: periods.to_vec(), from, programme: programme.map(str::to_owned) }
    }

    #[test]
    fn what_cannot_count_is_left_out_and_never_becomes_more() {
        for (sent, counts, said) in [
            (offer(&[3, 6, 12], 60_000, Some("A1")), Some(offer(&[3, 6, 12], 60_000, Some("A1"))), ""),
            (offer(&[3, 3, 1, 0, 100, 6], 60_000, None), Some(offer(&[3, 6], 60_000, None)), "4 of 6 left out"),
            (offer(&[2, 3, 4, 5, 6, 7, 8], 1, None), Some(offer(&[2, 3, 4, 5, 6, 7], 1, None)), "1 of 7 left out"),
            (offer(&[6], 0, None), Some(offer(&[6], 1, None)), "0 was sent, 1 counts"),
            (offer(&[6], u64::MAX, None), Some(offer(&[6], 999_999_999_999, None)), "999999999999 counts"),
            (offer(&[1], 60_000, None), None, "1 of 1 left out"),
            (offer(&[6], 60_000, Some("a b")), None, "the number of the programme"),
            (offer(&[6], 60_000, Some("")), None, "the number of the programme"),
        ] {
            let mut noted = Vec::new();
            let adjusted = sent.clone().adjusted(&mut noted);
            assert_eq!(adjusted, counts, "{sent:?}");
            assert!(noted.concat().contains(said) && noted.is_empty() == said.is_empty(), "{sent:?}: {noted:?}");
            assert!(adjusted.is_none_or(|adjusted| adjusted.problem().is_none()), "{sent:?}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        for (wrong, key) in [
            (offer(&[], 1, None), "instalments.periods"),
            (offer(&[6, 6], 1, None), "instalments.periods"),
            (offer(&[1], 1, None), "instalments.periods"),
            (offer(&[6], 0, None), "instalments.from"),
            (offer(&[6], 1, Some("-")), "instalments.programme"),
        ] {
            assert_eq!(wrong.problem().map(|(key, _)| key), Some(key), "{wrong:?}");
        }
    }
}
