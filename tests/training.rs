//! Training beside a shop: everything is done as on any day, everything says what it is, and nothing of it reaches the acquirer's host,
//! the shop's ledger or its totals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use support::counter::Counter;

/// Every file below a folder with what is in it, but for the training's.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && entry.file_name() != "training" && entry.file_name() != "receipts" {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

struct Shop {
    counter: Counter,
}

impl Shop {
    fn open() -> Self {
        Self { counter: Counter::open_for_business() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.counter.yima(arguments);
        command.stdin(std::process::Stdio::null()).output().unwrap()
    }

    /// In the training, which must do it.
    #[track_caller]
    fn train(&self, arguments: &[&str]) -> Value {
        let flag = if arguments[0].starts_with("--training") { vec![] } else { vec!["--training"] };
        let output = self.run(&[&flag[..], arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What came out of the printer.
    fn slips(&self) -> Vec<String> {
        let folder = self.counter.state().join("receipts");
        let mut texts: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "txt"))
            .collect();
        texts.sort();
        texts.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

#[test]
fn a_day_of_training_leaves_the_shop_and_its_host_as_they_were() {
    let mut shop = Shop::open();
    // The shop has a payment of its own, and goods.
    let (sold, _) = shop.counter.sale("5.00", &[]);
    assert_eq!(sold["outcome"], "approved", "{sold}");
    assert!(sold.get("training").is_none(), "{sold}");
    let table = shop.counter.shop.folder().join("goods.csv");
    std::fs::write(&table, "name,price,barcode\n豆浆,3.00,6901234567892\n").unwrap();
    let imported = shop.run(&["goods", "import", table.to_str().unwrap()]);
    assert!(imported.status.success(), "{imported:?}");
    let books = |shop: &Shop| String::from_utf8(shop.run(&["sandbox", "books", "--json"]).stdout).unwrap();
    let (books_before, slips_before) = (books(&shop), shop.slips().len());
    let before = files(&shop.counter.state());

    // A day: two sales, with and without a PIN; goods; one is voided, one goes back; then the night.
    let plain = shop.train(&["sale", "12.34"]);
    assert_eq!((&plain["outcome"], &plain["training"]), (&Value::from("approved"), &Value::from(true)), "{plain}");
    let signed = shop.train(&["--training=cvm-signature", "sale", "8.00"]);
    assert_eq!(signed["outcome"], "approved", "{signed}");
    let goods = shop.train(&["sale", "--goods", "6901234567892x2"]);
    assert_eq!((&goods["outcome"], &goods["amount"]), (&Value::from("approved"), &Value::from("6.00")), "{goods}");
    let expired = shop.run(&["--training=expired", "sale", "9.00", "--json"]);
    assert!(!expired.status.success(), "{expired:?}");
    assert_eq!(shop.train(&["void", &batch_of(&plain), &stan_of(&plain)])["outcome"], "approved");
    assert_eq!(
        shop.train(&["--training=cvm-signature", "refund", &batch_of(&signed), &stan_of(&signed), "3.00"])["outcome"],
        "approved"
    );
    let code = String::from_utf8(shop.run(&["--training", "sandbox", "wallet", "code"]).stdout).unwrap();
    assert!(!code.trim().is_empty());
    let listed = shop.train(&["transactions"]);
    let rows = listed.as_array().cloned().unwrap_or_else(|| listed["transactions"].as_array().unwrap().clone());
    assert_eq!(rows.len(), 6, "{listed}");
    let settled = shop.train(&["settle"]);
    assert_eq!(settled["training"], Value::from(true), "{settled}");

    // Every slip says so, at both ends, and none was the shop's.
    let slips = shop.slips();
    let new = &slips[slips_before..];
    assert!(new.len() >= 11, "{} slips", new.len());
    for slip in new {
        assert_eq!(slip.matches("培训").count(), 2, "{slip}");
        assert!(slip.contains("仅供练习，不是收款凭证"), "{slip}");
        assert!(!slip.contains("测试 TEST 无效"), "one mark: {slip}");
    }

    // The shop and its host have not moved.
    assert_eq!(books(&shop), books_before);
    let after = files(&shop.counter.state());
    let own = |found: &BTreeMap<PathBuf, Vec<u8>>| -> BTreeMap<PathBuf, Vec<u8>> {
        // Whoever reads the goods has SQLite make these.
        let passing = |path: &Path| path.extension().is_some_and(|it| it == "sqlite-wal" || it == "sqlite-shm");
        let keep = |path: &&PathBuf| !path.components().any(|part| part.as_os_str() == "sandbox") && !passing(path);
        found.iter().filter(|(path, _)| keep(path)).map(|(path, text)| (path.clone(), text.clone())).collect()
    };
    let (before, after) = (own(&before), own(&after));
    let names = |found: &BTreeMap<PathBuf, Vec<u8>>| found.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    for (path, text) in &before {
        assert!(after[path] == *text, "{} was written", path.display());
    }
    let (real, _) = shop.counter.sale("1.00", &[]);
    assert_eq!(real["outcome"], "approved", "{real}");
    assert!(shop.slips().last().unwrap().contains("测试 TEST 无效"), "the shop of this test is one for tests");
}

#[test]
fn nothing_of_a_training_needs_the_acquirers_host_or_a_reader() {
    let mut shop = Shop::open();
    shop.counter.host = None;
    let paid = shop.train(&["sale", "12.34"]);
    assert_eq!(paid["outcome"], "approved", "{paid}");
    let refused = shop.run(&["--training", "demo", "--headless"]);
    assert!(!refused.status.success());
    // What is in its directory stays marked, whoever looks at it.
    let state = shop.counter.state().join("training");
    let mut command = shop.counter.shop.command(env!("CARGO_BIN_EXE_yima"));
    command.arg("--config").arg(shop.counter.settings()).arg("--state").arg(&state).args(["receipt", &stan_of(&paid)]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(text.contains("培训 TRAINING"), "{text}");
}

fn stan_of(sale: &Value) -> String {
    sale["stan"].as_str().unwrap().to_owned()
}

fn batch_of(sale: &Value) -> String {
    sale["batch"].as_str().unwrap().to_owned()
}
