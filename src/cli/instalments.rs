//! What a command says of instalments.

use serde_json::{Value, json};

use crate::payment::instalments::{Fee, Instalments, Plan};
use crate::wording::Language;

/// What was asked for, and the plan once there is one; amounts like `100.05`.
pub(super) fn as_json(instalments: &Instalments) -> Value {
    let plan = instalments.plan.as_ref();
    json!({
        "periods": instalments.asked.periods.number(),
        "programme": instalments.asked.programme,
        "first": plan.map(|plan| plan.first().to_string()),
        "following": plan.map(|plan| plan.following().to_string()),
        "fee": plan.map(|plan| fee_as_json(plan.fee())),
    })
}

/// A plan in the books of the host.
pub(super) fn plan_as_json(plan: &Plan) -> Value {
    json!({
        "periods": plan.periods().number(),
        "first": plan.first().to_string(),
        "following": plan.following().to_string(),
        "fee": fee_as_json(plan.fee()),
    })
}

fn fee_as_json(fee: Fee) -> Value {
    let (at_once, first, following) = match fee {
        Fee::None => (None, None, None),
        Fee::AtOnce(fee) => (Some(fee), None, None),
        Fee::ByPeriods { first, following } => (None, Some(first), Some(following)),
    };
    json!({
        "taken": fee.word(),
        "amount": at_once.map(|fee| fee.to_string()),
        "first": first.map(|fee| fee.to_string()),
        "following": following.map(|fee| fee.to_string()),
    })
}

/// The same in a line for people.
pub(super) fn line(instalments: &Instalments, language: Language) -> String {
    let periods = instalments.asked.periods;
    match (&instalments.plan, language) {
        (None, Language::Chinese) => format!("分 {periods} 期"),
        (None, Language::English) => format!("{periods} instalments"),
        (Some(plan), _) => plan_line(plan, language),
    }
}

/// A plan in a line.
pub(super) fn plan_line(plan: &Plan, language: Language) -> String {
    let (periods, first, following) = (plan.periods(), plan.first().grouped(), plan.following().grouped());
    match language {
        Language::Chinese => {
            let fee = match plan.fee() {
                Fee::None => "无手续费".to_owned(),
                Fee::AtOnce(fee) => format!("手续费一次收取 {}", fee.grouped()),
                Fee::ByPeriods { first, following } => {
                    format!("手续费首期 {}，其后每期 {}", first.grouped(), following.grouped())
                }
            };
            format!("分 {periods} 期：首期 {first}，其后每期 {following}，{fee}")
        }
        Language::English => {
            let fee = match plan.fee() {
                Fee::None => "no fee".to_owned(),
                Fee::AtOnce(fee) => format!("a fee of {} at once", fee.grouped()),
                Fee::ByPeriods { first, following } => {
                    format!(
                        "a fee of {} with the first and {} with each that follows",
                        first.grouped(),
                        following.grouped()
                    )
                }
            };
            format!("{periods} instalments: {first}, then {following} each; {fee}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Amount, Currency};
    use crate::payment::instalments::{AskedInstalments, Periods};

    #[test]
    fn a_plan_is_told_to_people_and_programs_with_how_its_fee_is_taken() {
        let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let periods = Periods::new(6).unwrap();
        let of = |fee| {
            let plan = Plan::new(yuan(600_005), periods, yuan(100_005), yuan(100_000), fee).ok();
            Instalments { asked: AskedInstalments { periods, programme: None }, plan }
        };
        let by_periods = Fee::ByPeriods { first: yuan(365), following: yuan(360) };
        for (fee, word, zh, en) in [
            (Fee::None, "none", "无手续费", "no fee"),
            (Fee::AtOnce(yuan(2160)), "at_once", "手续费一次收取 21.60", "a fee of 21.60 at once"),
            (by_periods, "by_periods", "手续费首期 3.65，其后每期 3.60", "3.65 with the first and 3.60 with each"),
        ] {
            let told = as_json(&of(fee));
            assert_eq!((told["first"].as_str(), told["following"].as_str()), (Some("1000.05"), Some("1000.00")));
            assert_eq!((told["periods"].as_u64(), told["fee"]["taken"].as_str()), (Some(6), Some(word)));
            let said = line(&of(fee), Language::Chinese);
            assert!(said.starts_with("分 6 期：首期 1,000.05，其后每期 1,000.00，") && said.ends_with(zh), "{said}");
            assert!(line(&of(fee), Language::English).contains(en));
        }
        let asked = Instalments { plan: None, ..of(Fee::None) };
        assert_eq!(
            (as_json(&asked)["fee"].is_null(), line(&asked, Language::English)),
            (true, "6 instalments".to_owned())
        );
    }
}
