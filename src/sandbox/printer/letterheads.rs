//! The shop's picture and lines on slips, through everything a slip becomes: paper, text and page.

use std::sync::Arc;

use super::{PaperWidth, Picture};
use crate::receipt::html::{Article, page};
use crate::receipt::tests::slip;
use crate::receipt::{self, Charset, CopyFor, Document, Letterhead, Logo, PrinterProfile, SaleSlip};
use crate::terminal::mark::Mark;
use crate::wording::Language;

/// A ring with a cross in it: no row, no column and no half is like the other.
fn logo() -> Logo {
    const SIDE: u32 = 200;
    let grey = (0..SIDE * SIDE).map(|dot| {
        let (x, y) = (i64::from(dot % SIDE) - 100, i64::from(dot / SIDE) - 100);
        let from_middle = x * x + y * y;
        let ring = (6400..9500).contains(&from_middle);
        if ring || (from_middle < 6400 && (x == y || (x + y == 20 && x > 0))) { 0 } else { 255 }
    });
    Logo::of_grey(SIDE, &grey.collect::<Vec<u8>>()).unwrap()
}

fn headed(logo: Option<Logo>) -> SaleSlip {
    let letterhead = Letterhead {
        logo: logo.map(Arc::new),
        header: [vec!["南京东路 1 号".into()], vec!["1 Nanjing Road".into()]],
        footer: [vec!["会员日每周三".into(), "欢迎再来".into()], vec!["See you soon".into()]],
    };
    SaleSlip { letterhead: Arc::new(letterhead), ..slip() }
}

#[test]
fn the_picture_is_on_paper_dot_for_dot_in_the_middle_and_its_strips_have_no_seam() {
    let logo = logo();
    assert!(logo.height() > 128, "more than one strip");
    for (paper, name) in [(PaperWidth::Mm58, "generic-58"), (PaperWidth::Mm80, "generic-80")] {
        let profile = PrinterProfile::shipped(name).unwrap();
        let slip = SaleSlip { mark: Mark::Live, ..headed(Some(logo.clone())) };
        let bytes = receipt::render(&slip, CopyFor::Customer, &profile, Language::Chinese);
        let mut pieces = Picture::printed(&bytes, paper);
        let picture = pieces.remove(0);
        let top = (0..picture.height()).find(|y| (0..picture.width()).any(|x| picture.dot(x, *y) == 0)).unwrap();
        let left = (picture.width() - logo.width()) / 2;
        for y in 0..logo.height() {
            for x in 0..picture.width() {
                let within = x.checked_sub(left).filter(|x| *x < logo.width());
                let black = within.is_some_and(|x| {
                    logo.bits()[(y * u32::from(logo.row_bytes()) + x / 8) as usize] & (0x80 >> (x % 8)) != 0
                });
                assert_eq!(picture.dot(x, top + y) == 0, black, "{name}: {x}, {y}");
            }
        }
    }
}

#[test]
fn the_shops_lines_are_those_of_the_language_on_both_copies() {
    for (language, says, not) in [
        (Language::Chinese, ["南京东路 1 号", "会员日每周三", "欢迎再来"], "See you soon"),
        (Language::English, ["1 Nanjing Road", "See you soon", "SALES SLIP"], "欢迎再来"),
    ] {
        for copy in [CopyFor::Merchant, CopyFor::Customer] {
            let text = receipt::text(&headed(None), copy, 32, language);
            assert!(says.iter().all(|line| text.contains(line)) && !text.contains(not), "{text}");
        }
    }
    // Test slips say so above everything of the shop's.
    let text = receipt::text(&headed(Some(logo())), CopyFor::Merchant, 32, Language::Chinese);
    let places: Vec<_> =
        ["测试 TEST", "[LOGO]", "南京东路", "签购单", "会员日"].map(|line| text.find(line).unwrap()).into();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn the_page_has_the_picture_within_it_and_asks_nobody_for_it() {
    let slip = headed(Some(logo()));
    let document = Document::of_sale(&slip, CopyFor::Customer, Language::Chinese, Charset::Unicode);
    let article = Article { language: Language::Chinese, notices: &[], document: &document };
    let html = page("小票", Language::Chinese, &[article]);
    let (_, source) = html.split_once("src=\"").unwrap();
    let (uri, _) = source.split_once('"').unwrap();
    let png = crate::crypto::base64::decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut rows = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut rows).unwrap();
    let white: Vec<u8> = logo().bits().iter().map(|byte| !byte).collect();
    assert_eq!(rows, white);
    assert_eq!(html.matches("src=").count(), 1);
    assert!(!html.contains("http") && receipt::html::POLICY.contains("img-src data:;"));
}
