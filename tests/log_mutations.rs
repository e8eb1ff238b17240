//! Ten thousand random changes of an exported log: each is found, and the first thing that is wrong is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use yima::crypto::elliptic::P256PrivateKey;
use yima::proof::checkpoint::Checkpoint;
use yima::proof::export::{Item, file};
use yima::proof::note::{NoteKey, Signature};
use yima::proof::tree::{Frontier, Head};
use yima::proof::verify::{Trust, verify};

/// Entries of the log.
const ENTRIES: u64 = 24;

/// After so many entries the terminal signs, and after the second ones the host as well.
const SIGNED: [u64; 4] = [1, 9, 17, ENTRIES];
const COSIGNED: [u64; 2] = [9, ENTRIES];

const MUTATIONS: u64 = 10_000;

/// Numbers that are as good as drawn, and the same at every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }
}

struct Log {
    file: Vec<u8>,
    device: NoteKey,
    host: NoteKey,
    /// What the host has signed last.
    anchor: Head,
}

fn pair(name: &str, seed: u8) -> (NoteKey, P256PrivateKey) {
    let private = P256PrivateKey::from_seed(&[seed; 40]).unwrap();
    (NoteKey::new(name, &private.public_key().unwrap().to_der().unwrap()).unwrap(), private)
}

fn leaf(number: u64) -> String {
    format!(
        "yima-transaction-1 merchant=898440100000001 terminal=10000001 batch=000001 stan={number:06} kind=sale \
         state=approved resolution= amount={} currency=CNY time=2026-11-22T14:26:09 entry=chip verification=none \
         card=622848*********1230 sequence=1 aid=A000000333010101 response=00 rrn={number:012} authorisation=A12B3C \
         cryptogram=0102030405060708 atc=0001 reason= reversal= late_response= late_rrn= late_authorisation= late_time=",
        number * 100
    )
}

fn log() -> Log {
    let ((device, private), (host, host_private)) = (pair("yima/00000102TEST0001", 1), pair("acquirer/48440000", 2));
    let (mut frontier, mut items) = (Frontier::default(), Vec::new());
    for index in 0..ENTRIES {
        let head = frontier.append(leaf(index + 1).as_bytes());
        items.push(Item::Entry { index, root: head.root, leaf: leaf(index + 1) });
        if SIGNED.contains(&head.size) {
            let checkpoint = Checkpoint { origin: device.signer.name.clone(), head };
            let mut note = checkpoint.signed(&device, |text| private.sign(text)).unwrap();
            if COSIGNED.contains(&head.size) {
                let signature = host_private.sign(note.text.as_bytes()).unwrap();
                note.signatures.push(Signature { signer: host.signer.clone(), signature });
            }
            items.push(Item::Checkpoint { size: head.size, note: note.whole() });
        }
    }
    Log { file: file(&items).into_bytes(), device, host, anchor: frontier.head() }
}

fn lines(file: &[u8]) -> Vec<&[u8]> {
    file.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Which entry a line of the file holds, if it holds one.
fn entry_of(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).unwrap();
    let mut words = text.split(' ').skip(1);
    (words.next() == Some("entry")).then(|| words.next().unwrap().parse().unwrap())
}

/// Changes the file in one of seven ways; says in which.
fn mutate(file: &[u8], dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let all = lines(file);
    let (one, other) = (dice.roll(all.len()), dice.roll(all.len()));
    let mut changed = all.clone();
    let kind = match dice.roll(7) {
        0 => {
            let mut file = file.to_vec();
            let at = dice.roll(file.len());
            file[at] ^= 1 << dice.roll(8);
            return ("a bit flipped", file);
        }
        1 => {
            let mut file = file.to_vec();
            let at = dice.roll(file.len());
            let byte = dice.roll(256) as u8;
            file[at] = byte;
            return ("a byte replaced", file);
        }
        2 => {
            let at = dice.roll(file.len());
            return ("cut off", file[..at].to_vec());
        }
        3 => {
            changed.truncate(one);
            "lines cut off"
        }
        4 => {
            changed.remove(one);
            "a line taken out"
        }
        5 => {
            changed.swap(one, other);
            "two lines exchanged"
        }
        _ => {
            changed.insert(one, all[other]);
            "a line put in"
        }
    };
    (kind, changed.concat())
}

#[test]
fn every_change_is_found_and_named_and_nothing_else_is_accused() {
    let log = log();
    let (device, host) = ([log.device.clone()], [log.host.clone()]);
    let trust = Trust { device: &device, host: &host, anchor: Some(log.anchor), growing: false };
    let whole = lines(&log.file);
    let mut dice = Dice(20_261_128);
    let (mut made, mut unchanged) = (0, 0);
    while made < MUTATIONS {
        let (kind, file) = mutate(&log.file, &mut dice);
        if file == log.file {
            // A byte replaced by itself, two lines that are one: that is no change, and must not be taken for one.
            unchanged += 1;
            if unchanged <= 50 {
                verify(&file, &trust).unwrap_or_else(|fault| panic!("{kind}: accused for nothing: {fault}"));
            }
            continue;
        }
        made += 1;
        // The first line that is not what it was; a file that ends early ends before it.
        let first = whole.iter().zip(lines(&file)).take_while(|(before, after)| *before == after).count();
        let fault = verify(&file, &trust).err().unwrap_or_else(|| panic!("{kind} at line {} is not found", first + 1));
        assert_eq!(fault.line, first as u64 + 1, "{kind}: {fault}");
        if let Some(entry) = whole.get(first).and_then(|line| entry_of(line)) {
            assert_eq!(fault.entry, entry, "{kind}: {fault}");
        }
    }
    assert!(unchanged > 0, "some of them must have changed nothing");
    let verified = verify(&log.file, &trust).unwrap();
    assert_eq!((verified.head, verified.cosigned), (log.anchor, Some(log.anchor)));
}

/// Whoever has the disk, but not the key, can make a file that is right in itself up to what was signed.
#[test]
fn an_entry_rewritten_with_every_root_after_it_is_found_at_the_next_signed_head() {
    let log = log();
    let (device, host) = ([log.device.clone()], [log.host.clone()]);
    let trust = Trust { device: &device, host: &host, anchor: Some(log.anchor), growing: false };
    let signed: Vec<(u64, &[u8])> = lines(&log.file)
        .into_iter()
        .filter(|line| !line.starts_with(b"yima") && entry_of(line).is_none())
        .zip(SIGNED)
        .map(|(line, size)| (size, line))
        .collect();
    for rewritten in 0..ENTRIES {
        let mut frontier = Frontier::default();
        let mut text = b"yima-log-export 1\n".to_vec();
        let mut number = 1;
        for index in 0..ENTRIES {
            let leaf = if index == rewritten { leaf(9999) } else { leaf(index + 1) };
            let head = frontier.append(leaf.as_bytes());
            number += 1;
            text.extend_from_slice(Item::Entry { index, root: head.root, leaf }.line(number).as_bytes());
            if let Some((_, line)) = signed.iter().find(|(size, _)| *size == head.size) {
                number += 1;
                text.extend_from_slice(line);
            }
        }
        let fault = verify(&text, &trust).unwrap_err();
        let before = SIGNED.into_iter().filter(|size| *size <= rewritten).max().unwrap_or(0);
        assert_eq!(fault.entry, before, "{rewritten}: {fault}");
        let next = SIGNED.into_iter().find(|size| *size > rewritten).unwrap();
        assert!(fault.to_string().contains(&format!("entries {before} to {}", next - 1)), "{rewritten}: {fault}");
    }
}
