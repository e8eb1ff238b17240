//! What a stripe reader says of a card that was swiped: tracks 1 and 2 of ISO/IEC 7813, track 3 of ISO/IEC 4909.
//!
//! A track begins with its sentinel (`%`, `;`, and for track 3 `+` or a second `;`) and ends with `?`; readers that strip sentinels
//! put each track on a line of its own. Behind the `?` stands the check character (LRC) where the reader sends it. Parity of single
//! characters is the reader's own matter: what does not fit it says as `E`.
//!
//! Of track 1 nothing is kept: it has the holder's name, which no host asks for. It says whether both tracks are one card's.

use std::fmt;

use zeroize::Zeroizing;

use super::{CardNumberError, Pan, Track2};

/// A card that was swiped. It masks itself and is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Swipe {
    track2: Track2,
    track3: Option<Track3>,
}

/// Track 3, as field 36 takes it: digits, with `D` for every separator.
#[derive(Clone, PartialEq, Eq)]
pub struct Track3(Zeroizing<String>);

/// Why a swipe is of no use. What was read is never part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StripeError {
    /// The reader could not read it.
    #[error("the reader could not read the stripe; swipe the card again, evenly and with the stripe towards the head")]
    NotRead,
    /// There is no track 2.
    #[error("the stripe has no track 2, or the reader does not send it; swipe the card again")]
    NoTrack2,
    /// Something else than a track.
    #[error("what the reader sent is no track of a card; swipe the card again")]
    Malformed,
    /// The check character behind a track is wrong or missing.
    #[error("the check character of a track is wrong or missing; swipe the card again")]
    Check,
    /// Tracks 1 and 2 have different numbers.
    #[error("the tracks have different card numbers: the card was read wrongly, or was changed")]
    TwoNumbers,
}

impl From<CardNumberError> for StripeError {
    fn from(_: CardNumberError) -> Self {
        Self::Malformed
    }
}

/// The most characters of track 2 between its sentinels (ISO/IEC 7813), and of track 3 (ISO/IEC 4909).
const LONGEST_TRACK2: usize = 37;
const LONGEST_TRACK3: usize = 104;

/// What readers say of a track that they could not read.
const FAULTY: &str = "E";

impl Swipe {
    /// Reads what a reader has sent of one card. `checked`: a check character stands behind every track.
    ///
    /// # Errors
    /// When there is no whole track 2 in it, or the tracks do not belong together.
    pub fn parse(text: &str, checked: bool) -> Result<Self, StripeError> {
        let Tracks { first, second, third } = Tracks::of(text, checked)?;
        let second = match second {
            Some(FAULTY) => return Err(StripeError::NotRead),
            Some(track) => track,
            None if first == Some(FAULTY) => return Err(StripeError::NotRead),
            None => return Err(StripeError::NoTrack2),
        };
        let track2 = Track2::from_stripe(second)?;
        let pan = track2.pan()?;
        if let Some(first) = first.filter(|first| *first != FAULTY)
            && !names(first, &pan)
        {
            return Err(StripeError::TwoNumbers);
        }
        let track3 = third.filter(|third| *third != FAULTY).map(Track3::parse).transpose()?;
        Ok(Self { track2, track3 })
    }

    /// Track 2, which every host asks for.
    pub const fn track2(&self) -> &Track2 {
        &self.track2
    }

    /// Track 3, where the card has one.
    pub const fn track3(&self) -> Option<&Track3> {
        self.track3.as_ref()
    }
}

/// Masked but for the number, which is cut as everywhere.
impl fmt::Debug for Swipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.track2.pan() {
            Ok(pan) => write!(f, "Swipe({})", pan.truncated()),
            Err(_) => f.write_str("Swipe(masked)"),
        }
    }
}

impl Track3 {
    fn parse(text: &str) -> Result<Self, StripeError> {
        let fits = text.len() <= LONGEST_TRACK3 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'=');
        if !fits || !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return Err(StripeError::Malformed);
        }
        let mut track = Zeroizing::new(String::with_capacity(text.len()));
        track.extend(text.chars().map(|sign| if sign == '=' { 'D' } else { sign }));
        Ok(Self(track))
    }

    /// Digits with `D` for separators, for field 36 only.
    pub fn expose_digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Track3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Track3(masked)")
    }
}

