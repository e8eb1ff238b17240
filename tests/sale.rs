//! A sale from the command line over real parts: pcscd with the sandbox card in a virtual reader, the HTTPS host, the pty
//! printer. Each fault ends where the ledger, the account and the customer agree.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::counter::{Counter, FULL_ACCOUNT, keep};
use support::running::Running;
use support::wait_until;
use yima::sandbox::host::store::EntryState;

/// Commands of a whole sale up to and with GENERATE AC, as the card counts them (T=0: GET RESPONSE counts too): a card
/// torn at this one has not been asked for its cryptogram; one torn later has.
const EARLY: &str = "5";

fn receipt_states(result: &Value) -> Vec<&str> {
    result["receipts"].as_array().unwrap().iter().map(|receipt| receipt["state"].as_str().unwrap()).collect()
}

#[test]
fn runs_from_card_to_paper() {
    let mut counter = Counter::open_for_business();
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!(result["amount"], "12.34");
    assert_eq!(result["currency"], "CNY");
    // The first number went to signing on.
    assert_eq!(result["stan"], "000002");
    assert_eq!(result["response_code"], "00");
    assert_eq!(result["card"]["pan"], "622848*********1230");
    assert_eq!(result["card"]["aid"], "A000000333010101");
    assert_eq!(result["card"]["entry"], "chip");
    assert_eq!(result["rrn"].as_str().unwrap().len(), 12);
    assert_eq!(result["auth_code"].as_str().unwrap().len(), 6);
    // The card is authenticated by CDA; floor limit exceeded: the sale went online.
    assert_eq!(result["tvr"], "0000008000");
    // ODA, CVM, terminal risk management and card risk management performed.
    assert_eq!(result["tsi"], "E800");
    assert_eq!(receipt_states(&result), ["printed", "printed"]);
    assert!(result["timings_ms"]["host"].as_f64().unwrap() > 0.0);

    assert_eq!(counter.balance(), FULL_ACCOUNT - 1234);
    // Before it ended the terminal told the host of the card's TC, which the issuer found right.
    assert_eq!(counter.queue(), Vec::<Value>::new());
    let noted = counter.host_books().advices().unwrap();
    assert_eq!(noted.iter().map(|note| note.verdict.as_str()).collect::<Vec<_>>(), ["TC"]);
    let rows = counter.transactions();
    assert_eq!((rows.len(), rows[0]["state"].as_str()), (1, Some("approved")));

    let receipts = counter.receipts();
    assert_eq!(receipts.len(), 2);
    let text = std::fs::read_to_string(receipts[0].with_extension("txt")).unwrap();
    for wanted in ["老王小吃店", "12.34", "622848*********1230", "000001", result["rrn"].as_str().unwrap(), "商户"]
    {
        assert!(text.contains(wanted), "{wanted} is not on the slip:\n{text}");
    }
    keep(&receipts[0], "receipt-merchant.png");
    keep(&receipts[1], "receipt-customer.png");
}

#[test]
fn goods_are_sold_by_their_barcodes_and_stand_in_the_record_and_on_both_slips() {
    let mut counter = Counter::open_for_business();
    let table = counter.state().join("goods.csv");
    let goods = "编号,条码,名称,单价,单位,税率\n1,6901028075763,可口可乐,3.50,瓶,13%\n2,,苹果,12,千克,9%\n";
    std::fs::write(&table, goods).unwrap();
    assert!(counter.yima(&["goods", "import"]).arg(&table).status().unwrap().success());
    let (result, code) = counter.sale("--goods=6901028075763x2", &[]);
    assert_eq!(
        (result["outcome"].as_str(), result["amount"].as_str(), code),
        (Some("approved"), Some("7.00"), 0),
        "{result:#}"
    );
    let row = &counter.transactions()[0];
    let good = &row["goods"][0];
    assert_eq!((good["name"].as_str(), good["quantity"].as_str()), (Some("可口可乐"), Some("2")), "{row:#}");
    assert_eq!((good["amount"].as_str(), good["tax_rate"].as_str()), (Some("7.00"), Some("13%")));
    let receipts = counter.receipts();
    assert_eq!(receipts.len(), 2);
    for receipt in &receipts {
        let text = std::fs::read_to_string(receipt.with_extension("txt")).unwrap();
        for wanted in ["可口可乐", "2 x 3.50", "含税 13%"] {
            assert!(text.contains(wanted), "{wanted} is not on the slip:\n{text}");
        }
    }
    keep(&receipts[1], "receipt-goods.png");
    // What is not known, or is sold by weight and was not weighed, is not sold.
    for (goods, said) in [("--goods=4006381333931", "no good has"), ("--goods=2", "is sold by weight")] {
        let output = counter.yima(&["sale", goods]).output().unwrap();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && complained.contains(said), "{complained}");
    }
    assert_eq!((counter.transactions().len(), counter.balance()), (1, FULL_ACCOUNT - 700));
}

