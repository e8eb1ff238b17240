//! Names of people: on the screen of a payment, and on the slip of a batch.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use yima::app::Parts;
use yima::app::staff_view::StaffIntent;
use yima::app::view::{Intent, Screen};
use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use yima::money::{Amount, Currency};
use yima::people::Movement;

use crate::staff::{MANAGERS, code, number, setup, signing_on, terminal};
use crate::terminal::is_keypad;

/// A printer that keeps what it is sent.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Printer for Kept {
    fn name(&self) -> String {
        "kept".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        bytes: &[u8],
        _: Duration,
        _: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(Confirmation::Printed)
    }
}

impl Kept {
    /// What stands on the paper with this on it, once it is out.
    fn with(&self, wanted: &str) -> String {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let papers = self.0.lock().unwrap().clone();
            let read = |bytes: &Vec<u8>| encoding_rs::GB18030.decode(bytes).0.into_owned();
            if let Some(found) = papers.iter().map(read).find(|text| text.contains(wanted)) {
                return found;
            }
            assert!(std::time::Instant::now() < end, "no paper with {wanted}: {:?}", papers.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn the_name_of_who_took_a_payment_stands_on_its_screen_and_on_the_slip_of_its_batch() {
    let terminal = terminal();
    let managers = &mut |_| Ok(code(MANAGERS));
    setup(terminal.folder.path()).people().unwrap().people().name(number(1), "小王", None, managers).unwrap();
    let paper = Kept::default();
    let printer = paper.clone();
    let mut running = terminal
        .start_with("unionpay-debit", |parts| Parts { printer: Box::new(printer.clone()), ..signing_on(parts) });
    running.sign_on(1);
    let duty = running.last.as_ref().unwrap().duty.person.clone().unwrap();
    assert_eq!(duty.name, "小王", "whoever is signed on is told by name");
    running.charge("12.34");
    let trace = running.report().trace.unwrap();
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    running.staff(StaffIntent::OpenShift(Amount::new(10_000, Currency::CNY).unwrap()));
    running.staff(StaffIntent::MoveCash(Movement::PutIn, Amount::new(500, Currency::CNY).unwrap()));
    running.wish(Intent::ShowTransaction(trace));
    let shown = running.until("the payment", |screen| matches!(screen, Screen::Transaction(_)));
    let Screen::Transaction(detail) = shown else { panic!("{shown:?}") };
    assert_eq!(detail.cashier, "01 小王");
    running.wish(Intent::ShowKeypad);
    running.until("keypad", is_keypad);
    running.staff(StaffIntent::SignOff);
    running.sign_on(99);
    running.charge("1.00");
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    running.wish(Intent::Settle { without_undecided: false });
    let slip = paper.with("结算单");
    let places = ["按操作员", "01 小王", "消费 x1", "99", "消费 x1"].iter().scan(0, |from, wanted| {
        let at = slip[*from..].find(wanted).map(|at| at + *from)?;
        *from = at + wanted.len();
        Some(at)
    });
    let places: Vec<usize> = places.collect();
    assert_eq!(places.len(), 5, "one behind the other: {slip}");
    assert!(slip.contains("12.34") && slip.contains("1.00"), "{slip}");
}
