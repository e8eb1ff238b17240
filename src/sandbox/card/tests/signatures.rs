//! Certificates and signatures, opened with nothing but the authority's public key (EMV 4.4 Book 2, 5, 6 and 7).

use super::*;

/// Opens a signed block and checks header, format, trailer and hash (Book 2, 5.3, 6.3, 6.4).
#[track_caller]
fn opened(modulus: &[u8], exponent: &[u8], block: &[u8], format: u8, also_hashed: &[u8]) -> Vec<u8> {
    let block = rsa::recover(modulus, exponent, block).unwrap();
    let (framed, hash) = block[..block.len() - 1].split_at(block.len() - 21);
    assert_eq!((framed[0], framed[1], block[block.len() - 1]), (0x6A, format, 0xBC));
    assert_eq!(hash, authentication::sha_1(&[&framed[1..], also_hashed].concat()).unwrap(), "hash");
    framed.to_vec()
}

/// Takes a key out of an opened certificate: left-most digits behind `head` bytes, then the remainder.
fn key_within(framed: &[u8], head: usize, remainder: &[u8]) -> Vec<u8> {
    let length = usize::from(framed[head - 2]);
    let mut modulus = [&framed[head..], remainder].concat();
    modulus.truncate(length.max(remainder.len()));
    assert_eq!(modulus.len(), length);
    modulus
}

/// Verifies the chain from the authority down and gives the card's public modulus and exponent.
fn card_key(card: &mut SandboxCard) -> (Vec<u8>, Vec<u8>) {
    let (all, static_data) = records_of(card);
    let part = |tag| tag_of(&all, tag);
    let (remainder, exponent) = (part(tag::ISSUER_REMAINDER), part(tag::ISSUER_EXPONENT));
    let ca = keys().ca_public_key([0xA0, 0, 0, 3, 0x33]).unwrap();
    let [ca_modulus, ca_exponent] = [&ca.modulus, &ca.exponent].map(|text| hex::decode(text).unwrap());
    let also = [&remainder[..], &exponent].concat();
    let framed = opened(&ca_modulus, &ca_exponent, &part(tag::ISSUER_CERTIFICATE), 2, &also);
    assert_eq!(&framed[2..6], &part(tag::PAN)[..4]);
    let issuer = key_within(&framed, 15, &remainder);
    assert_eq!(issuer, keys().issuer.n().to_vec());

    let (card_remainder, card_exponent) = (part(tag::ICC_REMAINDER), part(tag::ICC_EXPONENT));
    assert_eq!(part(tag::SDA_TAG_LIST), [0x82]);
    let also = [&card_remainder[..], &card_exponent, &static_data, &AIP].concat();
    let framed = opened(&issuer, &exponent, &part(tag::ICC_CERTIFICATE), 4, &also);
    assert_eq!(&framed[2..12], part(tag::PAN));
    assert_eq!(&framed[12..14], [0x12, 0x30], "the certificate ends with the card");
    (key_within(&framed, 21, &card_remainder), card_exponent)
}

#[test]
fn the_certificates_and_a_dynamic_signature_hold() {
    let mut card = card();
    begin(&mut card);
    let (modulus, exponent) = card_key(&mut card);
    let challenge = [&[0, 0x88, 0, 0, 4], &TERMINAL_NUMBER[..], &[0]].concat();
    let signature = tag_of(&data(&mut card, &challenge), tag::SIGNED_DYNAMIC_DATA);
    let framed = opened(&modulus, &exponent, &signature, 5, &TERMINAL_NUMBER);
    assert_eq!(&framed[2..5], [1, 9, 8]);
    let again = tag_of(&data(&mut card, &challenge), tag::SIGNED_DYNAMIC_DATA);
    assert_ne!(signature, again, "a fresh dynamic number each time");
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA0, 0x10, 0x02], "the CVR says that DDA was performed");
    assert_eq!(status(&mut card, &challenge), 0x6985, "not behind the first cryptogram");
}

