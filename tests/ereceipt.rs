//! E-receipts from outside: the real program takes a payment, the code on the customer's paper is read back, and what it opens is
//! asked for as a phone asks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "support/browser.rs"]
mod browser;
#[path = "ereceipt/phone.rs"]
mod phone;
mod support;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use support::counter::{Counter, keep};
use support::running::Running;
use support::wait_until;
use yima::receipt::link::{LinkKey, ReceiptAddress, ReceiptLink};
use yima::sandbox::receipts::{DEFAULT_PORT, RunningReceipts};

/// A counter whose host shows e-receipts and has told the terminal so.
fn counter() -> Counter {
    counter_with("")
}

/// The same with more of the acquirer's parameters.
fn counter_with(parameters: &str) -> Counter {
    let mut counter = Counter::open();
    if !parameters.is_empty() {
        let folder = counter.state().join("sandbox/host/parameters");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("host.toml"), parameters).unwrap();
    }
    let mut command = counter.yima(&["sandbox", "host", "--receipts"]);
    counter.shop.log_to(&mut command, "host.log");
    counter.host = Some(Running::start("sandbox host", &mut command));
    wait_until("the host listens", Duration::from_secs(30), || {
        counter.shop.listens_on(8583) && counter.shop.listens_on(DEFAULT_PORT)
    });
    counter.start_printer(&[]);
    for command in ["sign-on", "parameters"] {
        let output = counter.yima(&[command]).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    counter
}

/// What a scanner reads on a printed picture.
fn code_on(picture: &Path) -> String {
    let mut reader = png::Decoder::new(BufReader::new(File::open(picture).unwrap())).read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut dots).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| dots[y * width + x]);
    image.detect_grids()[0].decode().unwrap().1
}

/// Status and page, as a phone that speaks English asks for them.
fn get(url: &str) -> (u16, String) {
    let request = reqwest::blocking::Client::new().get(url).header("Accept-Language", "en-GB");
    let response = request.send().unwrap();
    let headers = response.headers().clone();
    assert_eq!(headers["cache-control"], "no-store", "{url}");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    (response.status().as_u16(), response.text().unwrap())
}

/// The tests are outside of the shop: they open the host's books where they are, on a port of their own.
fn opened(counter: &Counter) -> (RunningReceipts, impl Fn(&str) -> String + use<>) {
    let receipts = RunningReceipts::start(&counter.host_books(), ([127, 0, 0, 1], 0).into()).unwrap();
    let url = receipts.url();
    (receipts, move |link: &str| format!("{url}/R/{}", link.split_once("/R/").unwrap().1))
}

