//! Finds goods by what a cashier types: a part of the name, first letters of its syllables, or digits of number or barcode.
//!
//! Everything that is looked through stands in a few texts one after the other, so that a search is one pass over memory: some
//! milliseconds for a hundred thousand goods, whatever is asked for and however often it is found.

use memchr::memmem;

use super::initials::{Letters, of_word};
use super::{Barcode, Category, GoodName, GoodNumber};

/// Between two texts; no name has it.
const BETWEEN: u8 = b'\n';

/// What is looked for: all that is given must be so. Nothing given is every good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Words, each of which must be found in name, initials, number or barcode.
    pub text: String,
    /// In this category.
    pub category: Option<Category>,
    /// Only favourites.
    pub favourites: bool,
}

/// How well a good answers, best first. A good that does not is [`NOT_FOUND`].
type Rank = u8;

/// A number or barcode in full.
const EXACT: Rank = 0;
/// The name begins so.
const NAME_BEGINS: Rank = 1;
/// Its initials begin so.
const INITIALS_BEGIN: Rank = 2;
/// The name has it.
const NAME: Rank = 3;
/// Its initials have it.
const INITIALS: Rank = 4;
/// A number or barcode has it.
const CODE: Rank = 5;
/// It has not.
const NOT_FOUND: Rank = Rank::MAX;

/// Texts one behind the other, and whose they are.
#[derive(Clone, Debug, Default)]
struct Texts {
    all: Vec<u8>,
    /// Where each begins, and which good it is of.
    begins: Vec<(u32, u32)>,
}

impl Texts {
    fn add(&mut self, good: u32, text: &str) {
        self.begins.push((place(self.all.len()), good));
        self.all.extend_from_slice(text.as_bytes());
        self.all.push(BETWEEN);
    }

    /// Has `found` called for every place at which `word` stands: with the good, whether the text begins there, and whether it is
    /// all of it.
    fn find(&self, word: &[u8], mut found: impl FnMut(usize, bool, bool)) {
        let mut behind = 0;
        for at in memmem::find_iter(&self.all, word) {
            // Places come in order, so texts do.
            while self.begins.get(behind + 1).is_some_and(|(begin, _)| *begin as usize <= at) {
                behind += 1;
            }
            let Some((begin, good)) = self.begins.get(behind) else { return };
            let begins = *begin as usize == at;
            found(*good as usize, begins, begins && self.all.get(at + word.len()) == Some(&BETWEEN));
        }
    }
}

/// Everything by which goods are found.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    goods: Vec<Entry>,
    categories: Vec<Category>,
    names: Texts,
    codes: Texts,
    initials: Vec<Letters>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: GoodNumber,
    category: u32,
    favourite: bool,
    /// Where its initials begin.
    initials: u32,
}

impl Finder {
    /// Takes a good in. They come in the order of their numbers; barcodes follow, see [`Finder::add_barcode`].
    pub fn add(&mut self, number: GoodNumber, name: &GoodName, category: &Category, favourite: bool) {
        let good = place(self.goods.len());
        self.names.add(good, &folded(name.as_str()));
        self.codes.add(good, &number.to_string());
        let category = self.category(category);
        self.goods.push(Entry { number, category, favourite, initials: place(self.initials.len()) });
        self.initials.extend(name.as_str().chars().map(unwidened).filter_map(Letters::of));
    }

    /// Takes in a barcode of a good that is there already; one of a good that is not is left out.
    pub fn add_barcode(&mut self, number: GoodNumber, barcode: Barcode) {
        if let Ok(good) = self.goods.binary_search_by_key(&number, |entry| entry.number) {
            self.codes.add(place(good), &barcode.to_string());
        }
    }

    fn category(&mut self, category: &Category) -> u32 {
        // There are a few dozen at most, and goods of one often follow each other.
        let index = self.categories.iter().rposition(|there| there == category).unwrap_or_else(|| {
            self.categories.push(category.clone());
            self.categories.len() - 1
        });
        place(index)
    }

    /// Categories that there are, in their order; goods without one are in none.
    pub fn categories(&self) -> Vec<Category> {
        let mut categories = self.categories.clone();
        categories.retain(|category| !category.as_str().is_empty());
        categories.sort();
        categories
    }

    /// How many goods there are.
    pub fn len(&self) -> usize {
        self.goods.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.goods.is_empty()
    }

