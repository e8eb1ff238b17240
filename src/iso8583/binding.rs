//! Where a dialect has the terminal's binding in its messages.

use serde::Deserialize;

/// Elements of tag A2 in field 59 that this program adds to those that all acquirers know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingTags {
    /// What stands for the signed binding record.
    pub record: String,
    /// What proves on which machine the request was made.
    pub machine: String,
}

impl BindingTags {
    /// Both have two characters, and are none that stand for something else.
    pub(super) fn are_right(&self) -> bool {
        let fits = |tag: &String| {
            let private = !matches!(tag.as_str(), "01" | "02" | "03" | "04" | "05");
            tag.len() == 2 && private && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        fits(&self.record) && fits(&self.machine) && self.record != self.machine
    }
}

impl Default for BindingTags {
    fn default() -> Self {
        Self { record: "06".to_owned(), machine: "07".to_owned() }
    }
}
