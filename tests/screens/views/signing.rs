//! A customer who signs, and signatures among what waits.

use yima::app::view::{LinkState, QueueRow, Screen, View};
use yima::payment::queue::{Kind, Standing};
use yima::terminal::mark::Mark;

use super::{Scene, cny, queue_row, scene, view};

pub fn sign(minor: u64, too_little: bool) -> Screen {
    Screen::Sign { amount: cny(minor), too_little, language: None }
}

/// Signatures that wait for the bank, and one that it does not take.
fn queue_of_signatures() -> Screen {
    let rows = vec![
        queue_row(123, Kind::Signature, Standing::Waiting),
        QueueRow { tries: 0, next_try: None, ..queue_row(124, Kind::Signature, Standing::Waiting) },
        QueueRow { amount: cny(999_999_999_999), next_try: None, ..queue_row(101, Kind::Signature, Standing::GivenUp) },
    ];
    Screen::Queue { rows, page: 0, pages: 1, waiting: 2, parked: 0, under_way: false }
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    vec![
        scene("sign", sign(1234, false)),
        Scene {
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                mark: Mark::Test,
                ..view(sign(999_999_999_999, true))
            },
            ..scene("sign-fullest", Screen::Keypad { notice: None })
        },
        scene("queue-signatures", queue_of_signatures()),
    ]
}