impl Track2 {
    /// Reads the track of a stripe, between its sentinels: number, `=`, expiry, service code and the issuer's own digits.
    ///
    /// # Errors
    /// When they are not all there, or it is longer than a track can be.
    pub fn from_stripe(text: &str) -> Result<Self, CardNumberError> {
        let (number, rest) = text.split_once('=').ok_or(CardNumberError::Track)?;
        if text.len() > LONGEST_TRACK2 || rest.len() < 7 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CardNumberError::Track);
        }
        Pan::of_digits(number)?;
        let mut track = Zeroizing::new(String::with_capacity(text.len()));
        track.push_str(number);
        track.push('D');
        track.push_str(rest);
        Ok(Self(track))
    }
}

/// The tracks of a swipe, as they stand in what was sent.
#[derive(Default)]
struct Tracks<'a> {
    first: Option<&'a str>,
    second: Option<&'a str>,
    third: Option<&'a str>,
}

/// Which track a sentinel begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    First,
    Numeric,
    Third,
}

impl<'a> Tracks<'a> {
    fn of(text: &'a str, checked: bool) -> Result<Self, StripeError> {
        let mut tracks = Self::default();
        let mut rest = text.trim_start();
        while let Some(sign) = rest.chars().next() {
            let begins = match sign {
                '%' => Some(Begins::First),
                ';' => Some(Begins::Numeric),
                '+' => Some(Begins::Third),
                _ => None,
            };
            let track = match begins {
                Some(begins) => {
                    let (track, behind) =
                        rest.get(1..).and_then(|rest| rest.split_once('?')).ok_or(StripeError::Malformed)?;
                    rest = if checked { Self::checked(begins, sign, track, behind)? } else { behind };
                    track
                }
                // Without sentinels every track has a line of its own.
                None => {
                    let (track, behind) = rest.split_once(['\r', '\n']).unwrap_or((rest, ""));
                    rest = behind;
                    track
                }
            };
            tracks.put(begins, track)?;
            rest = rest.trim_start();
        }
        Ok(tracks)
    }

