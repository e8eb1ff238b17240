//! Slips that are printed once more: waited for, whoever prints them.

use std::process::ExitCode;
use std::time::Duration;

use super::{FAILED, Failure, output};
use crate::app::view::View;
use crate::app::{Engine, Listener, SaleReport, Setup, SetupError};
use crate::clock;
use crate::ledger::{CopyRow, Ledger, PrintState};
use crate::reference::Batch;

/// How often it is looked how far a slip is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a slip is waited for: a printer that needs paper is filled meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody looks at the screen of an engine that prints.
struct Nobody;

impl Listener for Nobody {
    fn show(&mut self, _: &View) {}

    fn report(&mut self, _: &SaleReport) {}
}

/// Waits for slips that were queued, and says how far each came.
///
/// # Errors
/// When the terminal cannot start, or the ledger not be read.
pub fn slips(setup: &Setup, queued: &[CopyRow]) -> Result<ExitCode, Failure> {
    let under_way = |row: &CopyRow| matches!(row.state, PrintState::Queued | PrintState::Sending);
    let now = |ledger: &Ledger| -> Result<Vec<CopyRow>, Failure> {
        let mut rows = Vec::new();
        for slip in queued {
            rows.extend(ledger.copies_of(slip.trace)?.into_iter().filter(|row| row.same_slip(slip)));
        }
        Ok(rows)
    };
    let rows = by_whom_runs(setup, |ledger| {
        let rows = now(ledger)?;
        let over = !rows.iter().any(under_way);
        Ok((rows, over))
    })?;
    for row in &rows {
        output::say(&format!("{} {} duplicate {}: {}", row.trace, row.copy.word(), row.duplicate, row.state.word()));
    }
    Ok(came_out(!rows.iter().any(|row| under_way(row) || row.state == PrintState::Failed)))
}

/// Waits for the slip of a settlement, and says whether it came out.
///
/// # Errors
/// When the terminal cannot start, or the ledger not be read or written.
pub fn slip_of_settlement(setup: &Setup, batch: Batch) -> Result<ExitCode, Failure> {
    let out = by_whom_runs(setup, |ledger| {
        let waits = ledger.settlement_slip_wanted()? == Some(batch);
        let due = ledger.settlement(batch)?.is_some_and(|row| row.slip_due);
        Ok((!waits && !due, !waits && !due))
    })?;
    if !out {
        // It is not to come out when nobody waits for it any more.
        let mut ledger = setup.ledger_beside(&setup.identity()?)?;
        if ledger.settlement_slip_wanted()? == Some(batch) {
            ledger.settlement_slip_is_out(batch)?;
        }
    }
    output::say(&format!(
        "batch {batch}: {}",
        if out { "printed" } else { "the printer did not take it: yima doctor" }
    ));
    Ok(came_out(out))
}

fn came_out(out: bool) -> ExitCode {
    if out { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Has the terminal that runs see to it, or starts one, until `look` says that it is over or for as long as anybody waits. Gives what was
/// seen last.
fn by_whom_runs<S>(setup: &Setup, look: impl Fn(&Ledger) -> Result<(S, bool), Failure>) -> Result<S, Failure> {
    let identity = setup.identity()?;
    let engine = match setup.parts() {
        Ok(parts) => Some(Engine::start(parts, Box::new(Nobody))?),
        Err(SetupError::Running(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let ledger = setup.ledger_to_look_at(&identity)?.ok_or("this terminal has no ledger yet")?;
    let until = clock::instant() + PATIENCE;
    let seen = loop {
        let (seen, over) = look(&ledger)?;
        if over || clock::instant() >= until {
            break seen;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    drop(engine);
    Ok(seen)
}
