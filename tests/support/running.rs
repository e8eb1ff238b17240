//! A program that a test started and that ends with it.

use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A running program. Dropping it kills it (SIGKILL) and waits for its end.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `command`; `name` appears in messages.
    #[track_caller]
    pub fn start(name: &str, command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} did not start: {error}"));
        Self { name: name.to_owned(), child }
    }

    /// The process id of the program itself.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipes that `command` asked for are taken from here.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the program ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap_or_else(|error| panic!("cannot ask for the end of {}: {error}", self.name))
    }

    /// Waits for the program's own end; a program that outlasts `limit` fails the test.
    #[track_caller]
    pub fn wait(mut self, limit: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(started.elapsed() < limit, "{} still runs after {} s", self.name, limit.as_secs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the program at once, as a power cut would.
    pub fn kill(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when the program has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
