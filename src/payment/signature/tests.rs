use proptest::prelude::*;

use super::*;
use crate::iso8583::Dialect;
use crate::link_fault::LinkFault;
use crate::payment::online::Unreached;
use crate::reference::ResponseCode;

/// A wave with so many turns across the pad.
fn wave(turns: u16) -> Strokes {
    let mut strokes = Strokes::default();
    let place = |step: u16| {
        let share = f64::from(step) / 400.0;
        let angle = share * f64::from(turns) * std::f64::consts::TAU;
        Point { x: (300.0 + share * 3200.0 + 90.0 * angle.cos()) as u16, y: (960.0 + 600.0 * angle.sin()) as u16 }
    };
    strokes.begin(place(0));
    (1..=400).for_each(|step| {
        strokes.go_on(place(step));
    });
    strokes
}

fn answer(decision: Decision, code: &str) -> Result<HostAnswer, LinkFailure> {
    Ok(HostAnswer {
        decision,
        response_code: ResponseCode::parse(code).unwrap(),
        rrn: None,
        authorisation_code: None,
        issuer_data: Vec::new(),
        balances: Vec::new(),
        plan: None,
    })
}

#[test]
fn a_signature_that_is_not_here_is_given_with_a_pen() {
    for (wanted, here, word) in [(true, true, "screen"), (true, false, "paper"), (false, false, "none")] {
        assert_eq!(SignedOn::of(wanted, here).word(), word);
    }
}

#[test]
fn only_enough_ink_is_a_signature_and_everything_else_is_for_a_pen() {
    let mut touched = Strokes::default();
    assert!(touched.is_empty() && !touched.is_enough());
    touched.begin(Point { x: 100, y: 100 });
    touched.go_on(Point { x: 140, y: 120 });
    for strokes in [Strokes::default(), touched] {
        assert_eq!(step(&Event::Done(strokes), 999), Outcome::StillAsked);
    }
    let Outcome::Signed(signature) = step(&Event::Done(wave(6)), 999) else { panic!("it is one") };
    assert!(signature.data().len() <= 999 && signature.picture().width() == 384, "{signature:?}");
    for (event, why) in
        [(Event::OnPaper, WhyPaper::Wanted), (Event::Left, WhyPaper::Left), (Event::TimeUp, WhyPaper::TimeUp)]
    {
        assert_eq!(step(&event, 999), Outcome::OnPaper(why));
    }
    assert_eq!(step(&Event::Done(wave(6)), 30), Outcome::OnPaper(WhyPaper::TooLong));
    assert!(!format!("{:?} {signature:?}", Event::Done(wave(6))).contains("x:"), "nobody reads it in a log");
}

#[test]
fn a_picture_that_would_be_too_long_is_drawn_coarser() {
    let fine = Signature::of(&wave(3), 999).unwrap();
    let mut widths = vec![fine.picture().width()];
    for most in [400, 300, 200, 150] {
        let Some(coarser) = Signature::of(&wave(12), most) else { continue };
        assert!(coarser.data().len() <= most, "{most}: {coarser:?}");
        widths.push(coarser.picture().width());
    }
    assert!(widths.len() > 2 && widths.is_sorted_by(|one, next| one >= next), "{widths:?}");
    assert!(widths.last() < widths.first(), "{widths:?}");
    // The longest that a finger can draw fits in some way, or is signed with a pen.
    let mut scribble = Strokes::default();
    scribble.begin(Point::default());
    for step in 0..30_000_u32 {
        let at = |by: u32, most: u16| (step.wrapping_mul(by) % u32::from(most)) as u16;
        scribble.go_on(Point { x: at(7919, Strokes::WIDTH), y: at(104_729, Strokes::HEIGHT) });
    }
    assert!(format!("{scribble:?}").contains("20000 points"), "{scribble:?}");
    assert!(Signature::of(&scribble, 999).is_none_or(|signature| signature.data().len() <= 999));
}

