//! What is told of the terminal and its payments, made of what is on the screen and in the ledger.

use super::desk::Who;
use crate::app::view::{LinkState, Progress, Screen, View};
use crate::ledger::TransactionRow;
use crate::till::answer::{Card, Facts, PaymentAnswer, PaymentState, StatusAnswer, Why};
use crate::till::request::Money;
use crate::till_keys::PaymentRow;
use crate::wording::Reason;

/// What a payment is at, by the screen it is on; nothing where the screen shows something else.
pub fn progress(screen: &Screen) -> Option<&'static str> {
    match screen {
        Screen::PresentCard { .. } | Screen::TypeNumber { .. } => Some("present_card"),
        Screen::EnterPin { .. } => Some("entering_pin"),
        Screen::ChooseApplication { .. } | Screen::ConfirmApplication { .. } => Some("choosing_application"),
        Screen::ShowCode { .. } => Some("showing_code"),
        Screen::Processing { progress, .. } => Some(match progress {
            Progress::ReadingCard => "reading_card",
            Progress::AskingHost | Progress::ComparingClocks => "asking_host",
            Progress::CompletingCard => "completing_card",
            Progress::WaitingForCustomer => "waiting_for_customer",
            Progress::ClosingOrder => "closing_order",
            Progress::AskingAboutEarlier | Progress::ReversingEarlier => "waiting_for_earlier",
            Progress::SigningOn => "signing_on",
        }),
        Screen::Keypad { .. }
        | Screen::Approved { .. }
        | Screen::Sign { .. }
        | Screen::NotPaid { .. }
        | Screen::Unknown { .. }
        | Screen::Purchase(_)
        | Screen::Transactions { .. }
        | Screen::Seek { .. }
        | Screen::Tip(_)
        | Screen::Instalments(_)
        | Screen::Transaction(_)
        | Screen::Receipt(_)
        | Screen::Cart(_)
        | Screen::Cash(_)
        | Screen::Goods(_)
        | Screen::Queue { .. }
        | Screen::Settlement(_)
        | Screen::Staff(_)
        | Screen::Enrol { .. }
        | Screen::Turning(_)
        | Screen::OutOfService { .. } => None,
    }
}

/// What a payment is at before the screen shows anything of it.
pub const BEGINNING: &str = "beginning";

fn status_word(screen: &Screen) -> &'static str {
    match screen {
        Screen::OutOfService { .. } | Screen::Enrol { .. } | Screen::Turning(_) => "out_of_service",
        Screen::Processing { progress: Progress::SigningOn, .. } => "signing_on",
        Screen::Processing { progress: Progress::ReversingEarlier | Progress::AskingAboutEarlier, .. } => {
            "reversing_earlier"
        }
        // The customer who has paid is still there.
        Screen::Sign { .. } => "busy",
        // Its rest is paid at the terminal, and nothing begins before.
        Screen::Purchase(_) => "busy",
        other if progress(other).is_some() => "busy",
        _ => "ready",
    }
}

/// How the terminal does.
pub fn status(view: &View, who: &Who) -> StatusAnswer {
    let state = status_word(&view.screen);
    let reason = match &view.screen {
        Screen::Keypad { notice } => notice.as_ref(),
        Screen::OutOfService { reason } | Screen::Unknown { reason, .. } => Some(reason),
        _ => None,
    };
    StatusAnswer {
        state,
        can_begin: state == "ready",
        reason: reason.map(Why::of),
        link: match view.link {
            LinkState::Untried => "untried",
            LinkState::Online => "online",
            LinkState::Offline => "offline",
            LinkState::HostSilent => "host_silent",
            LinkState::Refused => "refused",
        },
        unknown_payments: view.waiting,
        queued: view.queued,
        merchant_name: view.merchant_name.clone(),
        merchant_code: who.merchant_code.clone(),
        terminal_number: who.terminal_number.clone(),
        currency: view.currency.code().to_owned(),
        test: view.mark.is_for_tests(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// What is known of a payment when it is written down.
pub fn first_facts(row: &PaymentRow) -> Facts {
    Facts { amount: row.request.amount.map(Money::of), ..Facts::default() }
}

/// What is known of a payment that runs.
pub fn known_facts(row: &PaymentRow) -> Facts {
    if row.facts.amount.is_some() { row.facts.clone() } else { first_facts(row) }
}

/// What the ledger says of a payment. `reason`: what its end was said to be, which knows more than the ledger's word.
pub fn facts_of(found: &TransactionRow, reason: Option<&Reason>) -> Facts {
    let sense = found.kind.sense();
    let by_ledger = || {
        let kind = found.reason?;
        Some(Reason { code: found.response_code.clone(), ..Reason::of(kind) }.of_sense(sense))
    };
    let reason = reason.filter(|reason| found.reason == Some(reason.kind)).cloned().or_else(by_ledger);
    let card = (!found.truncated_pan.is_empty())
        .then(|| Card { pan: found.truncated_pan.clone(), label: found.application_label.clone() });
    Facts {
        amount: Some(Money::of(found.amount)),
        batch: Some(found.trace.batch.to_string()),
        stan: Some(found.trace.stan.to_string()),
        rrn: found.rrn.as_ref().map(ToString::to_string),
        auth_code: found.authorisation_code.as_ref().map(ToString::to_string),
        response_code: found.response_code.as_ref().map(ToString::to_string),
        card,
        reason: reason.as_ref().map(Why::of),
    }
}

/// What is told of a payment.
pub fn payment(row: &PaymentRow, state: PaymentState, facts: &Facts, progress: Option<&'static str>) -> PaymentAnswer {
    PaymentAnswer {
        key: row.key.to_string(),
        kind: row.request.kind,
        state: state.word(),
        is_final: state.is_final(),
        money: state.money(),
        progress,
        facts: facts.clone(),
        accepted_at: row.accepted_at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::CodePaper;
    use crate::money::{Amount, Currency};
    use crate::till::answer::{PROGRESS, STATUS};

    #[test]
    fn every_progress_is_a_word_that_tills_know() {
        let amount = Amount::zero(Currency::CNY);
        let mut screens: Vec<Screen> = [
            Progress::ReadingCard,
            Progress::AskingHost,
            Progress::CompletingCard,
            Progress::WaitingForCustomer,
            Progress::ClosingOrder,
            Progress::AskingAboutEarlier,
            Progress::ReversingEarlier,
            Progress::SigningOn,
            Progress::ComparingClocks,
        ]
        .into_iter()
        .map(|progress| Screen::Processing { amount, progress })
        .collect();
        screens.push(Screen::PresentCard { amount, notice: None });
        screens.push(Screen::ConfirmApplication { amount, application: String::new() });
        screens.push(Screen::ShowCode { amount, code: String::new(), valid_until: None, paper: CodePaper::None });
        for screen in &screens {
            let word = progress(screen).unwrap();
            assert!(PROGRESS.contains(&word), "{word}");
            assert!(STATUS.contains(&status_word(screen)) && status_word(screen) != "ready");
        }
        assert!(PROGRESS.contains(&BEGINNING));
        assert_eq!(status_word(&Screen::Keypad { notice: None }), "ready");
    }
}
