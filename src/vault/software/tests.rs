use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::crypto::elliptic::P256PublicKey;
use crate::crypto::hex;
use crate::crypto::tdes::TdesKey;

/// The sign-on sample of a public post on UnionPay POS keys, recomputed.
const MASTER: &str = "CA5D92598DCA48CE8A4C76361A9269E9";
const MAC: &str = "5BB5C72CD00B7338";
const MAC_CHECK_VALUE: &str = "AB7153CA";

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// A key under another, and its check value.
type Sealed = (Vec<u8>, Vec<u8>);

/// What the host does: a key under the sample's master key, with its check value.
fn sealed(key: &[u8]) -> Sealed {
    let sealed = TdesKey::new(&bytes(MASTER)).unwrap().encrypt_ecb(key).unwrap();
    (sealed, TdesKey::new(key).unwrap().check_value().unwrap()[..4].to_vec())
}

fn import(vault: &SoftwareVault, keys: &[(KeyName, &Sealed)]) -> Result<(), VaultError> {
    let keys: Vec<_> =
        keys.iter().map(|(name, (sealed, check_value))| SealedKey { name: *name, sealed, check_value }).collect();
    vault.import_under_master(&keys)
}

fn check_values(vault: &SoftwareVault) -> [Option<String>; 5] {
    KeyName::ALL.map(|name| vault.check_value(name).unwrap().map(|value| hex::encode(&value)))
}

