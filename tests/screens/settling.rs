//! Settlement by touch: what is asked, what is sent, and the way back from everywhere.

use std::time::Duration;

use slint::platform::Key;
use yima::app::settlement_view::{
    AccountView, OneSettlement, OpenBatch, RequestView, SettlementIntent, SettlementView, WaitsFor,
};
use yima::app::view::{Intent, View};
use yima::settlement::closing::{State, Verdict};
use yima::terminal::mark::Mark;
use yima::ui::WindowOptions;
use yima::wording::Language;

use crate::pictures::save;
use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::targets::{everything_is_on_the_screen, nothing_covers_another};
use crate::touching::{benches, is_there, key, middle, touch};
use crate::views::{
    account, batch, closed, day, differing, fullest_sums, open_batch, past, settlement, settling, transactions, view,
};

fn wish(intent: SettlementIntent) -> [Intent; 1] {
    [Intent::Settlement(intent)]
}

fn open(batch: OpenBatch) -> View {
    view(settlement(SettlementView::Open(batch)))
}

fn silent() -> View {
    let mut one = settling(State::Comparing, None);
    one.request = Some(RequestView { asking: false, tries: 3, next_try: None });
    view(settlement(SettlementView::One(Box::new(one))))
}

#[test]
fn the_history_leads_to_the_open_batch_and_from_there_to_everything_else() {
    for bench in benches() {
        bench.show(view(transactions(Vec::new())));
        touch(&bench, "Settle up");
        assert_eq!(bench.sent(), wish(SettlementIntent::Show));
        bench.show(open(open_batch()));
        touch(&bench, "Settlements");
        touch(&bench, "Account");
        touch(&bench, "Charge");
        let [list, money] = [SettlementIntent::ShowPast(0), SettlementIntent::ShowAccount].map(Intent::Settlement);
        assert_eq!(bench.sent(), [list, money, Intent::ShowKeypad]);
    }
}

#[test]
fn a_settlement_begins_when_somebody_who_was_asked_says_yes() {
    for bench in benches() {
        bench.show(open(open_batch()));
        let place = middle(&bench, "Settle");
        touch(&bench, "Settle");
        assert_eq!(bench.sent(), []);
        assert!(
            (middle(&bench, "Yes, settle").y - place.y).abs() > 40.0
                || (middle(&bench, "Yes, settle").x - place.x).abs() > 200.0,
            "a finger that falls twice on one place settles nothing"
        );
        touch(&bench, "Not now");
        touch(&bench, "Settle");
        touch(&bench, "Yes, settle");
        assert_eq!(bench.sent(), [Intent::Settle { without_undecided: false }]);
        assert!(is_there(&bench, "Settle"), "the batch, until it is known what came of it");
    }
}

#[test]
fn whoever_settles_over_what_is_undecided_is_told_so_first() {
    for bench in benches() {
        bench.show(open(OpenBatch { parked: 2, ..open_batch() }));
        touch(&bench, "Settle");
        assert!(!is_there(&bench, "Yes, settle"));
        touch(&bench, "Settle without them");
        assert_eq!(bench.sent(), [Intent::Settle { without_undecided: true }]);
        bench.show(open(OpenBatch { parked: 2, wanted: Some(WaitsFor::People), ..open_batch() }));
        touch(&bench, "Show what waits");
        touch(&bench, "Do not settle now");
        assert_eq!(bench.sent(), [Intent::ShowQueue(0), Intent::Settlement(SettlementIntent::Withdraw)]);
        touch(&bench, "Settle without them");
        assert_eq!(bench.sent(), [], "asked once");
        touch(&bench, "Settle without them");
        assert_eq!(bench.sent(), [Intent::Settle { without_undecided: true }]);
    }
}

