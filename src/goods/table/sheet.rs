//! The first sheet of an Excel file (XLSX), cell by cell: one that stands far away from the others costs no more than itself.

use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{Line, MOST_CELLS, MOST_LINES, MOST_UNPACKED, TableError};

/// Decimals of a number that were meant: 12.34 is kept as 12.340000000000002.
const DECIMALS: usize = 6;

/// The lines of the first sheet that are not empty.
pub(super) fn lines(file: &[u8]) -> Result<Vec<Line>, TableError> {
    look_how_large(file)?;
    let failed = |error: XlsxError| TableError::Sheet(error.to_string());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(file)).map_err(failed)?;
    let name = book.sheet_names().into_iter().next().ok_or(TableError::Empty)?;
    let mut reader = book.worksheet_cells_reader(&name).map_err(failed)?;
    let (mut lines, mut row, mut cells) = (Vec::new(), 0, Vec::new());
    while let Some(cell) = reader.next_cell().map_err(failed)? {
        let (at, column) = cell.get_position();
        if at != row {
            lines.extend(super::line(row as usize + 1, std::mem::take(&mut cells)));
            row = at;
            // One more for the heading.
            if lines.len() > MOST_LINES + 1 {
                return Err(TableError::Lines);
            }
        }
        let column = column as usize;
        if column < MOST_CELLS {
            if cells.len() <= column {
                cells.resize(column + 1, String::new());
            }
            cells[column] = text(cell.get_value());
        }
    }
    lines.extend(super::line(row as usize + 1, cells));
    Ok(lines)
}

/// Unpacks every part once and throws it away: what a part says of its own size may be a lie, and some are kept in memory as a whole.
fn look_how_large(file: &[u8]) -> Result<(), TableError> {
    let failed = |error: &dyn std::error::Error| TableError::Sheet(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|error| failed(&error))?;
    let mut left = MOST_UNPACKED;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| failed(&error))?;
        // One more than there may be says that there is more.
        let mut part = part.take(left + 1);
        let unpacked = std::io::copy(&mut part, &mut std::io::sink()).map_err(|error| failed(&error))?;
        left = left.checked_sub(unpacked).ok_or(TableError::Unpacked)?;
    }
    Ok(())
}

/// What a cell shows, or what its reader will complain of.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => {
            let text = format!("{number:.DECIMALS$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(time) => format!("{} (a date)", time.as_f64()),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}
