//! A payment on its way, and how one ended.

use yima::app::view::{CardWays, CodePaper, CopyState, CopyView, LinkState, PinPlace, Progress, Screen, View};
use yima::money::Amount;
use yima::payment::transaction;
use yima::receipt::CopyFor;
use yima::reference::ResponseCode;
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind, Sense};

use super::{Scene, at, cny, scene, trace, view};

/// A layout of the PIN pad's digits as chance may make it.
pub const SHUFFLED: [u8; 10] = [7, 0, 4, 9, 2, 5, 1, 8, 3, 6];

/// What an application is called that gives no name of its own: all 16 bytes of its AID.
const LONGEST_NAME: &str = "A0000003330101010203040506070809";

/// More applications than a page has names for, some as long as a card can make them.
pub const MANY_NAMES: &[&str] =
    &["UnionPay QuickPass", LONGEST_NAME, "Débit 0101010203040506070809", "信用卡", "Crédit", "E-Cash"];

pub fn printer_missing() -> Reason {
    Reason::with_detail(ReasonKind::PrinterMissing, "/dev/ttyUSB0: No such file or directory (os error 2)")
}

pub fn declined(code: &str) -> Reason {
    Reason { code: Some(ResponseCode::parse(code).unwrap()), ..Reason::of(ReasonKind::HostDeclined) }
}

/// Number and expiry are typed.
pub fn type_number(amount: Amount, notice: Option<Reason>) -> Screen {
    Screen::TypeNumber { amount, notice }
}

pub fn approved(amount: Amount, merchant: CopyState, customer: CopyState) -> Screen {
    Screen::Approved {
        trace: trace(123),
        amount,
        truncated_pan: "622202******1234".to_owned(),
        authorisation_code: "A12B3C".to_owned(),
        copies: vec![
            CopyView { copy: CopyFor::Merchant, state: merchant },
            CopyView { copy: CopyFor::Customer, state: customer },
        ],
        receipt: None,
        at: at(14, 26, 9),
    }
}

/// A link as long as one with a base of 60 characters.
pub fn longest_link() -> String {
    let base = format!("https://{}", "receipts.example-bank.com.cn/of/the/acquirer/in-full");
    assert!(yima::host_tables::is_link_base(&base));
    format!("{base}/R/10000001-000001-000123-20260901-{}/1234567890/{}", "0A1B".repeat(8), "0A1B2C3D".repeat(8))
}

