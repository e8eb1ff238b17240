//! `yima` without a command: the touchscreen.

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::Failure;
use crate::acquirer::enrolment::Progress;
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::app::shop_view::ShopView;
use crate::app::staff_view::DutyView;
use crate::app::view::{Intent, LinkState, Screen, View};
use crate::app::{Attendant, Engine, Listener, Parts, SaleReport, Setup, StaffSetup};
use crate::payment::chooser::Chooser;
use crate::payment::transaction::Kind;
use crate::terminal::settings::Settings;
use crate::till_server::{RunningTills, start_engine};
use crate::ui::{self, Display, Touchscreen, UiError, WindowOptions};
use crate::wording::{Reason, ReasonKind};

/// A window that is open, with what is touched in it.
pub struct OpenScreen {
    screen: Touchscreen,
    wishes: Receiver<Intent>,
}

/// The engine, once there is one. Whoever closes the window ends it.
type EnginePlace = Arc<Mutex<Option<Trading>>>;

/// An engine, with the interface for tills where there is one. They end in this order.
struct Trading {
    engine: Engine,
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
    Ok(OpenScreen { screen: ui::open(options, sender)?, wishes })
}

/// Starts the engine behind an open window and stays until the window is closed. A terminal that is not enrolled yet is
/// enrolled on its screen first, when its `setup` is given.
pub fn run(
    settings: &Settings,
    OpenScreen { screen, wishes }: OpenScreen,
    parts: Result<Parts, Failure>,
    setup: Option<Setup>,
) -> Result<ExitCode, Failure> {
    let display = screen.display();
    let place = EnginePlace::default();
    // A terminal that cannot trade says so on its screen: there may be nobody to read anything else.
    match (parts, setup) {
        (Ok(parts), setup) => {
            let trading = start(setup.as_ref(), parts, display)?;
            let intents = trading.engine.intents();
            keep(&place, trading);
            std::thread::Builder::new().name("intents".to_owned()).spawn(move || {
                for intent in wishes {
                    intents.send(intent);
                }
            })?;
        }
        (Err(failure), Some(setup)) if can_be_enrolled(&failure) => {
            tracing::warn!(%failure, "the terminal is not enrolled");
            let reason = Some(Reason::of(super::kind_of(&failure)));
            let desk = Desk { view: closed(settings, &failure)?, setup, display, place: Arc::clone(&place) };
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

fn start(setup: Option<&Setup>, parts: Parts, display: Display) -> std::io::Result<Trading> {
    let staff = StaffSetup { attendant: Attendant::SignsOn, ..parts.staff };
    let parts = Parts { chooser: Chooser::Cardholder, screen_pad: true, staff, ..parts };
    let listener = Box::new(OnScreen(display));
    let Some(setup) = setup else { return Ok(Trading { engine: Engine::start(parts, listener)?, _tills: None }) };
    let (engine, tills) = start_engine(setup, parts, listener)?;
    // The counter trades without them.
    let tills = tills.inspect_err(|error| tracing::error!(%error, "tills are not listened to")).unwrap_or_default();
    Ok(Trading { engine, _tills: tills })
}

fn keep(place: &EnginePlace, trading: Trading) {
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
    display: Display,
    place: EnginePlace,
}

impl Desk {
    fn serve(&self, wishes: &Receiver<Intent>) {
        for wish in wishes {
            if let Intent::Enrol(code) = wish
                && let Some(trading) = self.enrol(&code)
            {
                let intents = trading.engine.intents();
                keep(&self.place, trading);
                for intent in wishes {
                    intents.send(intent);
                }
                return;
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
        let begun = |parts| Ok(start(Some(&self.setup), parts, self.display.clone())?);
        let started = self.setup.parts().map_err(Failure::from).and_then(begun);
        started
            .inspect_err(|failure| {
                tracing::error!(%failure, "the terminal is enrolled and cannot trade");
                let reason = Reason::with_detail(super::kind_of(failure), failure.to_string());
                self.display.show(View { screen: Screen::OutOfService { reason }, ..self.view.clone() });
            })
            .ok()
    }

    fn show(&self, progress: Option<Progress>, notice: Option<Reason>) {
        // A machine whose maker left no number says so when it is enrolled.
        let serial_number = self.setup.settings.serial_number(&self.setup.state).ok().flatten().unwrap_or_default();
        let screen = Screen::Enrol { serial_number, progress, notice };
        self.display.show(View { screen, ..self.view.clone() });
    }
}

fn closed(settings: &Settings, failure: &Failure) -> Result<View, Failure> {
    let kind = super::kind_of(failure);
    Ok(View {
        codes: false,
        screen: Screen::OutOfService { reason: Reason::with_detail(kind, failure.to_string()) },
        kind: Kind::Sale,
        link: LinkState::Untried,
        waiting: 0,
        queued: 0,
        merchant_name: String::new(),
        currency: settings.terminal.currency.parse()?,
        test: false,
        shop: ShopView::default(),
        display: None,
        duty: DutyView::default(),
        scan_note: None,
    })
}

struct OnScreen(Display);

impl Listener for OnScreen {
    fn show(&mut self, view: &View) {
        self.0.show(view.clone());
    }

    fn report(&mut self, _: &SaleReport) {}
}
