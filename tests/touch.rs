//! The touchscreen in a real window, driven by real key and pointer events, over real parts: a customer pays, a bank says
//! no, a bank says nothing, a card lets its holder choose or wants a PIN. Pictures are kept in `target/screens/sale/`.

#![cfg(feature = "screen")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::time::Duration;

use support::counter::{Counter, FULL_ACCOUNT, keep};
use support::running::Running;
use support::wait_until;

/// Colours of the theme by which a screen is told: the ground of "paid", of "not paid", of "not known" and "out of
/// service", of the rest; a digit key; the invitation to insert a card, and a chip that says "printed".
const JADE: [u8; 3] = [0x0B, 0x6E, 0x55];
const RED_WASH: [u8; 3] = [0xFB, 0xE9, 0xE7];
const AMBER_WASH: [u8; 3] = [0xFF, 0xF1, 0xD6];
const PAPER: [u8; 3] = [0xF7, 0xF6, 0xF2];
const KEY: [u8; 3] = [0xFF, 0xFF, 0xFF];
const JADE_WASH: [u8; 3] = [0xE2, 0xF0, 0xEA];
/// The key of the PIN pad that corrects.
const YELLOW: [u8; 3] = [0xF5, 0xC8, 0x3B];

/// A place for each orientation: where 4 and 收款 are touched, and a spot whose colour tells which screen is shown.
struct Places {
    width: u32,
    height: u32,
    four: (u32, u32),
    charge: (u32, u32),
    /// On a digit key, clear of the digit. No other screen is white there.
    key: (u32, u32),
    /// In the invitation to insert a card. No other screen has its colour there.
    card: (u32, u32),
    /// Left ends of the chips of both slips.
    chips: [(u32, u32); 2],
    /// Inside of the ground of the result screens, clear of words.
    result: (u32, u32),
    /// Inside of the amber card of "not known", clear of words.
    unknown: (u32, u32),
    /// In the second of two applications to choose from, left of its number. No other screen is white there.
    second: (u32, u32),
    /// In the key that corrects a PIN, clear of its word.
    correct: (u32, u32),
    /// Where 1, 2, 3 and 4 are touched on the PIN pad in their usual order, and 确认.
    pin: [(u32, u32); 5],
    /// 下一笔 and 返回收款.
    done: (u32, u32),
}

const PORTRAIT: Places = Places {
    width: 720,
    height: 1280,
    four: (140, 625),
    charge: (360, 1090),
    key: (50, 625),
    card: (60, 600),
    chips: [(35, 1088), (270, 1088)],
    result: (40, 700),
    unknown: (60, 180),
    second: (45, 703),
    correct: (560, 900),
    pin: [(120, 694), (275, 694), (445, 694), (120, 856), (614, 1100)],
    done: (360, 1210),
};

const LANDSCAPE: Places = Places {
    width: 800,
    height: 480,
    four: (475, 175),
    charge: (205, 370),
    key: (432, 175),
    card: (420, 300),
    chips: [(522, 31), (522, 67)],
    result: (20, 330),
    unknown: (30, 420),
    second: (415, 312),
    correct: (708, 220),
    pin: [(462, 70), (555, 70), (648, 70), (462, 184), (742, 370)],
    done: (660, 450),
};

struct Screen {
    counter: Counter,
    _window: Running,
    places: &'static Places,
    name: &'static str,
}

impl Screen {
    fn open(places: &'static Places, name: &'static str) -> Self {
        Self::open_at(Counter::open_for_business(), places, name, "")
    }

    /// Opens the window at this counter, with settings beside the usual ones.
    fn open_at(mut counter: Counter, places: &'static Places, name: &'static str, more: &str) -> Self {
        counter.set(&format!("[screen]\nwidth = {}\nheight = {}\n{more}", places.width, places.height));
        counter.shop.start_screen(places.width, places.height);
        let mut command = counter.yima(&[]);
        command.env("SLINT_BACKEND", "winit-software");
        counter.shop.log_to(&mut command, "window.log");
        let window = Running::start("the touchscreen", &mut command);
        let screen = Self { counter, _window: window, places, name };
        screen.wait_for("the keypad", || {
            let picture = screen.counter.shop.picture();
            // A screen without a window is white all over.
            picture.pixel(3, places.height / 2) == PAPER && picture.pixel(places.key.0, places.key.1) == KEY
        });
        screen.focus();
        screen
    }

