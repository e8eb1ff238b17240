//! Binder of `ui/api/cart.slint`: what is in the cart, what is typed about it, and what a scanner says.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::amount_entry::AmountEntry;
use super::generated::{self, AppWindow, Cart, CartStep, ScreenName, Screens};
use super::{Intents, Shared, values};
use crate::app::shop_view::{CartView, LineView, ShopIntent};
use crate::app::view::{Intent, Screen};
use crate::goods::{Discount, GoodNumber, Quantity, Unit};
use crate::money::{Amount, Currency};
use crate::wording::Language;

/// The largest number that can be typed: as many pieces or grams as a line has.
const MOST: u64 = Quantity::MOST as u64;

/// Hundredths of a percent in one.
const BASIS_POINTS: u64 = 100;

/// A number of pieces or grams, percent or minor units: which of them, the step says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumberTyped(u64);

impl NumberTyped {
    fn type_digits(&mut self, digits: &str) {
        let typed = digits
            .bytes()
            .filter(u8::is_ascii_digit)
            .fold(self.0, |number, digit| number * 10 + u64::from(digit - b'0'));
        // A key whose digits would not all fit is ignored.
        if typed <= MOST {
            self.0 = typed;
        }
    }

    fn percent(self) -> Option<Discount> {
        let points = u16::try_from(self.0 * BASIS_POINTS).ok().filter(|points| (1..=10_000).contains(points));
        points.map(Discount::Percent)
    }

    fn count(self) -> u32 {
        u32::try_from(self.0).unwrap_or(Quantity::MOST)
    }
}

