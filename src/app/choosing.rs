//! A cardholder is asked which application of the card shall pay, or whether the one there is may.

use super::engine::Core;
use super::running::Question;
use super::view::Screen;
use super::workers::reader;
use crate::clock;
use crate::crypto::hex;
use crate::emv::kernel::Choice;
use crate::money::Amount;
use crate::payment::sale::Event;

impl Core {
    /// Asks, as long as for a card. Whoever pulls the card out instead of answering sees at once that this ends the payment.
    pub(super) fn ask(&mut self, question: Question) {
        let Some(running) = self.running.as_mut() else { return };
        running.question = Some(question);
        running.question_until = Some(clock::instant() + self.parts.card_wait);
        self.reader.send(reader::Job::Watch { ticket: running.ticket });
        self.show_progress();
    }

    /// The cardholder has answered.
    pub(super) fn answered(&mut self, event: Event) {
        if let Some(running) = self.running.as_mut().filter(|running| running.question.is_some()) {
            running.timings.mark("choice");
            self.feed(event);
        }
    }

    /// Ends the time for an answer.
    pub(super) fn mind_question_time(&mut self) {
        if let Some(running) = self.running.as_mut()
            && running.question_until.is_some_and(|until| clock::instant() >= until)
        {
            running.question_until = None;
            self.feed(Event::ChoiceTimedOut);
        }
    }
}

/// The screen that asks.
pub(super) fn screen(question: &Question, amount: Amount) -> Screen {
    match question {
        Question::Which(names) => Screen::ChooseApplication { amount, applications: names.clone() },
        Question::Whether(name) => Screen::ConfirmApplication { amount, application: name.clone() },
    }
}

/// What people call an application; the name on the card when the card gives no other.
pub(super) fn name(choice: &Choice) -> String {
    let name = choice.name.trim();
    if name.is_empty() { hex::encode(&choice.df_name) } else { name.to_owned() }
}

/// The names of several. Where two are the same, the last digits of the name on the card tell them apart.
pub(super) fn names(choices: &[Choice]) -> Vec<String> {
    let names: Vec<_> = choices.iter().map(name).collect();
    let is_common = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let with_digits = |(choice, name): (&Choice, &String)| {
        if !is_common(name) {
            return name.clone();
        }
        let digits = hex::encode(&choice.df_name);
        format!("{name} {}", digits.get(10..).filter(|rest| !rest.is_empty()).unwrap_or(&digits))
    };
    choices.iter().zip(&names).map(with_digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_applications_are_called_the_same() {
        let choice = |name: &str, df_name: &str| Choice {
            name: name.to_owned(),
            df_name: hex::decode(df_name).unwrap(),
            needs_confirmation: false,
        };
        let choices = [
            choice("Debit", "A000000333010101"),
            choice("Credit", "A000000333010102"),
            choice(" Debit ", "A000000333010103"),
            choice("  ", "A000000333010106"),
            choice("", "A000000999"),
        ];
        assert_eq!(names(&choices), ["Debit 010101", "Credit", "Debit 010103", "A000000333010106", "A000000999"]);
    }
}
