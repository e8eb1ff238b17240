//! What the terminal says to people: a sentence for what happened and one for what to do, in every language, from
//! `assets/wording.toml`, `assets/wording-other.toml`, `assets/response-codes.toml` and `assets/link-faults.toml`. Screen,
//! command line and slips take their words from here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::link_fault::LinkFault;
use crate::money::Amount;
use crate::reference::ResponseCode;

/// A language people read on this terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
pub enum Language {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// The language of an ISO 639 code of two letters, as a card names it (5F2D).
    pub const fn of_iso_639(code: [u8; 2]) -> Option<Self> {
        match &code {
            b"zh" => Some(Self::Chinese),
            b"en" => Some(Self::English),
            _ => None,
        }
    }
}

/// Why something did not go as wished: what a screen shows and a log names. The kind decides the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What happened.
    pub kind: ReasonKind,
    /// The host's response code, shown small for the help desk.
    pub code: Option<ResponseCode>,
    /// Why the host could not be reached, where that is the reason.
    pub fault: Option<LinkFault>,
    /// The acquirer's own words, which win over ours.
    pub words: Option<Box<HostWords>>,
    /// An amount the sentence speaks of (what a partial approval covers).
    pub amount: Option<Amount>,
    /// What a technician needs, in English; never a secret.
    pub detail: String,
    /// What it is said of.
    pub sense: Sense,
}

/// What a reason is said of: the same silence of a host means one thing for a payment and another one for a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sense {
    /// Somebody pays.
    #[default]
    Payment,
    /// Money is set aside.
    Hold,
    /// More is set aside beside that.
    TopUp,
    /// An earlier transaction is undone, or what was set aside is let go.
    Undo,
    /// Money goes back.
    Refund,
    /// The host is told that what was set aside is paid.
    Notice,
}

impl Sense {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Payment, Self::Hold, Self::TopUp, Self::Undo, Self::Refund, Self::Notice];

    /// Where its words stand in `wording-other.toml`; nowhere for a payment.
    const fn word(self) -> &'static str {
        match self {
            Self::Payment => "",
            Self::Hold => "hold",
            Self::TopUp => "top_up",
            Self::Undo => "undo",
            Self::Refund => "refund",
            Self::Notice => "notice",
        }
    }

    fn entry(self, word: &str) -> Option<&'static Entry> {
        other_words().get(self.word())?.get(word)
    }
}

impl Reason {
    /// A reason that needs nothing beside its kind.
    pub const fn of(kind: ReasonKind) -> Self {
        Self { kind, code: None, fault: None, words: None, amount: None, detail: String::new(), sense: Sense::Payment }
    }

    /// A reason with something for the technician.
    pub fn with_detail(kind: ReasonKind, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..Self::of(kind) }
    }

    /// The same, said of something.
    #[must_use]
    pub fn of_sense(self, sense: Sense) -> Self {
        Self { sense, ..self }
    }

    /// The same once the payment it is about has been taken back. What the account could pay is worth knowing then too;
    /// other causes have had their say.
    pub fn once_taken_back(&self) -> Self {
        let kind = match self.kind {
            ReasonKind::PartialApproval => ReasonKind::PartialApprovalTakenBack,
            _ => ReasonKind::TakenBack,
        };
        Self { kind, ..self.clone() }
    }

    /// What happened and what to do, in `language`.
    pub fn sentences(&self, language: Language) -> Sentences {
        if let Some(fault) = self.fault {
            return self.of_fault(fault, language);
        }
        let by_code = match (&self.kind, &self.code) {
            (ReasonKind::HostDeclined, Some(code)) => response_codes().get(code.as_str()),
            _ => None,
        };
        // What a code of a payment advises, another card or means, is no advice for something else.
        let by_code = by_code.filter(|_| self.sense == Sense::Payment || self.sense == Sense::Hold);
        let of_sense = || self.sense.entry(self.kind.word());
        let entry = by_code.or_else(of_sense).or_else(|| words().get(self.kind.word()));
        let (what, advice) = match (entry, language) {
            (Some(entry), Language::Chinese) => (entry.zh.as_str(), entry.zh_do.as_str()),
            (Some(entry), Language::English) => (entry.en.as_str(), entry.en_do.as_str()),
            (None, _) => (self.kind.word(), ""),
        };
        let amount = self.amount.map(Amount::signed).unwrap_or_default();
        let ours = Sentences { what: what.replace("{amount}", &amount), advice: advice.replace("{amount}", &amount) };
        match &self.words {
            Some(words) => words.over(ours, language),
            None => ours,
        }
    }
}

