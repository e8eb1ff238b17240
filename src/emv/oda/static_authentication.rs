//! Static data authentication (EMV 4.4 Book 2, 5.4).

use super::block::{Block, Opened};
use super::{IssuerKey, OdaFailure, StaticData};

/// Checks the signed static application data (tag 93) and gives the data authentication code, which is to become tag 9F45.
///
/// # Errors
/// The check that failed.
pub fn verify_static(issuer: &IssuerKey, signed: &[u8], data: &StaticData) -> Result<[u8; 2], OdaFailure> {
    let block = Block::StaticSignature;
    let opened = Opened::open(block, &issuer.0, signed)?;
    opened.vouches_for(&[data.as_bytes()])?;
    match opened.content() {
        [_format, _hash_algorithm, first, second, ..] => Ok([*first, *second]),
        _ => Err(OdaFailure::BlockLength { block, length: signed.len(), key: issuer.0.length() }),
    }
}
