//! What a terminal is, that everything it shows, prints and says must not be taken for something else.

use std::path::Path;

use super::files;

/// Name of the file that makes a state directory one for training. It is written before anything else is.
const FILE: &str = "TRAINING";

/// What stands in it, for whoever finds it.
const SAYS: &str = "Everything here is training: no payment in it was one.\n";

/// What is said of a terminal on every screen and every slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Nothing: it trades.
    Live,
    /// Its keys, cards or host are for tests only.
    Test,
    /// People learn on it: nothing reaches an acquirer or the totals of the shop. Its keys are for tests, too.
    Training,
}

impl Mark {
    /// The mark of a terminal that keeps its state in a directory; `test`: its identity is one for tests.
    pub fn of(state: &Path, test: bool) -> Self {
        match (is_for_training(state), test) {
            (true, _) => Self::Training,
            (false, true) => Self::Test,
            (false, false) => Self::Live,
        }
    }

    /// No key, card or host of it is real.
    pub const fn is_for_tests(self) -> bool {
        !matches!(self, Self::Live)
    }
}

/// Whether a state directory is one for training.
pub fn is_for_training(state: &Path) -> bool {
    state.join(FILE).exists()
}

/// Makes a state directory, which must be there, one for training. It stays one.
///
/// # Errors
/// When it cannot be written.
pub fn make_for_training(state: &Path) -> std::io::Result<()> {
    if is_for_training(state) {
        return Ok(());
    }
    files::write(&state.join(FILE), SAYS.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_for_training_stays_one_whatever_its_keys_are() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Mark::of(folder.path(), false), Mark::Live);
        assert_eq!(Mark::of(folder.path(), true), Mark::Test);
        make_for_training(folder.path()).unwrap();
        make_for_training(folder.path()).unwrap();
        assert_eq!(Mark::of(folder.path(), true), Mark::Training);
        assert_eq!(Mark::of(folder.path(), false), Mark::Training);
        assert!(!Mark::Live.is_for_tests() && Mark::Test.is_for_tests() && Mark::Training.is_for_tests());
    }
}
