//! Sales by instalments: what was asked for stands beside the payment's row from its beginning, the plan from the approval on.

use rusqlite::{OptionalExtension, params};

use super::{Ledger, LedgerError, statement_error};
use crate::money::{Amount, Currency};
use crate::payment::instalments::{AskedInstalments, Fee, Instalments, Periods, Plan};
use crate::reference::TraceNumber;

impl Ledger {
    /// Writes what is asked for, in the transaction that has just written the payment's row.
    pub(super) fn note_instalments(&self, trace: TraceNumber, asked: &AskedInstalments) -> Result<(), LedgerError> {
        let written = self.connection.execute(
            "INSERT INTO instalments (transaction_id, periods, programme) SELECT id, ?5, ?6 FROM transactions
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                asked.periods.number(),
                asked.programme,
            ],
        );
        match written.map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::NoSuchRow(trace)),
        }
    }

    /// Writes the plan, in the transaction that writes the approval: one by instalments has a plan, and no other has.
    pub(super) fn note_plan(&self, trace: TraceNumber, plan: Option<&Plan>) -> Result<(), LedgerError> {
        let Some(plan) = plan else {
            let asked = self.instalments_of(trace)?;
            return if asked.is_none() { Ok(()) } else { Err(LedgerError::NoPlan(trace)) };
        };
        let minor = |amount: Amount| amount.minor() as i64;
        let (fee, first_fee, following_fee) = match plan.fee() {
            Fee::None => (None, None, None),
            Fee::AtOnce(fee) => (Some(minor(fee)), None, None),
            Fee::ByPeriods { first, following } => (None, Some(minor(first)), Some(minor(following))),
        };
        let written = self.connection.execute(
            "UPDATE instalments SET first = ?6, following = ?7, fee = ?8, first_fee = ?9, following_fee = ?10
             WHERE periods = ?5 AND transaction_id = (SELECT id FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4)",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                plan.periods().number(),
                minor(plan.first()),
                minor(plan.following()),
                fee,
                first_fee,
                following_fee,
            ],
        );
        match written.map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::NoSuchRow(trace)),
        }
    }

    /// How a sale is paid by instalments; nothing of what is paid at once.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn instalments_of(&self, trace: TraceNumber) -> Result<Option<Instalments>, LedgerError> {
        let found = self
            .connection
            .query_row(
                "SELECT i.periods, i.programme, i.first, i.following, i.fee, i.first_fee, i.following_fee, t.amount, t.currency
                 FROM transactions t JOIN instalments i ON i.transaction_id = t.id
                 WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch = ?3 AND t.stan = ?4",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
                |row| {
                    let mut amounts = [None; 5];
                    for (index, amount) in amounts.iter_mut().enumerate() {
                        *amount = row.get::<_, Option<i64>>(2 + index)?;
                    }
                    Ok(Found {
                        periods: row.get(0)?,
                        programme: row.get(1)?,
                        amounts,
                        amount: row.get(7)?,
                        currency: row.get(8)?,
                    })
                },
            )
            .optional()
            .map_err(statement_error(&self.path))?;
        found.map(|found| found.read().ok_or_else(|| found.damaged())).transpose()
    }
}

/// A row as it stands there.
#[derive(Debug)]
struct Found {
    periods: u8,
    programme: Option<String>,
    amounts: [Option<i64>; 5],
    amount: i64,
    currency: String,
}

impl Found {
    fn read(&self) -> Option<Instalments> {
        let currency: Currency = self.currency.parse().ok()?;
        let amount = |minor: i64| Amount::new(u64::try_from(minor).ok()?, currency).ok();
        let periods = Periods::new(self.periods).ok()?;
        let [first, following, fee, first_fee, following_fee] = self.amounts;
        let plan = match first.zip(following) {
            Some((first, following)) => {
                let fee = match (fee, first_fee.zip(following_fee)) {
                    (None, None) => Fee::None,
                    (Some(fee), _) => Fee::AtOnce(amount(fee)?),
                    (None, Some((first, following))) => {
                        Fee::ByPeriods { first: amount(first)?, following: amount(following)? }
                    }
                };
                let whole = amount(self.amount)?;
                Some(Plan::new(whole, periods, amount(first)?, amount(following)?, fee).ok()?)
            }
            None => None,
        };
        Some(Instalments { asked: AskedInstalments { periods, programme: self.programme.clone() }, plan })
    }