/// A vault with all keys; its MAC key is that of the sample.
fn filled(vault: &SoftwareVault) {
    vault.generate().unwrap();
    vault.set(KeyName::Master, &bytes(MASTER));
    vault.set(KeyName::Device, &[7; 16]);
    import(vault, &[(KeyName::Mac, &sealed(&bytes(MAC))), (KeyName::Pin, &sealed(&[5; 16]))]).unwrap();
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// What the host does at enrolment.
fn enrol(vault: &SoftwareVault, context: &[u8], master: &[u8], device: &[u8]) -> (Vec<u8>, String, String) {
    let terminal = P256PublicKey::from_der(&vault.public_key().unwrap()).unwrap();
    let host = P256PrivateKey::from_seed(&[9; SEED]).unwrap();
    let protection_key = agreement::protection_key(&host, &terminal, context).unwrap();
    let cipher = vault.kinds().cipher;
    let block =
        |name, key: &[u8]| agreement::seal(name, cipher, &protection_key, key, &[1; agreement::PADDING]).unwrap();
    (host.public_key().unwrap().to_der().unwrap(), block(KeyName::Master, master), block(KeyName::Device, device))
}

#[test]
fn keys_of_an_enrolment_come_under_what_both_sides_agree_on() {
    let folder = folder();
    let vault = SoftwareVault::create(folder.path()).unwrap();
    assert!(matches!(vault.public_key(), Err(VaultError::NotEnrolled(_))));
    let public_key = vault.generate().unwrap();
    let (host, master, device) = enrol(&vault, b"context", &bytes(MASTER), &[7; 16]);
    assert!(vault.import_under_agreement(&host, b"another", &master, &device).is_err());
    assert!(vault.import_under_agreement(&host, b"context", &device, &master).is_err());
    assert_eq!(check_values(&vault), [const { None }; 5], "nothing of what was refused counts");
    vault.import_under_agreement(&host, b"context", &master, &device).unwrap();

    let vault = SoftwareVault::open(folder.path()).unwrap();
    assert_eq!(vault.public_key().unwrap(), public_key);
    let signature = vault.sign(b"signed").unwrap();
    assert!(P256PublicKey::from_der(&public_key).unwrap().verify(b"signed", &signature).unwrap());
    let expected = device::ciphertext(&Sm4Key::new(&[7; 16]).unwrap(), "00000102TEST0001", "001230").unwrap();
    assert_eq!(vault.device_ciphertext("00000102TEST0001", "001230").unwrap(), expected);
    assert!(matches!(vault.mac(b"0800"), Err(VaultError::NotSignedOn(KeyName::Mac))), "no sign-on yet");
}

#[test]
fn an_enrolment_ends_the_working_keys_of_the_one_before() {
    let vault = SoftwareVault::in_memory();
    filled(&vault);
    vault.generate().unwrap();
    assert!(vault.mac(b"0200").is_ok(), "a new pair alone changes nothing for payments");
    let (host, master, device) = enrol(&vault, b"", &[3; 16], &[4; 16]);
    vault.import_under_agreement(&host, b"", &master, &device).unwrap();
    assert!(matches!(vault.mac(b"0200"), Err(VaultError::NotSignedOn(KeyName::Mac))));
}

#[test]
fn the_sign_on_of_the_worked_sample() {
    let folder = folder();
    let vault = SoftwareVault::create(folder.path()).unwrap();
    filled(&vault);
    assert_eq!(check_values(&vault)[3].as_deref(), Some(MAC_CHECK_VALUE));
    let again = SoftwareVault::open(folder.path()).unwrap();
    assert_eq!(check_values(&again), check_values(&vault));
    assert!(again.is_test());
    let shown = format!("{vault:?}");
    assert!(!shown.contains(MASTER) && shown.contains("masked"), "{shown}");
}

/// The worked sample of the MAC: one block folds to itself.
#[test]
fn the_mac_of_the_worked_sample() {
    let vault = SoftwareVault::in_memory();
    vault.set(KeyName::Mac, &bytes("55036372B17543ECB173730768B8D6C4"));
    assert_eq!(&vault.mac(&bytes("1212B04E1227809C")).unwrap(), b"5FE058DB");
}

#[test]
fn a_wrong_check_value_leaves_all_keys_as_they_were_and_says_which() {
    let vault = SoftwareVault::in_memory();
    filled(&vault);
    let before = check_values(&vault);
    let (good, mut wrong) = (sealed(&[1; 16]), sealed(&[2; 16]));
    wrong.1[3] ^= 1;
    let error = import(&vault, &[(KeyName::Pin, &good), (KeyName::Mac, &wrong)]).unwrap_err();
    assert!(error.to_string().contains("MAC key") && error.to_string().contains(&hex::encode(&wrong.1)), "{error}");
    assert_eq!(check_values(&vault), before);
    // None at all, or too little of one, proves nothing.
    for length in 0..3 {
        let short = (good.0.clone(), good.1[..length].to_vec());
        assert!(matches!(import(&vault, &[(KeyName::Mac, &short)]), Err(VaultError::CheckValue { .. })), "{length}");
    }
    for length in 3..=4 {
        let enough = (good.0.clone(), good.1[..length].to_vec());
        import(&vault, &[(KeyName::Mac, &enough)]).unwrap();
    }
}

#[test]
fn working_keys_are_replaced_as_a_set() {
    let vault = SoftwareVault::in_memory();
    assert!(matches!(import(&vault, &[]), Err(VaultError::NotEnrolled("master key"))));
    filled(&vault);
    import(&vault, &[(KeyName::Mac, &sealed(&[1; 16])), (KeyName::Data, &sealed(&[2; 16]))]).unwrap();
    assert_eq!(vault.check_value(KeyName::Pin).unwrap(), None, "the set had none");
    assert!(vault.check_value(KeyName::Data).unwrap().is_some());
    for name in [KeyName::Master, KeyName::Device, KeyName::Mac] {
        let key = sealed(&[1; 16]);
        let error = import(&vault, &[(KeyName::Mac, &key), (name, &key)]).unwrap_err();
        assert!(matches!(error, VaultError::NotInSet(refused) if refused == name), "{error}");
    }
    let odd = (vec![0; 7], vec![0; 4]);
    assert!(matches!(import(&vault, &[(KeyName::Mac, &odd)]), Err(VaultError::Length { length: 7, .. })));
}

/// ANSI X9.24-1:2009, A.4: the block of PIN 1234 and card number 4012345678909 is 041274EDCBA9876F. Under a TDES key it is
/// that block enciphered, computed here step by step.
#[test]
fn a_pin_leaves_as_format_0_under_the_pin_key() {
    let vault = SoftwareVault::in_memory();
    let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
    let pan = Pan::from_compressed(&bytes("4012345678909F")).unwrap();
    assert!(matches!(vault.encrypt_pin(&pin, &pan), Err(VaultError::NotSignedOn(KeyName::Pin))));
    let key = bytes("042666B49184CFA368DE9628D0397BC9");
    vault.set(KeyName::Pin, &key);
    let expected = TdesKey::new(&key).unwrap().encrypt_ecb(&bytes("041274EDCBA9876F")).unwrap();
    assert_eq!(vault.encrypt_pin(&pin, &pan).unwrap(), expected);
}

/// The worked sample of public posts on terminals with SM4: master key, working key with its check value of eight bytes, and
/// the block of PIN 123456 for a card number with 640300772688 before its check digit.
#[test]
fn the_sign_on_and_the_pin_block_of_the_worked_sample_of_sm4() {
    let folder = folder();
    let vault = SoftwareVault::create(folder.path()).unwrap();
    vault.generate().unwrap();
    vault.set_key_cipher(Cipher::Sm4).unwrap();
    vault.set_mac_algorithm(MacAlgorithm::UnionpaySm4).unwrap();
    let (master, working) = (bytes("1234567890ABCDEFABCDEF0987654321"), bytes("F351D490994603795C6EBEE8FAEBB481"));
    let (host, block, device) = enrol(&vault, b"", &master, &[7; 16]);
    assert!(block.contains("K04D"), "{block}");
    vault.import_under_agreement(&host, b"", &block, &device).unwrap();
    let sealed = Cipher::Sm4.key(&master).unwrap().encrypt_ecb(&working).unwrap();
    let good = (sealed.clone(), bytes("861E83E31FAEBF10"));
    import(&vault, &[(KeyName::Pin, &good), (KeyName::Mac, &good)]).unwrap();
    let before = check_values(&vault);
    assert_eq!(before[2..4], [Some("861E83E3".to_owned()), Some("861E83E3".to_owned())]);
    // All eight bytes are compared.
    let wrong = (sealed, bytes("861E83E31FAEBF11"));
    let error = import(&vault, &[(KeyName::Pin, &good), (KeyName::Mac, &wrong)]).unwrap_err();
    assert!(matches!(&error, VaultError::CheckValue { key: KeyName::Mac, .. }), "{error}");
    for length in [8, 24] {
        let odd = (vec![1; length], bytes("861E83E31FAEBF10"));
        assert!(matches!(import(&vault, &[(KeyName::Pin, &odd)]), Err(VaultError::Length { .. })), "{length}");
    }
    assert_eq!(check_values(&vault), before);

    let vault = SoftwareVault::open(folder.path()).unwrap();
    let pin = Pin::new(Zeroizing::new(b"123456".to_vec())).unwrap();
    let pan = Pan::parse("6226403007726889").unwrap();
    assert!(matches!(vault.encrypt_pin(&pin, &pan), Err(VaultError::NotSignedOn(KeyName::Pin))), "TDES is not named");
    assert_eq!(check_values(&vault)[0], None, "nor is a master key of SM4 one of TDES");
    vault.set_key_cipher(Cipher::Sm4).unwrap();
    vault.set_mac_algorithm(MacAlgorithm::UnionpaySm4).unwrap();
    assert_eq!(check_values(&vault), before);
    assert_eq!(hex::encode(&vault.encrypt_pin(&pin, &pan).unwrap()), "E639B7346D93D4ECE1E991CDCC84936E");
    let key = MacAlgorithm::UnionpaySm4.key(&working).unwrap();
    assert_eq!(vault.mac(b"0200").unwrap(), MacAlgorithm::UnionpaySm4.field_64(&key, b"0200").unwrap());
}

/// Check values of AES are of its CMAC (ANSI X9.24-1:2017, annex A), and PIN blocks are of format 4.
#[test]
fn keys_of_aes_come_and_work_as_those_of_others() {
    let vault = SoftwareVault::in_memory();
    vault.generate().unwrap();
    vault.set_key_cipher(Cipher::Aes).unwrap();
    vault.set_mac_algorithm(MacAlgorithm::AesCmac).unwrap();
    let (host, block, device) = enrol(&vault, b"", &[9; 32], &[7; 16]);
    vault.import_under_agreement(&host, b"", &block, &device).unwrap();
    // ANSI X9.143:2021, 8.1; see the tests of check values.
    let working = bytes("3F419E1CB7079442AA37474C2EFBF8B8");
    let sealed = (Cipher::Aes.key(&[9; 32]).unwrap().encrypt_ecb(&working).unwrap(), bytes("08793E25AB"));
    import(&vault, &[(KeyName::Pin, &sealed), (KeyName::Mac, &sealed)]).unwrap();
    let (pin, pan) = (Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap(), Pan::parse("4111111111111111").unwrap());
    let blocks = [(); 2].map(|()| vault.encrypt_pin(&pin, &pan).unwrap());
    assert_ne!(blocks[0], blocks[1], "each has random bytes of its own");
    for block in blocks {
        let key = Cipher::Aes.key(&working).unwrap();
        assert_eq!(pin_block::open(&key, &block, pan.expose_digits()).unwrap(), pin);
    }
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let folder = folder();
    filled(&SoftwareVault::create(folder.path()).unwrap());
    let path = folder.path().join(FILE);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(SoftwareVault::open(folder.path()).unwrap_err().to_string().contains("600"));
    assert!(SoftwareVault::create(folder.path()).is_err());
}

#[test]
fn a_missing_or_wrong_file_is_refused_without_showing_a_key() {
    let folder = folder();
    assert!(SoftwareVault::open(folder.path()).unwrap_err().to_string().contains(FILE));
    filled(&SoftwareVault::create(folder.path()).unwrap());
    let path = folder.path().join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# TEST"), "{text}");
    let changes = [
        ("test = true", "test = false"),
        ("destroyed = false", "destroyed = true"),
        (&MASTER[..8], &MASTER[..7]),
        ("mac_key = \"", "mac_key = "),
        ("mac_key", "another_key"),
    ];
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let said = SoftwareVault::open(folder.path()).unwrap_err().to_string();
        assert!(!said.contains(&MASTER[8..]) && !said.contains(MAC), "{said}");
    }
}

