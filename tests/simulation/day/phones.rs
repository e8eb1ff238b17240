//! Customers with phones: they show a code, or scan the terminal's, and then do on the phone what they do. The phone goes its own way
//! to the host: it knows nothing of the terminal, its line and its power.

use std::time::Duration;

use yima::app::view::Intent;
use yima::clock::SetByHand;
use yima::payment::qr::PaymentCode;
use yima::sandbox::host::code_payments::wallets::{CODE_VALID_S, FIRST_PASSWORD, Form, OrderName, WalletError};

use super::{Day, Happening};
use crate::plan::{OnPhone, Phone, Rest, Shows};

/// Nobody's password.
const WRONG_PASSWORD: &str = "000000";

impl Day<'_> {
    /// Whoever is served turns to the phone.
    pub(super) fn turns_to_phone(&mut self, phone: Phone) {
        if phone.shows == Shows::Terminal {
            return self.send(Intent::PayByShown);
        }
        let Some(serving) = &mut self.people.serving else { return };
        let used = serving.last_code.clone().filter(|_| phone.shows == Shows::CustomerUsed);
        let age = if phone.shows == Shows::CustomerOld { CODE_VALID_S + 1 } else { 0 };
        let made_at = SetByHand::right(yima::clock::timestamp) - jiff::SignedDuration::from_secs(age);
        let code = used.unwrap_or_else(|| {
            self.network.street(|host| match host.make_code(phone.wallet, Form::Number, made_at) {
                Err(WalletError::NoForm(_)) => host.make_code(phone.wallet, Form::Emv, made_at).unwrap(),
                made => made.unwrap(),
            })
        });
        serving.last_code = Some(code.clone());
        let customer = serving.customer;
        self.trace.note(format_args!("somebody: {} shows a code ({:?})", phone.wallet, phone.shows));
        self.send_unseen(Intent::PayByScanned(PaymentCode::parse(&code)));
        // A wallet that wants its password asks for it when the order comes, which may be late.
        for after_s in [phone.after_s, phone.after_s * 2 + 30] {
            self.after(Duration::from_secs(after_s), Happening::Phone(customer, None));
        }
    }

    /// The terminal shows this code: whoever is served scans it, once.
    pub(super) fn scans(&mut self, code: &str) {
        let Some(serving) = &mut self.people.serving else { return };
        if serving.scanned.as_deref() == Some(code) {
            return;
        }
        serving.scanned = Some(code.to_owned());
        let customer = serving.customer;
        let Some(phone) = self.phone_of(customer) else { return };
        self.after(Duration::from_secs(phone.after_s), Happening::Phone(customer, Some(code.to_owned())));
    }

    fn phone_of(&self, customer: usize) -> Option<Phone> {
        let customer = &self.people.customers[customer];
        customer.phone.or(match customer.rest {
            Some(Rest::Phone(phone)) => Some(phone),
            _ => None,
        })
    }

    /// The owner looks at the phone: at the code that was scanned, or at whatever waits for the password.
    pub(super) fn phone_is_used(&mut self, customer: usize, code: Option<&str>) {
        let Some(phone) = self.phone_of(customer) else { return };
        let now = SetByHand::right(yima::clock::timestamp);
        let bills = self.network.street(|host| match code {
            Some(code) => host.scan(code, now).map(|bill| vec![bill]),
            None => host.waiting_for(phone.wallet, now),
        });
        match bills {
            Ok(bills) => bills.iter().for_each(|bill| self.does(phone, &bill.name)),
            Err(error) => self.problems.push(format!("a phone does not get its order: {error}")),
        }
    }

    fn does(&mut self, phone: Phone, order: &OrderName) {
        let now = SetByHand::right(yima::clock::timestamp);
        let pays = |day: &Self, password: &str| {
            let paying = day.network.street(|host| host.pay(phone.wallet, order, Some(password), now)).unwrap();
            day.trace.note(format_args!("{} pays: {}", phone.wallet, paying.word()));
        };
        let refuses = |day: &Self| {
            let is_over = day.network.street(|host| host.refuse(phone.wallet, order, now)).unwrap();
            day.trace.note(format_args!("{} refuses, and it is over: {is_over}", phone.wallet));
        };
        match phone.does {
            OnPhone::Pays => pays(self, FIRST_PASSWORD),
            OnPhone::Mistypes(times) => {
                (0..times).for_each(|_| pays(self, WRONG_PASSWORD));
                pays(self, FIRST_PASSWORD);
            }
            OnPhone::Refuses => refuses(self),
            OnPhone::Nothing => self.trace.note(format_args!("{} closes the phone", phone.wallet)),
            OnPhone::Wavers => {
                refuses(self);
                pays(self, FIRST_PASSWORD);
            }
        }
    }
}
