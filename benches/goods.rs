//! How quick the catalogue is: `cargo bench --bench goods`, with a number of goods to make it smaller or larger.
//!
//! A hundred thousand goods come in as a table, and are then looked for by everything they can be found by, with other words each
//! time. The same names are looked for by SQLite itself with LIKE, by turns in the same run: that is what a search costs that reads
//! one row after the other.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops here and now"
)]

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use yima::catalogue::{Catalogue, FILE};
use yima::goods::table::{self, Table};
use yima::goods::{Category, Wanted};
use yima::money::Currency;
use yima::wording::Language;

/// Goods in the catalogue.
const MANY: u64 = 100_000;

/// Goods that a screen shows.
const PAGE: usize = 20;

/// How often each is asked.
const TIMES: u64 = 200;

/// The most that a search may take.
const MOST_MS: f64 = 20.0;

/// How many took more.
static MISSED: AtomicUsize = AtomicUsize::new(0);

const MAKERS: [&str; 12] =
    ["可口", "百事", "康师傅", "统一", "农夫山泉", "娃哈哈", "伊利", "蒙牛", "海天", "金龙鱼", "重庆", "Nestlé"];
const KINDS: [&str; 14] = [
    "可乐",
    "矿泉水",
    "红烧牛肉面",
    "绿茶",
    "纯牛奶",
    "酱油",
    "花生油",
    "音乐盒",
    "火锅底料",
    "巧克力",
    "薯片",
    "洗发水",
    "长面包",
    "coffee",
];
const TASTES: [&str; 9] = ["原味", "香草", "草莓", "柠檬", "无糖", "麻辣", "番茄", "海盐", "classic"];
const SIZES: [&str; 6] = ["330ml", "500ml", "1.5L", "100g", "250g", "5kg"];

fn main() {
    // Cargo adds arguments of its own.
    let many = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(MANY);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = table_of(many);
    let mut catalogue = Catalogue::open(folder.path()).unwrap();
    timed("a table comes in", || {
        let table = Table::read(file.as_bytes()).unwrap();
        assert_eq!(catalogue.import(&table, Currency::CNY).unwrap().new as u64, many);
    });
    timed("the same table once more", || {
        let table = Table::read(file.as_bytes()).unwrap();
        assert_eq!(catalogue.import(&table, Currency::CNY).unwrap().same as u64, many);
    });
    timed("it goes out", || {
        let goods = catalogue.goods().unwrap();
        assert!(table::write(goods.iter(), Language::Chinese).unwrap().len() > goods.len() * 40);
    });
    println!("{many} goods, {} MiB", std::fs::metadata(folder.path().join(FILE)).unwrap().len() >> 20);
    timed("the first search, which reads all names", || {
        assert!(!catalogue.search(&Wanted::default(), PAGE).unwrap().is_empty());
    });
    questions(&mut catalogue, folder.path(), many);
    let missed = MISSED.load(Ordering::Relaxed);
    if missed > 0 {
        println!("{missed} are slower than they must be");
        std::process::exit(1);
    }
}

fn timed(what: &str, deed: impl FnOnce()) {
    let begun = Instant::now();
    deed();
    println!("{what:<46} {:>9.0} ms", begun.elapsed().as_secs_f64() * 1000.0);
}

/// Any number from a number, the same each time.
const fn scattered(number: u64) -> u64 {
    (number ^ (number >> 13)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
}

fn one_of<'t>(texts: &[&'t str], number: u64, salt: u64) -> &'t str {
    texts[(scattered(number * 31 + salt) % texts.len() as u64) as usize]
}

fn name(number: u64) -> String {
    format!(
        "{}{} {} {} {number}号",
        one_of(&MAKERS, number, 1),
        one_of(&KINDS, number, 2),
        one_of(&TASTES, number, 3),
        one_of(&SIZES, number, 4)
    )
}

/// EAN-13 of the number of a good.
fn barcode(number: u64) -> u64 {
    let digits = 690_000_000_000 + number * 97;
    let (mut sum, mut rest, mut weight) = (0, digits, 3);
    while rest > 0 {
        sum += rest % 10 * weight;
        rest /= 10;
        weight = 4 - weight;
    }
    digits * 10 + (10 - sum % 10) % 10
}

