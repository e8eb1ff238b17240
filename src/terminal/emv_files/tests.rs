use tempfile::TempDir;

use super::writing::Step;
use super::*;
use crate::host_tables::TerminalParameters;

struct Place {
    folder: TempDir,
    files: EmvFiles,
}

impl Place {
    fn new(world: KeyWorld) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = EmvFiles::new(folder.path(), world, &folder.path().join("sandbox-key.toml"));
        Self { folder, files }
    }

    fn set(&self, number: u32) -> PathBuf {
        self.folder.path().join(format!("emv/{number:06}"))
    }

    /// The denial code of the first application: by it the sets of these tests are told apart.
    fn denial(&self) -> [u8; 5] {
        self.files.load().unwrap().data.applications[0].action_codes.denial
    }
}

fn at(day: u8) -> Timestamp {
    format!("2026-11-{day:02}T14:03:05Z").parse().unwrap()
}

fn keys(world: KeyWorld) -> Vec<KeyEntry> {
    let text = match world {
        KeyWorld::Live => include_str!("../../../assets/emv/capk-live.toml"),
        KeyWorld::Test => include_str!("../../../assets/emv/capk-test.toml"),
    };
    KeyEntry::all_of(text).unwrap()
}

/// The shipped applications and test keys, with a denial code of all `digit`s.
fn set(digit: u8) -> HostSet {
    let mut applications: Vec<_> = AidEntry::all_of(TerminalData::SHIPPED_APPLICATIONS)
        .unwrap()
        .into_iter()
        .map(|entry| HostApplication { entry, as_sent: "9F0605A000000333".to_owned() })
        .collect();
    applications[0].entry.tac_denial = format!("{digit:02X}").repeat(5);
    let terminal = TerminalParameters {
        tries: Some(u32::from(digit) + 10),
        merchant_name: Some("a shop with a long name".to_owned()),
        ..TerminalParameters::default()
    };
    let tables = HostTables { terminal, ..HostTables::default() };
    HostSet { applications, ca_keys: keys(KeyWorld::Test), tables }
}

fn take(place: &Place, digit: u8) {
    place.files.replace(&set(digit), "https://host.example", at(digit)).unwrap();
}

#[test]
fn without_a_set_of_the_host_the_shipped_one_counts() {
    let in_use = Place::new(KeyWorld::Test).files.load().unwrap();
    assert_eq!((in_use.provenance, in_use.data.ca_keys.world()), (Provenance::Shipped, KeyWorld::Test));
    let in_use = Place::new(KeyWorld::Live).files.load().unwrap();
    assert_eq!((in_use.provenance, in_use.data.ca_keys.world()), (Provenance::Shipped, KeyWorld::Live));
}

#[test]
fn a_set_of_the_host_counts_from_then_on_and_the_one_before_it_is_kept() {
    let place = Place::new(KeyWorld::Test);
    for digit in 1..=3 {
        take(&place, digit);
        assert_eq!(place.denial(), [digit; 5]);
    }
    let provenance = place.files.load().unwrap().provenance;
    assert_eq!(provenance.to_string(), "set 000003 of 2026-11-03T14:03:05Z from https://host.example");
    assert_eq!([1, 2, 3].map(|number| place.set(number).exists()), [false, true, true]);
    let text = std::fs::read_to_string(place.set(3).join(APPLICATIONS)).unwrap();
    assert!(text.starts_with("# As sent: 9F0605A000000333\n[[aid]]\naid = \"A000000333010101\"\n"), "{text}");
}

