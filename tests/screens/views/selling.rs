//! Goods and the cart.

use yima::app::shop_view::{CART_LINES_PER_PAGE, CartView, FoundView, GoodView, HeldView, LineView, ShopView};
use yima::app::view::{Screen, View};
use yima::goods::{GoodNumber, Quantity, Unit};
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use super::{Scene, at, cny, scene, view};

pub fn good(number: u32, name: &str, minor: u64, unit: Unit) -> GoodView {
    GoodView { number: GoodNumber::new(number).unwrap(), name: name.to_owned(), price: cny(minor), unit }
}

/// Favourites, one with a name as long as it may be.
pub fn quick() -> ShopView {
    let quick = vec![
        good(1, "豆浆", 300, Unit::Piece),
        good(2, "招牌红烧牛肉面加大份加牛肉加香菜不要辣", 4_800, Unit::Piece),
        good(3, "苹果", 1_200, Unit::Kilogram),
    ];
    ShopView { quick, in_cart: 3, cash: false }
}

/// A page of the cart with as much on it as there may be.
pub fn cart() -> CartView {
    let line = |index: usize, name: &str, quantity: Quantity, unit, price, discount, total| LineView {
        index,
        name: name.to_owned(),
        quantity,
        unit,
        price: cny(price),
        discount: cny(discount),
        total: cny(total),
    };
    CartView {
        lines: vec![
            line(0, "豆浆", Quantity::Pieces(2), Unit::Piece, 300, 0, 600),
            line(1, "苹果", Quantity::Grams(532), Unit::Kilogram, 1_200, 38, 600),
            line(2, "招牌红烧牛肉面加大份加牛肉加香菜不要辣", Quantity::Pieces(1), Unit::Piece, 4_800, 0, 4_800),
        ],
        page: 0,
        pages: 1,
        count: 3,
        total: cny(6_000),
        discount: cny(38),
        held: Vec::new(),
        weighing: None,
        notice: None,
    }
}

/// Several pages of goods that cost as much as can be paid, carts put aside, and something that went wrong.
pub fn fullest_cart() -> CartView {
    let long = "Extra large iced americano with oat milk and a second shot";
    let lines = (0..CART_LINES_PER_PAGE)
        .map(|index| LineView {
            index,
            name: long.to_owned(),
            quantity: if index == 1 { Quantity::Grams(999_999) } else { Quantity::Pieces(999_999) },
            unit: if index == 1 { Unit::HundredGrams } else { Unit::Piece },
            price: cny(99_999),
            discount: cny(99_999),
            total: cny(99_999_800_001),
        })
        .collect();
    let held = (1..=6)
        .map(|number| HeldView { number, at: at(14, 20, 0), total: cny(99_999_999_999), first: long.to_owned() })
        .collect();
    CartView {
        lines,
        pages: 50,
        count: 200,
        total: cny(999_999_999_999),
        discount: cny(99_999_999_999),
        held,
        notice: Some(Reason::with_detail(ReasonKind::GoodUnknown, "6901028075763")),
        ..cart()
    }
}

/// Goods by first letters.
pub fn found(text: &str) -> Screen {
    Screen::Goods(Box::new(FoundView {
        text: text.to_owned(),
        goods: vec![
            good(1, "可口可乐 330ml", 350, Unit::Piece),
            good(2, "招牌红烧牛肉面加大份加牛肉加香菜不要辣", 4_800, Unit::Piece),
            good(3, "苹果", 1_200, Unit::Jin),
            good(4, "Extra large iced americano with oat milk", 999_999_999_999, Unit::HundredGrams),
        ],
        page: 1,
        pages: 10,
        notice: None,
    }))
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let keypad = |notice| Screen::Keypad { notice };
    vec![
        scene("cart", Screen::Cart(Box::new(cart()))),
        scene(
            "cart-empty",
            Screen::Cart(Box::new(CartView {
                lines: Vec::new(),
                count: 0,
                total: cny(0),
                discount: cny(0),
                held: fullest_cart().held,
                ..cart()
            })),
        ),
        Scene {
            view: View { mark: Mark::Test, shop: quick(), ..view(Screen::Cart(Box::new(fullest_cart()))) },
            ..scene("cart-fullest", keypad(None))
        },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(Screen::Cart(Box::new(CartView {
                    weighing: Some(good(3, "苹果", 1_200, Unit::Kilogram)),
                    ..cart()
                })))
            },
            then: "532",
            ..scene("cart-weighing", keypad(None))
        },
        Scene { view: View { mark: Mark::Test, ..view(found("kkkl")) }, ..scene("goods", keypad(None)) },
        scene(
            "goods-none",
            Screen::Goods(Box::new(FoundView {
                text: "xyz".to_owned(),
                goods: Vec::new(),
                page: 0,
                pages: 1,
                notice: None,
            })),
        ),
    ]
}
