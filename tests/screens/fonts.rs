//! The fonts inside the program have every character that the program itself says.

use std::collections::BTreeSet;
use std::fs;

use fontdue::{Font, FontSettings};
use yima::money::Currency;

#[test]
fn both_faces_have_every_character_of_words_and_signs() {
    let mut said: BTreeSet<char> = (' '..='~').collect();
    for file in ["assets/wording.toml", "assets/response-codes.toml", "ui/lang/zh_CN/LC_MESSAGES/yima.po"] {
        said.extend(fs::read_to_string(file).unwrap().chars().filter(|character| !character.is_control()));
    }
    for code in ["CNY", "EUR", "GBP", "HKD", "JPY", "KRW", "KWD", "MOP", "SGD", "THB", "USD"] {
        said.extend(code.parse::<Currency>().unwrap().sign().chars());
    }
    said.extend("¥←→·…★".chars());
    for face in ["yima-regular", "yima-bold"] {
        let font =
            Font::from_bytes(fs::read(format!("assets/fonts/{face}.ttf")).unwrap(), FontSettings::default()).unwrap();
        let missing: String = said.iter().filter(|&&character| font.lookup_glyph_index(character) == 0).collect();
        assert_eq!(missing, "", "{face}");
        let digits: BTreeSet<u32> =
            ('0'..='9').map(|digit| font.metrics(digit, 1000.0).advance_width.to_bits()).collect();
        assert_eq!(digits.len(), 1, "{face}: digits are as wide as each other");
    }
}
