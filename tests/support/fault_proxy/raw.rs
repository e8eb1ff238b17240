//! The proxy below TLS: it sees bytes, and can do something to any one of them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use super::door::Door;
use super::{PATIENCE, Way};

/// See the module.
pub struct RawProxy {
    shared: Arc<Shared>,
    door: Door,
}

/// What happens to a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The connection ends before it, on both sides.
    Cut,
    /// It and all behind it on this way never come; the connection stays until one side gives up.
    Stall,
    /// One of its bits is another.
    Flip,
}

/// A deed, and at which byte of which way, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blow {
    pub way: Way,
    pub at: usize,
    pub deed: Deed,
}

/// What came through a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the terminal.
    pub requested: usize,
    /// Bytes from the host.
    pub answered: usize,
    /// Whether the blow fell.
    pub struck: bool,
}

struct Shared {
    host: SocketAddr,
    blow: Mutex<Option<Blow>>,
    traffic: Mutex<BTreeMap<usize, Traffic>>,
}

impl RawProxy {
    /// Starts a proxy before `host`.
    pub fn start(host: SocketAddr) -> Self {
        let shared = Arc::new(Shared { host, blow: Mutex::default(), traffic: Mutex::default() });
        let serving = Arc::clone(&shared);
        let door = Door::open(move |stream, number| serving.serve(stream, number));
        Self { shared, door }
    }

    /// Where the terminal finds it.
    pub fn url(&self) -> String {
        format!("https://{}", self.door.address())
    }

    /// This happens to the next connection.
    pub fn strike_next(&self, blow: Blow) {
        *self.shared.blow.lock().unwrap() = Some(blow);
    }

    /// What came through each connection, in the order in which they were made.
    pub fn traffic(&self) -> Vec<Traffic> {
        self.shared.traffic.lock().unwrap().values().copied().collect()
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, terminal: TcpStream, number: usize) {
        self.traffic.lock().unwrap().insert(number, Traffic::default());
        let blow = self.blow.lock().unwrap().take();
        let Ok(host) = TcpStream::connect(self.host) else { return };
        for stream in [&terminal, &host] {
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        let of = |way| blow.filter(|blow| blow.way == way);
        std::thread::scope(|scope| {
            scope.spawn(|| self.pump(&terminal, &host, number, Way::Request, of(Way::Request)));
            self.pump(&host, &terminal, number, Way::Answer, of(Way::Answer));
        });
    }

    /// Brings bytes from one side to the other until one of them ends.
    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, number: usize, way: Way, mut blow: Option<Blow>) {
        let mut buffer = [0; 4096];
        let mut passed = 0;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let mut bytes = &mut buffer[..count];
            let falls = blow.take_if(|blow| blow.at < passed + count);
            if let Some(blow) = falls {
                let at = blow.at - passed;
                match blow.deed {
                    Deed::Flip => bytes[at] ^= 1 << (blow.at % 8),
                    Deed::Cut | Deed::Stall => bytes = &mut bytes[..at],
                }
            }
            if to.write_all(bytes).is_err() {
                break;
            }
            passed += bytes.len();
            self.note(number, way, bytes.len(), falls.is_some());
            let Some(blow) = falls else { continue };
            match blow.deed {
                Deed::Flip => {}
                Deed::Cut => break,
                // Until the one who waits gives up, or the other one ends.
                Deed::Stall => while from.read(&mut buffer).is_ok_and(|count| count > 0) {},
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn note(&self, number: usize, way: Way, count: usize, struck: bool) {
        let mut traffic = self.traffic.lock().unwrap();
        let Some(traffic) = traffic.get_mut(&number) else { return };
        match way {
            Way::Request => traffic.requested += count,
            Way::Answer => traffic.answered += count,
        }
        traffic.struck |= struck;
    }
}
