//! Tables of states and transitions in the heads of modules, as the tests read them that hold them against the code.

use std::collections::BTreeSet;

/// One transition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// Where it begins.
    pub state: String,
    /// What happens.
    pub event: String,
    /// Where it leads.
    pub next: String,
    /// What is written down and sent, in this order.
    pub recorded: String,
    /// Which of several machines it belongs to; nothing where there is only one.
    pub way: String,
}

/// The head of every such table. Where there are several machines, a fifth column says which of them do so.
const HEAD: [&str; 4] = ["state", "event", "next", "recorded"];

/// The transitions that the table in the head of a module names. Several states, events and machines stand in one line with
/// commas between them: each of those states hears each of those events in each of those machines. `ways` are the names of
/// the machines; "all" is all of them, "all but" those that are not named.
pub fn documented(source: &str, ways: &[&str]) -> BTreeSet<Transition> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let row = line.strip_prefix("//! |")?.strip_suffix('|')?;
        Some(row.split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect())
    };
    let lines: Vec<_> = source.lines().collect();
    let head =
        lines.iter().position(|line| cells(line).is_some_and(|cells| cells.starts_with(&HEAD.map(str::to_owned))));
    let head = head.unwrap();
    let mut transitions = BTreeSet::new();
    for row in lines[head + 2..].iter().map_while(|line| cells(line)) {
        let [states, events, next, recorded, of @ ..] = &row[..] else { panic!("{row:?} has not four columns") };
        for way in chosen(ways, of.first()) {
            for state in states.split(", ") {
                for event in events.split(", ") {
                    let (state, event) = (state.to_owned(), event.to_owned());
                    let (next, recorded) = (next.clone(), recorded.clone());
                    let transition = Transition { state, event, next, recorded, way: way.clone() };
                    assert!(transitions.insert(transition.clone()), "{transition:?} stands there twice");
                }
            }
        }
    }
    assert!(!transitions.is_empty());
    transitions
}

/// The machines that a cell names.
fn chosen(ways: &[&str], cell: Option<&String>) -> Vec<String> {
    let Some(cell) = cell else { return vec![String::new()] };
    let but = cell.strip_prefix("all but ");
    let named: Vec<_> = but.unwrap_or(cell).split(", ").filter(|name| *name != "all").collect();
    assert!(named.iter().all(|name| ways.contains(name)), "{cell}: there is no such one");
    let all = but.is_some() || cell == "all";
    ways.iter().filter(|way| named.contains(way) != all).map(|way| (*way).to_owned()).collect()
}

/// What one of the two has and the other lacks, a line each; nothing when they agree.
pub fn differences(documented: &BTreeSet<Transition>, made: &BTreeSet<Transition>) -> String {
    let lines = |what: &str, of: &BTreeSet<Transition>, without: &BTreeSet<Transition>| -> String {
        of.difference(without)
            .map(|Transition { state, event, next, recorded, way }| {
                format!("{what}: | {state} | {event} | {next} | {recorded} | {way}\n")
            })
            .collect()
    };
    lines("the table lacks", made, documented) + &lines("the code never does", documented, made)
}

/// Names of every value of an enum, with examples: a variant that is added must get its line here.
macro_rules! named {
    ($label:ident, $all:ident, $type:ty; $($pattern:pat => $name:literal $(, $example:expr)*;)*) => {
        fn $label(value: &$type) -> &'static str {
            match value { $($pattern => $name,)* }
        }

        #[allow(dead_code)]
        fn $all() -> Vec<(&'static str, Vec<$type>)> {
            vec![$(($name, vec![$($example),*])),*]
        }
    };
}
pub(crate) use named;

#[test]
fn a_table_is_compared_both_ways() {
    let source = "//! | state | event | next | recorded |\n//! |---|---|---|---|\n//! | a, b | x, y | over | `Pending`, sent |\n//!\n//! | no | more |";
    let table = documented(source, &[]);
    assert_eq!(table.len(), 4);
    assert_eq!(differences(&table, &table), "");
    let mut made = table.clone();
    let first = made.pop_first().unwrap();
    assert_eq!(differences(&table, &made), "the code never does: | a | x | over | Pending, sent | \n");
    made.insert(Transition { next: "b".to_owned(), ..first });
    assert!(differences(&table, &made).starts_with("the table lacks: | a | x | b | Pending, sent | \n"));
}

#[test]
fn a_line_may_be_about_some_of_several_machines() {
    let head = "//! | state | event | next | recorded | ways |\n//! |---|---|---|---|---|\n";
    for (cell, ways) in [("all", &["a", "b", "c"][..]), ("a, c", &["a", "c"]), ("all but b, c", &["a"])] {
        let table = documented(&format!("{head}//! | s | e | n | | {cell} |"), &["a", "b", "c"]);
        assert_eq!(table.iter().map(|line| line.way.as_str()).collect::<Vec<_>>(), ways, "{cell}");
    }
}
