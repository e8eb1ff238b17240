//! What came of a payment, or of what else was done with a card, for people and programs.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::card::Typing;
use super::{FAILED, Failure, output};
use crate::app::{CopyReport, Ending, SaleReport};
use crate::ledger::PrintState;
use crate::payment::online::{Balance, BalanceKind};
use crate::payment::signature::SignedOn;
use crate::payment::transaction::{Kind, Money};
use crate::receipt::CopyFor;
use crate::wording::{Language, Reason};

fn balance_as_json(balance: &Balance) -> Value {
    let kind = match balance.kind {
        BalanceKind::Ledger => "ledger".to_owned(),
        BalanceKind::Available => "available".to_owned(),
        BalanceKind::Other(number) => format!("{number:02}"),
    };
    json!({
        "account": balance.account,
        "kind": kind,
        "owed": balance.owed,
        "amount": balance.amount.to_string(),
        "currency": balance.amount.currency().code(),
    })
}

/// What a command gives back of a payment of which the rest is still to be paid.
const IN_PART: u8 = 3;

/// 0 approved, 1 declined, 3 a part is paid, 2 anything else.
pub fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::Approved => ExitCode::SUCCESS,
        Ending::Declined => ExitCode::from(1),
        Ending::InPart => ExitCode::from(IN_PART),
        Ending::Reversed | Ending::Unresolved | Ending::Error => ExitCode::from(FAILED),
    }
}

/// A report as a program reads it.
pub fn as_json(report: &SaleReport, language: Language) -> Value {
    let mut timings = Map::new();
    for (part, duration) in report.timings.parts() {
        timings.insert((*part).to_owned(), milliseconds(*duration));
    }
    timings.insert("total".to_owned(), milliseconds(report.timings.total()));
    let receipts: Vec<_> = report
        .copies
        .iter()
        .map(|copy| {
            json!({
                "copy": copy.copy.word(),
                "state": copy.state.word(),
                "reason": copy.trouble.as_ref().map(|reason| output::reason(reason, reason, language)),
            })
        })
        .collect();
    let card = report.card.as_ref().map(|card| {
        json!({
            "pan": card.truncated_pan,
            "aid": card.aid,
            "label": card.label,
            "bank": card.bank,
            "entry": card.entry.word(),
        })
    });
    json!({
        "outcome": report.ending.word(),
        "kind": report.kind.word(),
        "original": report.original.map(|original| original.to_string()),
        "amount": report.amount.to_string(),
        "currency": report.amount.currency().code(),
        "batch": report.trace.map(|trace| trace.batch.to_string()),
        "stan": report.trace.map(|trace| trace.stan.to_string()),
        "rrn": report.rrn.as_ref().map(|rrn| rrn.as_str()),
        "auth_code": report.authorisation_code.as_ref().map(|code| code.as_str()),
        "response_code": report.response_code.as_ref().map(|code| code.as_str()),
        "balances": report.balances.iter().map(balance_as_json).collect::<Vec<_>>(),
        "card": card,
        "cvm": report.card.as_ref().map(|card| card.verification.word()),
        "tvr": report.card.as_ref().map(|card| &card.tvr),
        "tsi": report.card.as_ref().map(|card| &card.tsi),
        "script_results": report.card.as_ref().map(|card| &card.script_results),
        "purchase": report.purchase.as_ref().map(super::purchase::as_json),
        "instalments": report.instalments.as_ref().map(super::instalments::as_json),
        "signature": report.signed.word(),
        "receipts": receipts,
        "reason": report.reason.as_ref().map(|reason| output::reason(reason, &said(report, reason), language)),
        "timings_ms": timings,
    })
}

/// A payment that could not begin, with the keys of one that did.
pub fn cannot_begin(typing: &Typing<'_>, failure: &Failure, language: Language) -> Value {
    let reason = Reason::with_detail(super::kind_of(failure), failure.to_string());
    json!({
        "outcome": Ending::Error.word(),
        "kind": typing.kind.word(),
        "original": null,
        "amount": typing.amount,
        "currency": typing.currency,
        "batch": null,
        "stan": null,
        "rrn": null,
        "auth_code": null,
        "response_code": null,
        "balances": [],
        "card": null,
        "cvm": null,
        "tvr": null,
        "tsi": null,
        "script_results": null,
        "purchase": null,
        "instalments": null,
        "signature": SignedOn::Nothing.word(),
        "receipts": [],
        "reason": output::reason(&reason, &reason, language),
        "timings_ms": {},
    })
}

