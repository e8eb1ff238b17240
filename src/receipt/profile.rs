//! What a printer model can do: a TOML file in `assets/printers/`.

use serde::Deserialize;

use super::Charset;

/// A model of printer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterProfile {
    /// One line for lists.
    pub title: String,
    /// Columns of a line; an ASCII character takes one, a Chinese one two.
    pub columns: u16,
    /// Dots of a line.
    pub dots: u16,
    /// What it can print.
    pub chinese: Charset,
    /// Whether it answers `GS r 1`, so that "printed" can be known.
    pub confirms_end_mark: bool,
    /// Whether it knows `DLE DC4 8`, which clears its buffer, and says so.
    #[serde(default)]
    pub clears_buffer: bool,
    /// Whether it knows `ESC $`, which goes on at a place of the line: blanks in the middle of a line are not sent then.
    #[serde(default)]
    pub moves: bool,
    /// Whether it cuts.
    pub cutter: bool,
    /// Lines fed at the end, before the cut.
    pub feed_lines: u8,
    /// Dots of one module of a QR code, 1 to 16.
    pub qr_module_dots: u8,
    /// Bytes that are written at one go, never more than the printer's buffer takes.
    pub write_step: u16,
    /// The cash drawer at its connector; none, where it has none.
    #[serde(default)]
    pub drawer: Option<Drawer>,
}

/// A cash drawer at the printer's connector (DK), opened by a pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawer {
    /// On which pin of the connector: 2 or 5.
    pub pin: u8,
    /// How long the pulse is, in milliseconds: 2 to 510.
    pub on_ms: u16,
    /// How long the printer waits after it, in milliseconds: no less than the pulse.
    pub off_ms: u16,
}

impl Drawer {
    /// What most drawers are opened by.
    pub const USUAL: Self = Self { pin: FIRST_PIN, on_ms: 100, off_ms: 200 };

    /// The command: `ESC p m t1 t2`, times in steps of two milliseconds.
    pub fn pulse(self) -> [u8; 5] {
        let step = |ms: u16| u8::try_from(ms / STEP_MS).unwrap_or(u8::MAX);
        [0x1B, b'p', u8::from(self.pin == SECOND_PIN), step(self.on_ms), step(self.off_ms)]
    }

    fn check(self) -> Result<(), String> {
        if self.pin != FIRST_PIN && self.pin != SECOND_PIN {
            return Err(format!("drawer.pin must be {FIRST_PIN} or {SECOND_PIN}, not {}", self.pin));
        }
        for (name, ms) in [("on_ms", self.on_ms), ("off_ms", self.off_ms)] {
            if !(STEP_MS..=LONGEST_MS).contains(&ms) {
                return Err(format!("drawer.{name} must be {STEP_MS} to {LONGEST_MS}, not {ms}"));
            }
        }
        // The printer would wait as long as the pulse all the same.
        if self.off_ms < self.on_ms {
            Err("drawer.off_ms must not be less than drawer.on_ms".to_owned())
        } else {
            Ok(())
        }
    }
}

/// Pins of the connector that open a drawer.
const FIRST_PIN: u8 = 2;
const SECOND_PIN: u8 = 5;

/// What one step of a pulse's times is.
const STEP_MS: u16 = 2;

/// What fits into its byte.
const LONGEST_MS: u16 = 510;

/// A profile that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("printer profile {name}: {problem}")]
pub struct ProfileError {
    /// File or shipped name.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The fewest columns a slip can be laid out in.
const FEWEST_COLUMNS: u16 = 24;

impl PrinterProfile {
    /// The shipped profiles, by name.
    pub const SHIPPED: &[(&str, &str)] = &[
        ("generic-58", include_str!("../../assets/printers/generic-58.toml")),
        ("generic-80", include_str!("../../assets/printers/generic-80.toml")),
        ("silent-58", include_str!("../../assets/printers/silent-58.toml")),
    ];

