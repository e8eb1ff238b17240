//! The parts: data objects of a record, recovery of keys and of what was signed.

use std::hint::black_box;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use openssl::bn::BigNum;
use openssl::pkey::Private;
use openssl::rsa::Rsa;
use yima::crypto::rsa::sha_1;
use yima::emv::ca_keys::{CaKeys, RevocationList, Rid};
use yima::emv::oda::{
    CardCertificate, CombinedAnswer, CombinedInput, IssuerCertificate, KeyParts, RecordsToAuthenticate, StaticData,
    card_key, issuer_key, verify_combined,
};
use yima::emv::tag;
use yima::emv::tlv::{self, TlvBuilder};
use yima::sandbox::card::authentication::{Certificate, Subject, certify, sign_dynamic};
use yima::sandbox::card::keys::{CA_KEY_INDEX, CardKeys};

pub const RID: Rid = Rid([0xA0, 0, 0, 3, 0x33]);
const PAN: [u8; 10] = [0x62, 0x28, 0x48, 0x00, 0x12, 0x34, 0x56, 0x78, 0xFF, 0xFF];
const DATE: [u8; 3] = [0x26, 0x11, 0x24];
/// Of every key.
const KEY_BITS: u32 = 1408;
const CHALLENGE: [u8; 4] = [1, 2, 3, 4];
const VALUES: [&[u8]; 2] = [&[0x01, 0x56, 0x01, 0x56], &[0x5A; 29]];

/// A record as a card gives it: template 70 with sixteen objects, 139 bytes.
static RECORD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let content = TlvBuilder::new()
        .with(tag::PAN, &PAN[..8])
        .with(tag::PAN_SEQUENCE_NUMBER, &[1])
        .with(tag::EXPIRATION_DATE, &[0x49, 0x12, 0x31])
        .with(tag::EFFECTIVE_DATE, &[0x24, 0x01, 0x01])
        .with(tag::ISSUER_COUNTRY, &[0x01, 0x56])
        .with(tag::APPLICATION_USAGE_CONTROL, &[0xFF, 0x00])
        .with(tag::CARD_APPLICATION_VERSION, &[0x00, 0x30])
        .with(tag::APPLICATION_CURRENCY, &[0x01, 0x56])
        .with(tag::CDOL1, &[0x9F; 27])
        .with(tag::CDOL2, &[0x8A; 16])
        .with(tag::CVM_LIST, &[0; 10])
        .with(tag::IAC_DEFAULT, &[0xFF; 5])
        .with(tag::IAC_DENIAL, &[0x00; 5])
        .with(tag::IAC_ONLINE, &[0xFF; 5])
        .with(tag::SDA_TAG_LIST, &[0x82])
        .with(tag::CA_KEY_INDEX, &[0x99]);
    let record = TlvBuilder::new().with_template(tag::RECORD_TEMPLATE, content).build();
    assert_eq!(record.len(), 139);
    record
});

#[divan::bench]
fn tlv_walk_of_one_level(bencher: Bencher<'_, '_>) {
    let content = tlv::find(&RECORD, tag::RECORD_TEMPLATE).unwrap().unwrap();
    bencher.counter(BytesCount::of_slice(content)).bench(|| tlv::walk(black_box(content)).count());
}

#[divan::bench]
fn tlv_tree(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::of_slice(RECORD.as_slice())).bench(|| tlv::tree(black_box(&RECORD)).unwrap());
}

/// Everything that a CDA card of 1408 bits gives, and the keys it is checked with.
struct Card {
    #[cfg_attr(not(feature = "peers"), allow(dead_code, reason = "peers read the CA key from here"))]
    private: CardKeys,
    ca: CaKeys,
    issuer: Certificate,
    card: Certificate,
    static_data: StaticData,
    answer: Vec<u8>,
}

/// The objects of the answer beside the signature.
const BESIDE: &[u8] = &[0x9F, 0x27, 0x01, 0x40, 0x9F, 0x36, 0x02, 0x00, 0x07, 0x9F, 0x10, 0x03, 0x07, 0x01, 0x01];

