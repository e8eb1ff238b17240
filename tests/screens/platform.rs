//! A display in memory: the real software renderer and the real fonts, with a clock that the test moves.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{Platform, WindowAdapter};
use slint::{ComponentHandle, PhysicalSize, PlatformError, Rgba8Pixel, SharedPixelBuffer};
use yima::app::view::{Intent, View};
use yima::ui::{Touchscreen, WindowOptions};

/// Size of a handheld's screen.
pub const PORTRAIT: (u16, u16) = (720, 1280);
/// Size of a small screen that lies.
pub const LANDSCAPE: (u16, u16) = (800, 480);

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

struct Memory;

impl Platform for Memory {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer))
    }

    fn duration_since_start(&self) -> Duration {
        NOW.get()
    }
}

/// A touchscreen on the display in memory.
pub struct Bench {
    pub screen: Touchscreen,
    pub intents: Receiver<Intent>,
}

impl Bench {
    /// Opens it; each test has a thread of its own, and so a platform of its own.
    pub fn open(options: WindowOptions) -> Self {
        // Several benches of one test share the platform of its thread.
        let _already_set = slint::platform::set_platform(Box::new(Memory));
        let (sender, intents) = channel();
        let screen = Touchscreen::new(options, sender).unwrap();
        screen.window().window().set_size(PhysicalSize::new(options.width.into(), options.height.into()));
        screen.window().show().unwrap();
        screen.set_clock("14:26");
        Self { screen, intents }
    }

    /// Shows a view and lets it settle.
    pub fn show(&self, view: View) {
        self.screen.show(view);
        self.pass(Duration::from_millis(20));
    }

    /// Lets time pass, in steps in which timers run.
    pub fn pass(&self, time: Duration) {
        let until = NOW.get() + time;
        while NOW.get() < until {
            NOW.set(until.min(NOW.get() + Duration::from_millis(100)));
            slint::platform::update_timers_and_animations();
        }
    }

    /// What the display shows now.
    pub fn pixels(&self) -> SharedPixelBuffer<Rgba8Pixel> {
        self.screen.window().window().take_snapshot().unwrap()
    }

    /// What has been sent since the last question.
    pub fn sent(&self) -> Vec<Intent> {
        self.intents.try_iter().collect()
    }
}
