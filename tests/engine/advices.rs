//! What the host is told of payments that are over.

use std::time::{Duration, Instant};

use yima::app::Ending;
use yima::app::view::Screen;
use yima::payment::advice::AdviceKind;
use yima::sandbox::card::fault::Faults;

use super::terminal::{Reversal, Sale, Terminal, Told};

/// What the host has noted of payments that are over.
fn noted(terminal: &Terminal) -> Vec<(AdviceKind, String, String, u32)> {
    let notes = terminal.host.advices().unwrap();
    notes.into_iter().map(|note| (note.kind, note.verdict, note.script_results, note.times)).collect()
}

#[test]
fn the_host_is_told_the_cards_last_word_and_what_came_of_scripts() {
    let (card, script) = (AdviceKind::CardResult, AdviceKind::ScriptResult);
    // Amount, what the host notes: kind, cryptogram that the issuer finds right, script results.
    let told = |kind, results: &str| (kind, "TC".to_owned(), results.to_owned(), 1);
    for (amount, expected) in [
        ("12.34", vec![told(card, "")]),
        ("68.01", vec![told(card, ""), told(script, "2000006801")]),
        ("68.02", vec![told(card, ""), told(script, "2000006802")]),
        ("68.03", vec![told(card, ""), told(script, "1100006803")]),
        ("68.04", vec![told(card, ""), told(script, "2000006804")]),
        // Nothing was booked, and the card was told nothing that the issuer does not know.
        ("66.51", vec![]),
    ] {
        let terminal = Terminal::new(Sale::Real, Reversal::Silent);
        let running = terminal.start();
        running.charge(amount);
        let report = running.report();
        // An engine that ends sends what is left.
        drop(running);
        assert_eq!(noted(&terminal), expected, "{amount}: {:?}", report.ending);
        let results = expected.get(1).map_or("", |(_, _, results, _)| results);
        assert_eq!(report.card.unwrap().script_results, results, "{amount}");
    }
}

#[test]
fn an_advice_waits_for_the_host_and_comes_with_the_same_number_however_often_it_is_sent() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    assert_eq!(noted(&terminal), [], "not reached");
    terminal.behaviour.lock().unwrap().advice = Told::AnswerLost;
    drop(terminal.start());
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    drop(terminal.start());
    assert_eq!(noted(&terminal), [(AdviceKind::CardResult, "TC".to_owned(), String::new(), 2)]);
    drop(terminal.start());
    let sent: Vec<_> = terminal.advices.lock().unwrap().iter().map(|advice| advice.trace).collect();
    assert!(sent.len() >= 3 && sent.iter().all(|trace| *trace == sent[0]), "{sent:?}");
    assert_eq!(noted(&terminal)[0].3, 2, "what the host has is not sent again");
}

#[test]
fn a_tc_that_the_issuer_does_not_know_as_its_cards_is_parked_for_a_person() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("12.34");
    running.report();
    drop(running);
    terminal.sql("UPDATE advices SET chip_data = x'9F2701409F260801020304050607089F100807010103900000'");
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    drop(terminal.start());
    let connection = rusqlite::Connection::open(terminal.folder.path().join("ledger.sqlite")).unwrap();
    let parked: (String, String) = connection
        .query_row("SELECT state, response_code FROM advices", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(parked, ("parked".to_owned(), "05".to_owned()));
    assert_ne!(noted(&terminal)[0].1, "TC");
}

#[test]
fn wherever_a_card_leaves_its_issuer_hears_how_far_its_script_came() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut endings = Vec::new();
    // At every command, until the card stays to the end.
    while endings.last() != Some(&Ending::Approved) {
        let tear = u32::try_from(endings.len()).unwrap() + 1;
        let mut running = terminal.start_with_faults(Faults { tear: Some(tear), ..Faults::default() });
        running.charge("68.01");
        endings.push(running.report().ending);
        running.until("the end", |screen| !matches!(screen, Screen::Processing { .. }));
    }
    // Unheard of by the host; while the script is run or before the second GENERATE AC; paid.
    let script = |verdict: &str, results: &str| (AdviceKind::ScriptResult, verdict.to_owned(), results.to_owned(), 1);
    let told = noted(&terminal);
    assert!(told.contains(&script("ARQC", "1100006801")), "in the middle of it: {told:?}");
    assert!(told.contains(&script("ARQC", "2000006801")), "behind it: {told:?}");
    assert!(told.ends_with(&[(AdviceKind::CardResult, "TC".to_owned(), String::new(), 1), script("TC", "2000006801")]));
    assert!(told.len() <= 6 && endings.len() > 8, "{told:?} {endings:?}");
}

#[test]
fn a_terminal_that_cannot_note_that_the_host_was_told_neither_hangs_nor_tells_it_without_end() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("12.34");
    running.report();
    drop(running);
    let before = terminal.advices.lock().unwrap().len();
    terminal.sql("CREATE TRIGGER full BEFORE UPDATE ON advices BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    let began = Instant::now();
    drop(terminal.start());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(terminal.advices.lock().unwrap().len() - before <= 2);
    terminal.sql("DROP TRIGGER full");
    drop(terminal.start());
    assert_eq!(noted(&terminal)[0].1, "TC");
}
