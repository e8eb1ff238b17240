//! Every slip there is as a picture, in both widths and both languages: `target/screens/receipts/`, for people to look at. What can
//! be told without looking is tested: every code can be read and says what it is to say, and nothing is wider than the paper.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{PaperWidth, Picture};
use crate::money::{Amount, Currency};
use crate::receipt::cash::tests::cash_slip;
use crate::receipt::tests::{in_periods, long_slip, parked_slip, slip};
use crate::receipt::{
    self, CardEntry, CashSlip, CopyFor, Logo, PrinterProfile, PurchaseSlip, SaleSlip, SettlementSlip, SlipDifference,
    SlipPart, purchase_example, settlement_example, shown_code_example, transaction_code,
};
use crate::reference::{Stan, TraceNumber};
use crate::terminal::mark::Mark;
use crate::wording::Language;

const LINK: &str = "HTTPS://R.EXAMPLE.CN/R/10000001/000001/000123/20260305/ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens/receipts");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What every code on it says, from top to bottom.
fn codes(picture: &Picture) -> Vec<String> {
    let (width, height) = (picture.width(), picture.height());
    let dot = |x: usize, y: usize| picture.dot(u32::try_from(x).unwrap(), u32::try_from(y).unwrap());
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width as usize, height as usize, dot);
    image.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}

/// What only a chip says is not on it.
fn without_chip(slip: SaleSlip) -> SaleSlip {
    let (tvr, tsi) = (String::new(), String::new());
    SaleSlip { cryptogram: None, tvr, tsi, atc: None, card_sequence_number: None, ..slip }
}

/// Somebody's name, as a finger writes it: a wave that becomes flatter.
fn signature() -> Arc<Logo> {
    let (width, height) = (320_usize, 80_usize);
    let mut bits = vec![0; width / 8 * height];
    for x in 0..width {
        let height_of = |x: usize| 40.0 + 36.0 * (x as f64 / 19.0).sin() * (1.0 - x as f64 / 400.0);
        for y in (height_of(x) as usize).saturating_sub(1)..=(height_of(x) as usize + 1).min(height - 1) {
            bits[y * width / 8 + x / 8] |= 0x80 >> (x % 8);
        }
    }
    Arc::new(Logo::new(320, bits).unwrap())
}

/// Of every kind what its slip says; and sales that were signed, checked by PIN, spared a signature, printed again, of goods.
fn slips() -> Vec<(String, SaleSlip)> {
    let earlier = Some(TraceNumber { stan: slip().trace.stan.next(), ..slip().trace });
    let mut slips = Vec::new();
    for kind in receipt::titled_kinds() {
        let by_code = kind.starts_with("code_");
        let goes_back = matches!(kind, "void" | "refund" | "completion_void" | "code_refund");
        let original =
            if matches!(kind, "sale" | "pre_authorisation" | "offline_sale" | "code_payment") { None } else { earlier };
        let read = !by_code && kind != "completion_notice";
        let signs = matches!(kind, "sale" | "offline_sale" | "pre_authorisation" | "pre_authorisation_top_up");
        let all = SaleSlip {
            kind,
            goes_back,
            original,
            entry: if read { CardEntry::Chip } else { CardEntry::None },
            signature: signs,
            ..slip()
        };
        let without_chip = without_chip(all.clone());
        let shown = match () {
            () if by_code => SaleSlip {
                truncated_pan: String::new(),
                bank: None,
                application_label: String::new(),
                aid: String::new(),
                card_expiry: None,
                authorisation_code: None,
                code_tail: (kind == "code_payment").then(|| "123456".to_owned()),
                voucher: Some("4200001234202611290000000001".to_owned()),
                ..without_chip
            },
            () if !read => SaleSlip { aid: String::new(), application_label: String::new(), ..without_chip },
            () if signs => all,
            () => without_chip,
        };
        slips.push((kind.to_owned(), shown));
    }
    let until = "2027-03-05".parse().unwrap();
    slips.push(("linked".to_owned(), SaleSlip { link: Some((LINK.to_owned(), until)), ..slip() }));
    slips.push((
        "again".to_owned(),
        SaleSlip { duplicate: Some(1), signature: false, pin_checked_by_bank: true, ..slip() },
    ));
    let trailer = vec!["消费热线 95516".to_owned(), "谢谢惠顾".to_owned()];
    slips.push(("spared".to_owned(), SaleSlip { signature: false, signature_spared: true, trailer, ..slip() }));
    for (name, fees) in [
        ("instalments-fee-at-once", [Some(2160), None, None]),
        ("instalments-fee-by-periods", [None, Some(365), Some(360)]),
        ("instalments-free", [None, None, None]),
    ] {
        slips.push((name.to_owned(), in_periods(fees)));
    }
    let tip = Amount::new(185, Currency::CNY).ok();
    slips.push(("tip".to_owned(), SaleSlip { tip, ..slip() }));
    slips.push(("signed".to_owned(), SaleSlip { signed: Some(signature()), ..slip() }));
    for (name, entry) in [("stripe", CardEntry::Stripe), ("fallback", CardEntry::Fallback), ("typed", CardEntry::Typed)]
    {
        slips.push((name.to_owned(), without_chip(SaleSlip { entry, ..slip() })));
    }
    let trained: Vec<_> = slips.iter().filter(|(name, _)| receipt::titled_kinds().contains(&name.as_str())).collect();
    let trained = trained
        .into_iter()
        .map(|(name, slip)| (format!("training-{name}"), SaleSlip { mark: Mark::Training, ..slip.clone() }));
    slips.extend(trained.collect::<Vec<_>>());
    slips.push(("long".to_owned(), long_slip()));
    slips
}

