//! Notifications as short messages: who sends them is a gateway's matter, how they are parted is the network's (3GPP TS 23.040): 70
//! characters of UCS-2, or parts of 67 that the phone puts together.

use super::{DeliveryError, Notification, NotificationProvider, Phone};

/// Characters (UTF-16 units) of a message that is alone.
const ALONE: usize = 70;

/// Those of a part of a longer one: the rest says which part it is.
const IN_A_PART: usize = 67;

/// A gateway to the telephone network.
pub trait SmsGateway: Send {
    /// Sends the parts of one message. The same key once more is the same message.
    ///
    /// # Errors
    /// When they were not taken, as far as anybody knows.
    fn send(&self, to: &Phone, parts: &[String], key: &str) -> Result<(), DeliveryError>;
}

/// A provider that sends short messages by a gateway.
#[derive(Debug)]
pub struct Sms<G>(pub G);

impl<G: SmsGateway> NotificationProvider for Sms<G> {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn deliver(&self, notification: &Notification) -> Result<(), DeliveryError> {
        self.0.send(&notification.phone, &parts(&notification.text), &notification.key)
    }
}

/// A text in parts that a phone shows as one. No character is cut in two.
pub fn parts(text: &str) -> Vec<String> {
    let most = if text.encode_utf16().count() <= ALONE { ALONE } else { IN_A_PART };
    let (mut parts, mut part, mut used) = (Vec::new(), String::new(), 0);
    for character in text.chars() {
        if used + character.len_utf16() > most {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        part.push(character);
        used += character.len_utf16();
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::money::{Amount, Currency};
    use crate::reference::{Batch, Stan, TraceNumber};
    use crate::sandbox::host::notifications::{Event, Standing};
    use crate::wording::Language;

    #[test]
    fn a_message_of_70_characters_is_one_and_parts_of_a_longer_one_have_67() {
        let units = |part: &String| part.encode_utf16().count();
        assert_eq!(parts("").len(), 0);
        assert_eq!(parts(&"字".repeat(70)).iter().map(units).collect::<Vec<_>>(), [70]);
        assert_eq!(parts(&"字".repeat(71)).iter().map(units).collect::<Vec<_>>(), [67, 4]);
        // A character of two units is not cut in half.
        let long = format!("{}🧋{}", "字".repeat(66), "字".repeat(10));
        assert_eq!(parts(&long).iter().map(units).collect::<Vec<_>>(), [66, 12]);
        assert_eq!(parts(&long).concat(), long);
    }

    /// A gateway that writes down what it is given, and takes it or does not.
    struct Recorder {
        takes: bool,
        given: Mutex<Vec<(Phone, Vec<String>, String)>>,
    }

    impl SmsGateway for Recorder {
        fn send(&self, to: &Phone, parts: &[String], key: &str) -> Result<(), DeliveryError> {
            self.given.lock().unwrap().push((to.clone(), parts.to_vec(), key.to_owned()));
            if self.takes { Ok(()) } else { Err(DeliveryError("no credit".to_owned())) }
        }
    }

    #[test]
    fn a_gateway_is_given_the_parts_the_phone_and_the_same_key_at_every_try() {
        for takes in [true, false] {
            let sms = Sms(Recorder { takes, given: Mutex::default() });
            let phone = Phone::parse("+8613800138000").unwrap();
            let notification = Notification {
                id: 7,
                key: "10000001-000001-000002-paid".to_owned(),
                event: Event::Paid,
                phone: phone.clone(),
                language: Language::Chinese,
                text: "字".repeat(80),
                amount: Amount::new(1234, Currency::CNY).unwrap(),
                merchant_name: "老王小吃店".to_owned(),
                terminal: "10000001".to_owned(),
                trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(2).unwrap() },
                rrn: String::new(),
                made_at: 0,
                standing: Standing::Waiting,
                tries: 0,
                problem: None,
            };
            for _ in 0..2 {
                assert_eq!(sms.deliver(&notification).is_ok(), takes);
            }
            let expected = (phone, parts(&notification.text), notification.key);
            assert_eq!(*sms.0.given.lock().unwrap(), [expected.clone(), expected]);
            assert_eq!(sms.name(), "sms");
        }
    }
}
