//! Requests about orders that are paid by code, and refunds of them.

use super::*;
use crate::acquirer::code_payments::write_elements;
use crate::iso8583::CodePaymentRules;
use crate::payment::qr::{CodeRefund, Order, Request};

impl Requests<'_> {
    /// Asks about an order; batch and STAN are those of its first request in each of them. The random factor of field 59 is the end of
    /// the customer's code where there is one, else the STAN. The same request is the same byte for byte, however often it is written.
    ///
    /// # Errors
    /// When the dialect has no payments by code, a value does not fit it or the keys cannot be used.
    pub fn code_payment(&self, request: &Request) -> Result<Written, RequestError> {
        self.code_payment_of(request, &Sold::default())
    }

    /// The same with what is sold, of which the request that makes an order tells.
    ///
    /// # Errors
    /// As [`Requests::code_payment`].
    pub fn code_payment_of(&self, request: &Request, sold: &Sold) -> Result<Written, RequestError> {
        let rules = self.code_rules()?;
        let (messages, tags) = (&rules.messages, &rules.elements);
        match request {
            Request::Pay(order, code) => {
                let message = self
                    .of_order(&messages.pay, order, &code.tail())?
                    .with_text(22, &rules.scanned)
                    .with_bytes(rules.field, &write_elements(&[(&tags.code, code.expose())]));
                self.written(dated(self.telling(message, sold), order.at))
            }
            Request::Open(order, valid_s) => {
                let message = self
                    .of_order(&messages.open, order, &order.trace.stan.to_string())?
                    .with_text(22, &rules.shown)
                    .with_bytes(rules.field, &write_elements(&[(&tags.valid, &valid_s.to_string())]));
                self.written(dated(self.telling(message, sold), order.at))
            }
            Request::Enquire(order) => self.about_order(&messages.enquire, order),
            Request::Cancel(order) => self.about_order(&messages.cancel, order),
        }
    }

    /// 0220: pays back what was paid by code. It has a number of its own and names the order.
    ///
    /// # Errors
    /// As [`Requests::code_payment`].
    pub fn code_refund(&self, refund: &CodeRefund) -> Result<Written, RequestError> {
        let rules = self.code_rules()?;
        let message = &rules.messages.refund;
        let mut message = self
            .financial(message.mti, message, refund.trace, &refund.trace.stan.to_string(), EntryMode::NotRead)?
            .with_text(4, &refund.amount.twelve_digits())
            .with_text(49, &currency(refund.amount))
            .with_text(61, &original(refund.order.trace, refund.order.at));
        if let Some(rrn) = &refund.paid.rrn {
            message = message.with_text(37, rrn.as_str());
        }
        if let Some(voucher) = &refund.paid.voucher {
            message = message.with_bytes(rules.field, &write_elements(&[(&rules.elements.voucher, voucher)]));
        }
        self.written(dated(message, refund.at))
    }

    fn code_rules(&self) -> Result<&CodePaymentRules, RequestError> {
        self.dialect.code_payments.as_ref().ok_or(RequestError::NoCodePayments)
    }

    fn of_order(&self, rules: &TransactionMessage, order: &Order, factor: &str) -> Result<Message, RequestError> {
        Ok(self
            .financial(rules.mti, rules, order.trace, factor, EntryMode::NotRead)?
            .with_text(4, &order.amount.twelve_digits())
            .with_text(49, &currency(order.amount)))
    }

    /// What is asked again and again. It says when the order was made: a terminal that lost its ledger counts anew, and must not
    /// cancel another order of the same number and amount.
    fn about_order(&self, rules: &TransactionMessage, order: &Order) -> Result<Written, RequestError> {
        let message = self.of_order(rules, order, &order.trace.stan.to_string())?;
        self.written(dated(message.with_text(61, &original(order.trace, order.at)), order.at))
    }
}

