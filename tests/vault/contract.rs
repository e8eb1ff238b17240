//! What every secure element does, whatever it is made of. Each case gets one that has never been used, and a way to open
//! it anew, as after a restart.

use yima::card_number::Pan;
use yima::crypto::check_value::check_value;
use yima::crypto::device;
use yima::crypto::elliptic::{P256PrivateKey, P256PublicKey, SEED};
use yima::crypto::mac::{Cipher, MacAlgorithm};
use yima::crypto::sm4::Sm4Key;
use yima::crypto::tdes::TdesKey;
use yima::crypto::{hex, mac};
use yima::pin::Pin;
use yima::vault::{KeyName, SealedKey, SecureElement, VaultError, agreement};
use zeroize::Zeroizing;

/// Opens the element.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn SecureElement>;

/// The sign-on sample of a public post on UnionPay POS keys, recomputed.
pub const MASTER: &str = "CA5D92598DCA48CE8A4C76361A9269E9";
const MAC: &str = "5BB5C72CD00B7338";
const MAC_CHECK_VALUE: &str = "AB7153CA";

/// A case, by its name.
pub type Case = (&'static str, fn(Open));

/// All cases.
pub const CASES: [Case; 15] = [
    ("a_new_element_holds_nothing_and_says_what_to_do", a_new_element_holds_nothing_and_says_what_to_do),
    ("a_new_pair_signs_and_stays", a_new_pair_signs_and_stays),
    ("an_enrolment_comes_under_what_both_agree_on", an_enrolment_comes_under_what_both_agree_on),
    ("an_enrolment_ends_the_working_keys_before_it", an_enrolment_ends_the_working_keys_before_it),
    ("the_sign_on_of_the_worked_sample", the_sign_on_of_the_worked_sample),
    ("the_mac_of_the_worked_sample", the_mac_of_the_worked_sample),
    ("keys_of_every_length_work", keys_of_every_length_work),
    ("macs_of_other_kinds_are_made_or_refused_beforehand", macs_of_other_kinds_are_made_or_refused_beforehand),
    ("keys_of_other_ciphers_are_kept_or_refused_beforehand", keys_of_other_ciphers_are_kept_or_refused_beforehand),
    ("a_wrong_check_value_leaves_the_old_keys", a_wrong_check_value_leaves_the_old_keys),
    ("working_keys_are_replaced_as_a_set", working_keys_are_replaced_as_a_set),
    ("a_pin_leaves_as_format_0", a_pin_leaves_as_format_0),
    ("what_a_storage_key_wrapped_is_lost_with_it", what_a_storage_key_wrapped_is_lost_with_it),
    ("storage_keys_outlast_all_keys_of_the_acquirer", storage_keys_outlast_all_keys_of_the_acquirer),
    ("destroyed_keys_are_gone", destroyed_keys_are_gone),
];

pub fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// What the host does at enrolment; the terminal's pair is there.
pub fn enrol(vault: &dyn SecureElement, master: &[u8], device: &[u8]) {
    let (host, master, device) = blocks(vault, b"context", master, device);
    vault.import_under_agreement(&host, b"context", &master, &device).unwrap();
}

fn blocks(vault: &dyn SecureElement, context: &[u8], master: &[u8], device: &[u8]) -> (Vec<u8>, String, String) {
    let terminal = P256PublicKey::from_der(&vault.public_key().unwrap()).unwrap();
    let host = host();
    let protection_key = agreement::protection_key(&host, &terminal, context).unwrap();
    let block =
        |name, key: &[u8]| agreement::seal(name, Cipher::Tdes, &protection_key, key, &[1; agreement::PADDING]).unwrap();
    (host.public_key().unwrap().to_der().unwrap(), block(KeyName::Master, master), block(KeyName::Device, device))
}

fn host() -> P256PrivateKey {
    P256PrivateKey::from_seed(&[9; SEED]).unwrap()
}

/// What the host does at sign-on: keys under the master key, with their check values.
pub fn sign_on(vault: &dyn SecureElement, master: &[u8], keys: &[(KeyName, &[u8])]) -> Result<(), VaultError> {
    let keys: Vec<_> = keys.iter().map(|(name, key)| (*name, sealed(master, key))).collect();
    import(vault, &keys)
}

type Sealed = (Vec<u8>, Vec<u8>);

fn sealed(master: &[u8], key: &[u8]) -> Sealed {
    let sealed = TdesKey::new(master).unwrap().encrypt_ecb(key).unwrap();
    (sealed, TdesKey::new(key).unwrap().check_value().unwrap()[..4].to_vec())
}

fn import(vault: &dyn SecureElement, keys: &[(KeyName, Sealed)]) -> Result<(), VaultError> {
    let keys: Vec<_> =
        keys.iter().map(|(name, (sealed, check_value))| SealedKey { name: *name, sealed, check_value }).collect();
    vault.import_under_master(&keys)
}

pub fn check_values(vault: &dyn SecureElement) -> [Option<String>; 5] {
    KeyName::ALL.map(|name| vault.check_value(name).unwrap().map(|value| hex::encode(&value)))
}

/// Enrolled with the sample's master key, signed on with the sample's MAC key and a PIN key.
pub fn fill(vault: &dyn SecureElement) {
    vault.generate().unwrap();
    enrol(vault, &bytes(MASTER), &[7; 16]);
    sign_on(vault, &bytes(MASTER), &[(KeyName::Mac, &bytes(MAC)), (KeyName::Pin, &[5; 16])]).unwrap();
}

fn a_new_element_holds_nothing_and_says_what_to_do(open: Open) {
    let vault = open();
    assert_eq!(check_values(&*vault), [const { None }; 5]);
    assert!(matches!(vault.public_key(), Err(VaultError::NotEnrolled("device key pair"))));
    assert!(matches!(vault.sign(b""), Err(VaultError::NotEnrolled("device key pair"))));
    assert!(matches!(vault.import_under_master(&[]), Err(VaultError::NotEnrolled("master key"))));
    assert!(matches!(vault.device_ciphertext("", ""), Err(VaultError::NotEnrolled("device key"))));
    assert!(matches!(vault.mac(b""), Err(VaultError::NotSignedOn(KeyName::Mac))));
}

fn a_new_pair_signs_and_stays(open: Open) {
    let vault = open();
    let first = vault.generate().unwrap();
    let public_key = vault.generate().unwrap();
    assert_ne!(first, public_key, "each pair is a new one");
    drop(vault);
    let vault = open();
    assert_eq!(vault.public_key().unwrap(), public_key);
    let public_key = P256PublicKey::from_der(&public_key).unwrap();
    // The numbers of a signature are shorter by chance.
    for message in 0..8_u8 {
        let signature = vault.sign(&[message]).unwrap();
        assert!(public_key.verify(&[message], &signature).unwrap());
        assert!(!public_key.verify(b"another", &signature).unwrap());
    }
}

fn an_enrolment_comes_under_what_both_agree_on(open: Open) {
    let vault = open();
    let public_key = vault.generate().unwrap();
    let (host, master, device) = blocks(&*vault, b"context", &bytes(MASTER), &[7; 16]);
    assert!(vault.import_under_agreement(&host, b"another", &master, &device).is_err());
    assert!(vault.import_under_agreement(&host, b"context", &device, &master).is_err());
    assert!(vault.import_under_agreement(&host[1..], b"context", &master, &device).is_err());
    assert_eq!(check_values(&*vault), [const { None }; 5], "nothing of what was refused counts");
    vault.import_under_agreement(&host, b"context", &master, &device).unwrap();
    drop(vault);

    let vault = open();
    assert_eq!(vault.public_key().unwrap(), public_key);
    let device_key = Sm4Key::new(&[7; 16]).unwrap();
    let expected = device::ciphertext(&device_key, "00000102TEST0001", "001230").unwrap();
    assert_eq!(vault.device_ciphertext("00000102TEST0001", "001230").unwrap(), expected);
    assert_eq!(vault.secret_for("a test").unwrap(), device::secret_for(&device_key, "a test").unwrap());
    let [master, device, ..] = check_values(&*vault);
    let whole = TdesKey::new(&bytes(MASTER)).unwrap().check_value().unwrap();
    assert_eq!(master.unwrap(), hex::encode(&whole[..4]));
    assert_eq!(device.unwrap(), hex::encode(&device_key.encrypt_ecb(&[0; 16]).unwrap()[..4]));
    assert!(matches!(vault.mac(b"0800"), Err(VaultError::NotSignedOn(KeyName::Mac))), "no sign-on yet");
}

fn an_enrolment_ends_the_working_keys_before_it(open: Open) {
    let vault = open();
    fill(&*vault);
    let before = check_values(&*vault);
    vault.generate().unwrap();
    assert!(vault.mac(b"0200").is_ok(), "a new pair alone changes nothing for payments");
    assert_eq!(check_values(&*vault), before);
    enrol(&*vault, &[3; 24], &[4; 16]);
    assert!(matches!(vault.mac(b"0200"), Err(VaultError::NotSignedOn(KeyName::Mac))));
    sign_on(&*vault, &[3; 24], &[(KeyName::Mac, &[1; 16])]).unwrap();
    assert!(vault.mac(b"0200").is_ok());
}

fn the_sign_on_of_the_worked_sample(open: Open) {
    let vault = open();
    fill(&*vault);
    let values = check_values(&*vault);
    assert_eq!(values[3].as_deref(), Some(MAC_CHECK_VALUE));
    drop(vault);
    assert_eq!(check_values(&*open()), values, "after a restart");
}

/// One block folds to itself.
fn the_mac_of_the_worked_sample(open: Open) {
    let vault = open();
    vault.generate().unwrap();
    enrol(&*vault, &bytes(MASTER), &[7; 16]);
    let key = bytes("55036372B17543ECB173730768B8D6C4");
    sign_on(&*vault, &bytes(MASTER), &[(KeyName::Mac, &key)]).unwrap();
    assert_eq!(&vault.mac(&bytes("1212B04E1227809C")).unwrap(), b"5FE058DB");
}

fn keys_of_every_length_work(open: Open) {
    let vault = open();
    vault.generate().unwrap();
    for master in [[0x20; 16].as_slice(), bytes("0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123").as_slice()] {
        enrol(&*vault, master, &[7; 16]);
        for length in [8, 16, 24] {
            // Bytes with an even and with an odd number of ones.
            let key: Vec<u8> = (0..length).map(|index| index * 11 + 1).collect();
            sign_on(&*vault, master, &[(KeyName::Mac, &key)]).unwrap();
            let expected = mac::unionpay(&TdesKey::new(&key).unwrap(), b"a message").unwrap();
            assert_eq!(vault.mac(b"a message").unwrap(), expected, "{length} bytes");
        }
    }
}

/// A token makes what whole blocks of TDES make, and says so of the rest before anything depends on it.
fn macs_of_other_kinds_are_made_or_refused_beforehand(open: Open) {
    let vault = open();
    fill(&*vault);
    for algorithm in MacAlgorithm::ALL {
        let can = !vault.name().contains("PKCS#11") || matches!(algorithm, MacAlgorithm::Unionpay | MacAlgorithm::X99);
        match vault.set_mac_algorithm(algorithm) {
            Err(error) => {
                assert!(!can && matches!(&error, VaultError::MacAlgorithm { .. }), "{error}");
                let said = error.to_string();
                assert!(said.contains(algorithm.word()) && said.contains("unionpay and x9.9"), "{said}");
                continue;
            }
            Ok(()) => assert!(can, "{algorithm:?}"),
        }
        let (length, master) = (algorithm.key_lengths()[0], bytes(MASTER));
        let clear: Vec<u8> = (0..length).map(|index| index as u8 * 13 + 1).collect();
        let key = algorithm.key(&clear).unwrap();
        let value = check_value(&key, algorithm.cipher().check_value()).unwrap();
        let sealed = TdesKey::new(&master).unwrap().encrypt_ecb(&clear).unwrap();
        import(&*vault, &[(KeyName::Mac, (sealed.clone(), value[..4].to_vec()))]).unwrap();
        assert_eq!(vault.check_value(KeyName::Mac).unwrap(), Some(value[..4].to_vec()), "{algorithm:?}");
        let right = algorithm.field_64(&key, b"a message of more than one block").unwrap();
        assert_eq!(vault.mac(b"a message of more than one block").unwrap(), right, "{algorithm:?}");
        let again = open();
        again.set_mac_algorithm(algorithm).unwrap();
        assert_eq!(again.mac(b"0200").unwrap(), vault.mac(b"0200").unwrap(), "{algorithm:?} after a restart");
        // A key of a length that the algorithm does not have.
        let long = [sealed, vec![1; 24]].concat()[..32].to_vec();
        let error = import(&*vault, &[(KeyName::Mac, (long, value[..4].to_vec()))]).unwrap_err();
        assert!(matches!(error, VaultError::Length { key: KeyName::Mac, length: 32 }), "{error}");
    }
}

/// A token keeps master keys of TDES, and says so of others before anything depends on it.
fn keys_of_other_ciphers_are_kept_or_refused_beforehand(open: Open) {
    let vault = open();
    fill(&*vault);
    let before = check_values(&*vault);
    for cipher in [Cipher::Sm4, Cipher::Aes] {
        match vault.set_key_cipher(cipher) {
            Ok(()) => {
                assert!(!vault.name().contains("PKCS#11"), "{cipher:?}");
                assert_eq!(vault.check_value(KeyName::Master).unwrap(), None, "those of TDES are as good as none");
            }
            Err(error) => {
                let is_typed = matches!(&error, VaultError::KeyCipher { cipher: refused, .. } if *refused == cipher);
                assert!(is_typed && vault.name().contains("PKCS#11"), "{error}");
                assert!(error.to_string().contains(cipher.words()) && error.to_string().contains("TDES"), "{error}");
            }
        }
    }
    vault.set_key_cipher(Cipher::Tdes).unwrap();
    assert_eq!(check_values(&*vault), before, "nothing was lost");
}

fn a_wrong_check_value_leaves_the_old_keys(open: Open) {
    let vault = open();
    fill(&*vault);
    let before = check_values(&*vault);
    let (good, mut wrong) = (sealed(&bytes(MASTER), &[1; 16]), sealed(&bytes(MASTER), &[2; 16]));
    wrong.1[3] ^= 1;
    let error =
        import(&*vault, &[(KeyName::Pin, good.clone()), (KeyName::Mac, wrong.clone())]).unwrap_err().to_string();
    assert!(error.contains("MAC key") && error.contains(&hex::encode(&wrong.1)), "{error}");
    assert_eq!(check_values(&*vault), before);
    // None at all, or too little of one, proves nothing.
    for length in 0..3 {
        let short = (good.0.clone(), good.1[..length].to_vec());
        let result = import(&*vault, &[(KeyName::Mac, short)]);
        assert!(matches!(result, Err(VaultError::CheckValue { .. })), "{length}");
    }
    drop(vault);
    let vault = open();
    assert_eq!(check_values(&*vault), before);
    for length in 3..=4 {
        import(&*vault, &[(KeyName::Mac, (good.0.clone(), good.1[..length].to_vec()))]).unwrap();
    }
}

fn working_keys_are_replaced_as_a_set(open: Open) {
    let vault = open();
    fill(&*vault);
    let master = bytes(MASTER);
    sign_on(&*vault, &master, &[(KeyName::Mac, &[1; 16]), (KeyName::Data, &[2; 16])]).unwrap();
    assert_eq!(vault.check_value(KeyName::Pin).unwrap(), None, "the set had none");
    assert!(vault.check_value(KeyName::Data).unwrap().is_some());
    let before = check_values(&*vault);
    for name in [KeyName::Master, KeyName::Device, KeyName::Mac] {
        let error = sign_on(&*vault, &master, &[(KeyName::Mac, &[1; 16]), (name, &[1; 16])]).unwrap_err();
        assert!(matches!(error, VaultError::NotInSet(refused) if refused == name), "{error}");
    }
    let odd = (vec![0; 7], vec![0; 4]);
    assert!(matches!(import(&*vault, &[(KeyName::Mac, odd)]), Err(VaultError::Length { length: 7, .. })));
    assert_eq!(check_values(&*vault), before);
}

/// ANSI X9.24-1:2009, A.4: the block of PIN 1234 and card number 4012345678909 is 041274EDCBA9876F. Under a TDES key it is
/// that block enciphered, computed here step by step.
fn a_pin_leaves_as_format_0(open: Open) {
    let vault = open();
    let (pin, pan) = (pin(), Pan::from_compressed(&bytes("4012345678909F")).unwrap());
    assert!(matches!(vault.encrypt_pin(&pin, &pan), Err(VaultError::NotSignedOn(KeyName::Pin))));
    vault.generate().unwrap();
    enrol(&*vault, &bytes(MASTER), &[7; 16]);
    let key = bytes("042666B49184CFA368DE9628D0397BC9");
    sign_on(&*vault, &bytes(MASTER), &[(KeyName::Pin, &key)]).unwrap();
    let expected = TdesKey::new(&key).unwrap().encrypt_ecb(&bytes("041274EDCBA9876F")).unwrap();
    assert_eq!(vault.encrypt_pin(&pin, &pan).unwrap(), expected);
}

fn pin() -> Pin {
    Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap()
}

fn what_a_storage_key_wrapped_is_lost_with_it(open: Open) {
    let vault = open();
    assert_eq!(vault.storage_keys().unwrap(), []);
    let first = vault.make_storage_key().unwrap();
    let (key, wrapped) = ([0x5A; 32], vault.wrap_key(first, &[0x5A; 32], b"row 1").unwrap());
    assert!(wrapped.windows(8).all(|window| window != [0x5A; 8]));
    assert_ne!(vault.wrap_key(first, &key, b"row 1").unwrap(), wrapped, "each time anew");
    assert!(vault.unwrap_key(first, &wrapped, b"row 2").is_err(), "it is for something else");
    assert!(vault.unwrap_key(first, &wrapped[..20], b"row 1").is_err());
    drop(vault);

    let vault = open();
    assert_eq!(*vault.unwrap_key(first, &wrapped, b"row 1").unwrap(), key);
    let second = vault.make_storage_key().unwrap();
    assert_eq!(vault.storage_keys().unwrap(), [first, second], "oldest first");
    assert!(vault.unwrap_key(second, &wrapped, b"row 1").is_err(), "another one's");
    let again = vault.wrap_key(second, &key, b"row 1").unwrap();
    vault.destroy_storage_keys_but(second).unwrap();
    drop(vault);

    let vault = open();
    assert_eq!(vault.storage_keys().unwrap(), [second]);
    for result in [
        vault.unwrap_key(first, &wrapped, b"row 1").map(drop),
        vault.wrap_key(first, &key, b"row 1").map(drop),
        vault.destroy_storage_keys_but(first),
    ] {
        assert!(matches!(result, Err(VaultError::NoStorageKey(gone)) if gone == first), "{result:?}");
    }
    vault.destroy_storage_keys_but(second).unwrap();
    assert_eq!(*vault.unwrap_key(second, &again, b"row 1").unwrap(), key);
}

fn storage_keys_outlast_all_keys_of_the_acquirer(open: Open) {
    let vault = open();
    let kept = vault.make_storage_key().unwrap();
    let wrapped = vault.wrap_key(kept, &[3; 32], b"").unwrap();
    fill(&*vault);
    enrol(&*vault, &bytes(MASTER), &[7; 16]);
    sign_on(&*vault, &bytes(MASTER), &[(KeyName::Mac, &[1; 16])]).unwrap();
    let mac = vault.mac(b"0200").unwrap();
    vault.make_storage_key().unwrap();
    assert_eq!(vault.mac(b"0200").unwrap(), mac, "nor do they disturb these");
    drop(vault);
    let vault = open();
    assert_eq!((*vault.unwrap_key(kept, &wrapped, b"").unwrap(), vault.mac(b"0200").unwrap()), ([3; 32], mac));
    vault.zeroize().unwrap();
    vault.generate().unwrap();
    assert_eq!(vault.storage_keys().unwrap(), [], "destroyed with all others");
}

fn destroyed_keys_are_gone(open: Open) {
    let vault = open();
    fill(&*vault);
    vault.zeroize().unwrap();
    all_say_that_they_were_destroyed(&*vault);
    drop(vault);
    let vault = open();
    all_say_that_they_were_destroyed(&*vault);
    vault.zeroize().unwrap();
    vault.zeroize().unwrap();
    all_say_that_they_were_destroyed(&*vault);
    vault.generate().unwrap();
    assert_eq!(check_values(&*vault), [const { None }; 5], "it begins anew");
    enrol(&*vault, &bytes(MASTER), &[7; 16]);
}

pub fn all_say_that_they_were_destroyed(vault: &dyn SecureElement) {
    let pan = Pan::parse("4111111111111111").unwrap();
    let host_key = host().public_key().unwrap().to_der().unwrap();
    for result in [
        vault.public_key().map(drop),
        vault.sign(b"").map(drop),
        vault.import_under_master(&[]),
        vault.import_under_agreement(&host_key, b"", "", ""),
        vault.check_value(KeyName::Mac).map(drop),
        vault.mac(b"").map(drop),
        vault.encrypt_pin(&pin(), &pan).map(drop),
        vault.device_ciphertext("", "").map(drop),
        vault.secret_for("").map(drop),
        vault.storage_keys().map(drop),
        vault.make_storage_key().map(drop),
    ] {
        assert!(matches!(result, Err(VaultError::Destroyed)), "{result:?}");
    }
}
