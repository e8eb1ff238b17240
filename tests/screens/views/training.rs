//! The training: what is otherwise there, and on the way in and out.

use yima::app::view::{CodePaper, CopyState, Progress, Screen, Turn, View};
use yima::payment::transaction::Kind;
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use super::{Scene, approved, at, cny, scene, view};

/// A view of the training.
pub fn training(screen: Screen) -> View {
    View { mark: Mark::Training, ..view(screen) }
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let shown = |name, view| Scene { name, keys: "1234", view, then: "", seconds: 0 };
    let present_card = |notice: Option<ReasonKind>| {
        training(Screen::PresentCard { amount: cny(999_999_999_999), notice: notice.map(Reason::of) })
    };
    vec![
        shown("keypad-training", training(Screen::Keypad { notice: None })),
        shown("present-card-training", View { codes: true, ..present_card(None) }),
        shown("present-card-training-again", View { codes: true, ..present_card(Some(ReasonKind::CardMute)) }),
        shown("void-training", View { kind: Kind::Void, ..present_card(Some(ReasonKind::CardTorn)) }),
        shown(
            "show-code-training",
            training(Screen::ShowCode {
                amount: cny(1234),
                code: "00020101021226450016".repeat(6),
                valid_until: Some(at(14, 28, 9)),
                paper: CodePaper::None,
            }),
        ),
        Scene {
            seconds: 11,
            ..shown(
                "waiting-for-customer-training",
                View {
                    kind: Kind::CodePayment,
                    ..training(Screen::Processing { amount: cny(1234), progress: Progress::WaitingForCustomer })
                },
            )
        },
        shown("approved-training", training(approved(cny(1234), CopyState::Printed, CopyState::Printed))),
        scene("turning-to-training", Screen::Turning(Turn::ToTraining)),
        shown("turning-to-shop", training(Screen::Turning(Turn::ToTheShop))),
        shown("training-failed", view(Screen::Keypad { notice: Some(Reason::of(ReasonKind::TrainingFailed)) })),
        shown("training-waits", view(Screen::Keypad { notice: Some(Reason::of(ReasonKind::TrainingWaits)) })),
    ]
}
