//! A disk in memory that behaves as disks do when the power goes: what was written and not synced may be there, in part or
//! not at all.
//!
//! SQLite works on it through [`vfs`]; every thread has a disk of its own. Files of the terminal (their path has
//! [`TERMINAL`] in it) meet faults, all others, which are the host's, never do. As on Linux, a sync that failed has given the written
//! pages up: they are read as written and no later sync brings them to the disk. As on ext4, a name that was deleted may be
//! back until the next sync of any file.

mod vfs;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::c_int;
use std::path::Path;

use rusqlite::ffi;

use crate::random::Random;

pub use vfs::install;

/// The folder that the terminal's files are in.
pub const TERMINAL: &str = "/terminal/";

/// What a disk writes at once or not at all, in bytes.
const SECTOR: usize = 512;

/// What is left of what was written when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// Everything: only the program was killed.
    All,
    /// What was synced.
    Synced,
    /// What was synced, and of the rest any sectors.
    Sectors,
}

/// When in a write or sync the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    Within,
    After,
}

/// What a write or sync meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The power goes.
    Cut(Moment),
    /// EIO.
    Broken,
    /// ENOSPC; a sync does not meet it.
    Full,
}

/// What is written and not synced.
#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    /// As it is read.
    content: Vec<u8>,
    /// As it is on the disk.
    durable: Vec<u8>,
    pending: Vec<Change>,
    /// Its name is on the disk.
    named: bool,
    shared: Shared,
}

/// What connections share of a file: locks, and the memory of a WAL's index.
#[derive(Clone, Debug, Default)]
struct Shared {
    readers: u32,
    reserved: Option<u64>,
    pending: Option<u64>,
    exclusive: Option<u64>,
    slots: [i32; 8],
}

/// An open file.
#[derive(Clone, Debug)]
struct Open {
    name: String,
    level: c_int,
    delete_on_close: bool,
    shared_slots: u8,
    exclusive_slots: u8,
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<String, File>,
    /// Deleted, and the deletion is not on the disk.
    ghosts: BTreeMap<String, File>,
    open: HashMap<u64, Open>,
    regions: BTreeMap<String, Vec<vfs::Region>>,
    next_id: u64,
    /// Writes, truncations and syncs of the terminal's files so far.
    operations: u64,
    /// How many of them have met trouble.
    met: u64,
    troubles: BTreeMap<u64, Trouble>,
    /// So many syncs fail.
    failing_syncs: u32,
    /// The power is off.
    dead: bool,
    /// How often something the terminal wrote became durable.
    syncs: u64,
    random: Option<Random>,
}

thread_local! {
    static DISK: RefCell<Disk> = RefCell::default();
}

/// An empty disk, on which these operations of the terminal meet trouble.
pub fn fresh(seed: u64, troubles: impl IntoIterator<Item = (u64, Trouble)>) {
    DISK.with_borrow_mut(|disk| {
        assert!(disk.open.is_empty(), "files are open: {:?}", disk.open);
        *disk = Disk { troubles: troubles.into_iter().collect(), random: Some(Random::new(seed)), ..Disk::default() };
    });
}

/// No trouble from now on.
pub fn heal() {
    DISK.with_borrow_mut(|disk| {
        disk.troubles.clear();
        disk.failing_syncs = 0;
    });
}

/// The next syncs of the terminal's files, so many, fail: what was written is read, and does not come to the disk.
pub fn fail_syncs(count: u32) {
    DISK.with_borrow_mut(|disk| disk.failing_syncs = count);
}

/// The trouble that is under way is over; others come yet.
pub fn mend() {
    DISK.with_borrow_mut(|disk| {
        let mut operation = disk.operations;
        while disk.troubles.remove(&operation).is_some() {
            operation += 1;
        }
    });
}

/// These operations, counted from the next one on, meet trouble, and no others.
pub fn meet(troubles: impl IntoIterator<Item = (u64, Trouble)>) {
    DISK.with_borrow_mut(|disk| {
        let next = disk.operations;
        disk.troubles = troubles.into_iter().map(|(at, trouble)| (next + at, trouble)).collect();
    });
}

