//! Cards, terminals, people and hosts from a number: the same number always gives the same ones.
//!
//! What only one of the two kernels can do is not made here; `docs/emv-differences.md` lists it.

use yima::emv::action::Reach;
use yima::emv::terminal::{Place, TransactionKind};

/// One transaction with all that takes part in it.
#[derive(Clone, Debug)]
pub struct Case {
    pub terminal: Terminal,
    pub kind: TransactionKind,
    pub amount: u32,
    pub cashback: u32,
    /// ISO 4217, as a decimal number.
    pub currency: u16,
    /// Whether this sale is picked to go online: 1 to 99.
    pub random_number: u8,
    pub card: Card,
    pub people: People,
    pub host: Host,
}

#[derive(Clone, Debug)]
pub struct Terminal {
    /// 9F35.
    pub terminal_type: u8,
    /// 9F33, second byte.
    pub verification: u8,
    pub gives_cash: bool,
    pub denial: [u8; 5],
    pub online: [u8; 5],
    pub default: [u8; 5],
    pub floor_limit: u32,
    /// Threshold, target and maximum percentage.
    pub random_selection: Option<(u32, u8, u8)>,
}

#[derive(Clone, Debug)]
pub struct Card {
    /// It has a payment system environment.
    pub has_directory: bool,
    pub applications: Vec<Application>,
    /// 9F38.
    pub pdol: Option<&'static [u8]>,
    /// 82, first byte.
    pub profile: u8,
    /// Format 2 (template 77) where there is a choice.
    pub format_2: bool,
    /// Tag and value, in the order of the records.
    pub objects: Vec<(u32, Vec<u8>)>,
    /// So many objects stand in one record.
    pub objects_per_record: usize,
    /// A record, counted from 1, that cannot be read, or is no template 70.
    pub unreadable_record: Option<u8>,
    pub foreign_record: Option<u8>,
    /// 9F36, 9F13 and 9F17, where GET DATA gives them.
    pub transaction_counter: Option<u16>,
    pub last_online: Option<u16>,
    pub pin_tries: Option<u8>,
    /// Answers to VERIFY and to script commands, one after the other; the last one stays.
    pub verify: Vec<u16>,
    pub scripts: Vec<u16>,
    pub external_authenticate: u16,
    pub first: Cryptogram,
    pub second: Cryptogram,
}

#[derive(Clone, Debug)]
pub struct Application {
    /// Index in the terminal's list.
    pub index: u8,
    /// 87.
    pub priority: u8,
    /// GET PROCESSING OPTIONS is answered with 6985.
    pub refuses: bool,
}

/// How the card answers GENERATE AC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptogram {
    /// What it was asked for.
    AsAsked,
    /// This 9F27, whatever it was asked for.
    Information(u8),
    /// Only a status.
    Status(u16),
}

#[derive(Clone, Copy, Debug)]
pub struct People {
    pub enters_pin: bool,
    pub agrees: bool,
}

#[derive(Clone, Debug)]
pub enum Host {
    OutOfReach,
    Answers {
        approves: bool,
        /// 91.
        proof: Option<Vec<u8>>,
        /// Tag 71 or 72, and the commands.
        scripts: Vec<(u32, Vec<Vec<u8>>)>,
    },
}

impl Case {
    pub fn of(seed: u64) -> Self {
        let dice = &mut Dice(seed);
        let terminal = Terminal::thrown(dice);
        let kind = match dice.below(10) {
            0..=5 => TransactionKind::Purchase,
            6..=7 => TransactionKind::Cash,
            _ => TransactionKind::Cashback,
        };
        let amount = dice.round_or_not();
        let cashback = if kind == TransactionKind::Cashback { 1 + amount / 4 } else { 0 };
        let card = Card::thrown(dice);
        let host = if terminal.reach() == Reach::OfflineOnly { Host::OutOfReach } else { Host::thrown(dice) };
        Self {
            kind,
            amount: amount + cashback,
            cashback,
            currency: if dice.chance(80) { 156 } else { 840 },
            random_number: 1 + dice.below(99) as u8,
            people: People { enters_pin: dice.chance(80), agrees: dice.chance(85) },
            terminal,
            card,
            host,
        }
    }
}