/// When it was asked for.
fn dated(message: Message, at: DateTime) -> Message {
    message
        .with_text(12, &format!("{:02}{:02}{:02}", at.hour(), at.minute(), at.second()))
        .with_text(13, &format!("{:02}{:02}", at.month(), at.day()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::code_payments;
    use crate::acquirer::fixtures::{code_order, code_refund, payment_code, with_requests};

    fn fields(message: &Message) -> Vec<u8> {
        message.fields().map(|(field, _)| field).collect()
    }

    #[test]
    fn each_request_has_these_fields_and_no_others() {
        with_requests(|requests| {
            let order = code_order();
            let named: &[u8] = &[3, 4, 11, 12, 13, 22, 25, 32, 41, 42, 49, 57, 59, 60, 64];
            let about: &[u8] = &[3, 4, 11, 12, 13, 25, 32, 41, 42, 49, 59, 60, 61, 64];
            for (request, mti, three, sixty, expected, factor) in [
                (Request::Pay(order, payment_code()), 200, "660000", "7100000700050", named, "123456"),
                (Request::Open(order, 120), 200, "700000", "7200000700050", named, "000042"),
                (Request::Enquire(order), 200, "670000", "7300000700050", about, "000042"),
                (Request::Cancel(order), 400, "680000", "7400000700050", about, "000042"),
            ] {
                let written = requests.code_payment(&request).unwrap();
                let message = &written.frame.message;
                assert_eq!(
                    (message.mti(), fields(message).as_slice()),
                    (Mti::new(mti).unwrap(), expected),
                    "{request:?}"
                );
                for (field, text) in [(3, three), (4, "000000001234"), (11, "000042"), (49, "156"), (60, sixty)] {
                    assert_eq!(message.text(field), Some(text), "{request:?}: field {field}");
                }
                let device = DeviceRecord::read(message.text(59).unwrap(), &requests.dialect.binding).unwrap();
                assert_eq!(device.factor, factor);
                assert_eq!(requests.dialect.unpack(&written.bytes).unwrap(), written.frame);
                assert_eq!(requests.code_payment(&request).unwrap().bytes, written.bytes, "the same once more");
            }
            let pay = requests.code_payment(&Request::Pay(order, payment_code())).unwrap().frame.message;
            assert_eq!(pay.bytes(57), Some(&b"01018281234567890123456"[..]));
            assert_eq!((pay.text(12), pay.text(13), pay.text(22)), (Some("140305"), Some("1122"), Some("032")));
            let open = requests.code_payment(&Request::Open(order, 120)).unwrap().frame.message;
            assert_eq!((open.bytes(57), open.text(22)), (Some(&b"02003120"[..]), Some("012")));
            let cancel = requests.code_payment(&Request::Cancel(order)).unwrap().frame.message;
            assert_eq!((cancel.text(61), cancel.text(12)), (Some("0000070000421122"), Some("140305")));
        });
    }

    #[test]
    fn a_refund_has_a_number_of_its_own_and_names_the_order_and_the_wallets_voucher() {
        with_requests(|requests| {
            let written = requests.code_refund(&code_refund()).unwrap();
            let message = &written.frame.message;
            assert_eq!(message.mti(), Mti::FINANCIAL_ADVICE);
            assert_eq!(fields(message), [3, 4, 11, 12, 13, 25, 32, 37, 41, 42, 49, 57, 59, 60, 61, 64]);
            for (field, text) in
                [(3, "690000"), (4, "000000000234"), (11, "000043"), (37, "263260000001"), (61, "0000070000421122")]
            {
                assert_eq!(message.text(field), Some(text), "field {field}");
            }
            assert_eq!(message.bytes(57), Some(&b"04005V0001"[..]));
            assert_eq!(requests.code_refund(&code_refund()).unwrap().bytes, written.bytes);
        });
    }

    #[test]
    fn the_code_of_a_customer_is_in_no_log_and_in_no_decoded_message() {
        with_requests(|requests| {
            let request = Request::Pay(code_order(), payment_code());
            let message = requests.code_payment(&request).unwrap().frame.message;
            let value = crate::iso8583::Value::Bytes(message.bytes(57).unwrap());
            let shown = format!("{request:?} {message:?} {}", requests.dialect.masked(57, value));
            assert!(!shown.contains("2812345678") && !shown.contains("3031303138"), "{shown}");
        });
    }

    #[test]
    fn no_two_kinds_of_message_are_taken_for_each_other() {
        with_requests(|requests| {
            let order = code_order();
            for request in [Request::Open(order, 9), Request::Enquire(order), Request::Cancel(order)] {
                let message = requests.code_payment(&request).unwrap().frame.message;
                assert_eq!(
                    (kinds::of_request(requests.dialect, &message), kinds::of_reversal(requests.dialect, &message)),
                    (None, None)
                );
                assert!(code_payments::of_request(requests.dialect, &message).is_some());
            }
        });
    }

    #[test]
    fn a_dialect_without_payments_by_code_sends_none() {
        with_requests(|requests| {
            let mut dialect = requests.dialect.clone();
            dialect.code_payments = None;
            let without = Requests { dialect: &dialect, ..*requests };
            let refused = without.code_payment(&Request::Enquire(code_order())).err().unwrap();
            assert!(matches!(refused, RequestError::NoCodePayments));
            assert!(matches!(without.code_refund(&code_refund()).err().unwrap(), RequestError::NoCodePayments));
        });
    }
}
