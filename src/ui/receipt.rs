//! Binder of `ui/api/receipt.slint`: a slip as it is on paper.

use slint::{ComponentHandle, Image, Rgb8Pixel, SharedPixelBuffer};

use super::generated::{self, AppWindow, Receipt};
use super::{Intents, Shared, copies};
use crate::app::receipt_view::{PaperView, ReceiptView};
use crate::app::view::{Intent, Screen, View};
use crate::receipt::CopyFor;
use crate::reference::TraceNumber;

/// Connects the wishes for a slip and the way back.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let receipt = window.global::<Receipt>();
    let (state, sender) = (shared.clone(), intents.clone());
    receipt.on_show(move || {
        if let Some(trace) = state.with(|state| shown(state.view.as_ref())) {
            // The customer's is the one that is asked for.
            sender.send(Intent::ShowReceipt(trace, CopyFor::Customer));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    receipt.on_show_copy(move |copy| {
        let copy = match copy {
            generated::CopyFor::Merchant => CopyFor::Merchant,
            generated::CopyFor::Customer => CopyFor::Customer,
        };
        if let Some(trace) = state.with(|state| shown(state.view.as_ref())) {
            sender.send(Intent::ShowReceipt(trace, copy));
        }
    });
    let sender = intents.clone();
    receipt.on_back(move || sender.send(Intent::LeaveReceipt));
}

/// Of which transaction a slip can be asked for here.
fn shown(view: Option<&View>) -> Option<TraceNumber> {
    match &view?.screen {
        Screen::Approved { trace, .. } => Some(*trace),
        Screen::Transaction(detail) => Some(detail.row.trace),
        Screen::Receipt(shown) => Some(shown.trace),
        _ => None,
    }
}

/// Shows it.
pub(super) fn show(window: &AppWindow, shown: &ReceiptView) {
    let receipt = window.global::<Receipt>();
    receipt.set_trace(shown.trace.to_string().into());
    receipt.set_copy(copies::whose(shown.copy));
    let side = |dots: u32| i32::try_from(dots).unwrap_or_default();
    match &shown.paper {
        Some(paper) => {
            receipt.set_paper(picture(paper));
            receipt.set_rows(side(paper.height()));
            receipt.set_dots(side(paper.width));
        }
        None => {
            receipt.set_dots(0);
            receipt.set_rows(0);
        }
    }
}

/// A pixel for each dot.
fn picture(paper: &PaperView) -> Image {
    let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(paper.width, paper.height());
    for (pixel, shade) in pixels.make_mut_slice().iter_mut().zip(&paper.dots) {
        *pixel = Rgb8Pixel::new(*shade, *shade, *shade);
    }
    Image::from_rgb8(pixels)
}
