//! The message of every kind of transaction, field by field.

use super::*;
use crate::acquirer::fixtures::{
    advice, original, past, reversal_request, sale_request, with_requests, without_offline_sales,
};
use crate::card_number::Swipe;
use crate::payment::instalments::{AskedInstalments, Periods};
use crate::payment::transaction::{Presence, Transaction};
use crate::pin::Pin;

/// Kind; message type; fields 3, 25 and 60; whether the chip has a say in it.
const KINDS: [(Kind, u16, &str, &str, &str, bool); 11] = [
    (Kind::Sale, 200, "000000", "00", "2200000700050", true),
    (Kind::Void, 200, "200000", "00", "2300000700050", false),
    (Kind::Refund, 220, "200000", "00", "2500000700050", false),
    (Kind::Balance, 200, "310000", "00", "0100000700050", true),
    (Kind::PreAuthorisation, 100, "030000", "06", "1000000700050", true),
    (Kind::PreAuthorisationTopUp, 100, "030000", "06", "1200000700050", true),
    (Kind::PreAuthorisationVoid, 100, "200000", "06", "1100000700050", false),
    (Kind::Completion, 200, "000000", "06", "2000000700050", false),
    (Kind::CompletionVoid, 200, "200000", "06", "2100000700050", false),
    (Kind::OfflineSale, 220, "000000", "00", "3600000700050", true),
    (Kind::CompletionNotice, 220, "000000", "06", "2400000700050", false),
];

#[test]
fn a_sale_of_which_a_part_may_be_approved_says_so_and_no_other_message_does() {
    with_requests(|requests| {
        let sixty = |request: &SaleRequest| {
            requests.sale(request).unwrap().frame.message.text(60).map(str::to_owned).unwrap_or_default()
        };
        let whole = sixty(&request(Kind::Sale, true));
        let in_part = sixty(&SaleRequest { in_part: true, ..request(Kind::Sale, true) });
        assert_eq!((whole.len(), in_part), (13, format!("{whole}1")));
    });
}

#[test]
fn a_sale_by_instalments_asks_for_them_and_what_undoes_it_says_what_it_was() {
    with_requests(|requests| {
        let asked = AskedInstalments { periods: Periods::new(6).unwrap(), programme: Some("0001".to_owned()) };
        let sale = SaleRequest { instalments: Some(asked.clone()), ..request(Kind::Sale, true) };
        let written = requests.sale(&sale).unwrap();
        let message = &written.frame.message;
        assert_eq!(fields(message), [2, 3, 4, 11, 14, 22, 23, 25, 32, 35, 41, 42, 49, 55, 59, 60, 62, 64]);
        assert_eq!((message.text(25), message.text(60)), (Some("64"), Some("2200000700050")));
        let rules = requests.dialect.instalments.as_ref().unwrap();
        assert_eq!(instalments::read_asked(rules, message.bytes(62).unwrap()), Some(asked));
        assert_eq!(kinds::of_request(requests.dialect, message), Some(Kind::Sale));
        assert!(kinds::is_by_instalments(requests.dialect, message));
        assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);
        let split = Original { periods: Periods::new(6).ok(), ..original() };
        for (kind, condition) in [(Kind::Void, "64"), (Kind::Refund, "00")] {
            let about = SaleRequest { original: Some(split.clone()), ..request(kind, false) };
            let message = requests.sale(&about).unwrap().frame.message;
            assert_eq!((message.text(25), message.bytes(62)), (Some(condition), None), "{kind:?}");
            assert_eq!(kinds::of_request(requests.dialect, &message), Some(kind));
        }
        let void = Transaction::void(&past(Kind::Sale, split), original().trace.batch, Presence::CardAway).unwrap();
        let about = AboutRequest { trace: original().trace, transaction: void, at: original().at };
        assert_eq!(requests.about(&about).unwrap().frame.message.text(25), Some("64"));
        let reversal = requests.reversal(&ReversalRequest { by_instalments: true, ..reversal_request() }).unwrap();
        assert_eq!(reversal.frame.message.text(25), Some("64"));
        assert_eq!(kinds::of_reversal(requests.dialect, &reversal.frame.message), Some(Kind::Sale));
        let told = requests.advice(&Advice { by_instalments: true, ..advice(AdviceKind::CardResult) }).unwrap();
        assert_eq!(told.frame.message.text(25), Some("64"));
        // Nothing that is too long is cut off.
        let long = AskedInstalments { periods: Periods::new(6).unwrap(), programme: Some("1".repeat(31)) };
        let error = requests.sale(&SaleRequest { instalments: Some(long), ..request(Kind::Sale, true) }).err().unwrap();
        assert!(matches!(error, RequestError::Programme(_)), "{error}");
    });
}