    /// Keys 1, 2, 3 on the keyboard, 4 and 收款 by touch; the card comes.
    fn pay_12_34(&mut self) {
        self.key_amount(&["1", "2", "3"]);
        self.counter.shop.click(self.places.four.0, self.places.four.1);
        self.keep("keypad");
        self.counter.shop.click(self.places.charge.0, self.places.charge.1);
        self.wait_for_colour("the customer is asked for a card", self.places.card, JADE_WASH);
        self.keep("present-card");
        self.counter.bring_card(&[]);
    }

    /// Without a window manager nobody gives the window the keyboard; the test does.
    fn focus(&self) {
        let mut xdotool = self.counter.shop.command("xdotool");
        let given = xdotool.args(["search", "--onlyvisible", "--name", "Yima", "windowfocus", "--sync"]).status();
        assert!(given.unwrap().success(), "no window to give the keyboard to");
    }

    fn key_amount(&self, keys: &[&str]) {
        for key in keys {
            self.counter.shop.key(key);
        }
    }

    fn wait_for_colour(&self, what: &str, (x, y): (u32, u32), colour: [u8; 3]) {
        self.wait_for(what, || self.counter.shop.picture().pixel(x, y) == colour);
    }

    fn wait_for(&self, what: &str, ready: impl FnMut() -> bool) {
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(what, Duration::from_secs(30), ready);
        }));
        if let Err(panic) = failed {
            self.keep("failed");
            std::panic::resume_unwind(panic);
        }
    }

    fn keep(&self, state: &str) {
        let file = self.counter.shop.folder().join("picture.png");
        self.counter.shop.picture().save(&file);
        keep(&file, &format!("{}-{state}.png", self.name));
    }
}

#[test]
fn a_customer_pays_by_digits_and_one_touch() {
    for (places, name) in [(&PORTRAIT, "portrait"), (&LANDSCAPE, "landscape")] {
        let mut screen = Screen::open(places, name);
        screen.pay_12_34();
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        wait_until("both slips are printed", Duration::from_secs(20), || screen.counter.receipts().len() == 2);
        for chip in places.chips {
            screen.wait_for_colour("the screen says printed", chip, JADE_WASH);
        }
        screen.keep("approved");
        let rows = screen.counter.transactions();
        assert_eq!((rows[0]["state"].as_str(), rows[0]["amount"].as_str()), (Some("approved"), Some("12.34")));
        assert_eq!(screen.counter.balance(), FULL_ACCOUNT - 1234);
        // It returns by itself.
        screen.wait_for_colour("the keypad comes back", places.key, KEY);
    }
}

#[test]
fn a_bank_that_says_no_is_red_and_left_by_a_touch() {
    let mut screen = Screen::open(&PORTRAIT, "declined");
    screen.key_amount(&["6", "6", "5", "1", "Return"]);
    screen.counter.bring_card(&[]);
    screen.wait_for_colour("the screen says not paid", PORTRAIT.result, RED_WASH);
    screen.keep("not-paid");
    screen.counter.shop.click(PORTRAIT.done.0, PORTRAIT.done.1);
    screen.wait_for_colour("the keypad", PORTRAIT.key, KEY);
    assert_eq!(screen.counter.balance(), FULL_ACCOUNT);
}

#[test]
fn a_bank_that_says_nothing_is_amber_until_the_payment_is_taken_back() {
    let mut screen = Screen::open_at(Counter::open_to_silence(), &PORTRAIT, "silent", "");
    screen.key_amount(&["6", "7", "0", "9", "Return"]);
    screen.counter.bring_card(&[]);
    screen.wait_for_colour("the screen says not known", PORTRAIT.unknown, AMBER_WASH);
    screen.keep("unknown");
    // Two reversals are not answered; the third is, half a minute later.
    wait_until("the payment is taken back", Duration::from_secs(120), || {
        screen.counter.transactions()[0]["state"] == "reversed"
    });
    screen.wait_for_colour("the screen says taken back", PORTRAIT.result, RED_WASH);
    screen.keep("taken-back");
    assert_eq!(screen.counter.balance(), FULL_ACCOUNT);
}

/// The number of the second application on the card that has two.
const DEBIT: &str = "6228480000000002014";

#[test]
fn a_customer_chooses_the_second_application_by_touch() {
    for (places, name) in [(&PORTRAIT, "choice-portrait"), (&LANDSCAPE, "choice-landscape")] {
        let mut screen = Screen::open(places, name);
        screen.key_amount(&["1", "2", "3", "4", "Return"]);
        screen.counter.bring_card(&["--profile", "multi-application"]);
        screen.wait_for_colour("the customer chooses", places.second, KEY);
        screen.keep("choose-application");
        screen.counter.shop.click(places.second.0, places.second.1);
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        assert_eq!(screen.counter.host_books().balance(DEBIT).unwrap(), Some(FULL_ACCOUNT - 1234));
    }
}

