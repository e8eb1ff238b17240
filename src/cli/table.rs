//! Tables on standard output (CSV), for spreadsheets and whoever keeps the books.

use std::borrow::Cow;

use super::{Failure, output};

/// A table that grows line by line.
pub struct Table {
    writer: csv::Writer<Vec<u8>>,
    in_training: bool,
}

/// Free text, such as a name or a note, for a cell: a spreadsheet takes none for a formula.
pub fn free(text: &str) -> Cow<'_, str> {
    crate::goods::table::guarded(text)
}

impl Table {
    /// With the names of its columns. In a training each line says so in one more.
    ///
    /// # Errors
    /// Never, for text.
    pub fn of(heading: &[&str]) -> Result<Self, Failure> {
        let mut table = Self { writer: csv::Writer::from_writer(Vec::new()), in_training: output::in_training() };
        let mark = table.in_training.then_some("training");
        table.writer.write_record(heading.iter().copied().chain(mark))?;
        Ok(table)
    }

    /// One line more. What is free text has gone through [`free`].
    ///
    /// # Errors
    /// When it has more or fewer cells than the heading.
    pub fn line<C: AsRef<str>>(&mut self, cells: &[C]) -> Result<(), Failure> {
        let mark = self.in_training.then_some("yes");
        Ok(self.writer.write_record(cells.iter().map(AsRef::as_ref).chain(mark))?)
    }

    /// Puts it out.
    ///
    /// # Errors
    /// Never, for text.
    pub fn say(self) -> Result<(), Failure> {
        let bytes = self.writer.into_inner().map_err(|error| error.to_string())?;
        output::say(String::from_utf8(bytes)?.trim_end());
        Ok(())
    }
}
