//! People on the screen: sign-on, codes, everybody, the shift.

use yima::app::set_up_view::{SetUpView, ShownPairingCode, TestView, TillsView};
use yima::app::staff_view::{
    CodePurpose, CodeView, DutyView, PeopleView, PersonRow, PersonState, PersonView, ShiftView, StaffView,
};
use yima::app::view::{LinkState, Screen, View};
use yima::people::{Closing, PersonNumber, Right, Shift};
use yima::receipt::set_up::Question;
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use crate::views::{Scene, at, cny, quick, view};

pub fn number(number: u32) -> PersonNumber {
    PersonNumber::new(number).unwrap()
}

pub fn person(of: u32, name: &str) -> PersonView {
    PersonView { number: number(of), name: name.to_owned(), role: number(of).role().unwrap() }
}

pub fn staff(shown: StaffView) -> Screen {
    Screen::Staff(Box::new(shown))
}

pub fn code(purpose: CodePurpose, whose: Option<PersonView>, notice: Option<ReasonKind>, wait_s: u64) -> Screen {
    let notice = notice.map(Reason::of);
    staff(StaffView::Code(CodeView { purpose, person: whose, notice, wait_s, checking: false }))
}

pub fn people(notice: Option<Reason>) -> PeopleView {
    let row = |of, name: &str, state| PersonRow { person: person(of, name), state };
    PeopleView {
        rows: vec![
            row(1, "小王", PersonState::Ready),
            row(2, "Alexander Wolkenstein", PersonState::LockedOut),
            row(3, "", PersonState::NoCode),
            row(4, "李梅", PersonState::Disabled),
            row(99, "王老板", PersonState::Ready),
        ],
        page: 0,
        pages: 3,
        first: false,
        notice,
        working: false,
    }
}

pub fn open_shift(minor: u64) -> Shift {
    Shift {
        id: 7,
        opened_by: Some(number(1)),
        opened_at: at(8, 0, 0),
        float: cny(minor),
        put_in: cny(123_456),
        taken_out: cny(50_000),
        sold: cny(0),
        given_back: cny(0),
        closing: None,
    }
}

pub fn counted(minor: u64) -> Shift {
    Shift {
        closing: Some(Closing { by: Some(number(1)), at: at(20, 0, 0), counted: cny(minor) }),
        ..open_shift(20_000)
    }
}

pub fn shift(open: Option<Shift>, counted: Option<Shift>, notice: Option<Reason>) -> Screen {
    staff(StaffView::Shift(ShiftView { open, counted, notice }))
}

/// Where somebody is signed on.
pub fn on_duty(screen: Screen, name: &str) -> View {
    View { duty: DutyView { people: true, person: Some(person(1, name)) }, ..view(screen) }
}

pub fn set_up(tills: TillsView, test: TestView, notice: Option<ReasonKind>) -> Screen {
    staff(StaffView::SetUp(SetUpView { tills, test, notice: notice.map(Reason::of) }))
}

/// A code that counts for five minutes.
pub fn pairing(name: &str, wrong: u32) -> TillsView {
    let code = ShownPairingCode("ABCD-2345".to_owned().into());
    TillsView::Code { name: name.parse().unwrap(), code, left_s: 300, wrong }
}

