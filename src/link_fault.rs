//! Why the host could not be reached: each cause has a short code that a shop assistant reads to the help desk, and words
//! of its own in `assets/link-faults.toml`.
//!
//! The first digit of a code says how far the line came: 1 name, 2 connection, 3 TLS, 4 certificates, 5 time.

macro_rules! link_faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// A cause before the first byte of a request left: nobody can have acted on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LinkFault { $($(#[$doc])* $name,)* }

        impl LinkFault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

link_faults! {
    /// The network knows no host of that name.
    NameUnknown = "L11";
    /// The network did not say in time where the host is.
    NameSlow = "L12";
    /// The machine is there, but nothing listens.
    PortClosed = "L21";
    /// No way leads to the host: no cable, no wireless network, no route.
    NoRoute = "L22";
    /// The host took no connection in time.
    ConnectSlow = "L23";
    /// TLS did not begin or end in time, or was broken off.
    HandshakeBroken = "L31";
    /// Something answered that does not speak TLS, as the login page of a network does.
    NotTls = "L32";
    /// The host speaks TLS older than 1.2 only.
    OldTls = "L33";
    /// TLS failed otherwise.
    Handshake = "L34";
    /// The host's certificate is not signed by the acquirer's authority.
    WrongAuthority = "L41";
    /// The host's certificate is for another name.
    WrongName = "L42";
    /// The host's certificate has expired, or this machine's clock is far ahead.
    Expired = "L43";
    /// The host's certificate is not valid yet: most likely this machine's clock is far behind.
    NotYetValid = "L44";
    /// The host does not take this terminal's certificate.
    OwnCertificate = "L45";
    /// So much time was used up that an answer could not have been waited for.
    NoTimeLeft = "L51";
}

impl LinkFault {
    /// The host was only too slow: who has more patience may reach it.
    pub const fn is_slowness(self) -> bool {
        match self {
            Self::NameSlow | Self::ConnectSlow | Self::HandshakeBroken | Self::NoTimeLeft => true,
            Self::NameUnknown
            | Self::PortClosed
            | Self::NoRoute
            | Self::NotTls
            | Self::OldTls
            | Self::Handshake
            | Self::WrongAuthority
            | Self::WrongName
            | Self::Expired
            | Self::NotYetValid
            | Self::OwnCertificate => false,
        }
    }

    /// Trying again does not mend it: a person must look at certificates, clock or network.
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::NotTls
            | Self::OldTls
            | Self::WrongAuthority
            | Self::WrongName
            | Self::Expired
            | Self::NotYetValid
            | Self::OwnCertificate => true,
            Self::NameUnknown
            | Self::NameSlow
            | Self::PortClosed
            | Self::NoRoute
            | Self::ConnectSlow
            | Self::HandshakeBroken
            | Self::Handshake
            | Self::NoTimeLeft => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_one_letter_and_two_digits_and_stands_for_one_cause() {
        let codes: BTreeSet<_> = LinkFault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), LinkFault::ALL.len());
        for code in codes {
            let (letter, digits) = code.split_at(1);
            assert!(letter == "L" && digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
        }
    }
}
