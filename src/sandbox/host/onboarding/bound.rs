//! One machine, one code, on every message: what it names must be what the register has, and the merchant must be one that may
//! trade.

use super::application::State;
use super::register::{Register, RegisterError};
use crate::acquirer::device::DeviceRecord;
use crate::crypto::mac;
use crate::iso8583::{Message, Mti};
use crate::sandbox::host::rules::{Refusal, unknown_terminal};
use crate::sandbox::host::store::{Store, StoreError, Terminal};
use crate::terminal::binding::BindingMark;
use crate::terminal::machine::MachineProof;

/// What the register has of a terminal that sends a message.
#[derive(Debug)]
pub struct Bound {
    /// What stands for its binding record.
    pub mark: BindingMark,
    suspended: bool,
    decommissioned: bool,
    machine: Option<MachineProof>,
}

impl Bound {
    /// Looks a terminal up. Nothing when it was never enrolled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(store: &Store, terminal: &str) -> Result<Option<Self>, StoreError> {
        let found = store.register(|register: &Register<'_>| register.of_terminal(terminal));
        let found = found.map_err(|error| match error {
            RegisterError::Store(error) => error,
            other => StoreError::Row(other.to_string()),
        })?;
        let Some(application) = found else { return Ok(None) };
        let Some(record) = application.record() else { return Ok(None) };
        Ok(Some(Self {
            mark: record.mark()?,
            suspended: application.state == State::Suspended,
            decommissioned: application.state == State::Decommissioned,
            machine: application.machine.as_deref().and_then(MachineProof::of_key),
        }))
    }

    /// Compares what the message names with the register: acquirer (F32), the binding record and the machine (F59).
    ///
    /// # Errors
    /// A [`Refusal`] that says which value it is.
    pub fn check(&self, terminal: &Terminal, message: &Message, record: &DeviceRecord) -> Result<(), Refusal> {
        if message.text(32) != Some(&terminal.acquirer) {
            let found = message.text(32).unwrap_or("missing");
            return Err(unknown_terminal(format!("the acquirer code is {found}, registered is {}", terminal.acquirer)));
        }
        if let Some(value) = self.mark.disagreement(record.binding.as_deref().unwrap_or_default()) {
            return Err(unknown_terminal(format!("the {value} is not the registered one")));
        }
        let machine = self.machine.as_ref().ok_or_else(|| unknown_terminal("no machine is registered"))?;
        let right = machine.over(&record.serial_number, &record.factor).unwrap_or_default();
        if !mac::equal(right.as_bytes(), record.machine.as_deref().unwrap_or_default().as_bytes()) {
            return Err(unknown_terminal(
                "the request comes from another machine than the one that was enrolled: a clone",
            ));
        }
        Ok(())
    }

    /// A suspended merchant takes no payment, and no terminal that was taken out of service does. What is to be taken back or
    /// told of earlier payments still comes through, and the keys for it: a customer's money does not stay with a shop that
    /// has closed.
    ///
    /// # Errors
    /// A [`Refusal`] for a payment, and for an echo, so that the terminal knows before a customer does.
    pub fn may_trade(&self, message: &Message) -> Result<(), Refusal> {
        let about_money_back = matches!(
            message.mti(),
            Mti::REVERSAL_REQUEST
                | Mti::BATCH_UPLOAD
                | Mti::SETTLEMENT_REQUEST
                | Mti::ADMINISTRATIVE_ADVICE
                | Mti::NETWORK_REQUEST
        );
        if about_money_back {
            return Ok(());
        }
        if self.decommissioned {
            return Err(unknown_terminal("this terminal was taken out of service"));
        }
        if self.suspended {
            return Err(Refusal { response_code: "03", reason: "the merchant is suspended".to_owned() });
        }
        Ok(())
    }
}
