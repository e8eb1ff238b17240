//! What can go wrong with a card on a counter, on request: it is pulled out, or it falls silent.

use super::SandboxCard;

/// Faults a person asks for. Each happens once; afterwards the card behaves. Commands count as the card sees them: in T=0
/// GET RESPONSE is one of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The card leaves before it answers this command, counted from 1 after power on.
    pub tear: Option<u32>,
    /// The card never answers this command, counted from 1 after power on.
    pub mute: Option<u32>,
}

/// What comes back for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Data and status bytes.
    Answer(Vec<u8>),
    /// The card is out.
    Torn,
    /// Nothing, for ever.
    Silence,
}

/// A card with a fault to come.
#[derive(Debug)]
pub struct FaultyCard {
    card: SandboxCard,
    faults: Faults,
    commands: u32,
}

impl FaultyCard {
    /// A card that behaves until the fault's turn.
    pub const fn new(card: SandboxCard, faults: Faults) -> Self {
        Self { card, faults, commands: 0 }
    }

    /// Powers or resets the card; commands are counted from here.
    pub fn power_on(&mut self) -> &[u8] {
        self.commands = 0;
        self.card.power_on()
    }

    /// The card itself.
    pub const fn card(&self) -> &SandboxCard {
        &self.card
    }

    /// Commands since power on.
    pub const fn commands(&self) -> u32 {
        self.commands
    }

    /// Answers a command, or does not. A command that meets a fault is not carried out.
    pub fn transmit(&mut self, command: &[u8]) -> Reaction {
        self.commands = self.commands.saturating_add(1);
        let now = Some(self.commands);
        if self.faults.tear == now {
            self.faults.tear = None;
            return Reaction::Torn;
        }
        if self.faults.mute == now {
            self.faults.mute = None;
            return Reaction::Silence;
        }
        Reaction::Answer(self.card.transmit(command))
    }
}