/// The same with the customer's link.
pub fn approved_with_link(customer: CopyState, link: &str) -> Screen {
    let mut screen = approved(cny(1234), CopyState::Printed, customer);
    if let Screen::Approved { receipt, .. } = &mut screen {
        *receipt = Some(link.to_owned());
    }
    screen
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let keypad = |notice| Screen::Keypad { notice };
    let processing = |progress| Screen::Processing { amount: cny(1234), progress };
    let enter_pin = |amount, notice: Option<ReasonKind>, may_bypass| Screen::EnterPin {
        amount,
        notice: notice.map(Reason::of),
        place: PinPlace::Screen { keys: SHUFFLED },
        may_bypass,
        language: None,
    };
    let choose = |amount, names: &[&str]| Screen::ChooseApplication {
        amount,
        applications: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let confirm = |amount, name: &str| Screen::ConfirmApplication { amount, application: name.to_owned() };
    let pin_at_reader = |notice: Option<ReasonKind>| Screen::EnterPin {
        amount: cny(1234),
        notice: notice.map(Reason::of),
        place: PinPlace::Reader,
        may_bypass: false,
        language: None,
    };
    let not_paid = |reason| Screen::NotPaid { amount: cny(1234), reason, at: at(14, 26, 9) };
    let unknown = |amount| Screen::Unknown {
        amount,
        reason: Reason::of(ReasonKind::HostSilent),
        tries: 3,
        next_try: Some(at(14, 31, 20)),
    };
    vec![
        scene("present-card", Screen::PresentCard { amount: cny(1234), notice: None }),
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::CardMute)),
                })
            },
            ..scene("present-card-again", keypad(None))
        },
        Scene {
            view: View { codes: true, ..view(Screen::PresentCard { amount: cny(1234), notice: None }) },
            ..scene("present-card-or-code", keypad(None))
        },
        Scene {
            view: View {
                codes: true,
                mark: Mark::Test,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::CodeUnknown)),
                })
            },
            ..scene("present-card-or-code-again", keypad(None))
        },
        Scene {
            view: View {
                ways: CardWays { chip: true, stripe: true, typed: false },
                ..view(Screen::PresentCard { amount: cny(1234), notice: None })
            },
            ..scene("present-card-or-swipe", keypad(None))
        },
        Scene {
            view: View {
                ways: CardWays { chip: true, stripe: true, typed: true },
                codes: true,
                mark: Mark::Test,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::StripeHasChip)),
                })
            },
            ..scene("present-card-has-chip", keypad(None))
        },
        Scene {
            view: View {
                ways: CardWays { chip: false, stripe: true, typed: false },
                mark: Mark::Test,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::SwipeInstead)),
                })
            },
            ..scene("swipe-instead", keypad(None))
        },
        Scene { then: "62284800000000", ..scene("type-number", type_number(cny(1234), None)) },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(type_number(cny(999_999_999_999), Some(Reason::of(ReasonKind::NumberWrong))))
            },
            then: "6228480000000001230\n12",
            ..scene("type-number-fullest", keypad(None))
        },
        scene("show-code", show_code(cny(1234))),
        scene("show-code-printed", on_paper(cny(1234), CodePaper::Sent)),
        scene("show-code-printing", on_paper(cny(1234), CodePaper::Printing)),
        scene("show-code-no-paper", on_paper(cny(1234), CodePaper::Failed(Reason::of(ReasonKind::PrinterPaperOut)))),
        Scene {
            view: View { mark: Mark::Test, ..view(show_code(cny(999_999_999_999))) },
            ..scene("show-code-fullest", keypad(None))
        },
        Scene { seconds: 14, ..by_code("waiting-for-customer", Progress::WaitingForCustomer) },
        Scene { seconds: 14, ..by_code("closing-order", Progress::ClosingOrder) },
        Scene { seconds: 14, ..by_code("asking-about-earlier", Progress::AskingAboutEarlier) },
        scene("reading-card", processing(Progress::ReadingCard)),
        scene("choose-application", choose(cny(1234), &["Crédit", "Débit"])),
        Scene {
            view: View { mark: Mark::Test, ..view(choose(cny(999_999_999_999), MANY_NAMES)) },
            ..scene("choose-application-many", keypad(None))
        },
        scene("confirm-application", confirm(cny(1234), "UnionPay Debit")),
        Scene {
            view: View { mark: Mark::Test, ..view(confirm(cny(999_999_999_999), LONGEST_NAME)) },
            ..scene("confirm-application-longest", keypad(None))
        },
        Scene { then: "1234", ..scene("enter-pin", enter_pin(cny(1234), None, false)) },
        Scene {
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                mark: Mark::Test,
                ..view(enter_pin(cny(999_999_999_999), Some(ReasonKind::PinWrongLastTry), true))
            },
            then: "123456789012",
            ..scene("enter-pin-fullest", keypad(None))
        },
        scene("pin-at-reader", pin_at_reader(None)),
        Scene { seconds: 14, ..scene("pin-at-reader-last-try", pin_at_reader(Some(ReasonKind::PinWrongLastTry))) },
        Scene { seconds: 14, ..scene("asking-host", processing(Progress::AskingHost)) },
        scene("completing-card", processing(Progress::CompletingCard)),
        Scene { seconds: 14, ..scene("comparing-clocks", processing(Progress::ComparingClocks)) },
        Scene { seconds: 3, ..scene("reversing-earlier", processing(Progress::ReversingEarlier)) },
        scene("approved", approved(cny(1234), CopyState::Printed, CopyState::Sending)),
        scene("approved-receipt", approved_with_link(CopyState::Sending, &longest_link())),
        scene("approved-receipt-asks", approved_with_link(CopyState::Asks(None), &longest_link())),
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(approved(cny(999_999_999_999), CopyState::Printed, CopyState::Asks(None)))
            },
            ..scene("approved-asks", keypad(None))
        },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(approved(
                    cny(8800),
                    CopyState::Asks(Some(Reason::of(ReasonKind::PrinterPaperOut))),
                    CopyState::Failed(Reason::of(ReasonKind::PrinterPaperOut)),
                ))
            },
            ..scene("approved-asks-paper-out", keypad(None))
        },
        scene(
            "approved-trouble",
            approved(cny(8800), CopyState::Waiting(Reason::of(ReasonKind::PrinterPaperOut)), CopyState::Queued),
        ),
        scene(
            "approved-failed",
            approved(cny(8800), CopyState::Failed(printer_missing()), CopyState::Failed(printer_missing())),
        ),
        scene("not-paid", not_paid(declined("51"))),
        Scene {
            view: View {
                mark: Mark::Test,
                offline: true,
                link: LinkState::Offline,
                ..view(Screen::NotPaid {
                    amount: cny(999_999_999_999),
                    reason: Reason {
                        detail: "connect to 192.0.2.1:8443: connection refused (os error 111) after 3 tries".to_owned(),
                        ..Reason::of(ReasonKind::HostUnreachable)
                    },
                    at: at(14, 26, 9),
                })
            },
            ..scene("not-paid-unreachable", keypad(None))
        },
        Scene {
            view: View { link: LinkState::HostSilent, waiting: 1, ..view(unknown(cny(1234))) },
            ..scene("unknown", keypad(None))
        },
        Scene {
            view: View { mark: Mark::Test, ..view(unknown(cny(999_999_999_999))) },
            ..scene("unknown-test", keypad(None))
        },
        scene(
            "unknown-untried",
            Screen::Unknown {
                amount: cny(1234),
                reason: Reason::of(ReasonKind::HostSilent),
                tries: 0,
                next_try: Some(at(14, 26, 19)),
            },
        ),
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(Screen::Unknown {
                    amount: cny(1234),
                    reason: Reason::with_detail(ReasonKind::ReversalExhausted, "000001-000123"),
                    tries: 20,
                    next_try: None,
                })
            },
            ..scene("unknown-exhausted", keypad(None))
        },
        Scene {
            view: View {
                kind: transaction::Kind::PreAuthorisationVoid,
                mark: Mark::Test,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::CardMute)),
                })
            },
            ..scene("present-card-void", keypad(None))
        },
        Scene {
            view: View {
                kind: transaction::Kind::Refund,
                ..view(approved(cny(1234), CopyState::Printed, CopyState::Sending))
            },
            ..scene("approved-refund", keypad(None))
        },
        Scene {
            view: View { kind: transaction::Kind::Void, ..view(not_paid(declined("12").of_sense(Sense::Undo))) },
            ..scene("not-paid-void", keypad(None))
        },
        Scene {
            view: View {
                kind: transaction::Kind::Refund,
                link: LinkState::HostSilent,
                ..view(Screen::Unknown {
                    amount: cny(1234),
                    reason: Reason::of(ReasonKind::HostSilent).of_sense(Sense::Refund),
                    tries: 3,
                    next_try: Some(at(14, 31, 20)),
                })
            },
            ..scene("unknown-refund", keypad(None))
        },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(Screen::PresentCard { amount: cny(1234), notice: Some(Reason::of(ReasonKind::PadBusy)) })
            },
            ..scene("present-card-pad-busy", keypad(None))
        },
    ]
}

/// A code as long as hosts make them (EMV QRCPS Merchant-Presented Mode).
fn show_code(amount: Amount) -> Screen {
    let code = "00020101021226580010A00000033301320000000100010001898440100000001000000015204581453031565402125802CN5910LAO WANG \
                CY6007BEIJING62340012000001000123070800000001080100630445A2";
    Screen::ShowCode { amount, code: code.to_owned(), valid_until: Some(at(14, 28, 9)), paper: CodePaper::None }
}

/// The same, wanted on paper.
fn on_paper(amount: Amount, on_paper: CodePaper) -> Screen {
    let mut screen = show_code(amount);
    if let Screen::ShowCode { paper, .. } = &mut screen {
        *paper = on_paper;
    }
    screen
}

fn by_code(name: &'static str, progress: Progress) -> Scene {
    let view =
        View { kind: transaction::Kind::CodePayment, ..view(Screen::Processing { amount: cny(1234), progress }) };
    Scene { name, keys: "1234", view, then: "", seconds: 0 }
}
