//! A machine whose disk was replaced: its ledger is gone, and the host's books go on.

use super::*;

impl Town {
    fn lose_the_ledger(&self) {
        for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
            let _ = std::fs::remove_file(self.state().join(name));
        }
        assert!(!self.state().join("ledger.sqlite").exists());
    }

    fn lose_the_copy(&self) {
        std::fs::remove_file(self.state().join("ledger-copy.sqlite")).unwrap();
    }

    fn enrol_anew(&self) {
        let code = self.merchant(&["code", TUSN])["activation_code"].as_str().unwrap().to_owned();
        let (enrolled, exit) = self.yima(&["enrol", "--again", "--code", &code, "--json"]);
        assert_eq!((&enrolled["enrolled"], exit), (&Value::Bool(true), 0), "{enrolled}");
    }
}

#[test]
fn a_repaired_terminal_uses_no_number_that_an_earlier_payment_has() {
    let town = Town::enrolled();
    Till::open(&town).sells();
    for _ in 0..2 {
        town.lose_the_ledger();
        town.lose_the_copy();
        town.enrol_anew();
        Till::open(&town).sells();
    }
    let books = town.host.ledger().unwrap();
    let batches: Vec<_> = books.iter().map(|entry| (entry.trace.batch.number(), entry.state.word())).collect();
    assert_eq!(batches, [(1, "approved"), (2, "approved"), (3, "approved")]);
}

/// What was open is in the copy, and new keys could not finish it.
#[test]
fn a_terminal_whose_ledger_can_be_restored_is_not_enrolled_anew_over_it() {
    let town = Town::enrolled();
    Till::open(&town).sells();
    town.lose_the_ledger();
    let code = town.merchant(&["code", TUSN])["activation_code"].as_str().unwrap().to_owned();
    let again = ["enrol", "--again", "--code", &code, "--json"];
    let (refused, exit) = town.yima(&again);
    assert_eq!((refused["reason"]["kind"].as_str(), exit), (Some("ledger_lost"), 1), "{refused}");
    let (refused, exit) = town.yima(&["decommission", "--json"]);
    assert_eq!((refused["reason"]["kind"].as_str(), exit), (Some("ledger_lost"), 1), "{refused}");
    let (restored, exit) = town.yima(&["ledger", "restore", "--by", "Wang", "--json"]);
    assert_eq!(exit, 0, "{restored}");
    let (enrolled, exit) = town.yima(&again);
    assert_eq!((&enrolled["enrolled"], exit), (&Value::Bool(true), 0), "{enrolled}");
    Till::open(&town).sells();
}

#[test]
fn a_ledger_that_nothing_can_replace_makes_room_for_that_of_a_new_enrolment_and_is_kept() {
    let town = Town::enrolled();
    drop(Till::open(&town));
    town.lose_the_ledger();
    for name in ["ledger.sqlite", "ledger-copy.sqlite"] {
        std::fs::write(town.state().join(name), [0xA5; 8192]).unwrap();
    }
    town.enrol_anew();
    let kept = std::fs::read_dir(town.state()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(kept.filter(|name| name.starts_with("ledger-damaged-")).count(), 2);
    Till::open(&town).sells();
}

/// Keys are needed by what is open, whoever it belongs to.
#[test]
fn a_binding_record_that_cannot_be_read_is_not_taken_for_none() {
    let town = Town::enrolled();
    town.leave_a_payment_open();
    let path = town.identity().join("binding.json");
    let right = std::fs::read(&path).unwrap();
    let vault = std::fs::read(town.identity().join("vault-TEST.toml")).unwrap();
    let code = town.merchant(&["code", TUSN])["activation_code"].as_str().unwrap().to_owned();
    let (again, once) = (["enrol", "--again", "--code", &code, "--json"], ["enrol", "--code", &code, "--json"]);
    for (left, arguments) in [("{", &again[..]), ("{", &once), ("", &again), ("gone", &once)] {
        std::fs::write(&path, left).unwrap();
        if left == "gone" {
            std::fs::remove_file(&path).unwrap();
        }
        let (refused, exit) = town.yima(arguments);
        assert_eq!((refused["reason"]["kind"].as_str(), exit), (Some("payments_open"), 1), "{refused}");
    }
    assert_eq!(std::fs::read(town.identity().join("vault-TEST.toml")).unwrap(), vault, "the keys are there");
    std::fs::write(&path, right).unwrap();
    let till = Till::open(&town);
    town.wait_until_nothing_waits();
    drop(till);
    std::fs::write(&path, "{").unwrap();
    town.enrol_anew();
}
