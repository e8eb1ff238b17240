//! What the card makes of its issuer's answer (EMV 4.4 Book 2, 8.2; Book 3, 10.9): was it the issuer, and did it
//! approve.

use super::transaction::Chip;
use crate::crypto::{CryptoError, mac};
use crate::sandbox::issuer::{ResponseMethod, STATUS_UPDATE_APPROVES, approves};

/// What a right proof covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// Method 1: the response code.
    Code([u8; 2]),
    /// Method 2: whether the card status update approves.
    StatusUpdate {
        /// Its bit.
        approves: bool,
    },
}

/// What has come of the issuer's proof so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// There is none.
    Missing,
    /// It is not the issuer's.
    Wrong,
    /// It is the issuer's.
    Right(Vouched),
}

/// What the card makes of it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The issuer approved, and it was the issuer.
    Approved,
    /// The issuer declined, and it was the issuer.
    Declined,
    /// The proof is wrong, or vouches for another answer than the terminal says.
    Forged,
    /// The host answered without a proof.
    Unauthenticated {
        /// What it said.
        approval: bool,
    },
    /// The terminal heard nothing (`Y3`, `Z3`), or never asked (`Y1`, `Z1`).
    Unreachable {
        /// The terminal would approve.
        may_approve: bool,
    },
}

/// Checks issuer authentication data (tag 91) against the ARQC it answers.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn check(chip: &Chip, atc: u16, arqc: [u8; 8], data: &[u8]) -> Result<Proof, CryptoError> {
    let session = chip.master.session_key(atc)?;
    Ok(match chip.method {
        ResponseMethod::One => {
            let Some((cryptogram, code)) = data.split_first_chunk::<8>() else { return Ok(Proof::Wrong) };
            let Ok(code) = <[u8; 2]>::try_from(code) else { return Ok(Proof::Wrong) };
            let right = mac::equal(&session.response_cryptogram_1(arqc, code)?, cryptogram);
            if right { Proof::Right(Vouched::Code(code)) } else { Proof::Wrong }
        }
        ResponseMethod::Two => {
            let Some((cryptogram, rest)) = data.split_first_chunk::<4>() else { return Ok(Proof::Wrong) };
            let Some((update, proprietary)) = rest.split_first_chunk::<4>() else { return Ok(Proof::Wrong) };
            let right = mac::equal(&session.response_cryptogram_2(arqc, *update, proprietary)?, cryptogram);
            let approves = update[1] & STATUS_UPDATE_APPROVES != 0;
            if right { Proof::Right(Vouched::StatusUpdate { approves }) } else { Proof::Wrong }
        }
    })
}

/// Holds the proof against the response code (tag 8A) that the terminal gives.
pub fn verdict(proof: Proof, said: &[u8]) -> Verdict {
    let approval = <[u8; 2]>::try_from(said).is_ok_and(approves);
    match (said, proof) {
        (b"Y3", _) => Verdict::Unreachable { may_approve: true },
        (b"Z3" | b"Y1" | b"Z1", _) => Verdict::Unreachable { may_approve: false },
        (_, Proof::Missing) => Verdict::Unauthenticated { approval },
        (_, Proof::Wrong) => Verdict::Forged,
        (_, Proof::Right(Vouched::Code(code))) if code != said => Verdict::Forged,
        (_, Proof::Right(Vouched::StatusUpdate { approves })) if approves != approval => Verdict::Forged,
        (_, Proof::Right(_)) if approval => Verdict::Approved,
        (_, Proof::Right(_)) => Verdict::Declined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_must_say_what_the_issuer_vouches_for() {
        let code = |code: &[u8; 2]| Proof::Right(Vouched::Code(*code));
        let update = |approves| Proof::Right(Vouched::StatusUpdate { approves });
        for (proof, said, expected) in [
            (code(b"00"), b"00", Verdict::Approved),
            (code(b"10"), b"10", Verdict::Approved),
            (code(b"51"), b"51", Verdict::Declined),
            (code(b"05"), b"00", Verdict::Forged),
            (update(true), b"00", Verdict::Approved),
            (update(false), b"51", Verdict::Declined),
            (update(false), b"00", Verdict::Forged),
            (update(true), b"51", Verdict::Forged),
            (Proof::Wrong, b"00", Verdict::Forged),
            (Proof::Missing, b"00", Verdict::Unauthenticated { approval: true }),
            (Proof::Missing, b"51", Verdict::Unauthenticated { approval: false }),
            (Proof::Missing, b"Y3", Verdict::Unreachable { may_approve: true }),
            (Proof::Wrong, b"Z3", Verdict::Unreachable { may_approve: false }),
            (Proof::Missing, b"Z1", Verdict::Unreachable { may_approve: false }),
        ] {
            assert_eq!(verdict(proof, said), expected, "{proof:?}, {said:?}");
        }
    }
}