#[test]
fn a_batch_that_cannot_be_added_up_is_not_settled_here() {
    for bench in benches() {
        bench.show(open(OpenBatch { sums: Err("two currencies".to_owned()), ..open_batch() }));
        touch(&bench, "Settle");
        key(&bench, Key::Return);
        assert!(!is_there(&bench, "Yes, settle"));
        bench.show(open(OpenBatch { can_settle: false, ..open_batch() }));
        touch(&bench, "Settle");
        assert!(!is_there(&bench, "Yes, settle"));
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn a_settlement_is_given_up_by_who_was_asked_twice_and_only_where_it_comes_to_nothing() {
    for bench in benches() {
        bench.show(view(settlement(SettlementView::One(Box::new(settling(State::Comparing, None))))));
        assert!(!is_there(&bench, "Give up") && !is_there(&bench, "Try now"));
        bench.show(silent());
        touch(&bench, "Try now");
        assert_eq!(bench.sent(), wish(SettlementIntent::TryNow));
        touch(&bench, "Give up");
        let place = middle(&bench, "The acquirer settles it");
        touch(&bench, "The acquirer settles it");
        assert!(is_there(&bench, "This cannot be undone"));
        assert!((middle(&bench, "Give it up").y - place.y).abs() > 40.0);
        touch(&bench, "Back");
        touch(&bench, "The acquirer settles it");
        assert_eq!(bench.sent(), []);
        touch(&bench, "Give it up");
        assert_eq!(bench.sent(), wish(SettlementIntent::GiveUp(batch(1))));
    }
}

#[test]
fn whoever_is_asked_about_a_settlement_that_ends_meanwhile_gives_nothing_up() {
    for bench in benches() {
        bench.show(silent());
        touch(&bench, "Give up");
        touch(&bench, "The acquirer settles it");
        bench.show(view(settlement(SettlementView::One(Box::new(closed())))));
        assert!(!is_there(&bench, "Give it up"));
        assert!(is_there(&bench, "Print again"));
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn a_settlement_of_the_list_is_opened_read_and_printed_again() {
    for bench in benches() {
        bench.show(view(settlement(SettlementView::Past(past()))));
        touch(&bench, "000005, 3 differ, ¥1,586.50, 11-21 23:30");
        touch(&bench, "Next page");
        assert_eq!(
            bench.sent(),
            [SettlementIntent::ShowOne(batch(5)), SettlementIntent::ShowPast(1)].map(Intent::Settlement)
        );
        bench.show(view(settlement(SettlementView::One(Box::new(differing())))));
        touch(&bench, "Print again");
        assert_eq!(bench.sent(), wish(SettlementIntent::Reprint(batch(1))));
        touch(&bench, "What differs (6)");
        assert!(is_there(&bench, "Two amounts, here ¥2.00, bank ¥2.50, 000123 · 263260000001"));
        touch(&bench, "Next page");
        assert!(is_there(&bench, "Not known here, here nothing, bank ¥9.00, 777777 · 263260000001"));
        // The same again disturbs nobody who reads.
        bench.show(view(settlement(SettlementView::One(Box::new(differing())))));
        assert!(is_there(&bench, "Not known here, here nothing, bank ¥9.00, 777777 · 263260000001"));
        touch(&bench, "Back");
        touch(&bench, "Sums");
        assert!(is_there(&bench, "Refund × 1, −¥35.00, UnionPay"));
        key(&bench, Key::Escape);
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [Intent::ShowKeypad]);
    }
}

/// The day's sums, one after the other: what was touched is shown from its first page on, whatever page another was at.
#[test]
fn the_sums_of_a_day_are_shown_by_type_in_cash_by_cashier_and_by_good() {
    for bench in benches() {
        bench.show(open(OpenBatch { sums: Ok(day()), ..open_batch() }));
        assert!(is_there(&bench, "Sale × 28, ¥1,234.50, UnionPay"));
        touch(&bench, "Sums in cash");
        assert!(is_there(&bench, "Cash sale × 12, ¥345.60, not settled by the bank"));
        assert!(is_there(&bench, "Cash refund × 1, −¥5.00, not settled by the bank"));
        assert!(!is_there(&bench, "Next page"));
        touch(&bench, "Sums by cashier");
        assert!(
            is_there(&bench, "Code payment × 7, ¥87.00, 01 小王") && !is_there(&bench, "Tips in it, ¥23.00, 01 小王")
        );
        touch(&bench, "Next page");
        assert!(is_there(&bench, "Tips in it, ¥23.00, 01 小王") && is_there(&bench, "Refund × 1, −¥35.00, 99"));
        // The same again disturbs nobody who reads.
        bench.show(open(OpenBatch { sums: Ok(day()), ..open_batch() }));
        assert!(is_there(&bench, "Refund × 1, −¥35.00, 99"));
        touch(&bench, "Sums by good");
        assert!(is_there(&bench, "12.345kg 苹果, ¥145.67") && !is_there(&bench, "123 other goods, ¥999.00"));
        touch(&bench, "Next page");
        assert!(is_there(&bench, "123 other goods, ¥999.00"));
        // What another batch has none of is not asked about.
        bench.show(open(OpenBatch { batch: batch(3), ..open_batch() }));
        assert!(is_there(&bench, "Sale × 28, ¥1,234.50, UnionPay") && !is_there(&bench, "Sums by good"));
        assert_eq!(bench.sent(), []);
        // A settlement has them as well.
        let one = OneSettlement { sums: Ok(day()), ..closed() };
        bench.show(view(settlement(SettlementView::One(Box::new(one)))));
        touch(&bench, "Sums");
        touch(&bench, "Sums by good");
        assert!(is_there(&bench, "12.345kg 苹果, ¥145.67"));
    }
}

#[test]
fn the_sums_of_a_day_stay_on_the_screen_however_long_they_are() {
    for (shape, (width, height)) in [("portrait", PORTRAIT), ("landscape", LANDSCAPE), ("1024x600", (1024, 600))] {
        for (word, language, parts) in [
            ("en", Language::English, ["Sums by type", "Sums in cash", "Sums by cashier", "Sums by good"]),
            ("zh", Language::Chinese, ["按类型汇总", "现金汇总", "按操作员汇总", "按商品汇总"]),
        ] {
            for (which, sums) in [("day", day()), ("fullest", fullest_sums())] {
                let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
                bench.show(View { mark: Mark::Test, ..open(OpenBatch { sums: Ok(sums), ..open_batch() }) });
                for (step, part) in parts.into_iter().enumerate() {
                    touch(&bench, part);
                    bench.pass(Duration::from_millis(300));
                    let name = format!("settlement-sums-{which}-{}-{shape}-{word}", step + 1);
                    save(&bench.pixels(), &name);
                    everything_is_on_the_screen(&bench, (width, height), &name);
                    nothing_covers_another(&bench, &name);
                }
            }
        }
    }
}

#[test]
fn an_account_that_is_not_told_can_be_asked_for_again() {
    for bench in benches() {
        bench.show(view(settlement(SettlementView::Account(AccountView::Asking))));
        touch(&bench, "Ask again");
        assert_eq!(bench.sent(), [], "once is enough");
        let detail = "timed out".to_owned();
        bench.show(view(settlement(SettlementView::Account(AccountView::NotTold { unreachable: false, detail }))));
        touch(&bench, "Ask again");
        assert_eq!(bench.sent(), wish(SettlementIntent::ShowAccount));
        bench.show(view(settlement(SettlementView::Account(AccountView::Told(account())))));
        touch(&bench, "Next page");
        assert!(is_there(&bench, "000002, posted, ¥1.00, ¥1.00 − ¥0.00, 11-21 23:30"));
    }
}

/// What is under way speaks of what is true now.
#[test]
fn the_steps_of_a_settlement_say_how_far_it_is() {
    for bench in benches() {
        for (state, verdict, there, not) in [
            (State::Comparing, None, "Comparing totals", "Telling each payment: 16 of 38"),
            (State::Uploading, Some(Verdict::Different), "Telling each payment: 16 of 38", "Comparing totals"),
            (State::Ending, Some(Verdict::Equal), "Totals are compared: they are equal", "Asking what differs"),
            (State::Reading, Some(Verdict::Different), "Asking what differs", "Comparing totals"),
        ] {
            bench.show(view(settlement(SettlementView::One(Box::new(settling(state, verdict))))));
            assert!(is_there(&bench, there) && !is_there(&bench, not), "{state:?}");
        }
    }
}

/// The question before the last, drawn as far as a finger comes, in both languages.
#[test]
fn every_question_about_a_settlement_stays_on_the_screen() {
    for (shape, (width, height)) in [("portrait", PORTRAIT), ("landscape", LANDSCAPE), ("1024x600", (1024, 600))] {
        for (word, language, labels) in [
            ("en", Language::English, ["Give up", "The acquirer settles it"]),
            ("zh", Language::Chinese, ["放弃", "收单机构会结算"]),
        ] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            bench.show(View { mark: Mark::Test, ..silent() });
            for (step, label) in labels.into_iter().enumerate() {
                touch(&bench, label);
                bench.pass(Duration::from_millis(300));
                let name = format!("settlement-give-up-{}-{shape}-{word}", step + 1);
                everything_is_on_the_screen(&bench, (width, height), &name);
                nothing_covers_another(&bench, &name);
                save(&bench.pixels(), &name);
            }
        }
    }
}

#[test]
fn a_step_that_was_asked_about_one_batch_is_not_of_another() {
    for bench in benches() {
        bench.show(open(open_batch()));
        touch(&bench, "Settle");
        bench.show(open(OpenBatch { batch: batch(3), ..open_batch() }));
        assert!(!is_there(&bench, "Yes, settle"), "another batch is open meanwhile");
    }
}