/// Writes a file over with itself: [`yima::ledger::write_logs_again_by`].
pub fn write_again(path: &Path) -> std::io::Result<()> {
    DISK.with_borrow_mut(|disk| {
        let name = path.to_str().unwrap_or_default();
        let Some(content) = disk.files.get(name).map(|file| file.content.clone()) else { return Ok(()) };
        let failed = |code: c_int| std::io::Error::other(format!("code {code} in this simulation"));
        let id = disk.open(Some(name), 0).map_err(failed)?;
        let written = match disk.change(id, &Change::Write(0, content)) {
            ffi::SQLITE_OK => disk.sync(id),
            code => code,
        };
        disk.close(id);
        if written == ffi::SQLITE_OK { Ok(()) } else { Err(failed(written)) }
    })
}

/// Puts a file on the disk.
pub fn put(name: &str, content: &[u8]) {
    let file = File { content: content.to_vec(), durable: content.to_vec(), named: true, ..File::default() };
    DISK.with_borrow_mut(|disk| disk.files.insert(name.to_owned(), file));
}

/// What a file holds.
pub fn get(name: &str) -> Option<Vec<u8>> {
    DISK.with_borrow(|disk| disk.files.get(name).map(|file| file.content.clone()))
}

/// Whether the power has gone.
pub fn is_dead() -> bool {
    DISK.with_borrow(|disk| disk.dead)
}

/// The power goes, in the middle of nothing.
pub fn cut() {
    DISK.with_borrow_mut(|disk| disk.dead = true);
}

/// How many writes and syncs of the terminal have met trouble so far.
pub fn met() -> u64 {
    DISK.with_borrow(|disk| disk.met)
}

/// Writes and syncs of the terminal so far.
pub fn operations() -> u64 {
    DISK.with_borrow(|disk| disk.operations)
}

/// How often something of the terminal's has become durable.
pub fn syncs() -> u64 {
    DISK.with_borrow(|disk| disk.syncs)
}

/// The power is back. Nobody has a file of the terminal's open.
pub fn restore(survives: Survives) {
    DISK.with_borrow_mut(|disk| {
        assert!(disk.open.values().all(|open| !open.name.contains(TERMINAL)), "a file of the terminal is open");
        disk.dead = false;
        disk.regions.retain(|name, _| !name.contains(TERMINAL));
        let mut random = disk.random.clone().unwrap();
        if survives != Survives::All {
            for (name, ghost) in std::mem::take(&mut disk.ghosts) {
                if !disk.files.contains_key(&name) && (survives == Survives::Synced || random.percent(50)) {
                    disk.files.insert(name, ghost);
                }
            }
            disk.files.retain(|name, file| {
                !name.contains(TERMINAL) || file.named || (survives == Survives::Sectors && random.percent(50))
            });
        }
        disk.ghosts.clear();
        for (_, file) in disk.files.iter_mut().filter(|(name, _)| name.contains(TERMINAL)) {
            file.shared = Shared::default();
            let pending = std::mem::take(&mut file.pending);
            match survives {
                Survives::All => file.durable.clone_from(&file.content),
                Survives::Synced => {}
                Survives::Sectors => file.harden_some(&pending, &mut random),
            }
            file.named = true;
            file.content.clone_from(&file.durable);
        }
        disk.random = Some(random);
    });
}

impl File {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        put_at(&mut self.content, at, bytes);
        self.pending.push(Change::Write(at, bytes.to_vec()));
    }

    fn truncate(&mut self, length: usize) {
        self.content.resize(length, 0);
        self.pending.push(Change::Truncate(length));
    }

    fn harden(&mut self) {
        self.named = true;
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Write(at, bytes) => put_at(&mut self.durable, at, &bytes),
                Change::Truncate(length) => self.durable.resize(length, 0),
            }
        }
    }

    /// Any sectors of what was written come to the disk.
    fn harden_some(&mut self, pending: &[Change], random: &mut Random) {
        for change in pending {
            match change {
                Change::Write(at, bytes) => {
                    let (mut from, end) = (*at, at + bytes.len());
                    while from < end {
                        let to = ((from / SECTOR + 1) * SECTOR).min(end);
                        if random.percent(50) {
                            put_at(&mut self.durable, from, &bytes[from - at..to - at]);
                        }
                        from = to;
                    }
                }
                Change::Truncate(length) => {
                    if random.percent(50) {
                        self.durable.resize(*length, 0);
                    }
                }
            }
        }
    }
}

