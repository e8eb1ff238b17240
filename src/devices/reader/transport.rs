//! How a command travels to a contact card (ISO/IEC 7816-3, 12.2; EMV 4.4 Book 1, 9.3): T=1 carries it whole, T=0 in steps
//! with GET RESPONSE and corrected lengths. The caller above sees one command and one whole answer.
//!
//! Needs: the protocol, and a way to send bytes. Never logs what passes.

use zeroize::Zeroizing;

use super::ReaderError;

/// Steps one command may take. The longest short answer needs two; a card that goes on for ever is broken.
const MAX_STEPS: usize = 16;

/// Transmission protocol of a contact card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Characters, half duplex.
    T0,
    /// Blocks, half duplex.
    T1,
}

impl Protocol {
    /// The protocol an answer to reset offers first: the low half of TD1, T=0 without TD1 (ISO/IEC 7816-3, 8.2.3).
    pub fn of_atr(atr: &[u8]) -> Self {
        let offered = atr.get(1).copied().unwrap_or_default() >> 4;
        let before = (offered & 0x07).count_ones() as usize;
        match atr.get(2 + before) {
            Some(td1) if offered & 0x08 != 0 && td1 & 0x0F == 1 => Self::T1,
            _ => Self::T0,
        }
    }
}

/// Sends one short command through `send` and gives the whole answer, data and two status bytes.
///
/// # Errors
/// [`ReaderError::CardTorn`] for an answer of fewer than two bytes: that is how a card that left can look. Otherwise what
/// `send` says, or [`ReaderError::Failed`] when the command is not a short one or the card goes on for ever.
pub fn exchange(
    protocol: Protocol,
    command: &[u8],
    mut send: impl FnMut(&[u8]) -> Result<Vec<u8>, ReaderError>,
) -> Result<Vec<u8>, ReaderError> {
    match protocol {
        Protocol::T1 => {
            let answer = send(command)?;
            split(&answer)?;
            Ok(answer)
        }
        Protocol::T0 => exchange_t0(command, send),
    }
}

fn exchange_t0(
    command: &[u8],
    mut send: impl FnMut(&[u8]) -> Result<Vec<u8>, ReaderError>,
) -> Result<Vec<u8>, ReaderError> {
    let (mut sent, both_ways) = first_step(command)?;
    // Room for a long answer, so that growing leaves no copies behind.
    let mut collected = Vec::with_capacity(512);
    let mut warning = None;
    for _ in 0..MAX_STEPS {
        let answer = Zeroizing::new(send(&sent)?);
        let (data, [first, second]) = split(&answer)?;
        collected.extend_from_slice(data);
        match first {
            0x61 => sent = get_response(second),
            // Only what asked for data can have asked for the wrong amount of it.
            0x6C if sent.len() == 5 => {
                if let Some(length) = sent.last_mut() {
                    *length = second;
                }
            }
            // A warning comes before the data it belongs to, and stays the result (EMV 4.4 Book 1, 9.3.1).
            0x62 | 0x63 if both_ways && collected.is_empty() && warning.is_none() => {
                warning = Some([first, second]);
                sent = get_response(0);
            }
            _ => {
                collected.extend_from_slice(&warning.unwrap_or([first, second]));
                return Ok(collected);
            }
        }
    }
    Err(ReaderError::Failed("the card goes on without end; use another card".to_owned()))
}

/// The command as T=0 carries it, always with a P3, and whether data goes both ways (case 4).
fn first_step(command: &[u8]) -> Result<(Zeroizing<Vec<u8>>, bool), ReaderError> {
    let mut step = Zeroizing::new(command.to_vec());
    let length = usize::from(command.get(4).copied().unwrap_or_default());
    match command.len() {
        4 => step.push(0),
        5 => return Ok((step, false)),
        whole if length > 0 && whole == 5 + length => return Ok((step, false)),
        // Case 4: Le has no place in T=0; the card says 61xx instead.
        whole if length > 0 && whole == 6 + length => {
            step.truncate(5 + length);
            return Ok((step, true));
        }
        _ => return Err(ReaderError::Failed(format!("a command of {} bytes is not a short one", command.len()))),
    }
    Ok((step, false))
}

fn get_response(length: u8) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(vec![0x00, 0xC0, 0x00, 0x00, length])
}

