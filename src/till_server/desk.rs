//! Where requests of tills and what the engine says come together. One lock orders both: what a till is told is what is written down.
//!
//! A payment is *live* from the moment its key is written down until the engine says that it is over; meanwhile it is running, whatever
//! the ledger has. What is open and not live is what the ledger says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{broadcast, oneshot};

use super::answers;
use crate::app::view::{Intent, View};
use crate::app::{Intents, Setup, SetupError, TillEvent, TillIntent};
use crate::clock;
use crate::ledger::{Ledger, TransactionRow};
use crate::reference::TraceNumber;
use crate::terminal::identity::Identity;
use crate::till::IdempotencyKey;
use crate::till::answer::{Facts, PaymentAnswer, PaymentState, StatusAnswer, Why};
use crate::till::problem::{Problem, ProblemKind};
use crate::till::request::{Display, Original, PaymentRequest};
use crate::till::rules::{Found, Outcome, Standing, is_about_the_terminal, outcome, speaks, was_refused};
use crate::till_keys::{
    BoundNumber, Event, Paired, PaymentNumber, PaymentRow, TakenUp, TillId, TillKeys, TillKeysError,
};
use crate::wording::{Reason, ReasonKind};

/// Why a payment did not come about that nobody has said anything of.
const STOPPED: &str = "the terminal was stopped before anything was sent";

/// Events that a till may be behind before it has to ask anew.
const BEHIND: usize = 256;

/// Who this terminal is.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub merchant_code: String,
    pub terminal_number: String,
}

/// Something that tills are told as it happens.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub till: TillId,
    /// Its number; what passes has none.
    pub id: Option<i64>,
    pub data: Arc<str>,
}

/// What the engine says first of a payment.
#[derive(Debug)]
pub(super) enum First {
    Began,
    Busy,
    Refused(Box<Reason>),
}

/// What the engine says to a wish to leave a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is over; what it came to is written down.
    Over,
    /// It runs on.
    NotLeft,
}

/// A payment that the engine has, or is about to get.
#[derive(Default)]
struct Live {
    progress: Option<&'static str>,
    first: Option<oneshot::Sender<First>>,
    left: Vec<oneshot::Sender<Left>>,
}

struct Books {
    keys: TillKeys,
    live: HashMap<PaymentNumber, Live>,
    /// Which of them runs.
    running: Option<PaymentNumber>,
    view: Option<View>,
}

/// See the module.
pub(super) struct Desk {
    books: Mutex<Books>,
    intents: Intents,
    told: broadcast::Sender<Told>,
    setup: Setup,
    identity: Identity,
}

/// What a request for a payment leads to.
pub(super) enum Asked {
    /// It begins: what the engine says first comes here.
    Begun(PaymentNumber, oneshot::Receiver<First>),
    /// It was wanted before.
    Known(Box<PaymentAnswer>),
}

