//! The arithmetic coder of ITU-T T.82, 6.7 and 6.8 (the QM coder): decisions, each in a context, become bytes and decisions again.
//!
//! Needs nothing but what it is told; knows no picture. Bytes are those of a stripe without stuffing.

/// How likely the less probable symbol is, and what becomes of the estimate after either symbol (T.82, table 24): LSZ, NLPS, NMPS, and
/// whether the two symbols change places after the less probable one.
const STATES: [(u16, u8, u8, bool); 113] = [
    (0x5A1D, 1, 1, true),
    (0x2586, 14, 2, false),
    (0x1114, 16, 3, false),
    (0x080B, 18, 4, false),
    (0x03D8, 20, 5, false),
    (0x01DA, 23, 6, false),
    (0x00E5, 25, 7, false),
    (0x006F, 28, 8, false),
    (0x0036, 30, 9, false),
    (0x001A, 33, 10, false),
    (0x000D, 35, 11, false),
    (0x0006, 9, 12, false),
    (0x0003, 10, 13, false),
    (0x0001, 12, 13, false),
    (0x5A7F, 15, 15, true),
    (0x3F25, 36, 16, false),
    (0x2CF2, 38, 17, false),
    (0x207C, 39, 18, false),
    (0x17B9, 40, 19, false),
    (0x1182, 42, 20, false),
    (0x0CEF, 43, 21, false),
    (0x09A1, 45, 22, false),
    (0x072F, 46, 23, false),
    (0x055C, 48, 24, false),
    (0x0406, 49, 25, false),
    (0x0303, 51, 26, false),
    (0x0240, 52, 27, false),
    (0x01B1, 54, 28, false),
    (0x0144, 56, 29, false),
    (0x00F5, 57, 30, false),
    (0x00B7, 59, 31, false),
    (0x008A, 60, 32, false),
    (0x0068, 62, 33, false),
    (0x004E, 63, 34, false),
    (0x003B, 32, 35, false),
    (0x002C, 33, 9, false),
    (0x5AE1, 37, 37, true),
    (0x484C, 64, 38, false),
    (0x3A0D, 65, 39, false),
    (0x2EF1, 67, 40, false),
    (0x261F, 68, 41, false),
    (0x1F33, 69, 42, false),
    (0x19A8, 70, 43, false),
    (0x1518, 72, 44, false),
    (0x1177, 73, 45, false),
    (0x0E74, 74, 46, false),
    (0x0BFB, 75, 47, false),
    (0x09F8, 77, 48, false),
    (0x0861, 78, 49, false),
    (0x0706, 79, 50, false),
    (0x05CD, 48, 51, false),
    (0x04DE, 50, 52, false),
    (0x040F, 50, 53, false),
    (0x0363, 51, 54, false),
    (0x02D4, 52, 55, false),
    (0x025C, 53, 56, false),
    (0x01F8, 54, 57, false),
    (0x01A4, 55, 58, false),
    (0x0160, 56, 59, false),
    (0x0125, 57, 60, false),
    (0x00F6, 58, 61, false),
    (0x00CB, 59, 62, false),
    (0x00AB, 61, 63, false),
    (0x008F, 61, 32, false),
    (0x5B12, 65, 65, true),
    (0x4D04, 80, 66, false),
    (0x412C, 81, 67, false),
    (0x37D8, 82, 68, false),
    (0x2FE8, 83, 69, false),
    (0x293C, 84, 70, false),
    (0x2379, 86, 71, false),
    (0x1EDF, 87, 72, false),
    (0x1AA9, 87, 73, false),
    (0x174E, 72, 74, false),
    (0x1424, 72, 75, false),
    (0x119C, 74, 76, false),
    (0x0F6B, 74, 77, false),
    (0x0D51, 75, 78, false),
    (0x0BB6, 77, 79, false),
    (0x0A40, 77, 48, false),
    (0x5832, 80, 81, true),
    (0x4D1C, 88, 82, false),
    (0x438E, 89, 83, false),
    (0x3BDD, 90, 84, false),
    (0x34EE, 91, 85, false),
    (0x2EAE, 92, 86, false),
    (0x299A, 93, 87, false),
    (0x2516, 86, 71, false),
    (0x5570, 88, 89, true),
    (0x4CA9, 95, 90, false),
    (0x44D9, 96, 91, false),
    (0x3E22, 97, 92, false),
    (0x3824, 99, 93, false),
    (0x32B4, 99, 94, false),
    (0x2E17, 93, 86, false),
    (0x56A8, 95, 96, true),
    (0x4F46, 101, 97, false),
    (0x47E5, 102, 98, false),
    (0x41CF, 103, 99, false),
    (0x3C3D, 104, 100, false),
    (0x375E, 99, 93, false),
    (0x5231, 105, 102, false),
    (0x4C0F, 106, 103, false),
    (0x4639, 107, 104, false),
    (0x415E, 103, 99, false),
    (0x5627, 105, 106, true),
    (0x50E7, 108, 107, false),
    (0x4B85, 109, 103, false),
    (0x5597, 110, 109, false),
    (0x504F, 111, 107, false),
    (0x5A10, 110, 111, true),
    (0x5522, 112, 109, false),
    (0x59EB, 112, 111, true),
];

