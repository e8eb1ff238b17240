//! Messages that are changed on the way.

use std::path::Path;

use yima::iso8583::{Dialect, Frame, Message};
use yima::vault::SecureElement;
use yima::vault::software::SoftwareVault;

use super::fault::{Change, Way};

/// Field 64.
const MAC: u8 = 64;

/// Field 39 of an approval of less than was asked for.
const IN_PART: &str = "10";

/// The message with one thing changed; nothing when it has no such field. `kit` holds the terminal's keys, for answers.
pub fn changed(dialect: &Dialect, kit: &Path, way: Way, change: Change, bytes: &[u8]) -> Option<Vec<u8>> {
    let frame = dialect.unpack(bytes).unwrap();
    let mac = frame.message.bytes(MAC).map(<[u8]>::to_vec);
    let (field, length) = match change {
        Change::Mac => {
            let other: Vec<u8> = mac?.iter().map(|byte| if *byte == b'0' { b'1' } else { b'0' }).collect();
            let message = frame.message.clone().with_bytes(MAC, &other);
            return Some(dialect.pack(&Frame { message, ..frame }).unwrap().to_vec());
        }
        Change::NoMac => {
            mac?;
            let message = frame.message.clone().without(MAC);
            return Some(dialect.pack(&Frame { message, ..frame }).unwrap().to_vec());
        }
        Change::Unknown => {
            frame.message.text(39)?;
            let said = [32, 37, 38, 55, 59, 62, MAC].into_iter().fold(frame.message.clone(), Message::without);
            let message = said.with_text(39, "97");
            return Some(dialect.pack(&Frame { message, ..frame }).unwrap().to_vec());
        }
        Change::Stan => (11, 6),
        // How much of it is approved is the host's to say: with its MAC nobody could tell another amount from it.
        Change::Amount if way == Way::Answer && frame.message.text(39) == Some(IN_PART) => return None,
        Change::Amount => (4, 12),
        Change::Terminal => (41, 8),
    };
    let number: u64 = frame.message.text(field)?.parse().unwrap();
    let other = if change == Change::Amount { number - 1 } else { number + 1 };
    let mut message = frame.message.clone().with_text(field, &format!("{other:0length$}"));
    if way == Way::Answer && mac.is_some() {
        let vault = SoftwareVault::open(kit).unwrap();
        let covered = dialect.pack_for_mac(&message.clone().without(MAC)).unwrap();
        message = message.with_bytes(MAC, &vault.mac(&covered).unwrap());
    }
    Some(dialect.pack(&Frame { message, ..frame }).unwrap().to_vec())
}