impl Reason {
    /// What is wrong with the line; that nothing was charged is said only of a payment.
    fn of_fault(&self, fault: LinkFault, language: Language) -> Sentences {
        let words = |name: &'static str| {
            link_faults().get(name).map_or((name, ""), |entry| match language {
                Language::Chinese => (entry.zh.as_str(), entry.zh_do.as_str()),
                Language::English => (entry.en.as_str(), entry.en_do.as_str()),
            })
        };
        let (what, advice) = words(fault.code());
        let nothing = self.sense.entry(NOTHING_HAPPENED).map_or(words(NOTHING_CHARGED).0, |entry| match language {
            Language::Chinese => &entry.zh,
            Language::English => &entry.en,
        });
        let what = match (self.kind, language) {
            (ReasonKind::HostUnreachable, Language::Chinese) => format!("{what}{nothing}"),
            (ReasonKind::HostUnreachable, Language::English) => format!("{what} {nothing}"),
            _ => what.to_owned(),
        };
        Sentences { what, advice: advice.replace("{code}", fault.code()) }
    }
}

/// What the acquirer wants to be said of a response code; what it leaves out is said in our words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostWords {
    /// What happened, in Chinese.
    pub zh: Option<String>,
    /// What to do.
    pub zh_do: Option<String>,
    /// What happened, in English.
    pub en: Option<String>,
    /// What to do.
    pub en_do: Option<String>,
}

impl HostWords {
    fn over(&self, ours: Sentences, language: Language) -> Sentences {
        let (what, advice) = match language {
            Language::Chinese => (&self.zh, &self.zh_do),
            Language::English => (&self.en, &self.en_do),
        };
        Sentences { what: what.clone().unwrap_or(ours.what), advice: advice.clone().unwrap_or(ours.advice) }
    }
}

/// Two sentences for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentences {
    /// What happened.
    pub what: String,
    /// What to do now.
    pub advice: String,
}