#[test]
fn a_power_cut_at_any_step_leaves_the_old_set_or_the_new_one_and_the_next_try_succeeds() {
    let steps = |place: &Place| {
        let texts = place.files.check(&set(2)).unwrap();
        place.files.steps(&texts, "https://host.example", at(2)).unwrap()
    };
    let (count, decides) = {
        let place = Place::new(KeyWorld::Test);
        take(&place, 1);
        let steps = steps(&place);
        (steps.len(), steps.iter().position(|step| matches!(step, Step::Rename(..))).unwrap())
    };
    assert!(count > 8);
    for done in 0..=count {
        // The step during which the power went may have been half done: a file that is written is cut short.
        for half in [None, Some(0), Some(50)] {
            let place = Place::new(KeyWorld::Test);
            take(&place, 1);
            let steps = steps(&place);
            steps[..done].iter().for_each(|step| step.carry_out().unwrap());
            if let (Some(length), Some(Step::Write(path, text))) = (half, steps.get(done)) {
                std::fs::write(path, &text[..length]).unwrap();
            }
            let found = place.files.load().unwrap();
            let expected = if done > decides { 2 } else { 1 };
            assert_eq!(place.denial(), [expected; 5], "{done} steps, {half:?}");
            assert_eq!(found.tables, Arc::new(set(expected).tables), "never a mix");
            assert!(found.passed_over.is_empty(), "{:?}", found.passed_over);
            let Provenance::Host { at: taken, .. } = found.provenance else { panic!("{done}: shipped") };
            assert_eq!(taken, at(expected), "applications, keys, tables and description are of one set");
            take(&place, 3);
            assert_eq!(place.denial(), [3; 5], "{done} steps, {half:?}");
        }
    }
}

#[test]
fn a_step_that_fails_leaves_the_old_set_and_says_so() {
    let place = Place::new(KeyWorld::Test);
    take(&place, 1);
    // A file stands where the folder should get its name.
    std::fs::write(place.set(2), "").unwrap();
    let error = place.files.replace(&set(2), "https://host.example", at(2)).unwrap_err().to_string();
    assert!(error.contains("emv/000002"), "{error}");
    assert_eq!(place.denial(), [1; 5]);
    assert_eq!(place.files.load().unwrap().refused, Some(RefusedSet { at: at(2), problem: error }));
    std::fs::remove_file(place.set(2)).unwrap();
    take(&place, 2);
    assert_eq!((place.denial(), place.files.load().unwrap().refused), ([2; 5], None));
}

#[test]
fn a_broken_set_is_named_and_the_one_before_it_counts_and_at_last_the_shipped_one() {
    for (file, from, to, said) in [
        (APPLICATIONS, "0202020202", "0202020203", "aids.toml is not as it was written"),
        (CA_KEYS, "A000000333", "A000000334", "capk.toml is not as it was written"),
        (TABLES, "tries = 12", "tries = 99", "host.toml is not as it was written"),
        (SET, "at =", "when =", "set.toml: "),
    ] {
        let place = Place::new(KeyWorld::Test);
        take(&place, 1);
        take(&place, 2);
        let path = place.set(2).join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let in_use = place.files.load().unwrap();
        assert_eq!(in_use.data.applications[0].action_codes.denial, [1; 5], "{file}");
        let broken = in_use.passed_over[0].to_string();
        assert!(broken.contains("emv/000002") && broken.contains(said), "{broken}");
        std::fs::remove_file(place.set(1).join(file)).unwrap();
        let in_use = place.files.load().unwrap();
        assert_eq!((in_use.provenance, in_use.passed_over.len()), (Provenance::Shipped, 2));
        // A new set puts all of it right, under a number that was not used before.
        take(&place, 3);
        assert_eq!((place.denial(), place.files.load().unwrap().passed_over.len()), ([3; 5], 0));
    }
}

