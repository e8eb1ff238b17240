//! The drawer is opened without a sale: by whoever may, and written down before it opens.

use crate::app::engine::Core;
use crate::devices::printer::DrawerFault;
use crate::people::Deed;

impl Core {
    /// Opens it by hand. What cannot be written down does not happen.
    pub(in crate::app) fn open_drawer_by_hand(&mut self) {
        if self.parts.printer_profile.drawer.is_none() {
            return self.after_pulse(None, Err(DrawerFault::None));
        }
        let entry = self.entry(Deed::DrawerOpened, self.staff.on_duty).by(self.staff.given_by);
        if self.write_down(&entry) {
            self.send_pulse(None);
        }
    }
}
