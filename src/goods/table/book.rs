//! Goods as an Excel file (XLSX), with one sheet.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::{Column, cell, heading};
use crate::goods::Good;
use crate::wording::Language;

/// The file cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error("the Excel file cannot be written: {0}")]
pub struct BookError(#[from] XlsxError);

/// Goods as a file.
pub(super) fn write<'g>(goods: impl Iterator<Item = &'g Good>, language: Language) -> Result<Vec<u8>, BookError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    for ((at, name), column) in (0_u16..).zip(heading(language)).zip(Column::ALL) {
        sheet.write_string_with_format(0, at, name, &bold)?;
        sheet.set_column_width(at, width(column))?;
    }
    // The heading stays where it is, however far down somebody looks.
    sheet.set_freeze_panes(1, 0)?;
    for (row, good) in (1_u32..).zip(goods) {
        for (at, column) in (0_u16..).zip(Column::ALL) {
            write_cell(sheet, row, at, good, column, language)?;
        }
    }
    Ok(book.save_to_buffer()?)
}

fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    good: &Good,
    column: Column,
    language: Language,
) -> Result<(), XlsxError> {
    let text = cell(good, column, language);
    match column {
        // A spreadsheet adds them up.
        Column::Number => sheet.write_number(row, at, good.number.number())?,
        Column::Price => {
            let decimals = "0".repeat(usize::from(good.currency().exponent()));
            let format = if decimals.is_empty() { "0".to_owned() } else { format!("0.{decimals}") };
            let price: f64 = text.parse().unwrap_or_default();
            sheet.write_number_with_format(row, at, price, &Format::new().set_num_format(format))?
        }
        // As numbers, barcodes would lose their leading zeros and then their last digits.
        Column::Barcodes | Column::Name | Column::Unit | Column::TaxRate | Column::Category | Column::Favourite => {
            sheet.write_string(row, at, text)?
        }
    };
    Ok(())
}

/// Characters that a column shows.
const fn width(column: Column) -> u16 {
    match column {
        Column::Name => 32,
        Column::Barcodes => 18,
        Column::Number | Column::Price | Column::Unit | Column::TaxRate | Column::Category | Column::Favourite => 10,
    }
}
