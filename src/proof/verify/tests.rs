use super::*;
use crate::crypto::elliptic::P256PrivateKey;
use crate::proof::export::file;
use crate::proof::leaf::tests::paid;
use crate::proof::note::tests::{pair, sign};

const ORIGIN: &str = "yima/1";

/// A log that is signed at some sizes, by device and host.
struct Log {
    device: (NoteKey, P256PrivateKey),
    host: (NoteKey, P256PrivateKey),
    frontier: Frontier,
    items: Vec<Item>,
}

impl Log {
    fn new() -> Self {
        let (device, host) = (pair(ORIGIN, 1), pair("acquirer/1", 2));
        Self { device, host, frontier: Frontier::default(), items: Vec::new() }
    }

    fn entry(&mut self, leaf: &str) {
        let index = self.frontier.size();
        let head = self.frontier.append(leaf.as_bytes());
        self.items.push(Item::Entry { index, root: head.root, leaf: leaf.to_owned() });
    }

    fn checkpoint(&mut self, cosigned: bool) {
        let (device, private) = &self.device;
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), head: self.frontier.head() };
        let mut note = checkpoint.signed(device, |text| private.sign(text)).unwrap();
        if cosigned {
            note.signatures.push(sign(&self.host.0, &self.host.1, &note.text));
        }
        self.items.push(Item::Checkpoint { size: checkpoint.head.size, note: note.whole() });
    }

    /// Six entries, signed at 0, 2 and 6, by the host at 2.
    fn usual() -> Self {
        let mut log = Self::new();
        log.checkpoint(false);
        (1..=2).for_each(|stan| log.entry(&paid(stan).text()));
        log.checkpoint(true);
        (3..=6).for_each(|stan| log.entry(&paid(stan).text()));
        log.checkpoint(false);
        log
    }

    fn verify(&self, anchor: Option<Head>) -> Result<Verified, Fault> {
        let (device, host) = ([self.device.0.clone()], [self.host.0.clone()]);
        verify(file(&self.items).as_bytes(), &Trust { device: &device, host: &host, anchor, growing: false })
    }

    fn head_at(&self, size: u64) -> Head {
        let mut frontier = Frontier::default();
        (1..=size).for_each(|stan| _ = frontier.append(paid(stan as u32).text().as_bytes()));
        frontier.head()
    }
}

#[test]
fn a_log_that_is_whole_is_not_accused() {
    let log = Log::usual();
    let verified = log.verify(Some(log.head_at(4))).unwrap();
    assert_eq!((verified.head, verified.checkpoints), (log.head_at(6), 3));
    assert_eq!((verified.cosigned, verified.not_looked_at), (Some(log.head_at(2)), 0));
    let device = [log.device.0.clone()];
    let verified = verify(file(&log.items).as_bytes(), &Trust { device: &device, ..Trust::default() }).unwrap();
    assert_eq!((verified.cosigned, verified.not_looked_at), (None, 1), "nobody brought the acquirer's key");
    let mut empty = Log::new();
    empty.checkpoint(true);
    assert_eq!(empty.verify(None).unwrap().head.size, 0);
}

#[test]
fn an_entry_that_was_rewritten_with_all_roots_after_it_is_found_by_what_was_signed() {
    let mut log = Log::usual();
    let (device, host) = (log.device.clone(), log.host.clone());
    let signed: Vec<_> = log.items.iter().filter(|item| matches!(item, Item::Checkpoint { .. })).cloned().collect();
    log = Log { device, host, ..Log::new() };
    log.items.push(signed[0].clone());
    (1..=2).for_each(|stan| log.entry(&paid(stan).text()));
    log.items.push(signed[1].clone());
    (3..=6).for_each(|stan| log.entry(&paid(if stan == 5 { 500 } else { stan }).text()));
    log.items.push(signed[2].clone());
    let fault = log.verify(None).unwrap_err();
    assert!(matches!(fault.problem, Problem::Rewritten { from: 2, to: 5, .. }), "{fault}");
    assert_eq!((fault.line, fault.entry), (10, 2));
    // Who knows a head in between knows more.
    let fault = log.verify(Some(Log::usual().head_at(5))).unwrap_err();
    assert!(matches!(fault.problem, Problem::Rewritten { from: 2, to: 4, .. }), "{fault}");
}

#[test]
fn a_log_that_was_shortened_to_one_of_its_checkpoints_is_found_by_its_anchor() {
    let mut log = Log::usual();
    let anchor = log.head_at(6);
    log.items.truncate(4);
    assert_eq!(log.verify(None).unwrap().head.size, 2, "the file alone is whole");
    let fault = log.verify(Some(anchor)).unwrap_err();
    assert!(matches!(fault.problem, Problem::Shortened { size: 6 }), "{fault}");
    assert_eq!((fault.line, fault.entry), (6, 2));
}

#[test]
fn whoever_signs_without_being_known_is_not_believed() {
    let mut log = Log::usual();
    log.device.0 = pair(ORIGIN, 9).0;
    assert!(matches!(log.verify(None).unwrap_err().problem, Problem::NotSigned));
    let mut log = Log::usual();
    log.host.0 = pair("acquirer/2", 2).0;
    assert!(matches!(log.verify(None).unwrap_err().problem, Problem::Stranger(_)));
    // A log of another terminal, signed by this one's key.
    let mut log = Log::usual();
    let other = Checkpoint { origin: "yima/2".to_owned(), head: log.frontier.head() };
    let note = other.signed(&log.device.0, |text| log.device.1.sign(text)).unwrap();
    log.items.push(Item::Checkpoint { size: 6, note: note.whole() });
    assert!(matches!(log.verify(None).unwrap_err().problem, Problem::Origin { .. }));
}

#[test]
fn a_file_that_ends_without_a_checkpoint_or_is_no_log_is_refused() {
    let mut log = Log::usual();
    log.items.pop();
    let fault = log.verify(None).unwrap_err();
    assert!(matches!(fault.problem, Problem::End), "{fault}");
    let device = [log.device.0.clone()];
    let where_it_grows = Trust { device: &device, growing: true, ..Trust::default() };
    let verified = verify(file(&log.items).as_bytes(), &where_it_grows).unwrap();
    assert_eq!((verified.head.size, verified.signed), (6, 2), "the terminal itself knows that it goes on");
    assert!(matches!(Log::new().verify(None).unwrap_err().problem, Problem::End));
    for text in ["", "yima-log-export 2\n", "yima-log-export 1"] {
        assert!(matches!(verify(text.as_bytes(), &Trust::default()).unwrap_err().problem, Problem::Title), "{text}");
    }
}
