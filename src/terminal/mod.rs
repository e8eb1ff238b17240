//! Who this machine is and how it is set up.

pub mod emv_files;
pub mod identity;
pub mod link;
pub mod settings;
