//! Key blocks of the standards and of hardware security modules, and what is refused.

use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// Protection key, block, key. The standards' own examples as the tests of openemv/tr31 (test/tr31_decrypt_test.c) and
/// psec 1.3.0 (tests/test_tr31.py) have them; the last two a Thales payShield 10k made (openemv).
const BLOCKS: [(&str, &str, &str); 16] = [
    // TR-31:2018, A.7.2.1, A.7.2.2, A.7.3.1, A.7.3.2, A.7.4.
    (
        "89E88CF7931444F334BD7547FC3F380C",
        "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
        "F039121BEC83D26B169BDCD5B22AAF8F",
    ),
    (
        "DD7515F2BFC17F85CE48F3CA25CB21F6",
        "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    (
        "B8ED59E0A279A295E9F5ED7944FD06B9",
        "C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C",
        "EDB380DD340BC2620247D445F5B8D678",
    ),
    (
        "1D22BF32387C600AD97F9B97A51311AC",
        "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627",
        "E8BC63E5479455E26577F715D587FE68",
    ),
    (
        "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    // X9.143:2021, 8.1, 8.4.1, 8.4.2.
    (
        "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
        "D0144P0AE00E00002C77FA3F4A553BED6E88AE5C172A4166E3D4ACA8E2AC71C158A476FAC12C13C3829DE55D3AB54C48F4C4FEF7AC75E90F\
         C47F1B77E7B19A73ED46E64410082557",
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    (
        "B8ED59E0A279A295E9F5ED7944FD06B9",
        "C0112B0TX12S0100KS1800604B120F929280000042B758A2400AB598AE37782823DAF0BA4BDB0DAFF34915345CA169AE1F976A429EB139E5",
        "EDB380DD340BC2620247D445F5B8D678",
    ),
    (
        "1D22BF32387C600AD97F9B97A51311AC",
        "B0120B0TX12S0100KS1800604B120F929280000015CEB14B76D551F21EC43A75390FA118A98C6CB049E3B9E864A5F4A8B9A5108A6DB5635C\
         95B042D7",
        "E8BC63E5479455E26577F715D587FE68",
    ),
    // X9.143:2021, 8.2: several optional blocks, filled up with PB.
    (
        "E38331FBACE33F0B8694ABA5DC611CA20831949FEB8988102147291578F704E1",
        "D0192C0AVA1N0300KS08VM9ATS1A2018-06-18T20:42:39.22PB0E00000000005FDAFA00A1E84F599C2EB51A1F7A767D5E42314F0E84A3FC\
         1A7B84C1DE81114659E6306AD544208F68F15602BD3E12DA0C7F9FC551F1C8E6385FAFC1F7B499F5",
        "8C326037F8910BBFDBC267E5101DFBF9480433028D5E67B34673440F8ACEC972",
    ),
    // ISO 20038:2017, B.3.
    (
        "3235362D62697420414553207772617070696E67202849534F20323030333829",
        "D0112M3TV16N000018462FA5903B8D2B82FEE26B29713C0BE7ED81601087F12252093D06FC0A012C1CF769AD0E3E9E4877166AB013FC22B4",
        "767361707064642032454552206B6479",
    ),
    // psec: a protection key of triple length, one key of single length, and optional blocks in version A.
    (
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCC",
        "A0088M3TC00E000022BD7EC46BBE2A6A73389D1BA6DB63120B386F912839F4679C0523399E4D8D0F1D9A356E",
        "CCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD",
    ),
    (
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCC",
        "B0096M3TC00E0000C7C6FE86A5DE769C20DCA238C52341378B484D544A9764D43963C3B2824AE56C2D07A565DD3AB342",
        "CCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD",
    ),
    (
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBB",
        "C0088M3TC00E0000A53CF172FE6562E7FDD5E6482E8925DA46F7FFE4D1BAD49EB33A9EDBB96A8A8D39F13A31",
        "EEEEEEEEEEEEEEEE",
    ),
    (
        "B8ED59E0A279A295E9F5ED7944FD06B9",
        "A0112P0TE12E0200KS1400604B120F929280PB047A1BB737854CD7AF58A8A1E4506A942277EDA76EBA6BA228AF62ADDA3AD8799E8B2C8CD7",
        "F039121BEC83D26B169BDCD5B22AAF8F",
    ),
    (
        "4141414141414141414141414141414141414141414141414141414141414141",
        "D0112B0TN00N000037DB9B046B7B0048785690759580ABC3B9842AB4BB7717B49E92528E575785D8123559376A2553B27BE94F054F4E971C",
        "1FA1F7CEC798D91545DA8AE0C7796BD9",
    ),
    (
        "4141414141414141414141414141414141414141414141414141414141414141",
        "D0144D0AN00N0000127862F945C2DED04530FAF7CDBC8B0BA10C7AA79BD5E0C2C5D6AC173BF588E4B19ACF1357178D50EA0AB193228E1395\
         8304FC6149632DFDCADF3A5B3D57E814",
        "BE19E6A07A760F10EF8E83A226B63AAD141F463FDDD4F47DB244B4023EC3CACC",
    ),
];

#[test]
fn the_blocks_of_the_standards_give_their_keys() {
    for (protection_key, block, key) in BLOCKS {
        let unwrapped = unwrap(&bytes(protection_key), block).unwrap_or_else(|error| panic!("{block}: {error}"));
        assert_eq!(hex::encode(&unwrapped.key), hex::encode(&bytes(key)), "{block}");
    }
}

#[test]
fn a_block_says_what_its_key_is_for() {
    let unwrapped = unwrap(&bytes(BLOCKS[2].0), BLOCKS[2].1).unwrap();
    let header = &unwrapped.header;
    assert_eq!((header.protection, header.usage.as_str(), header.algorithm), (Protection::C, "B0", 'T'));
    assert_eq!((header.mode_of_use, header.key_version.as_str(), header.exportability), ('X', "12", 'S'));
    let serial_number = OptionalBlock { id: "KS".to_owned(), content: "00604B120F9292800000".to_owned() };
    assert_eq!(header.optional_blocks, [serial_number]);
    assert!(!format!("{unwrapped:?}").contains("EDB3") && format!("{unwrapped:?}").contains("masked"));
}

/// With the padding that a block has, the same block comes out.
#[test]
fn a_key_is_wrapped_into_the_same_block() {
    for (protection_key, block, key) in BLOCKS {
        let (header, start) = Header::parse_front(block).unwrap();
        let sealed = bytes(&block[start..block.len() - 2 * header.protection.mac_length()]);
        let mac = bytes(&block[block.len() - 2 * header.protection.mac_length()..]);
        let keys = ProtectionKeys::derive(header.protection, &bytes(protection_key)).unwrap();
        let clear = keys.decrypt(&block[..start], &mac, &sealed).unwrap();
        let (key, padding) = (bytes(key), &clear[LENGTH_FIELD + bytes(key).len()..]);
        assert_eq!(wrap(&bytes(protection_key), &header, &key, padding).unwrap(), block);
    }
}

#[test]
fn short_keys_look_as_long_as_the_longest() {
    for (protection, key, shown, padding, characters) in [
        (Protection::B, 16, 24, 14, 96),
        (Protection::B, 16, 16, 6, 80),
        (Protection::A, 24, 24, 6, 88),
        (Protection::D, 16, 32, 30, 144),
        (Protection::D, 32, 32, 14, 144),
        (Protection::D, 16, 0, 14, 112),
    ] {
        assert_eq!(padding_length(protection, key, shown), padding);
        let mut header = Header::parse("B0000P0TE00N0000").unwrap();
        header.protection = protection;
        let block = wrap(&[7; 16], &header, &vec![5; key], &vec![9; padding]).unwrap();
        assert_eq!(block.len(), characters);
        assert_eq!(*unwrap(&[7; 16], &block).unwrap().key, vec![5; key]);
    }
}

#[test]
fn a_changed_character_anywhere_is_found() {
    for version in ["A", "B", "C", "D"] {
        let header = Header::parse(&format!("{version}0000P0TE00N0100TS13180820123456Z00")).unwrap();
        let padding = vec![9; padding_length(header.protection, 16, 24)];
        let block = wrap(&[7; 16], &header, &[5; 16], &padding).unwrap();
        assert!(unwrap(&[7; 16], &block).is_ok());
        assert!(matches!(unwrap(&[8; 16], &block), Err(KeyBlockError::Mac { .. })));
        for index in 0..block.len() {
            let mut changed = block.clone().into_bytes();
            changed[index] = if changed[index] == b'1' { b'2' } else { b'1' };
            assert!(unwrap(&[7; 16], std::str::from_utf8(&changed).unwrap()).is_err(), "{version}, {index}");
        }
    }
}

#[test]
fn malformed_blocks_are_refused_with_their_place() {
    let key = [0x45; 16];
    for (block, said) in [
        ("", "offset 0"),
        ("B0040P0TE00N0000", "says at offset 1 that the key block has 0040 characters, it has 16"),
        ("BX040P0TE00N0000", "X040"),
        ("B+016P0TE00N0000", "offset 1"),
        ("A0024M3TC00E0100TT04BBA6", "ends at offset 24, within the MAC"),
        ("A0024M3TC00E00009AA5BBA6", "0 bytes after offset 16"),
        ("B0040M3TC00E0000FFFFFFFF9AA5BBA69AA5BBA6", "4 bytes after offset 16"),
        ("A0040M3TC00E000062C2C14D8785A0X19AA5BBA6", "offset 30"),
        ("A0040M3TC00E000062C2C14D8785A0119AA5BBAX", "offset 39"),
        ("A0041M3TC00E000062C2C14D8785A01129AA5BBA6", "offset 33"),
        ("A0040M3TC00E000062C2C14D8785A0119AA5BBA6", "MAC at offset 32"),
    ] {
        let error = unwrap(&key, block).unwrap_err().to_string();
        assert!(error.contains(said), "{block}: {error}");
    }
    for (version, length) in [("A", 8), ("B", 8), ("C", 32), ("D", 20)] {
        let header = Header::parse(&format!("{version}0000P0TE00N0000")).unwrap();
        let error = wrap(&vec![7; length], &header, &[5; 16], &[9; 14]).unwrap_err();
        assert!(matches!(error, KeyBlockError::Crypto(CryptoError::KeyLength { .. })), "{version}: {error}");
    }
}

/// Blocks of psec's tests whose MAC is right and whose content is no key: bits that make no bytes, more than there are.
#[test]
fn a_right_mac_does_not_make_a_key() {
    for block in [
        "A0056M3TC00E0000C6F4C83842160CBA48D98A1218862857124FAF46",
        "B0064M3TC00E0000F74E0A3502C5CEE07342D5DE9E72135E4A81944F80691F0F",
        "D0080M3TC00E000007E81A7F29A870D4A0CD5AB27E9FEC4A8863E879B11EA3A0ADA406AD26D35B2F",
        "A0056M3TC00E0000EF14FD71CFCDCE0630AD5C1CDE0041DCF95CF1D0",
        "B0064M3TC00E00000398DC96A5DDB0EF61E26F8935173BD478DF9484050A672A",
        "D0112P0AE00E00000DC02E4C2B63120403CC732FB1B17E6D44138E7C341AE7368DEAD6FB4673F25ECFD803F1101F701A7FE8BD3516D3D1BF",
    ] {
        assert!(matches!(unwrap(&[b'E'; 16], block), Err(KeyBlockError::KeyBits(_))), "{block}");
    }
}

#[test]
fn what_does_not_fit_into_a_block_is_refused() {
    let header = Header::parse("B0000P0TE00N0000").unwrap();
    assert!(matches!(wrap(&[7; 16], &header, &[], &[9; 6]), Err(KeyBlockError::NoKey)));
    assert!(matches!(wrap(&[7; 16], &header, &[5; 16], &[9; 5]), Err(KeyBlockError::Padding { needed: 6, given: 5 })));
    for length in [5_000, 9_000] {
        let padding = vec![9; padding_length(Protection::B, length, 0)];
        let refused = wrap(&[7; 16], &header, &vec![5; length], &padding);
        assert!(matches!(refused, Err(KeyBlockError::TooLong(_))), "{length} bytes");
    }
    // 99 blocks alone are not too many; the padding is the hundredth.
    let many = Header::parse(&format!("B0000P0TE00N9900{}", "KS051".repeat(99))).unwrap();
    assert!(matches!(wrap(&[7; 16], &many, &[5; 16], &[9; 6]), Err(KeyBlockError::TooManyBlocks(100))));
}

proptest! {
    /// Whatever is given, nothing panics; a header that can be read makes a block that can be read.
    #[test]
    fn any_header_that_is_read_makes_a_block_that_is_read(
        version in "[ABCD]",
        fields in "[0-9]{4}[A-Z0-9]{7}[ENS]",
        blocks in proptest::collection::vec("[A-Z]{2}(05.|08[ -~]{4}|0[0-9]|000[0-9]{5}|[ -~]{4})", 0..4),
        rest in "[ -~]{0,24}",
    ) {
        let text = format!("{version}{fields}{:02}00{}{rest}", blocks.len(), blocks.concat());
        let _ = unwrap(&[7; 16], &text);
        let text = text.strip_suffix(&rest).unwrap_or_default().to_owned();
        if let Ok(header) = Header::parse(&text) {
            let padding = vec![9; padding_length(header.protection, 16, 0)];
            let block = wrap(&[7; 16], &header, &[5; 16], &padding).unwrap();
            let unwrapped = unwrap(&[7; 16], &block).unwrap();
            prop_assert_eq!(&unwrapped.header, &header.padded());
            prop_assert_eq!(&unwrapped.key[..], &[5; 16]);
        }
    }
}
