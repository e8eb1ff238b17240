//! What is said when a request is refused (RFC 9457): a type that stays the same, a status, and what happened and what to do in every
//! language, from `assets/till-problems.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;

use super::answer::{PaymentAnswer, Said, Why};

/// Content type of what is said.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What the type of each begins with.
pub const TYPE: &str = "urn:yima:till:";

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal;)*) => {
        /// Why a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemKind { $($(#[$doc])* $name,)* }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word that ends its type.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

problems! {
    /// The body is not what is expected, or a value in it is wrong.
    RequestInvalid = "request-invalid", 400;
    /// A payment needs a key.
    KeyMissing = "key-missing", 400;
    /// The key has characters that a key may not have.
    KeyInvalid = "key-invalid", 400;
    /// No key of a paired till came with the request.
    Unauthorized = "unauthorized", 401;
    /// The pairing code is wrong or over, or nobody is being paired.
    PairingRefused = "pairing-refused", 403;
    /// The request was meant for another host: a name that was made to lead here.
    ForeignHost = "foreign-host", 403;
    /// The request comes from a page in a browser.
    BrowserRefused = "browser-refused", 403;
    /// There is no such path.
    NotFound = "not-found", 404;
    /// No payment has this key.
    PaymentUnknown = "payment-unknown", 404;
    /// The path is there, and is not used in this way.
    MethodNotAllowed = "method-not-allowed", 405;
    /// The body did not come in time.
    TooSlow = "too-slow", 408;
    /// Another payment runs.
    Busy = "busy", 409;
    /// That payment cannot be made: the terminal says why.
    NotPossible = "not-possible", 409;
    /// What is referred to is not known here, or never was done.
    OriginalUnknown = "original-unknown", 409;
    /// The request has left, or may have.
    TooLateToCancel = "too-late-to-cancel", 409;
    /// It is over.
    PaymentOver = "payment-over", 409;
    /// The body is too long.
    TooLarge = "too-large", 413;
    /// The body is no JSON by its type.
    WrongType = "wrong-type", 415;
    /// The key stands for another request.
    KeyUsedOtherwise = "key-used-otherwise", 422;
    /// Too many wrong keys.
    TooManyWrongKeys = "too-many-wrong-keys", 429;
    /// Too many lines are open.
    TooManyLines = "too-many-lines", 429;
    /// What is needed could not be written or read.
    TerminalFailed = "terminal-failed", 500;
    /// The terminal cannot take payments now: it says why.
    NotReady = "not-ready", 503;
}

impl ProblemKind {
    /// Whether the same request, with the same key, may have more luck later.
    pub const fn may_be_repeated(self) -> bool {
        matches!(
            self,
            Self::TooSlow
                | Self::Busy
                | Self::TooManyWrongKeys
                | Self::TooManyLines
                | Self::TerminalFailed
                | Self::NotReady
        )
    }

    fn entry(self) -> Option<&'static Entry> {
        words().get(self.word())
    }
}

/// A problem as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What it is; stays the same in every version.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What of this request is wrong, in English; empty where the title says it all.
    pub detail: String,
    /// What happened.
    pub what: Said,
    /// What to do now.
    #[serde(rename = "do")]
    pub advice: Said,
    /// The same request, with the same key, may have more luck later.
    pub repeatable: bool,
    /// What the terminal itself says, where it does.
    pub reason: Option<Why>,
    /// The payment that it is about, where there is one.
    pub payment: Option<Box<PaymentAnswer>>,
}

impl Problem {
    /// A problem that says it all by its kind.
    pub fn of(kind: ProblemKind) -> Self {
        let said = |zh: fn(&Entry) -> &str, en: fn(&Entry) -> &str| {
            let of = |text: fn(&Entry) -> &str| kind.entry().map(text).unwrap_or_default().to_owned();
            Said { zh: of(zh), en: of(en) }
        };
        let what = said(|entry| &entry.zh, |entry| &entry.en);
        Self {
            kind: format!("{TYPE}{}", kind.word()),
            title: what.en.clone(),
            status: kind.status(),
            detail: String::new(),
            advice: said(|entry| &entry.zh_do, |entry| &entry.en_do),
            what,
            repeatable: kind.may_be_repeated(),
            reason: None,
            payment: None,
        }
    }

    /// With what of this request is wrong. Never a secret.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// With what the terminal says.
    #[must_use]
    pub fn because(self, reason: Why) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// With the payment that it is about.
    #[must_use]
    pub fn about(self, payment: PaymentAnswer) -> Self {
        Self { payment: Some(Box::new(payment)), ..self }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    zh: String,
    zh_do: String,
    en: String,
    en_do: String,
}

fn words() -> &'static BTreeMap<String, Entry> {
    static WORDS: OnceLock<BTreeMap<String, Entry>> = OnceLock::new();
    // Part of the program; `every_problem_has_words_in_every_language` proves that it parses.
    WORDS.get_or_init(|| toml::from_str(include_str!("../../assets/till-problems.toml")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_words_in_every_language() {
        for kind in ProblemKind::ALL {
            let problem = Problem::of(*kind);
            for text in [&problem.what.zh, &problem.what.en, &problem.advice.zh, &problem.advice.en] {
                assert!(!text.is_empty(), "no words for {}", kind.word());
            }
            assert!(problem.what.en.is_ascii(), "{}", problem.what.en);
            assert!((400..600).contains(&problem.status));
            assert_eq!(problem.kind, format!("{TYPE}{}", kind.word()));
        }
        assert_eq!(words().len(), ProblemKind::ALL.len(), "words that no problem uses");
    }

    #[test]
    fn a_problem_has_the_members_of_rfc_9457() {
        let problem = Problem::of(ProblemKind::Busy).with_detail("a payment is under way");
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "urn:yima:till:busy");
        assert_eq!((&json["status"], &json["repeatable"]), (&409.into(), &true.into()));
        assert_eq!(json["detail"], "a payment is under way");
        assert!(json["title"].is_string() && json["reason"].is_null());
    }
}
