//! Everybody of a terminal, and what may become of them.

use std::time::Duration;

use super::{CodeKey, KeptCode, Moment, PersonNumber, Role, Tries};

/// Letters of a name, at most.
const LONGEST_NAME: usize = 20;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The number, which is never given to somebody else.
    pub number: PersonNumber,
    /// A name; empty where there is none.
    pub name: String,
    /// Who is not does not sign on any more, and stays for what was done before.
    pub enabled: bool,
    /// What is kept of the code.
    pub code: Option<KeptCode>,
    /// Wrong codes.
    pub tries: Tries,
}

/// Everybody, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster(pub Vec<Person>);

/// Why a code is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Nobody of this number works here.
    #[error("nobody with this number can sign on")]
    Nobody,
    /// The person has no code that counts.
    #[error("this person has no code; a manager gives one: yima people code")]
    NoCode,
    /// Too many wrong ones.
    #[error("too many wrong codes: this person is locked out until a manager gives a new code: yima people code")]
    LockedOut,
    /// It is too soon.
    #[error("too many wrong codes: the next one is looked at in {} s", .0.as_secs_f64().ceil())]
    Waits(Duration),
}

impl TurnedAway {
    /// The word in the audit log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NoCode => "no_code",
            Self::LockedOut => "locked_out",
            Self::Waits(_) => "waits",
        }
    }
}

/// What cannot become of somebody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// There is nobody of this number.
    #[error("nobody has the number {0}; yima people lists everybody")]
    Nobody(PersonNumber),
    /// The number is somebody's.
    #[error("{0} is somebody's number already; a number is never given to somebody else")]
    Taken(PersonNumber),
    /// The table gives it to no role.
    #[error("{0} is nobody's number: assets give it no role")]
    NoRole(PersonNumber),
    /// Somebody must answer for the others.
    #[error("the first person of a terminal is a manager: begin with 99")]
    ManagerFirst,
    /// Nobody could let anybody in any more.
    #[error("{0} is the last manager, and others work here: disable them first, or add another manager")]
    LastManager(PersonNumber),
    /// A name that does not fit on a slip.
    #[error("a name has at most {LONGEST_NAME} letters, without control characters")]
    Name,
}

impl Person {
    /// What the number says.
    pub fn role(&self) -> Role {
        // A number without a role is added by nobody.
        self.number.role().unwrap_or(Role::Cashier)
    }

    /// How people are told of somebody: the number, with the name where there is one, as in `01 小王`.
    pub fn label(&self) -> String {
        format!("{} {}", self.number, self.name).trim_end().to_owned()
    }

    /// Locked out until a manager gives a new code.
    pub fn is_locked_out(&self) -> bool {
        self.tries.are_used_up(self.role())
    }

    /// The code, if it can be known again with the terminal's present keys.
    pub fn code_for(&self, key: &CodeKey) -> Option<&KeptCode> {
        self.code.as_ref().filter(|kept| key.knows(kept))
    }
}

impl Roster {
    /// Somebody works here, and has been given a code: then everybody signs on.
    pub fn is_used(&self) -> bool {
        self.0.iter().any(|person| person.enabled && person.code.is_some())
    }

    /// Somebody of this number.
    ///
    /// # Errors
    /// When there is nobody.
    pub fn of(&self, number: PersonNumber) -> Result<&Person, NotAllowed> {
        self.0.iter().find(|person| person.number == number).ok_or(NotAllowed::Nobody(number))
    }

    /// How people are told of whoever has this number; the number alone, where nobody has it.
    pub fn label(&self, number: PersonNumber) -> String {
        self.of(number).map_or_else(|_| number.to_string(), Person::label)
    }

    /// What a code of this person is held against now.
    ///
    /// # Errors
    /// When none is looked at.
    pub fn code_of(&self, number: PersonNumber, key: &CodeKey, now: &Moment) -> Result<&KeptCode, TurnedAway> {
        let person = self.of(number).ok().filter(|person| person.enabled).ok_or(TurnedAway::Nobody)?;
        if person.is_locked_out() {
            return Err(TurnedAway::LockedOut);
        }
        let kept = person.code_for(key).ok_or(TurnedAway::NoCode)?;
        let left = person.tries.left(now);
        if left.is_zero() { Ok(kept) } else { Err(TurnedAway::Waits(left)) }
    }

    /// A manager can sign on. Where none can, nobody has been set up yet, or the terminal was enrolled anew: then whoever holds it gives
    /// the manager's code, as at its first start. That is a manager's way back from a forgotten code: it takes the acquirer's activation
    /// code, and no code that is known to more than one.
    pub fn has_manager(&self, key: &CodeKey) -> bool {
        self.0.iter().any(|person| person.role() == Role::Manager && person.enabled && person.code_for(key).is_some())
    }

    /// Whether somebody may be added under this number.
    ///
    /// # Errors
    /// When the number is taken, has no role, or is a cashier's and there is no manager.
    pub fn check_new(&self, number: PersonNumber) -> Result<(), NotAllowed> {
        if self.0.iter().any(|person| person.number == number) {
            return Err(NotAllowed::Taken(number));
        }
        let managers = self.0.iter().any(|person| person.role() == Role::Manager && person.enabled);
        match number.role() {
            None => Err(NotAllowed::NoRole(number)),
            Some(Role::Cashier) if !managers => Err(NotAllowed::ManagerFirst),
            Some(Role::Cashier | Role::Manager) => Ok(()),
        }
    }

