//! Binder of `ui/api/staff.slint`: numbers and codes that are typed, everybody, and the shift. The drawing knows how many digits of a code
//! have been typed, never which.

use slint::{ComponentHandle, ModelRc};
use zeroize::{Zeroize, Zeroizing};

use super::amount_entry::AmountEntry;
use super::generated::{self, AppWindow, PeopleStep, ShiftStep, Staff};
use super::{Intents, Shared, State, set_up, values};
use crate::app::staff_view::{
    CodePurpose, CodeView, DutyView, PeopleView, PersonRow, PersonState, ShiftView, StaffIntent, StaffView,
};
use crate::app::view::{Intent, Screen, View};
use crate::money::Amount;
use crate::people::{Code, Movement, PersonNumber, Right, Role, Shift};
use crate::wording::{Language, Reason};

/// Digits of a number.
const NUMBER: usize = 2;

/// A code being typed: one buffer that never grows and is wiped. Deliberately without `Debug`.
pub(super) struct Digits(Zeroizing<Vec<u8>>);

impl Digits {
    fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(Code::MOST_DIGITS)))
    }

    fn push(&mut self, digits: &str) {
        for digit in digits.bytes().filter(u8::is_ascii_digit) {
            if self.0.len() < Code::MOST_DIGITS {
                self.0.push(digit);
            }
        }
    }

    fn delete(&mut self) -> bool {
        if let Some(last) = self.0.last_mut() {
            last.zeroize();
        }
        self.0.pop().is_some()
    }

    fn wipe(&mut self) {
        self.0.zeroize();
    }

    /// The code; it is then no longer here.
    fn take(&mut self) -> Option<Code> {
        if self.0.len() < Code::FEWEST_DIGITS {
            return None;
        }
        Code::new(std::mem::replace(self, Self::new()).0).ok()
    }
}

/// What is typed about people and the drawer.
pub(super) struct StaffTyped {
    /// A number that was typed; nothing, where the one that is expected stands there.
    number: Option<String>,
    code: Digits,
    /// A new code, the first time it was typed.
    first: Option<Code>,
    entry: AmountEntry,
}

impl StaffTyped {
    pub(super) fn new(entry: AmountEntry) -> Self {
        Self { number: None, code: Digits::new(), first: None, entry }
    }

    /// Nothing of it outlives the screen that asks for it.
    pub(super) fn follow(&mut self, before: Option<&View>, view: &View) {
        self.entry.set_currency(view.currency);
        let asks = |view: &View| match &view.screen {
            Screen::Staff(staff) => match &**staff {
                StaffView::Code(code) => Some(Some(code.purpose)),
                StaffView::People(_) => Some(None),
                StaffView::Shift(_) | StaffView::SetUp(_) => None,
            },
            _ => None,
        };
        if before.and_then(asks) != asks(view) {
            self.number = None;
            self.code.wipe();
            self.first = None;
        }
    }
}

/// Connects everything.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    setup_codes(window, shared, intents);
    setup_people(window, shared, intents);
    setup_shift(window, shared, intents);
    let staff = window.global::<Staff>();
    let send = |wish: StaffIntent| {
        let intents = intents.clone();
        move || intents.send(Intent::Staff(wish.clone()))
    };
    staff.on_lock(send(StaffIntent::Lock));
    staff.on_sign_off(send(StaffIntent::SignOff));
    staff.on_leave(send(StaffIntent::Leave));
    staff.on_show_people(send(StaffIntent::ShowPeople(0)));
    staff.on_show_shift(send(StaffIntent::ShowShift));
}

fn setup_codes(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let staff = window.global::<Staff>();
    let change = |change: fn(&mut State, PeopleStep, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            let Some(window) = weak.upgrade() else { return };
            let step = window.global::<Staff>().get_step();
            shared.with(|state| change(state, step, digits));
            show_typed(&window, &shared);
        }
    };
    let typed = change(|state, step, digits| {
        for digit in digits.chars().filter(char::is_ascii_digit) {
            let number = shown_number(state);
            if types_number(state, step) && number.len() < NUMBER {
                state.staff.number = Some(number + &digit.to_string());
            } else if types_code(state, step) {
                state.staff.code.push(&digit.to_string());
            }
        }
    });
    staff.on_type_digits(move |digits| typed(&digits));
    let delete = change(|state, step, _| {
        if !(types_code(state, step) && state.staff.code.delete()) && types_number(state, step) {
            let mut number = shown_number(state);
            number.pop();
            state.staff.number = Some(number);
        }
    });
    staff.on_delete(move || delete(""));
    let clear = change(|state, _, _| {
        state.staff.code.wipe();
        state.staff.first = None;
        if matches!(shown(state), Some(StaffView::People(_))) {
            state.staff.number = Some(String::new());
        }
    });
    staff.on_clear(move || clear(""));
    let other = change(|state, _, _| {
        state.staff.code.wipe();
        state.staff.number = Some(String::new());
    });
    staff.on_other(move || other(""));
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    staff.on_enter(move || {
        let Some(window) = weak.upgrade() else { return };
        enter(&window, &state, &sender);
        show_typed(&window, &state);
    });
}