    /// Reads a profile's text; `name` is for messages.
    ///
    /// # Errors
    /// When the text is not TOML of this shape, or a number in it makes no sense.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let refused = |problem: String| ProfileError { name: name.to_owned(), problem };
        let profile: Self = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
        if profile.columns < FEWEST_COLUMNS {
            return Err(refused(format!("columns must be at least {FEWEST_COLUMNS}, not {}", profile.columns)));
        }
        if !(1..=16).contains(&profile.qr_module_dots) {
            return Err(refused(format!("qr_module_dots must be 1 to 16, not {}", profile.qr_module_dots)));
        }
        if profile.write_step == 0 {
            return Err(refused("write_step must not be 0".to_owned()));
        }
        profile.drawer.map_or(Ok(()), Drawer::check).map_err(refused)?;
        Ok(profile)
    }

    /// The text from which [`Self::parse`] reads it.
    pub fn text(&self) -> String {
        let chinese = match self.chinese {
            Charset::Gb18030 | Charset::Unicode => "gb18030",
            Charset::Ascii => "none",
        };
        let mut text = String::new();
        let title = toml::Value::String(self.title.clone());
        let numbers = [
            ("columns", u32::from(self.columns)),
            ("dots", u32::from(self.dots)),
            ("feed_lines", u32::from(self.feed_lines)),
            ("qr_module_dots", u32::from(self.qr_module_dots)),
            ("write_step", u32::from(self.write_step)),
        ];
        let abilities = [
            ("confirms_end_mark", self.confirms_end_mark),
            ("clears_buffer", self.clears_buffer),
            ("moves", self.moves),
            ("cutter", self.cutter),
        ];
        let lines = [format!("title = {title}"), format!("chinese = \"{chinese}\"")]
            .into_iter()
            .chain(numbers.map(|(key, number)| format!("{key} = {number}")))
            .chain(abilities.map(|(key, has)| format!("{key} = {has}")))
            .chain(self.drawer.map(|Drawer { pin, on_ms, off_ms }| {
                format!("drawer = {{ pin = {pin}, on_ms = {on_ms}, off_ms = {off_ms} }}")
            }));
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// A shipped profile.
    ///
    /// # Errors
    /// When no profile has that name; the message lists those that exist.
    pub fn shipped(name: &str) -> Result<Self, ProfileError> {
        match Self::SHIPPED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(name, text),
            None => {
                let known: Vec<_> = Self::SHIPPED.iter().map(|(known, _)| *known).collect();
                Err(ProfileError {
                    name: name.to_owned(),
                    problem: format!("not known; known are: {}", known.join(", ")),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_can_be_read_and_fits_its_paper() {
        for (name, _) in PrinterProfile::SHIPPED {
            let profile = PrinterProfile::shipped(name).unwrap();
            assert_eq!(profile.columns * 12, profile.dots, "{name}");
        }
    }

    #[test]
    fn a_pulse_goes_to_its_pin_for_its_time() {
        for (pin, on_ms, off_ms, pulse) in
            [(2, 100, 200, [0x1B, b'p', 0, 50, 100]), (5, 2, 510, [0x1B, b'p', 1, 1, 255])]
        {
            assert_eq!(Drawer { pin, on_ms, off_ms }.pulse(), pulse);
        }
    }

    #[test]
    fn a_profile_that_makes_no_sense_is_refused_by_name() {
        let good = PrinterProfile::SHIPPED[0].1;
        for (from, to, said) in [
            ("columns = 32", "columns = 4", "columns"),
            ("write_step = 256", "write_step = 0", "write_step"),
            ("qr_module_dots = 6", "qr_module_dots = 17", "qr_module_dots"),
            ("cutter = false", "knife = false", "knife"),
            ("pin = 2", "pin = 3", "drawer.pin"),
            ("on_ms = 100", "on_ms = 511", "drawer.on_ms"),
            ("off_ms = 200", "off_ms = 50", "drawer.off_ms"),
        ] {
            let error = PrinterProfile::parse("mine", &good.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains("mine") && error.contains(said), "{error}");
        }
        assert!(PrinterProfile::shipped("nobody").unwrap_err().to_string().contains("generic-80"));
    }
}