/// What the account had, and the rest in cash.
fn purchase_with_cash() -> PurchaseSlip {
    let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
    let mut purchase = purchase_example();
    let card = purchase.parts.remove(0);
    let rest = yuan(purchase.due.minor() - card.amount.minor());
    let (given, change) = (yuan(rest.minor() + 440), yuan(440));
    purchase.parts = vec![card, SlipPart::in_cash(Some(slip().trace), rest, Some((given, change)))];
    purchase
}

/// A batch of which host and terminal have different things, and of which nobody had decided all.
fn differing() -> SettlementSlip {
    let stan = |number| Stan::new(number).unwrap();
    let yuan = |minor| Amount::new(minor, Currency::CNY).ok();
    let differences = vec![
        SlipDifference { stan: stan(123), ours: yuan(1234), theirs: None },
        SlipDifference { stan: stan(124), ours: None, theirs: yuan(99_999_999) },
        SlipDifference { stan: stan(125), ours: yuan(5000), theirs: yuan(500) },
    ];
    SettlementSlip { differences, undecided: 1, ..settlement_example() }
}

const PAPERS: [(PaperWidth, &str, usize); 2] =
    [(PaperWidth::Mm58, "generic-58", 32), (PaperWidth::Mm80, "generic-80", 48)];
const LANGUAGES: [(Language, &str); 2] = [(Language::Chinese, "zh"), (Language::English, "en")];

fn keep(bytes: &[u8], paper: PaperWidth, name: &str) -> Picture {
    let mut pieces = Picture::printed(bytes, paper);
    assert_eq!(pieces.len(), 1, "{name}: one piece of paper");
    let picture = pieces.remove(0);
    picture.write_png(&folder().join(format!("{name}.png"))).unwrap();
    picture
}