#[test]
fn a_card_pulled_out_instead_of_a_choice_or_a_pin_ends_the_payment_at_once() {
    for (profile, place, colour) in
        [("multi-application", PORTRAIT.second, KEY), ("cvm-plaintext-pin", PORTRAIT.correct, YELLOW)]
    {
        let mut screen = Screen::open(&PORTRAIT, "pulled-out");
        screen.key_amount(&["1", "Return"]);
        screen.counter.bring_card(&["--profile", profile]);
        screen.wait_for_colour("the customer is asked", place, colour);
        // Whoever thinks for a while finds the card as it was.
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(screen.counter.shop.picture().pixel(place.0, place.1), colour, "{profile}");
        screen.counter.card = None;
        screen.wait_for_colour("the screen says not paid", PORTRAIT.result, RED_WASH);
        screen.keep("not-paid");
        assert!(screen.counter.transactions().is_empty(), "{profile}");
    }
}

#[test]
fn a_test_pin_is_typed_by_touch() {
    for (places, name) in [(&PORTRAIT, "pin-portrait"), (&LANDSCAPE, "pin-landscape")] {
        let fixed = "[pin]\nshuffled_keys = false\n";
        let mut screen = Screen::open_at(Counter::open_for_business(), places, name, fixed);
        screen.key_amount(&["1", "2", "3", "4", "Return"]);
        screen.counter.bring_card(&["--profile", "cvm-plaintext-pin"]);
        screen.wait_for_colour("the customer types a PIN", places.correct, YELLOW);
        let [digits @ .., done] = places.pin;
        for (x, y) in digits {
            screen.counter.shop.click(x, y);
        }
        screen.keep("enter-pin");
        screen.counter.shop.click(done.0, done.1);
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        assert_eq!(screen.counter.transactions()[0]["state"], "approved");
    }
}

#[test]
fn a_payment_is_cancelled_by_escape_before_a_card_comes() {
    let screen = Screen::open(&PORTRAIT, "cancel");
    screen.key_amount(&["1", "Return"]);
    screen.wait_for_colour("the customer is asked for a card", PORTRAIT.card, JADE_WASH);
    screen.counter.shop.key("Escape");
    screen.wait_for_colour("the keypad", PORTRAIT.key, KEY);
    assert!(screen.counter.transactions().is_empty());
}

#[test]
fn a_terminal_whose_binding_is_damaged_says_that_it_is_out_of_service() {
    let mut counter = Counter::open();
    std::fs::create_dir_all(counter.state().join("identity")).unwrap();
    std::fs::write(counter.state().join("identity/binding.json"), "{").unwrap();
    counter.shop.start_screen(720, 1280);
    let mut command = counter.yima(&[]);
    command.env("SLINT_BACKEND", "winit-software");
    counter.shop.log_to(&mut command, "window.log");
    let _window = Running::start("the touchscreen", &mut command);
    // Amber from edge to edge, where the keypad has keys and gaps.
    wait_until("the screen is amber", Duration::from_secs(30), || {
        let picture = counter.shop.picture();
        [PORTRAIT.key, PORTRAIT.result, (700, 500)].into_iter().all(|(x, y)| picture.pixel(x, y) == AMBER_WASH)
    });
    let file = counter.shop.folder().join("picture.png");
    counter.shop.picture().save(&file);
    keep(&file, "out-of-service.png");
}

/// Where the training is touched, and spots that tell it apart.
struct Classroom {
    /// The chip at the top right, and 培训 or 结束培训 in what it opens.
    chip: (u32, u32),
    turn: (u32, u32),
    /// In the banner, clear of words.
    banner: (u32, u32),
    /// 不输密码 among the practice cards; a spot of it is white, where the screen of another payment has its invitation.
    card: (u32, u32),
}

/// The ground of the banner that says training.
const AMBER: [u8; 3] = [0x8A, 0x5A, 0x00];

