//! What is sold, as it is told to the host beside a payment, for the customer's e-receipt (pure). Money goes by the amount of the message;
//! no rule of the host's looks at the goods, but that they come to it.
//!
//! UTF-8, a line each, its parts parted by TAB:
//!
//! | line | parts |
//! |---|---|
//! | `G` | number, name, unit, quantity (pieces or grams), price, discount, amount, tax rate in hundredths of a percent |
//! | `M` | how many lines more there are, their amount, their tax rate: what the field has no room for, by tax rate |
//! | `T` | the tip |
//!
//! Amounts are minor units of the message's currency.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::goods::sold::{Sold, come_to};
use crate::goods::{GoodName, GoodNumber, Quantity, SoldGood, TaxRate, Unit};
use crate::money::{Amount, Currency};

/// Most lines that are read.
const MOST_LINES: usize = 200;

/// What was told of goods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldGoods {
    /// Lines of goods; what was only counted stands in one line for each tax rate.
    pub lines: Vec<SoldGood>,
    /// What of the amount is a tip.
    pub tip: Option<Amount>,
}

/// What cannot be read as goods.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the goods cannot be read")]
pub struct ToldGoodsError {
    /// Which line, from 1.
    pub line: usize,
}

/// Goods and tip as they are told, in so many bytes at most: as many lines as there is room for, and of the rest how many they are and
/// what they come to. Nothing where there is nothing to tell, or no room even for that.
pub fn write(sold: &Sold, most_bytes: usize) -> Option<Vec<u8>> {
    if sold.lines().is_empty() && sold.tip().is_none() {
        return None;
    }
    // A cart has a few hundred lines at most.
    let told = (0..=sold.lines().len()).rev().map(|whole| text(sold, whole));
    told.map(String::into_bytes).find(|told| told.len() <= most_bytes)
}

/// The first lines whole.
fn text(sold: &Sold, whole: usize) -> String {
    let mut text = String::new();
    let (told, counted) = sold.lines().split_at(whole);
    // A text in memory is always written.
    for good in told {
        let _ = writeln!(
            text,
            "G\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            good.number,
            good.name,
            good.unit.word(),
            good.quantity.count(),
            good.price.minor(),
            good.discount.minor(),
            good.amount.minor(),
            good.tax_rate.basis_points(),
        );
    }
    let mut by_rate: BTreeMap<u16, (u32, u64)> = BTreeMap::new();
    for good in counted {
        let (count, minor) = by_rate.entry(good.tax_rate.basis_points()).or_default();
        *count = count.saturating_add(1);
        *minor = minor.saturating_add(good.amount.minor());
    }
    for (rate, (count, minor)) in by_rate {
        let _ = writeln!(text, "M\t{count}\t{minor}\t{rate}");
    }
    if let Some(tip) = sold.tip() {
        let _ = writeln!(text, "T\t{}", tip.minor());
    }
    text
}

/// Reads what was told.
///
/// # Errors
/// When a line is none that is written.
pub fn read(bytes: &[u8], currency: Currency) -> Result<ToldGoods, ToldGoodsError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ToldGoodsError { line: 1 })?;
    let mut told = ToldGoods::default();
    for (index, line) in text.lines().enumerate() {
        let parts: Vec<&str> = line.split('\t').collect();
        let good = match parts.as_slice() {
            ["G", of @ ..] => good(of, currency).map(Some),
            ["M", of @ ..] => more(of, currency).map(Some),
            ["T", tip] if told.tip.is_none() => amount(tip, currency).map(|tip| {
                told.tip = Some(tip);
                None
            }),
            _ => None,
        };
        match good {
            Some(good) if index < MOST_LINES => told.lines.extend(good),
            _ => return Err(ToldGoodsError { line: index + 1 }),
        }
    }
    Ok(told)
}

fn good(parts: &[&str], currency: Currency) -> Option<SoldGood> {
    let [number, name, unit, quantity, price, discount, paid, rate] = *parts else { return None };
    let unit = Unit::ALL.into_iter().find(|known| known.word() == unit)?;
    let quantity: u32 = quantity.parse().ok().filter(|count| (1..=Quantity::MOST).contains(count))?;
    Some(SoldGood {
        number: number.parse().ok()?,
        name: GoodName::parse(name).ok()?,
        quantity: if unit.grams().is_none() { Quantity::Pieces(quantity) } else { Quantity::Grams(quantity) },
        unit,
        price: amount(price, currency)?,
        discount: amount(discount, currency)?,
        amount: amount(paid, currency)?,
        tax_rate: TaxRate::new(rate.parse().ok()?).ok()?,
    })
}