#[test]
fn a_scanner_reads_every_code_of_every_slip_and_nothing_is_wider_than_the_paper() {
    let mut read = 0;
    for (paper, profile, columns) in PAPERS {
        let profile_of = PrinterProfile::shipped(profile).unwrap();
        for (language, word) in LANGUAGES {
            for (name, slip) in slips() {
                for copy in [CopyFor::Merchant, CopyFor::Customer] {
                    let name = format!("{name}-{}-{profile}-{word}", copy.word());
                    let picture = keep(&receipt::render(&slip, copy, &profile_of, language), paper, &name);
                    let linked = slip.link.as_ref().filter(|_| copy == CopyFor::Customer);
                    let says = linked.map_or_else(|| transaction_code(&slip), |(link, _)| link.clone());
                    let found = codes(&picture);
                    assert!(found.contains(&says), "{name}: {found:?}");
                    assert!(
                        found.iter().all(|code| *code == says || *code == transaction_code(&slip)),
                        "{name}: {found:?}"
                    );
                    read += found.len();
                    let text = receipt::text(&slip, copy, columns, language);
                    let widest = text.lines().filter(|line| !line.starts_with("[QR]")).map(receipt::columns).max();
                    assert!(widest.unwrap() <= columns, "{name}: {text}");
                }
            }
            let cash = |goes_back, copy, whole| {
                let slip = cash_slip(goes_back);
                let again = CashSlip { goods: long_slip().goods, duplicate: Some(1), ..slip.clone() };
                receipt::render_cash(if whole { &again } else { &slip }, copy, &profile_of, language)
            };
            let purchase = |state, copy, goods| {
                let shown = PurchaseSlip { state, goods, duplicate: None, ..purchase_example() };
                receipt::render_purchase(&shown, copy, &profile_of, language)
            };
            let settlement = |slip: &SettlementSlip| receipt::render_settlement(slip, &profile_of, language);
            for (name, bytes) in [
                ("purchase-merchant", purchase("paid", CopyFor::Merchant, Vec::new())),
                ("purchase-customer", purchase("paid", CopyFor::Customer, long_slip().goods)),
                ("purchase-given-up", purchase("given_up", CopyFor::Merchant, Vec::new())),
                ("parked", receipt::render_parked(&parked_slip(), &profile_of, language)),
                ("cash-sale", cash(false, CopyFor::Customer, false)),
                ("cash-sale-goods", cash(false, CopyFor::Customer, true)),
                ("cash-refund-merchant", cash(true, CopyFor::Merchant, false)),
                ("cash-refund-customer", cash(true, CopyFor::Customer, true)),
                ("settlement", settlement(&settlement_example())),
                ("settlement-differing", settlement(&differing())),
                (
                    "settlement-given-up",
                    settlement(&SettlementSlip { state: "given_up", money: None, duplicate: true, ..differing() }),
                ),
                ("settlement-training", settlement(&SettlementSlip { mark: Mark::Training, ..settlement_example() })),
            ] {
                let picture = keep(&bytes, paper, &format!("{name}-{profile}-{word}"));
                assert_eq!(codes(&picture), Vec::<String>::new(), "{name} has no code");
            }
            let until = "2027-03-05".parse().unwrap();
            let linked = PurchaseSlip { link: Some((LINK.to_owned(), until)), ..purchase_with_cash() };
            let bytes = receipt::render_purchase(&linked, CopyFor::Customer, &profile_of, language);
            let picture = keep(&bytes, paper, &format!("purchase-linked-{profile}-{word}"));
            assert_eq!(codes(&picture), [LINK], "a phone opens it");
            let shown = shown_code_example();
            let picture = keep(&shown.render(&profile_of, language), paper, &format!("shown-code-{profile}-{word}"));
            assert_eq!(codes(&picture), [shown.code], "a phone reads it");
        }
    }
    assert!(read >= slips().len() * 8, "{read}");
}

#[test]
fn the_sheet_that_finds_out_about_a_printer_has_a_code_that_a_phone_reads() {
    for (paper, profile, _) in PAPERS {
        let picture = keep(&receipt::set_up::sheet(receipt::set_up::Drawer::None), paper, &format!("set-up-{profile}"));
        assert_eq!(codes(&picture), [receipt::set_up::CODE]);
    }
}

#[test]
fn a_chinese_character_is_twice_as_wide_as_a_letter_and_nothing_is_lost_at_the_edge() {
    // Sixteen Chinese characters fill a line of 32 columns to the last dot; a seventeenth begins a new one.
    let line = |text: &str| {
        let mut bytes = vec![0x1B, 0x40, 0x1C, 0x26];
        bytes.extend(receipt::Charset::Gb18030.encode(text));
        bytes.extend(b"\n\n");
        Picture::printed(&bytes, PaperWidth::Mm58).remove(0)
    };
    let dark = |picture: &Picture| {
        let columns = (0..picture.width()).filter(|x| (0..picture.height()).any(|y| picture.dot(*x, y) < 128));
        columns.max().unwrap()
    };
    let (full, half, over) = (line(&"国".repeat(16)), line(&"国".repeat(8)), line(&"国".repeat(17)));
    assert!((360..384).contains(&dark(&full)) && (168..192).contains(&dark(&half)), "{} {}", dark(&full), dark(&half));
    assert!(over.height() > full.height() && dark(&over) < 384);
}