#[test]
fn the_code_on_the_customers_paper_opens_the_receipt_and_says_what_became_of_the_payment() {
    let mut counter = counter();
    let (sold, code) = counter.sale("12.34", &[]);
    assert_eq!((sold["outcome"].as_str(), code), (Some("approved"), 0), "{sold:#}");
    let papers = counter.receipts();
    let (shops, link) = (code_on(&papers[0]), code_on(&papers[1]));
    assert!(shops.starts_with("Y2/"), "the shop keeps the code that names the transaction: {shops}");
    assert!(link.starts_with(&format!("http://127.0.0.1:{DEFAULT_PORT}/R/10000001-")), "{link}");
    let text = std::fs::read_to_string(papers[1].with_extension("txt")).unwrap();
    assert!(text.contains("扫码查看电子签购单") && text.contains("有效期至"), "{text}");
    keep(&papers[1], "receipt-with-link.png");
    // The link holds the terminal to its log as the other code does.
    let head = |code: &str| code.rsplitn(3, '/').take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(head(&link), head(&shops));
    let log = counter.state().join("log.txt");
    let exported = counter.yima(&["log", "export", "--json"]).arg(&log).output().unwrap();
    let keys: serde_json::Value = serde_json::from_slice(&exported.stdout).unwrap();
    let verify = |anchor: &str| {
        let mut command = counter.yima(&["log", "verify", "--key", keys["key"].as_str().unwrap()]);
        command.args(["--host-key", keys["host_key"].as_str().unwrap(), "--anchor", anchor, "--file"]).arg(&log);
        command.output().unwrap().status.code()
    };
    assert_eq!(verify(&link), Some(0));
    let mut other = link.clone();
    let last = if other.pop() == Some('0') { '1' } else { '0' };
    other.push(last);
    assert_eq!(verify(&other), Some(1), "another head than the log's");

    let (_receipts, url) = opened(&counter);
    let (status, page) = get(&url(&link));
    assert_eq!(status, 200, "{page}");
    for wanted in
        ["老王小吃店", "￥12.34", "***************1230", sold["rrn"].as_str().unwrap(), "签购单", "SALES SLIP"]
    {
        assert!(page.contains(wanted), "{wanted}\n{page}");
    }
    let row = &counter.transactions()[0];
    let day = &row["at"].as_str().unwrap()[..10];
    assert!(page.contains(day), "{day}\n{page}");
    assert!(page.contains("Status: valid.") && page.contains("交易有效") && page.contains("<html lang=\"en\">"));
    assert!(!page.contains("622848"), "of the card the last four digits alone");
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("ereceipt.html"), &page).unwrap();

    // Whatever is changed in what is signed, nothing is told.
    let (_, path) = link.split_once("/R/").unwrap();
    let unknown = {
        let mut changed = path.replacen("000001-", "000002-", 1);
        assert_ne!(changed, path);
        changed.insert_str(0, "/R/");
        get(&url(&changed))
    };
    assert_eq!(unknown.0, 404);
    for (from, to) in [("10000001", "10000002"), ("-2", "-3")] {
        assert_eq!(get(&url(&format!("/R/{}", path.replacen(from, to, 1)))), unknown, "the same answer for {from}");
    }
    assert_eq!(get(&url("/R/nothing")), unknown);
    assert_eq!(get(&url(&other)), unknown, "another head of the log");

    let told = || -> serde_json::Value {
        let output = counter.yima(&["sandbox", "notifications", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    wait_until("the customer is told", Duration::from_secs(20), || told()[0]["state"] == "delivered");
    let paid = &told()[0];
    assert_eq!((&paid["event"], &paid["tries"]), (&"paid".into(), &1.into()), "{paid:#}");
    assert!(paid["text"].as_str().unwrap().contains("尾号1230的卡在老王小吃店支付￥12.34"), "{paid:#}");
    assert!(paid["phone"].as_str().unwrap().len() == 5, "{paid:#}");
    let number = [row["batch"].as_str().unwrap(), row["stan"].as_str().unwrap()];
    let voided = counter.yima(&["void", number[0], number[1], "--no-card", "--json"]).output().unwrap();
    assert!(voided.status.success(), "{voided:?}");
    let (status, page) = get(&url(&link));
    assert!(status == 200 && page.contains("this transaction was voided") && page.contains("此交易已撤销"), "{page}");
    wait_until("the customer is told of it", Duration::from_secs(20), || told()[1]["event"] == "given_back");
    assert!(!counter.log("host.log").contains("+8610000"), "no telephone number in the log");
    let (status, page) = get(&url(&code_on(counter.receipts().last().unwrap())));
    assert!(status == 200 && page.contains("VOID SLIP") && page.contains("-￥12.34"), "{page}");
}

#[test]
fn a_link_opens_until_its_last_day_and_nobody_tries_for_long() {
    let mut counter = counter();
    let (sold, _) = counter.sale("8.00", &[]);
    assert_eq!(sold["outcome"], "approved", "{sold:#}");
    let link = code_on(&counter.receipts()[1]);
    let (_receipts, url) = opened(&counter);
    assert_eq!(get(&url(&link)).0, 200);
    // The terminal signs the same payment with another last day.
    let (read, _) = ReceiptLink::parse(link.split_once("/R/").unwrap().1).unwrap();
    let books = rusqlite::Connection::open(counter.state().join("sandbox/host/host.sqlite3")).unwrap();
    let secret: Vec<u8> =
        books.query_row("SELECT secret FROM link_keys WHERE terminal = '10000001'", [], |row| row.get(0)).unwrap();
    let key = LinkKey::new(secret.into());
    let signed = |until: jiff::civil::Date| {
        let address = ReceiptAddress::new("http://127.0.0.1", 1).unwrap();
        ReceiptLink { until, ..read.clone() }.text(&address, &key).unwrap()
    };
    let today = jiff::Zoned::now().date();
    assert_eq!(get(&url(&signed(today.tomorrow().unwrap()))).0, 200);
    let (status, page) = get(&url(&signed(today.saturating_sub(jiff::Span::new().days(2)))));
    assert_eq!(status, 410);
    assert!(page.contains("已过期") && page.contains("has expired") && !page.contains("8.00"), "{page}");
    // Ten that open nothing, and then not even the right one for a while.
    let wrong = url("/R/10000001-000001-000002-20991231-00000000000000000000000000000000");
    let statuses: Vec<_> = (0..11).map(|_| get(&wrong).0).collect();
    assert_eq!(statuses, [&[404; 10][..], &[429]].concat());
    assert_eq!(get(&url(&link)).0, 429);
}

#[test]
fn a_receipt_is_written_again_as_text_as_a_page_and_for_the_printer() {
    let mut counter = counter();
    let (sold, _) = counter.sale("12.34", &[]);
    let stan = sold["stan"].as_str().unwrap();
    let run = |arguments: &[&str]| counter.yima(&[&["receipt", stan], arguments].concat()).output().unwrap();
    let text = String::from_utf8(run(&[]).stdout).unwrap();
    assert!(text.contains("重打印 DUPLICATE 1") && text.contains("持卡人存根") && text.contains("￥12.34"), "{text}");
    assert!(text.contains(&code_on(&counter.receipts()[1])), "the same link as on paper");
    let html = String::from_utf8(run(&["--html", "--copy", "merchant"]).stdout).unwrap();
    assert!(html.contains("DUPLICATE 1") && html.contains("Merchant copy") && html.contains("商户存根"), "{html}");
    let escpos = run(&["--escpos"]).stdout;
    assert!(escpos.starts_with(&[0x1C, b'&']) && escpos.windows(8).any(|bytes| bytes == b"/R/10000"));
    assert_eq!(counter.transactions()[0]["receipts"].as_array().unwrap().len(), 2, "nothing was written down");
    let none = counter.yima(&["receipt", "999999"]).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no approved payment 999999"));
}