/// Connects everything.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let cart = window.global::<Cart>();
    let send = |intent: fn() -> ShopIntent| {
        let sender = intents.clone();
        move || sender.send(Intent::Shop(intent()))
    };
    cart.on_show(send(|| ShopIntent::ShowCart));
    cart.on_empty(send(|| ShopIntent::Empty));
    cart.on_hold(send(|| ShopIntent::Hold));
    cart.on_pay(send(|| ShopIntent::Pay));
    let line = |intent: fn(usize) -> ShopIntent| {
        let sender = intents.clone();
        move |index: i32| {
            if let Ok(index) = usize::try_from(index) {
                sender.send(Intent::Shop(intent(index)));
            }
        }
    };
    cart.on_one_more(line(ShopIntent::OneMore));
    cart.on_one_fewer(line(ShopIntent::OneFewer));
    cart.on_remove(line(ShopIntent::Remove));
    let sender = intents.clone();
    cart.on_take_up(move |number| {
        if let Ok(number) = u8::try_from(number) {
            sender.send(Intent::Shop(ShopIntent::TakeUp(number)));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    cart.on_turn_page(move |by| {
        let target = state.with(|state| match state.view.as_ref().map(|view| &view.screen) {
            Some(Screen::Cart(cart)) => {
                let by = isize::try_from(by).unwrap_or(0);
                cart.page.checked_add_signed(by).filter(|target| *target < cart.pages)
            }
            _ => None,
        });
        if let Some(target) = target {
            sender.send(Intent::Shop(ShopIntent::TurnTo(target)));
        }
    });
    setup_number(window, shared, intents);
    setup_scanner(window, shared, intents);
}

/// What is typed about a line or the whole.
fn setup_number(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let cart = window.global::<Cart>();
    let change = |change: fn(&mut NumberTyped, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            if let Some(window) = weak.upgrade() {
                shared.with(|state| change(&mut state.number, digits));
                show_number(&window, &shared);
            }
        }
    };
    let type_digits = change(NumberTyped::type_digits);
    cart.on_type_digits(move |digits| type_digits(&digits));
    let delete = change(|number, _| number.0 /= 10);
    cart.on_delete(move || delete(""));
    let clear = change(|number, _| number.0 = 0);
    cart.on_clear(move || clear(""));
    // What was typed is sent, and the list is shown again.
    let done = |intent: fn(NumberTyped, i32, &Shared) -> Option<ShopIntent>| {
        let (weak, shared, sender) = (window.as_weak(), shared.clone(), intents.clone());
        move || {
            let Some(window) = weak.upgrade() else { return };
            let cart = window.global::<Cart>();
            let chosen = if cart.get_whole() { -1 } else { cart.get_chosen().index };
            let number = shared.with(|state| state.number);
            if let Some(intent) = intent(number, chosen, &shared) {
                cart.set_step(CartStep::List);
                sender.send(Intent::Shop(intent));
            }
        }
    };
    cart.on_set_quantity(done(|number, chosen, _| {
        Some(ShopIntent::Pieces(usize::try_from(chosen).ok()?, number.count()))
    }));
    cart.on_set_weight(done(|number, _, shared| {
        Some(ShopIntent::Weighed(weighing(shared)?, number.count())).filter(|_| number.0 > 0)
    }));
    cart.on_take_off_percent(done(|number, chosen, _| {
        Some(ShopIntent::Discount(usize::try_from(chosen).ok(), Some(number.percent()?)))
    }));
    cart.on_take_off_amount(done(|number, chosen, _| {
        let discount = Some(Discount::Minor(number.0)).filter(|_| number.0 > 0)?;
        Some(ShopIntent::Discount(usize::try_from(chosen).ok(), Some(discount)))
    }));
    cart.on_take_nothing_off(done(|_, chosen, _| Some(ShopIntent::Discount(usize::try_from(chosen).ok(), None))));
}

fn weighing(shared: &Shared) -> Option<GoodNumber> {
    shared.with(|state| match state.view.as_ref().map(|view| &view.screen) {
        Some(Screen::Cart(cart)) => cart.weighing.as_ref().map(|good| good.number),
        _ => None,
    })
}

/// What comes at the list: a barcode and Return; Return alone takes the payment.
fn setup_scanner(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let cart = window.global::<Cart>();
    let (weak, state) = (window.as_weak(), shared.clone());
    cart.on_scan_digits(move |digits| {
        state.with(|state| state.scanned.digit(&digits));
        show_scanned(&weak, &state);
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    cart.on_delete_scanned(move || {
        state.with(|state| state.scanned.delete());
        show_scanned(&weak, &state);
    });
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    cart.on_enter(move || {
        let (code, echoes) = state.with(|state| (state.scanned.take(), state.scanned.echoes()));
        show_scanned(&weak, &state);
        match code {
            Some(code) => sender.send(Intent::Shop(ShopIntent::Scan(code))),
            // Of a scanner that ends with two of them, the second one pays for nothing.
            None if echoes => {}
            None => sender.send(Intent::Shop(ShopIntent::Pay)),
        }
    });
}

fn show_scanned(weak: &slint::Weak<AppWindow>, shared: &Shared) {
    if let Some(window) = weak.upgrade() {
        let digits = shared.with(|state| state.scanned.digits().to_owned());
        window.global::<Cart>().set_scanned(digits.into());
    }
}

fn show_number(window: &AppWindow, shared: &Shared) {
    let (number, currency) =
        shared.with(|state| (state.number, state.view.as_ref().map_or(Currency::CNY, |view| view.currency)));
    let cart = window.global::<Cart>();
    cart.set_typed_count(number.0.to_string().into());
    cart.set_typed_weight(format!("{} kg", Quantity::Grams(number.count())).into());
    cart.set_typed_percent(format!("{}%", number.0).into());
    let mut entry = AmountEntry::new(currency);
    entry.type_digits(&number.0.to_string());
    cart.set_typed_amount(values::money_text(entry.amount()).into());
    cart.set_typed_something(number.0 > 0);
    cart.set_percent_possible(number.percent().is_some());
}

/// Shows the cart. Whoever has touched what is sold by weight is asked for it.
pub(super) fn show(window: &AppWindow, shared: &Shared, view: &CartView, language: Language) {
    let cart = window.global::<Cart>();
    // What was keyed on another screen is no part of a barcode.
    if window.global::<Screens>().get_current() != ScreenName::Cart {
        shared.with(|state| state.scanned.clear());
        cart.set_scanned(SharedString::default());
    }
    let lines: Vec<generated::CartLine> = view.lines.iter().map(|line| line_of(line, language)).collect();
    cart.set_lines(ModelRc::from(lines.as_slice()));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    cart.set_page(count(view.page.saturating_add(1)));
    cart.set_pages(count(view.pages));
    cart.set_count(count(view.count));
    cart.set_total(values::money(view.total));
    cart.set_discount(off(view.discount).into());
    let held: Vec<generated::HeldCart> = view
        .held
        .iter()
        .map(|held| generated::HeldCart {
            number: held.number.into(),
            at: held.at.strftime("%H:%M").to_string().into(),
            first: held.first.clone().into(),
            total: values::money_text(held.total).into(),
        })
        .collect();
    cart.set_held(ModelRc::from(held.as_slice()));
    cart.set_notice(values::sentences(view.notice.as_ref(), language));
    cart.set_ready(!view.total.is_zero());
    match &view.weighing {
        Some(good) => {
            cart.set_weighing(good.name.clone().into());
            if cart.get_step() != CartStep::Weight {
                shared.with(|state| state.number = NumberTyped::default());
                cart.set_step(CartStep::Weight);
            }
        }
        None if cart.get_step() == CartStep::Weight => cart.set_step(CartStep::List),
        None => {}
    }
    show_number(window, shared);
}

/// Nothing is worked on any more, and nothing half scanned.
pub(super) fn leave(window: &AppWindow, shared: &Shared) {
    let cart = window.global::<Cart>();
    if cart.get_step() != CartStep::List {
        cart.set_step(CartStep::List);
    }
    if !cart.get_scanned().is_empty() {
        shared.with(|state| state.scanned.clear());
        cart.set_scanned(SharedString::default());
    }
}

fn line_of(line: &LineView, language: Language) -> generated::CartLine {
    let price = line.price.grouped();
    let how_much = match line.quantity {
        Quantity::Pieces(count) => format!("{count} × {price}"),
        Quantity::Grams(_) => format!("{} kg × {price} / {}", line.quantity, line.unit.name(language)),
    };
    generated::CartLine {
        index: i32::try_from(line.index).unwrap_or(i32::MAX),
        name: line.name.clone().into(),
        how_much: how_much.into(),
        discount: off(line.discount).into(),
        total: line.total.grouped().into(),
        pieces: line.unit == Unit::Piece,
    }
}

fn off(discount: Amount) -> String {
    if discount.is_zero() { String::new() } else { format!("−{}", discount.grouped()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> NumberTyped {
        let mut number = NumberTyped::default();
        for key in keys {
            number.type_digits(key);
        }
        number
    }

    #[test]
    fn a_number_is_typed_as_long_as_it_fits() {
        assert_eq!(typed(&["5", "3", "2"]).count(), 532);
        assert_eq!(typed(&["9", "9", "9", "9", "9", "9", "1"]).count(), 999_999);
        assert_eq!(typed(&["9", "9", "9", "9", "9", "00"]).count(), 99_999);
    }

    #[test]
    fn a_percentage_is_one_to_a_hundred() {
        assert_eq!(typed(&["1", "0"]).percent(), Some(Discount::Percent(1000)));
        assert_eq!(typed(&["1", "00"]).percent(), Some(Discount::Percent(10_000)));
        for keys in [&["0"][..], &["1", "0", "1"], &["9", "9", "9", "9", "9", "9"]] {
            assert_eq!(typed(keys).percent(), None, "{keys:?}");
        }
    }
}