impl Terminal {
    fn thrown(dice: &mut Dice) -> Self {
        let floor_limit = dice.pick(&[0, 5_000, 10_000, 20_000]);
        let random_selection = (floor_limit > 0 && dice.chance(60)).then(|| {
            let target = dice.below(50) as u8;
            (dice.below(floor_limit), target, target + dice.below(50) as u8)
        });
        Self {
            terminal_type: dice
                .pick(&[0x11, 0x12, 0x14, 0x15, 0x16, 0x21, 0x22, 0x22, 0x22, 0x23, 0x24, 0x25, 0x25, 0x26]),
            verification: dice.pick(&[0xF8, 0xF8, 0xF0, 0xE8, 0xB8, 0x68, 0x28, 0x20, 0x08, 0xC0, 0x98, 0x78]),
            gives_cash: dice.chance(50),
            denial: dice.code(1),
            online: dice.code(3),
            default: dice.code(2),
            floor_limit,
            random_selection,
        }
    }

    pub fn reach(&self) -> Reach {
        Reach::of_terminal_type(self.terminal_type)
    }

    /// Whether the terminal can verify an offline PIN by this rule.
    pub const fn supports(&self, code: u8) -> bool {
        let needed = match code & 0x3F {
            0x01 => 0x80,
            0x03 => 0xA0,
            0x04 => 0x10,
            0x05 => 0x30,
            _ => return false,
        };
        self.verification & needed == needed
    }

    pub fn place(&self) -> Place {
        match self.terminal_type {
            0x14..=0x16 if self.gives_cash => Place::Atm,
            0x14..=0x16 | 0x24..=0x26 => Place::Unattended,
            _ => Place::Attended,
        }
    }
}

impl Card {
    fn thrown(dice: &mut Dice) -> Self {
        let objects = objects(dice);
        let objects_per_record = 1 + dice.below(6) as usize;
        let records = objects.len().div_ceil(objects_per_record) as u32;
        let some_record = |dice: &mut Dice| dice.chance(2).then(|| 1 + dice.below(records) as u8);
        Self {
            has_directory: dice.chance(50),
            applications: applications(dice),
            pdol: dice.pick(&[
                None,
                Some(&[0x9F, 0x02, 0x06, 0x9F, 0x1A, 0x02]),
                Some(&[0x9F, 0x35, 0x01, 0x9C, 0x01]),
            ]),
            profile: u8::from(dice.chance(90)) << 4
                | u8::from(dice.chance(94)) << 3
                | u8::from(dice.chance(50)) << 2
                | dice.pick(&[0x00, 0x00, 0x40, 0x61]),
            format_2: dice.chance(50),
            objects_per_record,
            unreadable_record: some_record(dice),
            foreign_record: some_record(dice),
            objects,
            transaction_counter: dice.chance(90).then(|| dice.below(12) as u16),
            last_online: dice.chance(90).then(|| dice.below(8) as u16),
            pin_tries: dice.pick(&[None, Some(3), Some(1), Some(3), Some(2), Some(0), Some(3), Some(3)]),
            verify: dice
                .pick::<&[u16]>(&[
                    &[0x9000],
                    &[0x9000],
                    &[0x9000],
                    &[0x63C0],
                    &[0x6983],
                    &[0x6984],
                    &[0x63C2, 0x9000],
                    &[0x63C2, 0x63C1, 0x63C0],
                    &[0x6F00],
                ])
                .to_vec(),
            scripts: (0..1 + dice.below(4))
                .map(|_| dice.pick(&[0x9000, 0x9000, 0x9000, 0x6283, 0x63C1, 0x6985, 0x6A80]))
                .collect(),
            external_authenticate: dice.pick(&[0x9000, 0x9000, 0x6300, 0x6985, 0x6F00]),
            first: Cryptogram::thrown(dice),
            second: Cryptogram::thrown(dice),
        }
    }