/// What was only counted, as one line.
fn more(parts: &[&str], currency: Currency) -> Option<SoldGood> {
    let [count, paid, rate] = *parts else { return None };
    let count: u32 = count.parse().ok()?;
    let paid = amount(paid, currency)?;
    Some(SoldGood {
        number: GoodNumber::new(GoodNumber::MAX).ok()?,
        name: GoodName::parse(&format!("另有 {count} 项 / {count} more")).ok()?,
        quantity: Quantity::Pieces(1),
        unit: Unit::Piece,
        price: paid,
        discount: Amount::zero(currency),
        amount: paid,
        tax_rate: TaxRate::new(rate.parse().ok()?).ok()?,
    })
}

fn amount(text: &str, currency: Currency) -> Option<Amount> {
    text.parse().ok().and_then(|minor| Amount::new(minor, currency).ok())
}

impl ToldGoods {
    /// Whether goods, where there are some, and tip come to what is paid.
    pub fn come_to(&self, paid: Amount) -> bool {
        let tip = self.tip.unwrap_or(Amount::zero(paid.currency()));
        match paid.checked_sub(tip) {
            Ok(rest) => self.lines.is_empty() || come_to(&self.lines, rest),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::long_slip;

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    /// Sold goods with a tip, as a cart would give them.
    fn sold(goods: usize, tip: u64) -> (Sold, Vec<SoldGood>) {
        let lines: Vec<_> =
            long_slip().goods.into_iter().filter(|good| good.price.minor() < 10_000).cycle().take(goods).collect();
        let due = lines.iter().fold(0, |sum, good| sum + good.amount.minor());
        (Sold::of_lines(lines.clone(), yuan(due)).with_tip(yuan(due), yuan(tip)).unwrap(), lines)
    }

    #[test]
    fn what_is_told_is_read_back_and_comes_to_what_is_paid() {
        let (sold, lines) = sold(4, 250);
        let told = read(&write(&sold, 999).unwrap(), Currency::CNY).unwrap();
        assert_eq!((&told.lines, told.tip), (&lines, Some(yuan(250))));
        assert!(told.come_to(sold.amount()) && !told.come_to(yuan(1)));
        let only_tip = Sold::default().with_tip(yuan(1000), yuan(150)).unwrap();
        let told = read(&write(&only_tip, 999).unwrap(), Currency::CNY).unwrap();
        assert_eq!((told.lines.len(), told.tip), (0, Some(yuan(150))));
        assert!(told.come_to(yuan(1150)));
        assert_eq!(write(&Sold::default(), 999), None);
    }

    #[test]
    fn what_has_no_room_is_counted_by_tax_rate_and_still_comes_to_what_is_paid() {
        for goods in [30, 150] {
            let (sold, lines) = sold(goods, 1);
            let bytes = write(&sold, 999).unwrap();
            assert!((700..=999).contains(&bytes.len()), "as much as fits: {}", bytes.len());
            let told = read(&bytes, Currency::CNY).unwrap();
            assert!(told.come_to(sold.amount()));
            let whole = told.lines.iter().zip(&lines).take_while(|(told, sold)| told == sold).count();
            assert!(whole >= 8, "{whole}");
            let rates = |lines: &[SoldGood]| {
                crate::goods::sold::taxes_of(lines).unwrap().iter().map(|tax| (tax.rate, tax.of)).collect::<Vec<_>>()
            };
            assert_eq!(rates(&told.lines), rates(&lines), "what of it is tax stays so");
            assert!(told.lines[whole..].iter().all(|line| line.name.as_str().contains("more")), "{told:?}");
        }
    }

    #[test]
    fn what_nobody_would_write_is_refused_by_its_line() {
        let (sold, _) = sold(2, 100);
        let text = String::from_utf8(write(&sold, 999).unwrap()).unwrap();
        for (wrong, line) in [
            ("X\t1\n".to_owned(), 1),
            (format!("{text}T\t1\n"), 4),
            (text.replacen("piece", "barrel", 1), 1),
            (text.replacen("G\t", "G\tx", 1), 1),
            (format!("{text}M\t1\t99999999999999999\t0\n"), 4),
            ("M\t1\t1\t0\n".repeat(MOST_LINES + 1), MOST_LINES + 1),
        ] {
            assert_eq!(read(wrong.as_bytes(), Currency::CNY), Err(ToldGoodsError { line }), "{wrong}");
        }
        assert!(read(&[0xFF], Currency::CNY).is_err());
    }
}
