//! PIN blocks (ISO 9564-1): a PIN in the form in which it travels.

use zeroize::Zeroizing;

use crate::pin::Pin;

/// Format 2, for the card that checks the PIN itself: control `2`, length, digits, filled with F (ISO 9564-1, 9.3.4;
/// EMV 4.4 Book 3, 6.5.12).
pub fn format_2(pin: &Pin) -> Zeroizing<[u8; 8]> {
    let digits = pin.expose_digits();
    let mut block = Zeroizing::new([0xFF; 8]);
    block[0] = 0x20 | digits.len() as u8;
    for (index, digit) in digits.iter().enumerate() {
        let (byte, digit) = (&mut block[1 + index / 2], digit - b'0');
        *byte = if index % 2 == 0 { digit << 4 | 0x0F } else { *byte & 0xF0 | digit };
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    #[test]
    fn a_pin_becomes_a_block_filled_with_f() {
        for (digits, block) in
            [("1234", "241234FFFFFFFFFF"), ("12345", "2512345FFFFFFFFF"), ("123456789012", "2C123456789012FF")]
        {
            let pin = Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap();
            assert_eq!(hex::encode(&*format_2(&pin)), block);
        }
    }
}
