//! The static data to be authenticated (EMV 4.4 Book 3, 10.3): records in the order of the AFL, then the AIP.

use std::fmt;

use zeroize::Zeroizing;

use super::OdaFailure;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv;

/// Files whose records count without tag 70 and its length; those above count whole.
const LAST_EMV_FILE: u8 = 10;

/// Collects the records that the AFL marks, while they are read.
///
/// A record that cannot be authenticated does not stop the reading: it makes authentication fail at the end.
#[cfg_attr(test, derive(Clone))]
#[derive(Default)]
pub struct RecordsToAuthenticate {
    bytes: Zeroizing<Vec<u8>>,
    failure: Option<OdaFailure>,
}

/// Everything that a signature over static data vouches for. Masked: it holds the card number.
#[cfg_attr(test, derive(Clone))]
pub struct StaticData(Zeroizing<Vec<u8>>);

impl RecordsToAuthenticate {
    /// Adds a record as the card gave it, without the status word.
    pub fn add(&mut self, sfi: u8, record: &[u8]) {
        let mut objects = tlv::walk(record);
        match (objects.next(), objects.next()) {
            (Some(Ok(template)), None) if template.tag == tag::RECORD_TEMPLATE => {
                self.bytes.extend(if sfi <= LAST_EMV_FILE { template.value } else { record });
            }
            _ => {
                self.failure.get_or_insert(OdaFailure::RecordNotTemplate { sfi });
            }
        }
    }

    /// Ends with what `tag_list` (9F4A) asks for: nothing, or the AIP.
    ///
    /// # Errors
    /// When a record was not a template 70, or the list names another object than the AIP.
    pub fn finish(mut self, tag_list: Option<&[u8]>, aip: [u8; 2]) -> Result<StaticData, OdaFailure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        match tag_list {
            None | Some([]) => {}
            Some(list) if Tag::read(list) == Some((tag::AIP, list.len())) => self.bytes.extend(aip),
            Some(_) => return Err(OdaFailure::TagList),
        }
        Ok(StaticData(self.bytes))
    }
}

impl StaticData {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RecordsToAuthenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordsToAuthenticate({} bytes, {:?})", self.bytes.len(), self.failure)
    }
}

impl fmt::Debug for StaticData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticData({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn records_count_without_their_template_up_to_file_10_and_whole_above() {
        let mut records = RecordsToAuthenticate::default();
        records.add(10, &[0x70, 0x02, 0x5A, 0x00]);
        records.add(11, &[0x70, 0x81, 0x02, 0x57, 0x00]);
        records.add(1, &[0x70, 0x00]);
        let data = records.finish(Some(&[0x82]), [0x39, 0x00]).unwrap();
        assert_eq!(data.as_bytes(), [0x5A, 0x00, 0x70, 0x81, 0x02, 0x57, 0x00, 0x39, 0x00]);
        assert_eq!(format!("{data:?}"), "StaticData(9 bytes)");
    }

    #[test]
    fn only_the_aip_may_be_listed() {
        let data = |list: Option<&[u8]>| records().finish(list, [0x39, 0x00]).map(|data| data.as_bytes().len());
        assert_eq!(data(None), Ok(3));
        assert_eq!(data(Some(&[])), Ok(3));
        assert_eq!(data(Some(&[0x82])), Ok(5));
        for list in [&[0x5A][..], &[0x82, 0x82], &[0x82, 0x5A], &[0x9F]] {
            assert_eq!(data(Some(list)), Err(OdaFailure::TagList), "{list:02X?}");
        }
    }

    #[test]
    fn a_record_that_is_no_template_70_fails_at_the_end_and_the_first_one_is_named() {
        for record in [&[][..], &[0x70], &[0x61, 0x00], &[0x70, 0x00, 0x70, 0x00], &[0x70, 0x00, 0x90]] {
            let mut records = records();
            records.add(12, record);
            records.add(2, &[0x61, 0x00]);
            let failed = records.finish(None, [0x39, 0x00]).err();
            assert_eq!(failed, Some(OdaFailure::RecordNotTemplate { sfi: 12 }), "{record:02X?}");
        }
    }
}
