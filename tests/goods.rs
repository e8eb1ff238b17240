//! The catalogue from outside: tables come in and go out, goods are found, and what is wrong is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const SHOP: &str = "编号,条码,名称,单价,单位,税率,分类,常用\r\n\
                    1,6901028075763,可口可乐 330ml,3.50,瓶,13%,饮料,是\r\n\
                    2,,苹果,5.90,斤,9%,水果,\r\n\
                    3,96385074,音乐盒,49,个,13%,礼品,\r\n";

/// A terminal that only has a catalogue: nobody needs to be enrolled for that.
struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// What `yima goods` says on standard output and standard error, and its exit code.
    fn run(&self, arguments: &[&str]) -> (String, String, i32) {
        let config = self.file("yima.toml", "[terminal]\nlanguage = \"zh-CN\"\n");
        let output = Command::new(env!("CARGO_BIN_EXE_yima"))
            .args(["--config", &config, "--state"])
            .arg(self.path("state"))
            .arg("goods")
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let (said, complained, code) = self.run(&[arguments, &["--json"]].concat());
        (serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{complained}")), code)
    }

    fn found(&self, arguments: &[&str]) -> Vec<u64> {
        let (found, code) = self.json(arguments);
        assert_eq!(code, 0);
        found.as_array().unwrap().iter().map(|good| good["number"].as_u64().unwrap()).collect()
    }
}

#[test]
fn a_table_comes_in_is_searched_and_goes_out_as_it_came() {
    let shop = Shop::new();
    assert_eq!(shop.found(&["list"]), [0_u64; 0]);
    assert!(!std::fs::exists(shop.path("state")).unwrap(), "who looks makes nothing");
    let (gb18030, ..) = encoding_rs::GB18030.encode(SHOP);
    let table = shop.file("goods.csv", gb18030);
    let (said, _, code) = shop.run(&["import", &table]);
    assert_eq!((said.as_str(), code), ("3 new, 0 changed, 0 as before\n", 0));
    let (list, _) = shop.json(&["list", "--limit", "1"]);
    assert_eq!(
        list[0],
        serde_json::json!({
            "number": 1, "name": "可口可乐 330ml", "barcodes": ["6901028075763"], "price": "3.50", "currency": "CNY",
            "unit": "piece", "tax_rate": "13%", "category": "饮料", "favourite": true,
        })
    );
    for (words, numbers) in [
        (&["search", "kkkl"][..], &[1_u64][..]),
        (&["search", "yyh"], &[3]),
        (&["search", "ylh"], &[3]),
        (&["search", "果"], &[2]),
        (&["search", "6901028075763"], &[1]),
        (&["search", "可乐", "330"], &[1]),
        (&["search", "l", "--category", "礼品"], &[3]),
        (&["list", "--favourites"], &[1]),
        (&["list", "--category", "水果"], &[2]),
    ] {
        assert_eq!(shop.found(words), numbers, "{words:?}");
    }
    let (said, ..) = shop.run(&["search", "苹果"]);
    assert_eq!(said, "       2          ￥5.90/斤 苹果\n");
    let (_, complained, code) = shop.run(&["search", "没有"]);
    assert_eq!((complained.as_str(), code), ("nothing is found; yima goods list shows what there is\n", 0));

    let out = shop.path("out.csv");
    assert_eq!(shop.run(&["export", out.to_str().unwrap()]).2, 0);
    let (said, ..) = shop.run(&["export", "-"]);
    assert_eq!(said.as_bytes(), std::fs::read(&out).unwrap());
    let other = Shop::new();
    other.run(&["import", out.to_str().unwrap()]);
    assert_eq!(other.json(&["list"]), shop.json(&["list"]));
    let (again, _) = shop.json(&["import", out.to_str().unwrap()]);
    assert_eq!((again["same"].as_u64(), again["updated"].as_u64()), (Some(3), Some(0)));
}

