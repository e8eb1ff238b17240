//! A signed block, opened: `6A | format | ... | hash | BC` (EMV 4.4 Book 2, annex A2.1). All certificates and
//! signatures of a card have this frame.

use std::fmt;

use zeroize::Zeroizing;

use super::OdaFailure;
use crate::crypto::rsa::{HASH_LENGTH, PublicKey, sha_1};

const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;

/// The only hash algorithm indicator there is: SHA-1 (Book 2, annex B3).
const SHA_1: u8 = 0x01;

/// The signed blocks of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Tag 90: the scheme vouches for the issuer's key.
    IssuerCertificate,
    /// Tag 9F46: the issuer vouches for the card's key and its static data.
    CardCertificate,
    /// Tag 9F2D: the issuer vouches for the key that enciphers a PIN.
    PinCertificate,
    /// Tag 93: the issuer vouches for the static data.
    StaticSignature,
    /// Tag 9F4B: the card signs the terminal's challenge, or its cryptogram.
    DynamicSignature,
}

impl Block {
    /// The format byte behind the header.
    pub const fn format(self) -> u8 {
        match self {
            Self::IssuerCertificate => 0x02,
            Self::CardCertificate | Self::PinCertificate => 0x04,
            Self::StaticSignature => 0x03,
            Self::DynamicSignature => 0x05,
        }
    }

    /// Bytes of the block that are not modulus, padding or dynamic data (Book 2, tables 6, 7, 14, 17 and 22).
    pub(super) const fn overhead(self) -> usize {
        match self {
            Self::IssuerCertificate => 36,
            Self::CardCertificate | Self::PinCertificate => 42,
            Self::StaticSignature => 26,
            Self::DynamicSignature => 25,
        }
    }

    /// Where the hash algorithm indicator stands behind the header.
    const fn hash_algorithm_offset(self) -> usize {
        match self {
            Self::IssuerCertificate => 10,
            Self::CardCertificate | Self::PinCertificate => 16,
            Self::StaticSignature | Self::DynamicSignature => 1,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssuerCertificate => "the issuer's certificate (90)",
            Self::CardCertificate => "the card's certificate (9F46)",
            Self::PinCertificate => "the certificate of the PIN key (9F2D)",
            Self::StaticSignature => "the signed static data (93)",
            Self::DynamicSignature => "the card's signature (9F4B)",
        })
    }
}

/// What a block says, once its frame has been found right. The hash is not checked yet.
pub(super) struct Opened {
    block: Block,
    bytes: Zeroizing<Vec<u8>>,
}

impl Opened {
    /// Opens a block with the key above it and checks length, trailer, header, format and hash algorithm, in the order
    /// of the Book (5.3, 5.4, 6.4, 6.5.2, 6.6.2: steps 1 to 4 and 6).
    pub(super) fn open(block: Block, key: &PublicKey, signed: &[u8]) -> Result<Self, OdaFailure> {
        if signed.len() != key.length() || signed.len() < block.overhead() {
            return Err(OdaFailure::BlockLength { block, length: signed.len(), key: key.length() });
        }
        let bytes = Zeroizing::new(key.recover(signed).map_err(|_| OdaFailure::Opening(block))?);
        let opened = Self { block, bytes };
        match opened.bytes.as_slice() {
            [.., last] if *last != TRAILER => Err(OdaFailure::Trailer(block)),
            [first, ..] if *first != HEADER => Err(OdaFailure::Header(block)),
            [_, format, ..] if *format != block.format() => Err(OdaFailure::Format { block, format: *format }),
            _ => match opened.content().get(block.hash_algorithm_offset()) {
                Some(&SHA_1) => Ok(opened),
                indicator => Err(OdaFailure::HashAlgorithm { block, indicator: indicator.copied().unwrap_or(0) }),
            },
        }
    }

    /// From the format byte up to the hash.
    pub(super) fn content(&self) -> &[u8] {
        self.parts().0
    }

    /// Checks that the hash is that of the content and of what the block vouches for beside it.
    pub(super) fn vouches_for(&self, beside: &[&[u8]]) -> Result<(), OdaFailure> {
        let (content, hash) = self.parts();
        let parts: Vec<&[u8]> = std::iter::once(content).chain(beside.iter().copied()).collect();
        if sha_1(&parts) == hash { Ok(()) } else { Err(OdaFailure::Hash(self.block)) }
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        // `open` lets nothing through that is shorter than the frame.
        let framed = self.bytes.get(1..self.bytes.len().saturating_sub(1)).unwrap_or_default();
        framed.split_at(framed.len().saturating_sub(HASH_LENGTH))
    }
}
