//! How the terminal is set up, at its screen: a till is paired by a code that is read off it, and the printer is tested. By whoever has the
//! right for settings; what is changed is written down before.

use jiff::Timestamp;

use crate::app::engine::Core;
use crate::app::printing::reason_of;
use crate::app::set_up_view::{SetUpIntent, SetUpView, ShownPairingCode, TILLS_SHOWN, TestView, TillsView};
use crate::app::staff_view::StaffView;
use crate::app::view::Screen;
use crate::app::workers::printer::{Job, Slip};
use crate::clock;
use crate::devices::printer::{Confirmation, PrintFailure};
use crate::people::Deed;
use crate::receipt::PrinterProfile;
use crate::receipt::set_up::{Drawer, Question, Seen, sheet};
use crate::till::TillName;
use crate::till_keys::TillKeysError;
use crate::wording::{Reason, ReasonKind};

/// Tills that are counted when a new one gets its name.
const MOST_NAMES: u32 = 1000;

/// What the engine knows of the set-up, as long as it is shown.
#[derive(Default)]
pub(super) struct SetUpDesk {
    pairing: Option<Pairing>,
    test: Option<Test>,
    notice: Option<Reason>,
}

/// A code that is shown, or was.
struct Pairing {
    name: TillName,
    code: ShownPairingCode,
    since: Timestamp,
    standing: Standing,
}

#[derive(Clone, Copy)]
enum Standing {
    Open { left_s: u64, wrong: u32 },
    Paired,
    Over,
}

/// A test of the printer.
enum Test {
    Printing,
    Asks(Question, Seen),
    Found(String),
}

impl Core {
    /// What somebody wants, who may.
    pub(in crate::app) fn on_set_up(&mut self, wish: SetUpIntent) {
        if wish == SetUpIntent::Show {
            let visiting = self.staff.visiting;
            self.leave_result();
            self.staff.visiting = visiting;
            self.staff.set_up = SetUpDesk::default();
            return self.show_set_up();
        }
        if !self.shows_set_up() {
            return;
        }
        self.staff.set_up.notice = None;
        match wish {
            SetUpIntent::Show => {}
            SetUpIntent::Pair(name) => {
                if let Err(error) = self.pair_till(name) {
                    self.till_keys_failed(&error);
                }
            }
            SetUpIntent::EndPairing => self.end_pairing(),
            SetUpIntent::TestPrinter => self.print_sheet(),
            SetUpIntent::Answer(yes) => self.answer_about_sheet(yes),
            SetUpIntent::LeaveTest => self.staff.set_up.test = None,
        }
        self.show_set_up();
    }

    fn show_set_up(&mut self) {
        let view = self.set_up_view();
        self.screen = Screen::Staff(Box::new(StaffView::SetUp(view)));
    }

    pub(super) fn shows_set_up(&self) -> bool {
        matches!(&self.screen, Screen::Staff(view) if matches!(**view, StaffView::SetUp(_)))
    }

    /// A manager let somebody see the set-up: as long as that is shown.
    pub(super) fn goes_on_with_set_up(&self) -> bool {
        self.staff.visiting.is_some() && self.shows_set_up()
    }

    fn set_up_view(&self) -> SetUpView {
        let desk = &self.staff.set_up;
        let tills = match (&desk.pairing, self.till.keys()) {
            (_, None) => TillsView::NotListening,
            (Some(pairing), _) => {
                let name = pairing.name.clone();
                match pairing.standing {
                    Standing::Open { left_s, wrong } => {
                        TillsView::Code { name, code: pairing.code.clone(), left_s, wrong }
                    }
                    Standing::Paired => TillsView::Paired(name),
                    Standing::Over => TillsView::Over(name),
                }
            }
            (None, Some(keys)) => {
                let tills = keys.tills().unwrap_or_default().into_iter();
                let with_key = tills.filter(|till| till.revoked_at.is_none()).map(|till| till.name);
                TillsView::Listed(with_key.take(TILLS_SHOWN).collect())
            }
        };
        let test = match &desk.test {
            None => TestView::None,
            Some(Test::Printing) => TestView::Printing,
            Some(Test::Asks(question, _)) => TestView::Asks(*question),
            Some(Test::Found(title)) => TestView::Found(title.clone()),
        };
        SetUpView { tills, test, notice: desk.notice.clone() }
    }