#[test]
fn a_workbook_goes_out_and_comes_into_another_shop_as_it_was() {
    let shop = Shop::new();
    let more = format!("{SHOP}4,6901028075770 0012345678905,=1+1,0.01,个,0%,+其他,\r\n");
    shop.run(&["import", &shop.file("goods.csv", more)]);
    for name in ["out.xlsx", "OUT.XLSX"] {
        let out = shop.path(name);
        let (said, complained, code) = shop.run(&["export", out.to_str().unwrap()]);
        assert_eq!((said, code), (format!("4 goods are in {}\n", out.display()), 0), "{complained}");
        assert!(std::fs::read(&out).unwrap().starts_with(b"PK"), "a workbook, not a table with another name");
        let other = Shop::new();
        assert_eq!(other.run(&["import", out.to_str().unwrap()]).0, "4 new, 0 changed, 0 as before\n");
        assert_eq!(other.json(&["list"]), shop.json(&["list"]));
        // What is the same by another way is the same.
        let (again, _) = shop.json(&["import", out.to_str().unwrap()]);
        assert_eq!((again["same"].as_u64(), again["updated"].as_u64()), (Some(4), Some(0)));
    }
}

#[test]
fn a_line_that_is_wrong_is_named_and_nothing_is_changed() {
    let shop = Shop::new();
    shop.run(&["import", &shop.file("goods.csv", SHOP)]);
    let before = shop.json(&["list"]);
    let wrong = shop.file("wrong.csv", "编号,条码,单价,库存\n1,,3.80,5\n2,96385075,free,5\n");
    let (said, complained, code) = shop.run(&["import", &wrong]);
    assert_eq!((said.as_str(), code), ("", 2));
    let lines: Vec<&str> = complained.lines().collect();
    assert_eq!(lines[0], "line 3: the barcode 96385075 is mistyped: its last digit would be 4");
    assert_eq!(lines[1], "line 3: the price is wrong: \"free\" is not an amount; write it like 12.34");
    assert!(lines[2].starts_with("yima: nothing was changed"), "{complained}");
    let (told, code) = shop.json(&["import", &wrong]);
    assert_eq!((told["changed"].as_bool(), told["problems"][1]["line"].as_u64(), code), (Some(false), Some(3), 2));
    assert_eq!(shop.json(&["list"]), before);
    let (_, complained, code) = shop.run(&["import", &shop.file("no.csv", "a,b\n1,2\n")]);
    assert!(code == 2 && complained.contains("line 1 does not say what the columns are"), "{complained}");
    let (_, complained, code) = shop.run(&["import", shop.path("none.csv").to_str().unwrap()]);
    assert!(code == 2 && complained.contains("none.csv"), "{complained}");
}

#[test]
fn prices_are_brought_up_to_date_by_barcode_and_only_when_it_is_meant() {
    let shop = Shop::new();
    shop.run(&["import", &shop.file("goods.csv", SHOP)]);
    let prices = shop.file("prices.csv", "条码;单价;库存\n6901028075763;3.80;12\n");
    let (said, complained, _) = shop.run(&["import", &prices, "--dry-run"]);
    assert_eq!(said, "0 would be new, 1 would be changed, 0 as before\n");
    assert_eq!(complained, "the column \"库存\" means nothing here and was not read\n");
    assert_eq!(shop.json(&["list"]).0[0]["price"], "3.50");
    shop.run(&["import", &prices]);
    assert_eq!(shop.json(&["list"]).0[0]["price"], "3.80");
}

#[test]
fn a_favourite_comes_and_goes_and_a_good_is_taken_out() {
    let shop = Shop::new();
    shop.run(&["import", &shop.file("goods.csv", SHOP)]);
    assert_eq!(shop.run(&["favourite", "96385074"]).0, "音乐盒 is at hand on the keypad\n");
    assert_eq!(shop.found(&["list", "--favourites"]), [1, 3]);
    shop.run(&["favourite", "1", "--off"]);
    assert_eq!(shop.found(&["list", "--favourites"]), [3]);
    assert_eq!(shop.run(&["remove", "3"]).2, 0);
    assert_eq!(shop.found(&["list"]), [1, 2]);
    let (_, complained, code) = shop.run(&["favourite", "3"]);
    assert_eq!(
        (complained.as_str(), code),
        ("yima: no good has the number or barcode 3; yima goods search finds others\n", 2)
    );
}
