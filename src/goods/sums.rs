//! What lines come to: exact to the minor unit, whatever is taken off them.
//!
//! A product or a share is rounded half up, once. What is taken off the whole is spread over the lines in proportion to what they
//! cost, and the units that rounding leaves over go to the largest remainders: the lines always sum to the total.

use super::{Quantity, TaxRate, Unit};
use crate::money::{Amount, AmountError, Currency, MAX_MINOR};

/// What is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discount {
    /// In hundredths of a percent.
    Percent(u16),
    /// So many minor units, but no more than there is.
    Minor(u64),
}

/// A hundred percent.
const WHOLE: u16 = 10_000;

impl Discount {
    /// Reads what people write: `10%`, `2.50`.
    ///
    /// # Errors
    /// When it is neither, nothing, or more than everything.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, DiscountError> {
        let wrong = || DiscountError(text.to_owned());
        let discount = match text.strip_suffix(['%', '％']) {
            Some(_) => Self::Percent(TaxRate::parse(text).map_err(|_| wrong())?.basis_points()),
            None => Self::Minor(Amount::parse(text, currency).map_err(|_| wrong())?.minor()),
        };
        if matches!(discount, Self::Percent(0) | Self::Minor(0)) { Err(wrong()) } else { Ok(discount) }
    }

    /// Whether there is such a discount.
    pub(super) const fn is_possible(self) -> bool {
        match self {
            Self::Percent(basis_points) => basis_points <= WHOLE,
            Self::Minor(minor) => minor <= MAX_MINOR,
        }
    }

    /// What it comes to of so many minor units.
    fn of(self, minor: u64) -> u64 {
        match self {
            Self::Percent(basis_points) => share(minor, u64::from(basis_points), u64::from(WHOLE)).min(minor),
            Self::Minor(off) => off.min(minor),
        }
    }
}

/// What is no discount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no discount; write it like 10% or 2.50, more than nothing and at most 100%")]
pub struct DiscountError(pub String);

/// What a line costs before anything is taken off.
pub(super) fn price_of(price: Amount, unit: Unit, quantity: Quantity) -> Result<Amount, AmountError> {
    let minor = match unit.grams() {
        None => price.minor().checked_mul(u64::from(quantity.count())).ok_or(AmountError::TooLarge)?,
        Some(grams) => share(price.minor(), u64::from(quantity.count()), u64::from(grams)),
    };
    Amount::new(minor, price.currency())
}

/// `minor` × `part` / `whole`, rounded half up.
fn share(minor: u64, part: u64, whole: u64) -> u64 {
    let whole = u128::from(whole.max(1));
    let twice = u128::from(minor) * u128::from(part) * 2 + whole;
    u64::try_from(twice / (whole * 2)).unwrap_or(u64::MAX)
}

/// What a line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSum {
    /// Before anything is taken off.
    pub price: Amount,
    /// What is taken off it, its share of what is taken off the whole among it.
    pub discount: Amount,
    /// What of that was taken off the whole.
    pub share: Amount,
    /// What is paid for it.
    pub total: Amount,
    /// The rate of the tax in it, which is told for all lines of a rate at once.
    pub tax_rate: TaxRate,
}

/// What of a total is tax of one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxShare {
    /// Which rate.
    pub rate: TaxRate,
    /// What is paid for goods of this rate, tax among it.
    pub of: Amount,
    /// The tax in it.
    pub tax: Amount,
}

/// What lines come to together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Each of them.
    pub lines: Vec<LineSum>,
    /// Before anything is taken off.
    pub price: Amount,
    /// Everything that is taken off.
    pub discount: Amount,
    /// What is paid.
    pub total: Amount,
}

