//! `yima` without a command: the touchscreen.

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::Failure;
use super::classroom::Classroom;
use crate::acquirer::enrolment::Progress;
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::app::instalments_view::InstalmentsShown;
use crate::app::shop_view::ShopView;
use crate::app::staff_view::DutyView;
use crate::app::view::{CardWays, Intent, LinkState, Screen, TrainingIntent, View};
use crate::app::{Attendant, Engine, Listener, Parts, SaleReport, Setup, SignaturePlan, StaffSetup};
use crate::payment::chooser::Chooser;
use crate::payment::transaction::Kind;
use crate::terminal::mark::Mark;
use crate::terminal::settings::Settings;
use crate::till_server::{RunningTills, start_engine};
use crate::ui::{self, Display, Touchscreen, UiError, WindowOptions};
use crate::wording::{Reason, ReasonKind};

/// A window that is open, with what is touched in it.
pub struct OpenScreen {
    screen: Touchscreen,
    wishes: Receiver<Intent>,
    /// The engine says by it that it can be left.
    turned: Sender<Intent>,
}

/// The engine, once there is one. Whoever closes the window ends it.
pub(super) type EnginePlace = Arc<Mutex<Option<Trading>>>;

/// An engine, with the interface for tills where there is one. They end in this order.
pub(super) struct Trading {
    pub engine: Engine,
    _tills: Option<RunningTills>,
}

/// Opens the window.
///
/// # Errors
/// When there is no display.
pub fn open(settings: &Settings, kiosk: bool) -> Result<OpenScreen, UiError> {
    let pixels = |size: u32| u16::try_from(size).unwrap_or(u16::MAX);
    let options = WindowOptions {
        kiosk,
        width: pixels(settings.screen.width),
        height: pixels(settings.screen.height),
        language: settings.terminal.language,
        dark: settings.screen.dark,
    };
    let (sender, wishes) = channel();
    let turned = sender.clone();
    Ok(OpenScreen { screen: ui::open(options, sender)?, wishes, turned })
}

/// Starts the engine behind an open window and stays until the window is closed. A terminal that is not enrolled yet is
/// enrolled on its screen first, when its `setup` is given. `trains`: there is a training beside the shop.
pub fn run(
    settings: &Settings,
    OpenScreen { screen, wishes, turned }: OpenScreen,
    parts: Result<Parts, Failure>,
    setup: Option<Setup>,
    trains: bool,
) -> Result<ExitCode, Failure> {
    let display = screen.display();
    let place = EnginePlace::default();
    let counter = Counter { setup: setup.clone(), display: display.clone(), place: Arc::clone(&place), turned, trains };
    // A terminal that cannot trade says so on its screen: there may be nobody to read anything else.
    match (parts, setup) {
        (Ok(parts), _) => {
            keep(&place, counter.start(counter.setup.as_ref(), parts)?);
            std::thread::Builder::new().name("intents".to_owned()).spawn(move || counter.serve(&wishes))?;
        }
        (Err(failure), Some(setup)) if can_be_enrolled(&failure) => {
            tracing::warn!(%failure, "the terminal is not enrolled");
            let reason = Some(Reason::of(super::kind_of(&failure)));
            let desk = Desk { view: closed(settings, &failure)?, setup, counter };
            desk.show(None, reason.filter(|reason| reason.kind == ReasonKind::Decommissioned));
            std::thread::Builder::new().name("enrolment".to_owned()).spawn(move || desk.serve(&wishes))?;
        }
        (Err(failure), _) => {
            tracing::error!(%failure, "the terminal cannot trade");
            display.show(closed(settings, &failure)?);
        }
    }
    screen.run()?;
    // Waits for what is on its way.
    drop(place.lock().unwrap_or_else(PoisonError::into_inner).take());
    Ok(ExitCode::SUCCESS)
}

/// What stands behind the window of a terminal that trades: the engine of the shop, or that of its training.
pub(super) struct Counter {
    /// The shop's.
    pub setup: Option<Setup>,
    pub display: Display,
    pub place: EnginePlace,
    /// There is a training beside the shop.
    pub trains: bool,
    turned: Sender<Intent>,
}

