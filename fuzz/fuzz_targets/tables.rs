//! Field 62 of the acquirer's tables and of status reports: any bytes are read or refused at a place within them, and what was read
//! is read again the same when it is written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::acquirer::parameters::status::StatusReport;
use yima::acquirer::parameters::tables::{self, CardRecord};
use yima::host_tables::{NumberKey, TerminalParameters};
use yima::iso8583::Dialect;

fuzz_target!(|bytes: &[u8]| {
    let rules = Dialect::shipped("unionpay").expect("it is shipped").parameters.tables.expect("it has tables");
    let most = bytes.len().max(1);
    let mut terminal = TerminalParameters::default();
    match tables::read_terminal(bytes, &rules.layout, &mut terminal) {
        Ok(()) => {
            // Text that GB 18030 writes in more than one way may become longer; then it is not written.
            if let Some(written) = tables::write_terminal(&terminal, &rules.layout) {
                let mut again = TerminalParameters::default();
                tables::read_terminal(&written, &rules.layout, &mut again).expect("what was written can be read");
                assert_eq!(again, terminal);
            }
        }
        Err(error) => assert!(error.offset <= most),
    }
    let mut business = TerminalParameters::default();
    match tables::read_business(bytes, &rules.tags, &mut business) {
        Ok(()) => {
            let written = tables::write_business(&business, &rules.tags).expect("what was read can be written");
            let mut again = TerminalParameters::default();
            tables::read_business(&written, &rules.tags, &mut again).expect("what was written can be read");
            assert_eq!(again, business);
        }
        Err(error) => assert!(error.offset <= most),
    }
    let key = NumberKey::new(vec![7; 32].into());
    match tables::cards(bytes, &key) {
        Ok(part) => {
            // Of a whole number nothing is kept that could be written.
            let ranges: Vec<_> = part
                .records
                .iter()
                .filter_map(|record| match record {
                    CardRecord::Range(range) => Some(range),
                    CardRecord::Number(_) => None,
                })
                .collect();
            let written: Vec<_> = ranges.iter().map(|range| tables::write_card(range)).collect();
            if let Some(field) = tables::write_records(&written, 0) {
                let again = tables::cards(&field, &key).expect("what was written can be read").records;
                let expected: Vec<_> = ranges.into_iter().take(again.len()).cloned().map(CardRecord::Range).collect();
                assert_eq!(again, expected);
            }
        }
        Err(error) => assert!(error.offset <= most),
    }
    match tables::texts(bytes) {
        Ok(part) => {
            let written: Vec<_> = part.records.iter().map(tables::write_text).collect();
            if let Some(field) = tables::write_records(&written, 0) {
                let again = tables::texts(&field).expect("what was written can be read").records;
                assert_eq!(again, part.records[..again.len()]);
            }
        }
        Err(error) => assert!(error.offset <= most),
    }
    if let Ok(report) = StatusReport::read(bytes) {
        assert_eq!(StatusReport::read(&report.write()), Ok(report));
    }
});
