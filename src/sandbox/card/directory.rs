//! The payment system environment: the card's own list of its applications (EMV 4.4 Book 1, 12.2).

use super::image::record;
use crate::emv::tag;
use crate::emv::tlv::TlvBuilder;

/// Its name (Book 1, 12.2.2).
pub const PSE: &[u8] = b"1PAY.SYS.DDF01";

/// The file its records are in.
pub const FILE: u8 = 1;

/// The directory of a card that has one.
#[derive(Debug)]
pub struct Directory {
    /// Answer to SELECT.
    pub information: Vec<u8>,
    /// One record for each application.
    pub records: Vec<Vec<u8>>,
}

impl Directory {
    /// A directory of applications' entries (templates 61).
    pub fn new<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Self {
        let proprietary = TlvBuilder::new().with(tag::SFI, &[FILE]).with(tag::LANGUAGE_PREFERENCE, b"zhen");
        let template = TlvBuilder::new().with(tag::DF_NAME, PSE).with_template(tag::FCI_PROPRIETARY, proprietary);
        Self {
            information: TlvBuilder::new().with_template(tag::FCI_TEMPLATE, template).build(),
            records: entries.map(record).collect(),
        }
    }

    /// A record by its number, counted from 1.
    pub fn record(&self, number: u8) -> Option<&[u8]> {
        self.records.get(usize::from(number).checked_sub(1)?).map(Vec::as_slice)
    }
}
