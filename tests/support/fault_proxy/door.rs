//! A listening socket of a proxy and the connections that came through it. All of them end with it.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// See the module.
pub struct Door {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    open: Arc<Mutex<BTreeMap<usize, TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Listens on a free port of the loopback; `serve` gets each connection with its number, counted from 0, on a thread
    /// of its own.
    pub fn open(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (closed, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(BTreeMap::new())));
        let (stop, connections, serve) = (Arc::clone(&closed), Arc::clone(&open), Arc::new(serve));
        let thread = std::thread::spawn(move || {
            let mut threads: Vec<JoinHandle<()>> = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                if stop.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                connections.lock().unwrap().insert(number, stream.try_clone().unwrap());
                let (serve, connections) = (Arc::clone(&serve), Arc::clone(&connections));
                threads.retain(|thread| !thread.is_finished());
                threads.push(std::thread::spawn(move || {
                    serve(stream, number);
                    // The other side sees the end even where `serve` left the stream open.
                    if let Some(stream) = connections.lock().unwrap().remove(&number) {
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                }));
            }
            for thread in threads {
                let _ = thread.join();
            }
        });
        Self { address, closed, open, thread: Some(thread) }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        // Wakes the listener up.
        let _ = TcpStream::connect(self.address);
        for stream in self.open.lock().unwrap().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