    /// Whether somebody may be disabled.
    ///
    /// # Errors
    /// When there is nobody of this number, or it is the last manager of others.
    pub fn check_disable(&self, number: PersonNumber) -> Result<(), NotAllowed> {
        let person = self.of(number)?;
        let others = || self.0.iter().filter(|other| other.enabled && other.number != number);
        let last = person.role() == Role::Manager && !others().any(|other| other.role() == Role::Manager);
        if last && others().next().is_some() { Err(NotAllowed::LastManager(number)) } else { Ok(()) }
    }

    /// Whether somebody may be enabled again.
    ///
    /// # Errors
    /// When there is nobody of this number, or it is a cashier's and there is no manager.
    pub fn check_enable(&self, number: PersonNumber) -> Result<(), NotAllowed> {
        let person = self.of(number)?;
        let managers = self.0.iter().any(|other| other.role() == Role::Manager && other.enabled);
        if person.role() == Role::Cashier && !managers { Err(NotAllowed::ManagerFirst) } else { Ok(()) }
    }
}

/// Whether somebody may be called that.
///
/// # Errors
/// When it is too long.
pub fn check_name(name: &str) -> Result<(), NotAllowed> {
    let fits = name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(NotAllowed::Name) }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::super::code::tests::code;
    use super::*;

    fn number(number: u32) -> PersonNumber {
        PersonNumber::new(number).unwrap()
    }

    fn person(of: u32, enabled: bool) -> Person {
        Person { number: number(of), name: String::new(), enabled, code: None, tries: Tries::default() }
    }

    #[test]
    fn a_manager_comes_first_and_goes_last() {
        let empty = Roster::default();
        assert!(!empty.is_used());
        assert_eq!(empty.check_new(number(1)), Err(NotAllowed::ManagerFirst));
        assert_eq!(empty.check_new(number(99)), Ok(()));
        let roster = Roster(vec![person(1, true), person(99, true)]);
        assert_eq!(roster.check_disable(number(99)), Err(NotAllowed::LastManager(number(99))));
        assert_eq!(
            (roster.check_disable(number(1)), roster.check_disable(number(2))),
            (Ok(()), Err(NotAllowed::Nobody(number(2))))
        );
        assert_eq!(roster.check_new(number(1)), Err(NotAllowed::Taken(number(1))));
        // Alone, or with another manager, one may go: a shop may do without people again.
        assert_eq!(Roster(vec![person(1, false), person(99, true)]).check_disable(number(99)), Ok(()));
        assert_eq!(Roster(vec![person(0, true), person(1, true), person(99, true)]).check_disable(number(99)), Ok(()));
        let closed = Roster(vec![person(1, false), person(99, false)]);
        assert!(!closed.is_used());
        assert_eq!(
            (closed.check_enable(number(1)), closed.check_enable(number(99))),
            (Err(NotAllowed::ManagerFirst), Ok(()))
        );
    }

    #[test]
    fn new_keys_of_the_terminal_are_a_managers_way_back() {
        let (ours, next) = (CodeKey::new(Zeroizing::new(vec![1; 32])), CodeKey::new(Zeroizing::new(vec![2; 32])));
        let kept = ours.keep(&code("274961"), &[0; 16]).unwrap();
        let roster = Roster(vec![Person { code: Some(kept), ..person(99, true) }]);
        assert!(roster.has_manager(&ours) && !roster.has_manager(&next));
        assert!(!Roster(vec![person(99, true)]).has_manager(&ours), "one without a code");
    }

    #[test]
    fn a_code_is_looked_at_when_it_is_somebodys_and_not_too_soon() {
        let key = CodeKey::new(Zeroizing::new(vec![1; 32]));
        let now = Moment { boot: "a".to_owned(), since_boot: Duration::from_secs(100) };
        let kept = key.keep(&code("274961"), &[0; 16]).unwrap();
        let with = |wrong| Person {
            code: Some(kept.clone()),
            tries: Tries { wrong, at: Some(now.clone()) },
            ..person(1, true)
        };
        let of = |person| Roster(vec![person]).code_of(number(1), &key, &now).cloned();
        assert_eq!(of(with(2)), Ok(kept.clone()));
        assert_eq!(of(with(3)), Err(TurnedAway::Waits(Duration::from_secs(30))));
        assert_eq!(of(with(10)), Err(TurnedAway::LockedOut));
        assert_eq!(of(person(1, true)), Err(TurnedAway::NoCode));
        assert_eq!(of(Person { enabled: false, ..with(0) }), Err(TurnedAway::Nobody));
        assert_eq!(of(person(2, true)), Err(TurnedAway::Nobody));
    }

    #[test]
    fn who_is_told_of_has_a_number_and_the_name_where_there_is_one() {
        let named = Person { name: "小王".to_owned(), ..person(1, true) };
        let roster = Roster(vec![named, person(2, true)]);
        assert_eq!([1, 2, 3].map(|of| roster.label(number(of))), ["01 小王", "02", "03"]);
    }

    #[test]
    fn a_name_fits_on_a_slip() {
        assert!(check_name("王小明").is_ok() && check_name("").is_ok() && check_name(&"王".repeat(20)).is_ok());
        assert!(check_name(&"王".repeat(21)).is_err() && check_name("a\nb").is_err());
    }
}
