//! A text with signatures (C2SP signed-note), signed with ECDSA on P-256: signature type 2 of that document, whose key ID is the
//! first four bytes of SHA-256 over SubjectPublicKeyInfo.
//!
//! ```text
//! the text, in lines
//!
//! — name base64(key ID, signature in DER)
//! ```

use crate::crypto::CryptoError;
use crate::crypto::base64;
use crate::crypto::digest::hash;
use crate::crypto::elliptic::P256PublicKey;

/// What stands before a signature: an em dash and a blank.
const DASH: &str = "\u{2014} ";

/// The signature type of ECDSA.
const ECDSA: u8 = 2;

/// Bytes of a key ID.
const ID_LENGTH: usize = 4;

/// Signatures of a note at most.
const MOST_SIGNATURES: usize = 16;

/// Whose signature it is, without the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Name of the key.
    pub name: String,
    /// The first bytes of its hash.
    pub id: [u8; ID_LENGTH],
}

/// A public key with its name.
#[derive(Clone)]
pub struct NoteKey {
    /// Name and ID.
    pub signer: Signer,
    key: P256PublicKey,
    der: Vec<u8>,
}

/// Why a text is no note, no key, or not signed.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It is not written as notes are.
    #[error("it is no signed note: {0}")]
    Form(&'static str),
    /// A text that is no key.
    #[error("\"{0}\" is no key of a note; it is written name+id+base64")]
    Key(String),
    /// A name that a key cannot have.
    #[error("\"{0}\" cannot be the name of a key: no blanks, no plus")]
    Name(String),
    /// A key that we know has not signed what its signature says.
    #[error("the signature of {0} is wrong")]
    Signature(String),
    /// OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whose.
    pub signer: Signer,
    /// ECDSA with SHA-256 over the text, in DER.
    pub signature: Vec<u8>,
}

/// A text with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with the line feed at its end.
    pub text: String,
    /// Signatures, in their order.
    pub signatures: Vec<Signature>,
}

impl NoteKey {
    /// A key (SubjectPublicKeyInfo, DER) under a name.
    ///
    /// # Errors
    /// When it is none of P-256, or the name has blanks or a plus.
    pub fn new(name: &str, der: &[u8]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name(name.to_owned()));
        }
        let key = P256PublicKey::from_der(der)?;
        let [a, b, c, d, ..] = hash(&[der]);
        Ok(Self { signer: Signer { name: name.to_owned(), id: [a, b, c, d] }, key, der: der.to_owned() })
    }

    /// The key as one line: name, ID and key, divided by plus.
    pub fn text(&self) -> String {
        let key = base64::encode(&[&[ECDSA], self.der.as_slice()].concat());
        format!("{}+{:08x}+{key}", self.signer.name, u32::from_be_bytes(self.signer.id))
    }

    /// Reads that line.
    ///
    /// # Errors
    /// When it is none, or its ID is another key's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Key(text.to_owned());
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(wrong()) };
        let bytes = base64::decode(key).ok_or_else(wrong)?;
        let (&ECDSA, der) = bytes.split_first().ok_or_else(wrong)? else { return Err(wrong()) };
        let key = Self::new(name, der).map_err(|_| wrong())?;
        if key.text() == text { Ok(key) } else { Err(wrong()) }
    }
}

impl std::fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|character| character.is_whitespace() || character.is_control() || character == '+')
}

impl Signature {
    /// The line of a note, with its line feed.
    pub fn line(&self) -> String {
        let bytes = [self.signer.id.as_slice(), &self.signature].concat();
        format!("{DASH}{} {}\n", self.signer.name, base64::encode(&bytes))
    }

    /// Reads that line, with its line feed.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, text) = line.strip_prefix(DASH)?.strip_suffix('\n')?.split_once(' ')?;
        let bytes = base64::decode(text)?;
        let (id, signature) = bytes.split_first_chunk::<ID_LENGTH>()?;
        if !is_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self { signer: Signer { name: name.to_owned(), id: *id }, signature: signature.to_owned() })
    }
}

impl Note {
    /// The note as a whole.
    pub fn whole(&self) -> String {
        let signatures: String = self.signatures.iter().map(Signature::line).collect();
        format!("{}\n{signatures}", self.text)
    }

