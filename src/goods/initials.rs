//! Names by the first letters of their syllables: 可口可乐 is found by `kkkl`. A character that is read in several ways is found
//! by any of them, so each place of a name holds a set of letters.

use pinyin::ToPinyinMulti;

/// Letters by which a character is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letters(u32);

impl Letters {
    /// Of a character; nothing for one that is no letter and has no reading.
    pub fn of(character: char) -> Option<Self> {
        if character.is_ascii() {
            return Self::bit(character).map(Self);
        }
        let readings = character.to_pinyin_multi()?;
        let letters = readings.into_iter().filter_map(|reading| reading.plain().chars().next()).filter_map(Self::bit);
        Some(letters.fold(0, |all, letter| all | letter)).filter(|all| *all != 0).map(Self)
    }

    fn bit(letter: char) -> Option<u32> {
        letter.is_ascii_alphabetic().then(|| 1 << (u32::from(letter.to_ascii_lowercase()) - u32::from('a')))
    }

    /// Whether a character can be read so.
    pub const fn has(self, letter: Self) -> bool {
        self.0 & letter.0 != 0
    }
}

/// What a word of letters alone asks for.
pub(super) fn of_word(word: &str) -> Option<Vec<Letters>> {
    word.chars().map(|letter| Letters::bit(letter).map(Letters)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(name: &str, word: &str) -> bool {
        let letters: Vec<Letters> = name.chars().filter_map(Letters::of).collect();
        let word = of_word(word).unwrap();
        letters.windows(word.len()).any(|part| part.iter().zip(&word).all(|(place, letter)| place.has(*letter)))
    }

    #[test]
    fn a_name_is_found_by_its_initials() {
        assert!(is_found("可口可乐", "kkkl"));
        assert!(is_found("可口可乐 330ml", "klml"), "what has no letter is passed over");
        assert!(is_found("康师傅红烧牛肉面", "hsnrm"));
        assert!(!is_found("可口可乐", "lk"));
    }

    #[test]
    fn any_reading_finds_it() {
        for (name, words) in [
            ("音乐盒", ["yyh", "ylh"]),
            ("银行重庆", ["yhcq", "yhzq"]),
            ("长城葡萄酒", ["ccptj", "zcptj"]),
            ("单车", ["dc", "sc"]),
        ] {
            for word in words {
                assert!(is_found(name, word), "{name} {word}");
            }
        }
        assert!(is_found("银行", "yx"), "行 is read xing as well");
    }

    #[test]
    fn a_word_with_anything_but_letters_asks_for_no_initials() {
        for word in ["k1", "可", "k k", "é"] {
            assert_eq!(of_word(word), None, "{word}");
        }
    }
}
