//! Which payment a receipt names, read back from what a scanner finds on it: the code of the shop's copy, the customer's link, or the
//! number that is printed under both. Nothing is believed of it: whoever looks it up finds what the ledger has.

use super::link::{PATH, ReceiptLink};
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber, TraceNumber};

/// What it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Whose terminal; nothing, where only the number stands there.
    pub terminal: Option<TerminalNumber>,
    /// Batch and STAN.
    pub trace: TraceNumber,
}

/// Reads it; nothing, where it is none of these.
pub fn read(text: &str) -> Option<Named> {
    let text = text.trim_ascii();
    if let Some(code) = text.strip_prefix("Y2/") {
        return of_code(code);
    }
    // Behind the base, which may have such a part as well.
    if let Some((_, path)) = text.rsplit_once(PATH) {
        let (link, _) = ReceiptLink::parse(path)?;
        return Some(Named { terminal: Some(link.terminal), trace: link.trace });
    }
    let (batch, stan) = text.split_once('-')?;
    Some(Named { terminal: None, trace: trace(batch, stan)? })
}

fn of_code(code: &str) -> Option<Named> {
    let mut fields = code.split('/');
    MerchantCode::parse(fields.next()?).ok()?;
    let terminal = TerminalNumber::parse(fields.next()?).ok()?;
    let trace = trace(fields.next()?, fields.next()?)?;
    Some(Named { terminal: Some(terminal), trace })
}

fn trace(batch: &str, stan: &str) -> Option<TraceNumber> {
    let number = |digits: &str| {
        (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
    };
    Some(TraceNumber { batch: Batch::new(number(batch)?).ok()?, stan: Stan::new(number(stan)?).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::slip;
    use crate::receipt::transaction_code;

    #[test]
    fn what_stands_on_a_slip_names_its_payment() {
        let slip = slip();
        let whole = Named { terminal: Some(slip.terminal_number.clone()), trace: slip.trace };
        assert_eq!(read(&transaction_code(&slip)), Some(whole.clone()));
        assert_eq!(read(&slip.trace.to_string()), Some(Named { terminal: None, ..whole.clone() }));
        let link = "HTTPS://R.EXAMPLE.CN/R/00000001-000001-000123-20260901-0123456789ABCDEF0123456789ABCDEF";
        assert_eq!(read(link), Some(whole));
    }

    #[test]
    fn anything_else_names_nothing() {
        for text in [
            "",
            "6901028075763",
            "281234567890123456",
            "Y2/",
            "Y2/898440100000001/00000001/000001",
            "Y2/898440100000001/00000001/000001/x",
            "Y3/898440100000001/00000001/000001/000123",
            "1-2",
            "000000-000000",
            "https://example.cn/R/",
            "https://example.cn/R/00000001-000001",
            "００００01-000123",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
