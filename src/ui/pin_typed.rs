//! The PIN being typed: one buffer that never grows and is wiped. Its digits go nowhere but into a [`Pin`].

use zeroize::{Zeroize, Zeroizing};

use crate::pin::Pin;

/// The longest PIN (ISO 9564-1, 8.1).
const MOST_DIGITS: usize = 12;

/// Digits typed so far. Deliberately without `Debug`.
pub(super) struct PinTyped(Zeroizing<Vec<u8>>);

impl PinTyped {
    /// Nothing typed yet.
    pub(super) fn new() -> Self {
        // Room for all digits: a buffer that grows leaves copies behind.
        Self(Zeroizing::new(Vec::with_capacity(MOST_DIGITS)))
    }

    /// Appends a digit; one more than a PIN has changes nothing.
    pub(super) fn push(&mut self, digit: u8) {
        if digit <= 9 && self.0.len() < MOST_DIGITS {
            self.0.push(b'0' + digit);
        }
    }

    /// Takes the last digit back.
    pub(super) fn delete(&mut self) {
        if let Some(last) = self.0.last_mut() {
            last.zeroize();
        }
        self.0.pop();
    }

    /// Forgets every digit.
    pub(super) fn wipe(&mut self) {
        self.0.zeroize();
    }

    /// How many digits have been typed.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The PIN, when there are enough digits for one; they are then no longer here.
    pub(super) fn take(&mut self) -> Option<Pin> {
        if self.0.len() < Pin::FEWEST_DIGITS {
            return None;
        }
        let typed = std::mem::replace(self, Self::new());
        Pin::new(typed.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(digits: &[u8]) -> PinTyped {
        let mut pin = PinTyped::new();
        for digit in digits {
            pin.push(*digit);
        }
        pin
    }

    #[test]
    fn four_to_twelve_digits_are_a_pin_and_leave_nothing_behind() {
        for (digits, taken) in [
            (&[][..], None),
            (&[1, 2, 3], None),
            (&[1, 2, 3, 4], Some("1234")),
            (&[9; 12], Some("999999999999")),
            (&[9; 13], Some("999999999999")),
            (&[1, 10, 2, 3, 4], Some("1234")),
        ] {
            let mut pin = typed(digits);
            let found = pin.take();
            assert_eq!(found.as_ref().map(Pin::expose_digits), taken.map(str::as_bytes), "{digits:?}");
            assert_eq!(pin.count(), if taken.is_some() { 0 } else { digits.len() }, "{digits:?}");
        }
    }

    #[test]
    fn the_buffer_never_moves_and_is_wiped_to_its_end() {
        let mut pin = typed(&[]);
        let (place, room) = (pin.0.as_ptr(), pin.0.capacity());
        for _ in 0..20 {
            pin.push(7);
        }
        pin.delete();
        pin.push(8);
        assert_eq!((pin.count(), pin.0.as_ptr(), pin.0.capacity()), (12, place, room));
        pin.wipe();
        assert_eq!((pin.count(), pin.0.as_ptr()), (0, place));
        // What a vector of that length would show now.
        pin.0.resize(12, 0);
        assert_eq!(*pin.0, [0; 12]);
    }
}