/// What has been typed is done with.
fn enter(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let staff = window.global::<Staff>();
    let chosen = || PersonNumber::parse(&staff.get_chosen().number).ok();
    let wish = shared.with(|state| match shown(state)? {
        StaffView::Code(view) if view.checking || waits(&view, &shown_number(state)) > 0 => None,
        StaffView::Code(view) => {
            let number =
                PersonNumber::parse(&shown_number(state)).ok().filter(|_| shown_number(state).len() == NUMBER)?;
            let code = state.staff.code.take()?;
            Some(match view.purpose {
                CodePurpose::Right(_) => StaffIntent::GiveRight(number, code),
                CodePurpose::SignOn | CodePurpose::Unlock => StaffIntent::SignOn(number, code),
            })
        }
        StaffView::People(_) => match staff.get_step() {
            PeopleStep::Number => {
                let typed = shown_number(state);
                let number = PersonNumber::parse(&typed).ok().filter(|_| typed.len() == NUMBER)?;
                state.staff.number = None;
                staff.set_step(PeopleStep::List);
                Some(StaffIntent::Add(number))
            }
            PeopleStep::Code => {
                state.staff.first = Some(state.staff.code.take()?);
                staff.set_step(PeopleStep::Again);
                None
            }
            PeopleStep::Again => {
                let (first, again) = (state.staff.first.take()?, state.staff.code.take()?);
                staff.set_step(PeopleStep::List);
                Some(StaffIntent::GiveCode(chosen()?, first, again))
            }
            _ => None,
        },
        StaffView::Shift(_) | StaffView::SetUp(_) => None,
    });
    if let Some(wish) = wish {
        intents.send(Intent::Staff(wish));
    }
}

fn setup_people(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let staff = window.global::<Staff>();
    let (state, sender) = (shared.clone(), intents.clone());
    staff.on_turn_page(move |by| {
        let target = state.with(|state| match shown(state) {
            Some(StaffView::People(view)) => {
                let by = isize::try_from(by).unwrap_or(0);
                view.page.checked_add_signed(by).filter(|target| *target < view.pages)
            }
            _ => None,
        });
        if let Some(target) = target {
            sender.send(Intent::Staff(StaffIntent::ShowPeople(target)));
        }
    });
    let (weak, sender) = (window.as_weak(), intents.clone());
    staff.on_enable(move |enabled| {
        let Some(window) = weak.upgrade() else { return };
        if let Ok(number) = PersonNumber::parse(&window.global::<Staff>().get_chosen().number) {
            sender.send(Intent::Staff(StaffIntent::Enable(number, enabled)));
        }
    });
}

fn setup_shift(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let staff = window.global::<Staff>();
    let change = |change: fn(&mut AmountEntry, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            let Some(window) = weak.upgrade() else { return };
            let entry = shared.with(|state| {
                change(&mut state.staff.entry, digits);
                state.staff.entry
            });
            show_entry(&window, &entry);
        }
    };
    let typed = change(AmountEntry::type_digits);
    staff.on_type_amount(move |digits| typed(&digits));
    let delete = change(|entry, _| entry.delete());
    staff.on_delete_amount(move || delete(""));
    let clear = change(|entry, _| entry.clear());
    staff.on_clear_amount(move || clear(""));
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    staff.on_done(move || {
        let Some(window) = weak.upgrade() else { return };
        let staff = window.global::<Staff>();
        let amount = state.with(|state| {
            let amount = state.staff.entry.amount();
            state.staff.entry.clear();
            amount
        });
        let wish = match staff.get_shift_step() {
            ShiftStep::Open => StaffIntent::OpenShift(amount),
            ShiftStep::PutIn => StaffIntent::MoveCash(Movement::PutIn, amount),
            ShiftStep::TakeOut => StaffIntent::MoveCash(Movement::TakenOut, amount),
            ShiftStep::Count => StaffIntent::CloseShift(amount),
            ShiftStep::Look => return,
        };
        staff.set_shift_step(ShiftStep::Look);
        sender.send(Intent::Staff(wish));
    });
}

