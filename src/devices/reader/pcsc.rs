//! Card readers of the PC/SC service (pcscd).
//!
//! Needs a running pcscd and a reader it has a driver for. Every call to the service is made on a worker thread with a
//! limit ([`super::watchdog`]), because a mute card keeps the service for ever. What passes between terminal and card is
//! never logged. Waits are of the machine's own time: a real card knows no other.

use std::ffi::CString;
use std::time::{Duration, Instant};

use ::pcsc::{
    Card, Context, Disposition, Error, MAX_ATR_SIZE, MAX_BUFFER_SIZE, Protocols, ReaderState, Scope, ShareMode, State,
};
use zeroize::Zeroizing;

use super::transport::{Protocol, exchange};
use super::watchdog::{Stuck, Watchdog};
use super::{CardReader, ReaderError};
use crate::devices::pin_pad::pcsc::PcscPad;
use crate::devices::pin_pad::{PadAnswer, PadPrompt, PinPad};

/// The service is asked at least this often, so that a reader that is plugged in or pulled out is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A card that does not answer to a reset is tried again for so long before it counts as mute: its contacts may still be
/// sliding into place, or it has just left and the service, which looks every 0.4 s, has not noticed yet.
const SETTLING: Duration = Duration::from_millis(1500);

/// Between two such tries.
const SETTLING_STEP: Duration = Duration::from_millis(100);

/// After so long the service has noticed that a card has left.
const SEEN_LEAVING: Duration = Duration::from_secs(1);

/// A reader of the PC/SC service.
pub struct PcscReader {
    worker: Watchdog<Session>,
    limit: Duration,
    wanted: Option<String>,
    found: Option<String>,
    /// The reader's own PIN pad, as it said when it was last asked.
    pad: Option<PcscPad>,
    /// The card in the reader did not answer; nothing more is sent to it.
    mute: bool,
}

impl PcscReader {
    /// The reader whose name contains `wanted` (in any case), or the first there is. `limit` is the longest a command may
    /// take before the card counts as mute. Nothing is opened yet: service and reader may come later.
    pub fn new(wanted: Option<String>, limit: Duration) -> Self {
        let name = wanted.clone();
        let worker = Watchdog::new(move || Session::new(name.clone()));
        Self { worker, limit, wanted, found: None, pad: None, mute: false }
    }

    fn run<T: Send + 'static>(
        &mut self,
        limit: Duration,
        job: impl FnOnce(&mut Session) -> Result<T, ReaderError> + Send + 'static,
    ) -> Result<T, ReaderError> {
        let job = move |session: &mut Session| {
            let result = job(session);
            if matches!(result, Err(ReaderError::NoService(_) | ReaderError::NoReader(_) | ReaderError::Failed(_))) {
                session.forget();
            }
            result
        };
        match self.worker.run(limit, job) {
            Ok(result) => result,
            Err(Stuck::TimedOut) => {
                self.mute = true;
                tracing::warn!(limit_ms = limit.as_millis(), "no answer from the card within the limit");
                Err(ReaderError::CardMute)
            }
            Err(stuck @ (Stuck::TooMany | Stuck::Ended)) => Err(ReaderError::Failed(format!(
                "{stuck}; take the card out, and if that does not help: systemctl restart pcscd"
            ))),
        }
    }
}

impl CardReader for PcscReader {
    fn name(&self) -> String {
        self.found.as_ref().or(self.wanted.as_ref()).cloned().unwrap_or_else(|| "PC/SC".to_owned())
    }

    fn check(&mut self) -> Result<(), ReaderError> {
        let (name, pad) = self.run(self.limit, |session| {
            let name = session.reader()?;
            let pad = session.pad_without_card(&name);
            Ok((name, pad))
        })?;
        self.pad = pad;
        self.found = Some(name.to_string_lossy().into_owned());
        Ok(())
    }

    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        // A card that does not come is no mute card: the waiting itself has its own end.
        let limit = timeout.saturating_add(self.limit);
        self.mute = false;
        let came = self.run(limit, move |session| session.wait_for_card(timeout)).map_err(|error| match error {
            // The call that hangs still holds the reader: the mute card has not been taken out.
            ReaderError::Failed(_) if self.worker.stuck() > 0 => ReaderError::CardMute,
            other => other,
        })?;
        Ok(came.map(|(name, pad, atr)| {
            self.pad = pad;
            self.found = Some(name.to_string_lossy().into_owned());
            atr
        }))
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        if self.mute {
            return Err(ReaderError::CardMute);
        }
        let command = Zeroizing::new(command.to_vec());
        self.run(self.limit, move |session| session.transmit(&command))
    }

    fn pin_pad(&mut self) -> Option<&mut dyn PinPad> {
        self.pad.is_some().then_some(self as &mut dyn PinPad)
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        self.run(self.limit, Session::card_is_in)
    }

    fn release(&mut self) {
        if self.mute {
            return;
        }
        // A card that is gone or mute cannot be powered down; it is dealt with when it is next waited for.
        if let Err(error) = self.run(self.limit, |session| {
            session.release();
            Ok(())
        }) {
            tracing::warn!(%error, "the card could not be powered down");
        }
    }

    fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
        self.run(timeout.saturating_add(self.limit), move |session| session.wait_for_removal(timeout))
    }
}

