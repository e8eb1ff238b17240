//! Binder of `ui/api/goods.slint`: favourites on the keypad, and goods that are looked for by what is typed.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::generated::{self, AppWindow, Cash, Goods};
use super::{Intents, Shared, values};
use crate::app::shop_view::{FoundView, GoodView, ShopIntent, ShopView};
use crate::app::view::{Intent, Screen};
use crate::goods::GoodNumber;
use crate::wording::Language;

/// Characters that can be typed: more than any name needs.
const LONGEST: usize = 20;

/// Connects everything.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let goods = window.global::<Goods>();
    // What is typed is shown at once; what is found comes when the engine has looked.
    let change = |change: fn(&mut String, &str)| {
        let (weak, shared, sender) = (window.as_weak(), shared.clone(), intents.clone());
        move |typed: &str| {
            let text = shared.with(|state| {
                change(&mut state.search, typed);
                state.search.clone()
            });
            if let Some(window) = weak.upgrade() {
                window.global::<Goods>().set_text(text.clone().into());
            }
            sender.send(Intent::Shop(ShopIntent::Search(text, 0)));
        }
    };
    let typed = change(|text, typed| {
        let fits = |character: &char| character.is_alphanumeric() || *character == ' ';
        let typed = typed.chars().filter(fits).flat_map(char::to_lowercase);
        *text = text.chars().chain(typed).take(LONGEST).collect();
    });
    goods.on_type(move |text| typed(&text));
    let delete = change(|text, _| {
        text.pop();
    });
    goods.on_delete(move || delete(""));
    let clear = change(|text, _| text.clear());
    goods.on_clear(move || clear(""));
    let open = change(|text, _| text.clear());
    goods.on_open(move || open(""));
    let sender = intents.clone();
    goods.on_add(move |number| {
        if let Some(number) = u32::try_from(number).ok().and_then(|number| GoodNumber::new(number).ok()) {
            sender.send(Intent::Shop(ShopIntent::Add(number)));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    goods.on_enter(move || {
        // Only what was found by what is typed now.
        let first = state.with(|state| match state.view.as_ref().map(|view| &view.screen) {
            Some(Screen::Goods(found)) if found.text == state.search && !found.text.is_empty() => {
                found.goods.first().map(|good| good.number)
            }
            _ => None,
        });
        if let Some(number) = first {
            sender.send(Intent::Shop(ShopIntent::Add(number)));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    goods.on_turn_page(move |by| {
        let target = state.with(|state| match state.view.as_ref().map(|view| &view.screen) {
            Some(Screen::Goods(found)) => {
                let by = isize::try_from(by).unwrap_or(0);
                let target = found.page.checked_add_signed(by).filter(|target| *target < found.pages)?;
                Some((found.text.clone(), target))
            }
            _ => None,
        });
        if let Some((text, target)) = target {
            sender.send(Intent::Shop(ShopIntent::Search(text, target)));
        }
    });
}

/// Shows what every screen may need.
pub(super) fn show_shop(window: &AppWindow, shop: &ShopView, language: Language) {
    let goods = window.global::<Goods>();
    goods.set_quick(ModelRc::from(rows(&shop.quick, language).as_slice()));
    goods.set_in_cart(i32::try_from(shop.in_cart).unwrap_or(i32::MAX));
    window.global::<Cash>().set_possible(shop.cash);
}

/// Shows what was found.
pub(super) fn show(window: &AppWindow, shared: &Shared, found: &FoundView, language: Language) {
    let goods = window.global::<Goods>();
    goods.set_found(ModelRc::from(rows(&found.goods, language).as_slice()));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    goods.set_page(count(found.page.saturating_add(1)));
    goods.set_pages(count(found.pages));
    goods.set_notice(values::sentences(found.notice.as_ref(), language));
    let typed = shared.with(|state| state.search.clone());
    goods.set_text(SharedString::from(typed));
}

fn rows(goods: &[GoodView], language: Language) -> Vec<generated::GoodRow> {
    let row = |good: &GoodView| generated::GoodRow {
        number: i32::try_from(good.number.number()).unwrap_or(i32::MAX),
        name: good.name.clone().into(),
        price: format!("{} / {}", values::money_text(good.price), good.unit.name(language)).into(),
    };
    goods.iter().map(row).collect()
}
