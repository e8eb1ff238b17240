//! A purchase that one card pays a part of: the rest in another way, at the screen.

use std::sync::Arc;

use yima::app::purchase_view::{PurchaseIntent, PurchaseStage};
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts};
use yima::card_number::TypedCard;
use yima::host_tables::HostTables;
use yima::ledger::TransactionRow;
use yima::payment::online::EntryMode;
use yima::payment::purchase::PurchaseState;
use yima::payment::transaction::Kind;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::hand::reader_and_hand;
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::stripe::StripeCard;

use super::terminal::{Reversal, Sale, Terminal, is_keypad};

#[test]
fn the_rest_is_paid_with_a_card_whose_number_is_typed() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let parameters = terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    std::fs::write(parameters.join("host.toml"), "terminal = { in_part = true }").unwrap();
    let (reader, hand) = reader_and_hand();
    let reader = std::sync::Mutex::new(Some(reader));
    let mut running = terminal.start_with("unionpay-debit", |mut parts| {
        let mut tables = HostTables::clone(&parts.tables);
        tables.terminal.in_part = true;
        parts.entry.typed = vec![Kind::Sale];
        let reader = reader.lock().unwrap().take().unwrap();
        Parts { tables: Arc::new(tables), in_part: true, reader: Box::new(reader), ..parts }
    });
    running.until("keypad", is_keypad);
    running.charge("15.00");
    let waits = |screen: &Screen| matches!(screen, Screen::PresentCard { .. });
    running.until("a card is wanted", waits);
    let low = CardProfile::shipped("low-balance").unwrap();
    hand.insert(SandboxCard::open(&low, &terminal.folder.path().join("sandbox/card")).unwrap());
    running.until(
        "a part is paid",
        |screen| matches!(screen, Screen::Purchase(view) if view.stage == PurchaseStage::Open && view.may_pay),
    );
    running.wish(Intent::Purchase(PurchaseIntent::AnotherCard));
    running.until("another card is wanted", waits);
    assert!(running.last.as_ref().unwrap().ways.typed);
    running.wish(Intent::TypeNumber);
    running.until("a number is wanted", |screen| matches!(screen, Screen::TypeNumber { .. }));
    let pan = StripeCard::shipped("unionpay-debit").unwrap().pan;
    running.wish(Intent::NumberTyped(TypedCard::parse(&pan, "1230")));
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    let endings: Vec<_> = [running.report(), running.report()].iter().map(|report| report.ending).collect();
    assert_eq!(endings, [Ending::InPart, Ending::Approved]);
    let rows = terminal.rows();
    let paid = |row: &TransactionRow| (row.entry, row.amount.minor());
    assert_eq!(rows.iter().map(paid).collect::<Vec<_>>(), [(EntryMode::Typed, 5_60), (EntryMode::Chip, 9_40)]);
    let purchase = terminal.ledger().purchase_of(rows[0].trace).unwrap().unwrap();
    assert_eq!((purchase.state, purchase.paid().minor()), (PurchaseState::Paid, 15_00));
}