impl PinPad for PcscReader {
    fn verify(&mut self, prompt: PadPrompt) -> Result<PadAnswer, ReaderError> {
        let Some(pad) = self.pad else { return Ok(PadAnswer::Broken("the reader has no pad".to_owned())) };
        if self.mute {
            return Err(ReaderError::CardMute);
        }
        // A cardholder who takes time is no mute card: the pad's own limits come first.
        let limit = prompt.longest().saturating_add(self.limit);
        self.run(limit, move |session| session.verify_pin(pad, prompt))
    }
}

/// A card that came: in which reader, with which pad, and its answer to reset.
type Came = (CString, Option<PcscPad>, Vec<u8>);

/// What the worker thread holds.
struct Session {
    wanted: Option<String>,
    context: Option<Context>,
    card: Option<(Card, Protocol)>,
    /// A card is said to be in that does not answer to a reset.
    unsettled: Option<Unsettled>,
}

/// A card that does not answer to a reset, yet.
#[derive(Clone, Copy)]
struct Unsettled {
    since: Instant,
    last_try: Instant,
}

impl Session {
    const fn new(wanted: Option<String>) -> Self {
        Self { wanted, context: None, card: None, unsettled: None }
    }

    fn context(&mut self) -> Result<Context, ReaderError> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        let context = Context::establish(Scope::System).map_err(reader_error)?;
        self.context = Some(context.clone());
        Ok(context)
    }

    /// Lets go of everything the service gave: it may have been restarted, and then nothing of it is good any more.
    fn forget(&mut self) {
        self.card = None;
        self.context = None;
    }

    fn reader(&mut self) -> Result<CString, ReaderError> {
        let known = self.context.is_some();
        let names = match self.context()?.list_readers_owned() {
            Err(Error::NoReadersAvailable) => Ok(Vec::new()),
            // The service was restarted since it was last spoken to.
            Err(_) if known => {
                self.forget();
                self.context()?.list_readers_owned()
            }
            other => other,
        };
        match names {
            Ok(names) => choose(&names, self.wanted.as_deref()),
            Err(Error::NoReadersAvailable) => choose(&[], self.wanted.as_deref()),
            Err(error) => Err(reader_error(error)),
        }
    }

    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Came>, ReaderError> {
        let deadline = Instant::now() + timeout;
        self.release();
        loop {
            let name = self.reader()?;
            let state = self.state(&name, State::PRESENT, deadline)?;
            if state.contains(State::PRESENT) {
                match self.connect(&name) {
                    Ok(atr) => {
                        self.unsettled = None;
                        let pad = self.card.as_ref().and_then(|(card, _)| PcscPad::of(card));
                        return Ok(Some((name, pad, atr)));
                    }
                    Err(ReaderError::CardTorn | ReaderError::CardMute) => self.let_settle()?,
                    Err(error) => return Err(error),
                }
            } else {
                self.unsettled = None;
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// Waits a moment for a card that did not answer to a reset.
    fn let_settle(&mut self) -> Result<(), ReaderError> {
        let now = Instant::now();
        // What an earlier wait saw of another card does not count. One try may take a reader more than a second.
        let before = self.unsettled.filter(|before| now - before.last_try < 8 * SETTLING);
        let unsettled = Unsettled { since: before.map_or(now, |before| before.since), last_try: now };
        if now - unsettled.since >= SETTLING {
            self.unsettled = None;
            return Err(ReaderError::CardMute);
        }
        self.unsettled = Some(unsettled);
        std::thread::sleep(SETTLING_STEP);
        Ok(())
    }

    /// Opens the card and resets it cold, which begins a card session (EMV Level 1 contact interface, cold reset). Only the
    /// answer to it proves that the card the service speaks of is still in: a program that was killed leaves its card
    /// powered, and the service does not see it leave at once.
    fn connect(&mut self, name: &CString) -> Result<Vec<u8>, ReaderError> {
        const PROTOCOLS: Protocols = Protocols::T0.union(Protocols::T1);
        let mut card = self.context()?.connect(name, ShareMode::Exclusive, PROTOCOLS).map_err(card_error)?;
        card.reconnect(ShareMode::Exclusive, PROTOCOLS, Disposition::UnpowerCard).map_err(card_error)?;
        let (mut names, mut atr) = (vec![0; name.as_bytes_with_nul().len() + 1], [0; MAX_ATR_SIZE]);
        let status = card.status2(&mut names, &mut atr).map_err(card_error)?;
        let protocol = match status.protocol2() {
            Some(::pcsc::Protocol::T1) => Protocol::T1,
            Some(::pcsc::Protocol::T0 | ::pcsc::Protocol::RAW) | None => Protocol::T0,
        };
        let atr = status.atr().to_vec();
        self.card = Some((card, protocol));
        Ok(atr)
    }

    /// The pad of a reader in which there may be no card, or one that another program uses.
    fn pad_without_card(&mut self, name: &CString) -> Option<PcscPad> {
        if let Some((card, _)) = &self.card {
            return PcscPad::of(card);
        }
        let reader = self.context().ok()?.connect(name, ShareMode::Direct, Protocols::UNDEFINED).ok()?;
        let pad = PcscPad::of(&reader);
        // Nobody has powered the card, so nobody powers it down.
        if let Err((_, error)) = reader.disconnect(Disposition::LeaveCard) {
            tracing::debug!(%error, "the reader was gone before it was let go");
        }
        pad
    }

    /// A driver that refuses the request has sent nothing: the pad does not work, and the card can do without. After any
    /// other error nobody knows what the card was told.
    fn verify_pin(&mut self, pad: PcscPad, prompt: PadPrompt) -> Result<PadAnswer, ReaderError> {
        use ::pcsc::Error::{InvalidParameter, InvalidValue, UnsupportedFeature};
        let Some((card, _)) = &self.card else { return Err(ReaderError::CardTorn) };
        let error = match pad.verify(card, prompt) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if matches!(error, UnsupportedFeature | InvalidParameter | InvalidValue) {
            return Ok(PadAnswer::Broken(error.to_string()));
        }
        let name = self.reader()?;
        if self.state(&name, State::EMPTY, Instant::now() + SEEN_LEAVING)?.contains(State::PRESENT) {
            return Ok(PadAnswer::Failed(error.to_string()));
        }
        self.release();
        Err(ReaderError::CardTorn)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let Some((card, protocol)) = &self.card else { return Err(ReaderError::CardTorn) };
        let mut buffer = Zeroizing::new(vec![0; MAX_BUFFER_SIZE]);
        let answer = exchange(*protocol, command, |step| {
            card.transmit(step, &mut buffer).map(<[u8]>::to_vec).map_err(card_error)
        });
        if matches!(answer, Err(ReaderError::CardTorn)) {
            self.release();
        }
        answer
    }

    fn release(&mut self) {
        if let Some((card, _)) = self.card.take()
            && let Err((_, error)) = card.disconnect(Disposition::UnpowerCard)
        {
            tracing::debug!(%error, "the card was gone before it was powered down");
        }
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        let name = self.reader()?;
        Ok(self.state(&name, State::EMPTY, Instant::now())?.contains(State::PRESENT))
    }

    fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
        let deadline = Instant::now() + timeout;
        self.release();
        loop {
            let name = self.reader()?;
            if !self.state(&name, State::EMPTY, deadline)?.contains(State::PRESENT) {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
        }
    }

    /// The reader's state: at once when it is `wanted`, otherwise after the next change, a while or the deadline.
    fn state(&mut self, name: &CString, wanted: State, deadline: Instant) -> Result<State, ReaderError> {
        let context = self.context()?;
        let mut states = [ReaderState::new(name.clone(), State::UNAWARE)];
        // From "unaware" the service answers at once with what is.
        match context.get_status_change(Duration::ZERO, &mut states) {
            Ok(()) | Err(Error::Timeout) => {}
            Err(error) => return Err(reader_error(error)),
        }
        let [state] = &mut states;
        let now = state.event_state();
        if now.intersects(wanted) {
            return Ok(now);
        }
        state.sync_current_state();
        let left = deadline.saturating_duration_since(Instant::now()).min(LOOK_EVERY);
        match context.get_status_change(left, &mut states) {
            Ok(()) => Ok(states[0].event_state()),
            Err(Error::Timeout) => Ok(now),
            Err(error) => Err(reader_error(error)),
        }
    }
}

fn choose(names: &[CString], wanted: Option<&str>) -> Result<CString, ReaderError> {
    let wanted_lower = wanted.unwrap_or_default().to_lowercase();
    let found = names.iter().find(|name| name.to_string_lossy().to_lowercase().contains(&wanted_lower));
    found.cloned().ok_or_else(|| {
        let there: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        ReaderError::NoReader(match (wanted, there.is_empty()) {
            (None, _) => String::new(),
            (Some(wanted), true) => format!(" (looking for \"{wanted}\", there is none at all)"),
            (Some(wanted), false) => format!(" (looking for \"{wanted}\", there is: {})", there.join(", ")),
        })
    })
}

/// What an error means while no card is being read.
fn reader_error(error: Error) -> ReaderError {
    match error {
        Error::NoService | Error::ServiceStopped | Error::CommDataLost | Error::Shutdown | Error::ServerTooBusy => {
            ReaderError::NoService(error.to_string())
        }
        Error::NoReadersAvailable | Error::UnknownReader | Error::ReaderUnavailable => {
            ReaderError::NoReader(String::new())
        }
        Error::SharingViolation => ReaderError::Failed(
            "another program uses the card; close it (gpg's scdaemon and browsers are usual), then try again"
                .to_owned(),
        ),
        Error::NoAccess | Error::SecurityViolation => ReaderError::Failed(format!(
            "{error}; the user of this program needs the right to use pcscd (polkit: org.debian.pcsc-lite)"
        )),
        other => ReaderError::Failed(format!("{other}; take the card out and plug the reader in again")),
    }
}

/// What an error means while a card is being powered or read.
fn card_error(error: Error) -> ReaderError {
    match error {
        Error::RemovedCard
        | Error::ResetCard
        | Error::UnpoweredCard
        | Error::NoSmartcard
        | Error::CommError
        | Error::NotTransacted
        | Error::InvalidHandle => ReaderError::CardTorn,
        Error::UnresponsiveCard | Error::Timeout => ReaderError::CardMute,
        Error::ProtoMismatch | Error::UnsupportedCard | Error::InvalidAtr | Error::CardUnsupported => {
            ReaderError::Failed(format!("{error}; this card cannot be used here, use another one"))
        }
        other => reader_error(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<CString> {
        names.iter().map(|name| CString::new(*name).unwrap()).collect()
    }

    #[test]
    fn a_reader_is_chosen_by_a_part_of_its_name() {
        let there = names(&["ACS ACR39U 00 00", "Virtual PCD 00 00"]);
        assert_eq!(choose(&there, None).unwrap(), there[0]);
        assert_eq!(choose(&there, Some("virtual")).unwrap(), there[1]);
    }

    #[test]
    fn a_missing_reader_is_named_with_those_that_are_there() {
        let error = choose(&names(&["Virtual PCD 00 00"]), Some("ACS")).unwrap_err().to_string();
        assert!(error.contains("\"ACS\"") && error.contains("Virtual PCD 00 00"), "{error}");
        assert_eq!(choose(&[], None), Err(ReaderError::NoReader(String::new())));
        assert!(choose(&[], Some("ACS")).unwrap_err().to_string().contains("none at all"));
    }

    #[test]
    fn errors_of_the_service_become_what_a_person_can_do() {
        assert_eq!(card_error(Error::RemovedCard), ReaderError::CardTorn);
        assert_eq!(card_error(Error::UnresponsiveCard), ReaderError::CardMute);
        assert!(matches!(card_error(Error::ServiceStopped), ReaderError::NoService(_)));
        assert!(matches!(card_error(Error::ReaderUnavailable), ReaderError::NoReader(_)));
        for (error, advice) in [
            (Error::NoService, "systemctl start pcscd"),
            (Error::UnknownReader, "plug it in"),
            (Error::SharingViolation, "close it"),
            (Error::NoAccess, "polkit"),
            (Error::InternalError, "plug the reader in again"),
        ] {
            let text = reader_error(error).to_string();
            assert!(text.contains(advice), "{text}");
        }
    }
}