/// It brings settings of its own: those of a file would be ignored in silence.
#[test]
fn a_tip_is_charged_with_the_amount_and_stands_in_record_slips_and_report() {
    let mut counter = Counter::open_for_business();
    for (tip, said) in [("10.01", "is more than"), ("0", "more than nothing"), ("-1", "")] {
        let (refused, code) = counter.by_card(&["sale", "10.00", &format!("--tip={tip}")], &[]);
        assert!(code == 2 && refused.to_string().contains(said), "{tip}: {refused:#}");
    }
    let (result, code) = counter.by_card(&["sale", "10.00", "--tip", "1.50"], &[]);
    assert_eq!((result["outcome"].as_str(), result["amount"].as_str(), code), (Some("approved"), Some("11.50"), 0));
    assert_eq!(counter.balance(), FULL_ACCOUNT - 1150);
    let rows = counter.transactions();
    assert_eq!((rows[0]["amount"].as_str(), rows[0]["tip"].as_str()), (Some("11.50"), Some("1.50")), "{:#}", rows[0]);
    let text = std::fs::read_to_string(counter.receipts()[1].with_extension("txt")).unwrap();
    for (word, sum) in [("消费", "10.00"), ("小费", "1.50")] {
        assert!(text.lines().any(|line| line.starts_with(word) && line.ends_with(sum)), "{word} {sum}:\n{text}");
    }
    let told = counter.yima(&["settlement", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(report.to_string().contains("\"tips\":\"1.50\""), "{report:#}");
    let csv = counter.yima(&["settlement", "--csv"]).output().unwrap();
    let csv = String::from_utf8_lossy(&csv.stdout).into_owned();
    assert!(csv.lines().any(|line| line.contains("tips") && line.contains("1.50")), "{csv}");
}

#[test]
fn a_demo_with_somebodys_settings_is_refused_with_words() {
    let state = tempfile::tempdir().unwrap();
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_yima"));
    demo.args(["demo", "--headless", "--config", "shop.toml", "--state"]).arg(state.path());
    let output = demo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("shop.toml") && said.contains("leave --config out"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "nothing was begun");
}

#[test]
fn a_decline_says_why_and_charges_nothing() {
    let mut counter = Counter::open_for_business();
    let (result, code) = counter.sale("66.51", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("declined"), 1), "{result:#}");
    assert_eq!(result["response_code"], "51");
    assert_eq!(result["reason"]["what"], "余额不足。");
    assert_eq!(counter.balance(), FULL_ACCOUNT);
    assert_eq!(counter.transactions()[0]["state"], "declined");
    assert!(counter.receipts().is_empty());
}

/// A machine in universal time at a host in Beijing, which it has not heard of since it was started.
#[test]
fn the_first_payment_after_a_start_is_not_asked_for_at_another_time_than_the_hosts() {
    let mut counter = Counter::open_for_business();
    assert!(counter.yima(&["sign-on"]).status().unwrap().success());
    counter.environment.push(("TZ", "UTC".into()));
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("error"), 2), "{result:#}");
    assert_eq!(result["reason"]["kind"], "time_zone_wrong");
    assert!(counter.host_books().ledger().unwrap().is_empty());
}

#[test]
fn an_unreachable_host_is_no_charge_and_no_reversal() {
    let mut counter = Counter::open_for_business();
    assert!(counter.yima(&["sign-on"]).status().unwrap().success());
    counter.host = None;
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("error"), 2), "{result:#}");
    assert_eq!(result["reason"]["kind"], "host_unreachable");
    assert_eq!(counter.transactions()[0]["state"], "declined");
    assert_eq!(counter.balance(), FULL_ACCOUNT);
}

