//! Draws every scene in both shapes and languages, and some by night, into `target/screens/`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use slint::{Rgba8Pixel, SharedPixelBuffer};
use yima::app::view::CopyState;
use yima::ui::WindowOptions;
use yima::wording::Language;

use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::touching::{press, touch};
use crate::views::{Scene, approved_with_link, longest_link, scenes};

/// Scenes that are also drawn by night.
const BY_NIGHT: &[&str] = &[
    "keypad",
    "keypad-fullest",
    "present-card",
    "choose-application",
    "confirm-application",
    "enter-pin-fullest",
    "asking-host",
    "approved-asks",
    "not-paid",
    "unknown",
    "purchase-fullest",
    "transactions",
    "queue",
    "settlement-open",
    "settlement-reading-again",
    "settlement-differences",
    "account",
    "present-card-training",
    "sign",
    "queue-signatures",
];

/// Scenes that are also drawn on larger panels.
const LARGER: &[&str] = &[
    "keypad",
    "transactions",
    "unknown",
    "choose-application-many",
    "enter-pin-fullest",
    "queue",
    "settlement-open",
    "settlement-differs",
    "sign-fullest",
];

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screens");
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn save(pixels: &SharedPixelBuffer<Rgba8Pixel>, name: &str) {
    let file = BufWriter::new(File::create(folder().join(format!("{name}.png"))).unwrap());
    let mut encoder = png::Encoder::new(file, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels.as_bytes()).unwrap();
}

/// Smoothed letters alone bring dozens of shades; a blank or broken picture has a handful.
fn is_blank(pixels: &SharedPixelBuffer<Rgba8Pixel>) -> bool {
    let mut shades = HashSet::new();
    !pixels.as_slice().iter().any(|pixel| {
        shades.insert((pixel.r, pixel.g, pixel.b));
        shades.len() > 40
    })
}

fn draw(scene: &Scene, options: WindowOptions, name: &str) {
    let bench = Bench::open(options);
    bench.show(crate::views::view(yima::app::view::Screen::Keypad { notice: None }));
    for key in scene.keys.chars() {
        press(&bench, &key.to_string());
    }
    bench.show(scene.view.clone());
    for key in scene.then.chars() {
        press(&bench, &key.to_string());
    }
    if scene.seconds > 0 {
        // A part of the screen begins to live, and to count, when it is drawn first.
        bench.pixels();
    }
    bench.pass(Duration::from_secs(scene.seconds) + Duration::from_millis(600));
    let pixels = bench.pixels();
    assert_eq!((pixels.width(), pixels.height()), (options.width.into(), options.height.into()), "{name}");
    assert!(!is_blank(&pixels), "{name} is blank");
    save(&pixels, name);
}

#[test]
fn every_screen_is_drawn_in_both_shapes_and_languages() {
    for (shape, (width, height)) in [("portrait", PORTRAIT), ("landscape", LANDSCAPE)] {
        for (word, language) in [("zh", Language::Chinese), ("en", Language::English)] {
            for scene in scenes() {
                let options = WindowOptions { width, height, language, ..WindowOptions::default() };
                draw(&scene, options, &format!("{}-{shape}-{word}", scene.name));
                if BY_NIGHT.contains(&scene.name) {
                    let options = WindowOptions { dark: true, ..options };
                    draw(&scene, options, &format!("{}-{shape}-{word}-night", scene.name));
                }
            }
        }
    }
}

/// Whatever else is on the screen, a phone reads the code, and its margin is as white as paper.
#[test]
fn a_phone_reads_the_customers_link_off_the_screen_in_both_shapes_by_day_and_by_night() {
    let short = "https://r.example.cn/R/10000001-000001-000123-20260901-0A1B0A1B0A1B0A1B0A1B0A1B0A1B0A1B";
    for (width, height) in [PORTRAIT, LANDSCAPE, (1024, 600)] {
        for dark in [false, true] {
            for link in [short, &longest_link()] {
                for customer in [CopyState::Sending, CopyState::Asks(None)] {
                    // Upright there is room for both; a question about a slip comes first.
                    let expected: &[&str] =
                        if customer == CopyState::Sending || height > width { &[link] } else { &[] };
                    let bench = Bench::open(WindowOptions { width, height, dark, ..WindowOptions::default() });
                    bench.show(crate::views::view(approved_with_link(customer, link)));
                    bench.pass(Duration::from_millis(600));
                    let pixels = bench.pixels();
                    let (columns, dots) = (pixels.width() as usize, pixels.as_slice());
                    let mut image =
                        rqrr::PreparedImage::prepare_from_greyscale(columns, pixels.height() as usize, |x, y| {
                            dots[y * columns + x].g
                        });
                    let read: Vec<_> = image
                        .detect_grids()
                        .iter()
                        .filter_map(|grid| grid.decode().ok())
                        .map(|(_, text)| text)
                        .collect();
                    assert_eq!(read, expected, "{width}x{height}, dark: {dark}");
                }
            }
        }
    }
}

#[test]
fn a_larger_panel_shows_the_same_design_larger() {
    for (width, height) in [(1024, 600), (1080, 1920)] {
        for scene in scenes().iter().filter(|scene| LARGER.contains(&scene.name)) {
            let options = WindowOptions { width, height, ..WindowOptions::default() };
            draw(scene, options, &format!("{}-{width}x{height}-zh", scene.name));
        }
    }
}

#[test]
fn a_touch_on_the_chip_explains_it() {
    for (shape, (width, height)) in [("portrait", PORTRAIT), ("landscape", LANDSCAPE)] {
        let bench =
            Bench::open(WindowOptions { width, height, language: Language::English, ..WindowOptions::default() });
        let fullest = scenes().into_iter().find(|scene| scene.name == "keypad-fullest").unwrap();
        bench.show(fullest.view);
        let before = bench.pixels();
        touch(&bench, "Offline · 12 waiting");
        let open = bench.pixels();
        assert_ne!(before.as_bytes(), open.as_bytes());
        save(&open, &format!("explanation-{shape}-en"));
        touch(&bench, "The bank cannot be reached. Check the network cable or Wi-Fi.");
        assert_eq!(before.as_bytes(), bench.pixels().as_bytes(), "a second touch closes it");
    }
}
