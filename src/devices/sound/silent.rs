//! No sound at all, for counters that want none.

use super::{Sound, Tone};

/// Plays nothing, because the settings say so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Sound for Silent {
    fn play(&self, _tone: Tone) {}

    fn check(&self) -> Result<String, String> {
        Ok("switched off by sound.enabled".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_in_order_and_says_which_setting_asked_for_it() {
        Silent.play(Tone::Alert);
        assert!(Silent.check().unwrap().contains("sound.enabled"));
    }
}