    /// Whether the card announces cardholder verification.
    pub const fn verifies(&self) -> bool {
        self.profile & 0x10 != 0
    }

    /// An object that the terminal finds: a record in another template says nothing.
    pub fn object(&self, tag: u32) -> Option<&[u8]> {
        let record = |index: usize| u8::try_from(index / self.objects_per_record + 1).ok();
        let lost = |index: usize| self.foreign_record.is_some() && record(index) == self.foreign_record;
        let index = self.objects.iter().position(|(known, _)| *known == tag).filter(|index| !lost(*index))?;
        Some(&self.objects[index].1)
    }

    /// The rules of the CVM list: code and condition.
    pub fn rules(&self) -> impl Iterator<Item = [u8; 2]> {
        let list = self.object(0x8E).filter(|_| self.verifies()).unwrap_or_default();
        list.get(8..).unwrap_or_default().as_chunks::<2>().0.iter().copied()
    }
}

fn applications(dice: &mut Dice) -> Vec<Application> {
    let count = dice.pick(&[1, 1, 1, 2]);
    (0..count)
        .map(|index| Application {
            index,
            priority: dice.pick(&[0x00, 0x01, 0x02, 0x01, 0x81]),
            refuses: dice.chance(5),
        })
        .collect()
}

/// What the records hold: mostly whole and in order.
fn objects(dice: &mut Dice) -> Vec<(u32, Vec<u8>)> {
    let mut objects = vec![
        (0x5A, vec![0x62, 0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x19]),
        (0x5F34, vec![0x01]),
        (0x5F24, date(dice, &[0x25, 0x26, 0x26, 0x27, 0x30, 0x30, 0x30, 0x49, 0x49, 0x51])),
        // TVR and TSI come first: the card writes down what it is told.
        (0x8C, vec![0x95, 0x05, 0x9B, 0x02, 0x9F, 0x02, 0x06, 0x5F, 0x2A, 0x02, 0x9F, 0x37, 0x04, 0x9F, 0x34, 0x03]),
        (0x8D, vec![0x8A, 0x02, 0x95, 0x05, 0x9B, 0x02, 0x9F, 0x37, 0x04]),
    ];
    let mut add = |dice: &mut Dice, percent, tag, value: Vec<u8>| {
        if dice.chance(percent) {
            objects.push((tag, value));
        }
    };
    let effective = date(dice, &[0x20, 0x20, 0x24, 0x24, 0x25, 0x26, 0x26, 0x27, 0x99]);
    add(dice, 60, 0x5F25, effective);
    let usage = vec![dice.pick(&[0xFF, 0xFF, 0xAB, 0x57, 0x01, 0xFE]), dice.pick(&[0xC0, 0x80, 0x40, 0x00])];
    add(dice, 80, 0x9F07, usage);
    let country = dice.pick(&[vec![0x01, 0x56], vec![0x08, 0x40]]);
    add(dice, 80, 0x5F28, country);
    let version = vec![0x00, dice.pick(&[0x30, 0x30, 0x30, 0x20])];
    add(dice, 70, 0x9F08, version);
    let currency = dice.pick(&[vec![0x01, 0x56], vec![0x01, 0x56], vec![0x08, 0x40]]);
    add(dice, 80, 0x9F42, currency);
    for (tag, bits) in [(0x9F0E, 1), (0x9F0F, 3), (0x9F0D, 2)] {
        let code = dice.code(bits).to_vec();
        add(dice, 85, tag, code);
    }
    let (lower, upper) = (vec![dice.below(6) as u8], vec![dice.below(9) as u8]);
    add(dice, 60, 0x9F14, lower);
    add(dice, 60, 0x9F23, upper);
    let list = verification_list(dice);
    add(dice, 92, 0x8E, list);
    spoil(dice, &mut objects);
    objects
}

