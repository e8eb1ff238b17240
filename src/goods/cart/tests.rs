use proptest::prelude::*;

use super::*;
use crate::goods::Category;
use crate::goods::sold::{come_to, taxes_of};
use crate::money::MAX_MINOR;

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn good(number: u32, minor: u64, unit: Unit) -> Good {
    Good {
        number: GoodNumber::new(number).unwrap(),
        name: GoodName::parse(&format!("good {number}")).unwrap(),
        barcodes: Vec::new(),
        price: yuan(minor),
        unit,
        tax_rate: TaxRate::new(1300).unwrap(),
        category: Category::default(),
        favourite: false,
    }
}

fn counts(cart: &Cart) -> Vec<u32> {
    cart.lines().iter().map(|line| line.quantity.count()).collect()
}

#[test]
fn pieces_of_one_good_are_counted_and_what_is_weighed_has_a_line_each() {
    let mut cart = Cart::new(Currency::CNY);
    let (cola, apples) = (good(1, 350, Unit::Piece), good(2, 1200, Unit::Kilogram));
    assert_eq!(cart.add(&cola, Quantity::Pieces(1)), Ok(0));
    assert_eq!(cart.add(&apples, Quantity::Grams(532)), Ok(1));
    assert_eq!(cart.add(&cola, Quantity::Pieces(2)), Ok(0));
    assert_eq!(cart.add(&apples, Quantity::Grams(100)), Ok(2));
    assert_eq!(counts(&cart), [3, 532, 100]);
    assert_eq!(cart.total(), yuan(1050 + 638 + 120));
    // Another price since: not the same line.
    assert_eq!(cart.add(&good(1, 400, Unit::Piece), Quantity::Pieces(1)), Ok(3));
    // What was taken off was taken off these three.
    cart.discount_line(0, Some(Discount::Minor(50))).unwrap();
    assert_eq!(cart.add(&cola, Quantity::Pieces(1)), Ok(4));
}

#[test]
fn a_line_counts_up_and_down_and_goes_with_its_last_piece() {
    let mut cart = Cart::new(Currency::CNY);
    cart.add(&good(1, 350, Unit::Piece), Quantity::Pieces(1)).unwrap();
    cart.discount_all(Some(Discount::Percent(1000))).unwrap();
    cart.one_more(0).unwrap();
    assert_eq!((counts(&cart), cart.total()), (vec![2], yuan(630)));
    cart.one_fewer(0).unwrap();
    cart.one_fewer(0).unwrap();
    assert!(cart.is_empty());
    assert_eq!((cart.discount(), cart.total()), (None, yuan(0)));
    assert_eq!(cart.one_fewer(0), Err(CartError::NoLine(1)));
}

#[test]
fn a_label_is_paid_as_it_stands_on_it() {
    let mut cart = Cart::new(Currency::CNY);
    let number = GoodNumber::new(2).unwrap();
    let apples = good(2, 1200, Unit::Kilogram);
    cart.add_labelled(&apples, &Label { number, weight: Some(Quantity::Grams(532)), price: None }).unwrap();
    assert_eq!(cart.total(), yuan(638));
    cart.add_labelled(&apples, &Label { number, weight: None, price: Some(640) }).unwrap();
    assert_eq!((cart.lines()[1].quantity, cart.total()), (Quantity::Grams(533), yuan(638 + 640)));
    let both = Label { number, weight: Some(Quantity::Grams(500)), price: Some(590) };
    cart.add_labelled(&apples, &both).unwrap();
    assert_eq!(cart.total(), yuan(638 + 640 + 590));
    let sold = cart.sold();
    assert_eq!(
        sold.lines().iter().map(SoldGood::is_priced_by_label).collect::<Vec<_>>(),
        [false, false, true],
        "the second comes to its price by weight as well"
    );
    let refused = Err(CartError::Weighed(apples.name.clone()));
    assert_eq!(cart.set_quantity(1, Quantity::Grams(1)), refused);
    assert_eq!(cart.one_more(0), Err(CartError::Weighed(apples.name)));
    // A pack with its own price is one piece.
    cart.add_labelled(&good(3, 0, Unit::Piece), &Label { number, weight: None, price: Some(99) }).unwrap();
    assert_eq!(cart.lines()[3].quantity, Quantity::Pieces(1));
    let weight = Label { number, weight: Some(Quantity::Grams(5)), price: None };
    assert!(matches!(cart.add_labelled(&good(3, 1, Unit::Piece), &weight), Err(CartError::Unit(..))));
}

