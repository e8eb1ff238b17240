//! The page in a real browser: what a customer reads and taps. It is driven as browsers are driven (W3C WebDriver), by `chromedriver` or
//! `geckodriver`; a machine that has neither says so, loudly.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yima::payment::qr::Conclusion;

use super::street::Street;

/// Longer than a busy machine needs; only ends a test that would hang.
const LONG: Duration = Duration::from_secs(60);

/// Name of an element in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser without a window, as wide as a phone.
struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// Nothing when this machine has none.
    fn start() -> Option<Self> {
        // Where it is not where the driver looks for it.
        let binary = std::env::var("CHROME_BIN").ok();
        let mut wanted = [
            (
                "chromedriver",
                json!({ "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=390,844", "--lang=en",
            ] } }),
            ),
            ("geckodriver", json!({ "moz:firefoxOptions": { "args": ["-headless", "--width=390", "--height=844"] } })),
        ];
        if let Some(binary) = binary {
            wanted[0].1["goog:chromeOptions"]["binary"] = binary.into();
        }
        for (program, capabilities) in wanted {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let started =
                Command::new(program).arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let Ok(driver) = started else { continue };
            let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}/session") };
            let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
            let until = Instant::now() + LONG;
            loop {
                match post(&browser.session, &body) {
                    Ok(made) => {
                        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
                        return Some(browser);
                    }
                    Err(error) if Instant::now() < until && browser.driver.try_wait().unwrap().is_none() => {
                        // It does not listen yet.
                        assert!(!error.contains("session not created"), "{program}: {error}");
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    Err(error) => panic!("{program} starts no browser: {error}"),
                }
            }
        }
        None
    }

    fn open(&self, url: &str) {
        post(&format!("{}/url", self.session), &json!({ "url": url })).unwrap();
    }

    /// An element that is there, or comes.
    fn element(&self, selector: &str) -> String {
        let until = Instant::now() + LONG;
        loop {
            let body = json!({ "using": "css selector", "value": selector });
            match post(&format!("{}/element", self.session), &body) {
                Ok(found) => return found[ELEMENT].as_str().unwrap().to_owned(),
                Err(error) => assert!(Instant::now() < until, "no {selector}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn click(&self, selector: &str) {
        let until = Instant::now() + LONG;
        while let Err(error) = post(&format!("{}/element/{}/click", self.session, self.element(selector)), &json!({})) {
            // The page has just been drawn anew.
            assert!(Instant::now() < until, "{selector}: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn type_into(&self, selector: &str, text: &str) {
        let path = format!("{}/element/{}/value", self.session, self.element(selector));
        post(&path, &json!({ "text": text })).unwrap();
    }

    fn run(&self, script: &str) -> Value {
        post(&format!("{}/execute/sync", self.session), &json!({ "script": script, "args": [] })).unwrap()
    }

    fn text(&self, selector: &str) -> String {
        self.run(&format!("return document.querySelector({selector:?}).textContent")).as_str().unwrap().to_owned()
    }

    /// Waits until an element says this.
    fn says(&self, selector: &str, wanted: &str) {
        let until = Instant::now() + LONG;
        while !self.text(selector).contains(wanted) {
            assert!(Instant::now() < until, "{selector} says {:?}, not {wanted:?}", self.text(selector));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = reqwest::blocking::Client::new().delete(&self.session).send();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn post(url: &str, body: &Value) -> Result<Value, String> {
    let client = reqwest::blocking::Client::new();
    let request = client.post(url).header("Content-Type", "application/json").timeout(LONG).body(body.to_string());
    let response = request.send().map_err(|error| error.to_string())?;
    let (ok, text) = (response.status().is_success(), response.text().map_err(|error| error.to_string())?);
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if ok { Ok(value["value"].clone()) } else { Err(value["value"].to_string()) }
}

#[test]
fn a_customer_pays_with_the_page_on_a_phone() {
    let Some(browser) = Browser::start() else {
        #[allow(clippy::print_stderr, reason = "who reads the result ought to know what it did not show")]
        {
            eprintln!(
                "SKIPPED: no chromedriver and no geckodriver: the page was opened in no browser (apt install chromium-driver)"
            );
        }
        return;
    };
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
        let wide = browser.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth");
        assert_eq!(wide, false, "nothing is wider than the phone");
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
}
