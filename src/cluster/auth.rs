//! How nodes know each other: every request carries its time and an HMAC-SHA256 of what it says, made with a secret that all
//! nodes share. What it says is hashed whole, so nothing of it can be exchanged; what is older than half a minute is refused.
//!
//! The time is that of the wall clocks, which are brought together again after a pause. An engine's clock counts on from its
//! start: a machine that stood still for a minute would stay a minute behind.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// How far the clocks of two nodes may differ, and how long a request may take to arrive, together.
const WINDOW_MS: u64 = 30_000;
/// Keeps what is signed here apart from everything else that the app's key signs.
const PURPOSE: &[u8] = b"duolog nodes 1";

pub const TIME: &str = "x-duolog-time";
pub const SIGNATURE: &str = "x-duolog-signature";

/// The secret that nodes share.
#[derive(Clone)]
pub struct ClusterKey(Box<[u8]>);

impl ClusterKey {
    /// From the secret, or from the app's key, which all nodes have as well.
    pub fn new(secret: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        Self(mac.finalize().into_bytes().as_slice().into())
    }

    /// Signs what a request asks for, at a time in Unix milliseconds.
    pub fn sign(&self, path: &str, time: u64, body: &[u8]) -> String {
        self.mac(path, time, body).finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a request is another node's, and fresh.
    pub fn verify(&self, path: &str, time: &str, signature: &str, body: &[u8], now: u64) -> bool {
        let Ok(time) = time.parse::<u64>() else { return false };
        let bytes: Option<Vec<u8>> =
            (0..signature.len()).step_by(2).map(|at| u8::from_str_radix(signature.get(at..at + 2)?, 16).ok()).collect();
        let Some(bytes) = bytes else { return false };
        time.abs_diff(now) <= WINDOW_MS && self.mac(path, time, body).verify_slice(&bytes).is_ok()
    }

    fn mac(&self, path: &str, time: u64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(path.as_bytes());
        mac.update(b"\n");
        mac.update(&time.to_be_bytes());
        mac.update(&Sha256::digest(body));
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_only_as_it_was_signed() {
        let key = ClusterKey::new(b"secret");
        let signature = key.sign("/ask/1", 1_000_000, b"body");
        let verify =
            |path: &str, time: &str, signature: &str, body: &[u8], now| key.verify(path, time, signature, body, now);
        assert!(verify("/ask/1", "1000000", &signature, b"body", 1_020_000));
        assert!(!verify("/ask/1", "1000000", &signature, b"body", 1_030_001), "old");
        assert!(!verify("/ask/1", "1000000", &signature, b"body", 969_999), "of the future");
        assert!(!verify("/ask/2", "1000000", &signature, b"body", 1_000_000));
        assert!(!verify("/ask/1", "1000001", &signature, b"body", 1_000_000));
        assert!(!verify("/ask/1", "1000000", &signature, b"other", 1_000_000));
        for broken in ["", "0", "zz", "\u{e9}\u{e9}", &signature[2..]] {
            assert!(!verify("/ask/1", "1000000", broken, b"body", 1_000_000), "{broken}");
        }
        assert!(!ClusterKey::new(b"other").verify("/ask/1", "1000000", &signature, b"body", 1_000_000));
    }
}
