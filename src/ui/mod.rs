//! The Rust side of the touchscreen: shows a [`View`], sends [`Intent`]s, decides nothing.
//!
//! The contract with the drawing is `ui/api/*.slint`, one global per concern; each has its binder here. Needs the main
//! thread; does no input or output of its own.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use slint::{ComponentHandle, Timer, TimerMode};

use crate::app::view::{Intent, PinPlace, Screen, View};
use crate::money::Currency;
use crate::wording::Language;
use amount_entry::AmountEntry;
use cart::NumberTyped;
use enrolment::CodeTyped;
use generated::{Kinds, ScreenName, Screens, Theme};
use pin_typed::PinTyped;
use preferences::Turned;
use scanned::Scanned;
use signature::Sketch;
use staff::StaffTyped;
use type_number::NumberAndExpiry;

pub mod amount_entry;
mod applications;
mod back_end;
mod cart;
mod cash;
mod copies;
mod detail;
mod enrolment;
mod goods;
mod instalments;
mod keypad;
mod outcome;
mod payment;
mod pin;
mod pin_typed;
mod preferences;
mod purchase;
mod queue;
mod receipt;
mod scanned;
mod seek;
mod set_up;
mod settlement;
mod signature;
mod staff;
mod status;
mod till;
mod tip;
mod training;
mod transactions;
mod type_number;
mod values;

pub use back_end::display_available;
pub use generated::AppWindow;

/// What Slint's compiler makes of `ui/`; its own style, so our lints stay out.
#[allow(missing_docs, unused, unsafe_code)]
#[allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo)]
mod generated {
    slint::include_modules!();
}

/// How the touchscreen opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowOptions {
    /// Fill the screen; there is nothing beside Yima.
    pub kiosk: bool,
    /// Width of the window in logical pixels, unless it fills the screen.
    pub width: u16,
    /// Height of the window in logical pixels, unless it fills the screen.
    pub height: u16,
    /// Language to begin with.
    pub language: Language,
    /// Night colours to begin with.
    pub dark: bool,
}

/// A handheld's screen, in Chinese, by day.
impl Default for WindowOptions {
    fn default() -> Self {
        Self { kiosk: false, width: 720, height: 1280, language: Language::Chinese, dark: false }
    }
}