/// The interval at the beginning, and the least that it is kept at.
const WHOLE: u32 = 0x1_0000;
const LEAST: u32 = 0x8000;

/// What is known of a context: which estimate, and which symbol is the more probable one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Estimate {
    state: u8,
    likely: bool,
}

impl Estimate {
    fn row(self) -> (u32, u8, u8, bool) {
        let (lsz, nlps, nmps, switch) = STATES[usize::from(self.state)];
        (u32::from(lsz), nlps, nmps, switch)
    }

    /// After a symbol for which the interval was made anew.
    fn learn(&mut self, was_likely: bool) {
        let (_, nlps, nmps, switch) = self.row();
        if was_likely {
            self.state = nmps;
        } else {
            self.likely ^= switch;
            self.state = nlps;
        }
    }
}

/// Estimates of all contexts. They outlast the end of a stripe.
#[derive(Clone, Debug)]
pub struct Estimates(Vec<Estimate>);

impl Estimates {
    /// Of so many contexts, nothing known of any.
    pub fn new(contexts: usize) -> Self {
        Self(vec![Estimate::default(); contexts])
    }
}

/// Makes bytes of decisions.
#[derive(Debug)]
pub struct Encoder {
    interval: u32,
    code: u32,
    /// Shifts until the next byte.
    free: u32,
    bytes: Vec<u8>,
}

impl Encoder {
    /// At the beginning of a stripe.
    pub const fn new() -> Self {
        Self { interval: WHOLE, code: 0, free: 11, bytes: Vec::new() }
    }

    /// One decision.
    pub fn encode(&mut self, estimates: &mut Estimates, context: usize, symbol: bool) {
        let Some(estimate) = estimates.0.get_mut(context) else { return };
        let (lsz, ..) = estimate.row();
        let is_likely = symbol == estimate.likely;
        self.interval -= lsz;
        if is_likely && self.interval >= LEAST {
            return;
        }
        // The larger part is given to the more probable symbol.
        if is_likely == (self.interval < lsz) {
            self.code += self.interval;
            self.interval = lsz;
        }
        estimate.learn(is_likely);
        while self.interval < LEAST {
            self.interval <<= 1;
            self.code <<= 1;
            self.free -= 1;
            if self.free == 0 {
                self.emit(self.code >> 19);
                self.code &= 0x7_FFFF;
                self.free = 8;
            }
        }
    }

    /// A byte with a carry into those before it.
    fn emit(&mut self, byte: u32) {
        if byte > 0xFF {
            for before in self.bytes.iter_mut().rev() {
                *before = before.wrapping_add(1);
                if *before != 0 {
                    break;
                }
            }
        }
        self.bytes.push((byte & 0xFF) as u8);
    }

    /// The bytes of the stripe. A decoder reads zeros behind the end, so that none are kept there.
    pub fn finish(mut self) -> Vec<u8> {
        // Of all that the interval holds, what ends with the most zeros.
        let most = (self.interval - 1 + self.code) & 0xFFFF_0000;
        self.code = if most < self.code { most + LEAST } else { most };
        self.code <<= self.free;
        self.emit(self.code >> 19);
        self.emit((self.code >> 11) & 0xFF);
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

/// Makes decisions of bytes.
#[derive(Debug)]
pub struct Decoder<'a> {
    interval: u32,
    code: u32,
    /// Shifts until the next byte.
    left: u32,
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Decoder<'a> {
    /// Of the bytes of a stripe.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { interval: WHOLE, code: 0, left: 0, bytes: bytes.iter() };
        for _ in 0..3 {
            decoder.code <<= 8;
            decoder.read();
        }
        decoder
    }