#[test]
fn a_combined_signature_covers_the_whole_transaction() {
    let mut card = card();
    begin(&mut card);
    let (modulus, exponent) = card_key(&mut card);
    let options = &GPO[7..11];
    let (mut hashed, mut arqc, mut atc) = (options.to_vec(), [0; 8], 0);
    for (p1, list) in [(0x90, CDOL1.to_vec()), (0x50, second_list())] {
        let sent = terminal_data(&list, b"00", &proof(atc, &arqc, b"00"));
        let answer = data(&mut card, &generate(p1, &sent));
        hashed.extend_from_slice(&sent);
        let signature = tag_of(&answer, tag::SIGNED_DYNAMIC_DATA);
        let framed = opened(&modulus, &exponent, &signature, 5, &TERMINAL_NUMBER);
        let dynamic = &framed[4..4 + usize::from(framed[3])];
        assert_eq!(dynamic.len(), 38);
        assert_eq!(find(&answer, tag::CRYPTOGRAM), Ok(None), "only the signature holds it");
        assert_eq!(dynamic[9..10], tag_of(&answer, tag::CRYPTOGRAM_INFORMATION));
        assert_eq!(dynamic[9], p1 & 0xC0);
        let plain: Vec<u8> = walk(&tag_of(&answer, tag::RESPONSE_FORMAT_2))
            .map(Result::unwrap)
            .filter(|object| object.tag != tag::SIGNED_DYNAMIC_DATA)
            .flat_map(|object| TlvBuilder::new().with(object.tag, object.value).build())
            .collect();
        assert_eq!(dynamic[18..], authentication::sha_1(&[&hashed[..], &plain].concat()).unwrap());
        let cvr = tag_of(&answer, tag::ISSUER_APPLICATION_DATA)[CVR_IN_ISSUER_DATA].try_into().unwrap();
        atc = 1;
        arqc.copy_from_slice(&dynamic[10..18]);
        assert_eq!(arqc, issuer_cryptogram(&list, &sent, cvr, atc));
    }
}

#[test]
fn a_refusal_is_never_signed() {
    let mut card = card();
    begin(&mut card);
    let answer = data(&mut card, &generate(0x10, &first_data()));
    assert_eq!(tag_of(&answer, tag::CRYPTOGRAM_INFORMATION), [0x00]);
    assert_eq!(find(&answer, tag::SIGNED_DYNAMIC_DATA), Ok(None));
    assert_eq!(tag_of(&answer, tag::CRYPTOGRAM).len(), 8);
}

/// Reads a card's records and checks the issuer's certificate; gives the records, what is authenticated, and the
/// issuer's key.
fn issuer_key(card: &mut SandboxCard) -> (Vec<u8>, Vec<u8>, [Vec<u8>; 2]) {
    begin(card);
    let (all, mut authenticated) = records_of(card);
    authenticated.extend_from_slice(&card.applications[0].image.aip);
    let part = |tag| tag_of(&all, tag);
    let (remainder, exponent) = (part(tag::ISSUER_REMAINDER), part(tag::ISSUER_EXPONENT));
    let also = [&remainder[..], &exponent].concat();
    let (ca_modulus, ca_exponent) = (keys().ca.n().to_vec(), keys().ca.e().to_vec());
    let framed = opened(&ca_modulus, &ca_exponent, &part(tag::ISSUER_CERTIFICATE), 2, &also);
    let modulus = key_within(&framed, 15, &remainder);
    (all, authenticated, [modulus, exponent])
}

#[test]
fn a_static_signature_covers_the_records_and_the_profile() {
    let mut card = shipped("sda");
    let (all, authenticated, [modulus, exponent]) = issuer_key(&mut card);
    let framed = opened(&modulus, &exponent, &tag_of(&all, Tag(0x93)), 3, &authenticated);
    assert_eq!(framed[3..5], [0xDA, 0xC1], "the data authentication code");
    assert!(framed[5..].iter().all(|byte| *byte == 0xBB));
    assert_eq!(find(&all, tag::ICC_CERTIFICATE), Ok(None));
    assert_eq!(status(&mut card, &[0, 0x88, 0, 0, 4, 1, 2, 3, 4, 0]), 0x6D00, "it signs nothing itself");
}

#[test]
fn a_pin_key_has_a_certificate_of_its_own() {
    let mut card = shipped("cvm-enciphered-pin-key");
    let (all, _, [modulus, exponent]) = issuer_key(&mut card);
    let [certificate, key_exponent, remainder] = [0x9F2D, 0x9F2E, 0x9F2F].map(|number| tag_of(&all, Tag(number)));
    let also = [&remainder[..], &key_exponent].concat();
    let framed = opened(&modulus, &exponent, &certificate, 4, &also);
    assert_eq!(key_within(&framed, 21, &remainder), keys().pin.n().to_vec());
}

#[test]
fn a_card_without_authentication_has_neither_keys_nor_signatures() {
    let mut card = shipped("no-authentication");
    begin(&mut card);
    let (all, _) = records_of(&mut card);
    for absent in [tag::CA_KEY_INDEX, tag::ISSUER_CERTIFICATE, tag::ICC_CERTIFICATE, Tag(0x93)] {
        assert_eq!(find(&all, absent), Ok(None), "{absent}");
    }
    assert_eq!(card.applications[0].image.aip, [0x18, 0], "it announces none either");
}

#[test]
fn a_card_of_dda_signs_no_cryptogram() {
    let mut card = shipped("dda");
    begin(&mut card);
    assert_eq!(card.applications[0].image.aip, [0x38, 0]);
    let answer = data(&mut card, &generate(0x90, &first_data()));
    assert_eq!(find(&answer, tag::SIGNED_DYNAMIC_DATA), Ok(None));
    assert_eq!(tag_of(&answer, tag::CRYPTOGRAM).len(), 8);
}
