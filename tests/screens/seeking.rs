//! Payments are looked for by digits and one touch.

use slint::platform::Key;
use yima::app::seek_view::{SeekBy, SeekIntent, Sought};
use yima::app::view::{Intent, Screen};
use yima::ledger::LastFour;
use yima::wording::{Reason, ReasonKind};

use crate::touching::{benches, is_there, key, press, touch};
use crate::views::{found_payments, transactions, view};

fn wish(wish: SeekIntent) -> Vec<Intent> {
    vec![Intent::Seek(wish)]
}

#[test]
fn digits_are_typed_and_then_said_of_what_they_are() {
    for bench in benches() {
        bench.show(view(transactions(Vec::new())));
        touch(&bench, "Find");
        assert_eq!(bench.sent(), wish(SeekIntent::Open));
        bench.show(view(Screen::Seek { notice: None }));
        // What cannot be of four digits cannot be touched.
        for digit in ["1", "2", "3", "4"] {
            touch(&bench, digit);
        }
        touch(&bench, "Reference no.");
        touch(&bench, "Taken by");
        assert_eq!(bench.sent(), []);
        touch(&bench, "Card's last 4");
        assert_eq!(bench.sent(), wish(SeekIntent::Find(SeekBy::LastFour, "1234".to_owned())));
        // Nothing was found: the digits stand there to be corrected.
        bench.show(view(Screen::Seek { notice: Some(Reason::of(ReasonKind::NothingFound)) }));
        key(&bench, Key::Backspace);
        press(&bench, "5");
        touch(&bench, "Amount");
        assert_eq!(bench.sent(), wish(SeekIntent::Find(SeekBy::Amount, "1235".to_owned())));
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), wish(SeekIntent::All));
    }
}

#[test]
fn what_was_found_says_by_what_and_leads_back_to_all() {
    for bench in benches() {
        bench.show(view(found_payments(Sought::LastFour(LastFour::parse("1234").unwrap()))));
        assert!(is_there(&bench, "Card's last 4"), "it says by what");
        touch(&bench, "Older");
        assert_eq!(bench.sent(), [Intent::ShowTransactions(1)]);
        touch(&bench, "All");
        assert_eq!(bench.sent(), wish(SeekIntent::All));
        // The tab leads to all of them as well.
        touch(&bench, "History");
        assert_eq!(bench.sent(), wish(SeekIntent::All));
        bench.show(view(transactions(Vec::new())));
        press(&bench, "f");
        assert_eq!(bench.sent(), wish(SeekIntent::Open));
    }
}