    fn read(&mut self) {
        self.code += u32::from(*self.bytes.next().unwrap_or(&0)) << 8;
        self.left = 8;
    }

    /// One decision.
    pub fn decode(&mut self, estimates: &mut Estimates, context: usize) -> bool {
        let Some(estimate) = estimates.0.get_mut(context) else { return false };
        let (lsz, ..) = estimate.row();
        self.interval -= lsz;
        let is_lower = (self.code >> 16) < self.interval;
        if is_lower && self.interval >= LEAST {
            return estimate.likely;
        }
        let was_likely = is_lower == (self.interval >= lsz);
        if !is_lower {
            self.code -= self.interval << 16;
            self.interval = lsz;
        }
        let symbol = was_likely == estimate.likely;
        estimate.learn(was_likely);
        while self.interval < LEAST {
            if self.left == 0 {
                self.read();
            }
            self.interval <<= 1;
            self.code <<= 1;
            self.left -= 1;
        }
        if self.left == 0 {
            self.read();
        }
        symbol
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The test sequence of T.82, 7.1: pixels and contexts, the first in the highest bit, and what is made of them.
    const PIXELS: [u16; 16] = [
        0x05E0, 0x0000, 0x8B00, 0x01C4, 0x1700, 0x0034, 0x7FFF, 0x1A3F, 0x951B, 0x05D8, 0x1D17, 0xE770, 0x0000, 0x0000,
        0x0656, 0x0E6A,
    ];
    const CONTEXTS: [u16; 16] = [0x0FE0, 0, 0x0F00, 0x00F0, 0xFF00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const BYTES: [u8; 25] = [
        0x69, 0x89, 0x99, 0x5C, 0x32, 0xEA, 0xFA, 0xA0, 0xD5, 0xFF, 0x52, 0x7F, 0xFF, 0xFF, 0xFF, 0xC0, 0x00, 0x00,
        0x00, 0x3F, 0xFF, 0x2D, 0x20, 0x82, 0x91,
    ];

    fn bits(words: &[u16; 16]) -> Vec<bool> {
        words.iter().flat_map(|word| (0..16).rev().map(move |bit| word >> bit & 1 == 1)).collect()
    }

    #[test]
    fn the_published_sequence_of_decisions_is_the_published_bytes_and_back() {
        let (pixels, contexts) = (bits(&PIXELS), bits(&CONTEXTS));
        let (mut encoder, mut estimates) = (Encoder::new(), Estimates::new(2));
        for (pixel, context) in pixels.iter().zip(&contexts) {
            encoder.encode(&mut estimates, usize::from(*context), *pixel);
        }
        assert_eq!(encoder.finish(), BYTES);
        let (mut decoder, mut estimates) = (Decoder::new(&BYTES), Estimates::new(2));
        let read: Vec<bool> =
            contexts.iter().map(|context| decoder.decode(&mut estimates, usize::from(*context))).collect();
        assert_eq!(read, pixels);
    }

    #[test]
    fn every_next_estimate_is_one_and_less_is_given_to_the_less_probable_symbol() {
        for (lsz, nlps, nmps, _) in STATES {
            assert!(usize::from(nlps) < STATES.len() && usize::from(nmps) < STATES.len());
            assert!(lsz > 0 && u32::from(lsz) < LEAST, "{lsz:X}");
        }
        let switching: Vec<_> = (0..113_u8).filter(|state| STATES[usize::from(*state)].3).collect();
        assert_eq!(switching, [0, 14, 36, 64, 80, 88, 95, 105, 110, 112]);
    }

    proptest! {
        #[test]
        fn whatever_was_decided_is_read_again(decisions in proptest::collection::vec((0..8_usize, any::<bool>()), 0..4000)) {
            let (mut encoder, mut estimates) = (Encoder::new(), Estimates::new(8));
            for (context, symbol) in &decisions {
                encoder.encode(&mut estimates, *context, *symbol);
            }
            let bytes = encoder.finish();
            let (mut decoder, mut estimates) = (Decoder::new(&bytes), Estimates::new(8));
            for (context, symbol) in &decisions {
                prop_assert_eq!(decoder.decode(&mut estimates, *context), *symbol);
            }
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (mut decoder, mut estimates) = (Decoder::new(&bytes), Estimates::new(4));
            for index in 0..4000 {
                decoder.decode(&mut estimates, index % 4);
            }
        }
    }
}