fn request(kind: Kind, with_chip: bool) -> SaleRequest {
    let sale = sale_request();
    let chip_data = if with_chip { sale.chip_data.clone() } else { Zeroizing::default() };
    SaleRequest { kind, original: refers(kind).then(original), chip_data, ..sale }
}

fn refers(kind: Kind) -> bool {
    Kind::ALL.into_iter().any(|original| kind.may_refer_to(original))
}

fn fields(message: &Message) -> Vec<u8> {
    message.fields().map(|(field, _)| field).collect()
}

#[test]
fn each_kind_has_these_fields_and_no_others() {
    with_requests(|requests| {
        for (kind, mti, code, condition, sixty, with_chip) in KINDS {
            let written = requests.sale(&request(kind, with_chip)).unwrap();
            let message = &written.frame.message;
            assert_eq!(message.mti(), Mti::new(mti).unwrap(), "{kind:?}");
            let expected: &[u8] = match kind {
                Kind::Balance => &[2, 3, 11, 14, 22, 23, 25, 32, 35, 41, 42, 49, 55, 59, 60, 64],
                _ if with_chip && refers(kind) => {
                    &[2, 3, 4, 11, 14, 22, 23, 25, 32, 35, 37, 38, 41, 42, 49, 55, 59, 60, 61, 64]
                }
                _ if with_chip => &[2, 3, 4, 11, 14, 22, 23, 25, 32, 35, 41, 42, 49, 55, 59, 60, 64],
                _ => &[2, 3, 4, 11, 14, 22, 23, 25, 32, 35, 37, 38, 41, 42, 49, 59, 60, 61, 64],
            };
            assert_eq!(fields(message), expected, "{kind:?}");
            for (field, text) in [(3, code), (25, condition), (60, sixty), (22, "052"), (11, "000042")] {
                assert_eq!(message.text(field), Some(text), "{kind:?}: field {field}");
            }
            if refers(kind) {
                assert_eq!(message.text(37), Some("263260000001"));
                assert_eq!(message.text(38), Some("654321"));
                assert_eq!(message.text(61), Some("0000060000091121"), "the original's batch, number and date");
            }
            assert_eq!(kinds::of_request(requests.dialect, message), Some(kind));
            assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);
        }
    });
}

#[test]
fn of_an_original_that_was_answered_without_references_the_number_is_told() {
    with_requests(|requests| {
        let bare = Original { rrn: None, authorisation_code: None, ..original() };
        let message =
            requests.sale(&SaleRequest { original: Some(bare), ..request(Kind::Void, false) }).unwrap().frame.message;
        assert_eq!(fields(&message), [2, 3, 4, 11, 14, 22, 23, 25, 32, 35, 41, 42, 49, 59, 60, 61, 64]);
    });
}

#[test]
fn a_pin_travels_with_a_pre_authorisation_and_with_a_void_as_with_a_sale() {
    with_requests(|requests| {
        for (kind, with_chip) in [(Kind::PreAuthorisation, true), (Kind::Balance, true), (Kind::Void, false)] {
            let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
            let message =
                requests.sale(&SaleRequest { pin: Some(pin), ..request(kind, with_chip) }).unwrap().frame.message;
            assert_eq!(message.text(22), Some("051"), "{kind:?}");
            assert_eq!((message.text(26), message.text(53)), (Some("12"), Some("2600000000000000")), "{kind:?}");
            assert!(message.bytes(52).is_some(), "{kind:?}");
        }
    });
}

