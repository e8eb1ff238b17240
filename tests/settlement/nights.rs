//! Nights that come while the terminal runs, by a clock that the test moves; and the acquirer's word on when that is.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use yima::acquirer::link::HostLink;
use yima::app::{Device, Parts, SettlementPlan, SteppedEngine};
use yima::clock::SetByHand;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::settlement::closing::Cause;

use super::line::Script;
use super::settling::House;
use super::watching::Watching;

/// An engine on this thread, whose clock stands at a time of day.
struct Night {
    house: House,
    clock: SetByHand,
    engine: SteppedEngine,
}

impl Night {
    /// The time is the world's; only the zone is one in which it is `time` now.
    fn at(time: &str, plan: SettlementPlan, tables: &str) -> Self {
        let house = House::new();
        *house.script.lock().unwrap() = Script { same_clock: true, ..Script::default() };
        if !tables.is_empty() {
            let folder = house.terminal.folder.path().join("host/parameters");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("host.toml"), tables).unwrap();
            let setup = house.setup();
            let link = setup.link(setup.identity().unwrap(), setup.vault().unwrap()).unwrap();
            let trace = setup.ledger(&setup.identity().unwrap()).unwrap().take_trace_number().unwrap();
            link.sign_on(trace).unwrap();
            drop(link);
            house.setup().update_parameters().unwrap();
        }
        let now = Timestamp::now();
        let wanted = jiff::civil::DateTime::from_parts(now.to_zoned(TimeZone::UTC).date(), time.parse().unwrap());
        let seconds = wanted.duration_since(now.to_zoned(TimeZone::UTC).datetime()).as_secs();
        let offset = Offset::from_seconds(i32::try_from(seconds).unwrap()).unwrap();
        let clock = SetByHand::at(now, TimeZone::fixed(offset));
        let profile = CardProfile::shipped("unionpay-debit").unwrap();
        let card = SandboxCard::open(&profile, &house.terminal.folder.path().join("sandbox/card")).unwrap();
        let parts = house.on_line(house.setup().parts().unwrap());
        let (listener, _, _) = Watching::new();
        let parts = Parts {
            reader: Box::new(SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO)),
            printer: Box::new(house.terminal.paper.clone()),
            sound: Box::new(yima::devices::sound::silent::Silent),
            settlement: SettlementPlan { at: plan.at, ..parts.settlement },
            ..parts
        };
        let engine = SteppedEngine::start(parts, Box::new(listener));
        let mut night = Self { house, clock, engine };
        night.works();
        night
    }

    /// Everything that waits is done.
    fn works(&mut self) {
        for _ in 0..60 {
            for device in Device::ALL {
                if let Some(outcome) = self.engine.work(device) {
                    self.engine.hear(outcome);
                }
            }
            self.engine.tick();
        }
    }

    fn passes(&mut self, time: Duration) {
        self.clock.pass(time);
        self.works();
    }

    /// Why batches were settled, oldest first.
    fn settled(&self) -> Vec<(u32, Cause)> {
        let rows = self.house.rows();
        assert!(rows.iter().all(|row| !row.under_way.state.is_open()), "{rows:?}");
        rows.iter().rev().map(|row| (row.under_way.batch.number(), row.cause)).collect()
    }
}

fn at(time: &str) -> SettlementPlan {
    SettlementPlan { at: Some(time.parse().unwrap()), ..SettlementPlan::NEVER }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_time_of_the_night_that_passes_while_the_terminal_runs_is_noticed_once_also_at_midnight() {
    for (begins, set) in [("23:29:50", "23:30"), ("23:59:50", "00:00"), ("04:14:50", "04:15")] {
        let mut night = Night::at(begins, at(set), "");
        assert_eq!(night.settled(), [], "{set}: its first night has not come");
        night.passes(Duration::from_secs(11));
        assert_eq!(night.settled(), [(1, Cause::Nightly)], "{set}");
        night.passes(23 * HOUR);
        assert_eq!(night.settled().len(), 1, "{set}: the same night");
        night.passes(HOUR);
        assert_eq!(night.settled(), [(1, Cause::Nightly), (2, Cause::Nightly)], "{set}");
    }
}

#[test]
fn the_acquirers_word_on_when_it_is_night_goes_before_the_settings() {
    let mut night = Night::at("03:59:50", at("23:30"), "[terminal]\nsettlement_at = \"04:00\"\n");
    assert_eq!(night.settled(), []);
    night.passes(Duration::from_secs(11));
    assert_eq!(night.settled(), [(1, Cause::Nightly)]);
    night.passes(20 * HOUR);
    assert_eq!(night.settled().len(), 1, "23:30 is no night any more");
    // Also where the settings leave it to people.
    let mut night = Night::at("03:59:50", SettlementPlan::NEVER, "[terminal]\nsettlement_at = \"04:00\"\n");
    night.passes(Duration::from_secs(11));
    assert_eq!(night.settled(), [(1, Cause::Nightly)]);
}

#[test]
fn without_a_time_nothing_settles_by_itself() {
    let mut night = Night::at("23:29:50", SettlementPlan::NEVER, "");
    night.passes(Duration::from_secs(11));
    night.passes(24 * HOUR);
    assert_eq!(night.settled(), []);
}