impl Counter {
    /// Starts an engine of the shop or of its training.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(&self, setup: Option<&Setup>, parts: Parts) -> std::io::Result<Trading> {
        let staff = StaffSetup { attendant: Attendant::SignsOn, ..parts.staff };
        let signature = SignaturePlan { has_screen: true, ..parts.signature };
        let parts = Parts { chooser: Chooser::Cardholder, screen_pad: true, staff, signature, ..parts };
        let listener = Box::new(OnScreen { display: self.display.clone(), turned: self.turned.clone() });
        let Some(setup) = setup else { return Ok(Trading { engine: Engine::start(parts, listener)?, _tills: None }) };
        let (engine, tills) = start_engine(setup, parts, listener)?;
        // The counter trades without them.
        let tills = tills.inspect_err(|error| tracing::error!(%error, "tills are not listened to")).unwrap_or_default();
        Ok(Trading { engine, _tills: tills })
    }

    /// Hands what is touched to the engine, until the window is closed.
    fn serve(self, wishes: &Receiver<Intent>) {
        let mut classroom = Classroom::new(self);
        for wish in wishes {
            match wish {
                Intent::Training(wish) => classroom.take(wish),
                other => classroom.counter.send(other),
            }
        }
    }

    /// Sends the engine a wish. There is none for the moment in which one is left for the other.
    pub fn send(&self, intent: Intent) {
        if let Some(trading) = &*self.place.lock().unwrap_or_else(PoisonError::into_inner) {
            trading.engine.intents().send(intent);
        }
    }
}

pub(super) fn keep(place: &EnginePlace, trading: Trading) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(trading);
}

fn can_be_enrolled(failure: &Failure) -> bool {
    matches!(super::kind_of(failure), ReasonKind::NotEnrolled | ReasonKind::Decommissioned)
}

/// Enrols a terminal on its screen, then opens the shop.
struct Desk {
    /// What a screen shows beside.
    view: View,
    setup: Setup,
    counter: Counter,
}

impl Desk {
    fn serve(self, wishes: &Receiver<Intent>) {
        for wish in wishes {
            if let Intent::Enrol(code) = wish
                && let Some(trading) = self.enrol(&code)
            {
                keep(&self.counter.place, trading);
                return self.counter.serve(wishes);
            }
        }
    }

    fn enrol(&self, code: &ActivationCode) -> Option<Trading> {
        let enrolled = self.setup.enrol(code, false, &mut |progress| self.show(Some(progress), None));
        if let Err(error) = enrolled {
            tracing::warn!(%error, "not enrolled");
            self.show(None, Some(Reason::with_detail(error.kind(), error.to_string())));
            return None;
        }
        let begun = |parts| Ok(self.counter.start(Some(&self.setup), parts)?);
        let started = self.setup.parts().map_err(Failure::from).and_then(begun);
        started
            .inspect_err(|failure| {
                tracing::error!(%failure, "the terminal is enrolled and cannot trade");
                let reason = Reason::with_detail(super::kind_of(failure), failure.to_string());
                self.counter.display.show(View { screen: Screen::OutOfService { reason }, ..self.view.clone() });
            })
            .ok()
    }

    fn show(&self, progress: Option<Progress>, notice: Option<Reason>) {
        // A machine whose maker left no number says so when it is enrolled.
        let serial_number = self.setup.settings.serial_number(&self.setup.state).ok().flatten().unwrap_or_default();
        let screen = Screen::Enrol { serial_number, progress, notice };
        self.counter.display.show(View { screen, ..self.view.clone() });
    }
}

pub(super) fn closed(settings: &Settings, failure: &Failure) -> Result<View, Failure> {
    let kind = super::kind_of(failure);
    Ok(View {
        codes: false,
        offline: false,
        ways: CardWays::default(),
        screen: Screen::OutOfService { reason: Reason::with_detail(kind, failure.to_string()) },
        kind: Kind::Sale,
        link: LinkState::Untried,
        waiting: 0,
        queued: 0,
        merchant_name: String::new(),
        currency: settings.terminal.currency.parse()?,
        mark: Mark::Live,
        shop: ShopView::default(),
        display: None,
        duty: DutyView::default(),
        instalments: InstalmentsShown::default(),
        scan_note: None,
    })
}

struct OnScreen {
    display: Display,
    turned: Sender<Intent>,
}

impl Listener for OnScreen {
    fn show(&mut self, view: &View) {
        self.display.show(view.clone());
        if let Screen::Turning(turn) = view.screen {
            // Nobody turns any more where the window is closed.
            let _ = self.turned.send(Intent::Training(TrainingIntent::Turned(turn)));
        }
    }

    fn report(&mut self, _: &SaleReport) {}
}