static CARD: LazyLock<Card> = LazyLock::new(|| {
    let private = keys();
    let ca = CaKeys::parse(&toml::to_string(&private.ca_public_key(RID.0).unwrap()).unwrap()).unwrap();
    let signed = [&RECORD[3..], &[0x39, 0x00]].concat();
    let issuer = Subject::Issuer([0x62, 0x28, 0x48, 0xFF]);
    let issuer = certify(&private.ca, issuer, [0x12, 0x49], [0, 0, 1], &private.issuer).unwrap();
    let card = Subject::Card { pan: PAN, static_data: &signed };
    let card = certify(&private.issuer, card, [0x12, 0x49], [0, 0, 2], &private.card).unwrap();
    let hash = sha_1(&[VALUES[0], VALUES[1], BESIDE]);
    let dynamic = [&[8, 1, 2, 3, 4, 5, 6, 7, 8, 0x40][..], &[0xC0; 8], &hash].concat();
    let signature = sign_dynamic(&private.card, &dynamic, &CHALLENGE).unwrap();
    let signature = TlvBuilder::new().with(tag::SIGNED_DYNAMIC_DATA, &signature).build();
    let answer = TlvBuilder::new().with(tag::RESPONSE_FORMAT_2, &[BESIDE, &signature].concat()).build();
    Card { private, ca, issuer, card, static_data: static_data(), answer }
});

/// Keys of the length that cards have, made anew for each run.
pub fn keys() -> CardKeys {
    CardKeys { ca: key(), issuer: key(), card: key(), pin: key() }
}

fn key() -> Rsa<Private> {
    Rsa::generate_with_e(KEY_BITS, &BigNum::from_u32(3).unwrap()).unwrap()
}

fn static_data() -> StaticData {
    let mut records = RecordsToAuthenticate::default();
    records.add(1, &RECORD);
    records.finish(Some(&[0x82]), [0x39, 0x00]).unwrap()
}

fn parts(certificate: &Certificate) -> KeyParts<'_> {
    let (block, exponent) = (&certificate.block, &certificate.exponent);
    KeyParts { certificate: block, remainder: Some(&certificate.remainder), exponent }
}

/// Issuer certificate, card certificate, signature of GENERATE AC.
fn chain(it: &Card) -> CombinedAnswer {
    let (pan, date) = (PAN.as_slice(), DATE);
    let input = IssuerCertificate { rid: RID, index: CA_KEY_INDEX, parts: parts(&it.issuer), pan, date };
    let issuer = issuer_key(&it.ca, &RevocationList::default(), &input).unwrap();
    let input = CardCertificate { parts: parts(&it.card), pan, date, static_data: &it.static_data };
    let card = card_key(&issuer, &input).unwrap();
    let input = CombinedInput { unpredictable_number: &CHALLENGE, terminal_values: &VALUES, answer: &it.answer };
    verify_combined(&card, &input).unwrap()
}

#[divan::bench]
fn cda_chain_1408(bencher: Bencher<'_, '_>) {
    let card = &*CARD;
    bencher.bench(|| chain(black_box(card)));
}

/// The crate `emv`, at the same work.
#[cfg(feature = "peers")]
mod peer_emv {
    use emv::Tlv;
    use emv::core::oda::{CaPublicKey, CdaVerified, recover_icc_public_key, recover_issuer_public_key, verify_cda};

    use super::*;

    #[divan::bench]
    fn tlv_tree(bencher: Bencher<'_, '_>) {
        bencher.counter(BytesCount::of_slice(RECORD.as_slice())).bench(|| Tlv::parse_all(black_box(&RECORD)).unwrap());
    }

    fn chain(it: &Card, ca: &CaPublicKey, static_data: &[u8], said: &[u8]) -> CdaVerified {
        let (pan, month) = (&PAN[..8], [0x11, 0x26]);
        let issuer = &it.issuer;
        let issuer =
            recover_issuer_public_key(ca, &issuer.block, Some(&issuer.remainder), &issuer.exponent, pan, month)
                .unwrap();
        let card = &it.card;
        let card = recover_icc_public_key(
            &issuer,
            &card.block,
            Some(&card.remainder),
            &card.exponent,
            static_data,
            pan,
            month,
        )
        .unwrap();
        let signature = tlv::find(&it.answer, tag::SIGNED_DYNAMIC_DATA).unwrap().unwrap();
        verify_cda(&card, signature, CHALLENGE, said, 0x40).unwrap()
    }

    #[divan::bench]
    fn cda_chain_1408(bencher: Bencher<'_, '_>) {
        let it = &*CARD;
        let ca = CaPublicKey {
            rid: RID.0,
            index: CA_KEY_INDEX,
            modulus: it.private.ca.n().to_vec(),
            exponent: it.private.ca.e().to_vec(),
        };
        let static_data = [&RECORD[3..], &[0x39, 0x00]].concat();
        let said = [VALUES[0], VALUES[1], BESIDE].concat();
        bencher.bench(|| chain(black_box(it), &ca, &static_data, &said));
    }
}
