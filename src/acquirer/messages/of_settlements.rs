//! Requests of a settlement. Each has a number of its own, and is the same byte for byte however often it is written.

use super::*;
use crate::acquirer::settlement::{write_lines, write_totals};
use crate::iso8583::SettlementRules;
use crate::iso8583::settlement_rules::TOTALS_FIELD;
use crate::money::Currency;
use crate::reference::Stan;
use crate::settlement::closing::Request;

impl Requests<'_> {
    /// 0500, 0320: compares totals, uploads payments or ends a batch. The random factor of field 59 is the STAN.
    ///
    /// # Errors
    /// When the dialect has no settlement, a message cannot say so much, or the keys cannot be used.
    pub fn settlement(&self, request: &Request) -> Result<Written, RequestError> {
        let rules = self.dialect.settlement.as_ref().ok_or(RequestError::NoSettlement)?;
        let message = match request {
            Request::Compare { batch, stan, totals } => {
                let text = write_totals(totals, '0').ok_or(RequestError::TooMany)?;
                self.of_batch(Mti::SETTLEMENT_REQUEST, *batch, *stan, &rules.compare, totals.currency())?
                    .with_text(TOTALS_FIELD, &text)
            }
            Request::Upload { batch, stan, lines, currency } => {
                let text = write_lines(self.dialect, lines).ok_or(RequestError::NoMessage("payment of this batch"))?;
                self.of_batch(Mti::BATCH_UPLOAD, *batch, *stan, &rules.upload, *currency)?
                    .with_text(TOTALS_FIELD, &text)
            }
            Request::End { batch, stan, equal, lines, currency } => self
                .of_batch(Mti::BATCH_UPLOAD, *batch, *stan, end(rules, *equal), *currency)?
                .with_text(TOTALS_FIELD, &format!("{lines:06}")),
            Request::Differences { .. } => return Err(RequestError::NoSettlement),
        };
        self.written(message)
    }

    fn of_batch(
        &self,
        mti: Mti,
        batch: Batch,
        stan: Stan,
        code: &str,
        currency: Currency,
    ) -> Result<Message, RequestError> {
        let stan = stan.to_string();
        Ok(self
            .named(mti, &stan)?
            .with_text(11, &stan)
            .with_text(49, &format!("{:03}", currency.numeric()))
            .with_text(60, &format!("{MANAGEMENT_TYPE}{batch}{code}")))
    }
}

fn end(rules: &SettlementRules, equal: bool) -> &str {
    if equal { &rules.end_equal } else { &rules.end_different }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::with_requests;
    use crate::acquirer::settlement::{Asked, of_request};
    use crate::money::Amount;
    use crate::settlement::closing::{BatchTotals, Line};

    #[test]
    fn each_request_has_these_fields_and_no_others_and_is_the_same_when_it_is_written_again() {
        with_requests(|requests| {
            let (batch, stan) = (Batch::new(7).unwrap(), Stan::new(42).unwrap());
            let currency = Currency::CNY;
            let line = Line { stan, kind: Kind::Sale, amount: Amount::new(1234, currency).unwrap() };
            for (request, mti, sixty, asked) in [
                (Request::Compare { batch, stan, totals: BatchTotals::nothing(currency) }, 500, "201", Asked::Compare),
                (Request::Upload { batch, stan, lines: vec![line], currency }, 320, "201", Asked::Upload),
                (Request::End { batch, stan, equal: true, lines: 0, currency }, 320, "207", Asked::End),
                (Request::End { batch, stan, equal: false, lines: 1, currency }, 320, "202", Asked::End),
            ] {
                let written = requests.settlement(&request).unwrap();
                let message = &written.frame.message;
                let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
                assert_eq!(fields, [11, 32, 41, 42, 48, 49, 59, 60, 64], "{request:?}");
                assert_eq!(message.mti(), Mti::new(mti).unwrap());
                assert_eq!(message.text(60), Some(format!("00000007{sixty}").as_str()));
                assert_eq!(of_request(requests.dialect, message), Some(asked));
                assert_eq!(requests.settlement(&request).unwrap().bytes, written.bytes);
                assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);
            }
            let mut dialect = requests.dialect.clone();
            dialect.settlement = None;
            let without = Requests { dialect: &dialect, ..*requests };
            let end = Request::End { batch, stan, equal: true, lines: 0, currency };
            assert!(matches!(without.settlement(&end).err().unwrap(), RequestError::NoSettlement));
        });
    }
}
