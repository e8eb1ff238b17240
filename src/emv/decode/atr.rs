//! The answer to reset: which protocols a card speaks, how fast, and what it says about itself (ISO/IEC 7816-3, 8.2;
//! historical bytes ISO/IEC 7816-4, 8.1.1; EMV 4.4 Book 1, 8).

use serde::Serialize;

use super::{DecodeError, Line};
use crate::crypto::hex;

/// An answer to reset, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerToReset {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// `direct` or `inverse`.
    pub convention: &'static str,
    /// Protocols it offers, the preferred one first: `T=0`, `T=1`.
    pub protocols: Vec<String>,
    /// Interface bytes in the order they stand.
    pub interface: Vec<InterfaceByte>,
    /// Historical bytes, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub historical: Option<Historical>,
    /// The check character, if there must be one: it fits, or the answer would have been refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// An interface byte such as TA1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceByte {
    /// `TA1` to `TDn`.
    pub name: String,
    /// The byte in hexadecimal.
    pub value: String,
    /// What it says.
    pub meaning: String,
}

/// What a card says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Historical {
    /// The bytes in hexadecimal.
    pub value: String,
    /// How they are written.
    pub form: &'static str,
    /// The bytes as text, when all are printable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What stands in them, when the form is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<HistoricalObject>,
}

/// One thing a card says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoricalObject {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
}

const NAME: &str = "Answer To Reset";
/// TS and at most 32 characters (ISO/IEC 7816-3, 8.2.1).
const LONGEST: usize = 33;
/// What TDi calls the bytes that hold for every protocol.
const GLOBAL: u8 = 15;

/// Takes an answer to reset apart.
///
/// # Errors
/// When it is cut off, too long, begins with neither `3B` nor `3F`, or its check character is missing or wrong.
pub fn read(answer: &[u8]) -> Result<AnswerToReset, DecodeError> {
    let found = answer.len();
    if found > LONGEST {
        return Err(DecodeError::Length { name: NAME, expected: "2 to 33 bytes", found, offset: LONGEST });
    }
    let mut reader = Reader { answer, offset: 0 };
    let convention = match reader.byte()? {
        0x3B => "direct",
        0x3F => "inverse",
        _ => return Err(DecodeError::Content { name: NAME, offset: 0, problem: "TS is neither 3B nor 3F" }),
    };
    let format = reader.byte()?;
    let (interface, protocols) = reader.interface(format)?;
    let historical = reader.take(usize::from(format & 0x0F))?;
    // A card that speaks T=0 only sends no check character.
    let check = if protocols == [0] { None } else { Some(reader.check()?) };
    if reader.offset < found {
        return Err(DecodeError::Content { name: NAME, offset: reader.offset, problem: "nothing should follow" });
    }
    Ok(AnswerToReset {
        name: NAME,
        value: hex::encode(answer),
        convention,
        protocols: protocols.iter().filter(|&&number| number != GLOBAL).map(|number| format!("T={number}")).collect(),
        interface,
        historical: (!historical.is_empty()).then(|| Historical::read(historical)),
        check,
    })
}