macro_rules! reason_kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What happened, in one word that JSON, the ledger and `assets/wording.toml` share.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ReasonKind { $($(#[$doc])* $name,)* }

        impl ReasonKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reason_kinds! {
    /// Nothing left the terminal; nothing was charged.
    HostUnreachable = "host_unreachable";
    /// No payment is running, and the line to the host cannot be trusted or used: a person must look at it.
    LinkTrouble = "link_trouble";
    /// This machine's clock differs from the host's.
    ClockWrong = "clock_wrong";
    /// It differs so much that no payment may begin.
    ClockFarOff = "clock_far_off";
    /// The clock is right and local time is not: no payment may begin, for its date may be another day's.
    TimeZoneWrong = "time_zone_wrong";
    /// The request may have arrived; no answer came.
    HostSilent = "host_silent";
    /// An answer came that is not authentic or belongs to something else.
    HostAnswerRefused = "host_answer_refused";
    /// The host said no; the response code says why.
    HostDeclined = "host_declined";
    /// The account holds less than asked; what was approved is being taken back.
    PartialApproval = "partial_approval";
    /// The same, when it has been taken back.
    PartialApprovalTakenBack = "partial_approval_taken_back";
    /// A purchase is not paid to its end: nothing else begins.
    PurchaseOpen = "purchase_open";
    /// No purchase is open.
    NoPurchaseOpen = "no_purchase_open";
    /// Whether a part of a purchase was charged only a person can find out.
    PurchasePartUnknown = "purchase_part_unknown";
    /// Nobody pays the rest of a purchase: what was paid of it is taken back.
    PurchaseGivenUp = "purchase_given_up";
    /// The host has a transaction of this number already; whether this payment was charged is not known.
    TraceNumberInUse = "trace_number_in_use";
    /// The request cannot be written: a key, a setting or a value of the card is wrong. Nothing was charged.
    CannotAsk = "cannot_ask";
    /// The acquirer does not take this card; the host was not asked.
    CardNotTaken = "card_not_taken";
    /// The acquirer does not let this terminal do that.
    TransactionNotAllowed = "transaction_not_allowed";
    /// The amount is more than the acquirer allows in one sale.
    OverSaleLimit = "over_sale_limit";
    /// The acquirer lets nothing be sold without asking the host.
    OfflineNotAllowed = "offline_not_allowed";
    /// More than one offline sale may be.
    OverOfflineLimit = "over_offline_limit";
    /// As much as may wait for the host does.
    OfflineFull = "offline_full";
    /// The card is one of which nothing can be sold offline, or wants its bank to be asked.
    CardWantsHost = "card_wants_host";
    /// The bank does not pay an offline sale.
    OfflineRefused = "offline_refused";
    /// The acquirer does not offer so many periods.
    InstalmentsNotOffered = "instalments_not_offered";
    /// The amount is too small to be paid by instalments.
    TooLittleForInstalments = "too_little_for_instalments";
    /// The bank does not let this card pay by instalments.
    NotByInstalments = "not_by_instalments";
    /// What was paid by instalments goes back as a whole or not at all.
    OnlyWhole = "only_whole";
    /// The card said no by itself.
    CardDeclined = "card_declined";
    /// The card said no after the host had approved; the payment is taken back.
    CardDeclinedAfterApproval = "card_declined_after_approval";
    /// The card was taken out too early; nothing had been sent.
    CardTorn = "card_torn";
    /// The card was taken out after the request had left; the payment is taken back.
    CardTornAfterRequest = "card_torn_after_request";
    /// Card or reader stopped answering after the request had left; the payment is taken back.
    CardLostAfterRequest = "card_lost_after_request";
    /// No PIN was entered in time.
    PinTimedOut = "pin_timed_out";
    /// The cardholder pressed cancel at the pad, or typed no PIN there.
    PinCancelled = "pin_cancelled";
    /// The PIN is wrong; it is asked for again.
    PinWrong = "pin_wrong";
    /// The PIN is wrong, and the card takes only one more.
    PinWrongLastTry = "pin_wrong_last_try";
    /// The bank called the PIN wrong, and is asked about only one more.
    PinWrongAtBankLastTry = "pin_wrong_at_bank_last_try";
    /// The card takes only one more PIN.
    PinLastTry = "pin_last_try";
    /// The card is not the one of the transaction that is to be undone or completed.
    OtherCard = "other_card";
    /// The card is in but does not answer.
    CardMute = "card_mute";
    /// A stripe could not be read.
    SwipeAgain = "swipe_again";
    /// The chip could not be read: the stripe may do.
    SwipeInstead = "swipe_instead";
    /// A card with a chip was swiped.
    StripeHasChip = "stripe_has_chip";
    /// The stripe says that the card is for cash alone.
    StripeForCashOnly = "stripe_for_cash_only";
    /// A card was swiped before anything is to be paid.
    SwipeLater = "swipe_later";
    /// The card demands a PIN, and none can be entered here.
    PinNeeded = "pin_needed";
    /// Numbers are not typed for this.
    TypedNotAllowed = "typed_not_allowed";
    /// What was typed is no card number.
    NumberWrong = "number_wrong";
    /// What was typed is no expiry.
    ExpiryWrong = "expiry_wrong";
    /// The code that was shown was not paid in time; its order is closed.
    CodeExpired = "code_expired";
    /// What was scanned is no code that can be paid with here.
    CodeUnknown = "code_unknown";
    /// The customer did not end a payment by code in time; it is cancelled.
    CustomerTooSlow = "customer_too_slow";
    /// No application on the card that this terminal takes.
    CardNotSupported = "card_not_supported";
    /// The card has several applications, and nobody chose one in time.
    ChoiceTimedOut = "choice_timed_out";
    /// The cardholder does not agree to the card's application.
    ApplicationRefused = "application_refused";
    /// The card or its application is blocked.
    CardBlocked = "card_blocked";
    /// What the card says of itself does not make sense.
    CardDataWrong = "card_data_wrong";
    /// No card came in time.
    NoCard = "no_card";
    /// The cashier stopped it.
    Cancelled = "cancelled";
    /// The smart card service or the reader is missing.
    ReaderMissing = "reader_missing";
    /// The printer is not there.
    PrinterMissing = "printer_missing";
    /// The printer has no paper.
    PrinterPaperOut = "printer_paper_out";
    /// The printer's cover is open.
    PrinterCoverOpen = "printer_cover_open";
    /// The printer stands still and cannot say why.
    PrinterStopped = "printer_stopped";
    /// The printer does not answer.
    PrinterSilent = "printer_silent";
    /// The printer reports a fault of its own: cutter, heat.
    PrinterFault = "printer_fault";
    /// The ledger cannot be written: no sale may begin.
    LedgerFailed = "ledger_failed";
    /// The ledger could not be written after the request had left: the result is not known.
    LedgerFailedAfterRequest = "ledger_failed_after_request";
    /// The terminal lost its power or was stopped in the middle of a payment.
    Interrupted = "interrupted";
    /// An earlier payment must be taken back first and the host does not answer.
    ReversalWaiting = "reversal_waiting";
    /// An earlier payment that was still asked about is paid: what waited for it is not begun.
    EarlierPaid = "earlier_paid";
    /// The host gave the terminal no working keys.
    SignOnFailed = "sign_on_failed";
    /// All tries to take a payment back are used up.
    ReversalExhausted = "reversal_exhausted";
    /// All tries to send a refund or a notice again are used up.
    RepeatExhausted = "repeat_exhausted";
    /// The ledger is damaged, or gone: a copy can take its place.
    LedgerLost = "ledger_lost";
    /// A payment was being taken back when the copy was made that took the place of a lost ledger.
    LedgerRestored = "ledger_restored";
    /// The host does not take a message about a payment that is over; the payment stands.
    AdviceParked = "advice_parked";
    /// The host does not sign the log of transactions as it is here.
    LogRefused = "log_refused";
    /// The reader's own pad still asks for the PIN of a payment that is over.
    PadBusy = "pad_busy";
    /// The payment was taken back; nothing is charged.
    TakenBack = "taken_back";
    /// The card of the last payment is still in the reader.
    RemoveCard = "remove_card";
    /// What was to be paid is no amount.
    AmountWrong = "amount_wrong";
    /// No good has what was scanned.
    GoodUnknown = "good_unknown";
    /// The cart would be too large.
    CartFull = "cart_full";
    /// The cart cannot be changed so.
    CartRefused = "cart_refused";
    /// Too many carts are put aside.
    CartsHeld = "carts_held";
    /// The catalogue cannot be read or written.
    CatalogueFailed = "catalogue_failed";
    /// Another program takes payments on this terminal already.
    AlreadyRunning = "already_running";
    /// A setting, a file or a key is wrong: the terminal cannot start.
    SetupWrong = "setup_wrong";
    /// This terminal has no identity or keys yet.
    NotEnrolled = "not_enrolled";
    /// No application has this activation code.
    EnrolWrongCode = "enrol_wrong_code";
    /// The activation code was used.
    EnrolCodeUsed = "enrol_code_used";
    /// The activation code is too old.
    EnrolCodeExpired = "enrol_code_expired";
    /// Wrong codes were tried; for a while the host looks at none.
    EnrolTooManyCodes = "enrol_too_many_codes";
    /// The activation code is another machine's.
    EnrolOtherMachine = "enrol_other_machine";
    /// The merchant's application is not decided yet.
    EnrolNotApproved = "enrol_not_approved";
    /// The merchant's application was rejected.
    EnrolRejected = "enrol_rejected";
    /// The host does not understand or believe the request, or its answer is not believed.
    EnrolRefused = "enrol_refused";
    /// The host was not reached; nothing has changed.
    EnrolUnreachable = "enrol_unreachable";
    /// Payments are not finished or not settled: keys must not be replaced or destroyed now.
    PaymentsOpen = "payments_open";
    /// The merchant is suspended.
    MerchantSuspended = "merchant_suspended";
    /// The terminal was taken out of service for good.
    Decommissioned = "decommissioned";
    /// The state directory is on another machine than the one that was enrolled.
    OtherMachine = "other_machine";
    /// The binding record was changed, is an older one, or is not for this machine or its key.
    BindingWrong = "binding_wrong";
    /// The host has other values for this terminal than the terminal.
    BindingDisagrees = "binding_disagrees";
    /// No transaction has this number.
    NoSuchTransaction = "no_such_transaction";
    /// What is wanted is not done with such a transaction.
    NotForThisKind = "not_for_this_kind";
    /// The transaction referred to did not come about, or nobody knows.
    OriginalNotApproved = "original_not_approved";
    /// The host has not heard of it yet.
    OriginalNotTold = "original_not_told";
    /// Its batch is over.
    OriginalSettled = "original_settled";
    /// It was voided, refunded as a whole or completed, or may have been.
    OriginalUsed = "original_used";
    /// A part of it went back.
    OriginalRefundedInPart = "original_refunded_in_part";
    /// Whether a top-up of a pre-authorisation holds is not known yet.
    TopUpOpen = "top_up_open";
    /// Less is left of it than is wanted.
    MoreThanIsLeft = "more_than_is_left";
    /// The card must be there: its number is kept no more.
    CardNeeded = "card_needed";
    /// A person's code is wrong.
    CodeWrong = "code_wrong";
    /// Wrong codes were typed: for a while none is looked at.
    CodeWaits = "code_waits";
    /// Too many wrong codes: a manager must give a new one.
    PersonLockedOut = "person_locked_out";
    /// Nobody with this number can sign on.
    PersonUnknown = "person_unknown";
    /// A manager's number and code are needed.
    ManagerNeeded = "manager_needed";
    /// Nobody is signed on at a terminal at which people work.
    NobodySignedOn = "nobody_signed_on";
    /// Nothing is as it was looked for.
    NothingFound = "nothing_found";
    /// A payment is being taken back: nobody trains before that is done.
    TrainingWaits = "training_waits";
    /// The training could not be opened.
    TrainingFailed = "training_failed";
    /// No manager can sign on: one is given a code before anybody else.
    ManagerCodeFirst = "manager_code_first";
    /// A new code was typed otherwise the second time.
    CodesDiffer = "codes_differ";
    /// A new code has too few digits.
    CodeTooShort = "code_too_short";
    /// A new code is one that everybody would try.
    CodeTooEasy = "code_too_easy";
    /// A code could not be looked at or kept.
    CodeFailed = "code_failed";
    /// A number is somebody's already.
    PersonTaken = "person_taken";
    /// The last manager cannot be disabled while others work here.
    LastManager = "last_manager";
    /// That cannot become of a person.
    PersonNotChanged = "person_not_changed";
    /// A till cannot be paired: its file cannot be used.
    TillNotPaired = "till_not_paired";
    /// What was found out about the printer cannot be kept.
    SettingsNotKept = "settings_not_kept";
    /// A shift is open already.
    ShiftOpen = "shift_open";
    /// There is not so much in the drawer.
    DrawerTooLittle = "drawer_too_little";
    /// What was scanned is of no use on this screen.
    ScanNotHere = "scan_not_here";
    /// A payment code was scanned before anything is to be paid.
    ScanPaysLater = "scan_pays_later";
    /// What was scanned names no payment of this terminal.
    ScanNoReceipt = "scan_no_receipt";
    /// Less cash was given than is to be paid.
    CashTooLittle = "cash_too_little";
    /// That cannot be done in cash.
    CashRefused = "cash_refused";
    /// The drawer did not open.
    DrawerStuck = "drawer_stuck";
    /// That cannot be done with the shift.
    ShiftRefused = "shift_refused";
}

impl ReasonKind {
    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    zh: String,
    #[serde(default)]
    zh_do: String,
    en: String,
    #[serde(default)]
    en_do: String,
}

fn words() -> &'static BTreeMap<String, Entry> {
    static WORDS: OnceLock<BTreeMap<String, Entry>> = OnceLock::new();
    // Part of the program; `every_reason_has_words_in_every_language` proves that it parses.
    WORDS.get_or_init(|| toml::from_str(include_str!("../assets/wording.toml")).unwrap_or_default())
}

fn response_codes() -> &'static BTreeMap<String, Entry> {
    static CODES: OnceLock<BTreeMap<String, Entry>> = OnceLock::new();
    CODES.get_or_init(|| toml::from_str(include_str!("../assets/response-codes.toml")).unwrap_or_default())
}

fn other_words() -> &'static BTreeMap<String, BTreeMap<String, Entry>> {
    static WORDS: OnceLock<BTreeMap<String, BTreeMap<String, Entry>>> = OnceLock::new();
    WORDS.get_or_init(|| toml::from_str(include_str!("../assets/wording-other.toml")).unwrap_or_default())
}