#[test]
fn the_shop_is_left_for_the_training_and_found_again_as_it_was() {
    let portrait = Classroom { chip: (640, 90), turn: (208, 420), banner: (20, 20), card: (60, 670) };
    let landscape = Classroom { chip: (365, 50), turn: (220, 231), banner: (20, 12), card: (543, 218) };
    for (places, room, name) in
        [(&PORTRAIT, portrait, "training-portrait"), (&LANDSCAPE, landscape, "training-landscape")]
    {
        let mut screen = Screen::open(places, name);
        screen.pay_12_34();
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        wait_until("both slips are printed", Duration::from_secs(20), || screen.counter.receipts().len() == 2);
        screen.wait_for_colour("the keypad comes back", places.key, KEY);
        let before = screen.counter.transactions();

        screen.counter.shop.click(room.chip.0, room.chip.1);
        std::thread::sleep(Duration::from_millis(500));
        screen.keep("sheet");
        screen.counter.shop.click(room.turn.0, room.turn.1);
        screen.wait_for_colour("the training is open", room.banner, AMBER);
        screen.wait_for_colour("its keypad is there", places.key, KEY);
        screen.keep("keypad");
        screen.key_amount(&["7", "0", "0", "Return"]);
        screen.wait_for_colour("a practice card is asked for", room.card, KEY);
        screen.keep("present-card");
        screen.counter.shop.click(room.card.0, room.card.1);
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        wait_until("its slips are printed", Duration::from_secs(20), || screen.counter.receipts().len() == 4);
        screen.keep("approved");
        screen.wait_for_colour("the keypad comes back", places.key, KEY);

        screen.counter.shop.click(room.chip.0, room.chip.1);
        std::thread::sleep(Duration::from_millis(500));
        screen.counter.shop.click(room.turn.0, room.turn.1);
        screen.wait_for("the shop is open again", || {
            screen.counter.shop.picture().pixel(room.banner.0, room.banner.1) == AMBER_WASH
        });
        screen.wait_for_colour("its keypad is there", places.key, KEY);
        assert_eq!(screen.counter.transactions(), before);
        assert_eq!(screen.counter.balance(), FULL_ACCOUNT - 1234);
        // The reader is the shop's again.
        screen.pay_12_34();
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        assert_eq!(screen.counter.balance(), FULL_ACCOUNT - 2468);
    }
}

/// Where a settlement is touched, and spots that tell its screens apart.
struct Settling {
    /// 交易, and 结算 there.
    history: (u32, u32),
    settle_up: (u32, u32),
    /// In the first row of the transactions, clear of words. The keypad is not white there.
    row: (u32, u32),
    /// 结算, and 确认结算.
    settle: (u32, u32),
    yes: (u32, u32),
    /// In 收款, the way back from the settlement, clear of its word.
    back: (u32, u32),
}

#[test]
fn a_batch_is_settled_by_four_touches_and_its_slip_comes_out() {
    let portrait = Settling {
        history: (439, 1224),
        settle_up: (624, 1085),
        row: (420, 300),
        settle: (60, 963),
        yes: (60, 1070),
        back: (400, 1196),
    };
    let landscape = Settling {
        history: (257, 452),
        settle_up: (214, 312),
        row: (560, 12),
        settle: (40, 312),
        yes: (500, 361),
        back: (665, 440),
    };
    for (places, settling, name) in
        [(&PORTRAIT, portrait, "settling-portrait"), (&LANDSCAPE, landscape, "settling-landscape")]
    {
        let mut screen = Screen::open(places, name);
        screen.pay_12_34();
        screen.wait_for_colour("the screen says paid", places.result, JADE);
        wait_until("both slips are printed", Duration::from_secs(20), || screen.counter.receipts().len() == 2);
        screen.wait_for_colour("the keypad comes back", places.key, KEY);
        let click = |screen: &Screen, (x, y): (u32, u32)| screen.counter.shop.click(x, y);
        click(&screen, settling.history);
        screen.wait_for_colour("the transactions", settling.row, KEY);
        click(&screen, settling.settle_up);
        screen.wait_for_colour("the open batch", settling.settle, JADE);
        screen.keep("open");
        click(&screen, settling.settle);
        screen.wait_for_colour("the question", settling.yes, JADE);
        screen.keep("sure");
        click(&screen, settling.yes);
        wait_until("the slip of the settlement is printed", Duration::from_secs(30), || {
            screen.counter.receipts().len() == 3
        });
        screen.wait_for_colour("the settlement", settling.back, JADE);
        screen.keep("settled");
        let output = screen.counter.yima(&["settlements", "--json"]).output().unwrap();
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&rows[0]["state"], &rows[0]["verdict"]), (&"closed".into(), &"equal".into()), "{rows:#}");
        let host = screen.counter.host_books();
        let posted = host.postings(&host.merchant_of("10000001").unwrap()).unwrap();
        assert_eq!(posted.iter().map(|posting| posting.amount).collect::<Vec<_>>(), [1234, -5]);
        click(&screen, settling.back);
        screen.wait_for_colour("the keypad", places.key, KEY);
    }
}

