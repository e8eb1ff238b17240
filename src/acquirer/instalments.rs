//! What a request by instalments asks for, and what its answer says of the plan: written and read as the dialect lays it out (pure). What
//! a plan may be says the payment core.

use crate::iso8583::instalment_rules::{Answered, Asked, InstalmentRules};
use crate::money::{Amount, Currency};
use crate::payment::instalments::{AskedInstalments, Fee, Periods, Plan};

/// What is asked for cannot be written: the programme has more characters than the dialect has room for, or no room at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of the programme, {0}, does not fit into a request of this dialect")]
pub struct ProgrammeTooLong(pub String);

/// Writes what is asked for.
///
/// # Errors
/// When the programme does not fit.
pub fn write_asked(rules: &InstalmentRules, asked: &AskedInstalments) -> Result<Vec<u8>, ProgrammeTooLong> {
    let programme = asked.programme.as_deref().unwrap_or_default();
    let room = rules.request.iter().find(|part| part.part == Asked::Programme).map_or(0, |part| part.length);
    if programme.len() > room {
        return Err(ProgrammeTooLong(programme.to_owned()));
    }
    let parts = rules.request.iter().map(|part| match part.part {
        Asked::Periods => format!("{:0width$}", asked.periods.number(), width = part.length),
        Asked::Programme => format!("{programme:<width$}", width = part.length),
    });
    Ok(parts.collect::<String>().into_bytes())
}

/// Reads what is asked for; nothing when it is not of the dialect's layout, or of no periods that there can be.
pub fn read_asked(rules: &InstalmentRules, field: &[u8]) -> Option<AskedInstalments> {
    let (mut periods, mut programme) = (None, None);
    let lengths = rules.request.iter().map(|part| part.length);
    for (part, text) in rules.request.iter().zip(split(field, lengths)?) {
        match part.part {
            Asked::Periods => periods = digits(text).and_then(|number| Periods::new(number.parse().ok()?).ok()),
            Asked::Programme => programme = Some(text.trim_end_matches(' ').to_owned()).filter(|text| !text.is_empty()),
        }
    }
    Some(AskedInstalments { periods: periods?, programme })
}

/// Writes a plan.
pub fn write_plan(rules: &InstalmentRules, plan: &Plan) -> Vec<u8> {
    let zero = Amount::zero(plan.first().currency());
    let (at_once, first, following) = match plan.fee() {
        Fee::None => (zero, zero, zero),
        Fee::AtOnce(fee) => (fee, zero, zero),
        Fee::ByPeriods { first, following } => (zero, first, following),
    };
    let parts = rules.answer.iter().map(|part| match part.part {
        Answered::First => plan.first().twelve_digits(),
        Answered::Following => plan.following().twelve_digits(),
        Answered::Fee => at_once.twelve_digits(),
        Answered::FirstFee => first.twelve_digits(),
        Answered::FollowingFee => following.twelve_digits(),
        Answered::Currency => format!("{:03}", plan.first().currency().numeric()),
        Answered::Unused => "0".repeat(part.length),
    });
    parts.collect::<String>().into_bytes()
}

/// Reads the plan of an amount in so many periods.
///
/// # Errors
/// What is wrong with it: it is not of the dialect's layout, of another currency, has a fee at once as well as by periods, or does not come
/// to the amount.
pub fn read_plan(rules: &InstalmentRules, field: &[u8], amount: Amount, periods: Periods) -> Result<Plan, String> {
    let currency = amount.currency();
    let layout = || format!("it is not the {} characters of a plan", rules.lengths().1);
    let zero = Amount::zero(currency);
    let (mut first, mut following) = (zero, zero);
    let (mut at_once, mut first_fee, mut following_fee) = (zero, zero, zero);
    let lengths = rules.answer.iter().map(|part| part.length);
    for (part, text) in rules.answer.iter().zip(split(field, lengths).ok_or_else(layout)?) {
        let place = match part.part {
            Answered::First => &mut first,
            Answered::Following => &mut following,
            Answered::Fee => &mut at_once,
            Answered::FirstFee => &mut first_fee,
            Answered::FollowingFee => &mut following_fee,
            Answered::Currency => {
                let told = digits(text).and_then(|digits| Currency::from_numeric(digits.parse().ok()?));
                if told != Some(currency) {
                    return Err(format!("its currency is {text}, that of the request {:03}", currency.numeric()));
                }
                continue;
            }
            Answered::Unused => continue,
        };
        let minor =
            digits(text).and_then(|digits| digits.parse().ok()).ok_or_else(|| format!("{text} is no amount"))?;
        *place = Amount::new(minor, currency).map_err(|error| error.to_string())?;
    }
    let fee = match (at_once.is_zero(), first_fee.is_zero() && following_fee.is_zero()) {
        (true, true) => Fee::None,
        (false, true) => Fee::AtOnce(at_once),
        (true, false) => Fee::ByPeriods { first: first_fee, following: following_fee },
        (false, false) => return Err("its fee is taken at once and by periods too".to_owned()),
    };
    Plan::new(amount, periods, first, following, fee).map_err(|error| error.to_string())
}

