//! Certificates and signatures: raw bytes, and any content behind the right frame and hash, as a signer in the wrong
//! hands could make it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use openssl::pkey::Private;
use openssl::rsa::Rsa;
use yima::crypto::{hex, rsa};
use yima::emv::ca_keys::{CaKeys, RevocationList, Rid};
use yima::emv::oda::{
    CardCertificate, CardKey, CombinedInput, IssuerCertificate, IssuerKey, KeyParts, OdaFailure, PinCertificate,
    RecordsToAuthenticate, StaticData, card_key, issuer_key, pin_key, signature_of, verify_combined, verify_dynamic,
    verify_static,
};
use yima::emv::tag;
use yima::emv::tlv::TlvBuilder;

const RID: Rid = Rid([0xA0, 0, 0, 3, 0x33]);
const EXPONENT: [u8; 1] = [3];
const PAN: [u8; 8] = [0x62, 0x28, 0x48, 0x00, 0x12, 0x34, 0x56, 0x78];
const DATE: [u8; 3] = [0x26, 0x11, 0x24];
const CHALLENGE: [u8; 4] = [1, 2, 3, 4];

/// One key signs everything: its certificate for itself makes it issuer and card too.
static KEY: LazyLock<Rsa<Private>> =
    LazyLock::new(|| Rsa::generate_with_e(1024, &openssl::bn::BigNum::from_u32(3).expect("3")).expect("a key"));

static CA: LazyLock<CaKeys> = LazyLock::new(|| {
    let modulus = KEY.n().to_vec();
    let hash = rsa::sha_1(&[&RID.0, &[1], &modulus, &EXPONENT]);
    let (modulus, hash) = (hex::encode(&modulus), hex::encode(&hash));
    CaKeys::parse(&format!(
        "test = true\nrid = \"{RID}\"\nindex = \"01\"\nmodulus = \"{modulus}\"\nexponent = \"03\"\nhash = \"{hash}\"\n"
    ))
    .expect("a set of one key")
});

/// The key as an issuer's, under itself.
static ISSUER: LazyLock<IssuerKey> = LazyLock::new(|| {
    let head = [0x02, 0x62, 0x28, 0xFF, 0xFF, 0x12, 0x49, 0, 0, 1, 1, 1, 128, 1];
    let (block, remainder) = certificate(&head, 36);
    issuer(KeyParts { certificate: &block, remainder: Some(&remainder), exponent: &EXPONENT }).expect("a certificate")
});

/// The key as a card's, under the issuer's.
static CARD: LazyLock<CardKey> = LazyLock::new(|| {
    let head = [&[0x04][..], &PAN, &[0xFF, 0xFF], &[0x12, 0x49, 0, 0, 1, 1, 1, 128, 1]].concat();
    let (block, remainder) = certificate(&head, 42);
    let parts = KeyParts { certificate: &block, remainder: Some(&remainder), exponent: &EXPONENT };
    let input = CardCertificate { parts, pan: &PAN, date: DATE, static_data: &NOTHING };
    card_key(&ISSUER, &input).expect("a certificate")
});

static NOTHING: LazyLock<StaticData> =
    LazyLock::new(|| RecordsToAuthenticate::default().finish(None, [0, 0]).expect("no record is a good record"));

fn certificate(head: &[u8], overhead: usize) -> (Vec<u8>, Vec<u8>) {
    let modulus = KEY.n().to_vec();
    let (inside, remainder) = modulus.split_at(modulus.len() - overhead);
    (signed(&[head, inside].concat(), &[remainder, &EXPONENT].concat()), remainder.to_vec())
}

fn issuer(parts: KeyParts<'_>) -> Result<IssuerKey, OdaFailure> {
    let input = IssuerCertificate { rid: RID, index: 1, parts, pan: &PAN, date: DATE };
    issuer_key(&CA, &RevocationList::default(), &input)
}

/// `content`, cut or filled to the room there is, with the right frame and hash.
fn signed(content: &[u8], beside: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(KEY.size() as usize - 22, 0xBB);
    let hash = rsa::sha_1(&[&content, beside]);
    rsa::sign(&KEY, &[&[0x6A], content.as_slice(), &hash, &[0xBC]].concat()).expect("a block for this key")
}

fuzz_target!(|bytes: &[u8]| {
    for block in [bytes.to_vec(), signed(bytes, &EXPONENT)] {
        let parts = KeyParts { certificate: &block, remainder: None, exponent: &EXPONENT };
        let _ = issuer(parts);
        let _ = pin_key(&ISSUER, &PinCertificate { parts, pan: &PAN, date: DATE });
        let _ = card_key(&ISSUER, &CardCertificate { parts, pan: &PAN, date: DATE, static_data: &NOTHING });
    }
    let _ = verify_static(&ISSUER, &signed(bytes, &[]), &NOTHING);

    let signature = signed(bytes, &CHALLENGE);
    let _ = verify_dynamic(&CARD, &signature, &CHALLENGE);
    let answer =
        TlvBuilder::new().with(tag::CRYPTOGRAM_INFORMATION, &[0x40]).with(tag::SIGNED_DYNAMIC_DATA, &signature);
    let answer = TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, answer).build();
    for answer in [answer.as_slice(), bytes] {
        let input = CombinedInput { unpredictable_number: &CHALLENGE, terminal_values: &[bytes], answer };
        let _ = verify_combined(&CARD, &input);
        let _ = signature_of(answer);
    }

    let mut records = RecordsToAuthenticate::default();
    records.add(1, bytes);
    let _ = records.finish(Some(bytes), [0, 0]);
});
