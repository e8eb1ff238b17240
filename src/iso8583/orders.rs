//! What the header of an answer orders the terminal to do, and in which digit of it.

use serde::Deserialize;

/// Something that a host orders. It is done when the payment is over whose answer brought it, never during one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// To fetch the terminal's parameters and the words for response codes.
    Parameters,
    /// To tell how the terminal is.
    Status,
    /// To fetch new working keys.
    SignOn,
    /// To fetch CA keys.
    CaKeys,
    /// To fetch applications.
    Applications,
    /// To let itself be managed from afar. This program cannot, and says so.
    Remote,
    /// To fetch the list of cards, those that are not taken among them.
    Cards,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Parameters, Self::Status, Self::SignOn, Self::CaKeys, Self::Applications, Self::Remote, Self::Cards];

    /// Those that a download carries out. Whichever is ordered, all is fetched: a set is checked and replaced as a whole.
    pub const DOWNLOADS: [Self; 4] = [Self::Parameters, Self::CaKeys, Self::Applications, Self::Cards];

    /// The word in the ledger, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Status => "status",
            Self::SignOn => "sign_on",
            Self::CaKeys => "ca_keys",
            Self::Applications => "applications",
            Self::Remote => "remote",
            Self::Cards => "cards",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.word() == word)
    }

    /// Whether a download carries it out.
    pub fn is_download(self) -> bool {
        Self::DOWNLOADS.contains(&self)
    }

    /// Whether a status report carries it out. To one for remote management it says that there is none.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Status | Self::Remote)
    }
}

/// Where the header orders something, and which digit orders what. The digit for a sign-on stands with the sign-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderOrder {
    /// Which digit of the header, counted from 0.
    pub digit: u8,
    parameters: u8,
    status: u8,
    ca_keys: u8,
    applications: u8,
    remote: u8,
    cards: u8,
}

impl HeaderOrder {
    /// The digit that orders something; none for what has its digit elsewhere.
    pub const fn digit_of(&self, order: Order) -> Option<u8> {
        match order {
            Order::Parameters => Some(self.parameters),
            Order::Status => Some(self.status),
            Order::SignOn => None,
            Order::CaKeys => Some(self.ca_keys),
            Order::Applications => Some(self.applications),
            Order::Remote => Some(self.remote),
            Order::Cards => Some(self.cards),
        }
    }

    /// What a digit orders.
    pub fn meaning(&self, digit: u8) -> Option<Order> {
        Order::ALL.into_iter().find(|order| self.digit_of(*order) == Some(digit))
    }

    /// The digit of a header; nothing when the header is too short for one.
    pub fn digit_in(&self, header: &[u8]) -> Option<u8> {
        let byte = header.get(usize::from(self.digit / 2))?;
        Some(if self.digit.is_multiple_of(2) { byte >> 4 } else { byte & 0x0F })
    }

    /// A header with that digit.
    pub fn with_digit(&self, header: &[u8], digit: u8) -> Vec<u8> {
        let mut header = header.to_vec();
        if let Some(byte) = header.get_mut(usize::from(self.digit / 2)) {
            *byte = if self.digit.is_multiple_of(2) { *byte & 0x0F | digit << 4 } else { *byte & 0xF0 | digit & 0x0F };
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::Dialect;

    #[test]
    fn every_order_has_a_digit_of_its_own_and_comes_back_from_the_header() {
        let dialect = Dialect::shipped("unionpay").unwrap();
        let mut digits = Vec::new();
        for order in Order::ALL {
            let header = dialect.with_order(&dialect.header, order);
            assert_eq!(dialect.order_in(&header), Ok(Some(order)));
            digits.push(dialect.parameters.order.digit_in(&header).unwrap());
            assert_eq!(Order::from_word(order.word()), Some(order));
            assert_eq!(dialect.parameters.order.with_digit(&header, 0), dialect.header, "nothing else is changed");
        }
        assert_eq!(digits, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(dialect.order_in(&dialect.header), Ok(None));
        let unheard = dialect.parameters.order.with_digit(&dialect.header, 9);
        assert_eq!(dialect.order_in(&unheard), Err(9));
        assert_eq!(dialect.order_in(&[]), Ok(None));
    }
}