    /// What is looked for, the best answers first, favourites before others, at most `most`.
    pub fn find(&self, wanted: &Wanted, most: usize) -> Vec<GoodNumber> {
        let mut ranks = vec![EXACT; self.goods.len()];
        for word in folded(&wanted.text).split_whitespace() {
            let of_word = self.ranks_of(word);
            for (rank, of_word) in ranks.iter_mut().zip(of_word) {
                *rank = (*rank).max(of_word);
            }
        }
        let category = wanted.category.as_ref().map(|wanted| self.categories.iter().position(|there| there == wanted));
        let is_wanted = |entry: &Entry| {
            (!wanted.favourites || entry.favourite)
                && category.is_none_or(|category| category == Some(entry.category as usize))
        };
        let mut found: Vec<(Rank, bool, GoodNumber)> = self
            .goods
            .iter()
            .zip(ranks)
            .filter(|(entry, rank)| *rank != NOT_FOUND && is_wanted(entry))
            .map(|(entry, rank)| (rank, !entry.favourite, entry.number))
            .collect();
        if found.len() > most {
            found.select_nth_unstable(most);
            found.truncate(most);
        }
        found.sort_unstable();
        found.into_iter().map(|(_, _, number)| number).collect()
    }

    /// How well each good answers to one word.
    fn ranks_of(&self, word: &str) -> Vec<Rank> {
        let mut ranks = vec![NOT_FOUND; self.goods.len()];
        let mut better = |good: usize, rank: Rank| {
            if let Some(there) = ranks.get_mut(good) {
                *there = rank.min(*there);
            }
        };
        self.names.find(word.as_bytes(), |good, begins, _| better(good, if begins { NAME_BEGINS } else { NAME }));
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            self.codes.find(word.as_bytes(), |good, _, whole| better(good, if whole { EXACT } else { CODE }));
            // Zeros in front do not count, of numbers and barcodes alike.
            let short = word.trim_start_matches('0');
            if short.len() != word.len() && !short.is_empty() {
                self.codes.find(short.as_bytes(), |good, _, whole| {
                    if whole {
                        better(good, EXACT);
                    }
                });
            }
            if let Ok(barcode) = word.parse::<Barcode>() {
                self.codes.find(barcode.to_string().as_bytes(), |good, _, whole| {
                    if whole {
                        better(good, EXACT);
                    }
                });
            }
        }
        if let Some(letters) = of_word(word) {
            self.find_initials(&letters, better);
        }
        ranks
    }

    fn find_initials(&self, word: &[Letters], mut better: impl FnMut(usize, Rank)) {
        let Some((first, rest)) = word.split_first() else { return };
        let ends = self.goods.iter().skip(1).map(|entry| entry.initials as usize).chain([self.initials.len()]);
        for (good, (entry, end)) in self.goods.iter().zip(ends).enumerate() {
            let Some(own) = self.initials.get(entry.initials as usize..end) else { continue };
            let Some(last) = own.len().checked_sub(word.len()) else { continue };
            let stands_at = |at: usize| {
                own[at].has(*first) && own[at + 1..].iter().zip(rest).all(|(letters, letter)| letters.has(*letter))
            };
            if let Some(at) = (0..=last).find(|at| stands_at(*at)) {
                better(good, if at == 0 { INITIALS_BEGIN } else { INITIALS });
            }
        }
    }
}

/// As it is compared: small letters, and those of the width of letters where there is a wide one of the same.
fn folded(text: &str) -> String {
    text.chars().map(unwidened).flat_map(char::to_lowercase).collect()
}

/// `Ａ` is `A` (U+FF01 to U+FF5E), and the wide blank is a blank.
fn unwidened(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        _ => character,
    }
}