struct Reader<'a> {
    answer: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.answer.get(self.offset..).unwrap_or_default();
        let cut_off = DecodeError::Content { name: NAME, offset: self.answer.len(), problem: "it is cut off here" };
        let taken = rest.get(..count).ok_or(cut_off)?;
        self.offset += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    /// Interface bytes and the protocols they name; without any, T=0 is meant.
    fn interface(&mut self, format: u8) -> Result<(Vec<InterfaceByte>, Vec<u8>), DecodeError> {
        let mut bytes = Vec::new();
        let mut protocols = Vec::new();
        // T0 and each TDi announce in their left half which of TA, TB, TC and TD follow.
        let mut announced = Some(format);
        let mut group = 1;
        while let Some(which) = announced.take() {
            let protocol = protocols.last().copied().unwrap_or(0);
            for (letter, bit) in [('A', 0x10), ('B', 0x20), ('C', 0x40), ('D', 0x80)] {
                if which & bit == 0 {
                    continue;
                }
                let byte = self.byte()?;
                let meaning = match letter {
                    'D' => format!("{} follows", protocol_name(byte & 0x0F)),
                    _ => meaning(letter, group, protocol, byte),
                };
                if letter == 'D' {
                    protocols.push(byte & 0x0F);
                    announced = Some(byte);
                }
                bytes.push(InterfaceByte { name: format!("T{letter}{group}"), value: hex::encode(&[byte]), meaning });
            }
            group += 1;
        }
        if protocols.is_empty() {
            protocols.push(0);
        }
        protocols.dedup();
        Ok((bytes, protocols))
    }

    /// The check character: all bytes from T0 on, it included, come to zero.
    fn check(&mut self) -> Result<String, DecodeError> {
        let offset = self.offset;
        let check = self.byte()?;
        let sum = self.answer.get(1..=offset).unwrap_or_default().iter().fold(0, |sum, byte| sum ^ byte);
        if sum != 0 {
            return Err(DecodeError::Content { name: NAME, offset, problem: "the check character TCK is wrong" });
        }
        Ok(hex::encode(&[check]))
    }
}

fn protocol_name(number: u8) -> String {
    if number == GLOBAL { "what holds for every protocol".to_owned() } else { format!("T={number}") }
}

/// What TA, TB or TC of a group says. Those of groups 1 and 2 are the same for every card; later ones belong to the
/// protocol that the TD before them named.
fn meaning(letter: char, group: usize, protocol: u8, byte: u8) -> String {
    let (left, right) = (byte >> 4, byte & 0x0F);
    match (group, letter, protocol) {
        (1, 'A', _) => speed(left, right),
        (1, 'B', _) | (2, 'B', _) => "programming voltage, no longer used".to_owned(),
        (1, 'C', _) if byte == 0xFF => "guard time: the shortest of the protocol".to_owned(),
        (1, 'C', _) => format!("guard time: {byte} etu more"),
        (2, 'A', _) => {
            let change = if byte & 0x80 == 0 { "can change" } else { "cannot change" };
            let speed = if byte & 0x10 == 0 { "speed of TA1" } else { "speed known to the reader" };
            format!("specific mode with T={right}, {speed}, {change}")
        }
        (2, 'C', _) => format!("T=0: waiting time integer {byte}"),
        (_, 'A', 1) => format!("T=1: blocks of up to {byte} bytes (IFSC)"),
        (_, 'B', 1) => format!("T=1: block waiting time integer {left}, character waiting time integer {right}"),
        (_, 'C', 1) => format!("T=1: blocks checked by {}", if byte & 1 == 0 { "LRC" } else { "CRC" }),
        (_, 'A', GLOBAL) => {
            let stop = ["not allowed", "with clock low", "with clock high", "allowed"][usize::from(byte >> 6)];
            let classes: String = [(1, 'A'), (2, 'B'), (4, 'C')]
                .iter()
                .filter(|(bit, _)| byte & bit != 0)
                .map(|(_, name)| name)
                .collect();
            format!("clock stop {stop}; voltage classes {}", if classes.is_empty() { "unknown" } else { &classes })
        }
        (_, 'B', GLOBAL) => format!("contact C6 {}", if byte == 0 { "not used" } else { "used" }),
        _ => format!("of {}", protocol_name(protocol)),
    }
}