#[test]
fn a_power_cut_while_keys_are_replaced_leaves_the_old_ones_or_the_new_ones() {
    let mut seen = Vec::new();
    for cut in 0.. {
        let folder = folder();
        let vault = SoftwareVault::create(folder.path()).unwrap();
        filled(&vault);
        let before = check_values(&vault);
        let keys =
            Keys { mac: Some(MacAlgorithm::Unionpay.key(&[8; 16]).unwrap()), ..vault.held().keys().unwrap().clone() };
        let steps = file::replacement(folder.path(), &State::Keys(Box::new(keys))).unwrap();
        let count = steps.len();
        steps.into_iter().take(cut).for_each(|step| step.carry_out().unwrap());
        let again = SoftwareVault::open(folder.path()).unwrap();
        let after = check_values(&again);
        assert_eq!((&after[..3], &after[4]), (&before[..3], &before[4]), "after {cut} steps");
        seen.push(after[3] == before[3]);
        // The next one finds its way, whatever was left.
        import(&again, &[(KeyName::Mac, &sealed(&[1; 16]))]).unwrap();
        assert!(!folder.path().join(format!("{FILE}.new")).exists());
        if cut == count {
            break;
        }
    }
    assert!(seen.is_sorted_by(|one, next| one >= next), "first the old, then the new: {seen:?}");
    assert!(seen.first() == Some(&true) && seen.last() == Some(&false));
}

