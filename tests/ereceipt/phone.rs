//! What a customer reads on the phone: goods with their tip, what went back, and all parts of a purchase on one page.

use serde_json::Value;

use crate::browser::Browser;
use crate::support::counter::Counter;
use crate::{code_on, counter, counter_with, get, opened};

const SHOP: &str = "编号,名称,单价,单位,税率,常用\r\n1,豆浆,3.00,个,13%,是\r\n2,苹果,12.00,公斤,9%,\r\n";

fn has_goods(counter: &Counter) {
    let table = counter.state().join("goods.csv");
    std::fs::write(&table, SHOP).unwrap();
    let output = counter.yima(&["goods", "import"]).arg(&table).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The customer's link on the newest paper.
fn link(counter: &Counter) -> String {
    code_on(counter.receipts().last().unwrap())
}

#[test]
fn goods_and_tip_stand_on_the_page_and_what_went_back_of_it_too() {
    let mut counter = counter();
    has_goods(&counter);
    // Two pieces, half a kilogram, and a tip: 6.00 + 6.00 + 1.50.
    let (sold, code) = counter.by_card(&["sale", "--goods", "1x2", "2x0.5", "--tip", "1.50"], &[]);
    assert_eq!((sold["outcome"].as_str(), sold["amount"].as_str(), code), (Some("approved"), Some("13.50"), 0));
    let link = link(&counter);
    let (_receipts, url) = opened(&counter);
    let (status, page) = get(&url(&link));
    assert_eq!(status, 200, "{page}");
    let in_order = |page: &str, wanted: &[&str]| {
        wanted.iter().try_fold(0, |from, text| page[from..].find(text).map(|at| from + at + text.len())).is_some()
    };
    for wanted in [
        ["豆浆", "2 x 3.00", "6.00", "苹果", "0.500kg x 12.00", "小费", "1.50", "13.50"],
        ["豆浆", "2 x 3.00", "6.00", "苹果", "0.500kg x 12.00", "Tip", "1.50", "13.50"],
    ] {
        assert!(in_order(&page, &wanted), "{wanted:?}\n{page}");
    }
    assert!(page.contains("含税 13%") && page.contains("Tax 9%") && page.contains("Status: valid."), "{page}");

    // As it is drawn on a phone, in the language that its browser asks for, and in the other one by a touch.
    if let Some(browser) = Browser::start("en") {
        browser.open(&url(&link));
        let english = browser.shows();
        assert!(in_order(&english, &["Status: valid.", "SALES SLIP", "豆浆", "2 x 3.00", "Tip", "13.50"]), "{english}");
        assert!(
            !english.contains("小费") && browser.fits(),
            "one language at a time, and no wider than the phone: {english}"
        );
        browser.click("label[for=zh]");
        let chinese = browser.shows();
        assert!(in_order(&chinese, &["状态：交易有效。", "签购单", "豆浆", "小费", "13.50"]), "{chinese}");
        assert!(!chinese.contains("SALES SLIP") && browser.fits(), "{chinese}");
    }
    if let Some(browser) = Browser::start("zh-CN") {
        browser.open(&url(&link));
        let chinese = browser.shows();
        assert!(chinese.contains("小费") && !chinese.contains("SALES SLIP"), "Chinese comes first: {chinese}");
    }

    let (batch, stan) = (sold["batch"].as_str().unwrap(), sold["stan"].as_str().unwrap());
    let (refund, code) = counter.by_card(&["refund", batch, stan, "3.00"], &[]);
    assert_eq!((refund["outcome"].as_str(), code), (Some("approved"), 0), "{refund:#}");
    let (status, page) = get(&url(&link));
    assert_eq!(status, 200);
    assert!(page.contains("已退款 ￥3.00") && page.contains("￥3.00 was refunded"), "{page}");
    assert!(!page.contains("Status: valid.") && page.contains("豆浆"), "{page}");
    // What was keyed has no goods, and its page none of the goods before.
    let (keyed, _) = counter.sale("2.00", &[]);
    assert_eq!(keyed["outcome"], "approved");
    let (_, page) = get(&url(&self::link(&counter)));
    assert!(page.contains("2.00") && !page.contains("豆浆") && !page.contains("小费"), "{page}");
}

#[test]
fn a_payment_by_code_has_its_goods_on_the_page_as_well() {
    let counter = counter();
    has_goods(&counter);
    let made = counter.yima(&["sandbox", "wallet", "code", "wallet-1", "--json"]).output().unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let (sold, code) = counter
        .without_card(&["sale", "--goods", "1x3", "--tip", "1.00", "--code", made["code"].as_str().unwrap()], "");
    assert_eq!((sold["outcome"].as_str(), code), (Some("approved"), 0), "{sold:#}");
    let (_receipts, url) = opened(&counter);
    let (status, page) = get(&url(&link(&counter)));
    assert!(status == 200 && page.contains("3 x 3.00") && page.contains("小费") && page.contains("10.00"), "{page}");
}

/// 9.40 of 15.00 by a card that holds no more.
fn first_part(counter: &mut Counter) -> Value {
    let (result, code) = counter.sale("15.00", &["--profile", "low-balance"]);
    assert_eq!((result["outcome"].as_str(), code), (Some("in_part"), 3), "{result:#}");
    result
}

#[test]
fn a_purchase_that_was_paid_in_parts_has_one_page_with_all_of_them() {
    let mut counter = counter_with("terminal = { in_part = true }");
    let first = first_part(&mut counter);
    let (second, code) = counter.by_card(&["purchase", "pay"], &[]);
    assert_eq!((second["outcome"].as_str(), code), (Some("approved"), 0), "{second:#}");
    let (stan, rrn) =
        (|of: &Value| of["stan"].as_str().unwrap().to_owned(), |of: &Value| of["rrn"].as_str().unwrap().to_owned());
    let link = link(&counter);
    assert!(link.contains(&format!("-{}.{}-", stan(&first), stan(&second))), "{link}");
    let (_receipts, url) = opened(&counter);
    let (status, page) = get(&url(&link));
    assert_eq!(status, 200, "{page}");
    for wanted in ["15.00", "1. 银行卡", "2. Card", "9.40", "5.60", &rrn(&first), &rrn(&second), "Status: valid."] {
        assert!(page.contains(wanted), "{wanted}\n{page}");
    }
    // A part cannot be left out, nor one alone be opened with it.
    let path = link.split_once("/R/").unwrap().1;
    for changed in
        [path.replacen(&format!(".{}", stan(&second)), "", 1), path.replacen(&stan(&second), &stan(&first), 1)]
    {
        assert_ne!(changed, path);
        assert_eq!(get(&url(&format!("/R/{changed}"))).0, 404, "{changed}");
    }
    let batch = second["batch"].as_str().unwrap();
    let (refund, code) = counter.by_card(&["refund", batch, &stan(&second), "2.00"], &[]);
    assert_eq!((refund["outcome"].as_str(), code), (Some("approved"), 0), "{refund:#}");
    let (_, page) = get(&url(&link));
    assert!(page.contains("Part 2: Status: ￥2.00 was refunded") && page.contains("第 2 部分"), "{page}");
    assert!(!page.contains("Part 1:") && !page.contains("Status: valid."), "{page}");
}

#[test]
fn what_was_paid_in_cash_of_a_purchase_stands_on_its_page_by_the_link_alone() {
    let mut counter = counter_with("terminal = { in_part = true }");
    first_part(&mut counter);
    counter.set("[terminal]\ncash = true\n");
    let output = counter.yima(&["purchase", "pay", "--cash", "--given", "10.00", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let link = link(&counter);
    assert!(link.contains(".C560-"), "{link}");
    let (_receipts, url) = opened(&counter);
    let (status, page) = get(&url(&link));
    assert_eq!(status, 200, "{page}");
    for wanted in ["15.00", "9.40", "2. 现金", "2. Cash", "5.60"] {
        assert!(page.contains(wanted), "{wanted}\n{page}");
    }
    assert_eq!(get(&url(&format!("/R/{}", link.split_once("/R/").unwrap().1.replacen("C560", "C960", 1)))).0, 404);
}