#[test]
fn a_silent_host_is_reversed_also_when_it_had_booked() {
    for (amount, booked) in [("67.01", false), ("67.02", true)] {
        let mut counter = Counter::open_to_silence();
        let (result, code) = counter.sale(amount, &[]);
        assert_eq!((result["outcome"].as_str(), code), (Some("reversed"), 2), "{result:#}");
        assert_eq!(counter.transactions()[0]["state"], "reversed");
        assert_eq!(counter.balance(), FULL_ACCOUNT, "{amount}");
        let entry = &counter.host_books().ledger().unwrap()[0];
        assert_eq!((entry.state, entry.booked.is_zero()), (EntryState::Reversed, !booked), "{amount}");
    }
}

#[test]
fn an_answer_that_cannot_be_trusted_is_reversed() {
    // A wrong MAC, the answer to something else, an issuer cryptogram the card refuses, and a part of the amount.
    for (amount, kind) in [
        ("67.03", "host_answer_refused"),
        ("67.08", "host_answer_refused"),
        ("67.04", "card_declined_after_approval"),
        ("66.10", "partial_approval"),
    ] {
        let mut counter = Counter::open_for_business();
        let (result, _) = counter.sale(amount, &[]);
        assert_eq!(result["outcome"], "reversed", "{amount}: {result:#}");
        assert_eq!(result["reason"]["kind"], kind, "{amount}");
        assert_eq!(counter.balance(), FULL_ACCOUNT, "{amount}");
    }
}

#[test]
fn a_gateway_that_answers_in_the_hosts_place_proves_nothing() {
    for amount in ["67.06", "67.07"] {
        let mut counter = Counter::open_for_business();
        let (result, _) = counter.sale(amount, &[]);
        assert_eq!(result["outcome"], "reversed", "{amount}: {result:#}");
        assert_eq!(counter.balance(), FULL_ACCOUNT, "{amount}");
    }
}

#[test]
fn a_card_torn_out_early_is_no_charge() {
    let mut counter = Counter::open_for_business();
    let (result, code) = counter.sale("12.34", &["--tear", EARLY]);
    assert_eq!((result["outcome"].as_str(), code), (Some("error"), 2), "{result:#}");
    assert_eq!(result["reason"]["kind"], "card_torn");
    assert!(counter.host_books().ledger().unwrap().is_empty());
    // And the next customer pays as if nothing had been.
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
    assert_eq!(result["stan"], "000003", "the number of the torn sale is not used again");
}

#[test]
fn a_card_torn_at_any_command_never_leaves_money_behind() {
    let mut counter = Counter::open_for_business();
    let mut approved = 0;
    let mut after_request = 0;
    for tear in 1.. {
        let (result, _) = counter.sale("1.00", &["--tear", &tear.to_string()]);
        match result["outcome"].as_str().unwrap() {
            "error" => assert_eq!(result["reason"]["kind"], "card_torn", "command {tear}"),
            "reversed" => {
                assert_eq!(result["reason"]["kind"], "card_torn_after_request", "command {tear}");
                after_request += 1;
            }
            "approved" => approved += 1,
            other => panic!("torn at command {tear}: {other}"),
        }
        assert_eq!(counter.balance(), FULL_ACCOUNT - approved * 100, "torn at command {tear}");
        if approved == 1 {
            break;
        }
        assert!(tear < 40, "a card that is torn at command {tear} still disturbs the sale");
    }
    assert!(after_request >= 1, "the second GENERATE AC was torn at least once");
}

#[test]
fn paper_that_runs_out_is_waited_for_and_the_sale_stands() {
    let mut counter = Counter::open_for_business();
    counter.start_printer(&["--paper-lines", "6", "--new-paper-after", "1.5"]);
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!(receipt_states(&result), ["printed", "printed"]);
    assert_eq!(counter.balance(), FULL_ACCOUNT - 1234);
}

#[test]
fn without_paper_the_sale_stands_and_the_slips_say_what_is_missing() {
    let mut counter = Counter::open_for_business();
    let settings = std::fs::read_to_string(counter.settings()).unwrap();
    std::fs::write(counter.settings(), settings.replace("patience_s = 20", "patience_s = 2")).unwrap();
    counter.start_printer(&["--no-paper"]);
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!(receipt_states(&result), ["failed", "failed"]);
    assert_eq!(result["receipts"][0]["reason"]["kind"], "printer_paper_out");
    assert!(counter.receipts().is_empty());
}