#[test]
fn destroyed_keys_are_gone_and_every_call_says_so() {
    let folder = folder();
    let vault = SoftwareVault::create(folder.path()).unwrap();
    filled(&vault);
    vault.zeroize().unwrap();
    for vault in [vault, SoftwareVault::open(folder.path()).unwrap()] {
        let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
        let pan = Pan::parse("4111111111111111").unwrap();
        for result in [
            vault.public_key().map(drop),
            vault.sign(b"").map(drop),
            vault.import_under_master(&[]),
            vault.import_under_agreement(&host_key(), b"", "", ""),
            vault.check_value(KeyName::Mac).map(drop),
            vault.mac(b"").map(drop),
            vault.encrypt_pin(&pin, &pan).map(drop),
            vault.device_ciphertext("", "").map(drop),
        ] {
            assert!(matches!(result, Err(VaultError::Destroyed)), "{result:?}");
        }
        vault.zeroize().unwrap();
    }
    let again = SoftwareVault::open(folder.path()).unwrap();
    again.generate().unwrap();
    assert_eq!(check_values(&SoftwareVault::open(folder.path()).unwrap()), [const { None }; 5], "it begins anew");
}

#[test]
fn a_power_cut_while_keys_are_destroyed_leaves_none_from_the_first_step_on() {
    let mut cut = 1;
    loop {
        let folder = folder();
        filled(&SoftwareVault::create(folder.path()).unwrap());
        let path = folder.path().join(FILE);
        let steps = file::destruction(folder.path()).unwrap();
        let count = steps.len();
        steps.into_iter().take(cut).for_each(|step| step.carry_out().unwrap());
        assert!(!std::fs::read_to_string(&path).unwrap().contains(MASTER), "after {cut} steps");
        let again = SoftwareVault::open(folder.path()).unwrap();
        assert!(matches!(again.mac(b""), Err(VaultError::Destroyed)), "after {cut} steps");
        // Opening finished it.
        assert!(std::fs::read_to_string(&path).unwrap().contains("destroyed = true"), "after {cut} steps");
        cut += 1;
        if cut > count {
            break;
        }
    }
}

#[test]
fn half_written_zeros_count_as_destroyed() {
    let folder = folder();
    filled(&SoftwareVault::create(folder.path()).unwrap());
    let path = folder.path().join(FILE);
    let mut text = std::fs::read(&path).unwrap();
    let half = text.len() / 2;
    text[half..].fill(0);
    std::fs::write(&path, text).unwrap();
    let vault = SoftwareVault::open(folder.path()).unwrap();
    assert!(matches!(vault.public_key(), Err(VaultError::Destroyed)));
    assert!(!std::fs::read_to_string(&path).unwrap().contains(MASTER));
}

fn host_key() -> Vec<u8> {
    P256PrivateKey::from_seed(&[9; SEED]).unwrap().public_key().unwrap().to_der().unwrap()
}
