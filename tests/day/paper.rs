//! What stands on paper.

use super::books::{Trace, fen};
use super::support::counter::Counter;

/// A piece of paper as it was torn off.
pub struct Paper(pub String);

/// What a slip says.
#[derive(Debug)]
pub struct Slip {
    pub copy: &'static str,
    pub duplicate: bool,
    pub kind: String,
    pub trace: Trace,
    /// In fen.
    pub amount: i64,
}

/// Everything the printer put out, oldest first.
pub fn read(counter: &Counter) -> Vec<Paper> {
    let texts = counter.receipts().into_iter().map(|picture| picture.with_extension("txt"));
    texts.map(|text| Paper(std::fs::read_to_string(text).unwrap())).collect()
}

/// How the slip of a sale by instalments says that it is one.
pub const BY_INSTALMENTS: &str = "分期付款";

/// How a slip calls a kind.
pub fn word(kind: &str) -> &'static str {
    match kind {
        "sale" => "消费",
        "offline_sale" => "离线消费",
        "void" => "消费撤销",
        "refund" => "退货",
        "pre_authorisation" => "预授权",
        "pre_authorisation_top_up" => "追加预授权",
        "pre_authorisation_void" => "预授权撤销",
        "completion" => "预授权完成",
        "completion_notice" => "预授权完成(通知)",
        "completion_void" => "预授权完成撤销",
        "code_payment" => "扫码消费",
        "code_refund" => "扫码退货",
        other => panic!("no slip is printed of {other}"),
    }
}

impl Paper {
    /// The word behind a name.
    pub fn behind(&self, name: &str) -> Option<&str> {
        let at = self.0.find(name)? + name.len();
        self.0[at..].split_whitespace().next()
    }

    /// It says that cash was taken or given back.
    pub fn is_of_cash(&self) -> bool {
        ["现金收据", "现金退款单"].iter().any(|title| self.0.contains(title))
    }

    /// The slip of a transaction, if it is one.
    pub fn slip(&self) -> Option<Slip> {
        let kind = self.behind("交易类型")?.trim_start_matches(BY_INSTALMENTS).to_owned();
        let copy = ["商户存根", "持卡人存根"].into_iter().find(|copy| self.0.contains(copy))?;
        let number = |name: &str| self.behind(name).unwrap_or_else(|| panic!("no {name}: {}", self.0)).to_owned();
        // With a tip what was asked for and the tip stand before the amount.
        let first = if self.0.contains("小费") { 2 } else { 0 };
        let (at, _) = self.0.match_indices('￥').nth(first).unwrap_or_else(|| panic!("no amount: {}", self.0));
        let before = &self.0[..at];
        let digits = self.0[at + '￥'.len_utf8()..].split_whitespace().next()?;
        let amount = fen(digits) * if before.ends_with('-') { -1 } else { 1 };
        let trace = Trace { batch: number("批次号"), stan: number("凭证号") };
        Some(Slip { copy, duplicate: self.0.contains("重打印"), kind, trace, amount })
    }
}
