//! The issuer's scripts, and what the card made of them.

use yima::payment::advice::AdviceKind;
use yima::payment::online::SaleRequest;
use yima::payment::record::State;
use yima::payment::sale::Conclusion;
use yima::sandbox::card::profile::CardProfile;
use yima::wording::ReasonKind;

use super::shop::{Faults, Shop, approve, kind_of};

#[test]
fn a_card_that_declines_after_the_approval_still_gets_the_issuers_scripts() {
    let declining = || {
        let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
        profile.applications[0].declines_after_approval = true;
        Shop::with(profile)
    };
    let with_script = |profile: &CardProfile, request: &SaleRequest| {
        let mut answer = approve(profile, request)?;
        answer.issuer_data.extend([0x72, 0x06, 0x86, 0x04, 0x84, 0x18, 0x00, 0x00]);
        Ok(answer)
    };
    let without = declining().sale(&Faults::default(), approve);
    let with = declining().sale(&Faults::default(), with_script);
    assert_eq!(with.commands, without.commands + 1);
    assert_eq!((with.state, kind_of(&with.conclusion)), (without.state, kind_of(&without.conclusion)));
    assert_eq!(with.state, Some(State::ReversalDue));
    // Torn while the script runs, it is taken back all the same.
    let torn = declining().sale(&Faults { tear: Some(with.commands), ..Faults::default() }, with_script);
    assert_eq!(torn.state, Some(State::ReversalDue));
    for (run, result) in [(with, "2000000000"), (torn, "1100000000")] {
        assert_eq!(run.script_results.as_deref(), Some(result), "the issuer hears what came of them");
        assert_eq!(run.advices, [AdviceKind::ScriptResult]);
    }
}

#[test]
fn a_card_torn_while_scripts_run_has_paid() {
    // The card's last word is its TC; what the issuer still wants of it comes behind.
    let with_script = |profile: &CardProfile, request: &SaleRequest| {
        let mut answer = approve(profile, request)?;
        answer.issuer_data.extend([0x72, 0x06, 0x86, 0x04, 0x84, 0x18, 0x00, 0x00]);
        Ok(answer)
    };
    let without = Shop::new().sale(&Faults::default(), approve).commands;
    let whole = Shop::new().sale(&Faults::default(), with_script);
    assert_eq!((whole.commands, whole.state), (without + 1, Some(State::Approved)));
    let torn = Shop::new().sale(&Faults { tear: Some(whole.commands), ..Faults::default() }, with_script);
    assert_eq!((torn.conclusion, torn.state), (Conclusion::Approved, Some(State::Approved)));
    // And a TC that cannot be written down is still no payment.
    let unwritten = Shop::new().sale(&Faults { record: Some(3), ..Faults::default() }, with_script);
    assert_eq!(kind_of(&unwritten.conclusion), Some(ReasonKind::LedgerFailedAfterRequest));
}

/// 71 and 72 of these: one command that the card takes (unblock application), one that no card knows.
const TAKEN: [u8; 6] = [0x86, 0x04, 0x84, 0x18, 0x00, 0x00];

const UNKNOWN: [u8; 6] = [0x86, 0x04, 0x84, 0xEE, 0x00, 0x00];

#[test]
fn what_the_card_made_of_scripts_is_written_down_with_the_results_that_stand_after_them() {
    // Template, command, 9F5B, bit of TVR byte 5, records of the sale.
    for (template, command, results, bit, records) in [
        (0x71, TAKEN, "2000000000", 0x00, "host_approved approved"),
        (0x71, UNKNOWN, "1100000000", 0x20, "host_approved approved"),
        (0x72, TAKEN, "2000000000", 0x00, "host_approved approved scripts"),
        (0x72, UNKNOWN, "1100000000", 0x10, "host_approved approved scripts"),
    ] {
        let mut shop = Shop::new();
        let run = shop.sale(&Faults::default(), |profile, request| {
            let mut answer = approve(profile, request)?;
            answer.issuer_data.extend([template, command.len() as u8]);
            answer.issuer_data.extend(command);
            Ok(answer)
        });
        let what = format!("{template:02X} {results}");
        assert_eq!((run.conclusion, run.state), (Conclusion::Approved, Some(State::Approved)), "{what}");
        assert_eq!(run.script_results.as_deref(), Some(results), "{what}");
        assert_eq!(run.advices, [AdviceKind::CardResult, AdviceKind::ScriptResult], "{what}");
        let steps: Vec<_> = run.trail.iter().filter_map(|step| step.strip_prefix("record:")).skip(1).collect();
        assert_eq!(steps.join(" "), records, "{what}");
        let row = shop.ledger.page(0, 1).unwrap().remove(0);
        assert_eq!(row.tsi.as_deref(), Some("EC00"), "{what}: script processing was performed");
        let tvr = yima::crypto::hex::decode(&row.tvr.unwrap()).unwrap();
        assert_eq!(tvr[4] & 0x30, bit, "{what}");
    }
}

#[test]
fn script_results_that_cannot_be_written_down_change_no_payment() {
    let with_script = |profile: &CardProfile, request: &SaleRequest| {
        let mut answer = approve(profile, request)?;
        answer.issuer_data.extend([0x72, 0x06]);
        answer.issuer_data.extend(TAKEN);
        Ok(answer)
    };
    // Pending, host approved, approved, scripts.
    let run = Shop::new().sale(&Faults { record: Some(4), ..Faults::default() }, with_script);
    assert_eq!((run.conclusion, run.state), (Conclusion::Approved, Some(State::Approved)));
    assert_eq!(run.advices, [AdviceKind::CardResult]);
}