    /// What stands behind the check character, if that is right.
    fn checked(begins: Begins, sentinel: char, track: &str, behind: &'a str) -> Result<&'a str, StripeError> {
        let given = behind.chars().next().ok_or(StripeError::Check)?;
        // A track that could not be read has no sum.
        if track != FAULTY && Some(given) != check_character(begins, sentinel, track) {
            return Err(StripeError::Check);
        }
        Ok(behind.get(given.len_utf8()..).unwrap_or_default())
    }

    fn put(&mut self, begins: Option<Begins>, track: &'a str) -> Result<(), StripeError> {
        let place = match begins {
            Some(Begins::First) => &mut self.first,
            Some(Begins::Third) => &mut self.third,
            None if track.starts_with(['B', 'b']) => &mut self.first,
            None if !track.starts_with(|sign: char| sign.is_ascii_digit()) => return Err(StripeError::Malformed),
            Some(Begins::Numeric) | None if self.second.is_none() => &mut self.second,
            Some(Begins::Numeric) | None => &mut self.third,
        };
        match place.replace(track) {
            None => Ok(()),
            Some(_) => Err(StripeError::Malformed),
        }
    }
}

/// The exclusive or of all characters of a track with both sentinels, in the code of the track: six bits from the blank on for track 1,
/// four bits from `0` on for the others.
fn check_character(begins: Begins, sentinel: char, track: &str) -> Option<char> {
    let (base, mask) = if begins == Begins::First { (b' ', 0x3F) } else { (b'0', 0x0F) };
    // Track 3 begins with the sentinel of track 2, whatever sign a reader shows it by.
    let sentinel = if begins == Begins::Third { ';' } else { sentinel };
    let mut sum = 0;
    for sign in std::iter::once(sentinel).chain(track.chars()).chain(std::iter::once('?')) {
        sum ^= u8::try_from(sign).ok()?.wrapping_sub(base) & mask;
    }
    Some(char::from(base + sum))
}

/// Whether track 1 is of this number: format code B, the number (in which blanks may stand), the name behind `^`.
fn names(first: &str, pan: &Pan) -> bool {
    let number = first.strip_prefix(['B', 'b']).and_then(|rest| rest.split('^').next()).unwrap_or_default();
    number.bytes().filter(|byte| *byte != b' ').eq(pan.expose_digits().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card_number::PinDemand;

    const TRACK_1: &str = "%B4111111111111111^TEST CARD/YIMA ^3012101000000000?";
    const TRACK_2: &str = ";4111111111111111=30121010000012345?";

    fn read(text: &str) -> Result<Swipe, StripeError> {
        Swipe::parse(text, false)
    }

    /// With the check character behind every track.
    fn with_checks(text: &str) -> String {
        let mut made = String::new();
        let mut rest = text;
        while let Some((track, behind)) = rest.get(1..).and_then(|rest| rest.split_once('?')) {
            let sentinel = rest.chars().next().unwrap();
            let begins = if sentinel == '%' { Begins::First } else { Begins::Numeric };
            let check = check_character(begins, sentinel, track).unwrap();
            made.push_str(&format!("{sentinel}{track}?{check}"));
            rest = behind;
        }
        made
    }

    #[test]
    fn a_card_is_read_with_and_without_sentinels_and_with_any_of_its_tracks() {
        let bare = |text: &str| text.trim_matches(['%', ';', '?']).to_owned();
        let track_3 = ";01123456789012345=156999?";
        for (text, third) in [
            (TRACK_2.to_owned(), false),
            (format!("{TRACK_1}{TRACK_2}"), false),
            (format!("{TRACK_1}\r\n{TRACK_2}\r\n"), false),
            (bare(TRACK_2), false),
            (format!("{}\r{}\r", bare(TRACK_1), bare(TRACK_2)), false),
            (format!("{TRACK_1}{TRACK_2}{track_3}"), true),
            (format!("{TRACK_2}+01123456789012345=156999?"), true),
            (format!("%E?{TRACK_2}+E?"), false),
        ] {
            let swipe = read(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(swipe.track2().expose_digits(), "4111111111111111D30121010000012345", "{text:?}");
            assert_eq!(swipe.track2().expiry(), [0x30, 0x12]);
            assert_eq!(swipe.track2().service_code().unwrap().pin(), PinDemand::None);
            assert_eq!(
                swipe.track3().map(Track3::expose_digits),
                third.then_some("01123456789012345D156999"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_was_read_badly_is_told_apart_and_never_said() {
        use StripeError::{Malformed, NoTrack2, NotRead, TwoNumbers};
        for (text, error) in [
            ("", NoTrack2),
            (TRACK_1, NoTrack2),
            ("%E?", NotRead),
            ("%E?;E?", NotRead),
            (";E?", NotRead),
            (";4111111111111111=3012101", Malformed),
            (";4111111111111111?", Malformed),
            (";4111111111111111=301210?", Malformed),
            (";41111111111=30121010?", Malformed),
            (";4111111111111111=3012=01000?", Malformed),
            (";411111111111111A=3012101000?", Malformed),
            (";4111111111111111=301210100000000000001?", Malformed),
            (";4111111111111111=3012101000?;1?;2?", Malformed),
            ("hello", Malformed),
            ("%B4111111111111129^X^3012101?;4111111111111111=30121010000012345?", TwoNumbers),
            ("\u{FFFD}", Malformed),
        ] {
            assert_eq!(read(text), Err(error), "{text:?}");
            assert!(!error.to_string().contains("4111"), "{error}");
        }
    }

    #[test]
    fn a_check_character_counts_where_the_reader_sends_it() {
        let checked = with_checks(&format!("{TRACK_1}{TRACK_2}"));
        assert!(Swipe::parse(&checked, true).is_ok(), "{checked}");
        // One digit that is another one, and none at all.
        let wrong = checked.replacen("0000012345", "0000012346", 1);
        assert_eq!(Swipe::parse(&wrong, true), Err(StripeError::Check));
        assert_eq!(Swipe::parse(TRACK_2, true), Err(StripeError::Check));
        // ; = 11, 5 = 5, = = 13, ? = 15: their exclusive or with the digits is the character behind.
        assert_eq!(check_character(Begins::Numeric, ';', "5=5"), Some(char::from(b'0' + (11 ^ 5 ^ 13 ^ 5 ^ 15))));
        assert!(Swipe::parse("%E?x;4111111111111111=30121010000012345?", true).is_err(), "and no check behind track 2");
    }

    #[test]
    fn nothing_of_a_swipe_is_shown_but_the_truncated_number() {
        let swipe = read(&format!("{TRACK_1}{TRACK_2}+01123456789012345=156999?")).unwrap();
        assert_eq!(format!("{swipe:?}"), "Swipe(411111******1111)");
        assert_eq!(format!("{:?}{:?}", swipe.track2(), swipe.track3()), "Track2(masked)Some(Track3(masked))");
    }
}
