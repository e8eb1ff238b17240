//! The table of roles, rights and codes: `assets/people.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{PersonNumber, Right, Role};

/// Fewer digits than this no role may have.
const FEWEST: usize = 4;

/// What stands in the table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    manager: RoleRule,
    cashier: RoleRule,
    rights: BTreeMap<String, Grants>,
    codes: Codes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRule {
    numbers: Vec<String>,
    fewest_digits: usize,
}

/// What each role may.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grants {
    cashier: Grant,
    manager: Grant,
}

/// How a role may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Grant {
    /// By itself.
    Own,
    /// With a manager's code.
    Manager,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    common: Vec<String>,
}

pub(super) fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    // Part of the program; `the_table_is_whole` proves that it parses. Without it nobody would have a number.
    RULES.get_or_init(|| toml::from_str(include_str!("../../assets/people.toml")).unwrap_or_default())
}

impl Rules {
    pub(super) fn role_of(&self, number: PersonNumber) -> Option<Role> {
        Role::ALL.into_iter().find(|role| self.of(*role).numbers.iter().any(|range| is_in(range, number)))
    }

    pub(super) fn fewest_digits(&self, role: Role) -> usize {
        self.of(role).fewest_digits.max(FEWEST)
    }

    /// What is not in the table needs a manager.
    pub(super) fn grant(&self, role: Role, right: Right) -> Grant {
        self.rights.get(right.word()).map_or(Grant::Manager, |grants| match role {
            Role::Cashier => grants.cashier,
            Role::Manager => grants.manager,
        })
    }

    pub(super) fn is_common(&self, code: &[u8]) -> bool {
        self.codes.common.iter().any(|common| common.as_bytes() == code)
    }

    fn of(&self, role: Role) -> &RoleRule {
        match role {
            Role::Cashier => &self.cashier,
            Role::Manager => &self.manager,
        }
    }
}

/// `"07"` or `"01-98"`.
fn is_in(range: &str, number: PersonNumber) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (PersonNumber::parse(first), PersonNumber::parse(last)) {
        (Ok(first), Ok(last)) => (first..=last).contains(&number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let rules = rules();
        for number in 0..100 {
            let number = PersonNumber::new(number).unwrap();
            let of: Vec<_> = Role::ALL
                .iter()
                .filter(|role| rules.of(**role).numbers.iter().any(|range| is_in(range, number)))
                .collect();
            assert_eq!(of.len(), 1, "{number} has one role");
        }
        let words: Vec<&str> = Right::ALL.iter().map(|right| right.word()).collect();
        assert_eq!(rules.rights.len(), words.len(), "a right that nobody asks for, or one that is missing");
        assert!(words.iter().all(|word| rules.rights.contains_key(*word)), "{words:?}");
        assert!(
            Right::ALL.iter().all(|right| rules.grant(Role::Manager, *right) == Grant::Own),
            "a manager is asked by nobody"
        );
        assert!(rules.codes.common.iter().all(|code| (4..=8).contains(&code.len())));
    }
}
