//! Which response codes end an entry of the terminal's queue in this dialect. Every other one proves nothing, and the entry
//! is sent again.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::DialectError;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueCodes {
    /// A reversal is done: taken back, or the host never had the original, or there is nothing to take back.
    pub reversal_done: BTreeSet<String>,
    /// An advice has arrived.
    pub advice_done: BTreeSet<String>,
    /// An advice is refused for good: sending the same again changes nothing.
    pub advice_refused: BTreeSet<String>,
    /// The bank does not pay an offline sale, beside what refuses every advice.
    #[serde(default)]
    pub offline_sale_refused: BTreeSet<String>,
}

impl QueueCodes {
    /// Checks what belongs together.
    pub(super) fn check(&self) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        if self.reversal_done.is_empty() {
            return wrong("queue.reversal_done", "without a code that ends it a reversal has no end");
        }
        if self.advice_done.is_empty() {
            return wrong("queue.advice_done", "without a code that ends it an advice has no end");
        }
        if !self.advice_done.is_disjoint(&self.advice_refused) {
            return wrong("queue.advice_refused", "a code cannot take an advice and refuse it");
        }
        if self.offline_sale_refused.iter().any(|code| self.advice_done.contains(code)) {
            return wrong("queue.offline_sale_refused", "a code cannot take an offline sale and refuse it");
        }
        let all = [&self.reversal_done, &self.advice_done, &self.advice_refused, &self.offline_sale_refused];
        if all.iter().flat_map(|codes| codes.iter()).any(|code| code.len() != 2) {
            return wrong("queue", "a response code has two characters");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::Dialect;
    use crate::iso8583::dialect::SHIPPED;

    #[test]
    fn a_queue_without_end_and_a_code_that_takes_and_refuses_are_refused() {
        let shipped = SHIPPED[0].1;
        for (from, to, said) in [
            ("reversal_done = [\"00\", \"25\", \"12\"]", "reversal_done = []", "queue.reversal_done"),
            ("advice_done = [\"00\"]", "advice_done = []", "queue.advice_done"),
            ("advice_refused = [", "advice_refused = [\"00\", ", "queue.advice_refused"),
            ("advice_refused = [", "advice_refused = [\"5\", ", "two characters"),
            ("offline_sale_refused = [", "offline_sale_refused = [\"00\", ", "queue.offline_sale_refused"),
            ("advice_refused = [", "reversal_refused = []\nadvice_refused = [", "reversal_refused"),
        ] {
            assert!(shipped.contains(from), "{from}");
            let error = Dialect::parse(&shipped.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
    }
}
