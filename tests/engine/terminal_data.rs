//! What the host orders: terminal data, and to be told how the terminal is.

use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts};
use yima::iso8583::Order;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::DEFAULT_TERMINAL;

use super::terminal::{Reversal, Running, Sale, Terminal, Told, is_keypad};

#[test]
fn terminal_data_that_the_host_orders_are_fetched_between_payments_and_count_for_the_next() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    let shipped = include_str!("../../assets/emv/aids.toml");
    let parameters = terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    // A sale above the floor limit is declined by the terminal itself.
    std::fs::write(parameters.join("aids.toml"), shipped.replacen("0010000000", "0010008000", 1)).unwrap();
    let (let_go, held) = channel();
    *terminal.download_waits.lock().unwrap() = Some(held);
    let mut running = terminal.start();
    // They are on their way, or will be after this payment.
    let mut endings = vec![sell(&mut running)];
    let_go.send(()).unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while !terminal.fetched.load(Ordering::SeqCst) {
        assert!(Instant::now() < end, "nothing was fetched");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The host hears it a moment before the engine does; a payment that began between the two has the old data.
    while endings.last() != Some(&Ending::Declined) {
        assert!(Instant::now() < end, "{endings:?}");
        endings.push(sell(&mut running));
    }
    assert!(endings.len() > 1 && endings[..endings.len() - 1].iter().all(|ending| *ending == Ending::Approved));
    assert_eq!(endings.last(), Some(&Ending::Declined));
}

/// The host orders with every answer until it is told: with those to the payment, to the advice about it and to the download.
#[test]
fn an_order_that_is_repeated_while_it_is_obeyed_makes_one_download_and_is_done() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    let parameters = terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    std::fs::write(parameters.join("host.toml"), "terminal = { help_desk = \"95516\" }").unwrap();
    let running = terminal.start();
    running.charge("1.00");
    assert_eq!(running.report().ending, Ending::Approved);
    // An engine that ends does what it was ordered.
    drop(running);
    assert_eq!(terminal.advices.lock().unwrap().len(), 1);
    assert_eq!(terminal.downloads.load(Ordering::SeqCst), 1);
    let ledger = terminal.ledger();
    assert_eq!((ledger.orders().unwrap().len(), ledger.open_orders().unwrap()), (1, vec![]));
}

#[test]
fn what_is_ordered_with_the_last_answer_is_done_before_the_engine_ends() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("1.00");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    // The host is told of it at the next start, and is slow.
    let (let_go, held) = channel();
    *terminal.advice_waits.lock().unwrap() = Some(held);
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    let profile = CardProfile::shipped("unionpay-debit").unwrap();
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let card = SandboxCard::open(&profile, &terminal.folder.path().join("sandbox/card")).unwrap();
        let nobody = SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::from_secs(3600));
        Parts { reader: Box::new(nobody), ..parts }
    });
    running.charge("1.00");
    running.until("a card is asked for", |screen| matches!(screen, Screen::PresentCard { .. }));
    let Running { engine, views, .. } = running;
    let closed = std::thread::spawn(move || drop(engine));
    // The payment was given up, so the engine knows that it is to end.
    while !is_keypad(&views.recv_timeout(Duration::from_secs(30)).unwrap().screen) {}
    terminal.host.order(DEFAULT_TERMINAL, Order::Status).unwrap();
    let_go.send(()).unwrap();
    closed.join().unwrap();
    assert_eq!(terminal.host.reports().unwrap().len(), 1);
    let ledger = terminal.ledger();
    assert_eq!((ledger.orders().unwrap().len(), ledger.open_orders().unwrap()), (1, vec![]));
}

/// One payment, up to the keypad after it.
fn sell(running: &mut Running) -> Ending {
    running.charge("1.00");
    let ending = running.report().ending;
    running.until("a result", |screen| matches!(screen, Screen::Approved { .. } | Screen::NotPaid { .. }));
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    ending
}