fn shown(state: &State) -> Option<StaffView> {
    match state.view.as_ref().map(|view| &view.screen) {
        Some(Screen::Staff(view)) => Some((**view).clone()),
        _ => None,
    }
}

/// The number that stands there: what was typed, or whose is expected.
fn shown_number(state: &State) -> String {
    let expected = || match shown(state) {
        Some(StaffView::Code(view)) => view.person.map(|person| person.number.to_string()),
        _ => None,
    };
    state.staff.number.clone().or_else(expected).unwrap_or_default()
}

fn types_number(state: &State, step: PeopleStep) -> bool {
    match shown(state) {
        Some(StaffView::Code(view)) => !view.checking,
        Some(StaffView::People(_)) => step == PeopleStep::Number,
        _ => false,
    }
}

fn types_code(state: &State, step: PeopleStep) -> bool {
    match shown(state) {
        Some(StaffView::Code(view)) => !view.checking && shown_number(state).len() == NUMBER,
        Some(StaffView::People(_)) => matches!(step, PeopleStep::Code | PeopleStep::Again),
        _ => false,
    }
}

/// Shows who is signed on.
pub(super) fn show_duty(window: &AppWindow, duty: &DutyView) {
    let staff = window.global::<Staff>();
    staff.set_people(duty.people);
    let name = duty.person.as_ref().map(|person| format!("{} {}", person.number, person.name).trim().to_owned());
    staff.set_duty(name.unwrap_or_default().into());
}

/// Shows it; gives which of the screens it is.
pub(super) fn show(window: &AppWindow, shared: &Shared, view: &StaffView, language: Language) -> generated::ScreenName {
    match view {
        StaffView::Code(view) => {
            show_code(window, view, language);
            show_typed(window, shared);
            generated::ScreenName::Code
        }
        StaffView::People(view) => {
            show_people(window, view, language);
            show_typed(window, shared);
            generated::ScreenName::People
        }
        StaffView::SetUp(view) => {
            set_up::show(window, view, language);
            generated::ScreenName::SetUp
        }
        StaffView::Shift(view) => {
            show_shift(window, view, language);
            show_entry(window, &shared.with(|state| state.staff.entry));
            generated::ScreenName::Shift
        }
    }
}

fn show_code(window: &AppWindow, view: &CodeView, language: Language) {
    let staff = window.global::<Staff>();
    staff.set_purpose(match view.purpose {
        CodePurpose::SignOn => generated::CodePurpose::SignOn,
        CodePurpose::Unlock => generated::CodePurpose::Unlock,
        CodePurpose::Right(right) => {
            staff.set_right(right_of(right));
            generated::CodePurpose::Right
        }
    });
    show_notice(&staff, view.notice.as_ref(), language);
    staff.set_checking(view.checking);
}

fn show_notice(staff: &Staff<'_>, notice: Option<&Reason>, language: Language) {
    staff.set_notice(values::sentences(notice, language));
}

/// What has been typed of number and code.
fn show_typed(window: &AppWindow, shared: &Shared) {
    let staff = window.global::<Staff>();
    let step = staff.get_step();
    let (number, name, count, ready, wait) = shared.with(|state| {
        let number = shown_number(state);
        let name = match shown(state) {
            Some(StaffView::Code(view)) => view.person.filter(|person| person.number.to_string() == number),
            _ => None,
        };
        let count = state.staff.code.0.len();
        let whole = number.len() == NUMBER;
        let enough = count >= Code::FEWEST_DIGITS;
        let ready = match shown(state) {
            Some(StaffView::Code(_)) => whole && enough,
            Some(StaffView::People(_)) if step == PeopleStep::Number => whole,
            _ => enough,
        };
        let wait = match shown(state) {
            Some(StaffView::Code(view)) => waits(&view, &number),
            _ => 0,
        };
        (number, name.map(|person| person.name).unwrap_or_default(), count, ready, wait)
    });
    staff.set_number(number.into());
    staff.set_name(name.into());
    staff.set_count(i32::try_from(count).unwrap_or(i32::MAX));
    staff.set_ready(ready);
    staff.set_wait(i32::try_from(wait).unwrap_or(i32::MAX));
}

