//! What SQLite calls, and the only file with `unsafe` code: pointers become slices, names and numbers of open files here, and
//! nothing else is done. No crate for it fits: `sqlite-plugin` asks for SQLite 3.43 and Debian 12 has 3.40, `sqlite-vfs` has
//! no WAL.
#![allow(unsafe_code, reason = "SQLite's virtual file systems are C")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::Once;

use rusqlite::ffi;

use super::{Change, DISK, Disk};

/// As much of a WAL's index as SQLite asks for at a time, in bytes.
const REGION: usize = 32 * 1024;

/// Memory that connections share; it stays where it is as long as it is kept.
pub struct Region(Box<[u64; REGION / 8]>);

/// An open file as SQLite keeps it: its methods come first, then what the disk knows it by.
#[repr(C)]
struct Handle {
    methods: *const ffi::sqlite3_io_methods,
    id: u64,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Has every database of this process on the disks in memory from now on.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // What SQLite counts of its memory is behind one lock, where days that are lived side by side would queue.
        // SAFETY: before anything else of SQLite; an int is what this setting takes.
        unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0 as c_int) };
        let vfs = Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<Handle>() as c_int,
            mxPathname: 512,
            pNext: null_mut(),
            zName: c"simulated".as_ptr(),
            pAppData: null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        // SAFETY: the structure lives as long as the process, and all functions in it are those of this file.
        let registered = unsafe { ffi::sqlite3_vfs_register(Box::leak(vfs), 1) };
        assert_eq!(registered, ffi::SQLITE_OK);
        yima::ledger::write_logs_again_by(super::write_again);
    });
}

fn with<T>(work: impl FnOnce(&mut Disk) -> T) -> T {
    DISK.with_borrow_mut(work)
}

/// The number by which the disk knows an open file.
fn id(file: *mut ffi::sqlite3_file) -> u64 {
    // SAFETY: SQLite calls the methods of a file with what `open` made of its memory.
    unsafe { (*file.cast::<Handle>()).id }
}

fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite gives a C string that outlives the call; it is not kept longer.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let handle = file.cast::<Handle>();
    let opened = with(|disk| disk.open(text(name), flags));
    // SAFETY: `file` points to `szOsFile` bytes, which are for us to fill. Without methods SQLite does not close it.
    unsafe {
        match opened {
            Ok(id) => {
                handle.write(Handle { methods: &raw const METHODS, id });
                if !out.is_null() {
                    *out = flags;
                }
                ffi::SQLITE_OK
            }
            Err(code) => {
                handle.write(Handle { methods: std::ptr::null(), id: u64::MAX });
                code
            }
        }
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, durable: c_int) -> c_int {
    with(|disk| disk.delete(text(name).unwrap_or_default(), durable != 0))
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    let there = with(|disk| disk.files.contains_key(text(name).unwrap_or_default()));
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = c_int::from(there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: `name` is a C string, and `out` has room for `length` characters.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > length as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    // SAFETY: `out` has room for `length` bytes.
    let bytes = unsafe { from_raw_parts_mut(out.cast::<u8>(), length as usize) };
    with(|disk| {
        for byte in bytes.iter_mut() {
            *byte = disk.random.as_mut().map_or(7, |random| random.next() as u8);
        }
    });
    length
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = 2_461_373.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_ms(_: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = 2_461_373 * 86_400_000 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    with(|disk| disk.close(id(file)));
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: `into` has room for `length` bytes.
    let into = unsafe { from_raw_parts_mut(into.cast::<u8>(), length as usize) };
    with(|disk| disk.read(id(file), into, at as usize))
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: `from` holds `length` bytes.
    let bytes = unsafe { from_raw_parts(from.cast::<u8>(), length as usize) };
    with(|disk| disk.change(id(file), &Change::Write(at as usize, bytes.to_vec())))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    with(|disk| disk.change(id(file), &Change::Truncate(length as usize)))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    with(|disk| disk.sync(id(file)))
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    let length = with(|disk| disk.file(id(file)).map_or(0, |(_, file)| file.content.len()));
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = length as i64 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    with(|disk| disk.lock(id(file), level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    with(|disk| disk.unlock(id(file), level))
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    let reserved = with(|disk| disk.is_reserved(id(file)));
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = c_int::from(reserved) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

/// The same as SQLite's own for Linux says.
unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let id = id(file);
    let mapped = with(|disk| {
        let name = disk.open.get(&id)?.name.clone();
        let regions = disk.regions.entry(name).or_default();
        while extend != 0 && regions.len() <= region as usize {
            regions.push(Region(Box::new([0; REGION / 8])));
        }
        regions.get_mut(region as usize).map(|region| region.0.as_mut_ptr().cast::<c_void>())
    });
    assert_eq!(size as usize, REGION);
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = mapped.unwrap_or(null_mut()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    with(|disk| disk.slots(id(file), first as usize, count as usize, flags))
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    with(|disk| disk.forget_regions(id(file), delete != 0));
    ffi::SQLITE_OK
}
