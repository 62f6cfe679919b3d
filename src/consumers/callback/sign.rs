use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What a secret of Standard Webhooks begins with; the rest is base64 of the key.
const PREFIX: &[u8] = b"whsec_";

/// Signs callbacks as Standard Webhooks says (<https://www.standardwebhooks.com>, scheme `v1`).
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// From a configured secret: `whsec_` and base64, or any text, whose bytes are the key. `None` if what follows
    /// `whsec_` is no base64.
    pub fn new(secret: &[u8]) -> Option<Self> {
        let key = match secret.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).ok()?,
            None => secret.to_vec(),
        };
        Hmac::new_from_slice(&key).ok().map(Self)
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        mac.update(format!(".{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn signs_like_the_specification() {
        let signer = Signer::new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_text_or_base64_behind_its_prefix() {
        let sign = |secret: &[u8]| Signer::new(secret).map(|signer| signer.sign("a", 1, b"b"));
        assert_eq!(sign(b"key"), sign(b"whsec_a2V5"));
        assert_ne!(sign(b"key"), sign(b"kez"));
        assert_eq!(sign(b"whsec_%"), None);
    }
}
