//! What a screen is told of the people at the terminal, and what somebody at it wants with them.

use super::set_up_view::{SetUpIntent, SetUpView};
use crate::money::Amount;
use crate::people::{Code, Movement, PersonNumber, Right, Role, Shift};
use crate::wording::Reason;

/// People on one page.
pub const PEOPLE_PER_PAGE: usize = 5;

/// What somebody wants. Codes mask themselves: an intent may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffIntent {
    /// Sign on, or unlock the screen.
    SignOn(PersonNumber, Code),
    /// Sign off.
    SignOff,
    /// Lock the screen.
    Lock,
    /// A manager gives the right that is asked for.
    GiveRight(PersonNumber, Code),
    /// Leave what is asked or shown.
    Leave,
    /// Somebody touches the screen, and wants nothing of the engine.
    Touched,
    /// See everybody: a page, counted from 0.
    ShowPeople(usize),
    /// Add somebody.
    Add(PersonNumber),
    /// Give somebody a code, typed twice.
    GiveCode(PersonNumber, Code, Code),
    /// Enable somebody, or disable.
    Enable(PersonNumber, bool),
    /// See the shift.
    ShowShift,
    /// Open a shift with so much in the drawer.
    OpenShift(Amount),
    /// Put cash in, or take it out.
    MoveCash(Movement, Amount),
    /// Close the shift: so much was counted.
    CloseShift(Amount),
    /// See how the terminal is set up, or change that.
    SetUp(SetUpIntent),
}

/// Who is signed on, as every screen shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DutyView {
    /// People work here: they sign on.
    pub people: bool,
    /// Who is; nobody, where nobody is or need be.
    pub person: Option<PersonView>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// The number.
    pub number: PersonNumber,
    /// The name; empty where there is none.
    pub name: String,
    /// What the number says.
    pub role: Role,
}

/// What is shown of people, and only to those who work here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffView {
    /// Somebody's number and code are asked for.
    Code(CodeView),
    /// Everybody.
    People(PeopleView),
    /// The shift.
    Shift(ShiftView),
    /// How the terminal is set up.
    SetUp(SetUpView),
}

/// Somebody's number and code are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeView {
    /// What for.
    pub purpose: CodePurpose,
    /// Whose is expected; another one may be given.
    pub person: Option<PersonView>,
    /// Why the last one did not help.
    pub notice: Option<Reason>,
    /// Seconds until one is looked at again.
    pub wait_s: u64,
    /// One is looked at now.
    pub checking: bool,
}

/// What a code is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePurpose {
    /// To sign on.
    SignOn,
    /// To unlock the screen.
    Unlock,
    /// A manager's, for something that needs one.
    Right(Right),
}

/// Everybody, page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleView {
    /// Rows of this page.
    pub rows: Vec<PersonRow>,
    /// Page shown, from 0.
    pub page: usize,
    /// How many pages there are, at least 1.
    pub pages: usize,
    /// No manager can sign on: one is given a code first.
    pub first: bool,
    /// What was not done.
    pub notice: Option<Reason>,
    /// A code is being given.
    pub working: bool,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Who.
    pub person: PersonView,
    /// How it is with them.
    pub state: PersonState,
}

/// How it is with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonState {
    /// Can sign on.
    Ready,
    /// Has no code that counts.
    NoCode,
    /// Typed too many wrong codes.
    LockedOut,
    /// Does not work here any more.
    Disabled,
}

/// The shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftView {
    /// The one that is open.
    pub open: Option<Shift>,
    /// The one whose drawer was just counted.
    pub counted: Option<Shift>,
    /// What was not done.
    pub notice: Option<Reason>,
}
