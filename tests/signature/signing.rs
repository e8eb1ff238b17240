//! Who is asked to sign on the screen, and what is on paper then.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use yima::app::signing::SignIntent;
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts, SignaturePlan};
use yima::host_tables::{HostTables, TerminalParameters};
use yima::ledger::SignatureState;
use yima::payment::signature::{SignedOn, Strokes};
use yima::receipt::CopyFor;
use yima::terminal::settings::SignaturePad;

use super::counter::{Counter, are_printed, is_pad, name, sign, until};

#[test]
fn what_is_signed_on_the_screen_is_on_the_shops_slip_and_with_the_host_dot_for_dot() {
    let counter = Counter::open();
    let (mut running, trace) = counter.asked("12.34");
    // It is paid, whatever comes of the signature.
    let row = counter.terminal.ledger().find(trace).unwrap().unwrap();
    assert_eq!((row.state.word(), row.signed_on()), ("approved", SignedOn::Paper));
    assert_eq!(counter.slip_count(), 0, "nothing is printed before");
    // Too little to be a name.
    running.wish(Intent::Sign(SignIntent::Done(Strokes::default())));
    running.until("the pad again", |screen| matches!(screen, Screen::Sign { too_little: true, .. }));
    sign(&running);
    let report = running.report();
    assert_eq!((report.ending, report.signed), (Ending::Approved, SignedOn::Screen));
    running.until("printed", are_printed);
    counter.is(trace, SignatureState::Delivered);
    let kept = counter.terminal.ledger().signature_of(trace).unwrap().unwrap().signature;
    assert!(kept.data().len() <= 999);
    let slips = counter.slips(2);
    let dots = kept.on_paper(384);
    assert!(slips[0].shows(&dots), "the merchant's slip has the dots:\n{}", slips[0].text);
    assert!(slips[0].text.contains("已在屏幕上签名") && slips[0].text.contains(row.rrn.unwrap().as_str()));
    assert!(!slips[1].shows(&dots) && !slips[1].text.contains("签名"), "the customer's has none:\n{}", slips[1].text);
    let taken = counter.terminal.host.signatures().unwrap();
    assert_eq!((taken.len(), taken[0].trace, taken[0].times), (1, trace, 1));
    assert_eq!((&taken[0].data[..], &taken[0].picture), (kept.data(), kept.picture()), "the host has the same picture");
    assert_eq!(counter.terminal.ledger().find(trace).unwrap().unwrap().signed_on(), SignedOn::Screen);
    // A duplicate has it as well, and the screen shows what is on paper.
    running.wish(Intent::ShowTransaction(trace));
    running.wish(Intent::Reprint(trace));
    let duplicates = counter.slips(4);
    assert!(duplicates[2].shows(&dots) && duplicates[2].text.contains("重打印"), "{}", duplicates[2].text);
    running.wish(Intent::ShowReceipt(trace, CopyFor::Merchant));
    let shown = running.until("the slip", |screen| matches!(screen, Screen::Receipt(view) if view.paper.is_some()));
    let Screen::Receipt(view) = shown else { panic!("{shown:?}") };
    let paper = view.paper.unwrap();
    let rows: Vec<&[u8]> = paper.dots.chunks(paper.width as usize).collect();
    let inked = |rows: &[&[u8]], y: u32| {
        (0..384).all(|x| (rows[y as usize][x as usize] < 128) == dots.is_black(x.into(), y.into()))
    };
    let found = rows.windows(dots.height() as usize).any(|rows| (0..dots.height()).all(|y| inked(rows, y)));
    assert!(found, "the slip on the screen has the same dots");
}

