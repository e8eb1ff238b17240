//! The page in a real browser: what a customer reads and taps.

use std::time::Instant;

use yima::payment::qr::Conclusion;

use super::driver::{Browser, LONG};
use super::street::Street;

#[test]
fn a_customer_pays_with_the_page_on_a_phone() {
    let Some(browser) = Browser::start("en") else { return };
    let street = Street::open();
    browser.open(&street.wallets.url());
    browser.says("#balance", "￥10,000.00");
    // Both languages, and no word that is missing.
    for (language, title) in [("zh", "顾客的手机"), ("en", "The customer's phone")] {
        browser.run(&format!("if (language !== '{language}') document.getElementById('language').click()"));
        browser.says("h1", title);
        let empty =
            browser.run("return [...document.querySelectorAll('[data-word]')].filter(one => !one.textContent).length");
        assert_eq!(empty, 0);
        assert!(browser.fits(), "nothing is wider than the phone");
    }
    // A code is shown, scanned, and paid with a password.
    browser.click("#number");
    browser.element("#picture svg");
    browser.says("#left", "seconds left");
    let code = browser.text("#code");
    let played = street.play(street.scanned(1, 60_000, &code), |pause, _| {
        if pause == 0 {
            browser.element("#bills .bill .pay");
            browser.click("#bills .pay");
            browser.says("#said", "Type the password");
            browser.type_into("#password", "000000");
            browser.click("#bills .pay");
            browser.says("#said", "That is not the password");
            browser.run("document.getElementById('password').value = ''");
            browser.type_into("#password", "123456");
            browser.click("#bills .pay");
            browser.says("#said", "Paid");
            browser.says("#balance", "￥9,400.00");
        }
        None
    });
    assert_eq!(played.conclusion, Conclusion::Approved);
    // What the terminal shows is scanned and paid.
    let played = street.play(street.to_show(2, 1234, 60), |pause, shown| {
        if pause == 0 {
            browser.type_into("#text", &shown[0]);
            browser.click("#read");
            browser.says("#bills .amount", "￥12.34");
            browser.click("#bills .pay");
            browser.says("#balance", "￥9,387.66");
        }
        None
    });
    assert_eq!(played.conclusion, Conclusion::Approved);
    // And what is not wanted is not paid.
    browser.click("#number");
    let until = Instant::now() + LONG;
    while browser.text("#code") == code || browser.text("#code").is_empty() {
        assert!(Instant::now() < until, "no second code");
    }
    let code = browser.text("#code");
    let played = street.play(street.scanned(3, 60_000, &code), |pause, _| {
        if pause == 0 {
            browser.click("#bills .refuse");
            browser.says("#said", "Not paid");
        }
        None
    });
    assert!(matches!(played.conclusion, Conclusion::Declined(_)), "{:?}", played.conclusion);
    // What the customer was told stands on the phone as well, in the language that is wanted.
    browser.click("#messages");
    browser.says("article[lang=en] h1", "Messages");
    let english = browser.shows();
    assert!(english.contains("TEST: nobody is really told") && english.contains("￥600.00"), "{english}");
    assert!(english.contains("￥12.34") && !english.contains("等待发送") && browser.fits(), "{english}");
    browser.click("label[for=zh]");
    let chinese = browser.shows();
    assert!(chinese.contains("没有人真的收到短信") && !chinese.contains("nobody is really told"), "{chinese}");
}
