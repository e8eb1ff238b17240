//! A receipt as a printer-independent list of lines. Every character in it can be printed with the character set it was
//! made for, so that one column is one ASCII character and two columns are any other.

use std::sync::Arc;

use super::Logo;

/// A receipt before it is fitted to a width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// From top to bottom.
    pub lines: Vec<Line>,
}

/// One line of a receipt; a long one becomes several on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Text at one side or in the middle.
    Text {
        /// What it says.
        text: String,
        /// Where it stands.
        align: Align,
        /// How large it is.
        size: Size,
        /// Whether it is bold.
        bold: bool,
    },
    /// A text at the left and one at the right.
    Pair {
        /// At the left.
        left: String,
        /// At the right.
        right: String,
        /// Whether both are bold.
        bold: bool,
    },
    /// A line across.
    Rule,
    /// A QR code, in the middle.
    Qr(String),
    /// The shop's picture, in the middle.
    Logo(Arc<Logo>),
    /// What a cardholder signed on the screen, in the middle.
    Signature(Arc<Logo>),
    /// Empty lines.
    Feed(u8),
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// At the right.
    Right,
}

/// How large characters are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// 12 or 24 dots wide, 24 high.
    #[default]
    Normal,
    /// Twice as high.
    Tall,
    /// Twice as high and wide.
    Double,
}

impl Size {
    /// Columns that a character of one column takes.
    pub const fn width(self) -> usize {
        match self {
            Self::Normal | Self::Tall => 1,
            Self::Double => 2,
        }
    }
}