/// The parts of a field, which are all of it.
fn split(field: &[u8], lengths: impl Iterator<Item = usize>) -> Option<Vec<&str>> {
    let mut rest = std::str::from_utf8(field).ok().filter(|text| text.is_ascii())?;
    let mut parts = Vec::new();
    for length in lengths {
        let (part, behind) = rest.split_at_checked(length)?;
        parts.push(part);
        rest = behind;
    }
    rest.is_empty().then_some(parts)
}

fn digits(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;
    use crate::iso8583::Dialect;

    fn rules() -> InstalmentRules {
        Dialect::shipped("unionpay").unwrap().instalments.unwrap()
    }

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn six() -> Periods {
        Periods::new(6).unwrap()
    }

    #[test]
    fn what_is_asked_for_is_read_as_it_was_written() {
        let rules = rules();
        for (programme, written) in
            [(Some("0001"), "060001                          "), (None, "06                              ")]
        {
            let asked = AskedInstalments { periods: six(), programme: programme.map(str::to_owned) };
            let field = write_asked(&rules, &asked).unwrap();
            assert_eq!(std::str::from_utf8(&field), Ok(written));
            assert_eq!(read_asked(&rules, &field), Some(asked));
        }
        let long = AskedInstalments { periods: six(), programme: Some("1".repeat(31)) };
        assert_eq!(write_asked(&rules, &long), Err(ProgrammeTooLong("1".repeat(31))));
        let blanks = " ".repeat(30);
        for wrong in
            [format!("01{blanks}"), format!("+6{blanks}"), format!("06{blanks} "), "06".to_owned(), String::new()]
        {
            assert_eq!(read_asked(&rules, wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written_whatever_its_fee() {
        let rules = rules();
        let plan = |fee| Plan::new(yuan(60_005), six(), yuan(10_005), yuan(10_000), fee).unwrap();
        let by_periods = Fee::ByPeriods { first: yuan(365), following: yuan(360) };
        for (fee, written) in [
            (Fee::None, "000000010005156000000000000000000000000000000000000000000000000000000010000"),
            (Fee::AtOnce(yuan(2160)), "000000010005156000000002160000000000000000000000000000000000000000000010000"),
            (by_periods, "000000010005156000000000000000000000000000000000365000000000360000000010000"),
        ] {
            let field = write_plan(&rules, &plan(fee));
            assert_eq!(std::str::from_utf8(&field), Ok(written));
            assert_eq!(read_plan(&rules, &field, yuan(60_005), six()), Ok(plan(fee)));
        }
    }

    #[test]
    fn what_is_no_plan_of_this_amount_says_why() {
        let rules = rules();
        let right = "000000010005156000000000000000000000000000000000000000000000000000000010000";
        for (from, to, said) in [
            (right, "", "not the 75 characters"),
            ("10005156", "1000515", "not the 75 characters"),
            ("10005156", "10005840", "its currency is 840"),
            ("10005156", "10006156", "do not come to"),
            ("000000010005156", "00000001000-156", "is no amount"),
            ("156000000000000", "156000000000001", ""),
            ("000000010000", "000000000000", "a period"),
        ] {
            let field = right.replacen(from, to, 1);
            let read = read_plan(&rules, field.as_bytes(), yuan(60_005), six());
            match read {
                Ok(plan) => assert!(said.is_empty() && plan.fee() == Fee::AtOnce(yuan(1)), "{to}"),
                Err(error) => assert!(!said.is_empty() && error.contains(said), "{to}: {error}"),
            }
        }
        let both = "000000010005156000000000001000000000000000000000001000000000000000000010000";
        let error = read_plan(&rules, both.as_bytes(), yuan(60_005), six()).unwrap_err();
        assert!(error.contains("at once and by periods"), "{error}");
        let seven = Periods::new(7).unwrap();
        assert!(read_plan(&rules, right.as_bytes(), yuan(60_005), seven).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let rules = rules();
            prop_assert!(read_asked(&rules, &bytes).is_none_or(|asked| asked.periods.number() > 1));
            let read = read_plan(&rules, &bytes, yuan(60_005), six());
            prop_assert!(read.is_err() || read.is_ok_and(|plan| plan.is_of(yuan(60_005), six())));
        }
    }
}