impl Sums {
    /// What lines come to: price, rate, and what is taken off each of them, and then off the whole.
    ///
    /// # Errors
    /// When it is more than an amount can be, or of several currencies.
    pub(super) fn of(
        currency: Currency,
        lines: &[(Amount, TaxRate, Option<Discount>)],
        off_the_whole: Option<Discount>,
    ) -> Result<Self, AmountError> {
        let amount = |minor: u64| Amount::new(minor, currency);
        let offs: Vec<u64> = lines
            .iter()
            .map(|(price, _, discount)| discount.map_or(0, |discount| discount.of(price.minor())))
            .collect();
        let left: Vec<u64> = lines.iter().zip(&offs).map(|((price, ..), off)| price.minor() - off).collect();
        // Each is an amount, and lines are few: the sum is far from wrapping.
        let sum: u64 = left.iter().sum();
        let shares = spread(off_the_whole.map_or(0, |discount| discount.of(sum)), &left);
        let mut sums = Self { lines: Vec::new(), price: amount(0)?, discount: amount(0)?, total: amount(0)? };
        for ((price, tax_rate, _), (off, share)) in lines.iter().zip(offs.iter().zip(&shares)) {
            let (share, discount) = (amount(*share)?, amount(off + share)?);
            let total = price.checked_sub(discount)?;
            sums.price = sums.price.checked_add(*price)?;
            sums.discount = sums.discount.checked_add(discount)?;
            sums.total = sums.total.checked_add(total)?;
            sums.lines.push(LineSum { price: *price, discount, share, total, tax_rate: *tax_rate });
        }
        Ok(sums)
    }

    /// What of the total is tax, for each rate that there is, the highest first. Goods without tax are not named.
    ///
    /// # Errors
    /// Never, for what [`Sums`] holds.
    pub fn taxes(&self) -> Result<Vec<TaxShare>, AmountError> {
        taxes(self.total.currency(), self.lines.iter().map(|line| (line.tax_rate, line.total)))
    }
}

/// What of some totals is tax: once for each rate.
///
/// # Errors
/// When they are more than an amount can be, or of several currencies.
pub(super) fn taxes(
    currency: Currency,
    totals: impl Iterator<Item = (TaxRate, Amount)>,
) -> Result<Vec<TaxShare>, AmountError> {
    let mut of = std::collections::BTreeMap::new();
    for (rate, total) in totals.filter(|(rate, _)| *rate != TaxRate::default()) {
        let sum = of.entry(rate).or_insert(Amount::zero(currency));
        *sum = sum.checked_add(total)?;
    }
    let mut taxes = Vec::new();
    for (rate, of) in of.into_iter().rev() {
        let points = u64::from(rate.basis_points());
        let tax = Amount::new(share(of.minor(), points, points + u64::from(WHOLE)), currency)?;
        taxes.push(TaxShare { rate, of, tax });
    }
    Ok(taxes)
}