#[test]
fn what_is_taken_off_is_never_more_than_there_is() {
    let mut cart = Cart::new(Currency::CNY);
    cart.add(&good(1, 350, Unit::Piece), Quantity::Pieces(2)).unwrap();
    cart.discount_line(0, Some(Discount::Minor(600))).unwrap();
    assert_eq!(cart.total(), yuan(100));
    cart.one_fewer(0).unwrap();
    assert_eq!(cart.total(), yuan(0));
    cart.one_more(0).unwrap();
    assert_eq!(cart.total(), yuan(100), "it was said for the line, and holds again");
    cart.discount_all(Some(Discount::Minor(MAX_MINOR))).unwrap();
    assert_eq!(cart.total(), yuan(0));
    assert_eq!(cart.discount_all(Some(Discount::Percent(10_001))), Err(CartError::Discount));
    assert_eq!(cart.discount_line(0, Some(Discount::Minor(MAX_MINOR + 1))), Err(CartError::Discount));
}

#[test]
fn what_does_not_fit_leaves_the_cart_as_it_was() {
    let mut cart = Cart::new(Currency::CNY);
    cart.add(&good(1, MAX_MINOR - 1, Unit::Piece), Quantity::Pieces(1)).unwrap();
    cart.add(&good(2, 1, Unit::Piece), Quantity::Pieces(1)).unwrap();
    let before = cart.clone();
    assert_eq!(cart.add(&good(2, 1, Unit::Piece), Quantity::Pieces(1)), Err(CartError::TooLarge));
    assert_eq!(cart.one_more(0), Err(CartError::TooLarge));
    assert!(matches!(cart.add(&good(3, 1, Unit::Piece), Quantity::Grams(1)), Err(CartError::Unit(..))));
    assert_eq!(cart.set_quantity(1, Quantity::Pieces(0)), Err(CartError::Nothing));
    assert_eq!(cart.set_quantity(1, Quantity::Pieces(Quantity::MOST + 1)), Err(CartError::TooMany));
    assert_eq!(cart.remove(7), Err(CartError::NoLine(8)));
    let dollars = Good { price: Amount::new(1, "USD".parse().unwrap()).unwrap(), ..good(4, 1, Unit::Piece) };
    assert!(matches!(cart.add(&dollars, Quantity::Pieces(1)), Err(CartError::Currency(..))));
    assert_eq!(cart, before);
    let mut cart = Cart::new(Currency::CNY);
    for number in 1..=MOST_LINES {
        cart.add(&good(number as u32, 1, Unit::Piece), Quantity::Pieces(1)).unwrap();
    }
    assert_eq!(cart.add(&good(999, 1, Unit::Piece), Quantity::Pieces(1)), Err(CartError::Full));
    assert_eq!(cart.add(&good(1, 1, Unit::Piece), Quantity::Pieces(1)), Ok(0), "on a line that is there");
}

