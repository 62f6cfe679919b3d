use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ports below those that the system gives to outgoing connections: a broker that was killed finds its port free again.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// So many ports that nobody listens on.
pub fn free(count: usize) -> Vec<u16> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    let start = (clock ^ std::process::id().wrapping_mul(2_654_435_761)) % u32::from(COUNT);
    let candidates = (0..COUNT).map(|step| FIRST + ((start + u32::from(step)) % u32::from(COUNT)) as u16);
    // All are held until all are found.
    let held: Vec<TcpListener> =
        candidates.filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).take(count).collect();
    held.iter().map(|listener| listener.local_addr().expect("it is bound").port()).collect()
}