/// Texts of a catalogue are far smaller than four thousand million bytes.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(number: u32) -> GoodNumber {
        GoodNumber::new(number).unwrap()
    }

    fn finder(goods: &[(u32, &str, &str, bool, &[&str])]) -> Finder {
        let mut finder = Finder::default();
        for (own, name, category, favourite, _) in goods {
            let (name, category) = (GoodName::parse(name).unwrap(), Category::parse(category).unwrap());
            finder.add(number(*own), &name, &category, *favourite);
        }
        for (own, .., barcodes) in goods {
            for barcode in *barcodes {
                finder.add_barcode(number(*own), barcode.parse().unwrap());
            }
        }
        finder
    }

    fn shop() -> Finder {
        finder(&[
            (1, "可口可乐 330ml", "饮料", false, &["6901028075763"]),
            (2, "百事可乐 330ml", "饮料", true, &["96385074", "036000291452"]),
            (3, "音乐盒", "礼品", false, &[]),
            (20, "ＫＫＫ巧克力", "", false, &[]),
            (75763, "苹果", "水果", false, &[]),
        ])
    }

    fn found(text: &str) -> Vec<u32> {
        let wanted = Wanted { text: text.to_owned(), ..Wanted::default() };
        shop().find(&wanted, 10).into_iter().map(GoodNumber::number).collect()
    }

    #[test]
    fn a_good_is_found_by_every_part_of_it_the_best_answer_first() {
        for (text, numbers) in [
            ("可乐", &[2, 1][..]),
            ("可口", &[1]),
            ("乐", &[2, 1, 3]),
            ("kl", &[2, 1, 20]),
            ("KKKL", &[1]),
            ("kkk", &[20, 1]),
            ("kkk巧", &[20]),
            ("yyh", &[3]),
            ("ylh", &[3]),
            ("330", &[2, 1]),
            ("330ML", &[2, 1]),
            ("kl 330", &[2, 1]),
            ("kkkl 330ml", &[1]),
            ("kkkl 500ml", &[]),
            ("6901028075763", &[1]),
            ("36000291452", &[2]),
            ("0036000291452", &[2]),
            ("75763", &[75763, 1]),
            ("075763", &[75763, 1]),
            ("2", &[2, 1, 20]),
            ("没有", &[]),
            ("", &[2, 1, 3, 20, 75763]),
        ] {
            assert_eq!(found(text), numbers, "{text}");
        }
    }

    #[test]
    fn category_and_favourites_narrow_it_down() {
        let shop = shop();
        let find = |text: &str, category: Option<&str>, favourites| {
            let category = category.map(|category| Category::parse(category).unwrap());
            let wanted = Wanted { text: text.to_owned(), category, favourites };
            shop.find(&wanted, 10).into_iter().map(GoodNumber::number).collect::<Vec<_>>()
        };
        assert_eq!(find("", Some("饮料"), false), [2, 1]);
        assert_eq!(find("乐", Some("礼品"), false), [3]);
        assert_eq!(find("", None, true), [2]);
        assert_eq!(find("", Some(""), false), [20]);
        assert_eq!(find("", Some("蔬菜"), false), [0_u32; 0]);
        let names: Vec<_> = shop.categories();
        assert_eq!(names.iter().map(Category::as_str).collect::<Vec<_>>(), ["水果", "礼品", "饮料"]);
    }

    #[test]
    fn no_more_come_than_are_wanted_and_they_are_the_best() {
        let wanted = Wanted { text: "乐".to_owned(), ..Wanted::default() };
        assert_eq!(shop().find(&wanted, 1), [number(2)]);
        assert_eq!(shop().find(&wanted, 0), []);
        assert_eq!(Finder::default().find(&Wanted::default(), 10), []);
    }

    proptest! {
        /// The same as looking at one name after the other.
        #[test]
        fn what_is_in_a_name_is_found_and_nothing_else(
            names in prop::collection::vec("[可口乐音bB1 ]{1,6}", 1..30),
            word in "[可口乐音b1]{1,3}",
        ) {
            let mut finder = Finder::default();
            let mut expected = Vec::new();
            for (index, name) in names.iter().enumerate() {
                let Ok(name) = GoodName::parse(name) else { continue };
                let own = number(100_000 + 200 * index as u32);
                finder.add(own, &name, &Category::default(), false);
                let letters: Vec<Letters> = name.as_str().chars().filter_map(Letters::of).collect();
                let by_initials = of_word(&word).is_some_and(|word| {
                    letters.windows(word.len()).any(|part| part.iter().zip(&word).all(|(at, letter)| at.has(*letter)))
                });
                let digits = word.bytes().all(|byte| byte.is_ascii_digit());
                if name.as_str().to_lowercase().contains(&word)
                    || by_initials
                    || (digits && own.to_string().contains(&word))
                {
                    expected.push(own);
                }
            }
            let mut found = finder.find(&Wanted { text: word, ..Wanted::default() }, 100);
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
