//! `yima` without a command: the touchscreen.

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};

use super::Failure;
use crate::app::view::{Intent, LinkState, Screen, View};
use crate::app::{Engine, Listener, Parts, SaleReport};
use crate::payment::chooser::Chooser;
use crate::terminal::settings::Settings;
use crate::ui::{self, Display, Touchscreen, UiError, WindowOptions};
use crate::wording::Reason;

/// A window that is open, with what is touched in it.
pub struct OpenScreen {
    screen: Touchscreen,
    wishes: Receiver<Intent>,
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

/// Starts the engine behind an open window and stays until the window is closed.
pub fn run(
    settings: &Settings,
    OpenScreen { screen, wishes }: OpenScreen,
    parts: Result<Parts, Failure>,
) -> Result<ExitCode, Failure> {
    let display = screen.display();
    // A terminal that cannot trade says so on its screen: there may be nobody to read anything else.
    let _engine = match parts {
        Ok(parts) => {
            let parts = Parts { chooser: Chooser::Cardholder, screen_pad: true, ..parts };
            let engine = Engine::start(parts, Box::new(OnScreen(display)))?;
            let intents = engine.intents();
            std::thread::Builder::new().name("intents".to_owned()).spawn(move || {
                for intent in wishes {
                    intents.send(intent);
                }
            })?;
            Some(engine)
        }
        Err(failure) => {
            tracing::error!(%failure, "the terminal cannot trade");
            display.show(out_of_service(settings, &failure)?);
            None
        }
    };
    screen.run()?;
    Ok(ExitCode::SUCCESS)
}

fn out_of_service(settings: &Settings, failure: &Failure) -> Result<View, Failure> {
    let kind = super::kind_of(failure);
    Ok(View {
        screen: Screen::OutOfService { reason: Reason::with_detail(kind, failure.to_string()) },
        link: LinkState::Untried,
        waiting: 0,
        queued: 0,
        merchant_name: String::new(),
        currency: settings.terminal.currency.parse()?,
        test: false,
    })
}

struct OnScreen(Display);

impl Listener for OnScreen {
    fn show(&mut self, view: &View) {
        self.0.show(view.clone());
    }

    fn report(&mut self, _: &SaleReport) {}
}
