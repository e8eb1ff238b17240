//! Looks for marked card numbers, in every form in which a program may have them, with or without a track behind: as text of
//! one, two or four bytes a digit, packed from either half of a byte, a digit a byte, in base64 from each of its three places,
//! written out in hexadecimal or as a list. The digits that nobody may see are enough: what a heap writes over the beginning of
//! something that was freed hides nothing. In base64 and in lists the first six stand before them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use openssl::base64;

use crate::customers::{BEGINNING, SERIES, hidden, number};

/// Bytes that are looked through at a time.
const PIECE: usize = 4 << 20;

/// Longer than any pattern, so that one that lies across two pieces is seen.
const OVERLAP: usize = 1024;

/// See the module.
pub struct Search {
    patterns: Vec<Pattern>,
    /// Patterns by their first two bytes.
    by_beginning: BTreeMap<[u8; 2], Vec<usize>>,
    begins: Vec<bool>,
    searched: Cell<u64>,
    missed: Cell<u64>,
}

struct Pattern {
    form: &'static str,
    bytes: Vec<u8>,
}

/// A number that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub form: &'static str,
    /// The file, or the part of the memory.
    pub place: String,
    /// Where in it.
    pub at: u64,
    /// What stands around it, dots for what cannot be read.
    pub around: String,
}

impl Search {
    pub fn new() -> Self {
        let patterns: Vec<Pattern> = (0..SERIES)
            .flat_map(|series| wanted(&hidden(series)))
            .map(|(form, bytes)| Pattern { form, bytes })
            .collect();
        let mut by_beginning: BTreeMap<[u8; 2], Vec<usize>> = BTreeMap::new();
        let mut begins = vec![false; 1 << 16];
        for (index, pattern) in patterns.iter().enumerate() {
            let beginning = [pattern.bytes[0], pattern.bytes[1]];
            by_beginning.entry(beginning).or_default().push(index);
            begins[usize::from(u16::from_be_bytes(beginning))] = true;
        }
        Self { patterns, by_beginning, begins, searched: Cell::new(0), missed: Cell::new(0) }
    }

    /// The names of all forms, in order.
    pub fn forms(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.patterns.iter().map(|pattern| pattern.form).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Bytes that were looked through.
    pub fn searched(&self) -> u64 {
        self.searched.get()
    }

    /// Bytes that could not be read.
    pub fn missed(&self) -> u64 {
        self.missed.get()
    }

    /// Everything in a folder.
    pub fn files(&self, folder: &Path) -> Vec<Hit> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                found.extend(self.files(&path));
            } else if metadata.is_file() {
                let mut file = std::fs::File::open(&path).unwrap();
                self.piecewise(&path.display().to_string(), 0, metadata.len(), |_, bytes| {
                    file.read(bytes).unwrap_or_default()
                })
                .into_iter()
                .for_each(|hit| found.push(hit));
            }
        }
        found
    }

    /// All memory that a process of ours may write: what a core dump has of it.
    pub fn memory(&self, process: u32) -> Vec<Hit> {
        let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
        let mut found = Vec::new();
        for line in maps.lines() {
            let mut columns = line.split_whitespace();
            let (range, rights) = (columns.next().unwrap(), columns.next().unwrap());
            if !rights.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
            let place = format!("memory {range} {}", columns.nth(3).unwrap_or("of its own"));
            found.extend(self.piecewise(&place, from, to - from, |at, bytes| {
                memory.seek(SeekFrom::Start(at)).unwrap();
                memory.read(bytes).unwrap_or_default()
            }));
        }
        found
    }

    fn piecewise(
        &self,
        place: &str,
        from: u64,
        length: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> usize,
    ) -> Vec<Hit> {
        let mut found = Vec::new();
        let mut piece = Vec::new();
        let (mut at, end) = (from, from + length);
        while at < end {
            let kept = piece.len();
            let wanted = PIECE.min(usize::try_from(end - at).unwrap());
            piece.resize(kept + wanted, 0);
            let count = read(at, &mut piece[kept..]);
            piece.truncate(kept + count);
            found.extend(self.look(&piece, kept.saturating_sub(OVERLAP)).into_iter().map(|(form, index)| Hit {
                form,
                place: place.to_owned(),
                at: at - kept as u64 + index as u64,
                around: readable(&piece[index.saturating_sub(48)..(index + 80).min(piece.len())]),
            }));
            if count == 0 {
                // What a process that runs gave back meanwhile. Nothing of one that rests.
                self.missed.set(self.missed.get() + end - at);
                break;
            }
            self.searched.set(self.searched.get() + count as u64);
            at += count as u64;
            piece = piece.split_off(piece.len().saturating_sub(OVERLAP));
        }
        found.sort();
        found.dedup();
        found
    }

    /// Forms that stand in these bytes, and where.
    fn look(&self, bytes: &[u8], from: usize) -> Vec<(&'static str, usize)> {
        let mut found = Vec::new();
        let mut at = from;
        while at + 1 < bytes.len() {
            let (first, second) = (bytes[at], bytes[at + 1]);
            if self.begins[usize::from(first) << 8 | usize::from(second)] {
                for &index in &self.by_beginning[&[first, second]] {
                    if bytes[at..].starts_with(&self.patterns[index].bytes) {
                        found.push((self.patterns[index].form, at));
                    }
                }
            }
            at += 1;
        }
        found
    }
}