/// How long the code of whose number stands there waits: another person's does not.
fn waits(view: &CodeView, number: &str) -> u64 {
    let theirs = view.person.as_ref().is_some_and(|person| person.number.to_string() == number);
    if theirs { view.wait_s } else { 0 }
}

fn show_people(window: &AppWindow, view: &PeopleView, language: Language) {
    let staff = window.global::<Staff>();
    let rows: Vec<generated::PersonRow> = view.rows.iter().map(row).collect();
    staff.set_rows(ModelRc::from(rows.as_slice()));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    staff.set_page(count(view.page.saturating_add(1)));
    staff.set_pages(count(view.pages));
    staff.set_first(view.first);
    staff.set_working(view.working);
    show_notice(&staff, view.notice.as_ref(), language);
}

fn row(row: &PersonRow) -> generated::PersonRow {
    generated::PersonRow {
        number: row.person.number.to_string().into(),
        name: row.person.name.clone().into(),
        manager: row.person.role == Role::Manager,
        state: match row.state {
            PersonState::Ready => generated::PersonState::Ready,
            PersonState::NoCode => generated::PersonState::NoCode,
            PersonState::LockedOut => generated::PersonState::LockedOut,
            PersonState::Disabled => generated::PersonState::Disabled,
        },
    }
}

fn show_shift(window: &AppWindow, view: &ShiftView, language: Language) {
    let staff = window.global::<Staff>();
    show_notice(&staff, view.notice.as_ref(), language);
    let money = |amount: Amount| values::money_text(amount);
    staff.set_shift_open(view.open.is_some());
    if let Some(open) = &view.open {
        let by = open.opened_by.map(|person| format!(" · {person}")).unwrap_or_default();
        staff.set_opened(format!("{}{by}", values::day_and_time(open.opened_at)).into());
        staff.set_float(money(open.float).into());
        staff.set_put_in(money(open.put_in).into());
        staff.set_taken_out(money(open.taken_out).into());
    }
    let counted =
        view.counted.as_ref().and_then(|shift| Some((shift, shift.closing.as_ref()?, shift.expected().ok()?)));
    staff.set_counted_now(counted.is_some());
    if let Some((shift, closing, expected)) = counted {
        staff.set_expected(money(expected).into());
        staff.set_counted(money(closing.counted).into());
        staff.set_difference(difference(shift).into());
    }
}

/// What is too much or too little; empty where nothing is.
fn difference(shift: &Shift) -> String {
    let minor = shift.difference().unwrap_or_default();
    let Ok(amount) = Amount::new(minor.unsigned_abs(), shift.float.currency()) else { return minor.to_string() };
    match minor {
        0 => String::new(),
        1.. => format!("+{}", values::money_text(amount)),
        _ => format!("-{}", values::money_text(amount)),
    }
}

fn show_entry(window: &AppWindow, entry: &AmountEntry) {
    let staff = window.global::<Staff>();
    staff.set_entry(values::money(entry.amount()));
    staff.set_entry_ready(!entry.amount().is_zero());
}

const fn right_of(right: Right) -> generated::StaffRight {
    match right {
        Right::Sale => generated::StaffRight::Sale,
        Right::Void => generated::StaffRight::VoidSale,
        Right::Refund => generated::StaffRight::Refund,
        Right::PreAuthorisation => generated::StaffRight::PreAuthorisation,
        Right::PreAuthorisationVoid => generated::StaffRight::PreAuthorisationVoid,
        Right::Completion => generated::StaffRight::Completion,
        Right::CompletionVoid => generated::StaffRight::CompletionVoid,
        Right::Balance => generated::StaffRight::Balance,
        Right::TypedNumber => generated::StaffRight::TypedNumber,
        Right::Goods => generated::StaffRight::Goods,
        Right::Reports => generated::StaffRight::Reports,
        Right::Shift => generated::StaffRight::Shift,
        Right::Drawer => generated::StaffRight::Drawer,
        Right::Settle => generated::StaffRight::Settle,
        Right::Decide => generated::StaffRight::Decide,
        Right::Settings => generated::StaffRight::Settings,
        Right::People => generated::StaffRight::People,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_whole_and_leaves_nothing_behind() {
        let mut digits = Digits::new();
        digits.push("274");
        assert!(digits.take().is_none(), "three digits are no code");
        digits.push("9x61830");
        let room = digits.0.capacity();
        assert_eq!((digits.0.len(), room), (8, Code::MOST_DIGITS), "the buffer never grows");
        assert!(digits.delete() && digits.take().is_some());
        assert!(digits.0.is_empty() && !digits.delete());
    }
}