#[test]
fn without_the_card_the_number_is_the_originals_and_nothing_else_is_told_of_it() {
    with_requests(|requests| {
        let (batch, amount) = (original().trace.batch, original().amount);
        let of = |kind| past(kind, original());
        for transaction in [
            Transaction::void(&of(Kind::Sale), batch, Presence::CardAway).unwrap(),
            Transaction::void(&of(Kind::PreAuthorisation), batch, Presence::CardAway).unwrap(),
            Transaction::void(&of(Kind::Completion), batch, Presence::CardAway).unwrap(),
            Transaction::completion(&of(Kind::PreAuthorisation), amount, 100, Presence::CardAway).unwrap(),
            Transaction::completion_notice(&of(Kind::PreAuthorisation), amount, 100).unwrap(),
        ] {
            let kind = transaction.kind();
            let (trace, at) = (sale_request().trace, sale_request().at);
            let message = requests.about(&AboutRequest { trace, transaction, at }).unwrap().frame.message;
            assert_eq!(fields(&message), [2, 3, 4, 11, 22, 25, 32, 37, 38, 41, 42, 49, 59, 60, 61, 64], "{kind:?}");
            assert_eq!((message.text(2), message.text(22)), (Some("4111111111111111"), Some("012")));
            assert_eq!(kinds::of_request(requests.dialect, &message), Some(kind));
            let device = DeviceRecord::read(message.text(59).unwrap(), &requests.dialect.binding).unwrap();
            assert_eq!(device.factor, "111111");
        }
        let of_nothing = Transaction::sale(amount);
        let (trace, at) = (sale_request().trace, sale_request().at);
        let refused = requests.about(&AboutRequest { trace, transaction: of_nothing, at }).err().unwrap();
        assert!(matches!(refused, RequestError::NoOriginal("sale")), "{refused}");
    });
}

#[test]
fn what_a_dialect_does_not_list_or_what_names_no_original_is_refused() {
    with_requests(|requests| {
        let dialect = without_offline_sales();
        let without = Requests { dialect: &dialect, ..*requests };
        let refused = without.sale(&request(Kind::OfflineSale, true)).err().unwrap();
        assert!(matches!(refused, RequestError::NoMessage("offline_sale")), "{refused}");
        for (kind, .., with_chip) in KINDS.into_iter().filter(|(kind, ..)| refers(*kind)) {
            let refused = requests.sale(&SaleRequest { original: None, ..request(kind, with_chip) }).err().unwrap();
            assert!(matches!(refused, RequestError::NoOriginal(word) if word == kind.word()), "{refused}");
        }
    });
}

#[test]
fn a_reversal_says_of_each_kind_what_the_request_said_and_some_have_none() {
    with_requests(|requests| {
        for (kind, _, code, condition, sixty, _) in KINDS {
            let reversal = requests.reversal(&ReversalRequest { kind, ..reversal_request() });
            if kind.if_unknown() != IfUnknown::TakenBack {
                let refused = reversal.err().unwrap();
                assert!(matches!(refused, RequestError::NotReversible(word) if word == kind.word()), "{refused}");
                continue;
            }
            let message = reversal.unwrap().frame.message;
            assert_eq!(message.mti(), Mti::REVERSAL_REQUEST);
            assert_eq!(fields(&message), [3, 4, 11, 22, 23, 25, 32, 38, 39, 41, 42, 49, 55, 59, 60, 61, 64]);
            for (field, text) in [(3, code), (25, condition), (60, sixty), (61, "0000070000421122")] {
                assert_eq!(message.text(field), Some(text), "{kind:?}: field {field}");
            }
            assert_eq!(kinds::of_reversal(requests.dialect, &message), Some(kind));
        }
    });
}

