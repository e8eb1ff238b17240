//! CSV, as programs write it: in UTF-8, in UTF-16 (Excel's "Unicode text"), or in GB18030 (Excel where the system is Chinese);
//! with commas, semicolons or tabs.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::formula::{guarded, plain};
use super::{Line, MOST_LINES, TableError};

/// What stands in front of a text in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What may stand between cells; the first where nothing tells.
const BETWEEN: [u8; 3] = [b',', b'\t', b';'];

/// The lines of a text that are not empty.
pub(super) fn lines(file: &[u8]) -> Result<Vec<Line>, TableError> {
    let text = decoded(file)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(between(&text))
        .from_reader(text.as_bytes());
    let (mut lines, mut record, mut number, mut counted) = (Vec::new(), csv::StringRecord::new(), 1, 0);
    loop {
        let more = reader.read_record(&mut record).map_err(|_| TableError::Cells(number))?;
        if !more {
            return Ok(lines);
        }
        // The reader passes over empty lines without counting them.
        let place = record.position().map_or(counted, |position| usize::try_from(position.byte()).unwrap_or(counted));
        let empty = text.as_bytes().iter().skip(place).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = text.as_bytes().get(counted..place + empty).unwrap_or_default();
        number += passed.iter().filter(|byte| **byte == b'\n').count();
        counted = place + empty;
        lines.extend(super::line(number, record.iter().map(|cell| plain(cell.trim()).to_owned()).collect()));
        // One more for the heading.
        if lines.len() > MOST_LINES + 1 {
            return Err(TableError::Lines);
        }
    }
}

/// The text of a file: by the mark in front of it, or by what it can be.
fn decoded(file: &[u8]) -> Result<Cow<'_, str>, TableError> {
    let (encoding, marked) = match Encoding::for_bom(file) {
        Some((encoding, length)) => (encoding, file.get(length..).unwrap_or_default()),
        None if std::str::from_utf8(file).is_ok() => (UTF_8, file),
        None => (GB18030, file),
    };
    let decoded = encoding.decode_without_bom_handling_and_without_replacement(marked);
    decoded.ok_or_else(|| TableError::Characters(wrong_line(marked, encoding)))
}

/// The first line that is not of a code.
fn wrong_line(text: &[u8], encoding: &'static Encoding) -> usize {
    let is_wrong = |line: &[u8]| encoding.decode_without_bom_handling_and_without_replacement(line).is_none();
    text.split(|byte| *byte == b'\n').position(is_wrong).map_or(1, |index| index + 1)
}

/// What stands between cells most often in the first line that has any.
fn between(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |sign: u8| first.bytes().filter(|byte| *byte == sign).count();
    // The last of equal ones is taken: commas, where there are none of any.
    BETWEEN.into_iter().rev().max_by_key(|sign| count(*sign)).unwrap_or(b',')
}

/// Lines as a file.
pub(super) fn write<const N: usize>(
    heading: [String; N],
    lines: impl Iterator<Item = [String; N]>,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(MARK.to_vec());
    writer.write_record(&heading)?;
    for line in lines {
        writer.write_record(line.iter().map(|cell| guarded(cell).into_owned()))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