#[test]
fn only_who_has_to_sign_is_asked_and_only_where_customers_sign_on_the_screen() {
    let planned = |parts: Parts, pad, has_screen| Parts {
        signature: SignaturePlan { pad, has_screen, ..parts.signature },
        ..parts
    };
    let deciding = |parts: Parts, decide: fn(&mut TerminalParameters)| {
        let mut tables = HostTables::clone(&parts.tables);
        decide(&mut tables.terminal);
        Parts { tables: tables.into(), ..parts }
    };
    let counter = Counter::open();
    type Change<'a> = &'a dyn Fn(Parts) -> Parts;
    // What is otherwise, whose card it is, and how the payment is signed: not on the screen.
    let cases: [(&str, &str, Change<'_>, SignedOn); 5] = [
        ("never", "cvm-signature", &|parts| planned(parts, SignaturePad::Never, true), SignedOn::Paper),
        (
            "not the acquirer's wish",
            "cvm-signature",
            &|parts| planned(parts, SignaturePad::Acquirer, true),
            SignedOn::Paper,
        ),
        ("by command", "cvm-signature", &|parts| planned(parts, SignaturePad::Always, false), SignedOn::Paper),
        ("a card that wants nothing", "cvm-none", &|parts| parts, SignedOn::Nothing),
        (
            "a small amount",
            "cvm-signature",
            &|parts| deciding(parts, |terminal| terminal.no_signature_limit = Some(100)),
            SignedOn::Nothing,
        ),
    ];
    for (index, (what, card, change, signed)) in cases.into_iter().enumerate() {
        let mut running = counter.start_as(card, change);
        running.charge("1.00");
        assert_eq!(running.report().signed, signed, "{what}");
        running.until(what, are_printed);
        let slip = counter.slips(2 * index + 2).remove(2 * index).text;
        assert!(!slip.contains("屏幕") && slip.contains("持卡人签名") == (signed == SignedOn::Paper), "{what}\n{slip}");
    }
    // The acquirer says so from now on, but for small amounts: the terminal hears of it with the next answer.
    let parameters = counter.terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    std::fs::write(parameters.join("host.toml"), "[terminal]\nsignature_pad = true\nno_signature_limit = 100\n")
        .unwrap();
    counter.terminal.fetched.store(false, Ordering::SeqCst);
    let mut running = counter.start_as("cvm-signature", |parts| planned(parts, SignaturePad::Acquirer, true));
    running.charge("5.00");
    assert_eq!(running.report().signed, SignedOn::Paper);
    until("the parameters are in their place", || counter.terminal.fetched.load(Ordering::SeqCst));
    running.charge("1.00");
    assert_eq!(running.report().signed, SignedOn::Nothing);
    running.charge("1.01");
    running.until("the pad", is_pad);
}

#[test]
fn whoever_signs_on_paper_or_not_in_time_finds_a_line_for_a_pen_and_has_paid() {
    let mut counter = Counter::open();
    let (mut running, trace) = counter.asked("12.34");
    running.wish(Intent::Sign(SignIntent::OnPaper));
    assert_eq!(running.report().signed, SignedOn::Paper);
    running.until("printed", are_printed);
    drop(running);
    counter.wait = Duration::from_secs(1);
    let began = Instant::now();
    let (mut running, late) = counter.asked("5.00");
    assert_eq!(running.report().signed, SignedOn::Paper);
    running.until("printed", are_printed);
    assert!(began.elapsed() >= counter.wait);
    // What comes too late signs nothing.
    sign(&running);
    running.wish(Intent::NextCustomer);
    running.until("the keypad", |screen| matches!(screen, Screen::Keypad { .. }));
    for (slip, trace) in counter.slips(4).iter().step_by(2).zip([trace, late]) {
        assert!(slip.text.contains("持卡人签名") && !slip.text.contains("屏幕"), "{}", slip.text);
        assert_eq!(counter.state(trace), None);
        assert_eq!(counter.terminal.ledger().find(trace).unwrap().unwrap().state.word(), "approved");
    }
    assert!(counter.terminal.host.signatures().unwrap().is_empty());
}

#[test]
fn nothing_waits_for_a_signature_and_the_next_customer_ends_it() {
    let counter = Counter::open();
    let (mut running, trace) = counter.asked("12.34");
    // The host is told of the card meanwhile.
    until("the host has the TC", || counter.terminal.host.advices().unwrap().len() == 1);
    running.wish(Intent::ShowTransactions(0));
    running.until("the list", |screen| matches!(screen, Screen::Transactions { .. }));
    let slips = counter.slips(2);
    assert!(slips[0].text.contains("持卡人签名") && !slips[0].text.contains("屏幕"), "{}", slips[0].text);
    assert_eq!(counter.state(trace), None);
    // Another payment begins while somebody is asked: as well.
    running.wish(Intent::NextCustomer);
    running.charge("3.00");
    running.until("the pad", is_pad);
    running.charge("4.00");
    running.until(
        "the pad of the next",
        |screen| matches!(screen, Screen::Sign { amount, .. } if amount.to_string() == "4.00"),
    );
    counter.slips(4);
    running.wish(Intent::Sign(SignIntent::Done(name())));
    running.until("printed", are_printed);
    assert_eq!(counter.terminal.rows().iter().filter(|row| row.state.word() == "approved").count(), 3);
    let screens: Vec<_> = counter.terminal.rows().iter().map(|row| row.signed_on()).collect();
    assert_eq!(screens, [SignedOn::Screen, SignedOn::Paper, SignedOn::Paper]);
}

#[test]
fn a_power_cut_before_the_signature_leaves_a_line_for_a_pen_and_one_after_it_the_dots() {
    let counter = Counter::open();
    let (running, before) = counter.asked("12.34");
    // Gone without a word: nothing of the screen is written down.
    drop(running);
    assert_eq!(counter.slip_count(), 0);
    let mut running = counter.start();
    let slips = counter.slips(2);
    assert!(slips[0].text.contains("持卡人签名") && !slips[0].text.contains("屏幕"), "{}", slips[0].text);
    assert_eq!(counter.state(before), None);
    running.until("the keypad", |screen| matches!(screen, Screen::Keypad { .. }));
    // Signed and durable; the slips have not come out and the host has not heard of it when the power goes.
    running.charge("5.00");
    running.until("the pad", is_pad);
    let trace = counter.terminal.rows().remove(0).trace;
    counter.terminal.behaviour.lock().unwrap().signature = super::terminal::Told::NotReached;
    let held = super::terminal::refusing;
    held(&counter.terminal, "copies", "sending");
    sign(&running);
    counter.is(trace, SignatureState::Queued);
    drop(running);
    counter.terminal.sql("DROP TRIGGER full_sending");
    counter.terminal.behaviour.lock().unwrap().signature = super::terminal::Told::Real;
    let running = counter.start();
    let slips = counter.slips(4);
    let kept = counter.terminal.ledger().signature_of(trace).unwrap().unwrap().signature;
    assert!(slips[2].shows(&kept.on_paper(384)) && slips[2].text.contains("已在屏幕上签名"), "{}", slips[2].text);
    counter.is(trace, SignatureState::Delivered);
    drop(running);
    assert_eq!(counter.terminal.host.signatures().unwrap()[0].picture, *kept.picture());
}