pub fn scenes() -> Vec<Scene> {
    let scene = |name, view, then| Scene { name, keys: "1234", view, then, seconds: 0 };
    let people_here = |screen| View { duty: DutyView { people: true, person: None }, ..view(screen) };
    let long = "Alexander Wolkenstein";
    let refused = || Reason::of(ReasonKind::LastManager);
    let right = |right| code(CodePurpose::Right(right), Some(person(99, "王老板")), None, 0);
    vec![
        scene("keypad-signed-on", on_duty(Screen::Keypad { notice: None }, "小王"), ""),
        scene(
            "keypad-signed-on-fullest",
            View {
                link: LinkState::Offline,
                waiting: 12,
                mark: Mark::Test,
                shop: quick(),
                ..on_duty(Screen::Keypad { notice: None }, long)
            },
            "",
        ),
        scene("code-sign-on", people_here(code(CodePurpose::SignOn, None, None, 0)), ""),
        scene("code-sign-on-typed", people_here(code(CodePurpose::SignOn, None, None, 0)), "0127496183"),
        scene(
            "code-wrong",
            View {
                mark: Mark::Test,
                ..people_here(code(CodePurpose::SignOn, Some(person(1, "小王")), Some(ReasonKind::CodeWrong), 0))
            },
            "274",
        ),
        scene(
            "code-waits",
            View {
                mark: Mark::Test,
                link: LinkState::HostSilent,
                ..people_here(code(CodePurpose::Unlock, Some(person(2, long)), Some(ReasonKind::CodeWaits), 3600))
            },
            "",
        ),
        scene(
            "code-locked-out",
            people_here(code(CodePurpose::SignOn, Some(person(2, long)), Some(ReasonKind::PersonLockedOut), 0)),
            "",
        ),
        scene("code-unlock", people_here(code(CodePurpose::Unlock, Some(person(1, "小王")), None, 0)), "2749"),
        scene("code-manager", on_duty(right(Right::Refund), "小王"), "27496183"),
        scene(
            "code-manager-fullest",
            View {
                mark: Mark::Test,
                ..on_duty(
                    code(
                        CodePurpose::Right(Right::PreAuthorisationVoid),
                        Some(person(99, long)),
                        Some(ReasonKind::ManagerNeeded),
                        0,
                    ),
                    long,
                )
            },
            "27496183",
        ),
        scene(
            "code-checking",
            people_here(staff(StaffView::Code(CodeView {
                purpose: CodePurpose::SignOn,
                person: Some(person(1, "小王")),
                notice: None,
                wait_s: 0,
                checking: true,
            }))),
            "",
        ),
        scene("people", on_duty(staff(StaffView::People(people(None))), "小王"), ""),
        scene(
            "people-refused",
            View { mark: Mark::Test, ..on_duty(staff(StaffView::People(people(Some(refused())))), long) },
            "",
        ),
        scene(
            "people-none",
            view(staff(StaffView::People(PeopleView {
                rows: Vec::new(),
                page: 0,
                pages: 1,
                first: true,
                notice: None,
                working: false,
            }))),
            "",
        ),
        scene(
            "people-first",
            View {
                mark: Mark::Test,
                ..people_here(staff(StaffView::People(PeopleView { first: true, pages: 1, ..people(None) })))
            },
            "",
        ),
        scene(
            "people-working",
            on_duty(staff(StaffView::People(PeopleView { working: true, pages: 1, ..people(None) })), "小王"),
            "",
        ),
        scene("set-up", on_duty(set_up(TillsView::Listed(Vec::new()), TestView::None, None), "小王"), ""),
        scene(
            "set-up-fullest",
            View {
                mark: Mark::Test,
                ..on_duty(
                    set_up(
                        TillsView::Listed((1..=4).map(|till| format!("till {till}").parse().unwrap()).collect()),
                        TestView::None,
                        Some(ReasonKind::PrinterPaperOut),
                    ),
                    long,
                )
            },
            "",
        ),
        scene("set-up-nobody-listens", view(set_up(TillsView::NotListening, TestView::None, None)), ""),
        scene(
            "set-up-code",
            View { mark: Mark::Test, ..on_duty(set_up(pairing("till 1", 3), TestView::None, None), "小王") },
            "",
        ),
        scene(
            "set-up-paired",
            on_duty(set_up(TillsView::Paired("till 1".parse().unwrap()), TestView::None, None), long),
            "",
        ),
        scene("set-up-over", view(set_up(TillsView::Over("till 1".parse().unwrap()), TestView::None, None)), ""),
        scene("printer-sheet", view(set_up(TillsView::NotListening, TestView::Printing, None)), ""),
        scene(
            "printer-question",
            View {
                mark: Mark::Test,
                ..on_duty(set_up(TillsView::NotListening, TestView::Asks(Question::Ruler), None), long)
            },
            "",
        ),
        scene(
            "printer-found",
            view(set_up(
                TillsView::NotListening,
                TestView::Found(
                    "58 mm, ESC/POS, Chinese font in the printer, never answers, as the test found".to_owned(),
                ),
                None,
            )),
            "",
        ),
        scene("shift-none", on_duty(shift(None, None, None), "小王"), ""),
        scene("shift-open", on_duty(shift(Some(open_shift(20_000)), None, None), "小王"), ""),
        scene(
            "shift-open-fullest",
            View {
                mark: Mark::Test,
                ..on_duty(
                    shift(Some(open_shift(999_999_999_999)), None, Some(Reason::of(ReasonKind::DrawerTooLittle))),
                    long,
                )
            },
            "",
        ),
        scene("shift-right", on_duty(shift(None, Some(counted(93_456)), None), "小王"), ""),
        scene(
            "shift-wrong",
            View { mark: Mark::Test, ..on_duty(shift(None, Some(counted(93_411)), None), "小王") },
            "",
        ),
    ]
}