/// What stands in `wording-other.toml` behind what is wrong with the line.
const NOTHING_HAPPENED: &str = "nothing_happened";

/// The entry of `link-faults.toml` that is no fault.
const NOTHING_CHARGED: &str = "nothing_charged";

fn link_faults() -> &'static BTreeMap<String, Entry> {
    static FAULTS: OnceLock<BTreeMap<String, Entry>> = OnceLock::new();
    FAULTS.get_or_init(|| toml::from_str(include_str!("../assets/link-faults.toml")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_in_every_language() {
        for kind in ReasonKind::ALL {
            let entry = words().get(kind.word()).unwrap_or_else(|| panic!("no words for {}", kind.word()));
            assert!(!entry.zh.is_empty() && !entry.en.is_empty() && !entry.zh_do.is_empty() && !entry.en_do.is_empty());
            assert_eq!(ReasonKind::from_word(kind.word()), Some(*kind));
        }
        assert_eq!(words().len(), ReasonKind::ALL.len(), "a word that no reason uses");
    }

    #[test]
    fn what_is_not_known_to_be_unpaid_warns_against_paying_again() {
        for kind in [
            ReasonKind::HostSilent,
            ReasonKind::HostAnswerRefused,
            ReasonKind::PartialApproval,
            ReasonKind::TraceNumberInUse,
            ReasonKind::CardDeclinedAfterApproval,
            ReasonKind::CardTornAfterRequest,
            ReasonKind::CardLostAfterRequest,
            ReasonKind::LedgerFailedAfterRequest,
            ReasonKind::Interrupted,
            ReasonKind::ReversalExhausted,
            ReasonKind::LedgerRestored,
        ] {
            let reason = Reason::of(kind);
            assert!(reason.sentences(Language::Chinese).advice.contains("不要让顾客再付一次"), "{}", kind.word());
            assert!(
                reason.sentences(Language::English).advice.contains("not let the customer pay again"),
                "{}",
                kind.word()
            );
        }
    }

    #[test]
    fn what_is_no_payment_has_words_of_its_own_that_name_reasons_in_every_language() {
        assert_eq!(other_words().len(), Sense::ALL.len() - 1);
        for sense in Sense::ALL.into_iter().filter(|sense| *sense != Sense::Payment) {
            let own = &other_words()[sense.word()];
            assert!(own.contains_key(NOTHING_HAPPENED));
            for (word, entry) in own.iter().filter(|(word, _)| *word != NOTHING_HAPPENED) {
                let kind = ReasonKind::from_word(word).unwrap_or_else(|| panic!("no reason is {word}"));
                for language in [Language::Chinese, Language::English] {
                    let said = Reason::of(kind).of_sense(sense).sentences(language);
                    assert!(!said.what.is_empty() && !said.advice.is_empty(), "{word}");
                    assert_ne!(said, Reason::of(kind).sentences(language), "{word}");
                }
                assert!(!entry.zh.contains("收款") && !entry.en.contains("charged"), "{word}");
            }
        }
    }

    #[test]
    fn what_is_not_known_to_be_undone_or_refunded_warns_against_doing_it_again() {
        for kind in [
            ReasonKind::HostSilent,
            ReasonKind::HostAnswerRefused,
            ReasonKind::TraceNumberInUse,
            ReasonKind::LedgerFailedAfterRequest,
        ] {
            for (sense, zh, en) in [
                (Sense::Hold, "不要再办", "Do not start again"),
                (Sense::TopUp, "不要再办", "Do not start again"),
                (Sense::Undo, "不要再撤销", "Do not undo it again"),
                (Sense::Refund, "不要再退", "Do not refund again"),
                (Sense::Notice, "不要再办", "Do not start again"),
            ] {
                let reason = Reason::of(kind).of_sense(sense);
                assert!(reason.sentences(Language::Chinese).advice.contains(zh), "{}", kind.word());
                assert!(reason.sentences(Language::English).advice.contains(en), "{}", kind.word());
            }
        }
    }

    #[test]
    fn every_fault_of_the_line_has_words_with_its_code_in_every_language() {
        assert_eq!(link_faults().len(), LinkFault::ALL.len() + 1, "words that no fault uses, or the other way round");
        for fault in LinkFault::ALL {
            for (language, unpaid) in [(Language::Chinese, "没有收款"), (Language::English, "Nothing was charged")]
            {
                let mut reason = Reason { fault: Some(*fault), ..Reason::of(ReasonKind::HostUnreachable) };
                let Sentences { what, advice } = reason.sentences(language);
                assert!(what.ends_with(&format!("{unpaid}{}", if language == Language::Chinese { "。" } else { "." })));
                assert!(advice.contains(fault.code()) && !advice.contains('{'), "{advice}");
                reason.kind = ReasonKind::LinkTrouble;
                assert!(!reason.sentences(language).what.contains(unpaid), "where no payment is running");
            }
        }
    }

    #[test]
    fn a_response_code_has_its_own_sentence_and_an_unknown_one_is_still_a_no() {
        let mut reason = Reason::of(ReasonKind::HostDeclined);
        reason.code = ResponseCode::parse("51").ok();
        assert_eq!(reason.sentences(Language::Chinese).what, "余额不足。");
        reason.code = ResponseCode::parse("Q7").ok();
        assert_eq!(reason.sentences(Language::English).what, "The bank declined.");
    }
}
