//! A real browser as wide as a phone: what a customer reads and taps. It is driven as browsers are driven (W3C WebDriver), by
//! `chromedriver` or `geckodriver`; a machine that has neither says so, loudly.
#![allow(dead_code, reason = "every test program that compiles this uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than a busy machine needs; only ends a test that would hang.
pub const LONG: Duration = Duration::from_secs(60);

/// Name of an element in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser without a window, as wide as a phone.
pub struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// One that asks for pages in this language first. Nothing when this machine has none.
    pub fn start(language: &str) -> Option<Self> {
        let found = Self::of(language);
        if found.is_none() {
            #[allow(clippy::print_stderr, reason = "who reads the result ought to know what it did not show")]
            {
                eprintln!(
                    "SKIPPED: no chromedriver and no geckodriver: no page was opened in a browser (apt install chromium-driver)"
                );
            }
        }
        found
    }

    fn of(language: &str) -> Option<Self> {
        // Where it is not where the driver looks for it.
        let binary = std::env::var("CHROME_BIN").ok();
        let mut wanted = [
            (
                "chromedriver",
                json!({ "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=390,844",
                format!("--lang={language}"), format!("--accept-lang={language}"),
            ], "prefs": { "intl.accept_languages": language } } }),
            ),
            (
                "geckodriver",
                json!({ "moz:firefoxOptions": {
                    "args": ["-headless", "--width=390", "--height=844"], "prefs": { "intl.accept_languages": language },
                } }),
            ),
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

    pub fn open(&self, url: &str) {
        post(&format!("{}/url", self.session), &json!({ "url": url })).unwrap();
    }

    /// An element that is there, or comes.
    pub fn element(&self, selector: &str) -> String {
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

    pub fn click(&self, selector: &str) {
        let until = Instant::now() + LONG;
        while let Err(error) = post(&format!("{}/element/{}/click", self.session, self.element(selector)), &json!({})) {
            // The page has just been drawn anew.
            assert!(Instant::now() < until, "{selector}: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn type_into(&self, selector: &str, text: &str) {
        let path = format!("{}/element/{}/value", self.session, self.element(selector));
        post(&path, &json!({ "text": text })).unwrap();
    }

    pub fn run(&self, script: &str) -> Value {
        post(&format!("{}/execute/sync", self.session), &json!({ "script": script, "args": [] })).unwrap()
    }

    pub fn text(&self, selector: &str) -> String {
        self.run(&format!("return document.querySelector({selector:?}).textContent")).as_str().unwrap().to_owned()
    }

    /// All that somebody who looks at the page can read on it, as it is drawn.
    pub fn shows(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Whether all of the page is as wide as the phone, or narrower.
    pub fn fits(&self) -> bool {
        self.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            .as_bool()
            .unwrap()
    }

    /// Waits until an element says this.
    pub fn says(&self, selector: &str, wanted: &str) {
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
