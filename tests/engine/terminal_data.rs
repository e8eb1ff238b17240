//! Terminal data that the host orders.

use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use yima::app::Ending;
use yima::app::view::{Intent, Screen};

use super::terminal::{Reversal, Running, Sale, Terminal, is_keypad};

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

/// One payment, up to the keypad after it.
fn sell(running: &mut Running) -> Ending {
    running.charge("1.00");
    let ending = running.report().ending;
    running.until("a result", |screen| matches!(screen, Screen::Approved { .. } | Screen::NotPaid { .. }));
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    ending
}
