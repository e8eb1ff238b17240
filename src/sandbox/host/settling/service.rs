//! The way of a message of a settlement through the host.

use jiff::Zoned;
use tracing::info;

use super::books;
use crate::acquirer::settlement::{
    Asked, WORDS_FIELD, batch_of, read_lines, read_place, write_account, write_closing, write_differences,
};
use crate::iso8583::settlement_rules::TOTALS_FIELD;
use crate::iso8583::{Frame, Message};
use crate::money::Currency;
use crate::sandbox::host::answers::{self, Says};
use crate::sandbox::host::service::{Known, Reply, Service, ServiceFailure, now_said};
use crate::sandbox::host::store::StoreError;

/// What a message is answered beside what it repeats.
struct Said {
    code: &'static str,
    totals: Option<String>,
    words: Option<Vec<u8>>,
}

impl Said {
    const fn code(code: &'static str) -> Self {
        Self { code, totals: None, words: None }
    }

    const fn words(words: Vec<u8>) -> Self {
        Self { code: "00", totals: None, words: Some(words) }
    }
}

/// It cannot be read.
const UNREADABLE: Said = Said::code("30");

impl Service {
    /// Answers a message of a settlement, or a question about the merchant's money.
    pub(in crate::sandbox::host) fn settlement(
        &self,
        asked: Asked,
        request: &Frame,
        terminal: &Known,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let said = self.settle(asked, &request.message, terminal, now)?;
        info!(?asked, terminal = terminal.terminal, code = said.code, "settlement");
        let says = Says { response_code: said.code, ..Says::default() };
        let mut answer = answers::message(&request.message, &says, Some(terminal.named()), now)
            .ok_or(ServiceFailure::NoAnswerType)?;
        if let Some(text) = &said.totals {
            answer = answer.with_text(TOTALS_FIELD, text);
        }
        if let Some(words) = &said.words {
            answer = answer.with_bytes(WORDS_FIELD, words);
        }
        let order = self.order(terminal)?;
        Ok(now_said(answers::ordering(&self.dialect, request, answer, terminal, order)?))
    }

    fn settle(&self, asked: Asked, message: &Message, terminal: &Known, now: &Zoned) -> Result<Said, StoreError> {
        let (Some(rules), Some(batch)) = (&self.dialect.settlement, batch_of(message)) else { return Ok(UNREADABLE) };
        let text = message.text(TOTALS_FIELD).unwrap_or_default();
        self.store.transaction(|books| match asked {
            Asked::Compare => Ok(match books::compare_totals(books, rules, terminal, batch, text, now)? {
                Some(totals) => Said { totals: Some(totals), ..Said::code("00") },
                None => UNREADABLE,
            }),
            Asked::Upload => match read_lines(&self.dialect, text, Currency::CNY) {
                Some(lines) => Ok(Said::code(books::take_lines(books, &terminal.terminal, batch, &lines)?)),
                None => Ok(UNREADABLE),
            },
            Asked::End => match text.parse() {
                Ok(lines) => Ok(match books::close(books, terminal, batch, lines, now)? {
                    Ok(closing) => Said::words(write_closing(&closing)),
                    Err(code) => Said::code(code),
                }),
                Err(_) => Ok(UNREADABLE),
            },
            Asked::Account => Ok(Said::words(write_account(&books::account(books, terminal)?))),
            Asked::Differences => match message.bytes(WORDS_FIELD).and_then(read_place) {
                Some((batch, after)) => {
                    let (differences, more) = books::page(books, &terminal.terminal, batch, after)?;
                    Ok(Said::words(write_differences(&differences, more)))
                }
                None => Ok(UNREADABLE),
            },
        })
    }
}
