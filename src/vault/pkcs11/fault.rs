//! Why a token does not do what it is asked, and what to do about it.

use cryptoki::error::{Error, RvError};

/// A token that fails: which, how, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("the secure element {token} {fault}")]
pub struct TokenError {
    /// How the settings call it.
    pub token: String,
    /// What is wrong with it.
    pub fault: TokenFault,
}

/// What is wrong with a token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFault {
    /// Its module is not a module, or does not start.
    #[error("has no module that works: {module}: {problem}; vault.module names the PKCS#11 module of its maker")]
    Module {
        /// The file.
        module: String,
        /// What the loader or the module says.
        problem: String,
    },
    /// It is not there.
    #[error("is not there; put it in, or look at vault.token: there is {found}")]
    Absent {
        /// Which tokens are.
        found: String,
    },
    /// Two are called the same.
    #[error("is there more than once; name its serial number in vault.token: {found}")]
    Ambiguous {
        /// Their serial numbers.
        found: String,
    },
    /// It lacks something that a terminal needs.
    #[error("cannot do {0}, which a terminal needs; take another one")]
    Mechanisms(String),
    /// The file with its PIN.
    #[error("needs a PIN from {path}: {problem}")]
    PinFile {
        /// Which file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The PIN is wrong. It is not tried again: wrong ones are counted.
    #[error("refuses the PIN in {0}; put the right one there before Yima starts again, each wrong one counts")]
    PinRefused(String),
    /// The next wrong PIN would lock it.
    #[error(
        "has one try for its PIN left, which is not used; log in once with its maker's tool, then start Yima again"
    )]
    LastTry,
    /// It takes no PIN any more.
    #[error("has locked its PIN; its security officer has to unlock it")]
    PinLocked,
    /// It has no PIN yet, or wants another one.
    #[error("wants a new PIN; set one with its maker's tool")]
    NewPin,
    /// It went away in the middle.
    #[error("went away ({0}); put it back in and try again")]
    Lost(String),
    /// What was asked for is not there any more.
    #[error("does not hold a key that it held ({0}); try again")]
    Stale(String),
    /// No room.
    #[error("has no room for another key; remove what is not Yima's from it")]
    Full,
    /// What it says of its keys cannot be read.
    #[error("holds keys, but its record of them cannot be read: {0}; destroy them and enrol the terminal anew")]
    Record(String),
    /// What it gave is not what it should be.
    #[error("gave {0} that cannot be; take another one")]
    Nonsense(&'static str),
    /// Anything else.
    #[error("failed ({0}); take it out and put it back in, and call the help desk when that does not help")]
    Failed(String),
}

impl TokenFault {
    /// Whether a new session may mend it.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Stale(_))
    }
}

impl From<Error> for TokenFault {
    fn from(error: Error) -> Self {
        let Error::Pkcs11(code, function) = &error else { return Self::Failed(error.to_string()) };
        let said = format!("{function:?}: {code:?}");
        match code {
            RvError::DeviceRemoved
            | RvError::DeviceError
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::SlotIdInvalid
            | RvError::SessionClosed
            | RvError::SessionHandleInvalid
            | RvError::UserNotLoggedIn
            | RvError::CryptokiNotInitialized => Self::Lost(said),
            RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid => Self::Stale(said),
            RvError::PinLocked => Self::PinLocked,
            RvError::PinExpired | RvError::UserPinNotInitialized => Self::NewPin,
            RvError::DeviceMemory => Self::Full,
            _ => Self::Failed(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    #[test]
    fn what_a_new_session_mends_is_told_from_what_it_does_not() {
        for (code, mended) in [
            (RvError::SessionHandleInvalid, true),
            (RvError::DeviceRemoved, true),
            (RvError::UserNotLoggedIn, true),
            (RvError::KeyHandleInvalid, true),
            (RvError::PinLocked, false),
            (RvError::PinIncorrect, false),
            (RvError::DeviceMemory, false),
            (RvError::FunctionFailed, false),
        ] {
            let fault = TokenFault::from(Error::Pkcs11(code, Function::Sign));
            assert_eq!(fault.may_pass(), mended, "{code:?}: {fault}");
        }
    }

    #[test]
    fn a_fault_says_which_token_it_is_and_what_to_do() {
        let error = TokenError { token: "shop-1".to_owned(), fault: TokenFault::PinLocked };
        assert_eq!(
            error.to_string(),
            "the secure element shop-1 has locked its PIN; its security officer has to unlock it"
        );
    }
}