/// Spreads `off` over parts in proportion to them, by the largest remainder; the first of equal ones comes first. No part is
/// given more than it is.
fn spread(off: u64, parts: &[u64]) -> Vec<u64> {
    let sum: u128 = parts.iter().map(|part| u128::from(*part)).sum();
    if sum == 0 {
        return vec![0; parts.len()];
    }
    let product = |part: u64| u128::from(off) * u128::from(part);
    let mut shares: Vec<u64> =
        parts.iter().map(|part| u64::try_from(product(*part) / sum).unwrap_or(u64::MAX)).collect();
    let given: u64 = shares.iter().sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(product(parts[*index]) % sum));
    let over = usize::try_from(off.saturating_sub(given)).unwrap_or(usize::MAX);
    for index in order.into_iter().take(over) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn rate(basis_points: u16) -> TaxRate {
        TaxRate::new(basis_points).unwrap()
    }

    #[test]
    fn a_price_is_rounded_half_up_once() {
        for (price, unit, quantity, expected) in [
            (350, Unit::Piece, Quantity::Pieces(3), 1050),
            (1200, Unit::Kilogram, Quantity::Grams(532), 638),
            // 6.384 and 6.385
            (1200, Unit::Kilogram, Quantity::Grams(532), 638),
            (1, Unit::Kilogram, Quantity::Grams(499), 0),
            (1, Unit::Kilogram, Quantity::Grams(500), 1),
            (590, Unit::Jin, Quantity::Grams(750), 885),
            (99, Unit::HundredGrams, Quantity::Grams(250), 248),
        ] {
            let price = price_of(yuan(price), unit, quantity);
            assert_eq!(price, Ok(yuan(expected)), "{unit:?} {quantity:?}");
        }
        assert_eq!(price_of(yuan(MAX_MINOR), Unit::Piece, Quantity::Pieces(2)), Err(AmountError::TooLarge));
    }

    #[test]
    fn what_rounding_leaves_over_goes_to_the_largest_remainders() {
        assert_eq!(spread(100, &[100, 100, 100]), [34, 33, 33]);
        assert_eq!(spread(1, &[1, 1, 1]), [1, 0, 0]);
        assert_eq!(spread(10, &[1, 0, 9]), [1, 0, 9]);
        assert_eq!(spread(5, &[199, 301]), [2, 3]);
        assert_eq!(spread(7, &[0, 0]), [0, 0]);
        assert_eq!(spread(0, &[5, 5]), [0, 0]);
        assert_eq!(spread(3, &[]), [0_u64; 0]);
    }

    #[test]
    fn tax_is_said_once_for_each_rate_and_is_within_the_price() {
        let lines = [
            (yuan(1130), rate(1300), None),
            (yuan(5), rate(1300), None),
            (yuan(109), rate(900), None),
            (yuan(7), rate(0), None),
        ];
        let taxes = Sums::of(Currency::CNY, &lines, None).unwrap().taxes().unwrap();
        let share = |points, of, tax| TaxShare { rate: rate(points), of: yuan(of), tax: yuan(tax) };
        // 11.35 / 1.13 × 0.13 = 1.3058
        assert_eq!(taxes, [share(1300, 1135, 131), share(900, 109, 9)]);
    }

    #[test]
    fn discounts_are_read_as_people_write_them() {
        let parse = |text: &str| Discount::parse(text, Currency::CNY);
        assert_eq!(parse("10%"), Ok(Discount::Percent(1000)));
        assert_eq!(parse("2.5％"), Ok(Discount::Percent(250)));
        assert_eq!(parse("2.50"), Ok(Discount::Minor(250)));
        for text in ["", "0", "0%", "101%", "-1", "1.234", "ten", "%"] {
            assert_eq!(parse(text), Err(DiscountError(text.to_owned())));
        }
    }

    fn discount() -> impl Strategy<Value = Option<Discount>> {
        prop_oneof![
            Just(None),
            (0_u16..=10_000).prop_map(|points| Some(Discount::Percent(points))),
            (0_u64..=2_000_000).prop_map(|minor| Some(Discount::Minor(minor))),
        ]
    }

    proptest! {
        #[test]
        fn lines_always_sum_to_the_total(
            lines in prop::collection::vec((0_u64..1_000_000, 0_u16..=10_000, discount()), 0..60),
            off in discount(),
        ) {
            let lines: Vec<_> = lines.into_iter().map(|(minor, points, off)| (yuan(minor), rate(points), off)).collect();
            let sums = Sums::of(Currency::CNY, &lines, off).unwrap();
            let sum = |part: fn(&LineSum) -> Amount| sums.lines.iter().map(|line| part(line).minor()).sum::<u64>();
            prop_assert_eq!(sum(|line| line.total), sums.total.minor());
            prop_assert_eq!(sum(|line| line.discount), sums.discount.minor());
            prop_assert_eq!(sum(|line| line.price), sums.price.minor());
            prop_assert_eq!(sums.price.minor() - sums.discount.minor(), sums.total.minor());
            // What was asked for is taken off to the minor unit.
            let before = sums.lines.iter().map(|line| line.total.minor() + line.share.minor()).sum::<u64>();
            let wanted = off.map_or(0, |off| off.of(before));
            prop_assert_eq!(sum(|line| line.share), wanted);
            // No line is more than one unit away from its exact share.
            for line in &sums.lines {
                let exact = wanted as f64 * (line.total.minor() + line.share.minor()) as f64 / before.max(1) as f64;
                prop_assert!((line.share.minor() as f64 - exact).abs() < 1.0001);
            }
            for tax in sums.taxes().unwrap() {
                prop_assert!(tax.tax.minor() <= tax.of.minor());
            }
        }
    }
}
