//! Every screen in every state worth a look; each subject has a file of its own.

mod cash;
mod history;
mod instalments;
mod keypad;
mod paying;
mod purchase;
mod seeking;
mod selling;
mod settling;
mod signing;
mod till;
mod tip;
mod training;

use jiff::civil::{DateTime, date};
use yima::app::instalments_view::InstalmentsShown;
use yima::app::shop_view::ShopView;
use yima::app::staff_view::DutyView;
use yima::app::view::{CardWays, LinkState, Screen, View};
use yima::money::{Amount, Currency};
use yima::payment::transaction;
use yima::reference::{Batch, Stan, TraceNumber};
use yima::terminal::mark::Mark;

pub use cash::{asks, done, taken};
pub use history::{detail, drawn, queue, queue_row, receipt, transactions};
pub use instalments::{asks as asks_in_how_many, shown as instalments_shown};
pub use keypad::WRONG_SETTING;
pub use paying::{MANY_NAMES, SHUFFLED, approved, approved_with_link, longest_link, type_number};
pub use purchase::{purchase, screen as purchase_screen};
pub use seeking::found as found_payments;
pub use selling::{cart, found, fullest_cart, good, quick};
pub use settling::{
    account, batch, closed, day, differing, fullest_sums, open_batch, past, screen as settlement, settling,
};
pub use signing::sign;
pub use till::till_cart;
pub use tip::asks as asks_for_tip;
pub use training::training;

pub fn cny(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

pub fn at(hour: i8, minute: i8, second: i8) -> DateTime {
    date(2026, 11, 22).at(hour, minute, second, 0)
}

pub fn view(screen: Screen) -> View {
    View {
        screen,
        kind: transaction::Kind::Sale,
        link: LinkState::Online,
        waiting: 0,
        queued: 0,
        merchant_name: "老王小吃店".to_owned(),
        currency: Currency::CNY,
        mark: Mark::Live,
        codes: false,
        offline: false,
        ways: CardWays { chip: true, ..CardWays::default() },
        shop: ShopView::default(),
        display: None,
        duty: DutyView::default(),
        instalments: InstalmentsShown::default(),
        scan_note: None,
    }
}

pub fn trace(stan: u32) -> TraceNumber {
    TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(stan).unwrap() }
}

/// Name of the picture, keys typed on the keypad before, the view, keys typed there, and seconds that pass.
#[derive(Clone)]
pub struct Scene {
    pub name: &'static str,
    pub keys: &'static str,
    pub view: View,
    pub then: &'static str,
    pub seconds: u64,
}

/// One for which 12.34 is keyed first.
fn scene(name: &'static str, screen: Screen) -> Scene {
    Scene { name, keys: "1234", view: view(screen), then: "", seconds: 0 }
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    [
        keypad::scenes(),
        paying::scenes(),
        purchase::scenes(),
        history::scenes(),
        selling::scenes(),
        cash::scenes(),
        settling::scenes(),
        signing::scenes(),
        till::scenes(),
        training::scenes(),
        seeking::scenes(),
        tip::scenes(),
        instalments::scenes(),
        crate::staff_views::scenes(),
    ]
    .concat()
}