/// TA1: clock cycles a bit, and the fastest clock (ISO/IEC 7816-3, tables 7 and 8).
fn speed(left: u8, right: u8) -> String {
    const CONVERSION: [(u16, &str); 16] = [
        (372, "4"),
        (372, "5"),
        (558, "6"),
        (744, "8"),
        (1116, "12"),
        (1488, "16"),
        (1860, "20"),
        (0, ""),
        (0, ""),
        (512, "5"),
        (768, "7.5"),
        (1024, "10"),
        (1536, "15"),
        (2048, "20"),
        (0, ""),
        (0, ""),
    ];
    const ADJUSTMENT: [u16; 16] = [0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0];
    match (CONVERSION[usize::from(left & 0x0F)], ADJUSTMENT[usize::from(right & 0x0F)]) {
        ((0, _), _) | (_, 0) => "speed reserved for future use".to_owned(),
        ((conversion, clock), adjustment) => {
            format!(
                "Fi {conversion}, Di {adjustment}: {} clock cycles a bit, up to {clock} MHz",
                conversion / adjustment
            )
        }
    }
}

impl Historical {
    fn read(bytes: &[u8]) -> Self {
        let (form, objects) = match bytes {
            // Objects, then three bytes of status without a tag.
            [0x00, rest @ ..] if rest.len() >= 3 => {
                let (objects, status) = rest.split_at(rest.len() - 3);
                let status = HistoricalObject { name: "status", value: hex::encode(status) };
                let objects = compact_objects(objects).map(|objects| [objects, vec![status]].concat());
                ("compact TLV and status", objects.unwrap_or_default())
            }
            [0x10, reference] => {
                let value = hex::encode(&[*reference]);
                ("reference to directory data", vec![HistoricalObject { name: "reference", value }])
            }
            [0x80, rest @ ..] => ("compact TLV", compact_objects(rest).unwrap_or_default()),
            _ => ("the issuer's own", Vec::new()),
        };
        let printable = bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let text = printable.then(|| String::from_utf8_lossy(bytes).into_owned());
        Self { value: hex::encode(bytes), form, text, objects }
    }
}

/// Objects whose tag and length share one byte (ISO/IEC 7816-4, 8.1.1.2); nothing when they are cut off.
fn compact_objects(mut bytes: &[u8]) -> Option<Vec<HistoricalObject>> {
    let mut objects = Vec::new();
    while let Some((head, rest)) = bytes.split_first() {
        let (value, after) = rest.split_at_checked(usize::from(head & 0x0F))?;
        let name = match head >> 4 {
            1 => "country code",
            2 => "issuer identification number",
            3 => "card service data",
            4 => "initial access data",
            5 => "card issuer's data",
            6 => "pre-issuing data",
            7 => "card capabilities",
            8 => "status",
            15 => "application identifier",
            _ => "unknown",
        };
        objects.push(HistoricalObject { name, value: hex::encode(value) });
        bytes = after;
    }
    Some(objects)
}