fn put_at(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk {
    fn is_off(&self, name: &str) -> bool {
        self.dead && name.contains(TERMINAL)
    }

    /// What the next write or sync of this file meets.
    fn trouble(&mut self, name: &str) -> Option<Trouble> {
        if !name.contains(TERMINAL) {
            return None;
        }
        self.operations += 1;
        let trouble = self.troubles.remove(&(self.operations - 1));
        self.met += u64::from(trouble.is_some());
        trouble
    }

    fn open(&mut self, name: Option<&str>, flags: c_int) -> Result<u64, c_int> {
        let id = self.next_id;
        self.next_id += 1;
        let name = name.map_or_else(|| format!("/anonymous/{id}"), str::to_owned);
        if self.is_off(&name) {
            return Err(ffi::SQLITE_IOERR);
        }
        if !self.files.contains_key(&name) {
            if flags & ffi::SQLITE_OPEN_CREATE == 0 && !name.starts_with("/anonymous/") {
                return Err(ffi::SQLITE_CANTOPEN);
            }
            self.files.insert(name.clone(), File::default());
        }
        let delete_on_close = flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0 || name.starts_with("/anonymous/");
        self.open.insert(id, Open { name, level: 0, delete_on_close, shared_slots: 0, exclusive_slots: 0 });
        Ok(id)
    }

    fn close(&mut self, id: u64) {
        self.unlock(id, ffi::SQLITE_LOCK_NONE);
        self.forget_slots(id);
        let Some(open) = self.open.remove(&id) else { return };
        if open.delete_on_close {
            self.files.remove(&open.name);
        }
    }

    fn delete(&mut self, name: &str, durable: bool) -> c_int {
        if self.is_off(name) {
            return ffi::SQLITE_IOERR_DELETE;
        }
        match self.files.remove(name) {
            None => ffi::SQLITE_IOERR_DELETE_NOENT,
            Some(file) => {
                if durable {
                    self.ghosts.remove(name);
                } else if file.named {
                    let content = file.durable.clone();
                    self.ghosts.insert(name.to_owned(), File { content, named: true, ..file });
                }
                ffi::SQLITE_OK
            }
        }
    }

    fn file(&mut self, id: u64) -> Option<(String, &mut File)> {
        let name = self.open.get(&id)?.name.clone();
        self.files.get_mut(&name).map(|file| (name, file))
    }

    fn read(&mut self, id: u64, into: &mut [u8], at: usize) -> c_int {
        let off = self.open.get(&id).is_none_or(|open| self.is_off(&open.name));
        let Some((_, file)) = self.file(id).filter(|_| !off) else { return ffi::SQLITE_IOERR_READ };
        let there = file.content.get(at..).unwrap_or_default();
        let length = there.len().min(into.len());
        into[..length].copy_from_slice(&there[..length]);
        into[length..].fill(0);
        if length < into.len() { ffi::SQLITE_IOERR_SHORT_READ } else { ffi::SQLITE_OK }
    }

    fn change(&mut self, id: u64, change: &Change) -> c_int {
        let Some(name) = self.open.get(&id).map(|open| open.name.clone()) else { return ffi::SQLITE_IOERR_WRITE };
        if self.is_off(&name) {
            return ffi::SQLITE_IOERR_WRITE;
        }
        let trouble = self.trouble(&name);
        let Some(file) = self.files.get_mut(&name) else { return ffi::SQLITE_IOERR_WRITE };
        let part = match (trouble, change) {
            (None | Some(Trouble::Cut(Moment::After)), change) => Some(change.clone()),
            // Half of it was written.
            (Some(Trouble::Full | Trouble::Cut(Moment::Within)), Change::Write(at, bytes)) => {
                Some(Change::Write(*at, bytes[..bytes.len() / 2].to_vec()))
            }
            _ => None,
        };
        match part {
            Some(Change::Write(at, bytes)) => file.write(at, &bytes),
            Some(Change::Truncate(length)) => file.truncate(length),
            None => {}
        }
        match trouble {
            None => ffi::SQLITE_OK,
            Some(Trouble::Full) => ffi::SQLITE_FULL,
            Some(Trouble::Broken) => ffi::SQLITE_IOERR_WRITE,
            Some(Trouble::Cut(_)) => {
                self.dead = true;
                ffi::SQLITE_IOERR_WRITE
            }
        }
    }

    fn sync(&mut self, id: u64) -> c_int {
        let Some(name) = self.open.get(&id).map(|open| open.name.clone()) else { return ffi::SQLITE_IOERR_FSYNC };
        if self.is_off(&name) {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        let mut trouble = self.trouble(&name);
        if self.failing_syncs > 0 && name.contains(TERMINAL) {
            self.failing_syncs -= 1;
            trouble = trouble.or(Some(Trouble::Broken));
        }
        let Some(file) = self.files.get_mut(&name) else { return ffi::SQLITE_IOERR_FSYNC };
        match trouble {
            None | Some(Trouble::Full | Trouble::Cut(Moment::After)) => file.harden(),
            Some(Trouble::Cut(Moment::Within)) => {
                file.named = true;
                let pending = std::mem::take(&mut file.pending);
                if let Some(random) = &mut self.random {
                    file.harden_some(&pending, random);
                }
            }
            Some(Trouble::Broken) => file.pending.clear(),
            Some(Trouble::Cut(Moment::Before)) => {}
        }
        self.syncs += u64::from(name.contains(TERMINAL));
        // The file system keeps changes of names in order: what was deleted before a sync stays deleted after it.
        if matches!(trouble, None | Some(Trouble::Full)) {
            self.ghosts.clear();
        }
        match trouble {
            None | Some(Trouble::Full) => ffi::SQLITE_OK,
            Some(Trouble::Broken) => ffi::SQLITE_IOERR_FSYNC,
            Some(Trouble::Cut(_)) => {
                self.dead = true;
                ffi::SQLITE_IOERR_FSYNC
            }
        }
    }

    fn lock(&mut self, id: u64, level: c_int) -> c_int {
        let Some(have) = self.open.get(&id).map(|open| open.level) else { return ffi::SQLITE_IOERR_LOCK };
        if have >= level {
            return ffi::SQLITE_OK;
        }
        let Some((_, file)) = self.file(id) else { return ffi::SQLITE_IOERR_LOCK };
        let shared = &mut file.shared;
        let others = |holder: Option<u64>| holder.is_some_and(|holder| holder != id);
        let own = u32::from(have >= ffi::SQLITE_LOCK_SHARED);
        let mut reached = level;
        match level {
            ffi::SQLITE_LOCK_SHARED => {
                if others(shared.pending) || others(shared.exclusive) {
                    return ffi::SQLITE_BUSY;
                }
                shared.readers += 1;
            }
            ffi::SQLITE_LOCK_RESERVED => {
                if others(shared.reserved) || others(shared.pending) || others(shared.exclusive) {
                    return ffi::SQLITE_BUSY;
                }
                shared.reserved = Some(id);
            }
            _ => {
                if others(shared.reserved) || others(shared.pending) || others(shared.exclusive) {
                    return ffi::SQLITE_BUSY;
                }
                shared.pending = Some(id);
                if shared.readers > own {
                    reached = ffi::SQLITE_LOCK_PENDING;
                } else {
                    shared.exclusive = Some(id);
                }
            }
        }
        if let Some(open) = self.open.get_mut(&id) {
            open.level = reached;
        }
        if reached == level { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
    }

    fn unlock(&mut self, id: u64, level: c_int) -> c_int {
        let Some(have) = self.open.get(&id).map(|open| open.level) else { return ffi::SQLITE_OK };
        if let Some((_, File { shared, .. })) = self.file(id) {
            for holder in [&mut shared.reserved, &mut shared.pending, &mut shared.exclusive] {
                if *holder == Some(id) {
                    *holder = None;
                }
            }
            if have >= ffi::SQLITE_LOCK_SHARED && level == ffi::SQLITE_LOCK_NONE {
                shared.readers -= 1;
            }
        }
        if let Some(open) = self.open.get_mut(&id) {
            open.level = open.level.min(level);
        }
        ffi::SQLITE_OK
    }

    fn is_reserved(&mut self, id: u64) -> bool {
        self.file(id).is_some_and(|(_, file)| file.shared.reserved.is_some() || file.shared.exclusive.is_some())
    }

    /// Locks of the WAL's index: each of the slots from `first` on is taken or given back as a whole.
    fn slots(&mut self, id: u64, first: usize, count: usize, flags: c_int) -> c_int {
        let Some(open) = self.open.get(&id) else { return ffi::SQLITE_IOERR_SHMLOCK };
        let (name, mut mine, mut alone) = (open.name.clone(), open.shared_slots, open.exclusive_slots);
        let Some(file) = self.files.get_mut(&name) else { return ffi::SQLITE_IOERR_SHMLOCK };
        let slots = &mut file.shared.slots;
        let range = first..first + count;
        let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
        if flags & ffi::SQLITE_SHM_LOCK != 0 {
            let free = |slot: usize| {
                let others = slots[slot] - i32::from(mine >> slot & 1 == 1);
                alone >> slot & 1 == 1 || if exclusive { others == 0 } else { slots[slot] >= 0 }
            };
            if !range.clone().all(free) {
                return ffi::SQLITE_BUSY;
            }
            for slot in range {
                if exclusive {
                    (slots[slot], alone) = (-1, alone | 1 << slot);
                } else if mine >> slot & 1 == 0 {
                    (slots[slot], mine) = (slots[slot] + 1, mine | 1 << slot);
                }
            }
        } else {
            for slot in range {
                if alone >> slot & 1 == 1 {
                    (slots[slot], alone) = (0, alone & !(1 << slot));
                } else if mine >> slot & 1 == 1 {
                    (slots[slot], mine) = (slots[slot] - 1, mine & !(1 << slot));
                }
            }
        }
        if let Some(open) = self.open.get_mut(&id) {
            (open.shared_slots, open.exclusive_slots) = (mine, alone);
        }
        ffi::SQLITE_OK
    }

    fn forget_slots(&mut self, id: u64) {
        self.slots(id, 0, 8, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_SHARED);
    }

    fn forget_regions(&mut self, id: u64, delete: bool) {
        self.forget_slots(id);
        let Some(name) = self.open.get(&id).map(|open| open.name.clone()) else { return };
        let last = self.open.iter().all(|(other, open)| *other == id || open.name != name);
        if delete || last {
            self.regions.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn count(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    /// A database in WAL mode whose last commit was not synced.
    fn two_rows(synchronous: &str) {
        install();
        fresh(1, []);
        let connection = Connection::open(Path::new("/terminal/t.sqlite")).unwrap();
        let script = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a); INSERT INTO t VALUES (1);
             PRAGMA synchronous = {synchronous}; INSERT INTO t VALUES (2);"
        );
        connection.execute_batch(&script).unwrap();
        assert_eq!(count(&connection), 2);
        cut();
    }

    #[test]
    fn what_was_not_synced_is_gone_and_what_was_is_there() {
        for (synchronous, survives, rows) in [
            ("FULL", Survives::Synced, 2),
            ("OFF", Survives::Synced, 1),
            ("OFF", Survives::All, 2),
            ("FULL", Survives::Sectors, 2),
        ] {
            two_rows(synchronous);
            restore(survives);
            let connection = Connection::open(Path::new("/terminal/t.sqlite")).unwrap();
            assert_eq!(count(&connection), rows, "synchronous={synchronous}, {survives:?}");
        }
    }

    #[test]
    fn a_write_that_meets_trouble_fails_and_the_next_one_works() {
        for trouble in [Trouble::Broken, Trouble::Full] {
            two_rows("FULL");
            restore(Survives::All);
            let connection = Connection::open(Path::new("/terminal/t.sqlite")).unwrap();
            connection.execute_batch("INSERT INTO t VALUES (3)").unwrap();
            DISK.with_borrow_mut(|disk| disk.troubles.insert(disk.operations, trouble));
            assert!(connection.execute_batch("INSERT INTO t VALUES (4)").is_err());
            connection.execute_batch("INSERT INTO t VALUES (5)").unwrap();
            assert_eq!(count(&connection), 4);
            drop(connection);
        }
    }

    #[test]
    fn two_connections_see_each_other() {
        install();
        fresh(1, []);
        let open = || Connection::open(Path::new("/terminal/t.sqlite")).unwrap();
        let (one, other) = (open(), open());
        one.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(count(&other), 1);
        one.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)").unwrap();
        assert!(other.execute_batch("INSERT INTO t VALUES (3)").is_err(), "one writes at a time");
        assert_eq!(count(&other), 1);
        one.execute_batch("COMMIT").unwrap();
        assert_eq!(count(&other), 2);
        drop(one);
        assert_eq!(count(&other), 2);
        assert!(get("/terminal/t.sqlite-wal").is_some());
        drop(other);
        assert!(get("/terminal/t.sqlite-wal").is_none(), "the last one puts everything into its place");
    }
}