#[test]
fn a_set_that_must_not_be_used_is_refused_and_the_old_one_stays() {
    let place = Place::new(KeyWorld::Test);
    take(&place, 1);
    let refused = |change: &dyn Fn(&mut HostSet)| {
        let mut set = set(2);
        change(&mut set);
        let error = place.files.replace(&set, "https://host.example", at(2)).unwrap_err().to_string();
        let in_use = place.files.load().unwrap();
        assert_eq!(in_use.data.applications[0].action_codes.denial, [1; 5], "{error}");
        assert_eq!(in_use.refused.unwrap().problem, error);
        error
    };
    let hash = refused(&|set| set.ca_keys[3].hash = "00".repeat(20));
    assert!(hash.contains("the hash does not fit"), "{hash}");
    let live = refused(&|set| set.ca_keys.push(keys(KeyWorld::Live)[0].clone()));
    assert!(live.contains("is known as a live key"), "{live}");
    let nothing = refused(&|set| set.applications.clear());
    assert!(nothing.contains("names no application"), "{nothing}");
    let no_key = refused(&|set| set.ca_keys.clear());
    assert!(no_key.contains("names no CA key"), "{no_key}");
    let twice = refused(&|set| set.applications.push(set.applications[0].clone()));
    assert!(twice.contains("twice"), "{twice}");
    let bounds = refused(&|set| set.tables.terminal.answer_timeout_s = Some(61));
    assert!(bounds.contains("terminal.answer_timeout_s: it must be 10 to 60"), "{bounds}");
    let wrong = refused(&|set| set.applications[1].entry.tac_online = "FC".to_owned());
    assert!(wrong.contains("tac_online"), "{wrong}");
}

#[test]
fn live_and_test_never_mix_wherever_a_set_comes_from() {
    let live = Place::new(KeyWorld::Live);
    let error = live.files.replace(&set(1), "https://host.example", at(1)).unwrap_err().to_string();
    assert!(error.contains("is known as a test key"), "{error}");
    // Folders of a test terminal, copied to a live one.
    let test = Place::new(KeyWorld::Test);
    take(&test, 1);
    std::fs::create_dir_all(live.set(1)).unwrap();
    for file in [APPLICATIONS, CA_KEYS, TABLES, SET] {
        std::fs::copy(test.set(1).join(file), live.set(1).join(file)).unwrap();
    }
    let in_use = live.files.load().unwrap();
    assert_eq!((in_use.provenance, in_use.data.ca_keys.world()), (Provenance::Shipped, KeyWorld::Live));
    assert_eq!(in_use.passed_over[0].problem, "its CA keys are test keys, this terminal is live");
}

#[test]
fn the_sandbox_cards_key_completes_a_set_of_a_test_terminal_only() {
    let single = |index: &str| {
        let mut key = keys(KeyWorld::Test)[0].clone();
        key.index = index.to_owned();
        let part = |text: &str| hex::decode(text).unwrap();
        key.hash = hex::encode(&sha_1(&[&part(&key.rid), &part(index), &part(&key.modulus), &part(&key.exponent)]));
        CaKeys::text(KeyWorld::Test, &[key]).unwrap()
    };
    for world in [KeyWorld::Test, KeyWorld::Live] {
        let place = Place::new(world);
        let before = place.files.load().unwrap().data.ca_keys.iter().count();
        std::fs::write(place.folder.path().join("sandbox-key.toml"), single("9C")).unwrap();
        let after = place.files.load().unwrap().data.ca_keys.iter().count();
        assert_eq!(after - before, usize::from(world == KeyWorld::Test));
    }
}

#[test]
fn a_set_of_an_earlier_version_of_the_program_has_no_tables_and_counts() {
    let place = Place::new(KeyWorld::Test);
    take(&place, 1);
    std::fs::remove_file(place.set(1).join(TABLES)).unwrap();
    let description = std::fs::read_to_string(place.set(1).join(SET)).unwrap();
    let without: String =
        description.lines().filter(|line| !line.starts_with("host")).fold(String::new(), |all, line| all + line + "\n");
    std::fs::write(place.set(1).join(SET), without).unwrap();
    let in_use = place.files.load().unwrap();
    assert_eq!((in_use.passed_over.len(), in_use.tables.is_empty()), (0, true));
    assert_eq!(in_use.data.applications[0].action_codes.denial, [1; 5]);
}
