//! What a till shows on the idle screen.

use yima::app::view::{Screen, View};
use yima::terminal::mark::Mark;
use yima::till::request::{Display, DisplayLine};

use super::{Scene, cny, scene, view};

/// A till's cart of so many lines; of many, with the longest texts and amounts.
pub fn till_cart(count: usize) -> Display {
    let line = |index: usize| {
        let (name, minor) = match index % 2 {
            0 if count > 2 => ("可口可乐无糖零卡经典原味汽水三百三十毫升罐装二十四罐整箱家庭装", 999_999_999_999),
            0 => ("可口可乐 330ml", 700),
            _ => ("苹果", 638),
        };
        DisplayLine { name: name.to_owned(), quantity: "0.532 kg".to_owned(), amount: cny(minor) }
    };
    let total = if count > 2 { 999_999_999_999 } else { 1338 };
    Display { lines: (0..count).map(line).collect(), total: cny(total) }
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let keypad = || Screen::Keypad { notice: None };
    vec![
        Scene {
            keys: "",
            view: View { display: Some(till_cart(2)), ..view(keypad()) },
            ..scene("till-cart", keypad())
        },
        Scene {
            keys: "",
            view: View { display: Some(till_cart(40)), mark: Mark::Test, ..view(keypad()) },
            ..scene("till-cart-fullest", keypad())
        },
    ]
}
