//! The signed statements by which both push services know us: JSON Web Tokens (RFC 7519) over ES256 and RS256 (RFC 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::{self, PemObject as _};
use serde::Serialize;
use serde_json::json;
use thiserror::Error;

/// Why a key cannot sign.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error("it is no PEM file with a PRIVATE KEY (PKCS#8)")]
    NotPem(#[source] pem::Error),
    #[error("the key is refused: {0}")]
    Rejected(KeyRejected),
}

impl From<KeyRejected> for KeyError {
    fn from(reason: KeyRejected) -> Self {
        Self::Rejected(reason)
    }
}

/// Signing failed: the system gave no random numbers.
#[derive(Debug, Error)]
#[error("nothing can be signed")]
pub struct SignError;

/// A private key and what it signs with.
pub enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    /// A key on the curve P-256, as Apple's `.p8` files hold it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn es256(pem: &str) -> Result<Self, KeyError> {
        let key = pkcs8(pem)?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.secret_pkcs8_der(), &random)?;
        Ok(Self::Es256(pair))
    }

    /// An RSA key of 2048 to 4096 bits, as the files of Google's service accounts hold it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn rs256(pem: &str) -> Result<Self, KeyError> {
        Ok(Self::Rs256(RsaKeyPair::from_pkcs8(pkcs8(pem)?.secret_pkcs8_der())?))
    }

    /// A token in the compact form: header, claims and signature, each in base64url, with points between.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, key_id: &str, claims: &impl Serialize) -> Result<String, SignError> {
        let algorithm = match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        };
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": key_id}).to_string();
        let claims = serde_json::to_vec(claims).map_err(|_| SignError)?;
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.signature(text.as_bytes()).map_err(|_| SignError)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => Ok(pair.sign(&random, text)?.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

fn pkcs8(pem: &str) -> Result<PrivatePkcs8KeyDer<'static>, KeyError> {
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(KeyError::NotPem)
}

#[cfg(test)]
pub(super) mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    /// Made for these tests with `openssl genpkey`; they open nothing.
    pub const EC_KEY: &str = include_str!("testdata/apns.p8");
    pub const RSA_KEY: &str = include_str!("testdata/fcm.pem");

    fn check(signer: &Signer, algorithm: &str, verify: impl Fn(&[u8], &[u8]) -> bool) {
        let token = signer.sign("KEYID12345", &json!({"iss": "TEAM", "iat": 5})).unwrap();
        let parts: Vec<Vec<u8>> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let [header, claims, signature] = parts.try_into().unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({"alg": algorithm, "typ": "JWT", "kid": "KEYID12345"}));
        assert_eq!(serde_json::from_slice::<Value>(&claims).unwrap(), json!({"iss": "TEAM", "iat": 5}));
        let text = token.rsplit_once('.').unwrap().0;
        assert!(verify(text.as_bytes(), &signature));
        assert!(!verify(b"another text", &signature));
    }

    #[test]
    fn both_kinds_of_keys_sign_what_their_public_half_verifies() {
        let ec = Signer::es256(EC_KEY).unwrap();
        let Signer::Es256(pair) = &ec else { panic!("an elliptic curve") };
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref().to_vec());
        check(&ec, "ES256", |text, signature| public.verify(text, signature).is_ok());

        let rsa = Signer::rs256(RSA_KEY).unwrap();
        let Signer::Rs256(pair) = &rsa else { panic!("an RSA key") };
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref().to_vec());
        check(&rsa, "RS256", |text, signature| public.verify(text, signature).is_ok());
    }

    #[test]
    fn a_wrong_key_is_refused_with_a_reason() {
        let reason = |signer: Result<Signer, KeyError>| signer.err().unwrap().to_string();
        assert!(reason(Signer::es256("not a key")).contains("PRIVATE KEY"));
        assert!(reason(Signer::es256(RSA_KEY)).contains("refused"));
        assert!(reason(Signer::rs256(EC_KEY)).contains("refused"));
    }
}
