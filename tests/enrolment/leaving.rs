//! A machine leaves one merchant and comes to another: what its payments still need, and what becomes of its ledger.

use super::*;

const PUT_ASIDE: &str = "ledger-10000002-999TEST00000002.sqlite";

impl Town {
    /// The acquirer ends the service of this terminal.
    fn end_service(&self) {
        self.merchant(&["decommission", TUSN, "--reason", "the shop has closed"]);
    }

    /// The machine's next merchant.
    fn next_code(&self) -> String {
        self.apply();
        let approved = self.merchant(&["approve", TUSN]);
        assert_eq!(approved["terminal_number"], "10000003");
        approved["activation_code"].as_str().unwrap().to_owned()
    }

    /// State of each payment in a ledger that was put aside.
    fn put_aside(&self) -> Vec<String> {
        let path = self.state().join(PUT_ASIDE).display().to_string();
        let (list, _) = self.yima(&["transactions", "--ledger", &path, "--json"]);
        list.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
    }

    fn sells_as_the_next_merchant(&self) {
        let (status, _) = self.yima(&["enrol", "--status", "--json"]);
        assert_eq!(status["binding"]["terminal_number"], "10000003");
        Till::open(self).sells();
        let (list, _) = self.yima(&["transactions", "--json"]);
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        let (doctor, _) = self.yima(&["doctor", "--json"]);
        assert_eq!(doctor["parts"]["ledger"]["ok"], true, "{doctor}");
    }
}

#[test]
fn payments_that_are_open_go_to_the_host_after_the_acquirer_ended_the_service() {
    let town = Town::enrolled();
    Till::open(&town).sells();
    town.leave_a_payment_open();
    town.end_service();
    let next = town.next_code();
    // Neither the end nor another beginning destroys the keys that are needed.
    for arguments in [&["decommission", "--json"][..], &["enrol", "--code", &next, "--again", "--json"]] {
        let (refused, exit) = town.yima(arguments);
        assert_eq!((refused["reason"]["kind"].as_str(), exit), (Some("payments_open"), 1), "{arguments:?}");
    }
    let till = Till::open(&town);
    town.wait_until_nothing_waits();
    drop(till);
    let (done, exit) = town.yima(&["decommission", "--json"]);
    assert_eq!((&done["decommissioned"], exit), (&Value::Bool(true), 0), "{done}");
    town.enrol(&next);
    assert_eq!(town.put_aside(), ["reversed", "approved"]);
    town.sells_as_the_next_merchant();
}

#[test]
fn what_nobody_can_finish_is_given_up_by_somebody_and_kept_as_it_is() {
    let town = Town::enrolled();
    town.leave_a_payment_open();
    town.end_service();
    let give_up = ["decommission", "--give-up", "--by", "王五", "--note", "the bank takes it back itself", "--json"];
    let (done, exit) = town.yima(&give_up);
    assert_eq!((&done["decommissioned"], exit), (&Value::Bool(true), 0), "{done}");
    let (status, _) = town.yima(&["enrol", "--status", "--json"]);
    let said = status["journal"].as_array().unwrap().last().unwrap()["detail"].as_str().unwrap().to_owned();
    assert_eq!(said, "1 payments not finished, 0 not settled; given up by 王五: the bank takes it back itself");
    town.enrol(&town.next_code());
    assert_eq!(town.put_aside(), ["reversal_due"], "nobody has taken it back");
    town.sells_as_the_next_merchant();
}

#[test]
fn a_ledger_with_nothing_open_is_kept_when_the_terminal_comes_to_another_merchant() {
    let town = Town::enrolled();
    let till = Till::open(&town);
    till.sells();
    town.wait_until_nothing_waits();
    drop(till);
    town.end_service();
    let (enrolled, exit) = town.yima(&["enrol", "--code", &town.next_code(), "--again", "--json"]);
    assert_eq!((&enrolled["enrolled"], exit), (&Value::Bool(true), 0), "{enrolled}");
    assert_eq!(town.put_aside(), ["approved"]);
    town.sells_as_the_next_merchant();
}