/// A report as a person reads it.
pub fn print(report: &SaleReport, language: Language) {
    let outcome = match (report.ending, language) {
        (Ending::Approved, _) => done(report.kind, language),
        (Ending::Declined | Ending::Error, _) => not_done(report.kind, language),
        (Ending::InPart, Language::Chinese) => "已付一部分",
        (Ending::InPart, Language::English) => "Paid in part",
        (Ending::Reversed, Language::Chinese) => "已取消",
        (Ending::Reversed, Language::English) => "Taken back",
        (Ending::Unresolved, Language::Chinese) => "结果还不知道",
        (Ending::Unresolved, Language::English) => "The result is not known yet",
    };
    output::say(&format!("{outcome} {}", report.amount.signed()));
    if let Some(card) = &report.card {
        output::say(&format!("  {} {}", card.truncated_pan, card.label));
    }
    if let Some(instalments) = &report.instalments {
        output::say(&format!("  {}", super::instalments::line(instalments, language)));
    }
    let names = match language {
        Language::Chinese => ["凭证号", "参考号", "授权码", "应答码"],
        Language::English => ["STAN", "RRN", "authorisation", "response"],
    };
    let [stan, rrn, authorisation, response] = names;
    let numbers = [
        (stan, report.trace.map(|trace| trace.stan.to_string())),
        (rrn, report.rrn.as_ref().map(ToString::to_string)),
        (authorisation, report.authorisation_code.as_ref().map(ToString::to_string)),
        (response, report.response_code.as_ref().map(ToString::to_string)),
    ];
    let known: Vec<_> =
        numbers.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
    if !known.is_empty() {
        output::say(&format!("  {}", known.join(" · ")));
    }
    if let Some(reason) = &report.reason {
        let sentences = said(report, reason).sentences(language);
        output::say(&format!("  {} {}", sentences.what, sentences.advice));
        if !reason.detail.is_empty() {
            output::note(&format!("  {}", reason.detail));
        }
    }
    if let Some(purchase) = &report.purchase {
        super::purchase::print(purchase, language);
    }
    for copy in &report.copies {
        output::say(&format!("  {}", slip_line(copy, language)));
        if let Some(trouble) = &copy.trouble {
            let sentences = trouble.sentences(language);
            output::say(&format!("    {} {}", sentences.what, sentences.advice));
        }
    }
}

const fn done(kind: Kind, language: Language) -> &'static str {
    let (zh, en) = match kind {
        Kind::Sale | Kind::OfflineSale | Kind::CodePayment => ("已收款", "Paid"),
        Kind::PreAuthorisation => ("已预授权", "Set aside"),
        Kind::PreAuthorisationTopUp => ("已追加预授权", "Topped up"),
        Kind::Balance => ("余额", "On the account"),
        Kind::Void => ("已撤销", "Voided"),
        Kind::Refund | Kind::CodeRefund => ("已退款", "Refunded"),
        Kind::PreAuthorisationVoid => ("预授权已撤销", "Let go"),
        Kind::Completion | Kind::CompletionNotice => ("预授权已完成", "Completed"),
        Kind::CompletionVoid => ("预授权完成已撤销", "Completion voided"),
    };
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}

const fn not_done(kind: Kind, language: Language) -> &'static str {
    match (kind.money(), language) {
        (Money::ToMerchant, Language::Chinese) => "没有收款",
        (Money::ToMerchant, Language::English) => "Not paid",
        (Money::ToCustomer | Money::Held | Money::Released | Money::None, Language::Chinese) => "没有办理",
        (Money::ToCustomer | Money::Held | Money::Released | Money::None, Language::English) => "Not done",
    }
}

fn slip_line(copy: &CopyReport, language: Language) -> String {
    match language {
        Language::English => format!("{}: {}", copy.copy.word(), copy.state.word()),
        Language::Chinese => {
            let whose = match copy.copy {
                CopyFor::Merchant => "商户联",
                CopyFor::Customer => "顾客联",
            };
            let how = match copy.state {
                PrintState::Queued => "排队中",
                PrintState::Sending => "打印中",
                PrintState::SentUnconfirmed => "请看看打出来没有",
                PrintState::Printed => "已打印",
                PrintState::Failed => "没有打印",
            };
            format!("{whose}：{how}")
        }
    }
}

/// What to say of a reason now: a payment that has been taken back is no longer in doubt.
fn said(report: &SaleReport, reason: &Reason) -> Reason {
    match report.ending {
        Ending::Reversed => reason.once_taken_back(),
        Ending::Approved | Ending::Declined | Ending::Unresolved | Ending::Error | Ending::InPart => reason.clone(),
    }
}

fn milliseconds(duration: Duration) -> Value {
    // Tenths are enough for people and exact enough for programs.
    json!((duration.as_secs_f64() * 10_000.0).round() / 10.0)
}