impl Desk {
    pub fn open(setup: &Setup, intents: Intents) -> Result<Self, super::TillServerError> {
        let mut keys = TillKeys::open(&setup.state)?;
        let forgotten = keys.forget_old(clock::timestamp())?;
        if forgotten > 0 {
            tracing::info!(forgotten, "keys of tills' payments that ended long ago are forgotten");
        }
        let books = Books { keys, live: HashMap::new(), running: None, view: None };
        let (told, _) = broadcast::channel(BEHIND);
        Ok(Self { books: Mutex::new(books), intents, told, setup: setup.clone(), identity: setup.identity()? })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- what tills ask -------------------------------------------------------------------------------------------------------

    /// Whose key this is.
    pub fn till_of(&self, key: &str) -> Result<Option<TillId>, TillKeysError> {
        self.books().keys.till_of(key)
    }

    /// Exchanges a pairing code for a till's key.
    pub fn pair(&self, code: &str) -> Result<Option<Paired>, TillKeysError> {
        self.books().keys.pair(code, clock::timestamp())
    }

    /// How the terminal does; nothing, before the engine has shown anything.
    pub fn status(&self) -> Option<StatusAnswer> {
        let who = Who {
            merchant_code: self.identity.merchant_code.clone(),
            terminal_number: self.identity.terminal_number.clone(),
        };
        self.books().view.as_ref().map(|view| answers::status(view, &who))
    }

    /// Shows something while nobody pays.
    pub fn display(&self, display: Option<Display>) {
        self.intents.send(Intent::Till(TillIntent::Display(display)));
    }

    /// A payment is wanted. Its key is durable before the engine hears of it.
    pub fn ask(&self, till: TillId, key: &IdempotencyKey, request: &PaymentRequest) -> Result<Asked, Box<Problem>> {
        let mut books = self.books();
        // What is known already is told, whatever has become meanwhile of what it refers to.
        let known = books.keys.payment(till, key).map_err(failed)?;
        let begins = known.is_none_or(|row| row.standing == Standing::Refused);
        let original = if begins { original_of(&books.keys, till, request)? } else { None };
        let row = match books.keys.take_up(till, key, request, clock::timestamp()).map_err(failed)? {
            TakenUp::Begin(row) => *row,
            TakenUp::Tell(row) => return self.answer(&books, &row).map(|answer| Asked::Known(Box::new(answer))),
            TakenUp::UsedOtherwise => return Err(Problem::of(ProblemKind::KeyUsedOtherwise).into()),
        };
        let number = row.number;
        let (first, answer) = oneshot::channel();
        books.live.insert(number, Live { progress: Some(answers::BEGINNING), first: Some(first), left: Vec::new() });
        let purpose = match request.purpose(original) {
            Ok(purpose) => purpose,
            Err(error) => {
                self.refuse(&mut books, number, None);
                return Err(Problem::of(ProblemKind::RequestInvalid).with_detail(error.to_string()).into());
            }
        };
        self.tell_running(&mut books, &row);
        self.intents.send(Intent::Till(TillIntent::Begin(number, Box::new(purpose))));
        Ok(Asked::Begun(number, answer))
    }

    /// How a payment stands.
    pub fn payment(&self, till: TillId, key: &IdempotencyKey) -> Result<PaymentAnswer, Box<Problem>> {
        let books = self.books();
        let row = books.keys.payment(till, key).map_err(failed)?;
        self.answer(&books, &row.ok_or_else(no_payment)?)
    }

    /// The same, of its number.
    pub fn payment_of(&self, number: PaymentNumber) -> Result<PaymentAnswer, Box<Problem>> {
        let books = self.books();
        let row = books.keys.payment_of(number).map_err(failed)?;
        self.answer(&books, &row.ok_or_else(no_payment)?)
    }

    /// Somebody wants to leave a payment. `None`: it does not run, and stands as it is.
    pub fn leave(&self, till: TillId, key: &IdempotencyKey) -> Result<Option<oneshot::Receiver<Left>>, Box<Problem>> {
        let mut books = self.books();
        let row = books.keys.payment(till, key).map_err(failed)?;
        let row = row.ok_or_else(no_payment)?;
        let Some(live) = books.live.get_mut(&row.number) else { return Ok(None) };
        let (left, answer) = oneshot::channel();
        live.left.push(left);
        self.intents.send(Intent::Till(TillIntent::Cancel(row.number)));
        Ok(Some(answer))
    }

    /// What a till was told after the event `after` and is told from now on; with it, whether something is missing in between.
    pub fn follow(&self, till: TillId, after: Option<i64>) -> Result<Followed, TillKeysError> {
        let books = self.books();
        // Whoever tells does so under the same lock: nothing comes twice, and nothing is left out.
        let receiver = self.told.subscribe();
        let (newest, given_up) = books.keys.event_range()?;
        let Some(after) = after else { return Ok(Followed { missed: Vec::new(), gap: None, receiver }) };
        let gap = (after < given_up || after > newest).then_some(newest);
        let missed = if after > newest { Vec::new() } else { books.keys.events_after(till, after)? };
        Ok(Followed { missed, gap, receiver })
    }

    // ---- what the engine says -------------------------------------------------------------------------------------------------

    /// Something is on the screen.
    pub fn saw(&self, view: &View) {
        let mut books = self.books();
        books.view = Some(view.clone());
        let Some(number) = books.running else { return };
        let progress = answers::progress(&view.screen);
        self.progresses(&mut books, number, progress);
    }

    fn progresses(&self, books: &mut Books, number: PaymentNumber, progress: Option<&'static str>) {
        let Some(live) = books.live.get_mut(&number) else { return };
        if progress.is_none() || live.progress == progress {
            return;
        }
        live.progress = progress;
        if let Ok(Some(row)) = books.keys.payment_of(number)
            && let Ok(answer) = self.answer(books, &row)
        {
            self.publish(row.till, None, &answer);
        }
    }

    /// Something became of a payment.
    pub fn heard(&self, event: TillEvent) {
        let mut books = self.books();
        match event {
            TillEvent::Began(number) => {
                books.running = Some(number);
                if let Some(first) = books.live.get_mut(&number).and_then(|live| live.first.take()) {
                    let _ = first.send(First::Began);
                }
                let progress = books.view.as_ref().and_then(|view| answers::progress(&view.screen));
                self.progresses(&mut books, number, progress);
            }
            TillEvent::Busy(number) => self.refuse(&mut books, number, None),
            TillEvent::Refused(number, reason) => self.refuse(&mut books, number, Some(reason)),
            TillEvent::Over(number, reason) => {
                books.running = books.running.filter(|running| *running != number);
                let live = books.live.remove(&number).unwrap_or_default();
                if let Err(error) = self.settle(&mut books, number, reason.as_ref()) {
                    tracing::error!(%error, "what became of a till's payment is not written down yet");
                }
                if let Some(first) = live.first {
                    let _ = first.send(First::Began);
                }
                for left in live.left {
                    let _ = left.send(Left::Over);
                }
            }
            TillEvent::NotLeft(number) => answer_left(&mut books, number, Left::NotLeft),
            TillEvent::NotHere(number) => answer_left(&mut books, number, Left::Over),
        }
    }

    /// The engine did not take a payment up: its key may be used once more.
    fn refuse(&self, books: &mut Books, number: PaymentNumber, reason: Option<Reason>) {
        let live = books.live.remove(&number).unwrap_or_default();
        if let Ok(Some(row)) = books.keys.payment_of(number) {
            let facts = Facts { reason: reason.as_ref().map(Why::of), ..answers::first_facts(&row) };
            let answer = answers::payment(&row, PaymentState::Refused, &facts, None);
            match books.keys.refuse(number, &facts, &json(&answer)) {
                Ok(id) => self.publish(row.till, Some(id), &answer),
                // It stays open; what the ledger has of it is nothing, and that is found out.
                Err(error) => tracing::error!(%error, "that a till's payment was refused is not written down"),
            }
        }
        if let Some(first) = live.first {
            let said = reason.map_or(First::Busy, |reason| First::Refused(Box::new(reason)));
            let _ = first.send(said);
        }
        for left in live.left {
            let _ = left.send(Left::Over);
        }
    }

    // ---- what became of payments ----------------------------------------------------------------------------------------------

    /// Looks what became of every payment that is open and does not run.
    pub fn settle_all(&self) {
        let mut books = self.books();
        let open = match books.keys.open_payments() {
            Ok(open) => open,
            Err(error) => return tracing::error!(%error, "open payments of tills cannot be read"),
        };
        for row in open.iter().filter(|row| !books.live.contains_key(&row.number)).collect::<Vec<_>>() {
            if let Err(error) = self.settle(&mut books, row.number, None) {
                tracing::warn!(%error, "what became of a till's payment cannot be found out yet");
            }
        }
    }

    /// Writes down what became of a payment that does not run, as far as the ledger knows.
    fn settle(
        &self,
        books: &mut Books,
        number: PaymentNumber,
        reason: Option<&Reason>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Some(row) = books.keys.payment_of(number)?.filter(|row| row.standing == Standing::Open) else {
            return Ok(());
        };
        let (outcome, facts) = self.became(&books.keys, &row, reason)?;
        let state = PaymentState::Over(outcome);
        let answer = answers::payment(&row, state, &facts, None);
        let id = if outcome.is_final() {
            books.keys.end(number, outcome, &facts, &json(&answer))?
        } else if row.told != state.word() || row.facts != facts {
            books.keys.tell(number, &facts, state.word(), &json(&answer))?
        } else {
            return Ok(());
        };
        tracing::info!(key = %row.key, outcome = outcome.word(), "a till's payment");
        self.publish(row.till, Some(id), &answer);
        Ok(())
    }

    /// What the ledger says of a payment.
    fn became(
        &self,
        keys: &TillKeys,
        row: &PaymentRow,
        reason: Option<&Reason>,
    ) -> Result<(Outcome, Facts), Box<dyn std::error::Error>> {
        let numbers = keys.numbers_of(row.number)?;
        let mut rows = Vec::with_capacity(numbers.len());
        if !numbers.is_empty() {
            let ledger = self.ledger()?;
            for number in &numbers {
                rows.push(self.found(ledger.as_ref(), number, row.accepted_at)?);
            }
        }
        let found: Vec<Found> = rows.iter().map(|(found, _)| *found).collect();
        let speaking = speaks(&found).and_then(|index| rows.get(index)).and_then(|(_, row)| row.as_ref());
        let outcome = outcome(&found);
        let facts = match speaking {
            Some(speaking) => answers::facts_of(speaking, reason),
            None => {
                let last = numbers.last();
                let by_itself = || match outcome {
                    Outcome::Unknown => Reason::of(ReasonKind::LedgerRestored),
                    // Nothing was written down under its number, so nothing was sent.
                    _ => Reason::with_detail(ReasonKind::Cancelled, STOPPED),
                };
                let reason = reason.cloned().unwrap_or_else(by_itself);
                Facts {
                    batch: last.map(|last| last.trace.batch.to_string()),
                    stan: last.map(|last| last.trace.stan.to_string()),
                    reason: Some(Why::of(&reason)),
                    ..answers::first_facts(row)
                }
            }
        };
        let facts = if outcome == Outcome::Approved { Facts { reason: None, ..facts } } else { facts };
        Ok((outcome, facts))
    }

    fn ledger(&self) -> Result<Option<Ledger>, SetupError> {
        self.setup.ledger_to_look_at(&self.identity)
    }

    /// The row of a number, as far as this is the ledger in which it was given.
    fn found(
        &self,
        ledger: Option<&Ledger>,
        number: &BoundNumber,
        accepted_at: Timestamp,
    ) -> Result<(Found, Option<TransactionRow>), Box<dyn std::error::Error>> {
        let own = number.merchant_code.as_str() == self.identity.merchant_code
            && number.terminal_number.as_str() == self.identity.terminal_number;
        let Some(ledger) = ledger.filter(|_| own) else { return Ok((Found::Lost, None)) };
        if let Some(row) = ledger.find(number.trace)? {
            let refused = was_refused(row.response_code.is_some(), row.reason);
            let found = Found::Row { state: row.state, resolution: row.resolution, refused };
            return Ok((found, Some(row)));
        }
        // A copy that took the ledger's place knows nothing of what came after it was made.
        let at = accepted_at.to_zoned(TimeZone::system()).datetime();
        let lost = ledger.restorations()?.iter().any(|restoration| {
            let known = TraceNumber { batch: restoration.batch, stan: restoration.known };
            at <= restoration.at && (at >= restoration.made_at || number.trace >= known)
        });
        Ok((if lost { Found::Lost } else { Found::NoRow }, None))
    }

    // ---- what is told ---------------------------------------------------------------------------------------------------------

    fn answer(&self, books: &Books, row: &PaymentRow) -> Result<PaymentAnswer, Box<Problem>> {
        if let Some(live) = books.live.get(&row.number) {
            return Ok(answers::payment(row, PaymentState::Running, &answers::known_facts(row), live.progress));
        }
        match (row.standing, row.outcome) {
            (Standing::Ended, Some(outcome)) => {
                Ok(answers::payment(row, PaymentState::Over(outcome), &row.facts, None))
            }
            (Standing::Refused, _) => Ok(answers::payment(row, PaymentState::Refused, &row.facts, None)),
            (Standing::Open | Standing::Ended, _) => {
                let (outcome, facts) = self.became(&books.keys, row, None).map_err(|error| failed_because(&*error))?;
                Ok(answers::payment(row, PaymentState::of(row.standing, outcome), &facts, None))
            }
        }
    }

    fn tell_running(&self, books: &mut Books, row: &PaymentRow) {
        let facts = answers::first_facts(row);
        let answer = answers::payment(row, PaymentState::Running, &facts, Some(answers::BEGINNING));
        match books.keys.tell(row.number, &facts, PaymentState::Running.word(), &json(&answer)) {
            Ok(id) => self.publish(row.till, Some(id), &answer),
            // The key is written down; only who follows does not hear that it runs.
            Err(error) => tracing::warn!(%error, "that a till's payment runs is not written down"),
        }
    }

    /// Whoever follows hears it; where nobody does, it is written down.
    fn publish(&self, till: TillId, id: Option<i64>, answer: &PaymentAnswer) {
        let _ = self.told.send(Told { till, id, data: json(answer).into() });
    }
}

/// What a till follows.
pub(super) struct Followed {
    pub missed: Vec<Event>,
    /// Something between is given up: where it goes on.
    pub gap: Option<i64>,
    pub receiver: broadcast::Receiver<Told>,
}

fn answer_left(books: &mut Books, number: PaymentNumber, said: Left) {
    if let Some(live) = books.live.get_mut(&number) {
        for left in live.left.drain(..) {
            let _ = left.send(said);
        }
    }
}

/// The numbers of what a request refers to.
fn original_of(keys: &TillKeys, till: TillId, request: &PaymentRequest) -> Result<Option<TraceNumber>, Box<Problem>> {
    let key = match &request.original {
        None => return Ok(None),
        Some(Original::Numbers(trace)) => return Ok(Some(*trace)),
        Some(Original::Key(key)) => key,
    };
    let unknown =
        |detail: &str| Box::new(Problem::of(ProblemKind::OriginalUnknown).with_detail(format!("{key}: {detail}")));
    let row = keys.payment(till, key).map_err(failed)?.ok_or_else(|| unknown("no payment has this key"))?;
    if row.outcome != Some(Outcome::Approved) {
        return Err(unknown("it is not approved"));
    }
    let numbers = keys.numbers_of(row.number).map_err(failed)?;
    let named = numbers.iter().rev().find(|number| {
        row.facts.stan.as_deref() == Some(&number.trace.stan.to_string())
            && row.facts.batch.as_deref() == Some(&number.trace.batch.to_string())
    });
    named.map(|number| Some(number.trace)).ok_or_else(|| unknown("its number is not known"))
}

fn json(answer: &PaymentAnswer) -> String {
    // A value that was built in memory always has a text form.
    serde_json::to_string(answer).unwrap_or_default()
}

#[expect(clippy::needless_pass_by_value, reason = "what maps an error takes it")]
fn failed(error: TillKeysError) -> Box<Problem> {
    failed_because(&error)
}

fn no_payment() -> Box<Problem> {
    Problem::of(ProblemKind::PaymentUnknown).into()
}

/// What failed is for the log: it may name files.
pub(super) fn failed_because(error: &dyn std::error::Error) -> Box<Problem> {
    tracing::error!(%error, "a till cannot be answered");
    Problem::of(ProblemKind::TerminalFailed).into()
}

/// What a payment that was not taken up is told.
pub(super) fn refusal(reason: &Reason) -> Problem {
    let kind = if is_about_the_terminal(reason.kind) { ProblemKind::NotReady } else { ProblemKind::NotPossible };
    Problem::of(kind).because(Why::of(reason))
}
