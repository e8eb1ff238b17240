//! A screen without glass: Xvfb in a shop, and the picture it shows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::parts;
use super::running::Running;
use super::shop::Shop;
use super::wait_until;

/// An X server whose frame buffer is a file.
#[derive(Debug)]
pub struct Screen {
    server: Running,
    display: String,
    frame_buffer: PathBuf,
}

impl Screen {
    /// Starts the server in `shop` and waits until it answers. The empty screen is white, so that a window is told from
    /// it.
    #[track_caller]
    pub fn start(shop: &Shop, width: u32, height: u32) -> Self {
        let mut command = shop.command(parts::XVFB.find());
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-wr", "-dpi", "96", "-screen", "0"]);
        command.arg(format!("{width}x{height}x24")).arg("-fbdir").arg(shop.folder());
        let answer = shop.log_to(&mut command, "display");
        let errors = std::fs::File::create(shop.folder().join("xvfb.log")).expect("a log file");
        let mut server = Running::start("Xvfb", command.stderr(errors));
        let mut display = String::new();
        wait_until("Xvfb", Duration::from_secs(30), || {
            if let Some(status) = server.ended() {
                let log = std::fs::read_to_string(shop.folder().join("xvfb.log")).unwrap_or_default();
                panic!("Xvfb ended ({status}): {log}");
            }
            display = std::fs::read_to_string(&answer).unwrap_or_default();
            display.ends_with('\n')
        });
        Self { server, display: format!(":{}", display.trim()), frame_buffer: shop.folder().join("Xvfb_screen0") }
    }

    /// What belongs in `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The process id of the X server.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// What the screen shows now.
    #[track_caller]
    pub fn picture(&self) -> Picture {
        let dump = std::fs::read(&self.frame_buffer).expect("the X server's frame buffer");
        Picture::from_window_dump(&dump).unwrap_or_else(|| panic!("{} is no X dump", self.frame_buffer.display()))
    }
}

/// A picture of the screen, 8 bits for each of red, green and blue.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// Reads the X Window Dump (version 7, `XWDFile.h`) that Xvfb keeps its screen in; `None` when it is another file.
    pub fn from_window_dump(dump: &[u8]) -> Option<Self> {
        let word = |index: usize| -> Option<u32> {
            let bytes = dump.get(index * 4..index * 4 + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let (header_size, version, width, height) = (word(0)?, word(1)?, word(4)?, word(5)?);
        let (least_significant_first, bits_per_pixel, bytes_per_line) = (word(7)? == 0, word(11)?, word(12)?);
        let colours = word(19)?;
        if version != 7 || bits_per_pixel != 32 || !least_significant_first {
            return None;
        }
        let pixels = dump.get((header_size + colours * 12) as usize..)?;
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        for line in pixels.chunks(bytes_per_line as usize).take(height as usize) {
            for pixel in line.get(..width as usize * 4)?.chunks(4) {
                rgb.extend([pixel[2], pixel[1], pixel[0]]);
            }
        }
        (rgb.len() == (width * height * 3) as usize).then_some(Self { width, height, rgb })
    }

    /// Red, green and blue of one pixel.
    #[track_caller]
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        assert!(x < self.width && y < self.height, "({x}, {y}) is outside of the picture");
        let start = ((y * self.width + x) * 3) as usize;
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    /// How many different colours the picture has: an empty screen has one.
    pub fn colours(&self) -> usize {
        self.rgb.chunks(3).collect::<std::collections::HashSet<_>>().len()
    }

    /// Writes the picture as PNG, and the folder it belongs in.
    #[track_caller]
    pub fn save(&self, path: &Path) {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("a folder for pictures");
        }
        let file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file for the picture"));
        let mut encoder = png::Encoder::new(file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("the head of a PNG");
        writer.write_image_data(&self.rgb).expect("the pixels of a PNG");
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture {} x {}", self.width, self.height)
    }
}