#[test]
fn a_line_is_as_wide_as_the_pen_without_gaps_and_only_its_rows_stay() {
    let mut strokes = Strokes::default();
    strokes.begin(Point { x: 400, y: 1000 });
    assert!(!strokes.go_on(Point { x: 400, y: 1000 }), "it has not moved");
    assert!(strokes.go_on(Point { x: 3400, y: 1000 }));
    for width in WIDTHS {
        let picture = strokes.drawn(width);
        let of = |unit: u32| i64::from(unit * width / u32::from(Strokes::WIDTH));
        let rows: Vec<i64> = (0..picture.height().into()).filter(|y| picture.is_black(of(1900), *y)).collect();
        assert!((1..=4).contains(&rows.len()), "{width}: {rows:?}");
        assert!((of(420)..of(3380)).all(|x| rows.iter().any(|y| picture.is_black(x, *y))), "{width}: a gap");
        assert!(!picture.is_black(of(300), rows[0]) && !picture.is_black(of(3500), rows[0]), "{width}");
        assert!(picture.height() <= 4 + 2 * 2, "{width}: {picture:?}");
    }
    assert_eq!(strokes.drawn(384).enlarged(1), strokes.drawn(384));
    let small = Signature::read(jbig::encode(&strokes.drawn(96))).unwrap();
    assert_eq!((small.on_paper(384).width(), small.on_paper(576).width()), (384, 576));
}

#[test]
fn what_is_drawn_as_the_finger_moves_is_what_is_kept_and_it_has_no_corners() {
    let mut strokes = Strokes::default();
    assert!(strokes.newest().is_empty() && strokes.last_piece().is_none() && !strokes.clone().go_on(Point::default()));
    let mut shown = Vec::new();
    for line in [&[(100, 100), (500, 100), (500, 700), (900, 900)][..], &[(2000, 1000)]] {
        for (index, (x, y)) in line.iter().copied().enumerate() {
            let point = Point { x, y };
            if index == 0 {
                strokes.begin(point)
            } else {
                assert!(strokes.go_on(point))
            }
            shown.extend(strokes.newest());
        }
        shown.extend(strokes.last_piece());
    }
    assert_eq!(strokes.pieces().collect::<Vec<_>>(), shown);
    assert!(shown.windows(2).take(15).all(|pair| pair[0].1 == pair[1].0 || pair[1].0 == pair[1].1), "without a gap");
    let corner = Point { x: 500, y: 100 };
    assert!(shown.iter().all(|(from, to)| *from != corner && *to != corner), "rounded off");
    assert_eq!(shown.last(), Some(&(Point { x: 2000, y: 1000 }, Point { x: 2000, y: 1000 })), "a touch is a dot");
}

#[test]
fn a_signature_is_given_up_at_the_third_refusal_and_silence_is_not_one() {
    let codes = Dialect::shipped("unionpay").unwrap().queue;
    let due = Try { counted: 0, most: 20, due: true, age_s: 60, approved: true };
    let early = Try { due: false, ..due };
    let old = Try { counted: 19, age_s: MIN_AGE_S, ..due };
    let code = |code: &str| ResponseCode::parse(code).ok();
    let silence = || Err(LinkFailure::NoAnswer("silence".to_owned()));
    for (what, result, this, refusals, verdict) in [
        ("taken", answer(Decision::Approved, "00"), due, 0, Verdict::Done),
        ("taken early", answer(Decision::Approved, "00"), early, 2, Verdict::Done),
        ("refused", answer(Decision::Refused, "25"), due, 0, Verdict::TryAgainCounted),
        ("refused again", answer(Decision::Refused, "96"), due, 1, Verdict::TryAgainCounted),
        ("for the third time", answer(Decision::Refused, "25"), due, 2, Verdict::GiveUp(code("25"))),
        ("before its time", answer(Decision::Refused, "25"), early, 2, Verdict::TryAgain),
        ("not proven", answer(Decision::Unproven, "97"), due, 2, Verdict::TryAgainCounted),
        ("not proven, and no 00", answer(Decision::Unproven, "00"), due, 0, Verdict::TryAgainCounted),
        ("silence", silence(), due, 2, Verdict::TryAgainCounted),
        ("silence for hours", silence(), old, 0, Verdict::GiveUp(None)),
        (
            "it never left",
            Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, ""))),
            old,
            2,
            Verdict::TryAgain,
        ),
    ] {
        assert_eq!(judge(&result, this, refusals, &codes), verdict, "{what}");
    }
}

proptest! {
    #[test]
    fn whatever_is_drawn_is_read_again_as_it_was(
        lines in proptest::collection::vec(
            proptest::collection::vec((any::<u16>(), any::<u16>()), 1..20), 1..6)
    ) {
        let mut strokes = Strokes::default();
        for line in lines {
            for (index, (x, y)) in line.into_iter().enumerate() {
                let point = Point { x: x % (Strokes::WIDTH + 1), y: y % (Strokes::HEIGHT + 1) };
                if index == 0 { strokes.begin(point) } else { strokes.go_on(point); }
            }
        }
        let signature = Signature::of(&strokes, 4096).unwrap();
        prop_assert!(signature.picture().black_dots() > 0);
        prop_assert_eq!(Signature::read(signature.data().to_vec()).unwrap(), signature);
    }
}
