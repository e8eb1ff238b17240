//! The way to a token: its module, the token itself, a session that is logged in.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::TokenFault;

/// What a terminal needs of a token.
const NEEDED: [MechanismType; 6] = [
    MechanismType::ECC_KEY_PAIR_GEN,
    MechanismType::ECDSA,
    MechanismType::ECDH1_DERIVE,
    MechanismType::DES3_ECB,
    MechanismType::AES_KEY_GEN,
    MechanismType::AES_GCM,
];

/// Bytes of a PIN at most.
const LONGEST_PIN: u64 = 255;

/// Modules that are loaded. A program has one state per module (PKCS #11, 5.4), and a module that is taken away may leave
/// threads of its own behind: each is loaded once and stays.
static MODULES: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());

/// Where a token is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The PKCS#11 module of its maker, by its whole path.
    pub module: PathBuf,
    /// Its label or its serial number.
    pub token: String,
    /// The file with the user's PIN. Only its owner may read it.
    pub pin_file: PathBuf,
}

/// A session with a token in which keys can be used.
pub(super) struct Connection {
    pub session: Session,
    /// Whether it takes a wrapped key without showing it to us.
    pub unwraps: bool,
}

/// A token that was found.
struct Found {
    slot: Slot,
    info: TokenInfo,
}

impl Place {
    /// Finds the token and tells whether it is one for tests: SoftHSM keeps its keys in files.
    pub(super) fn is_test(&self) -> Result<bool, TokenFault> {
        let info = self.find(&self.module()?)?.info;
        Ok([info.manufacturer_id(), info.model()].iter().any(|name| name.starts_with("SoftHSM")))
    }

    /// Opens a session and logs in.
    pub(super) fn connect(&self) -> Result<Connection, TokenFault> {
        let module = self.module()?;
        let Found { slot, info } = self.find(&module)?;
        let offered = module.get_mechanism_list(slot)?;
        let missing: Vec<_> =
            NEEDED.iter().filter(|needed| !offered.contains(needed)).map(ToString::to_string).collect();
        if !missing.is_empty() {
            return Err(TokenFault::Mechanisms(missing.join(", ")));
        }
        let unwraps = module.get_mechanism_info(slot, MechanismType::DES3_ECB)?.unwrap();
        let session = module.open_rw_session(slot)?;
        if info.login_required() {
            self.log_in(&session, &info)?;
        }
        Ok(Connection { session, unwraps })
    }

    fn log_in(&self, session: &Session, info: &TokenInfo) -> Result<(), TokenFault> {
        if info.user_pin_locked() {
            return Err(TokenFault::PinLocked);
        }
        // A service that is started again and again would lock it.
        if info.user_pin_final_try() {
            return Err(TokenFault::LastTry);
        }
        match session.login(UserType::User, Some(&self.pin()?)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                Err(TokenFault::PinRefused(self.pin_file.display().to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn pin(&self) -> Result<AuthPin, TokenFault> {
        let refused = |problem: String| TokenFault::PinFile { path: self.pin_file.display().to_string(), problem };
        let file = File::open(&self.pin_file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => refused("it is not there; write the user's PIN into it".to_owned()),
            _ => refused(error.to_string()),
        })?;
        let metadata = file.metadata().map_err(|error| refused(error.to_string()))?;
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refused(format!("others may read it (mode {:o}); make it 600", mode & 0o777)));
        }
        // Its whole room at once: a string that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_PIN as usize + 2));
        file.take(LONGEST_PIN + 1).read_to_string(&mut text).map_err(|error| refused(error.to_string()))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(refused("it is empty; write the user's PIN into it".to_owned())),
            pin => Ok(AuthPin::new(pin.into())),
        }
    }

    fn find(&self, module: &Pkcs11) -> Result<Found, TokenFault> {
        let mut tokens = Vec::new();
        for slot in module.get_slots_with_initialized_token()? {
            tokens.push(Found { slot, info: module.get_token_info(slot)? });
        }
        let names = |tokens: &[Found]| {
            let names: Vec<_> = tokens.iter().map(|Found { info, .. }| name(info)).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        let (mut ours, others): (Vec<_>, Vec<_>) = tokens
            .into_iter()
            .partition(|Found { info, .. }| info.label() == self.token || info.serial_number() == self.token);
        match (ours.pop(), ours.is_empty()) {
            (Some(token), true) => Ok(token),
            (Some(token), false) => {
                ours.push(token);
                Err(TokenFault::Ambiguous { found: names(&ours) })
            }
            (None, _) => Err(TokenFault::Absent { found: names(&others) }),
        }
    }

    fn module(&self) -> Result<Pkcs11, TokenFault> {
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, module)) = modules.iter().find(|(path, _)| *path == self.module) {
            return Ok(module.clone());
        }
        let module = load(&self.module)
            .map_err(|problem| TokenFault::Module { module: self.module.display().to_string(), problem })?;
        modules.push((self.module.clone(), module.clone()));
        Ok(module)
    }
}

fn load(path: &Path) -> Result<Pkcs11, String> {
    let module = Pkcs11::new(path).map_err(|error| error.to_string())?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(error) => Err(error.to_string()),
    }
}

fn name(info: &TokenInfo) -> String {
    format!("{} (serial number {})", info.label(), info.serial_number())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    fn place(folder: &Path) -> Place {
        Place { module: "/nowhere/module.so".into(), token: "shop".to_owned(), pin_file: folder.join("token.pin") }
    }

    fn pin(content: &str, mode: u32) -> Result<AuthPin, TokenFault> {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&place.pin_file).unwrap();
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
        place.pin()
    }

    #[test]
    fn a_pin_file_that_others_may_read_or_that_is_empty_or_missing_is_refused() {
        assert!(pin("1234\n", 0o600).is_ok());
        assert!(pin("1234", 0o400).is_ok());
        for (content, mode, said) in [("1234", 0o640, "600"), ("1234", 0o604, "600"), ("\n", 0o600, "empty")] {
            let error = pin(content, mode).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("1234"), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(place(folder.path()).pin().unwrap_err().to_string().contains("not there"));
    }

    #[test]
    fn what_is_no_module_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let said = place(folder.path()).connect().map(drop).unwrap_err().to_string();
        assert!(said.contains("/nowhere/module.so") && said.contains("vault.module"), "{said}");
    }
}
