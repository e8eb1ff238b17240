//! Signatures over the wire, from a terminal to its host.

use super::*;
use crate::jbig;
use crate::payment::signature::{Point, Signature, SignatureUpload, Strokes};
use crate::reference::Rrn;

fn signature(end: u16) -> Signature {
    let mut strokes = Strokes::default();
    strokes.begin(Point { x: 400, y: 500 });
    strokes.go_on(Point { x: 3000, y: end });
    Signature::of(&strokes, 999).unwrap()
}

/// The signature of a sale that was approved.
fn upload(request: &SaleRequest, answer: &HostAnswer) -> SignatureUpload {
    SignatureUpload {
        trace: request.trace,
        rrn: answer.rrn.clone(),
        authorisation_code: answer.authorisation_code.clone(),
        signature: signature(1400),
    }
}

#[test]
fn a_signature_is_joined_to_its_payment_and_kept_once_however_often_it_comes() {
    let house = House::new();
    let link = house.link();
    let signed = upload(&sale(1, 1000), &link.sale(&sale(1, 1000)).unwrap());
    for times in 1..=2 {
        assert_eq!(code(link.upload_signature(&signed)), "00");
        let taken = house.running.signatures().unwrap();
        assert_eq!((taken.len(), taken[0].trace, taken[0].times), (1, trace(1), times));
        assert_eq!((&taken[0].data[..], &taken[0].picture), (signed.signature.data(), signed.signature.picture()));
        assert_eq!(jbig::decode(&taken[0].data).as_ref(), Ok(signed.signature.picture()));
    }
    // It is written down, beside the host that runs as well.
    assert_eq!(house.host.signatures().unwrap(), house.running.signatures().unwrap());
    let other = SignatureUpload { signature: signature(600), ..signed };
    assert_eq!(code(link.upload_signature(&other)), "12", "a payment is signed once");
    assert_eq!(house.balance(), BALANCE - 1000, "and no money moves");
}

#[test]
fn what_belongs_to_no_payment_is_refused() {
    let house = House::new();
    let link = house.link();
    let request = sale(1, 1000);
    let signed = upload(&request, &link.sale(&request).unwrap());
    // Refused by the issuer, taken back, never heard of, another's number.
    assert_eq!(code(link.sale(&sale(2, 66_51))), "51");
    let gone = link.sale(&sale(3, 1000)).unwrap();
    assert_eq!(code(link.reverse(&reversal(3, 1000))), "00");
    for (what, upload) in [
        ("refused", SignatureUpload { trace: trace(2), rrn: None, authorisation_code: None, ..signed.clone() }),
        ("taken back", upload(&sale(3, 1000), &gone)),
        ("never heard of", SignatureUpload { trace: trace(4), ..signed.clone() }),
        ("another RRN", SignatureUpload { rrn: Rrn::parse("999999999999").ok(), ..signed.clone() }),
        (
            "another batch",
            SignatureUpload { trace: TraceNumber { batch: Batch::new(2).unwrap(), ..trace(1) }, ..signed.clone() },
        ),
    ] {
        assert_eq!(code(link.upload_signature(&upload)), "25", "{what}");
    }
    // Another terminal has no such payment.
    assert_eq!(code(house.link_of(&house.other_kit()).upload_signature(&signed)), "25");
    assert!(house.running.signatures().unwrap().is_empty());
    house.running.set_refuses_signatures(true);
    assert_eq!(code(link.upload_signature(&signed)), "12");
    house.running.set_refuses_signatures(false);
    assert_eq!(code(link.upload_signature(&signed)), "00");
}

#[test]
fn a_signature_under_another_mac_is_none() {
    let house = House::new();
    let signed = upload(&sale(1, 1000), &house.link().sale(&sale(1, 1000)).unwrap());
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Mac, &[9; 16]);
    assert_eq!(code(house.link_of(&kit).upload_signature(&signed)), "A0");
    assert!(house.running.signatures().unwrap().is_empty());
    assert_eq!(code(house.link().upload_signature(&signed)), "00");
}
