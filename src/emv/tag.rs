//! Tags of EMV data objects. The constants carry the names of EMV 4.4 Book 3, annex A.

use std::fmt;

/// A BER-TLV tag of one to four bytes, written as a number: `Tag(0x9F26)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// Reads a tag from the front of `bytes`; gives it and its length, or nothing when it is cut off or too long.
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let first = *bytes.first()?;
        let mut number = u32::from(first);
        if first & 0x1F != 0x1F {
            return Some((Self(number), 1));
        }
        for (index, byte) in bytes.iter().enumerate().take(4).skip(1) {
            number = number << 8 | u32::from(*byte);
            if byte & 0x80 == 0 {
                return Some((Self(number), index + 1));
            }
        }
        None
    }

    /// The bytes that stand in a message.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        let skip = (self.0.leading_zeros() / 8).min(3) as usize;
        self.0.to_be_bytes().into_iter().skip(skip)
    }

    /// True for a template: bit 6 of the first byte.
    pub fn is_constructed(self) -> bool {
        self.bytes().next().is_some_and(|first| first & 0x20 != 0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

/// The digits of the tag, as people write it.
impl serde::Serialize for Tag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        $($(#[$doc])* pub const $name: Tag = Tag($number);)*

        /// Every tag that has a constant here.
        #[cfg(test)]
        pub const ALL: &[Tag] = &[$($name),*];
    };
}

tags! {
    /// Application identifier, as in a directory entry.
    AID = 0x4F;
    /// Application label.
    APPLICATION_LABEL = 0x50;
    /// Track 2 equivalent data.
    TRACK_2 = 0x57;
    /// Application PAN.
    PAN = 0x5A;
    /// Application template (directory entry).
    APPLICATION_TEMPLATE = 0x61;
    /// File control information template.
    FCI_TEMPLATE = 0x6F;
    /// Record template.
    RECORD_TEMPLATE = 0x70;
    /// Issuer script template 1: before the second GENERATE AC.
    SCRIPT_1 = 0x71;
    /// Issuer script template 2: after the second GENERATE AC.
    SCRIPT_2 = 0x72;
    /// Response message template format 2.
    RESPONSE_FORMAT_2 = 0x77;
    /// Response message template format 1.
    RESPONSE_FORMAT_1 = 0x80;
    /// Application interchange profile.
    AIP = 0x82;
    /// Command template of GET PROCESSING OPTIONS.
    COMMAND_TEMPLATE = 0x83;
    /// Dedicated file name.
    DF_NAME = 0x84;
    /// Application priority indicator.
    PRIORITY = 0x87;
    /// Short file identifier of the directory.
    SFI = 0x88;
    /// Authorisation response code.
    AUTHORISATION_RESPONSE_CODE = 0x8A;
    /// Card risk management data object list 1.
    CDOL1 = 0x8C;
    /// Card risk management data object list 2.
    CDOL2 = 0x8D;
    /// Cardholder verification method list.
    CVM_LIST = 0x8E;
    /// Certification authority public key index (card).
    CA_KEY_INDEX = 0x8F;
    /// Issuer public key certificate.
    ISSUER_CERTIFICATE = 0x90;
    /// Issuer authentication data.
    ISSUER_AUTHENTICATION_DATA = 0x91;
    /// Issuer public key remainder.
    ISSUER_REMAINDER = 0x92;
    /// Signed static application data.
    SIGNED_STATIC_DATA = 0x93;
    /// Application file locator.
    AFL = 0x94;
    /// Terminal verification results.
    TVR = 0x95;
    /// Transaction date, YYMMDD.
    TRANSACTION_DATE = 0x9A;
    /// Transaction status information.
    TSI = 0x9B;
    /// Transaction type: the first two digits of the processing code.
    TRANSACTION_TYPE = 0x9C;
    /// FCI proprietary template.
    FCI_PROPRIETARY = 0xA5;
    /// Cardholder name.
    CARDHOLDER_NAME = 0x5F20;
    /// Application expiration date, YYMMDD.
    EXPIRATION_DATE = 0x5F24;
    /// Application effective date, YYMMDD.
    EFFECTIVE_DATE = 0x5F25;
    /// Issuer country code.
    ISSUER_COUNTRY = 0x5F28;
    /// Transaction currency code.
    TRANSACTION_CURRENCY = 0x5F2A;
    /// Language preference.
    LANGUAGE_PREFERENCE = 0x5F2D;
    /// Application PAN sequence number.
    PAN_SEQUENCE_NUMBER = 0x5F34;
    /// Transaction currency exponent.
    TRANSACTION_CURRENCY_EXPONENT = 0x5F36;
    /// Amount, authorised.
    AMOUNT_AUTHORISED = 0x9F02;
    /// Amount, other (cashback).
    AMOUNT_OTHER = 0x9F03;
    /// Application identifier of the terminal.
    TERMINAL_AID = 0x9F06;
    /// Application usage control.
    APPLICATION_USAGE_CONTROL = 0x9F07;
    /// Application version number of the card.
    CARD_APPLICATION_VERSION = 0x9F08;
    /// Application version number of the terminal.
    TERMINAL_APPLICATION_VERSION = 0x9F09;
    /// Issuer action code, default.
    IAC_DEFAULT = 0x9F0D;
    /// Issuer action code, denial.
    IAC_DENIAL = 0x9F0E;
    /// Issuer action code, online.
    IAC_ONLINE = 0x9F0F;
    /// Issuer application data.
    ISSUER_APPLICATION_DATA = 0x9F10;
    /// Issuer code table index.
    CODE_TABLE_INDEX = 0x9F11;
    /// Application preferred name.
    PREFERRED_NAME = 0x9F12;
    /// Merchant identifier.
    MERCHANT_IDENTIFIER = 0x9F16;
    /// Terminal country code.
    TERMINAL_COUNTRY = 0x9F1A;
    /// Terminal floor limit.
    FLOOR_LIMIT = 0x9F1B;
    /// Terminal identification.
    TERMINAL_IDENTIFICATION = 0x9F1C;
    /// Interface device serial number.
    IFD_SERIAL_NUMBER = 0x9F1E;
    /// Transaction time, HHMMSS.
    TRANSACTION_TIME = 0x9F21;
    /// Application cryptogram.
    CRYPTOGRAM = 0x9F26;
    /// Cryptogram information data.
    CRYPTOGRAM_INFORMATION = 0x9F27;
    /// ICC PIN encipherment public key certificate.
    PIN_CERTIFICATE = 0x9F2D;
    /// ICC PIN encipherment public key exponent.
    PIN_EXPONENT = 0x9F2E;
    /// ICC PIN encipherment public key remainder.
    PIN_REMAINDER = 0x9F2F;
    /// Issuer public key exponent.
    ISSUER_EXPONENT = 0x9F32;
    /// Terminal capabilities.
    TERMINAL_CAPABILITIES = 0x9F33;
    /// Cardholder verification method results.
    CVM_RESULTS = 0x9F34;
    /// Terminal type.
    TERMINAL_TYPE = 0x9F35;
    /// Application transaction counter.
    ATC = 0x9F36;
    /// Unpredictable number.
    UNPREDICTABLE_NUMBER = 0x9F37;
    /// Processing options data object list.
    PDOL = 0x9F38;
    /// Additional terminal capabilities.
    ADDITIONAL_CAPABILITIES = 0x9F40;
    /// Transaction sequence counter.
    TRANSACTION_SEQUENCE_COUNTER = 0x9F41;
    /// Application currency code.
    APPLICATION_CURRENCY = 0x9F42;
    /// Data authentication code.
    DATA_AUTHENTICATION_CODE = 0x9F45;
    /// ICC public key certificate.
    ICC_CERTIFICATE = 0x9F46;
    /// ICC public key exponent.
    ICC_EXPONENT = 0x9F47;
    /// ICC public key remainder.
    ICC_REMAINDER = 0x9F48;
    /// Dynamic data authentication data object list.
    DDOL = 0x9F49;
    /// Static data authentication tag list.
    SDA_TAG_LIST = 0x9F4A;
    /// Signed dynamic application data.
    SIGNED_DYNAMIC_DATA = 0x9F4B;
    /// ICC dynamic number.
    ICC_DYNAMIC_NUMBER = 0x9F4C;
    /// Merchant name and location.
    MERCHANT_NAME = 0x9F4E;
    /// FCI issuer discretionary data.
    ISSUER_DISCRETIONARY = 0xBF0C;
    /// Amount, authorised, as a binary number.
    AMOUNT_AUTHORISED_BINARY = 0x81;
    /// One command of an issuer script.
    SCRIPT_COMMAND = 0x86;
    /// Transaction certificate data object list.
    TDOL = 0x97;
    /// Transaction certificate hash value.
    TC_HASH = 0x98;
    /// Amount, other, as a binary number.
    AMOUNT_OTHER_BINARY = 0x9F04;
    /// ATC of the last transaction that the issuer answered.
    LAST_ONLINE_ATC = 0x9F13;
    /// Lower consecutive offline limit.
    LOWER_OFFLINE_LIMIT = 0x9F14;
    /// PIN try counter.
    PIN_TRY_COUNTER = 0x9F17;
    /// Issuer script identifier.
    SCRIPT_IDENTIFIER = 0x9F18;
    /// Upper consecutive offline limit.
    UPPER_OFFLINE_LIMIT = 0x9F23;
    /// Point of service entry mode.
    ENTRY_MODE = 0x9F39;
    /// Issuer script results.
    SCRIPT_RESULTS = 0x9F5B;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_one_to_four_bytes() {
        for (bytes, number, length) in [
            (&[0x4F][..], 0x4F, 1),
            (&[0x9F, 0x26], 0x9F26, 2),
            (&[0x9F, 0x81, 0x01], 0x9F_8101, 3),
            (&[0xDF, 0x81, 0x81, 0x01], 0xDF81_8101, 4),
        ] {
            assert_eq!(Tag::read(bytes), Some((Tag(number), length)));
            assert_eq!(Tag(number).bytes().collect::<Vec<_>>(), bytes);
        }
        assert_eq!(Tag::read(&[0x9F, 0x81]), None);
        assert_eq!(Tag::read(&[0xDF, 0x81, 0x81, 0x81, 0x01]), None);
        assert!(FCI_TEMPLATE.is_constructed());
        assert!(!CRYPTOGRAM.is_constructed());
    }
}