#[test]
fn the_reversal_of_what_was_asked_without_a_card_says_so_too() {
    with_requests(|requests| {
        let request = ReversalRequest {
            kind: Kind::Void,
            entry: EntryMode::NotRead,
            sequence_number: None,
            chip_data: Vec::new(),
            ..reversal_request()
        };
        let message = requests.reversal(&request).unwrap().frame.message;
        assert_eq!(fields(&message), [3, 4, 11, 22, 25, 32, 38, 39, 41, 42, 49, 59, 60, 61, 64]);
        assert_eq!(message.text(22), Some("012"));
    });
}

#[test]
fn an_advice_says_what_the_payment_was() {
    with_requests(|requests| {
        for kind in AdviceKind::ALL {
            let about = Advice { payment: Kind::PreAuthorisation, ..advice(kind) };
            let message = requests.advice(&about).unwrap().frame.message;
            assert_eq!((message.text(3), message.text(25)), (Some("030000"), Some("06")));
            assert_eq!(message.text(60).map(|text| &text[..2]), Some(MANAGEMENT_TYPE));
        }
        let dialect = without_offline_sales();
        let without = Requests { dialect: &dialect, ..*requests };
        let refused = without.advice(&Advice { payment: Kind::OfflineSale, ..advice(AdviceKind::CardResult) });
        assert!(matches!(refused.err().unwrap(), RequestError::NoMessage("offline_sale")));
    });
}

/// Entry, field 22 without and with a PIN, field 60.
const WITHOUT_CHIP: [(EntryMode, &str, &str, &str); 3] = [
    (EntryMode::Stripe, "022", "021", "2200000700050"),
    (EntryMode::Fallback, "022", "021", "2200000700052"),
    (EntryMode::Typed, "012", "011", "2200000700050"),
];

#[test]
fn a_card_without_its_chip_says_how_it_was_read_and_brings_no_field_55() {
    with_requests(|requests| {
        let swipe = Swipe::parse(";4111111111111111=30121011234567?+01123456789012345=156999?", false).unwrap();
        for (entry, without, with, sixty) in WITHOUT_CHIP {
            let mut request = request(Kind::Sale, false);
            request.original = None;
            request.card.sequence_number = None;
            request.card.entry = entry;
            request.card.track2 = (entry != EntryMode::Typed).then(|| swipe.track2().clone());
            request.card.track3 = request.card.track2.as_ref().and_then(|_| swipe.track3().cloned());
            let message = requests.sale(&request).unwrap().frame.message;
            let tracks: &[u8] = if entry == EntryMode::Typed { &[] } else { &[35, 36] };
            let expected: Vec<u8> = [2, 3, 4, 11, 14, 22, 25, 32, 35, 36, 41, 42, 49, 59, 60, 64]
                .into_iter()
                .filter(|field| ![35, 36].contains(field) || tracks.contains(field))
                .collect();
            assert_eq!(fields(&message), expected, "{entry:?}");
            assert_eq!((message.text(22), message.text(60)), (Some(without), Some(sixty)), "{entry:?}");
            if entry != EntryMode::Typed {
                assert_eq!(message.text(35), Some("4111111111111111D30121011234567"));
                assert_eq!(message.text(36), Some("01123456789012345D156999"));
            }
            request.pin = Some(Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap());
            let written = requests.sale(&request).unwrap();
            assert_eq!(written.frame.message.text(22), Some(with), "{entry:?}");
            assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);
            // The reversal says the same, and brings no track.
            let taken_back =
                ReversalRequest { entry, chip_data: Vec::new(), sequence_number: None, ..reversal_request() };
            let message = requests.reversal(&taken_back).unwrap().frame.message;
            assert_eq!((message.text(22), message.text(60)), (Some(without), Some(sixty)), "{entry:?}");
            assert_eq!(fields(&message), [3, 4, 11, 22, 25, 32, 38, 39, 41, 42, 49, 59, 60, 61, 64]);
        }
    });
}
