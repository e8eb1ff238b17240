//! Who this machine is and how it is set up.

pub mod binding;
pub mod credit_code;
pub mod custody;
pub mod emv_files;
pub mod files;
pub mod identity;
pub mod journal;
pub mod link;
pub mod machine;
pub mod mark;
mod place;
pub mod settings;
pub mod till;
