//! Offline data authentication in its place in the transaction (EMV 4.4 Book 3, 10.3; Book 2, 5 and 6).
//!
//! What a check needs is put together here, what it means is noted in TVR and TSI. A failure never ends the transaction:
//! action analysis weighs it, and a CDA signature that fails makes the terminal decline.

use super::super::action::Cryptogram;
use super::super::apdu::{Command, Status};
use super::super::ca_keys::Rid;
use super::super::data::CardDataError;
use super::super::dol::{DataObjectList, Values};
use super::super::oda::{
    self, CardCertificate, CombinedInput, IssuerCertificate, IssuerKey, Method, OdaFailure, PinCertificate, PinKey,
    StaticData,
};
use super::super::results::{Tsi, Tvr};
use super::super::tag;
use super::{Kernel, State, Step, Termination};

/// How the card was authenticated, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// The best method that both sides have.
    pub method: Method,
    /// Nothing while it was not performed, which CDA never is when the card gives an AAC.
    pub result: Option<Result<(), OdaFailure>>,
}

impl Kernel {
    pub(super) fn authenticate_card(&mut self) -> Result<Step, Termination> {
        let aip = self.data.sized(tag::AIP)?.unwrap_or_default();
        let records = std::mem::take(&mut self.application.records);
        self.application.static_data = Some(records.finish(self.data.get(tag::SDA_TAG_LIST), aip));
        let Some(method) = Method::choose(aip, self.terminal.capabilities) else {
            self.tvr.set(Tvr::ODA_NOT_PERFORMED);
            return self.judge();
        };
        self.application.authentication = Some(Authentication { method, result: None });
        match method {
            Method::Static => {
                self.tvr.set(Tvr::SDA_SELECTED);
                let result = self.authenticate_static_data();
                self.note_authentication(result);
                self.judge()
            }
            Method::Dynamic => match self.challenge() {
                Ok(challenge) => {
                    let command = Command::internal_authenticate(&challenge);
                    Ok(self.wait(State::Authenticating { challenge }, command))
                }
                Err(failure) => {
                    self.note_authentication(Err(failure));
                    self.judge()
                }
            },
            // The signature comes with the cryptogram; without a key it cannot even be asked for.
            Method::Combined => {
                if let Err(failure) = self.recover_card_key() {
                    self.note_authentication(Err(failure));
                }
                self.judge()
            }
        }
    }

    pub(super) fn after_internal_authenticate(
        &mut self,
        challenge: &[u8],
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        // A card that refuses the command, or answers without a signature, ends the transaction; a signature that is wrong
        // fails DDA (Book 3, 6.5.9.4 and 8.1).
        if status != Status::OK {
            return Err(Termination::Status { command: "INTERNAL AUTHENTICATE", status });
        }
        let signature = oda::signature_of(data);
        if signature == Err(OdaFailure::Missing(tag::SIGNED_DYNAMIC_DATA)) {
            return Err(CardDataError::Missing(tag::SIGNED_DYNAMIC_DATA).into());
        }
        let result = match &self.application.card_key {
            Some(key) => signature
                .and_then(|signature| oda::verify_dynamic(key, signature, challenge))
                .map(|number| self.data.put_from_card(tag::ICC_DYNAMIC_NUMBER, number.as_bytes())),
            None => Err(OdaFailure::Answer),
        };
        self.note_authentication(result);
        self.judge()
    }

    /// Whether a CDA signature is asked for with a cryptogram: the key is there and nothing has failed; an AAC is never
    /// signed (Book 2, 6.6).
    pub(super) fn asks_for_signature(&self, requested: Cryptogram) -> bool {
        let combined = self.application.authentication.as_ref().is_some_and(|this| this.method == Method::Combined);
        combined
            && requested != Cryptogram::Aac
            && self.application.card_key.is_some()
            && !self.tvr.has(Tvr::CDA_FAILED)
    }

