//! A customer is asked for a tip.

use yima::app::tip_view::TipView;
use yima::app::view::{Screen, View};
use yima::payment::tip::offers;
use yima::terminal::mark::Mark;

use super::{Scene, cny, scene, view};

/// Of 12.34.
pub fn asks(percents: &[u32]) -> Screen {
    let due = cny(1234);
    Screen::Tip(Box::new(TipView { due, offers: offers(due, percents) }))
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let most = cny(499_999_999_999);
    let fullest = Screen::Tip(Box::new(TipView { due: most, offers: offers(most, &[10, 15, 20, 100]) }));
    vec![
        scene("tip", asks(&[10, 15, 20])),
        Scene { view: View { mark: Mark::Test, ..view(fullest.clone()) }, ..scene("tip-fullest", fullest) },
    ]
}
