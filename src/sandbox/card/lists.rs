//! The lists of data objects the card asks for, and how values are found in what they bring (EMV 4.4 Book 3, 5.4).

use super::profile::IssuerAuthentication;
use crate::emv::tag::{self, Tag};
use crate::sandbox::issuer::ResponseMethod;

/// Tags and lengths in bytes that a command's data is put together from.
pub type DataObjectList = [(Tag, u8)];

/// What GET PROCESSING OPTIONS must bring, on a card that asks for anything.
pub const PDOL: &DataObjectList = &[(tag::TERMINAL_COUNTRY, 2), (tag::TRANSACTION_CURRENCY, 2)];

/// What INTERNAL AUTHENTICATE must bring.
pub const DDOL: &DataObjectList = &[(tag::UNPREDICTABLE_NUMBER, 4)];

/// What the first GENERATE AC must bring.
pub const CDOL1: &DataObjectList = &[
    (tag::AMOUNT_AUTHORISED, 6),
    (tag::AMOUNT_OTHER, 6),
    (tag::TERMINAL_COUNTRY, 2),
    (tag::TVR, 5),
    (tag::TRANSACTION_CURRENCY, 2),
    (tag::TRANSACTION_DATE, 3),
    (tag::TRANSACTION_TYPE, 1),
    (tag::UNPREDICTABLE_NUMBER, 4),
];

/// What the second GENERATE AC must bring: the response code, the issuer's proof unless a command of its own brings it,
/// and what the first one brought.
pub fn cdol2(style: IssuerAuthentication, method: ResponseMethod) -> Vec<(Tag, u8)> {
    let mut list = vec![(tag::AUTHORISATION_RESPONSE_CODE, 2)];
    match (style, method) {
        (IssuerAuthentication::Command, _) => {}
        (IssuerAuthentication::SecondCryptogram, ResponseMethod::One) => {
            list.push((tag::ISSUER_AUTHENTICATION_DATA, 10));
        }
        (IssuerAuthentication::SecondCryptogram, ResponseMethod::Two) => {
            list.push((tag::ISSUER_AUTHENTICATION_DATA, 8));
        }
    }
    list.extend_from_slice(CDOL1);
    list
}

/// The list as it stands in its tag.
pub fn list_bytes(list: &DataObjectList) -> Vec<u8> {
    list.iter().flat_map(|(tag, length)| tag.bytes().chain([*length])).collect()
}

/// Bytes that a command built from the list has.
pub fn list_length(list: &DataObjectList) -> usize {
    list.iter().map(|(_, length)| usize::from(*length)).sum()
}

/// The value of `wanted` within data built from the list; nothing when the list or the data does not have it.
pub fn value_of<'a>(list: &DataObjectList, data: &'a [u8], wanted: Tag) -> Option<&'a [u8]> {
    let index = list.iter().position(|(tag, _)| *tag == wanted)?;
    let start = list_length(&list[..index]);
    data.get(start..start + usize::from(list[index].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_the_list_puts_them() {
        let list = cdol2(IssuerAuthentication::SecondCryptogram, ResponseMethod::One);
        let data: Vec<u8> = (0..list_length(&list) as u8).collect();
        assert_eq!(value_of(&list, &data, tag::AUTHORISATION_RESPONSE_CODE), Some(&[0, 1][..]));
        assert_eq!(value_of(&list, &data, tag::TVR), Some(&[26, 27, 28, 29, 30][..]));
        assert_eq!(value_of(CDOL1, &data, tag::CVM_RESULTS), None);
        assert_eq!(list_bytes(PDOL), [0x9F, 0x1A, 2, 0x5F, 0x2A, 2]);
    }

    #[test]
    fn the_second_list_has_room_for_the_proof_it_expects() {
        use IssuerAuthentication::{Command, SecondCryptogram};
        for (style, method, length) in [
            (SecondCryptogram, ResponseMethod::One, 41),
            (SecondCryptogram, ResponseMethod::Two, 39),
            (Command, ResponseMethod::One, 31),
            (Command, ResponseMethod::Two, 31),
        ] {
            assert_eq!(list_length(&cdol2(style, method)), length, "{style:?} {method:?}");
        }
    }
}