#[test]
fn a_text_that_is_no_cart_is_refused() {
    let mut cart = Cart::new(Currency::CNY);
    cart.add(&good(1, 350, Unit::Piece), Quantity::Pieces(2)).unwrap();
    let stored = cart.to_stored().unwrap();
    assert_eq!(Cart::of_stored(&stored).unwrap(), cart);
    for (from, to) in [
        ("\"2\"", "\"0\""),
        ("\"2\"", "\"0.5\""),
        ("CNY", "XXX"),
        ("\"price\":350", "\"price\":-1"),
        ("\"price\":350", "\"price\":1000000000000"),
        ("\"number\":1", "\"number\":0"),
        ("{", "["),
        ("\"lines\"", "\"line\""),
    ] {
        let changed = stored.replacen(from, to, 1);
        assert_ne!(changed, stored);
        assert!(Cart::of_stored(&changed).is_err(), "{changed}");
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Add(u32, u64, u8, u32),
    Label(u32, u64, Option<u32>, Option<u64>),
    More(usize),
    Fewer(usize),
    Set(usize, bool, u32),
    Remove(usize),
    OffLine(usize, Option<Discount>),
    OffAll(Option<Discount>),
}

fn discount() -> impl Strategy<Value = Option<Discount>> {
    prop_oneof![
        Just(None),
        (0_u16..=10_001).prop_map(|points| Some(Discount::Percent(points))),
        (0_u64..=3_000_000).prop_map(|minor| Some(Discount::Minor(minor))),
        Just(Some(Discount::Minor(MAX_MINOR))),
    ]
}

fn price() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0_u64..100_000, 1 => 0_u64..=MAX_MINOR]
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = 1_u32..6;
    let line = 0_usize..8;
    prop_oneof![
        4 => (number.clone(), price(), 0_u8..4, 0_u32..3_000).prop_map(|(n, p, u, q)| Deed::Add(n, p, u, q)),
        2 => (number, price(), prop::option::of(0_u32..100_000), prop::option::of(0_u64..100_000))
            .prop_map(|(n, p, w, m)| Deed::Label(n, p, w, m)),
        1 => line.clone().prop_map(Deed::More),
        1 => line.clone().prop_map(Deed::Fewer),
        1 => (line.clone(), any::<bool>(), any::<u32>()).prop_map(|(l, g, q)| Deed::Set(l, g, q % 1_200_000)),
        1 => line.clone().prop_map(Deed::Remove),
        1 => (line, discount()).prop_map(|(l, d)| Deed::OffLine(l, d)),
        1 => discount().prop_map(Deed::OffAll),
    ]
}

/// Pieces or grams, as the unit is sold.
fn quantity(unit: Unit, count: u32) -> Quantity {
    if unit == Unit::Piece { Quantity::Pieces(count) } else { Quantity::Grams(count) }
}

fn play(cart: &mut Cart, deed: &Deed) -> Result<(), CartError> {
    match deed.clone() {
        Deed::Add(number, price, unit, count) => {
            let unit = Unit::ALL[usize::from(unit)];
            cart.add(&good(number, price, unit), quantity(unit, count)).map(|_| ())
        }
        Deed::Label(number, price, weight, minor) => {
            let good = good(number, price, if number % 2 == 0 { Unit::Kilogram } else { Unit::Piece });
            let label = Label { number: good.number, weight: weight.map(Quantity::Grams), price: minor };
            cart.add_labelled(&good, &label).map(|_| ())
        }
        Deed::More(line) => cart.one_more(line),
        Deed::Fewer(line) => cart.one_fewer(line),
        Deed::Set(line, grams, count) => {
            cart.set_quantity(line, if grams { Quantity::Grams(count) } else { Quantity::Pieces(count) })
        }
        Deed::Remove(line) => cart.remove(line),
        Deed::OffLine(line, discount) => cart.discount_line(line, discount),
        Deed::OffAll(discount) => cart.discount_all(discount),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_lines_sum_to_the_total_and_a_refusal_changes_nothing(
        deeds in prop::collection::vec(deed(), 0..80),
    ) {
        let mut cart = Cart::new(Currency::CNY);
        for deed in &deeds {
            let before = cart.clone();
            if play(&mut cart, deed).is_err() {
                prop_assert_eq!(&cart, &before, "{:?}", deed);
            }
            let sold = cart.sold();
            prop_assert!(come_to(sold.lines(), cart.total()));
            prop_assert!(cart.total().minor() <= MAX_MINOR);
            let sums = cart.sums();
            prop_assert_eq!(sums.price.minor() - sums.discount.minor(), sums.total.minor());
            prop_assert_eq!(taxes_of(sold.lines()), sums.taxes());
            for line in sold.lines() {
                prop_assert!(line.quantity.count() >= 1 && line.quantity.is_of(line.unit));
            }
        }
        prop_assert_eq!(Cart::of_stored(&cart.to_stored().unwrap()).unwrap(), cart);
    }
}