/// A date of these years, often the day of the transaction or near it.
fn date(dice: &mut Dice, years: &[u8]) -> Vec<u8> {
    vec![dice.pick(years), dice.pick(&[0x10, 0x11, 0x11, 0x12]), dice.pick(&[0x01, 0x24, 0x24, 0x28])]
}

fn verification_list(dice: &mut Dice) -> Vec<u8> {
    let mut list = Vec::new();
    list.extend(dice.round_or_not().to_be_bytes());
    list.extend(dice.round_or_not().to_be_bytes());
    for _ in 0..dice.pick(&[0, 1, 2, 3, 3, 4, 5]) {
        let code = dice.pick(&[
            0x00, 0x01, 0x01, 0x01, 0x02, 0x02, 0x03, 0x03, 0x04, 0x04, 0x05, 0x1E, 0x1E, 0x1E, 0x1F, 0x1F, 0x06, 0x10,
            0x20, 0x3F,
        ]);
        let next = if dice.chance(60) { 0x40 } else { 0x00 };
        let condition = dice.pick(&[0, 0, 0, 0, 3, 3, 3, 1, 2, 4, 5, 6, 7, 8, 9, 0x0A, 0x80]);
        list.extend([code | next, condition]);
    }
    list
}

/// One card in eight or so has something wrong with it.
fn spoil(dice: &mut Dice, objects: &mut Vec<(u32, Vec<u8>)>) {
    match dice.below(40) {
        0 => {
            let missing = dice.pick(&[0x5A, 0x5F24, 0x8C, 0x8D]);
            objects.retain(|(tag, _)| *tag != missing);
        }
        1 => {
            let again = objects[dice.below(objects.len() as u32) as usize].clone();
            objects.push(again);
        }
        2 => {
            let shortened = dice.pick(&[0x5F24, 0x5F25, 0x9F07, 0x9F08, 0x9F0D, 0x9F0E, 0x9F0F]);
            for (_, value) in objects.iter_mut().filter(|(tag, _)| *tag == shortened) {
                value.pop();
            }
        }
        3 => {
            // Half a rule.
            for (_, value) in objects.iter_mut().filter(|(tag, _)| *tag == 0x8E) {
                value.push(0x1E);
            }
        }
        _ => {}
    }
}

impl Cryptogram {
    fn thrown(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..=79 => Self::AsAsked,
            80..=88 => Self::Information(0x00),
            89..=90 => Self::Information(dice.pick(&[0x01, 0x02, 0x09])),
            91..=94 => Self::Information(0x80),
            95..=96 => Self::Information(0x40),
            97 => Self::Information(0xC0),
            _ => Self::Status(dice.pick(&[0x6985, 0x6F00])),
        }
    }
}

impl Host {
    fn thrown(dice: &mut Dice) -> Self {
        if dice.chance(20) {
            return Self::OutOfReach;
        }
        let proof = dice.chance(50).then(|| (0..8 + dice.below(9) as u8).collect());
        let scripts = (0..dice.pick(&[0, 0, 1, 2])).map(|_| (dice.pick(&[0x71, 0x72]), commands(dice))).collect();
        Self::Answers { approves: dice.chance(75), proof, scripts }
    }
}

fn commands(dice: &mut Dice) -> Vec<Vec<u8>> {
    (0..dice.below(4))
        .map(|_| dice.pick(&[vec![0x84, 0x24, 0x00, 0x00], vec![0x84, 0x18, 0, 0, 2, 0xAB, 0xCD]]))
        .collect()
}

/// Numbers from a seed: splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end)) as u32
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len() as u32) as usize].clone()
    }

    /// An amount, often a round one: limits are met as well as passed.
    fn round_or_not(&mut self) -> u32 {
        let rest = self.below(1_000);
        self.below(12) * 1_000 + self.pick(&[0, 0, rest])
    }

    /// An action code: each bit of the TVR in so many of sixteen.
    fn code(&mut self, sixteenths: u32) -> [u8; 5] {
        std::array::from_fn(|_| (0..8).fold(0, |byte, _| byte << 1 | u8::from(self.below(16) < sixteenths)))
    }
}
