//! Goods that a request tells of.

use super::*;
use crate::goods::SoldGood;
use crate::receipt::tests::long_slip;

/// Two lines of goods, one with a discount: 6.00 and 1.00.
fn lines() -> Vec<SoldGood> {
    let lines: Vec<_> = long_slip().goods.into_iter().take(2).collect();
    assert!(lines.iter().any(|line| !line.discount.is_zero()));
    lines
}

fn telling(stan: u32, minor: u64, tip: u64) -> SaleRequest {
    let lines = lines();
    let due = lines.iter().fold(0, |sum, line| sum + line.amount.minor());
    let sold = Sold::of_lines(lines, cny(due)).with_tip(cny(due), cny(tip)).unwrap();
    SaleRequest { sold, ..sale(stan, minor) }
}

#[test]
fn goods_that_come_to_something_else_than_the_amount_are_refused_before_anything_is_booked() {
    let house = House::new();
    let link = house.link();
    for (stan, minor, tip) in [(1, 701, 0), (2, 700, 100), (3, 699, 0)] {
        assert_eq!(code(link.sale(&telling(stan, minor, tip))), "30", "{minor} {tip}");
    }
    assert_eq!((house.balance(), house.running.ledger().unwrap().len()), (BALANCE, 0));
    assert_eq!(code(link.sale(&telling(4, 700, 0))), "00");
    assert_eq!(code(link.sale(&telling(5, 800, 100))), "00", "with the tip");
    assert_eq!(house.balance(), BALANCE - 1500);
}

#[test]
fn what_is_told_of_goods_changes_nothing_that_is_answered_or_taken_back() {
    let house = House::new();
    let link = house.link();
    let answer = link.sale(&telling(1, 700, 0)).unwrap();
    assert!(issuer_is_right(&answer, 1, 700));
    assert_eq!(code(link.reverse(&reversal(1, 700))), "00");
    assert_eq!(house.balance(), BALANCE);
}