    fn damaged(&self) -> LedgerError {
        LedgerError::Value { what: "plan of instalments", value: format!("{:?} of {}", self.amounts, self.amount) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::PrintState;
    use super::super::tests::{approved, host_approved, open, pending_sale};
    use super::*;
    use crate::payment::queue::EntryId;
    use crate::payment::record::{Pending, Record, State};
    use crate::reference::Batch;
    use crate::terminal::settings::LEAST_KEPT_DAYS;

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn asked(number: u8) -> AskedInstalments {
        AskedInstalments { periods: Periods::new(number).unwrap(), programme: Some("0001".to_owned()) }
    }

    fn plan(fee: Fee) -> Plan {
        Plan::new(yuan(60_005), asked(6).periods, yuan(10_005), yuan(10_000), fee).unwrap()
    }

    fn begun(number: u8) -> Record {
        Record::Pending(Box::new(Pending { instalments: Some(asked(number)), ..pending_sale(60_005) }))
    }

    fn planned(plan: Option<Plan>) -> Record {
        match host_approved() {
            Record::HostApproved { response_code, rrn, authorisation_code, part, .. } => {
                Record::HostApproved { response_code, rrn, authorisation_code, part, plan }
            }
            other => other,
        }
    }

    #[test]
    fn what_is_asked_for_is_there_from_the_beginning_and_the_plan_from_the_approval_on() {
        let by_periods = Fee::ByPeriods { first: yuan(365), following: yuan(360) };
        for fee in [Fee::None, Fee::AtOnce(yuan(2160)), by_periods] {
            let directory = tempfile::tempdir().unwrap();
            let mut ledger = open(directory.path());
            let trace = ledger.take_trace_number().unwrap();
            ledger.record(trace, &begun(6)).unwrap();
            assert_eq!(ledger.instalments_of(trace).unwrap(), Some(Instalments { asked: asked(6), plan: None }));
            ledger.record(trace, &planned(Some(plan(fee)))).unwrap();
            ledger.record(trace, &approved()).unwrap();
            let whole = Some(Instalments { asked: asked(6), plan: Some(plan(fee)) });
            assert_eq!(open(directory.path()).instalments_of(trace).unwrap(), whole);
            assert_eq!(ledger.find(trace).unwrap().unwrap().periods, Some(asked(6).periods));
            for change in [
                "UPDATE instalments SET first = first - 5, following = following + 1",
                "UPDATE instalments SET periods = 3",
                "UPDATE instalments SET fee = 1",
                "DELETE FROM instalments",
                "INSERT INTO tips SELECT transaction_id, 1 FROM instalments",
            ] {
                assert!(ledger.connection.execute(change, []).is_err(), "{change}");
            }
        }
    }

    #[test]
    fn an_approval_by_instalments_has_its_plan_and_no_other_has_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let (by_instalments, at_once) = (ledger.take_trace_number().unwrap(), ledger.take_trace_number().unwrap());
        ledger.record(by_instalments, &begun(6)).unwrap();
        ledger.record(at_once, &Record::Pending(Box::new(pending_sale(60_005)))).unwrap();
        assert!(matches!(ledger.record(by_instalments, &planned(None)), Err(LedgerError::NoPlan(_))));
        assert!(ledger.record(at_once, &planned(Some(plan(Fee::None)))).is_err());
        let other = Plan::new(yuan(60_005), asked(5).periods, yuan(12_001), yuan(12_001), Fee::None).unwrap();
        assert!(ledger.record(by_instalments, &planned(Some(other))).is_err(), "five were not asked for");
        let more = Plan::new(yuan(60_006), asked(6).periods, yuan(10_001), yuan(10_001), Fee::None).unwrap();
        assert!(ledger.record(by_instalments, &planned(Some(more))).is_err(), "it does not come to what is paid");
        for trace in [by_instalments, at_once] {
            assert_eq!(ledger.find(trace).unwrap().unwrap().state, State::Pending, "nothing of it was written");
        }
        ledger.record(at_once, &planned(None)).unwrap();
        assert_eq!(ledger.instalments_of(at_once).unwrap(), None);
        assert_eq!(ledger.find(at_once).unwrap().unwrap().periods, None);
    }

    #[test]
    fn only_a_sale_without_a_tip_is_begun_so() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        let held = Pending {
            kind: crate::payment::transaction::Kind::PreAuthorisation,
            instalments: Some(asked(6)),
            ..pending_sale(60_005)
        };
        assert!(ledger.record(trace, &Record::Pending(Box::new(held))).is_err());
        assert!(ledger.record_selling(trace, &begun(6), &[], Some(yuan(100))).is_err());
        assert_eq!(ledger.find(trace).unwrap(), None, "it is written as a whole or not at all");
    }

