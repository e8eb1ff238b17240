//! The head of a log as a signed note (C2SP tlog-checkpoint): whose log, how many leaves, the hash over them.
//!
//! ```text
//! yima/00000102TEST0001
//! 42
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — yima/00000102TEST0001 ...   the terminal's device key
//! — acquirer/48440000 ...       the key by which the acquirer signs binding records
//! ```

use super::note::{Note, NoteKey, Signature};
use super::tree::{Head, parse_hash, parse_size};
use crate::crypto::base64;

/// A head with the name of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log.
    pub origin: String,
    /// Its head.
    pub head: Head,
}

/// The log of a machine, by its serial number (TUSN), and the name of its device key.
pub fn origin_of_machine(serial_number: &str) -> String {
    format!("yima/{}", named(serial_number))
}

/// The name of an acquirer's key, by its institution code.
pub fn name_of_acquirer(acquirer_code: &str) -> String {
    format!("acquirer/{}", named(acquirer_code))
}

/// The serial number of the machine whose log this is; nothing when it is no machine's.
pub fn machine_of_origin(origin: &str) -> Option<String> {
    let serial_number = origin.strip_prefix("yima/")?.replace("%20", " ").replace("%2B", "+").replace("%25", "%");
    (origin_of_machine(&serial_number) == origin).then_some(serial_number)
}

/// What a name of a key may not have is written as in an address.
fn named(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace(' ', "%20")
}

impl Checkpoint {
    /// What is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, base64::encode(&self.head.root))
    }

    /// Reads what is signed. Lines after the third are none of ours: they are refused.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let head = Head { size: parse_size(size)?, root: parse_hash(root)? };
        (!origin.is_empty() && lines.next().is_none()).then(|| Self { origin: origin.to_owned(), head })
    }

    /// The checkpoint signed by a key; `sign` makes its signature over a text (ECDSA with SHA-256, DER).
    ///
    /// # Errors
    /// Those of `sign`.
    pub fn signed<E>(&self, key: &NoteKey, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>) -> Result<Note, E> {
        let text = self.text();
        let signature = sign(text.as_bytes())?;
        Ok(Note { text, signatures: vec![Signature { signer: key.signer.clone(), signature }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::note::tests::pair;

    /// The example of the document.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_example_of_the_document_is_read_and_written() {
        let checkpoint = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!((checkpoint.head.size, checkpoint.origin.as_str()), (20_852_163, "example.com/behind-the-sofa"));
        assert_eq!(checkpoint.text(), EXAMPLE);
        let signed = format!(
            "{EXAMPLE}\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        );
        let note = Note::parse(&signed).unwrap();
        assert_eq!((note.text.as_str(), note.whole()), (EXAMPLE, signed));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for wrong in [
            "",
            "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
            "a\n1\nCsUY\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n",
        ] {
            assert_eq!(Checkpoint::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_checkpoint_is_signed_under_the_name_of_its_log() {
        let (key, private) = pair(&origin_of_machine("00000102+1"), 1);
        let checkpoint = Checkpoint { origin: origin_of_machine("00000102+1"), head: Head { size: 0, root: [1; 32] } };
        let note = checkpoint.signed(&key, |text| private.sign(text)).unwrap();
        assert_eq!(note.signed_by(&[key]).unwrap()[0].signer.name, "yima/00000102%2B1");
        assert_eq!(Checkpoint::parse(&note.text), Some(checkpoint));
        assert_eq!(name_of_acquirer("48440000"), "acquirer/48440000");
    }

    #[test]
    fn a_machine_is_found_by_the_name_of_its_log() {
        for serial_number in ["00000102TEST0001", "a+b", "a%2Bb", "%", "%25"] {
            assert_eq!(machine_of_origin(&origin_of_machine(serial_number)).as_deref(), Some(serial_number));
        }
        for origin in ["", "yima", "acquirer/1", "yima/a b"] {
            assert_eq!(machine_of_origin(origin), None, "{origin}");
        }
    }
}