/// Why the touchscreen cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// No window system and no screen answered.
    #[error("no screen can be opened; set DISPLAY or WAYLAND_DISPLAY, or connect one: {0}")]
    NoScreen(#[source] slint::PlatformError),
    /// The window could not be made.
    #[error("the window cannot be made; check that a font package is installed: {0}")]
    Window(#[source] slint::PlatformError),
    /// The window was lost while it was shown.
    #[error("the screen stopped: {0}")]
    Stopped(#[source] slint::PlatformError),
}

/// Opens the touchscreen on the display there is. Call it on the main thread.
///
/// # Errors
/// [`UiError`] when no display answers.
pub fn open(options: WindowOptions, intents: Sender<Intent>) -> Result<Touchscreen, UiError> {
    back_end::select()?;
    Touchscreen::new(options, intents)
}

/// The window with everything connected. Stays on the main thread; [`Touchscreen::display`] gives the handle for others.
pub struct Touchscreen {
    window: AppWindow,
    shared: Shared,
}

impl Touchscreen {
    /// Makes the window on a platform that is already chosen; [`open`] chooses one.
    ///
    /// # Errors
    /// [`UiError::Window`] when the platform cannot make it.
    pub fn new(options: WindowOptions, intents: Sender<Intent>) -> Result<Self, UiError> {
        let window = AppWindow::new().map_err(UiError::Window)?;
        let shared = Shared::default();
        shared.with(|state| state.cashiers_language = options.language);
        let intents = Intents(intents);
        preferences::setup(&window, &shared);
        keypad::setup(&window, &shared, &intents);
        payment::setup(&window, &shared, &intents);
        applications::setup(&window, &shared, &intents);
        pin::setup(&window, &shared, &intents);
        signature::setup(&window, &shared, &intents);
        type_number::setup(&window, &shared, &intents);
        outcome::setup(&window, &intents);
        copies::setup(&window, &intents);
        transactions::setup(&window, &shared, &intents);
        detail::setup(&window, &shared, &intents);
        receipt::setup(&window, &shared, &intents);
        seek::setup(&window, &shared, &intents);
        tip::setup(&window, &intents);
        instalments::setup(&window, &shared, &intents);
        purchase::setup(&window, &intents);
        queue::setup(&window, &shared, &intents);
        settlement::setup(&window, &shared, &intents);
        enrolment::setup(&window, &shared, &intents);
        cart::setup(&window, &shared, &intents);
        cash::setup(&window, &shared, &intents);
        goods::setup(&window, &shared, &intents);
        till::setup(&window, &intents);
        staff::setup(&window, &shared, &intents);
        training::setup(&window, &intents);
        set_up::setup(&window, &intents);
        preferences::set_language(&window, options.language);
        preferences::set_dark(&window, options.dark);
        let theme = window.global::<Theme>();
        theme.set_window_width(options.width.into());
        theme.set_window_height(options.height.into());
        window.window().set_size(slint::LogicalSize::new(options.width.into(), options.height.into()));
        window.window().set_fullscreen(options.kiosk);
        Ok(Self { window, shared })
    }

    /// The handle with which any thread shows things.
    pub fn display(&self) -> Display {
        Display { window: self.window.as_weak(), shared: self.shared.clone() }
    }

    /// The window itself.
    pub const fn window(&self) -> &AppWindow {
        &self.window
    }

    /// Shows `view` at once. On the main thread only; others use [`Display::show`].
    pub fn show(&self, view: View) {
        self.shared.accept(view);
        paint(&self.window, &self.shared);
    }

    /// Shows `clock` as the time of day until the next minute begins while the screen runs.
    pub fn set_clock(&self, clock: &str) {
        status::set_clock(&self.window, clock);
    }

    /// Runs until the window is closed.
    ///
    /// # Errors
    /// [`UiError`] when the display cannot be opened or is lost.
    pub fn run(&self) -> Result<(), UiError> {
        status::tick(&self.window);
        let clock = Timer::default();
        let weak = self.window.as_weak();
        clock.start(TimerMode::Repeated, Duration::from_secs(1), move || {
            if let Some(window) = weak.upgrade() {
                status::tick(&window);
            }
        });
        self.window.show().map_err(UiError::NoScreen)?;
        slint::run_event_loop().map_err(UiError::Stopped)?;
        // A window that is already gone has nothing left to hide.
        self.window.hide().or(Ok(()))
    }
}

/// Shows things from any thread.
#[derive(Clone)]
pub struct Display {
    window: slint::Weak<AppWindow>,
    shared: Shared,
}

impl Display {
    /// Shows `view` soon; of several in a row the newest is certain to be shown.
    pub fn show(&self, view: View) {
        self.shared.accept(view);
        let shared = self.shared.clone();
        if let Err(error) = self.window.upgrade_in_event_loop(move |window| paint(&window, &shared)) {
            tracing::debug!(%error, "nothing is shown: the window is closed");
        }
    }

    /// Closes the window: [`Touchscreen::run`] returns.
    pub fn close(&self) {
        if let Err(error) = slint::quit_event_loop() {
            tracing::debug!(%error, "the window is closed already");
        }
    }
}

/// Sends intents to the engine.
#[derive(Clone)]
struct Intents(Sender<Intent>);

impl Intents {
    fn send(&self, intent: Intent) {
        if self.0.send(intent).is_err() {
            tracing::error!("the engine is gone: a touch on the screen has no effect");
        }
    }
}

/// What is shown and what has been typed; locked for moments only.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

struct State {
    view: Option<View>,
    entry: AmountEntry,
    /// How much of an earlier transaction goes back, or is completed.
    detail_entry: AmountEntry,
    /// What a customer gives in cash.
    given: AmountEntry,
    /// Wiped when the screen that asks for it goes.
    pin: PinTyped,
    /// What a customer signs.
    sketch: Sketch,
    /// Wiped when the screen that asks for it goes.
    number_typed: NumberAndExpiry,
    /// Which layout of the PIN's keys is asked for: another number each time.
    pin_layout: i32,
    /// Wiped when the screen that asks for it goes.
    code: CodeTyped,
    /// What keys have typed, of which a scanner is one.
    scanned: Scanned,
    /// A number that is typed about the cart.
    number: NumberTyped,
    /// A number, a code or an amount that is typed about people. Wiped when the screen that asks for it goes.
    staff: StaffTyped,
    /// What goods are looked for by.
    search: String,
    /// What payments are looked for by.
    seek: String,
    /// Which pages of a settlement's lists are shown.
    settlement_pages: settlement::Pages,
    /// Which page of a card's applications is shown, from 0.
    applications_page: usize,
    /// The language of the person who works here, whatever a customer reads.
    cashiers_language: Language,
    /// What the screen spoke before it turned to a cardholder, and what the card asked for.
    turned: Option<Turned>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            view: None,
            entry: AmountEntry::new(Currency::CNY),
            detail_entry: AmountEntry::new(Currency::CNY),
            given: AmountEntry::new(Currency::CNY),
            pin: PinTyped::new(),
            sketch: Sketch::default(),
            number_typed: NumberAndExpiry::new(),
            pin_layout: 0,
            code: CodeTyped::default(),
            scanned: Scanned::default(),
            number: NumberTyped::default(),
            staff: StaffTyped::new(AmountEntry::new(Currency::CNY)),
            search: String::new(),
            seek: String::new(),
            settlement_pages: settlement::Pages::default(),
            applications_page: 0,
            cashiers_language: Language::default(),
            turned: None,
        }
    }
}