    #[test]
    fn a_reversal_and_an_advice_say_that_their_payment_was_by_instalments() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &begun(6)).unwrap();
        ledger.record(trace, &planned(Some(plan(Fee::None)))).unwrap();
        ledger.record(trace, &approved()).unwrap();
        assert!(ledger.next_advice().unwrap().unwrap().advice.by_instalments);
        assert!(ledger.past(trace).unwrap().unwrap().original.periods.is_some());
        let cut_off = ledger.take_trace_number().unwrap();
        ledger.record(cut_off, &begun(6)).unwrap();
        let due = Record::ReversalDue {
            reversal_reason: crate::payment::online::ReversalReason::NoAnswer,
            reason: crate::wording::ReasonKind::HostSilent,
            authorisation_code: None,
            chip_data: vec![1],
        };
        ledger.record(cut_off, &due).unwrap();
        assert!(ledger.find(cut_off).unwrap().unwrap().reversal_request().unwrap().by_instalments);
    }

    #[test]
    fn it_leaves_with_its_payment_and_is_read_from_the_archive() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        let old = Pending { at: date(2023, 5, 1).at(12, 0, 0, 0), instalments: Some(asked(6)), ..pending_sale(60_005) };
        ledger.record(trace, &Record::Pending(Box::new(old))).unwrap();
        ledger.record(trace, &planned(Some(plan(Fee::AtOnce(yuan(2160)))))).unwrap();
        ledger.record(trace, &approved()).unwrap();
        let advice = ledger.next_advice().unwrap().unwrap().id;
        ledger.done(EntryId::Advice(advice)).unwrap();
        for copy in ledger.copies_of(trace).unwrap() {
            ledger.copy_is(&copy, PrintState::Printed).unwrap();
        }
        let now = date(2027, 1, 20).at(8, 0, 0, 0);
        ledger.signed_on(Batch::new(2).ok(), now).unwrap();
        let newest = ledger.take_trace_number().unwrap();
        ledger.record(newest, &Record::Pending(Box::new(Pending { at: now, ..pending_sale(1) }))).unwrap();
        let left = ledger.archive_a_month(LEAST_KEPT_DAYS, now).unwrap().unwrap();
        assert_eq!((ledger.find(trace).unwrap(), ledger.instalments_of(trace).unwrap()), (None, None));
        let archive = ledger.open_archive(&left).unwrap();
        let whole = Instalments { asked: asked(6), plan: Some(plan(Fee::AtOnce(yuan(2160)))) };
        assert_eq!(archive.instalments_of(trace).unwrap(), Some(whole));
    }
}
