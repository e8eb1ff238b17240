//! A machine whose disk was replaced: its ledger is gone, and the host's books go on.

use super::*;

impl Town {
    fn lose_the_ledger(&self) {
        for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
            let _ = std::fs::remove_file(self.state().join(name));
        }
        assert!(!self.state().join("ledger.sqlite").exists());
    }

    fn enrol_anew(&self) {
        let code = self.merchant(&["code", TUSN])["activation_code"].as_str().unwrap().to_owned();
        let (enrolled, exit) = self.yima(&["enrol", "--again", "--code", &code, "--json"]);
        assert_eq!((&enrolled["enrolled"], exit), (&Value::Bool(true), 0), "{enrolled}");
    }
}

#[test]
fn a_repaired_terminal_uses_no_number_that_an_earlier_payment_has() {
    let town = Town::new();
    let code = town.approved();
    town.enrol(&code);
    let till = Till::open(&town);
    assert_eq!(till.sell(), (Ending::Approved, "00".to_owned()));
    drop(till);
    for _ in 0..2 {
        town.lose_the_ledger();
        town.enrol_anew();
        let till = Till::open(&town);
        assert_eq!(till.sell(), (Ending::Approved, "00".to_owned()));
        drop(till);
    }
    let books = town.host.ledger().unwrap();
    let batches: Vec<_> = books.iter().map(|entry| (entry.trace.batch.number(), entry.state.word())).collect();
    assert_eq!(batches, [(1, "approved"), (2, "approved"), (3, "approved")]);
}
