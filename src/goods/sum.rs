//! What was sold of each good in a while, and the few of them that a screen or a slip has room for.

use super::Unit;

/// What was sold of one good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodSum {
    /// Its name as it was sold.
    pub name: String,
    /// What its price was of.
    pub unit: Unit,
    /// Pieces, or grams of what is weighed.
    pub quantity: u64,
    /// What was paid for it, in minor units.
    pub minor: u64,
}

/// Goods that have a line of their own, and what all others come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoodsSold {
    /// Those of which most was sold come first.
    pub goods: Vec<GoodSum>,
    /// All others, where there are too many for a line each.
    pub others: Option<OtherGoods>,
}

/// Goods without a line of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherGoods {
    /// How many goods.
    pub count: usize,
    /// What was paid for them, in minor units.
    pub minor: u64,
}

impl GoodSum {
    /// How much of it: pieces like `3x`, kilograms like `0.532kg`.
    pub fn quantity_text(&self) -> String {
        match self.unit {
            Unit::Piece => format!("{}x", self.quantity),
            Unit::Kilogram | Unit::Jin | Unit::HundredGrams => {
                format!("{}.{:03}kg", self.quantity / 1000, self.quantity % 1000)
            }
        }
    }
}

impl GoodsSold {
    /// Of goods, those of which most was sold first, in so many lines at most: the last one is all others where they are more.
    pub fn in_lines(mut goods: Vec<GoodSum>, most_lines: usize) -> Self {
        if goods.len() <= most_lines {
            return Self { goods, others: None };
        }
        let others = goods.split_off(most_lines.saturating_sub(1));
        let minor = others.iter().fold(0_u64, |minor, good| minor.saturating_add(good.minor));
        Self { goods, others: Some(OtherGoods { count: others.len(), minor }) }
    }

    /// Nothing was sold that has a name.
    pub const fn is_empty(&self) -> bool {
        self.goods.is_empty() && self.others.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goods(count: u64) -> Vec<GoodSum> {
        let good = |number| GoodSum {
            name: format!("good {number}"),
            unit: Unit::Piece,
            quantity: number,
            minor: (count - number) * 100,
        };
        (0..count).map(good).collect()
    }

    #[test]
    fn what_has_no_line_of_its_own_is_in_the_last_one() {
        for (count, lines, own, others) in [
            (0, 3, 0, None),
            (3, 3, 3, None),
            (4, 3, 2, Some(OtherGoods { count: 2, minor: 300 })),
            (9, 1, 0, Some(OtherGoods { count: 9, minor: 4500 })),
        ] {
            let sold = GoodsSold::in_lines(goods(count), lines);
            assert_eq!((sold.goods.len(), sold.others), (own, others), "{count} in {lines}");
            let minor = sold.goods.iter().map(|good| good.minor).sum::<u64>() + others.map_or(0, |others| others.minor);
            assert_eq!(minor, goods(count).iter().map(|good| good.minor).sum::<u64>(), "nothing is lost");
            assert_eq!(sold.is_empty(), count == 0);
        }
    }

    #[test]
    fn what_is_weighed_is_said_in_kilograms() {
        let of = |unit, quantity| GoodSum { name: String::new(), unit, quantity, minor: 0 }.quantity_text();
        assert_eq!(of(Unit::Piece, 12), "12x");
        assert_eq!((of(Unit::Jin, 532), of(Unit::Kilogram, 12_000)), ("0.532kg".to_owned(), "12.000kg".to_owned()));
    }
}