    /// Reads a note. Whether its signatures are right is asked afterwards.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(whole: &str) -> Result<Self, NoteError> {
        if whole.chars().any(|character| character != '\n' && character.is_ascii_control()) {
            return Err(NoteError::Form("there is a control character in it"));
        }
        let divided = whole.rfind("\n\n").ok_or(NoteError::Form("text and signatures are not divided"))?;
        let (text, rest) = whole.split_at(divided + 1);
        let lines: Vec<&str> = rest.strip_prefix('\n').unwrap_or(rest).split_inclusive('\n').collect();
        if lines.is_empty() || lines.len() > MOST_SIGNATURES {
            return Err(NoteError::Form("it has no signature, or too many"));
        }
        let signatures: Option<Vec<_>> = lines.into_iter().map(Signature::parse).collect();
        let signatures = signatures.ok_or(NoteError::Form("a signature is not written as one"))?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Those of these keys that signed it. Signatures of other keys are passed over.
    ///
    /// # Errors
    /// When a signature of one of these keys is wrong: then nothing of the note is believed.
    pub fn signed_by<'k>(&self, keys: &'k [NoteKey]) -> Result<Vec<&'k NoteKey>, NoteError> {
        let mut found = Vec::new();
        for signature in &self.signatures {
            let Some(key) = keys.iter().find(|key| key.signer == signature.signer) else { continue };
            if !key.key.verify(self.text.as_bytes(), &signature.signature)? {
                return Err(NoteError::Signature(key.signer.name.clone()));
            }
            found.push(key);
        }
        Ok(found)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::crypto::elliptic::P256PrivateKey;

    /// A key pair of this name.
    pub fn pair(name: &str, seed: u8) -> (NoteKey, P256PrivateKey) {
        let private = P256PrivateKey::from_seed(&[seed; 40]).unwrap();
        (NoteKey::new(name, &private.public_key().unwrap().to_der().unwrap()).unwrap(), private)
    }

    pub fn sign(key: &NoteKey, private: &P256PrivateKey, text: &str) -> Signature {
        Signature { signer: key.signer.clone(), signature: private.sign(text.as_bytes()).unwrap() }
    }

    #[test]
    fn a_note_is_written_and_read_and_its_signatures_are_looked_at() {
        let (key, private) = pair("yima/0001", 1);
        let (other, _) = pair("yima/0001", 2);
        let text = "one\n\ntwo\n";
        let note = Note { text: text.to_owned(), signatures: vec![sign(&key, &private, text)] };
        let whole = note.whole();
        assert!(whole.starts_with("one\n\ntwo\n\n\u{2014} yima/0001 "), "{whole}");
        assert_eq!(Note::parse(&whole).unwrap(), note);
        assert_eq!(note.signed_by(std::slice::from_ref(&key)).unwrap().len(), 1);
        assert!(note.signed_by(std::slice::from_ref(&other)).unwrap().is_empty(), "of the same name, not the same key");
        let changed = Note { text: "one\n\nthree\n".to_owned(), ..note };
        assert!(matches!(changed.signed_by(&[key]), Err(NoteError::Signature(_))));
    }

    #[test]
    fn a_key_is_one_line_with_the_id_that_the_document_wants() {
        let (key, _) = pair("yima/0001", 1);
        let text = key.text();
        assert_eq!(NoteKey::parse(&text).unwrap().text(), text);
        let [a, b, c, d, ..] = hash(&[&key.der]);
        assert_eq!(key.signer.id, [a, b, c, d], "of ECDSA it is the hash of the key alone");
        let other_id = text.replace(&format!("{:08x}", u32::from_be_bytes(key.signer.id)), "00000000");
        for wrong in ["", "a+b", "a+00000000+AQ==", &other_id, &format!("{text} ")] {
            assert!(NoteKey::parse(wrong).is_err(), "{wrong}");
        }
        assert!(matches!(NoteKey::new("two words", &key.der), Err(NoteError::Name(_))));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let (key, private) = pair("k", 1);
        let line = sign(&key, &private, "text\n").line();
        for wrong in [
            String::new(),
            "text\n".to_owned(),
            "text\n\n".to_owned(),
            format!("text\n{line}"),
            format!("text\n\n{line}x"),
            format!("te\rxt\n\n{line}"),
            format!("text\n\n{}", line.trim_end()),
            format!("text\n\n{}", line.replacen("\u{2014}", "-", 1)),
            format!("text\n\n{}", line.repeat(17)),
            "text\n\n\u{2014} k AAAA\n".to_owned(),
            "text\n\n\u{2014} k AAAAAA==\n".to_owned(),
        ] {
            assert!(Note::parse(&wrong).is_err(), "{wrong:?}");
        }
        assert!(Note::parse(&format!("text\n\n{}", line.repeat(16))).is_ok());
    }
}
