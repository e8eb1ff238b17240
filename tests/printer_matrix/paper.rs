//! What lies on the counter after a payment.

use std::path::Path;

/// A slip, or what there is of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `merchant` or `customer`; nothing where it ended before it was said.
    pub copy: Option<&'static str>,
    /// It says that it was printed before.
    pub marked: bool,
    /// Its last line is there.
    pub whole: bool,
}

/// Everything that came out, in the order of printing; a slip that goes on behind a new roll is one.
pub fn on_the_counter(folder: &Path, trace: &str) -> Vec<Found> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|one| one == "txt")).collect();
    texts.sort();
    let all: String = texts.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // The first line of every slip made with keys for tests.
    let slips = all.split("测试 TEST 无效").skip(1);
    slips.map(|text| found(text, trace)).collect()
}

fn found(text: &str, trace: &str) -> Found {
    let copy = [("商户存根", "merchant"), ("持卡人存根", "customer")];
    let copy = copy.into_iter().find(|(says, _)| text.contains(says)).map(|(_, copy)| copy);
    let last = text.lines().any(|line| line.trim() == trace);
    Found { copy, marked: text.contains("重打印"), whole: last && text.contains("￥12.34") }
}
