//! Messages as others write them, which a dialect must not shut out.

use super::*;

/// A message of `dialect` without a frame, written in hexadecimal; blanks are for the eye.
#[track_caller]
fn read(layout: &Layout, text: &str) -> Frame {
    layout.unpack_framed(Framing::NONE, &hex::decode(&no_blanks(text)).unwrap()).unwrap()
}

fn back(layout: &Layout, frame: &Frame) -> String {
    hex::encode(&layout.pack_framed(Framing::NONE, frame).unwrap())
}

/// On track 3 every field that is left out is a separator (ISO 4909).
#[test]
fn track_3_has_as_many_separators_as_it_likes() {
    let unionpay = layout("unionpay");
    let text = "0200 0000000010000000 0006 12D3D4";
    let frame = read(&unionpay, text);
    assert_eq!(frame.message.text(36), Some("12D3D4"));
    assert_eq!(back(&unionpay, &frame), no_blanks(text));
    let two_on_track_2 = hex::decode(&no_blanks("0200 0000000020000000 06 12D3D4")).unwrap();
    let error = unionpay.unpack_framed(Framing::NONE, &two_on_track_2).unwrap_err();
    assert_eq!((error.path.as_deref(), error.problem), (Some("35"), UnpackProblem::Content));
}

#[test]
fn both_separators_of_a_track_in_characters_are_read_alike_and_written_back_as_they_were() {
    let ebcdic = "name = \"e\"\nmti = \"ascii\"\nbitmap = \"hex\"\nlength_prefix = \"ascii\"\nframe = { length = \"none\" }\n\
                  fields = { 35 = { name = \"t\", content = \"track\", encoding = \"ebcdic\", length = { prefix = 2, max = 37 } } }";
    let (ascii, ebcdic) = (layout("iso87-ascii"), Layout::parse(ebcdic).unwrap());
    let track = |digits: &str| hex::encode(format!("0200000000002000000021{digits}").as_bytes());
    let in_ebcdic = |separator: &str| hex::encode(b"0200000000002000000006") + "F1F2" + separator + "F3F0F1";
    for (layout, texts, value) in [
        (&ascii, ["4111111111111111=3012", "4111111111111111D3012"].map(track), "4111111111111111D3012"),
        (&ebcdic, ["7E", "C4"].map(in_ebcdic), "12D301"),
    ] {
        let frames = texts.clone().map(|text| read(layout, &text));
        assert_eq!(frames[0], frames[1]);
        assert_eq!(frames[0].message.text(35), Some(value));
        assert_eq!(frames.map(|frame| back(layout, &frame)), texts);
    }
    // Of both kinds it could not be written back.
    let mixed = hex::encode(b"020000000000200000000412D=");
    assert!(ascii.unpack(&hex::decode(&mixed).unwrap()).is_err());
}

/// A shop's name in GBK.
#[test]
fn text_in_another_alphabet_is_read_for_people_and_by_no_terminal() {
    let layout = layout("iso87-binary");
    let name = "B5EA".to_owned() + &"20".repeat(38);
    let bytes = hex::decode(&no_blanks(&format!("0200 2000000000200000 000000 {name}"))).unwrap();
    let error = layout.unpack(&bytes).unwrap_err();
    assert_eq!((error.path.as_deref(), error.problem), (Some("43"), UnpackProblem::Content));
    let (framing, frame) = layout.unpack_detected(&bytes).unwrap();
    assert_eq!(framing, Framing::NONE);
    assert_eq!(frame.message.text(3), Some("000000"));
    assert_eq!((frame.message.text(43), frame.message.bytes(43)), (None, hex::decode(&name).ok().as_deref()));
    assert_eq!(layout.pack(&frame).unwrap().as_slice(), bytes, "it is written back as it was");
    // It can be given so as well; bytes that nobody declared as such are still refused.
    let mut message = Message::new(mti(200));
    let given = |text: &str| Given::Parts(vec![("hex".to_owned(), whole(text))]);
    layout.set_given(&mut message, 43, &given(&name)).unwrap();
    assert_eq!(message.bytes(43), frame.message.bytes(43));
    assert!(layout.pack(&framed(&layout, message)).is_ok());
    for (wrong, problem) in [("B5E", "hexadecimal"), ("****", "stars")] {
        let error = layout.set_given(&mut Message::new(mti(200)), 43, &given(wrong)).unwrap_err();
        assert!(error.problem.contains(problem), "{error}");
    }
    let undeclared = Message::new(mti(200)).with_bytes(43, &hex::decode(&name).unwrap());
    assert!(layout.pack(&framed(&layout, undeclared)).is_err());
    // Characters that stand for something else than themselves stay refused.
    let number = hex::decode(&no_blanks("0200 2000000000000000 00000A")).unwrap();
    assert!(layout.unpack_detected(&number).is_err());
}

/// As ISO93BPackager of jPOS writes an odd count of digits. One file serves one way of writing.
#[test]
fn a_file_of_its_own_reads_numbers_whose_zero_stands_behind() {
    let text = SHIPPED.iter().find(|(name, _)| *name == "iso93-binary").unwrap().1;
    let before = "[kinds.n]\ncontent = \"digits\"\nencoding = \"bcd\"\nalign = \"right\"\npad = \"0\"\nfill = \"0\"";
    let after = "[kinds.n]\ncontent = \"digits\"\nencoding = \"bcd\"\nalign = \"left\"\npad = \"0\"";
    assert!(text.contains(before));
    let behind = Layout::parse(&text.replace(before, after)).unwrap();
    for (layout, message) in
        [(&behind, "1210 0000000002000000 1000"), (&layout("iso93-binary"), "1210 0000000002000000 0100")]
    {
        let frame = read(layout, message);
        assert_eq!(frame.message.text(39), Some("100"));
        assert_eq!(back(layout, &frame), no_blanks(message));
    }
    // A value that is too short is refused there, for nobody may take it for a larger one.
    assert!(behind.pack(&framed(&behind, Message::new(mti(1200)).with_text(4, "1000"))).is_err());
}
