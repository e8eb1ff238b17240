//! A dialect that differs from UnionPay's in nothing but its MAC: terminal and host trade by the file alone.

use super::*;
use crate::acquirer::link::LinkError;
use crate::crypto::mac::MacAlgorithm;
use crate::vault::{SecureElement, VaultError};

/// Writes the dialect into a folder.
fn dialect_with(algorithm: MacAlgorithm, folder: &Path) -> String {
    let text = include_str!("../../../../assets/dialects/unionpay.toml");
    let own = "mac = \"unionpay\"";
    assert_eq!(text.matches(&format!("\n{own}\n")).count(), 1);
    let path = folder.join(format!("{}.toml", algorithm.word()));
    std::fs::write(&path, text.replace(own, &format!("mac = \"{}\"", algorithm.word()))).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_sale_is_made_and_taken_back_with_every_mac_algorithm() {
    for algorithm in MacAlgorithm::ALL {
        let directory = tempfile::tempdir().unwrap();
        let dialect = dialect_with(algorithm, directory.path());
        let host = Host::prepare_in(&dialect, &directory.path().join("host")).unwrap();
        let kit = directory.path().join("kit");
        host.write_kit(&kit).unwrap();
        let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let settings = running.link_settings();
        assert_eq!(settings.dialect, dialect);
        let link = open(&settings, &kit);
        link.sign_on(trace(999_999)).unwrap_or_else(|failure| panic!("{algorithm:?}: {failure}"));
        assert_eq!(code(link.sale(&sale(1, 100))), "00", "{algorithm:?}");
        // The keys are found again by another program.
        let again = open(&settings, &kit);
        let taken_back = ReversalRequest { reason: ReversalReason::Other, ..reversal(1, 100) };
        assert_eq!(code(again.reverse(&taken_back)), "00", "{algorithm:?}");
        // An answer whose MAC is wrong is none.
        let failure = again.sale(&sale(2, 67_03)).unwrap_err();
        assert!(matches!(failure, LinkFailure::BadMac(_)), "{algorithm:?}: {failure}");
        // A request under another key neither.
        let vault = SoftwareVault::open(&kit).unwrap();
        vault.set_mac_algorithm(algorithm).unwrap();
        vault.set(KeyName::Mac, &vec![0x25; algorithm.key_lengths()[0]]);
        assert_eq!(code(open(&settings, &kit).sale(&sale(3, 100))), "A0", "{algorithm:?}");
    }
}

#[test]
fn a_key_for_another_algorithm_is_none() {
    let vault = SoftwareVault::in_memory();
    vault.set(KeyName::Mac, &[7; 16]);
    assert!(vault.mac(b"0200").is_ok() && vault.check_value(KeyName::Mac).unwrap().is_some());
    vault.set_mac_algorithm(MacAlgorithm::AesCmac).unwrap();
    assert!(matches!(vault.mac(b"0200"), Err(VaultError::NotSignedOn(KeyName::Mac))));
    assert_eq!(vault.check_value(KeyName::Mac).unwrap(), None);
}

#[test]
fn a_dialect_file_that_is_not_there_is_named() {
    let house = House::new();
    let settings = LinkSettings { dialect: "/nowhere/mine.toml".to_owned(), ..house.running.link_settings() };
    let vault = Arc::new(SoftwareVault::open(&house.kit()).unwrap());
    let error = HttpsLink::open(&settings, &house.kit(), Identity::load(&house.kit()).unwrap(), vault).err().unwrap();
    assert!(matches!(&error, LinkError::Dialect(_)) && error.to_string().contains("/nowhere/mine.toml"), "{error}");
}