    /// Shows a code for a till of this name, or for one more. What cannot be written down does not happen.
    fn pair_till(&mut self, name: Option<TillName>) -> Result<(), TillKeysError> {
        let Some(keys) = self.till.keys() else { return Ok(()) };
        let name = match name {
            Some(name) => name,
            None => {
                let known: Vec<_> = keys.tills()?.into_iter().map(|till| till.name).collect();
                let names = (1..MOST_NAMES).filter_map(|number| format!("till {number}").parse::<TillName>().ok());
                let Some(free) = names.into_iter().find(|name| !known.contains(name)) else { return Ok(()) };
                free
            }
        };
        if !self.settings_change(&format!("till pair {name}")) {
            return Ok(());
        }
        let Some(keys) = self.till.keys_mut() else { return Ok(()) };
        let since = clock::timestamp();
        let code = keys.begin_pairing(&name, since)?;
        let left_s = keys.open_pairing(since)?.map_or(0, |open| open.left.as_secs());
        let code = ShownPairingCode(code.expose().to_owned().into());
        let standing = Standing::Open { left_s, wrong: 0 };
        self.staff.set_up.pairing = Some(Pairing { name, code, since, standing });
        Ok(())
    }

    /// Writes down what is about to be changed, by whoever is there, with the manager's leave where it needed one.
    fn settings_change(&mut self, what: &str) -> bool {
        if !self.people_sign_on() {
            return true;
        }
        let by = self.staff.visiting.or(self.staff.given_by);
        let entry = self.entry(Deed::SettingsChanged, self.staff.on_duty).by(by).saying(what);
        self.write_down(&entry)
    }

    fn end_pairing(&mut self) {
        let open = self.staff.set_up.pairing.take().is_some_and(|it| matches!(it.standing, Standing::Open { .. }));
        if !open {
            return;
        }
        if let Some(Err(error)) = self.till.keys_mut().map(crate::till_keys::TillKeys::end_pairing) {
            self.till_keys_failed(&error);
        }
    }

    /// A payment needs them too, and says so itself.
    fn till_keys_failed(&mut self, error: &TillKeysError) {
        tracing::error!(%error, "the tills' file cannot be used");
        self.staff.set_up.notice = Some(Reason::with_detail(ReasonKind::TillNotPaired, error.to_string()));
    }

    fn print_sheet(&mut self) {
        if self.staff.set_up.test.is_some() || !self.settings_change("printer test") {
            return;
        }
        let job = Job::Print { slip: Slip::SetUp, bytes: sheet(Drawer::None) };
        if self.printer_jobs.send(job).is_ok() {
            self.staff.set_up.test = Some(Test::Printing);
        }
    }

    /// The printer's last word on the sheet. Whoever has left meanwhile is asked nothing.
    pub(in crate::app) fn after_sheet(&mut self, result: Result<Confirmation, PrintFailure>) {
        if !matches!(self.staff.set_up.test, Some(Test::Printing)) {
            return;
        }
        let desk = &mut self.staff.set_up;
        match result {
            Ok(confirmation) => {
                let seen = Seen::nothing(confirmation == Confirmation::Printed);
                desk.test = Some(Test::Asks(Question::Ruler, seen));
            }
            Err(failure) => {
                desk.test = None;
                desk.notice = Some(reason_of(&failure.fault));
            }
        }
        if self.shows_set_up() {
            self.show_set_up();
        }
    }

    fn answer_about_sheet(&mut self, yes: bool) {
        let Some(Test::Asks(question, seen)) = &self.staff.set_up.test else { return };
        let seen = seen.with(*question, yes);
        if let Some(next) = question.next() {
            self.staff.set_up.test = Some(Test::Asks(next, seen));
            return;
        }
        let profile = PrinterProfile::of_what_was_seen(seen);
        match self.parts.found_printer.keep(&profile) {
            Ok(()) => self.staff.set_up.test = Some(Test::Found(profile.title)),
            Err(error) => {
                tracing::error!(%error, "what the test of the printer found cannot be kept");
                self.staff.set_up.test = None;
                self.staff.set_up.notice = Some(Reason::with_detail(ReasonKind::SettingsNotKept, error.to_string()));
            }
        }
    }

    /// A till may have shown the code meanwhile, by way of another thread.
    pub(super) fn mind_set_up(&mut self) {
        if !self.shows_set_up() {
            return;
        }
        let now = clock::timestamp();
        let (Some(pairing), Some(keys)) = (&mut self.staff.set_up.pairing, self.till.keys()) else { return };
        if !matches!(pairing.standing, Standing::Open { .. }) {
            return;
        }
        let open = keys.open_pairing(now).ok().flatten().filter(|open| open.name == pairing.name);
        pairing.standing = match open {
            Some(open) => Standing::Open { left_s: open.left.as_secs(), wrong: open.wrong },
            None => {
                let tills = keys.tills().unwrap_or_default();
                let since = pairing.since;
                let paired = tills.iter().any(|till| till.name == pairing.name && till.paired_at >= since);
                if paired { Standing::Paired } else { Standing::Over }
            }
        };
        self.show_set_up();
    }

    /// Whoever leaves takes the code along: it counts no more.
    pub(super) fn leave_set_up(&mut self) {
        self.end_pairing();
        self.staff.set_up = SetUpDesk::default();
    }
}