/// What there is to say of hits: how many of each form and place, and the first of each.
pub fn told(found: &[Hit]) -> String {
    let mut places: BTreeMap<(&str, &str), Vec<&Hit>> = BTreeMap::new();
    for hit in found {
        places.entry((&hit.place, hit.form)).or_default().push(hit);
    }
    let mut lines = Vec::new();
    for ((place, form), hits) in places {
        lines.push(format!("{} x {form} in {place}", hits.len()));
        lines.extend(hits.iter().take(6).map(|hit| format!("    {:x}: {}", hit.at, hit.around)));
    }
    lines.join("\n")
}

/// What is looked for of a number: its hidden digits, in each form.
fn wanted(hidden: &str) -> Vec<(&'static str, Vec<u8>)> {
    let (alone, behind) = (forms(hidden), forms(&format!("{BEGINNING}{hidden}")));
    let mut all = Vec::new();
    for ((form, alone), (_, behind)) in alone.into_iter().zip(behind) {
        let values: Vec<u8> = hidden.bytes().map(|digit| digit - b'0').collect();
        match form {
            // Half a byte is somebody else's, whatever it is.
            "packed" => all.extend((0..16).map(|half| (form, packed(&[&values, &[half][..]].concat())))),
            "packed from the second half" => {
                all.extend((0..16).map(|half| (form, packed(&[&[half][..], &values].concat()))));
            }
            _ if form.starts_with("base64") || form.starts_with("list") => all.push((form, behind)),
            _ => all.push((form, alone)),
        }
    }
    all
}

/// A number's digits in each form, by its name.
pub fn forms(digits: &str) -> Vec<(&'static str, Vec<u8>)> {
    let ascii = digits.as_bytes();
    let values: Vec<u8> = ascii.iter().map(|digit| digit - b'0').collect();
    let list =
        |bytes: &[u8], write: fn(&u8) -> String| bytes.iter().map(write).collect::<Vec<_>>().join(", ").into_bytes();
    let mut all = vec![
        ("text", ascii.to_vec()),
        ("UTF-16 LE", ascii.iter().flat_map(|digit| [*digit, 0]).collect()),
        ("UTF-16 BE", ascii.iter().flat_map(|digit| [0, *digit]).collect()),
        ("UTF-32", ascii.iter().flat_map(|digit| [*digit, 0, 0, 0]).collect()),
        ("a digit a byte", values.clone()),
        ("packed", packed(&values)),
        ("packed from the second half", packed(&values[1..])),
        ("hexadecimal of text", ascii.iter().flat_map(|digit| format!("{digit:02x}").into_bytes()).collect()),
        ("list of text", list(ascii, u8::to_string)),
        ("list of text in hexadecimal", list(ascii, |byte| format!("{byte:02x}"))),
        ("list packed", list(&packed(&values), u8::to_string)),
        ("list packed from the second half", list(&packed(&values[1..]), u8::to_string)),
    ];
    let bases: [(&[&'static str; 3], Vec<u8>); 3] = [
        (&["base64 of text", "base64 of text, second place", "base64 of text, third place"], ascii.to_vec()),
        (&["base64 packed", "base64 packed, second place", "base64 packed, third place"], packed(&values)),
        (
            &[
                "base64 packed from the second half",
                "base64 packed from the second half, second place",
                "base64 packed from the second half, third place",
            ],
            packed(&values[1..]),
        ),
    ];
    for (names, bytes) in bases {
        all.extend(names.iter().enumerate().map(|(place, name)| (*name, inside_base64(&bytes, place))));
    }
    all
}

/// Two digits a byte; one that is left over is in a byte with something else, and is not looked for.
fn packed(values: &[u8]) -> Vec<u8> {
    values.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// What base64 makes of these bytes wherever they stand: without the characters to which their neighbours belong.
fn inside_base64(bytes: &[u8], place: usize) -> Vec<u8> {
    let text = base64::encode_block(&[&vec![0; place], bytes].concat());
    let whole = (place + bytes.len()) * 8 / 6;
    let own = (place * 8).div_ceil(6);
    text.as_bytes()[own..whole].to_vec()
}

fn readable(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect()
}

#[test]
fn every_form_is_found_at_every_place_of_a_buffer() {
    let search = Search::new();
    for sale in (0..10_000).step_by(499) {
        for (form, bytes) in forms(&number(sale)) {
            for before in 0..5 {
                let buffer = [&vec![0xA5; before], bytes.as_slice(), &[0x5A; 9]].concat();
                let found = search.look(&buffer, 0);
                assert!(found.iter().any(|(found, _)| *found == form), "{form} after {before} bytes: {found:?}");
            }
        }
    }
    assert_eq!(search.look(b"622848*********1236 6228480000000001230", 0), []);
    // Of a whole track, in base64, with anything before it.
    let track = format!("{}D30122201", number(7123));
    for before in 0..3 {
        let text = base64::encode_block(&[&b"xyz"[..before], track.as_bytes()].concat());
        assert_eq!(search.look(text.as_bytes(), 0).len(), 1, "{text}");
    }
}

#[test]
fn what_lies_across_two_pieces_is_found_once() {
    let search = Search::new();
    let whole = hidden(0).into_bytes();
    let mut file = vec![b'.'; PIECE + 100];
    file[PIECE - 7..PIECE - 7 + whole.len()].copy_from_slice(&whole);
    let found = search.piecewise("a file", 0, file.len() as u64, |at, bytes| {
        let at = usize::try_from(at).unwrap();
        bytes.copy_from_slice(&file[at..at + bytes.len()]);
        bytes.len()
    });
    assert_eq!(found.iter().map(|hit| hit.at).collect::<Vec<_>>(), [PIECE as u64 - 7]);
}