    /// Checks the signature in an answer to GENERATE AC over all that was said so far; `false` when it failed. The
    /// cryptogram stands inside it.
    pub(super) fn check_signature(&mut self, list_values: &[&[u8]], answer: &[u8]) -> Option<[u8; 8]> {
        let number = self.data.get(tag::UNPREDICTABLE_NUMBER).unwrap_or_default();
        let terminal_values: Vec<&[u8]> =
            std::iter::once(&*self.application.pdol_values).chain(list_values.iter().copied()).collect();
        let input = CombinedInput { unpredictable_number: number, terminal_values: &terminal_values, answer };
        let result = match &self.application.card_key {
            Some(key) => oda::verify_combined(key, &input),
            None => Err(OdaFailure::Answer),
        };
        match result {
            Ok(signed) => {
                self.data.put_from_card(tag::ICC_DYNAMIC_NUMBER, signed.number.as_bytes());
                self.note_authentication(Ok(()));
                Some(signed.cryptogram)
            }
            Err(failure) => {
                self.note_authentication(Err(failure));
                None
            }
        }
    }

    /// The card's key for an enciphered PIN: its own, or that of DDA and CDA (Book 2, 7.1).
    pub(super) fn pin_key(&mut self) -> Option<PinKey> {
        let date = self.data.sized(tag::TRANSACTION_DATE).ok().flatten()?;
        if self.data.get(tag::PIN_CERTIFICATE).is_some() {
            let issuer = self.issuer_key().ok()?;
            return oda::pin_key(&issuer, &PinCertificate::from_card(&self.data, date).ok()?).ok();
        }
        if self.application.card_key.is_none() {
            self.recover_card_key().ok()?;
        }
        self.application.card_key.clone().map(PinKey::from)
    }

    fn authenticate_static_data(&mut self) -> Result<(), OdaFailure> {
        let issuer = self.issuer_key()?;
        let signed = self.data.get(tag::SIGNED_STATIC_DATA).ok_or(OdaFailure::Missing(tag::SIGNED_STATIC_DATA))?;
        let code = oda::verify_static(&issuer, signed, self.static_data()?)?;
        self.data.put_from_card(tag::DATA_AUTHENTICATION_CODE, &code);
        Ok(())
    }

    /// The values that the card is to sign: its own list, or the terminal's for this application (Book 2, 6.5.1).
    fn challenge(&mut self) -> Result<Values, OdaFailure> {
        self.recover_card_key()?;
        let list = match self.data.get(tag::DDOL) {
            Some(own) => {
                let parsed = DataObjectList::parse(tag::DDOL, own).map_err(|_| OdaFailure::DdolWithoutChallenge)?;
                oda::choose_ddol(Some(own), None).map(|_| parsed)?
            }
            None => {
                let terms = self.application_terms().map_err(|_| OdaFailure::DdolMissing)?;
                terms.default_ddol.clone()
            }
        };
        if list.asks_for(tag::UNPREDICTABLE_NUMBER) {
            Ok(self.filled(&list))
        } else {
            Err(OdaFailure::DdolWithoutChallenge)
        }
    }

    fn recover_card_key(&mut self) -> Result<(), OdaFailure> {
        let issuer = self.issuer_key()?;
        let certificate = CardCertificate::from_card(&self.data, self.static_data()?, self.transaction.date)?;
        self.application.card_key = Some(oda::card_key(&issuer, &certificate)?);
        Ok(())
    }

    fn issuer_key(&self) -> Result<IssuerKey, OdaFailure> {
        let name = self.data.get(tag::DF_NAME).unwrap_or_default();
        let rid = Rid::of(name).ok_or(OdaFailure::Missing(tag::DF_NAME))?;
        let certificate = IssuerCertificate::from_card(rid, &self.data, self.transaction.date)?;
        oda::issuer_key(&self.terminal.ca_keys, &self.terminal.revoked, &certificate)
    }

    fn static_data(&self) -> Result<&StaticData, OdaFailure> {
        match &self.application.static_data {
            Some(Ok(data)) => Ok(data),
            Some(Err(failure)) => Err(failure.clone()),
            None => Err(OdaFailure::Missing(tag::AFL)),
        }
    }

    /// Missing data is a failure of its own on top (Book 3, 7.5).
    fn note_authentication(&mut self, result: Result<(), OdaFailure>) {
        let Some(authentication) = &mut self.application.authentication else { return };
        self.tsi.set(Tsi::ODA_PERFORMED);
        if let Err(failure) = &result {
            if failure.is_missing_data() {
                self.tvr.set(Tvr::CARD_DATA_MISSING);
            }
            self.tvr.set(match authentication.method {
                Method::Static => Tvr::SDA_FAILED,
                Method::Dynamic => Tvr::DDA_FAILED,
                Method::Combined => Tvr::CDA_FAILED,
            });
        }
        authentication.result = Some(result);
    }
}
