//! The checksum at the end of a merchant's code: CRC-16 of ISO/IEC 13239 with polynomial 1021 and initial value FFFF (EMV QRCPS
//! Merchant-Presented Mode 1.1, 4.7.3).

/// Over all bytes.
pub const fn crc_16(bytes: &[u8]) -> u16 {
    let mut crc = 0xFFFF_u16;
    let mut at = 0;
    while at < bytes.len() {
        crc ^= (bytes[at] as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        at += 1;
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogues() {
        assert_eq!(crc_16(b"123456789"), 0x29B1);
        assert_eq!(crc_16(b""), 0xFFFF);
    }
}
