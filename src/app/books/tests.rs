use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

fn folder(holds: &[&str], mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in holds {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    folder
}

#[test]
fn the_directory_of_a_terminal_is_closed_to_others_and_one_that_is_shared_is_not() {
    for (holds, before, after) in [
        (&["ledger.sqlite", "engine.lock"][..], 0o755, 0o700),
        (&["identity"], 0o777, 0o700),
        (&[], 0o755, 0o700),
        (&["somebody-elses"], 0o755, 0o755),
        (&["ledger.sqlite"], 0o1777, 0o1777),
        (&["ledger.sqlite"], 0o700, 0o700),
    ] {
        let folder = folder(holds, before);
        make_private(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), after, "{holds:?}");
    }
    let folder = folder(&[], 0o700);
    make_private(&folder.path().join("a/b")).unwrap();
    assert_eq!(mode(&folder.path().join("a/b")), 0o700);
}

#[test]
fn the_ledger_and_what_is_beside_it_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join(LEDGER);
    for name in [LEDGER, "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        std::fs::write(folder.path().join(name), "x").unwrap();
        std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(0o664)).unwrap();
    }
    make_files_private(&ledger).unwrap();
    for name in [LEDGER, "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), b"x", "{name}");
    }
}
