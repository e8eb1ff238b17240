//! Where a terminal may stand: coordinates and how far from there. Those of satellite navigation; Chinese maps shift them.

use std::fmt;

/// Where a terminal may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Degrees north, in millionths.
    pub latitude_e6: i32,
    /// Degrees east, in millionths.
    pub longitude_e6: i32,
    /// How far from there it may be, in metres.
    pub radius_m: u32,
}

impl Place {
    /// Reads degrees north, degrees east as people write them, `39.9087, 116.3975`.
    ///
    /// # Errors
    /// When they are none, or not on Earth.
    pub fn parse(coordinates: &str, radius_m: u32) -> Result<Self, String> {
        let refused = || format!("\"{coordinates}\" is not two numbers of degrees like 39.908722,116.397499");
        let (north, east) = coordinates.split_once(',').ok_or_else(refused)?;
        let e6 = |text: &str| -> Option<i32> {
            let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
            if decimals.len() > 6 {
                return None;
            }
            read_degrees(&format!("{whole}.{decimals:0<6}"))
        };
        let place = Self {
            latitude_e6: e6(north.trim()).ok_or_else(refused)?,
            longitude_e6: e6(east.trim()).ok_or_else(refused)?,
            radius_m,
        };
        place.check().map(|()| place)
    }

    /// Can it be?
    ///
    /// # Errors
    /// When it cannot; the sentence says why.
    pub(super) fn check(self) -> Result<(), String> {
        if self.latitude_e6.abs() > 90_000_000 || self.longitude_e6.abs() > 180_000_000 {
            return Err("these degrees are not on Earth".to_owned());
        }
        if !(1..=50_000).contains(&self.radius_m) {
            return Err(format!("a radius of {} m; it must be 1 to 50000", self.radius_m));
        }
        Ok(())
    }
}

/// `39.908722, 116.397499, 500 m`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {} m", degrees(self.latitude_e6), degrees(self.longitude_e6), self.radius_m)
    }
}

/// Degrees with six decimals.
pub(super) fn degrees(e6: i32) -> String {
    let (sign, size) = (if e6 < 0 { "-" } else { "" }, e6.unsigned_abs());
    format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
}

/// Reads [`degrees`].
pub(super) fn read_degrees(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i32>().ok())?;
    let (whole, decimals) = (number(whole)?, if decimals.len() == 6 { number(decimals)? } else { return None });
    Some(sign * whole.checked_mul(1_000_000)?.checked_add(decimals)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_read_as_people_write_them() {
        let place = Place::parse("39.9087, -116.3", 500).unwrap();
        assert_eq!((place.latitude_e6, place.longitude_e6), (39_908_700, -116_300_000));
        assert_eq!(place.to_string(), "39.908700, -116.300000, 500 m");
        for wrong in ["", "39", "39,", "39.1234567,1", "+39,1", "91,0", "a,b", "39.-1,1", "99999999999,1"] {
            assert!(Place::parse(wrong, 500).is_err(), "{wrong}");
        }
    }
}
