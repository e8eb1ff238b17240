//! Why offline data authentication failed.

use super::Block;
use crate::emv::ca_keys::Rid;
use crate::emv::tag::{self, Tag};

/// The check that failed. None of them ends the transaction: the kernel sets a bit of the TVR and goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OdaFailure {
    /// A data object that the method needs is absent, or empty where that means absent.
    #[error("the card does not give {0}")]
    Missing(Tag),
    /// The terminal has no such CA key.
    #[error("no CA key of {rid} with index {index:02X}; load the scheme's current keys")]
    CaKeyUnknown {
        /// Owner of the application.
        rid: Rid,
        /// Index the card names (tag 8F).
        index: u8,
    },
    /// The CA key may no longer be used.
    #[error("the CA key of {rid} with index {index:02X} has expired")]
    CaKeyExpired {
        /// Owner of the key.
        rid: Rid,
        /// Its index.
        index: u8,
    },
    /// A signed block is not as long as the key that should open it, or too short to hold what it must.
    #[error("{block} has {length} bytes, the key that opens it {key}")]
    BlockLength {
        /// Which block.
        block: Block,
        /// Its length.
        length: usize,
        /// Length of the key.
        key: usize,
    },
    /// The key cannot open the block at all.
    #[error("{0} cannot be opened with the key above it")]
    Opening(Block),
    /// The opened block does not end in `BC`.
    #[error("{0} has a wrong trailer: another key signed it")]
    Trailer(Block),
    /// The opened block does not begin with `6A`.
    #[error("{0} has a wrong header: another key signed it")]
    Header(Block),
    /// The opened block is of another kind.
    #[error("{block} has format {format:02X} instead of {:02X}", block.format())]
    Format {
        /// Which block it should be.
        block: Block,
        /// The format found.
        format: u8,
    },
    /// A hash algorithm other than SHA-1.
    #[error("{block} has hash algorithm {indicator:02X}, only 01 is known")]
    HashAlgorithm {
        /// Which block.
        block: Block,
        /// The indicator found.
        indicator: u8,
    },
    /// A public key algorithm other than RSA.
    #[error("the key in {block} is for algorithm {indicator:02X}, only 01 is known")]
    KeyAlgorithm {
        /// Which certificate.
        block: Block,
        /// The indicator found.
        indicator: u8,
    },
    /// A certified key that is longer than the key that signed it or than EMV allows, or has no length.
    #[error("the key in {block} has {length} bytes, which does not fit under a key of {signer}")]
    KeyLength {
        /// Which certificate.
        block: Block,
        /// Length the certificate announces.
        length: usize,
        /// Length of the key that signed it.
        signer: usize,
    },
    /// A modulus that begins with a zero byte: no key is that long.
    #[error("the key in {0} begins with a zero byte and is shorter than announced")]
    Modulus(Block),
    /// The exponent's length differs from what the certificate announces.
    #[error("{block} announces an exponent of {announced} bytes, the card gives {length}")]
    ExponentLength {
        /// Which certificate.
        block: Block,
        /// Length announced.
        announced: usize,
        /// Length of what the card gives.
        length: usize,
    },
    /// An exponent other than 3 and 65537.
    #[error("the exponent of the key in {0} is neither 3 nor 65537")]
    Exponent(Block),
    /// The remainder of the modulus is too short, too long, absent, or there without need.
    #[error("the remainder of the key in {block} has {length} bytes instead of {expected}")]
    Remainder {
        /// Which certificate.
        block: Block,
        /// Length of what the card gives; 0 when it gives none.
        length: usize,
        /// Length that completes the modulus.
        expected: usize,
    },
    /// The hash in the block is not that of what it should vouch for.
    #[error("{0} does not vouch for the data beside it: the hash differs")]
    Hash(Block),
    /// The certificate is about another card number.
    #[error("{0} is about another card number")]
    Pan(Block),
    /// The certificate's last month is over, or is no month.
    #[error("{block} was good until {:02X}/{:02X}", expiry[0], expiry[1])]
    Expired {
        /// Which certificate.
        block: Block,
        /// MMYY, packed.
        expiry: [u8; 2],
    },
    /// The issuer's certificate is on the revocation list.
    #[error("the issuer's certificate {:02X}{:02X}{:02X} is revoked", serial[0], serial[1], serial[2])]
    Revoked {
        /// Its serial number.
        serial: [u8; 3],
    },
    /// A record that should be authenticated is not one template 70.
    #[error("a record of file {sfi} that should be authenticated is not a template 70")]
    RecordNotTemplate {
        /// Its file.
        sfi: u8,
    },
    /// Tag 9F4A lists something else than the AIP.
    #[error("the list of static data to authenticate (9F4A) names something else than 82")]
    TagList,
    /// There is no DDOL, neither the card's nor the terminal's own.
    #[error("neither card nor terminal has a list for dynamic authentication (9F49)")]
    DdolMissing,
    /// The DDOL is not a list, or does not ask for the unpredictable number.
    #[error("the list for dynamic authentication (9F49) does not ask for the unpredictable number (9F37)")]
    DdolWithoutChallenge,
    /// The answer is not one template of the right kind.
    #[error("the answer with the card's signature is not one template of data objects")]
    Answer,
    /// The dynamic data is longer than its block, or does not hold what it must.
    #[error("the card's signature announces {length} bytes of dynamic data, which cannot be")]
    DynamicData {
        /// Length announced.
        length: usize,
    },
    /// The card's own number does not have two to eight bytes.
    #[error("the card's dynamic number has {length} bytes, it must have 2 to 8")]
    DynamicNumber {
        /// Length announced.
        length: usize,
    },
    /// The kind of cryptogram that is signed is not the one the answer claims.
    #[error("the card signed cryptogram information {signed:02X} and says {said:02X}")]
    CryptogramInformation {
        /// Inside the signature.
        signed: u8,
        /// Tag 9F27 beside it.
        said: u8,
    },
    /// What terminal and card said in this transaction is not what the card signed.
    #[error("the card's signature is over other transaction data: something was changed on the way")]
    TransactionData,
}

impl OdaFailure {
    /// Whether an object is missing that the records of such a card must hold: the TVR has a bit of its own for it. A
    /// signature that does not come with an answer is no such object (Book 3, 7.5).
    pub const fn is_missing_data(&self) -> bool {
        matches!(
            self,
            Self::Missing(
                tag::CA_KEY_INDEX
                    | tag::ISSUER_CERTIFICATE
                    | tag::ISSUER_EXPONENT
                    | tag::SIGNED_STATIC_DATA
                    | tag::ICC_CERTIFICATE
                    | tag::ICC_EXPONENT
            ) | Self::Remainder { length: 0, .. }
        )
    }
}
