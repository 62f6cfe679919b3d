use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use duolog_topics::Account;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{SigError, Signature};

/// An app's number and the key that its signatures are made with.
#[derive(Clone)]
pub struct AppKey {
    sdkappid: u64,
    key: Box<[u8]>,
}

/// What a verified signature grants. Times are Unix seconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Whose signature it is.
    pub account: Account,
    /// `TLS.time`: when it was made. It may lie in the future, as with the vendor.
    pub signed_at: u64,
    /// The last second in which it is valid.
    pub expires_at: u64,
}

impl AppKey {
    /// The key is the text that the app was given, as it is: its hexadecimal digits are not decoded.
    pub fn new(sdkappid: u64, key: impl AsRef<[u8]>) -> Self {
        Self { sdkappid, key: key.as_ref().into() }
    }

    /// The app's number.
    pub fn sdkappid(&self) -> u64 {
        self.sdkappid
    }

    /// Makes a signature for an account, valid from `time` for `expire` seconds, both ends included.
    pub fn sign(&self, account: &Account, time: u64, expire: u64) -> String {
        self.sign_with(account, time, expire, None)
    }

    /// The same with a userbuf, as the signing libraries make for call rooms.
    pub fn sign_with(&self, account: &Account, time: u64, expire: u64, userbuf: Option<Vec<u8>>) -> String {
        let expire = i64::try_from(expire).unwrap_or(i64::MAX);
        let account = account.as_str().to_owned();
        let mut signature = Signature { account, sdkappid: self.sdkappid, time, expire, userbuf, mac: Vec::new() };
        signature.mac = self.mac(&signature).finalize().into_bytes().to_vec();
        signature.encode()
    }

    /// Verifies a token for an account at `now` (Unix seconds).
    ///
    /// A token that was made in the future is accepted, as the official verifier does. The MAC is compared in constant
    /// time. Costs one inflate of at most 8 KiB and one HMAC-SHA256.
    ///
    /// # Errors
    /// [`SigError`]; the first that holds of: malformed, other app, other account, expired, other key.
    pub fn verify(&self, token: &str, account: &Account, now: u64) -> Result<Verified, SigError> {
        let signature = Signature::decode(token)?;
        if signature.sdkappid != self.sdkappid {
            return Err(SigError::App(signature.sdkappid));
        }
        // After this the identifier is printable ASCII, so it cannot smuggle a line into what is signed.
        if signature.account != account.as_str() {
            return Err(SigError::Account(signature.account));
        }
        let expires_at = signature.time.saturating_add_signed(signature.expire);
        if now > expires_at {
            return Err(SigError::Expired(expires_at));
        }
        self.mac(&signature).verify_slice(&signature.mac).map_err(|_| SigError::Mismatch)?;
        Ok(Verified { account: account.clone(), signed_at: signature.time, expires_at })
    }

    /// Marks a text as this server's own: the HMAC-SHA256 in hexadecimal. Nothing that is signed for users begins as the
    /// text does here.
    pub fn seal(&self, text: &str) -> String {
        format!("{:x}", self.sealed(text).finalize().into_bytes())
    }

    /// Whether a mark is the one of this text, in constant time.
    pub fn is_sealed(&self, text: &str, seal: &str) -> bool {
        self.seal(text).as_bytes().ct_eq(seal.as_bytes()).into()
    }

    fn sealed(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(b"duolog.seal:");
        mac.update(text.as_bytes());
        mac
    }

    /// Feeds the HMAC with the lines that are signed, in the order of TLSSigAPIv2.
    fn mac(&self, signature: &Signature) -> Hmac<Sha256> {
        let Signature { account, sdkappid, time, expire, userbuf, mac: _ } = signature;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        let lines =
            format!("TLS.identifier:{account}\nTLS.sdkappid:{sdkappid}\nTLS.time:{time}\nTLS.expire:{expire}\n");
        mac.update(lines.as_bytes());
        if let Some(userbuf) = userbuf {
            mac.update(format!("TLS.userbuf:{}\n", STANDARD.encode(userbuf)).as_bytes());
        }
        mac
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey").field("sdkappid", &self.sdkappid).finish_non_exhaustive()
    }
}