fn table_of(many: u64) -> String {
    let mut table = "编号,条码,名称,单价,单位,税率,分类,常用\r\n".to_owned();
    for number in 1..=many {
        let (minor, kind) = (scattered(number) % 90_000 + 1, one_of(&KINDS, number, 2));
        let favourite = if number % 5_000 == 0 { "是" } else { "否" };
        let (name, barcode) = (name(number), barcode(number));
        writeln!(table, "{number},{barcode},{name},{}.{:02},瓶,13%,{kind},{favourite}\r", minor / 100, minor % 100)
            .unwrap();
    }
    table
}

fn questions(catalogue: &mut Catalogue, folder: &Path, many: u64) {
    let plain = Connection::open(folder.join(FILE)).unwrap();
    let mut like =
        plain.prepare("SELECT number FROM goods WHERE name LIKE ?1 ORDER BY favourite DESC, number LIMIT 20").unwrap();
    let any = |number: u64| scattered(number + 7) % many + 1;
    let text = |text: String| Wanted { text, ..Wanted::default() };
    let mut search = |what: &str, wanted: &dyn Fn(u64) -> Wanted| {
        ask(what, Some(MOST_MS), |number| catalogue.search(&wanted(number), PAGE).unwrap().len())
    };
    search("a barcode", &|number| text(barcode(any(number)).to_string()));
    search("the last digits of a barcode", &|number| text((barcode(any(number)) % 100_000).to_string()));
    search("a name as a whole", &|number| text(name(any(number))));
    search("two characters", &|number| text(one_of(&KINDS, number, 5).chars().take(2).collect()));
    search("one character, in every name", &|_| text("号".to_owned()));
    search("one letter, in most names", &|_| text("l".to_owned()));
    search("what nobody sells", &|_| text("砧板铲".to_owned()));
    search("pinyin initials of a name", &|number| text(if number % 2 == 0 { "kkkl" } else { "ccmb" }.to_owned()));
    search("pinyin initials, another reading", &|number| text(if number % 2 == 0 { "ylh" } else { "zmb" }.to_owned()));
    search("pinyin initials that nobody has", &|_| text("qqqqq".to_owned()));
    search("three words", &|number| text(format!("kl {} {}", one_of(&TASTES, number, 6), one_of(&SIZES, number, 7))));
    search("a category", &|number| Wanted {
        category: Category::parse(one_of(&KINDS, number, 8)).ok(),
        ..Wanted::default()
    });
    search("words in a category", &|number| Wanted {
        text: one_of(&TASTES, number, 9).to_owned(),
        category: Category::parse(one_of(&KINDS, number, 10)).ok(),
        ..Wanted::default()
    });
    search("favourites", &|_| Wanted { favourites: true, ..Wanted::default() });
    ask("a barcode that was scanned", Some(MOST_MS), |number| {
        usize::from(catalogue.scan(&barcode(any(number)).to_string(), &[]).unwrap().is_some())
    });
    println!("SQLite alone, one row after the other:");
    let mut like = |what: &str, pattern: &dyn Fn(u64) -> String| {
        ask(what, None, |number| {
            like.query_map([pattern(number)], |row| row.get::<_, i64>(0)).unwrap().map(Result::unwrap).count()
        })
    };
    like("two characters, LIKE", &|number| {
        format!("%{}%", one_of(&KINDS, number, 5).chars().take(2).collect::<String>())
    });
    like("one character in every name, LIKE", &|_| "%号%".to_owned());
    like("what nobody sells, LIKE", &|_| "%砧板铲%".to_owned());
}

fn ask(what: &str, most_ms: Option<f64>, mut question: impl FnMut(u64) -> usize) {
    let mut rows = 0;
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|number| {
            let begun = Instant::now();
            rows += question(number);
            begun.elapsed()
        })
        .collect();
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (median, worst) = (ms(times[times.len() / 2]), ms(times[times.len() - 1]));
    if most_ms.is_some_and(|most| median > most) {
        MISSED.fetch_add(1, Ordering::Relaxed);
    }
    let to_reach = most_ms.map(|most| format!(" (to reach: {most:.0})")).unwrap_or_default();
    println!("{what:<36} median {median:>8.3} ms, worst {worst:>8.3} ms of {TIMES}{to_reach}; {rows} goods");
}
