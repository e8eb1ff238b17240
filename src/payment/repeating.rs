//! What an answer means for a request that is sent again because nobody answered it before (pure): a refund, or a notice that a
//! pre-authorisation was completed. The numbers are the same at every try, and the host knows them again: whichever try it
//! answers, it has done it once.
//!
//! | answer | what follows | recorded |
//! |---|---|---|
//! | approved | over: done | `HostApproved`, `Done` |
//! | refused | over: not done | `NotPaid` |
//! | approved in part, number in use | a person must look | `Unresolved` |
//! | undecided, refused without a MAC, none | again | |
//!
//! When it is sent again, and how often, is `queue`'s matter.

use super::online::{Decision, HostAnswer, LinkFailure};
use super::record::Record;
use crate::reference::ResponseCode;
use crate::wording::{Reason, ReasonKind};

/// What follows from one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follows {
    /// The host has done it.
    Done,
    /// It has not, and will not.
    NotDone(Reason),
    /// It has done something else, or says that somebody else has this number.
    Look(Reason),
    /// Nobody knows yet.
    Again,
}

/// What an answer, or none, means, and what is written down of it, in this order.
pub fn after(result: &Result<HostAnswer, LinkFailure>) -> (Follows, Vec<Record>) {
    let Ok(answer) = result else { return (Follows::Again, Vec::new()) };
    let reason = |kind| Reason { code: Some(answer.response_code.clone()), ..Reason::of(kind) };
    match answer.decision {
        Decision::Approved => {
            let approval = Record::HostApproved {
                response_code: answer.response_code.clone(),
                rrn: answer.rrn.clone(),
                authorisation_code: answer.authorisation_code.clone(),
            };
            (Follows::Done, vec![approval, Record::Done])
        }
        // It takes no PIN: to call one wrong is to refuse.
        Decision::Refused | Decision::WrongPin => {
            let reason = reason(ReasonKind::HostDeclined);
            let record =
                Record::NotPaid { reason: reason.kind, response_code: reason.code.clone(), rrn: answer.rrn.clone() };
            (Follows::NotDone(reason), vec![record])
        }
        Decision::Partial(part) => {
            let reason = Reason { amount: Some(part), ..reason(ReasonKind::HostAnswerRefused) };
            look(reason, &answer.response_code)
        }
        Decision::NumberInUse => look(reason(ReasonKind::TraceNumberInUse), &answer.response_code),
        Decision::Unclear | Decision::Unproven => (Follows::Again, Vec::new()),
    }
}

fn look(reason: Reason, code: &ResponseCode) -> (Follows, Vec<Record>) {
    let record = Record::Unresolved { reason: reason.kind, response_code: Some(code.clone()) };
    (Follows::Look(reason), vec![record])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Amount, Currency};
    use crate::reference::Rrn;

    fn said(decision: Decision) -> Result<HostAnswer, LinkFailure> {
        Ok(HostAnswer {
            decision,
            response_code: ResponseCode::parse("00").unwrap(),
            rrn: Rrn::parse("263260000001").ok(),
            authorisation_code: None,
            issuer_data: Vec::new(),
            balances: Vec::new(),
        })
    }

    fn words(result: &Result<HostAnswer, LinkFailure>) -> (String, Vec<&'static str>) {
        let (follows, records) = after(result);
        let follows = match follows {
            Follows::Done => "over: done",
            Follows::NotDone(_) => "over: not done",
            Follows::Look(_) => "a person must look",
            Follows::Again => "again",
        };
        let records = records.iter().map(|record| match record {
            Record::HostApproved { .. } => "HostApproved",
            Record::Done => "Done",
            Record::NotPaid { .. } => "NotPaid",
            Record::Unresolved { .. } => "Unresolved",
            other => panic!("{other:?} is written down of no repeated request"),
        });
        (follows.to_owned(), records.collect())
    }

    #[test]
    fn the_table_and_the_code_say_the_same() {
        let part = Amount::new(1, Currency::CNY).unwrap();
        let every = [
            ("approved", said(Decision::Approved)),
            ("refused", said(Decision::Refused)),
            ("refused", said(Decision::WrongPin)),
            ("approved in part", said(Decision::Partial(part))),
            ("number in use", said(Decision::NumberInUse)),
            ("undecided", said(Decision::Unclear)),
            ("refused without a MAC", said(Decision::Unproven)),
            ("none", Err(LinkFailure::NoAnswer(String::new()))),
            ("none", Err(LinkFailure::BadMac(String::new()))),
            ("none", Err(LinkFailure::WrongAnswer(String::new()))),
            ("none", Err(LinkFailure::Unsendable(String::new()))),
        ];
        let rows: Vec<Vec<String>> = include_str!("repeating.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix('|'))
            .map(|row| row.split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect())
            .collect();
        for (answer, result) in &every {
            let row = rows.iter().find(|row| row[0].split(", ").any(|name| name == *answer)).unwrap();
            let (follows, records) = words(result);
            assert_eq!((follows.as_str(), records.join(", ").as_str()), (row[1].as_str(), row[2].as_str()), "{answer}");
        }
        let named: Vec<_> = rows.iter().skip(1).flat_map(|row| row[0].split(", ")).collect();
        assert!(named.iter().all(|name| every.iter().any(|(answer, _)| answer == name)), "{named:?}");
    }

    #[test]
    fn what_the_host_named_its_answer_by_is_kept() {
        let (_, records) = after(&said(Decision::Approved));
        let [Record::HostApproved { rrn, .. }, Record::Done] = &records[..] else { panic!("{records:?}") };
        assert_eq!(rrn.as_ref().unwrap().as_str(), "263260000001");
    }
}
