//! Static data authentication (EMV 4.4 Book 2, 5.4).

use super::block::{Block, Opened};
use super::{IssuerKey, OdaFailure, StaticData};

/// Checks the signed static application data (tag 93) and gives the data authentication code, which is to become tag
/// 9F45.
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

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn signed_static_data_gives_its_code_and_every_fault_a_name() {
        let (issuer, data, key) = (issuer(), static_data(), &KEYS.private.issuer);
        let block = Block::StaticSignature;
        let made = |content: &[u8], frame| signature(key, content, &[data.as_bytes()], frame);
        let good = made(&[0x03, 0x01, 0xDA, 0xC5], FRAME);
        assert_eq!(verify_static(&issuer, &good, &data), Ok([0xDA, 0xC5]));
        let other = records().finish(None, [0x39, 0x00]).unwrap();
        assert_eq!(verify_static(&issuer, &good, &other), Err(OdaFailure::Hash(block)));
        for (signed, expected) in [
            (good[1..].to_vec(), OdaFailure::BlockLength { block, length: 143, key: 144 }),
            (vec![0xFF; 144], OdaFailure::Opening(block)),
            (made(&[0x03, 0x01, 0, 0], [0x6A, 0xBB]), OdaFailure::Trailer(block)),
            (made(&[0x03, 0x01, 0, 0], [0x6B, 0xBC]), OdaFailure::Header(block)),
            (made(&[0x05, 0x01, 0, 0], FRAME), OdaFailure::Format { block, format: 0x05 }),
            (made(&[0x03, 0x02, 0, 0], FRAME), OdaFailure::HashAlgorithm { block, indicator: 0x02 }),
        ] {
            assert_eq!(verify_static(&issuer, &signed, &data), Err(expected));
        }
    }
}