impl AnswerToReset {
    /// Convention, protocols, interface and historical bytes.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines =
            vec![Line::new("convention", self.convention), Line::new("protocols", self.protocols.join(", "))];
        for byte in &self.interface {
            lines.push(Line::new(format!("{} {}", byte.name, byte.value), &byte.meaning));
        }
        if let Some(historical) = &self.historical {
            let text = historical.text.as_ref().map(|text| format!(" \"{text}\"")).unwrap_or_default();
            lines.push(Line::new("historical", format!("{}{text}, {}", historical.value, historical.form)));
            lines.extend(historical.objects.iter().map(|object| Line::new(object.name, &object.value)));
        }
        if let Some(check) = &self.check {
            lines.push(Line::new("check", format!("{check}, right")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn answer(text: &str) -> Result<AnswerToReset, DecodeError> {
        read(&hex::decode(text).unwrap())
    }

    #[test]
    fn a_card_with_t_0_sends_no_check_character() {
        assert_eq!(
            told(&answer("3B 65 00 00 59 49 4D 41 31").unwrap().lines()),
            [
                "convention: direct",
                "protocols: T=0",
                "TB1 00: programming voltage, no longer used",
                "TC1 00: guard time: 0 etu more",
                "historical: 59494D4131 \"YIMA1\", the issuer's own",
            ]
        );
        assert_eq!(answer("3B00").unwrap().protocols, ["T=0"]);
    }

    #[test]
    fn a_card_with_t_1_tells_its_block_size() {
        // T0 E5: TB1, TC1, TD1; TD1 81: T=1 and TD2; TD2 31: T=1, TA3 and TB3; TB3 45.
        assert_eq!(
            told(&answer("3B E5 00 00 81 31 FE 45 80 73 00 21 40 7C").unwrap().lines()),
            [
                "convention: direct",
                "protocols: T=1",
                "TB1 00: programming voltage, no longer used",
                "TC1 00: guard time: 0 etu more",
                "TD1 81: T=1 follows",
                "TD2 31: T=1 follows",
                "TA3 FE: T=1: blocks of up to 254 bytes (IFSC)",
                "TB3 45: T=1: block waiting time integer 4, character waiting time integer 5",
                "historical: 8073002140, compact TLV",
                "card capabilities: 002140",
                "check: 7C, right",
            ]
        );
    }

    #[test]
    fn speed_mode_and_what_holds_for_all() {
        // TA1 96, TD1 80 (T=0), TD2 1F (global), TA3 C3; then the check character.
        let both = answer("3B 90 96 80 1F C3 5A").unwrap();
        assert_eq!(both.protocols, ["T=0"]);
        assert_eq!(
            told(&both.lines())[2..],
            [
                "TA1 96: Fi 512, Di 32: 16 clock cycles a bit, up to 5 MHz",
                "TD1 80: T=0 follows",
                "TD2 1F: what holds for every protocol follows",
                "TA3 C3: clock stop allowed; voltage classes AB",
                "check: 5A, right",
            ]
        );
        assert_eq!(meaning('A', 1, 0, 0x11), "Fi 372, Di 1: 372 clock cycles a bit, up to 5 MHz");
        assert_eq!(meaning('A', 1, 0, 0x7F), "speed reserved for future use");
        assert_eq!(meaning('A', 2, 0, 0x81), "specific mode with T=1, speed of TA1, cannot change");
        assert_eq!(meaning('C', 1, 0, 0xFF), "guard time: the shortest of the protocol");
        assert_eq!(meaning('C', 3, 1, 0x00), "T=1: blocks checked by LRC");
    }

    #[test]
    fn historical_bytes_have_four_forms() {
        let objects = |text: &str| {
            let historical = Historical::read(&hex::decode(text).unwrap());
            let objects: Vec<_> = historical.objects.iter().map(|object| (object.name, object.value.clone())).collect();
            (historical.form, objects)
        };
        let status = ("status", "079000".to_owned());
        let capabilities = ("card capabilities", "40".to_owned());
        assert_eq!(objects("007140079000"), ("compact TLV and status", vec![capabilities.clone(), status.clone()]));
        assert_eq!(objects("80714083079000"), ("compact TLV", vec![capabilities, status]));
        assert_eq!(objects("1001"), ("reference to directory data", vec![("reference", "01".to_owned())]));
        assert_eq!(objects("4A434F50"), ("the issuer's own", vec![]));
        assert_eq!(objects("8075"), ("compact TLV", vec![]), "cut off: the bytes are still told");
    }

    #[test]
    fn a_wrong_answer_is_refused_with_the_offset() {
        let cases = [
            ("", 0, "cut off"),
            ("3B", 1, "cut off"),
            ("3A00", 0, "TS"),
            ("3B6500", 3, "cut off"),
            ("3B0000", 2, "nothing should follow"),
            ("3B8001", 3, "cut off"),
            ("3B800100", 3, "TCK"),
        ];
        for (text, place, words) in cases {
            let Err(DecodeError::Content { offset, problem, .. }) = answer(text) else { panic!("{text} was taken") };
            assert!(offset == place && problem.contains(words), "{text}: {problem} at {offset}");
        }
        assert!(answer(&"3B".repeat(34)).is_err());
    }
}
