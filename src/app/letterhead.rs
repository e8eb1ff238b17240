//! What the shop has at the head and at the foot of its slips, as the settings name it. A picture that cannot be used is left out:
//! the slip prints all the same, and `yima doctor` says what is wrong.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use png::{ColorType, Decoder, Transformations};

use super::setup::Setup;
use crate::receipt::{Letterhead, Logo, LogoError};

/// The most bytes that a picture's file may have.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Why the shop's picture is not printed.
#[derive(Debug, thiserror::Error)]
pub enum LetterheadError {
    /// The file cannot be read.
    #[error(
        "{path}: {source}; slips are printed without the picture until receipt.logo in the settings names one that can be read"
    )]
    File {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is too large to be a picture for slips.
    #[error("{0} has more than 1 MiB; a picture for slips is a PNG of at most {w} by {h} dots", w = Logo::WIDEST, h = Logo::HIGHEST)]
    TooLarge(String),
    /// It is no PNG.
    #[error("{path} is no PNG that can be read ({problem}); save the picture as PNG, black on white")]
    NoPng {
        /// Which.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It cannot be printed.
    #[error("{path}: {problem}; slips are printed without it")]
    Unfit {
        /// Which.
        path: String,
        /// Why not.
        problem: LogoError,
    },
}

impl Setup {
    /// What stands at head and foot of every slip. Without a picture where that cannot be used.
    pub(super) fn letterhead(&self) -> Arc<Letterhead> {
        let logo = self.logo().unwrap_or_else(|error| {
            tracing::warn!(%error, "slips are printed without the shop's picture");
            None
        });
        let settings = &self.settings.receipt;
        Arc::new(Letterhead {
            logo: logo.map(Arc::new),
            header: [settings.header_zh.clone(), settings.header_en.clone()],
            footer: [settings.footer_zh.clone(), settings.footer_en.clone()],
        })
    }

    /// The shop's picture, where the settings name one.
    ///
    /// # Errors
    /// [`LetterheadError`].
    pub fn logo(&self) -> Result<Option<Logo>, LetterheadError> {
        let Some(path) = self.logo_path() else { return Ok(None) };
        read(&path).map(Some)
    }

    /// Where the shop's picture is.
    fn logo_path(&self) -> Option<PathBuf> {
        let path = &self.settings.receipt.logo;
        (!path.as_os_str().is_empty()).then(|| self.state.join(path))
    }
}

/// Reads a picture and makes it black and white. What is transparent is white, as the paper is.
fn read(path: &Path) -> Result<Logo, LetterheadError> {
    let name = || path.display().to_string();
    let failed = |source| LetterheadError::File { path: name(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > LARGEST_FILE {
        return Err(LetterheadError::TooLarge(name()));
    }
    let no_png = |problem: png::DecodingError| LetterheadError::NoPng { path: name(), problem: problem.to_string() };
    let mut decoder = Decoder::new(BufReader::new(file.take(LARGEST_FILE)));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(no_png)?;
    let unfit = |problem| LetterheadError::Unfit { path: name(), problem };
    let (width, height) = (reader.info().width, reader.info().height);
    // Before memory is taken for it.
    if width > Logo::WIDEST || height > Logo::HIGHEST {
        return Err(unfit(LogoError::TooLarge { width, height }));
    }
    let mut dots = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let frame = reader.next_frame(&mut dots).map_err(no_png)?;
    dots.truncate(frame.buffer_size());
    Logo::of_grey(width, &grey(&dots, frame.color_type)).map_err(unfit)
}

/// A byte a dot, on white paper.
fn grey(dots: &[u8], colour: ColorType) -> Vec<u8> {
    let on_white = |shade: u32, alpha: u8| {
        let alpha = u32::from(alpha);
        u8::try_from((shade * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255)
    };
    // ITU-R BT.601.
    let shade = |r: u8, g: u8, b: u8| (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000;
    let of_dot = |dot: &[u8]| match dot {
        [grey] => *grey,
        [grey, alpha] => on_white(u32::from(*grey), *alpha),
        [r, g, b] => on_white(shade(*r, *g, *b), 255),
        [r, g, b, alpha, ..] => on_white(shade(*r, *g, *b), *alpha),
        [] => 255,
    };
    dots.chunks_exact(colour.samples()).map(of_dot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path, name: &str, width: u32, height: u32, colour: ColorType, dots: &[u8]) -> PathBuf {
        let path = folder.join(name);
        let mut encoder = png::Encoder::new(File::create(&path).unwrap(), width, height);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(dots).unwrap();
        path
    }

    #[test]
    fn a_picture_of_any_colours_becomes_black_and_white_on_white_paper() {
        let folder = tempfile::tempdir().unwrap();
        // Black, white, and black that is transparent.
        for (name, colour, dots) in [
            ("grey", ColorType::Grayscale, vec![0, 255, 255]),
            ("grey and clear", ColorType::GrayscaleAlpha, vec![0, 255, 255, 255, 0, 0]),
            ("colours", ColorType::Rgb, vec![10, 0, 30, 250, 255, 240, 255, 255, 255]),
            ("colours and clear", ColorType::Rgba, vec![0, 0, 90, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
        ] {
            let logo = read(&written(folder.path(), name, 3, 1, colour, &dots)).unwrap();
            assert_eq!(logo.bits(), [0x80], "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_picture_is_said_with_its_path_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let wide = written(folder.path(), "wide.png", 400, 1, ColorType::Grayscale, &[0; 400]);
        let white = written(folder.path(), "white.png", 8, 1, ColorType::Grayscale, &[255; 8]);
        let text = folder.path().join("text.png");
        std::fs::write(&text, "no picture").unwrap();
        let long = folder.path().join("long.png");
        std::fs::write(&long, vec![0; 1024 * 1024 + 1]).unwrap();
        for (path, said) in [
            (folder.path().join("none.png"), "receipt.logo in the settings"),
            (wide, "400 dots wide"),
            (white, "nothing of the picture is dark"),
            (text, "save the picture as PNG"),
            (long, "more than 1 MiB"),
        ] {
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(&path.display().to_string()), "{error}");
        }
    }
}