#[test]
fn a_printer_that_answers_nothing_is_not_believed() {
    let mut counter = Counter::open_for_business();
    counter.set("");
    let text = std::fs::read_to_string(counter.settings()).unwrap();
    std::fs::write(counter.settings(), text.replace("[printer]\n", "[printer]\nprofile = \"silent-58\"\n")).unwrap();
    counter.start_printer(&["--silent"]);
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
    assert_eq!(receipt_states(&result), ["sent_unconfirmed", "sent_unconfirmed"]);
}

#[test]
fn a_power_cut_between_request_and_answer_is_taken_back_before_the_next_sale() {
    let mut counter = Counter::open_for_business();
    counter.give_up_after(60);
    counter.bring_card(&[]);
    let mut command = counter.yima(&["sale", "67.02", "--json"]);
    counter.shop.log_to(&mut command, "cut.log");
    let cut = Running::start("a sale that is cut", &mut command);
    // Booked at the host, pending here: now the power goes.
    wait_until("the host has booked", Duration::from_secs(30), || {
        counter.host_books().ledger().unwrap().first().is_some_and(|entry| entry.state == EntryState::Approved)
    });
    cut.kill();
    counter.card = None;
    assert_eq!(counter.balance(), FULL_ACCOUNT - 6702);
    assert_eq!(counter.transactions()[0]["state"], "pending");

    counter.set("");
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
    let rows = counter.transactions();
    assert_eq!((rows[0]["state"].as_str(), rows[1]["state"].as_str()), (Some("approved"), Some("reversed")));
    assert_eq!(rows[1]["reason"], "interrupted");
    assert_eq!(counter.balance(), FULL_ACCOUNT - 1234);
}

#[test]
fn a_host_that_takes_its_time_is_waited_for_with_the_card_in() {
    let mut counter = Counter::open_for_business();
    let (result, code) = counter.sale("67.05", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
}

#[test]
fn a_card_that_has_just_left_is_not_taken_for_the_next_one() {
    // A program that was killed leaves its card powered, and the card service takes up to 0.4 s to notice that a card is
    // gone: in between it names a card that is not there, and reports it as mute when it is asked for.
    for delay_ms in [0, 80, 160, 240, 320] {
        let mut counter = Counter::open_for_business();
        counter.bring_card(&[]);
        let mut command = counter.yima(&["sale", "67.01", "--json"]);
        counter.shop.log_to(&mut command, "cut.log");
        let cut = Running::start("a sale that is cut", &mut command);
        wait_until("the request is out", Duration::from_secs(30), || counter.log("cut.log").contains("正在联系银行"));
        cut.kill();
        counter.card = None;
        std::thread::sleep(Duration::from_millis(delay_ms));
        let (result, _) = counter.sale("12.34", &[]);
        assert_eq!(result["outcome"], "approved", "{delay_ms} ms after the card left: {result:#}");
        assert_eq!(counter.transactions()[1]["state"], "reversed");
    }
}

#[test]
fn nothing_new_is_charged_while_a_reversal_waits() {
    let mut counter = Counter::open_to_silence();
    let (result, code) = counter.sale("67.09", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("unresolved"), 2), "{result:#}");
    assert_eq!(counter.transactions()[0]["state"], "reversal_due");
    let queue = counter.queue();
    assert_eq!(queue.len(), 1, "{queue:#?}");
    assert_eq!((&queue[0]["kind"], &queue[0]["state"]), (&"reversal".into(), &"queued".into()));
    counter.host = None;
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("error"), 2), "{result:#}");
    assert_eq!(result["reason"]["kind"], "reversal_waiting");
    assert_eq!(counter.transactions().len(), 1);
}