impl Shared {
    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn accept(&self, view: View) {
        self.with(|state| {
            keypad::follow(&mut state.entry, &view);
            if state.view.as_ref().map(|before| &before.screen) != Some(&view.screen) {
                state.pin.wipe();
                state.pin_layout = state.pin_layout.wrapping_add(1);
                state.applications_page = 0;
            }
            if settlement::is_another(state.view.as_ref().map(|before| &before.screen), &view.screen) {
                state.settlement_pages = settlement::Pages::default();
            }
            cash::follow(&mut state.given, state.view.as_ref(), &view);
            state.staff.follow(state.view.as_ref(), &view);
            if !matches!(view.screen, Screen::TypeNumber { .. }) {
                state.number_typed.wipe();
            }
            if !matches!(view.screen, Screen::Enrol { .. }) {
                state.code = CodeTyped::default();
            }
            state.view = Some(view);
        });
    }
}

/// Brings the window in line with what is to be shown.
fn paint(window: &AppWindow, shared: &Shared) {
    let (view, entry, pin_layout) = shared.with(|state| (state.view.clone(), state.entry, state.pin_layout));
    let Some(view) = view else { return };
    if matches!(
        view.screen,
        Screen::Keypad { .. }
            | Screen::Purchase(_)
            | Screen::Staff(_)
            | Screen::Enrol { .. }
            | Screen::OutOfService { .. }
    ) {
        preferences::return_to_cashier(window, shared);
    }
    let asked_for = match &view.screen {
        Screen::EnterPin { language, .. } | Screen::Sign { language, .. } => *language,
        _ => None,
    };
    preferences::speak_to_cardholder(window, shared, asked_for);
    let language = preferences::language(window);
    status::show(window, &view, language);
    staff::show_duty(window, &view.duty);
    payment::show_codes(window, shared, view.codes);
    payment::show_ways(window, view.ways);
    goods::show_shop(window, &view.shop, language);
    instalments::show_what_is_said(window, &view);
    window.global::<Kinds>().set_shown(values::kind(view.kind));
    window.global::<generated::Outcome>().set_offline(view.offline);
    window.global::<generated::Keypad>().set_offline(view.offline);
    outcome::show(window, &view.screen, language);
    let name = match &view.screen {
        Screen::Keypad { notice } => {
            keypad::show(window, &entry, view.instalments.from, notice.as_ref(), language);
            // What waits for the cashier comes before what the customer may follow, and so does an amount that is being typed.
            match &view.display {
                Some(display) if notice.is_none() && entry.amount().is_zero() => {
                    till::show(window, display);
                    ScreenName::TillCart
                }
                _ => ScreenName::Keypad,
            }
        }
        Screen::PresentCard { amount, notice } => {
            payment::show_present_card(window, *amount, notice.as_ref(), language);
            ScreenName::PresentCard
        }
        Screen::TypeNumber { amount, notice } => {
            type_number::show(window, shared, *amount, notice.as_ref(), language);
            ScreenName::TypeNumber
        }
        Screen::EnterPin { amount, notice, place, may_bypass, .. } => {
            pin::show(window, *amount, notice.as_ref(), language, *may_bypass);
            match place {
                PinPlace::Screen { keys } => {
                    pin::show_keys(window, keys, pin_layout);
                    pin::show_count(window, shared);
                    ScreenName::EnterPin
                }
                PinPlace::Reader => ScreenName::PinAtReader,
            }
        }
        Screen::ChooseApplication { amount, applications } => {
            applications::show(window, shared, *amount, applications);
            ScreenName::ChooseApplication
        }
        Screen::ConfirmApplication { amount, application } => {
            applications::show(window, shared, *amount, std::slice::from_ref(application));
            ScreenName::ConfirmApplication
        }
        Screen::ShowCode { amount, code, valid_until, paper } => {
            payment::show_code(window, *amount, code, *valid_until);
            payment::show_paper(window, paper, language);
            ScreenName::ShowCode
        }
        Screen::Processing { amount, progress } => {
            payment::show_progress(window, *amount, *progress);
            ScreenName::Processing
        }
        Screen::Sign { amount, too_little, .. } => {
            signature::show(window, shared, *amount, *too_little);
            ScreenName::Sign
        }
        Screen::Approved { copies, .. } => {
            copies::show(window, copies, language);
            ScreenName::Approved
        }
        Screen::NotPaid { .. } => ScreenName::NotPaid,
        Screen::Purchase(shown) => {
            purchase::show(window, shown, language);
            ScreenName::Purchase
        }
        Screen::Unknown { .. } => ScreenName::Unknown,
        Screen::Transactions {
            rows,
            page,
            pages,
            count_today,
            total_today,
            count_back,
            total_back,
            copies,
            sought,
        } => {
            let today = transactions::Today {
                count: *count_today,
                total: *total_today,
                count_back: *count_back,
                back: *total_back,
            };
            transactions::show(window, rows, *page, *pages, &today);
            seek::show_sought(window, sought.as_ref());
            copies::show(window, copies, language);
            ScreenName::Transactions
        }
        Screen::Seek { notice } => {
            seek::show(window, shared, notice.as_ref(), language);
            ScreenName::Seek
        }
        Screen::Tip(shown) => {
            tip::show(window, shown);
            ScreenName::Tip
        }
        Screen::Instalments(shown) => {
            instalments::show(window, shown);
            ScreenName::Instalments
        }
        Screen::Transaction(shown) => {
            let entry = shared.with(|state| state.detail_entry);
            detail::show(window, shown, &entry, language);
            copies::show(window, &shown.copies, language);
            ScreenName::Transaction
        }
        Screen::Receipt(shown) => {
            receipt::show(window, shown);
            ScreenName::Receipt
        }
        Screen::Cart(shown) => {
            cart::show(window, shared, shown, language);
            ScreenName::Cart
        }
        Screen::Cash(shown) => {
            cash::show(window, shared, shown, language);
            ScreenName::Cash
        }
        Screen::Goods(found) => {
            goods::show(window, shared, found, language);
            ScreenName::Goods
        }
        Screen::Staff(shown) => staff::show(window, shared, shown, language),
        Screen::Queue { rows, page, pages, waiting, parked, under_way } => {
            let counts = queue::Counts { waiting: *waiting, parked: *parked, under_way: *under_way };
            queue::show(window, rows, *page, *pages, &counts);
            ScreenName::Queue
        }
        Screen::Settlement(shown) => {
            settlement::show(window, shared, shown, language);
            ScreenName::Settlement
        }
        Screen::Enrol { serial_number, progress, notice } => {
            enrolment::show(window, shared, serial_number, *progress, notice.as_ref(), language);
            ScreenName::Enrolment
        }
        Screen::Turning(turn) => {
            training::show(window, *turn);
            ScreenName::Turning
        }
        Screen::OutOfService { .. } => ScreenName::OutOfService,
    };
    if name != ScreenName::Sign {
        signature::leave(window, shared);
    }
    if name != ScreenName::Cart {
        cart::leave(window, shared);
    }
    window.global::<Screens>().set_current(name);
}