fn split(answer: &[u8]) -> Result<(&[u8], [u8; 2]), ReaderError> {
    answer.split_last_chunk::<2>().map(|(data, status)| (data, *status)).ok_or(ReaderError::CardTorn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use proptest::prelude::*;

    /// Plays a script of `sent` and `answered` and gives the result of the exchange.
    fn play(protocol: Protocol, command: &str, script: &[(&str, &str)]) -> Result<String, ReaderError> {
        let mut steps = script.iter();
        let result = exchange(protocol, &hex::decode(command).unwrap(), |bytes| {
            let (sent, answered) = steps.next().expect("one step more than the script has");
            assert_eq!(hex::encode(bytes), sent.replace(' ', ""));
            Ok(hex::decode(answered).unwrap())
        });
        assert_eq!(steps.len(), 0, "steps left over");
        result.map(|answer| hex::encode(&answer))
    }

    #[test]
    fn t0_takes_the_steps_of_each_case() {
        for (name, command, script, answer) in [
            ("case 1 gets a P3", "00200080", &[("0020008000", "9000")][..], "9000"),
            ("case 2 as it is", "00B2010C00", &[("00B2010C00", "70009000")], "70009000"),
            (
                "case 2, length corrected",
                "00B2010C00",
                &[("00B2010C00", "6C02"), ("00B2010C02", "70009000")],
                "70009000",
            ),
            ("case 3 as it is", "002000800112", &[("002000800112", "63C2")], "63C2"),
            (
                "case 4 without Le, then GET RESPONSE",
                "00A404000111 00",
                &[("00A404000111", "6103"), ("00C0000003", "AABBCC9000")],
                "AABBCC9000",
            ),
            (
                "case 4 in two parts",
                "00A404000111 00",
                &[("00A404000111", "6102"), ("00C0000002", "AABB6101"), ("00C0000001", "CC9000")],
                "AABBCC9000",
            ),
            (
                "case 4 with a warning before the data",
                "00A404000111 00",
                &[("00A404000111", "6283"), ("00C0000000", "6C02"), ("00C0000002", "6F009000")],
                "6F006283",
            ),
            (
                "case 4 with a warning and nothing behind it",
                "00A404000111 00",
                &[("00A404000111", "6283"), ("00C0000000", "6985")],
                "6283",
            ),
            ("an error ends it", "00A404000111 00", &[("00A404000111", "6A82")], "6A82"),
            ("6C after data is the card's own affair", "00A404000111 00", &[("00A404000111", "6C05")], "6C05"),
        ] {
            assert_eq!(play(Protocol::T0, command, script).as_deref(), Ok(answer), "{name}");
        }
    }

    #[test]
    fn t1_passes_everything_through() {
        let script = [("00A40400011100", "6A82")];
        assert_eq!(play(Protocol::T1, "00A404000111 00", &script).as_deref(), Ok("6A82"));
    }

    #[test]
    fn fewer_than_two_bytes_is_a_card_that_left() {
        for protocol in [Protocol::T0, Protocol::T1] {
            for answered in ["", "90"] {
                let script = [("00B2010C00", answered)];
                assert_eq!(play(protocol, "00B2010C00", &script), Err(ReaderError::CardTorn));
            }
        }
    }

    #[test]
    fn a_card_that_goes_on_for_ever_is_stopped() {
        let mut steps = 0;
        let result = exchange(Protocol::T0, &[0, 0xB2, 1, 0x0C, 0], |_| {
            steps += 1;
            Ok(vec![0x61, 0x10])
        });
        assert!(matches!(result, Err(ReaderError::Failed(_))));
        assert_eq!(steps, MAX_STEPS);
    }

    #[test]
    fn a_command_that_t0_cannot_carry_is_never_sent() {
        for command in [&[0_u8, 0xA4][..], &[0, 0xA4, 4, 0, 3, 1], &[0, 0xA4, 4, 0, 0, 0, 1, 9]] {
            let result = exchange(Protocol::T0, command, |_| unreachable!());
            assert!(matches!(result, Err(ReaderError::Failed(_))), "{command:02X?}");
        }
    }

    #[test]
    fn the_answer_to_reset_names_the_protocol() {
        for (atr, protocol) in [
            ("3B6500002063CB6A00", Protocol::T0),
            ("3BE00000814221", Protocol::T1),
            ("3B80800101", Protocol::T0),
            ("3B8001", Protocol::T1),
            ("3B", Protocol::T0),
        ] {
            assert_eq!(Protocol::of_atr(&hex::decode(atr).unwrap()), protocol, "{atr}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_to_reset_leads_to_a_protocol(atr in proptest::collection::vec(any::<u8>(), 0..40)) {
            let protocol = Protocol::of_atr(&atr);
            // Nothing but a TD1 can name T=1.
            prop_assert!(protocol == Protocol::T0 || atr.get(1).is_some_and(|t0| t0 & 0x80 != 0));
        }
    }
}
