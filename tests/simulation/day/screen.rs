//! What is on the terminal's screen: kept for whoever looks at it, and noted in the trace.

use std::sync::{Arc, Mutex};

use yima::app::view::{CopyState, Screen, View};
use yima::app::{Listener, SaleReport};
use yima::wording::Reason;

use crate::trace::Trace;

/// What was shown last, and whether anybody has looked at it since.
#[derive(Default)]
pub struct Shown {
    pub view: Option<View>,
    pub fresh: bool,
}

/// Sees what the engine shows.
pub struct Watcher(pub Arc<Mutex<Shown>>, pub Trace);

impl Listener for Watcher {
    fn show(&mut self, view: &View) {
        self.1.note(format_args!("screen: {}", word(&view.screen)));
        let mut shown = self.0.lock().unwrap();
        shown.view = Some(view.clone());
        shown.fresh = true;
    }

    fn report(&mut self, report: &SaleReport) {
        let trace = report.trace.map(|trace| trace.to_string()).unwrap_or_default();
        self.1.note(format_args!("report: {} {trace}", report.ending.word()));
    }
}

/// What is on a screen, without what differs from one machine to the next.
pub fn word(screen: &Screen) -> String {
    let reason = |reason: Option<&Reason>| reason.map(|reason| reason.kind.word()).unwrap_or_default();
    match screen {
        Screen::Keypad { notice } => format!("keypad {}", reason(notice.as_ref())),
        Screen::PresentCard { notice, .. } => format!("present card {}", reason(notice.as_ref())),
        Screen::EnterPin { notice, .. } => format!("enter PIN {}", reason(notice.as_ref())),
        Screen::TypeNumber { notice, .. } => format!("type number {}", reason(notice.as_ref())),
        Screen::ChooseApplication { .. } => "choose application".to_owned(),
        Screen::ConfirmApplication { .. } => "confirm application".to_owned(),
        Screen::Processing { progress, .. } => format!("{progress:?}"),
        Screen::ShowCode { .. } => "show code".to_owned(),
        Screen::Sign { amount, .. } => format!("sign {}", amount.minor()),
        Screen::Approved { amount, copies, .. } => {
            let copies: Vec<_> = copies.iter().map(|copy| copy_word(&copy.state)).collect();
            format!("PAID {} {}", amount.minor(), copies.join(" "))
        }
        Screen::NotPaid { amount, reason: why, .. } => format!("NOT PAID {} {}", amount.minor(), reason(Some(why))),
        Screen::Unknown { amount, reason: why, tries, .. } => {
            format!("UNKNOWN {} {} {tries}", amount.minor(), reason(Some(why)))
        }
        Screen::Purchase(purchase) => format!("purchase {} {:?}", purchase.rest.minor(), purchase.stage),
        Screen::Transactions { rows, .. } => format!("{} transactions", rows.len()),
        Screen::Cash(_) => "cash".to_owned(),
        Screen::Seek { .. } => "seek".to_owned(),
        Screen::Tip(tip) => format!("tip {}", tip.due.minor()),
        Screen::Instalments(shown) => format!("instalments {}", shown.due.minor()),
        Screen::Turning(_) => "turning".to_owned(),
        Screen::Transaction(detail) => format!("transaction {}", detail.row.trace),
        Screen::Receipt(shown) => format!("receipt {}", shown.trace),
        Screen::Cart(cart) => format!("cart {}", cart.total.minor()),
        Screen::Goods(found) => format!("goods {}", found.goods.len()),
        Screen::Settlement(_) => "settlement".to_owned(),
        Screen::Queue { waiting, parked, .. } => format!("queue {waiting} {parked}"),
        Screen::Staff(_) => "staff".to_owned(),
        Screen::Enrol { .. } => "enrol".to_owned(),
        Screen::OutOfService { reason: why } => format!("out of service {}", reason(Some(why))),
    }
}

const fn copy_word(state: &CopyState) -> &'static str {
    match state {
        CopyState::Queued => "queued",
        CopyState::Sending => "sending",
        CopyState::Waiting(_) => "waiting",
        CopyState::Asks(_) => "asks",
        CopyState::Printed => "printed",
        CopyState::Failed(_) => "failed",
    }
}
