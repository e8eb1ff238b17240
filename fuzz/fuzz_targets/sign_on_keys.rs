//! Field 62 of a sign-on: any bytes are refused for their length or split into keys that, one behind the other, are those
//! bytes again; no vault takes keys without their check values.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use yima::acquirer::sign_on::keys;
use yima::iso8583::Dialect;
use yima::iso8583::sign_on_rules::SignOnRules;

static RULES: LazyLock<SignOnRules> = LazyLock::new(|| Dialect::shipped("unionpay").expect("it is shipped").sign_on);

fuzz_target!(|bytes: &[u8]| {
    let Ok(keys) = keys(&RULES, bytes) else {
        assert!(RULES.layout(bytes.len()).is_none());
        return;
    };
    let mut whole = Vec::new();
    for key in &keys {
        assert!(RULES.cipher.key_lengths().contains(&key.sealed.len()));
        assert_eq!(key.check_value.len(), RULES.check_value);
        whole.extend(key.sealed);
        // The zeros that stand for the second half of a MAC key were left out.
        if whole.len() + key.check_value.len() < bytes.len() && !bytes[whole.len()..].starts_with(key.check_value) {
            whole.extend([0; 8]);
        }
        whole.extend(key.check_value);
    }
    // A check value of zeros cannot be told from those zeros; everything else comes back as it was.
    assert!(whole == bytes || keys.iter().any(|key| key.check_value.iter().all(|byte| *byte == 0)));
});
