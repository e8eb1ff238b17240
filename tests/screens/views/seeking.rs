//! Payments that are looked for.

use jiff::civil::date;
use yima::app::seek_view::Sought;
use yima::app::view::{Screen, View};
use yima::ledger::LastFour;
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use super::history::transactions;
use super::{Scene, cny, view};

/// The list, of what was found.
pub fn found(by: Sought) -> Screen {
    let mut screen = transactions(Vec::new());
    if let Screen::Transactions { sought, pages, .. } = &mut screen {
        (*sought, *pages) = (Some(by), 2);
    }
    screen
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let scene = |name, view, then| Scene { name, keys: "", view, then, seconds: 0 };
    let seek = |notice: Option<ReasonKind>| view(Screen::Seek { notice: notice.map(Reason::of) });
    vec![
        scene("seek", seek(None), ""),
        scene("seek-typed", seek(None), "0305"),
        scene("seek-longest", View { mark: Mark::Test, ..seek(None) }, "12345678901234"),
        scene("seek-nothing", View { mark: Mark::Training, ..seek(Some(ReasonKind::NothingFound)) }, "123456789012"),
        scene("found-card", view(found(Sought::LastFour(LastFour::parse("1234").unwrap()))), ""),
        scene("found-day", view(found(Sought::Day(date(2026, 11, 22)))), ""),
        scene("found-fullest", View { mark: Mark::Test, ..view(found(Sought::Amount(cny(999_999_999_999)))) }, ""),
    ]
}
