//! Where the parts of the machine are that the tests use, and which Debian package brings each.

use std::path::{Path, PathBuf};

/// A program or file of the machine and the Debian 12 package it comes with.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    name: &'static str,
    package: &'static str,
}

pub const UNSHARE: Part = Part { name: "unshare", package: "util-linux" };
pub const NSENTER: Part = Part { name: "nsenter", package: "util-linux" };
pub const SETPRIV: Part = Part { name: "setpriv", package: "util-linux" };
pub const MOUNT: Part = Part { name: "mount", package: "mount" };
pub const IP: Part = Part { name: "ip", package: "iproute2" };
pub const PCSCD: Part = Part { name: "pcscd", package: "pcscd" };
pub const XVFB: Part = Part { name: "Xvfb", package: "xvfb" };
pub const XDOTOOL: Part = Part { name: "xdotool", package: "xdotool" };
/// The driver that lets a program take the place of a card. Installed outside of `PATH`.
pub const VPCD: Part = Part { name: "/usr/lib/pcsc/drivers/serial/libifdvpcd.so", package: "vsmartcard-vpcd" };
/// A token without hardware, as a PKCS#11 module, and the tool that makes its tokens.
pub const SOFTHSM2: Part = Part { name: "/usr/lib/softhsm/libsofthsm2.so", package: "softhsm2" };
pub const SOFTHSM2_UTIL: Part = Part { name: "softhsm2-util", package: "softhsm2" };

/// What the reader with a PIN pad and the token that fails are compiled with.
pub const GCC: Part = Part { name: "gcc", package: "gcc" };
pub const PCSC_HEADERS: Part = Part { name: "/usr/include/PCSC", package: "libpcsclite-dev" };

impl Part {
    /// The path of this part. Fails the test, with the command to run, when the machine has none.
    ///
    /// System programs are looked for in `/usr/sbin` and `/sbin` as well: they are not in an ordinary user's `PATH`.
    #[track_caller]
    pub fn find(self) -> PathBuf {
        self.look().unwrap_or_else(|| {
            panic!("this test needs {}: run `apt-get install {}` (or `./dev setup`)", self.name, self.package)
        })
    }

    fn look(self) -> Option<PathBuf> {
        if self.name.starts_with('/') {
            return Some(PathBuf::from(self.name)).filter(|path| path.exists());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
            .map(|folder| folder.join(self.name))
            .find(|program| Path::is_file(program))
    }
}

/// The message of a missing part names the package; the self-test of the shop holds it.
#[track_caller]
pub fn find_something_absent() -> PathBuf {
    Part { name: "a-program-nobody-has", package: "its-package" }.find()
}
