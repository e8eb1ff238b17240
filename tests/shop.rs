//! The shop that other tests rely on: its network is closed, its card service and its screen are real, and it leaves
//! nothing behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use support::running::Running;
use support::shop::{CARD_PORT, Shop};

/// Set for the half of a test that runs inside of the shop: the test program starts itself there.
const INSIDE: &str = "YIMA_TEST_INSIDE_SHOP";

#[test]
fn a_shop_reaches_nothing_but_itself() {
    let shop = Shop::open();
    let links = shop.command("ip").args(["-brief", "link"]).output().unwrap();
    let links = String::from_utf8(links.stdout).unwrap();
    assert_eq!(links.lines().count(), 1, "only the loopback: {links}");
    assert!(links.starts_with("lo ") && links.contains("LOWER_UP"), "{links}");

    let routes = shop.command("ip").args(["route", "show", "table", "main"]).output().unwrap();
    assert_eq!(String::from_utf8(routes.stdout).unwrap(), "", "no way out");
}

#[test]
fn a_program_meets_a_card_through_pcscd() {
    const ANSWER_TO_RESET: [u8; 4] = [0x3B, 0x02, 0x14, 0x50];
    if std::env::var_os(INSIDE).is_some() {
        let card = std::thread::spawn(|| be_a_card_until_disconnected(&ANSWER_TO_RESET));
        let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
        let names = context.list_readers_owned().unwrap();
        assert!(names[0].to_str().unwrap().starts_with("Virtual PCD"), "{names:?}");
        let mut states = [pcsc::ReaderState::new(names[0].clone(), pcsc::State::EMPTY)];
        context.get_status_change(Duration::from_secs(30), &mut states).unwrap();
        assert!(states[0].event_state().contains(pcsc::State::PRESENT), "{:?}", states[0].event_state());
        assert_eq!(states[0].atr(), ANSWER_TO_RESET);
        drop(card);
        return;
    }
    let mut shop = Shop::open();
    shop.start_reader();
    let mut again = shop.command(std::env::current_exe().unwrap());
    again.args(["--exact", "a_program_meets_a_card_through_pcscd", "--nocapture"]).env(INSIDE, "1");
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the inner half did not run");
}

#[test]
fn the_screen_has_the_size_asked_for_and_takes_the_pointer() {
    let mut shop = Shop::open();
    shop.start_screen(480, 800);
    let picture = shop.picture();
    assert_eq!((picture.width, picture.height), (480, 800));
    assert_eq!(picture.pixel(479, 799), [255, 255, 255]);

    shop.click(123, 456);
    shop.key("Return");
    let place = shop.command("xdotool").arg("getmouselocation").output().unwrap();
    assert!(String::from_utf8(place.stdout).unwrap().starts_with("x:123 y:456 "));

    let file = shop.folder().join("pictures/screen.png");
    picture.save(&file);
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&file).unwrap()));
    let reader = decoder.read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (480, 800));
}

#[test]
fn two_shops_use_the_same_port_and_the_same_display() {
    let (mut here, mut there) = (Shop::open(), Shop::open());
    for shop in [&mut here, &mut there] {
        shop.start_reader();
        shop.start_screen(320, 240);
    }
    here.click(5, 6);
    let pointer = there.command("xdotool").arg("getmouselocation").output().unwrap();
    assert!(!String::from_utf8(pointer.stdout).unwrap().starts_with("x:5 y:6 "), "the pointer moved in both");
    assert!(here.listens_on(CARD_PORT) && there.listens_on(CARD_PORT));
}

#[test]
fn a_shop_has_pseudo_terminals_of_its_own() {
    let shop = Shop::open();
    let outside = nix::pty::openpty(None, None).unwrap();
    let list = || String::from_utf8(shop.command("ls").arg("/dev/pts").output().unwrap().stdout).unwrap();
    assert_eq!(list().trim(), "ptmx", "those of other shops are not seen");
    // Opening the multiplexer makes one, also by its other name.
    let make = "exec 3<>/dev/ptmx && ls /dev/pts";
    let made = shop.command("sh").args(["-c", make]).output().unwrap();
    assert_eq!(String::from_utf8(made.stdout).unwrap().split_whitespace().collect::<Vec<_>>(), ["0", "ptmx"]);
    drop(outside);
}

#[test]
fn a_command_runs_in_the_folder_it_was_given() {
    let shop = Shop::open();
    let output = shop.command("pwd").current_dir(shop.folder()).output().unwrap();
    let folder = shop.folder().canonicalize().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), folder.to_str().unwrap());
}

#[test]
fn nothing_outlives_the_shop() {
    let mut shop = Shop::open();
    shop.start_reader();
    shop.start_screen(320, 240);
    let program = Running::start("sleep", shop.command("sleep").arg("600"));
    let mut processes = shop.processes();
    processes.push(program.id());
    assert_eq!(processes.len(), 4);
    assert!(processes.iter().all(|id| Path::new(&format!("/proc/{id}")).exists()));
    let folder = shop.folder().to_owned();
    drop(program);
    drop(shop);
    assert!(processes.iter().all(|id| !Path::new(&format!("/proc/{id}")).exists()));
    assert!(!folder.exists());
}

#[test]
fn a_program_that_nobody_waits_for_ends_with_the_thread_that_started_it() {
    let shop = Shop::open();
    let abandoned = std::thread::scope(|scope| {
        let start = || {
            let mut command = shop.command("sh");
            command.args(["-c", "echo on; exec sleep 600"]).stdout(Stdio::piped());
            let mut program = Running::start("sleep", &mut command);
            // Once it speaks, the kernel has been told whom it must not outlive.
            program.child().stdout.take().unwrap().read_exact(&mut [0; 2]).unwrap();
            program
        };
        scope.spawn(start).join().unwrap()
    });
    assert_eq!(abandoned.wait(Duration::from_secs(30)).signal(), Some(9));
}

#[test]
#[should_panic = "apt-get install its-package"]
fn a_missing_part_fails_with_the_command_that_installs_it() {
    support::parts::find_something_absent();
}

/// Serves vpcd as a card that answers to reset and to nothing else: 16-bit length, then a control byte (4 asks for the
/// answer to reset) or a command.
fn be_a_card_until_disconnected(answer_to_reset: &[u8]) {
    let mut reader = TcpStream::connect(("127.0.0.1", CARD_PORT)).unwrap();
    reader.set_nodelay(true).unwrap();
    let mut length = [0; 2];
    while reader.read_exact(&mut length).is_ok() {
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        reader.read_exact(&mut message).unwrap();
        let answer: &[u8] = match message[..] {
            [4] => answer_to_reset,
            [_] => continue,
            _ => &[0x6D, 0x00],
        };
        let length = u16::try_from(answer.len()).unwrap();
        reader.write_all(&[&length.to_be_bytes()[..], answer].concat()).unwrap();
    }
}