#[test]
fn the_doctor_says_of_each_part_how_it_is() {
    let mut counter = Counter::open_for_business();
    let examine = |counter: &Counter| {
        let output = counter.yima(&["doctor", "--json"]).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        (found, output.status.code())
    };
    let (found, code) = examine(&counter);
    assert_eq!((found["ok"].as_bool(), code), (Some(true), Some(0)), "{found:#}");
    let parts: Vec<_> = found["parts"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        parts,
        [
            "identity",
            "keys",
            "emv",
            "parameters",
            "reader",
            "pin_pad",
            "printer",
            "receipts",
            "scanner",
            "stripe",
            "sound",
            "clock",
            "host",
            "ledger",
            "sign_on",
            "tills",
            "disk"
        ]
    );
    assert!(found["parts"]["reader"]["says"].as_str().unwrap().contains("Virtual PCD"), "{found:#}");

    counter.host = None;
    counter.printer = None;
    let (found, code) = examine(&counter);
    assert_eq!((found["ok"].as_bool(), code), (Some(false), Some(1)), "{found:#}");
    for part in ["host", "clock", "printer"] {
        assert_eq!(found["parts"][part]["ok"], false, "{part}: {found:#}");
        assert!(!found["parts"][part]["says"].as_str().unwrap().is_empty());
    }
    assert_eq!(found["parts"]["reader"]["ok"], true);
}

#[test]
fn wrong_settings_are_named_with_file_line_and_key() {
    let counter = Counter::open();
    counter.set("[screen]\nwidht = 800\n");
    let output = counter.yima(&["transactions"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("yima.toml, line ") && said.contains("screen.widht: unknown field"), "{said}");
}

#[test]
fn whoever_asks_for_json_gets_it_also_when_nothing_can_begin() {
    let counter = Counter::open();
    for arguments in [&["sale", "1.00", "--json"][..], &["sale", "nothing", "--json"], &["sale", "0.00", "--json"]] {
        let output = counter.yima(arguments).output().unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((result["outcome"].as_str(), output.status.code()), (Some("error"), Some(2)), "{result:#}");
        assert!(!result["reason"]["what"].as_str().unwrap().is_empty(), "{result:#}");
        assert!(result["receipts"].as_array().unwrap().is_empty());
    }
    assert!(!counter.state().join("ledger.sqlite").exists(), "nothing is made by who cannot sell");
}

#[test]
fn looking_makes_and_changes_nothing() {
    let mut counter = Counter::open();
    counter.start_host();
    assert!(counter.transactions().is_empty());
    counter.yima(&["doctor", "--json"]).output().unwrap();
    assert!(!counter.state().join("ledger.sqlite").exists());
}

#[test]
fn a_second_engine_on_the_same_ledger_is_refused() {
    let counter = Counter::open_for_business();
    let mut command = counter.yima(&["sale", "1.00"]);
    counter.shop.log_to(&mut command, "first.log");
    let _first = Running::start("the first sale", &mut command);
    let lock = counter.state().join("engine.lock");
    wait_until("the first engine works", Duration::from_secs(20), || lock.exists());
    wait_until("the first engine asks for a card", Duration::from_secs(20), || {
        counter.log("first.log").contains("请插卡")
    });
    let output = counter.yima(&["sale", "12.34"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("already running"), "{output:?}");
    // Looking is allowed all the same.
    assert!(counter.transactions().is_empty());
}

#[test]
fn no_card_in_time_is_no_charge() {
    let counter = Counter::open_for_business();
    let settings = std::fs::read_to_string(counter.settings()).unwrap();
    std::fs::write(counter.settings(), settings.replace("card_wait_s = 20", "card_wait_s = 1")).unwrap();
    let output = counter.yima(&["sale", "12.34", "--json"]).output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((result["outcome"].as_str(), output.status.code()), (Some("error"), Some(2)));
    assert_eq!(result["reason"]["kind"], "no_card");
    assert!(counter.transactions().is_empty());
}

#[test]
fn an_application_named_beforehand_pays_also_one_that_needs_consent() {
    const DEBIT: &str = "A000000333010101";
    const CREDIT: &str = "A000000333010102";
    let mut counter = Counter::open_for_business();
    for (arguments, aid) in [(&[][..], CREDIT), (&["--application", "2"], DEBIT), (&["--application", DEBIT], DEBIT)] {
        let (result, code) = counter.sale_saying("12.34", &["--profile", "multi-application"], arguments, "");
        assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{arguments:?}: {result:#}");
        assert_eq!(result["card"]["aid"], aid, "{arguments:?}");
    }
    let (result, _) = counter.sale_saying("12.34", &["--profile", "multi-application"], &["--application", "3"], "");
    assert_eq!(result["reason"]["kind"], "card_not_supported", "{result:#}");
    let refused = counter.yima(&["sale", "1.00", "--application", "credit"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("names no application"), "{refused:?}");
}
