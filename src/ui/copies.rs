//! Binder of `ui/api/copies.slint`: the slips on their way to paper.

use slint::{ComponentHandle, ModelRc};

use super::generated::{self, AppWindow, Copies};
use super::{Intents, values};
use crate::app::view::{CopyState, CopyView, Intent};
use crate::receipt::CopyFor;
use crate::wording::Language;

/// Connects the answer to "Did it print?" and the wish to print once more.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let again = intents.clone();
    window.global::<Copies>().on_print_again(move || again.send(Intent::RetryPrint));
    let intents = intents.clone();
    window.global::<Copies>().on_did_it_print(move |copy, printed| {
        let copy = match copy {
            generated::CopyFor::Merchant => CopyFor::Merchant,
            generated::CopyFor::Customer => CopyFor::Customer,
        };
        intents.send(Intent::DidItPrint { copy, printed });
    });
}

/// Shows how far the slips are; asks about the first that only a person can judge.
pub(super) fn show(window: &AppWindow, copies: &[CopyView], language: Language) {
    let shown = window.global::<Copies>();
    let all: Vec<generated::Copy> =
        copies.iter().map(|copy| generated::Copy { copy: whose(copy.copy), state: how_far(&copy.state) }).collect();
    shown.set_all(ModelRc::from(all.as_slice()));
    let asked = copies.iter().find(|copy| matches!(copy.state, CopyState::Asks(_)));
    shown.set_asks(asked.is_some());
    if let Some(asked) = asked {
        shown.set_asked(whose(asked.copy));
    }
    let failed = copies.iter().any(|copy| matches!(copy.state, CopyState::Failed(_)));
    let under_way =
        copies.iter().any(|copy| matches!(copy.state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_)));
    shown.set_failed(failed && !under_way);
    let trouble = copies.iter().find_map(|copy| match &copy.state {
        CopyState::Waiting(reason) | CopyState::Failed(reason) | CopyState::Asks(Some(reason)) => Some(reason),
        CopyState::Queued | CopyState::Sending | CopyState::Asks(None) | CopyState::Printed => None,
    });
    shown.set_trouble(values::sentences(trouble, language));
}

pub(super) fn whose(copy: CopyFor) -> generated::CopyFor {
    match copy {
        CopyFor::Merchant => generated::CopyFor::Merchant,
        CopyFor::Customer => generated::CopyFor::Customer,
    }
}

fn how_far(state: &CopyState) -> generated::CopyState {
    match state {
        CopyState::Queued => generated::CopyState::Queued,
        CopyState::Sending => generated::CopyState::Sending,
        CopyState::Waiting(_) => generated::CopyState::Waiting,
        CopyState::Asks(_) => generated::CopyState::Asks,
        CopyState::Printed => generated::CopyState::Printed,
        CopyState::Failed(_) => generated::CopyState::Failed,
    }
}
