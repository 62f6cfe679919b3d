use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A way to an object store that counts what is written, and can be blocked after so many writes: then requests hang, as
/// they do when a network does.
pub struct Passage {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    puts: AtomicUsize,
    /// The writes that may pass.
    most: AtomicUsize,
}

impl Passage {
    /// Opens a port of its own that leads to one of this machine.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared { puts: 0.into(), most: usize::MAX.into() });
        let counted = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let (Ok(from), Ok(to)) = (server.try_clone(), client.try_clone()) else { continue };
                let counted = counted.clone();
                std::thread::spawn(move || pump(from, to, |_| true));
                std::thread::spawn(move || pump(client, server, |part| counted.lets_pass(part)));
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many requests that write an object have come.
    pub fn puts(&self) -> usize {
        self.shared.puts.load(Ordering::SeqCst)
    }

    /// Lets so many of them pass, counted from the first one; the next and all that follows hangs.
    pub fn block_after(&self, puts: usize) {
        self.shared.most.store(puts, Ordering::SeqCst);
    }
}

impl Shared {
    fn lets_pass(&self, part: &[u8]) -> bool {
        let puts = match part.starts_with(b"PUT ") {
            true => self.puts.fetch_add(1, Ordering::SeqCst) + 1,
            false => self.puts.load(Ordering::SeqCst),
        };
        puts <= self.most.load(Ordering::SeqCst)
    }
}

/// Carries bytes until an end closes; what may not pass is kept for ever, and the connection stays open.
fn pump(mut from: TcpStream, mut to: TcpStream, lets_pass: impl Fn(&[u8]) -> bool) {
    let mut part = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut part) {
        if length == 0 {
            break;
        }
        if lets_pass(&part[..length]) && to.write_all(&part[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