/// Where a customer signs, and says so.
struct Signing {
    /// The left end of a name, and how wide and high it is.
    name: ((u32, u32), (u32, u32)),
    /// In 签好了, clear of the words: jade as soon as enough is written.
    done: (u32, u32),
    /// 改在纸上签名.
    on_paper: (u32, u32),
}

#[test]
fn a_customer_signs_with_a_finger_and_the_slip_and_the_host_have_it() {
    let portrait = Signing { name: ((90, 660), (520, 180)), done: (300, 1040), on_paper: (360, 1196) };
    let landscape = Signing { name: ((310, 260), (420, 160)), done: (120, 340), on_paper: (130, 433) };
    for (places, signing, name) in
        [(&PORTRAIT, portrait, "signing-portrait"), (&LANDSCAPE, landscape, "signing-landscape")]
    {
        let pad = "[signature]\npad = \"always\"\n";
        let mut screen = Screen::open_at(Counter::open_for_business(), places, name, pad);
        screen.key_amount(&["1", "2", "3", "4", "Return"]);
        screen.counter.bring_card(&["--profile", "cvm-signature"]);
        wait_until("it is paid", Duration::from_secs(30), || {
            screen.counter.transactions().first().is_some_and(|row| row["state"] == "approved")
        });
        std::thread::sleep(Duration::from_millis(500));
        assert!(screen.counter.receipts().is_empty(), "nothing is printed before");
        screen.keep("sign");
        let ((left, middle), (width, height)) = signing.name;
        let place = |step: u32| {
            let share = f64::from(step) / 80.0;
            let swing = (share * 30.0).sin() * f64::from(height) / 2.0;
            (left + (share * f64::from(width)) as u32, (f64::from(middle) + swing) as u32)
        };
        screen.counter.shop.draw(&(0..=80).map(place).collect::<Vec<_>>());
        screen.wait_for_colour("enough is written", signing.done, JADE);
        screen.keep("signed");
        screen.counter.shop.click(signing.done.0, signing.done.1);
        wait_until("both slips are printed", Duration::from_secs(20), || screen.counter.receipts().len() == 2);
        let slip = std::fs::read_to_string(screen.counter.receipts()[0].with_extension("txt")).unwrap();
        assert!(slip.contains("已在屏幕上签名"), "{slip}");
        keep(&screen.counter.receipts()[0], &format!("{name}-slip.png"));
        assert_eq!(screen.counter.transactions()[0]["signature"], "screen");
        wait_until("the host has it", Duration::from_secs(30), || {
            screen.counter.host_books().signatures().unwrap().len() == 1
        });
        let taken = screen.counter.host_books().signatures().unwrap().remove(0);
        assert!(taken.picture.black_dots() > 500 && taken.picture.width() == 384, "{taken:?}");
        let folder = screen.counter.shop.folder().join("signatures");
        let arguments = ["sandbox", "signatures", "--json", "--png", folder.to_str().unwrap()];
        let (written, code) = screen.counter.without_card(&arguments[..2], "");
        assert_eq!((written.as_array().map(Vec::len), code), (Some(1), 0), "{written:#}");
        let output = screen.counter.yima(&arguments).output().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let picture = std::path::PathBuf::from(told[0]["png"].as_str().unwrap());
        keep(&picture, &format!("{name}-host.png"));
        screen.wait_for_colour("the keypad comes back", places.key, KEY);
        // The next one signs on paper.
        screen.key_amount(&["5", "0", "0", "Return"]);
        screen.counter.bring_card(&["--profile", "cvm-signature"]);
        wait_until("it is paid", Duration::from_secs(30), || {
            screen.counter.transactions().iter().filter(|row| row["state"] == "approved").count() == 2
        });
        std::thread::sleep(Duration::from_millis(500));
        screen.counter.shop.click(signing.on_paper.0, signing.on_paper.1);
        wait_until("its slips are printed", Duration::from_secs(20), || screen.counter.receipts().len() == 4);
        assert_eq!(screen.counter.transactions()[0]["signature"], "paper");
        assert_eq!(screen.counter.host_books().signatures().unwrap().len(), 1);
    }
}
