use parking_lot::Mutex;
use serde_json::json;

use crate::consumers::push::jwt::{SignError, Signer};

/// Apple refuses a token older than an hour, and one that is renewed more than once in twenty minutes.
const RENEW_AFTER: u64 = 50 * 60;
const RENEW_AT_MOST: u64 = 20 * 60;

/// The signed statement that every push carries: which team sends it, and when that was signed.
pub struct ProviderToken {
    signer: Signer,
    key_id: String,
    team_id: String,
    current: Mutex<Option<Issued>>,
}

struct Issued {
    token: String,
    /// Unix seconds.
    at: u64,
    /// It took the place of one that Apple called expired.
    early: bool,
}

impl ProviderToken {
    pub fn new(signer: Signer, key_id: String, team_id: String) -> Self {
        Self { signer, key_id, team_id, current: Mutex::new(None) }
    }

    /// The token to use now, renewed if it is old. `now`: Unix seconds.
    ///
    /// # Errors
    /// If none can be signed.
    pub fn get(&self, now: u64) -> Result<String, SignError> {
        let mut current = self.current.lock();
        match &*current {
            Some(issued) if now.abs_diff(issued.at) < RENEW_AFTER => Ok(issued.token.clone()),
            _ => self.issue(&mut current, now, false),
        }
    }

    /// Apple calls a token expired: it is renewed, unless another push was faster. False if Apple has just been given a new
    /// one for that reason: then a clock is wrong, and more tokens do not help.
    pub fn expire(&self, token: &str, now: u64) -> bool {
        let mut current = self.current.lock();
        match &*current {
            Some(issued) if issued.token != token => true,
            Some(issued) if issued.early && now.abs_diff(issued.at) < RENEW_AT_MOST => false,
            _ => self.issue(&mut current, now, true).is_ok(),
        }
    }

    fn issue(&self, current: &mut Option<Issued>, now: u64, early: bool) -> Result<String, SignError> {
        let token = self.signer.sign(&self.key_id, &json!({"iss": self.team_id, "iat": now}))?;
        *current = Some(Issued { token: token.clone(), at: now, early });
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::jwt::tests::EC_KEY;
    use super::*;

    fn provider_token() -> ProviderToken {
        ProviderToken::new(Signer::es256(EC_KEY).unwrap(), "KEY".to_owned(), "TEAM".to_owned())
    }

    #[test]
    fn it_is_renewed_between_twenty_minutes_and_an_hour() {
        let tokens = provider_token();
        let first = tokens.get(1_000).unwrap();
        assert_eq!(tokens.get(1_000 + 20 * 60).unwrap(), first);
        let second = tokens.get(1_000 + 55 * 60).unwrap();
        assert_ne!(second, first);
        // A clock that was set back makes a new one too.
        assert_ne!(tokens.get(1_000).unwrap(), second);
    }

    #[test]
    fn one_that_expired_is_renewed_once() {
        let tokens = provider_token();
        let first = tokens.get(1_000).unwrap();
        assert!(tokens.expire(&first, 1_001));
        let second = tokens.get(1_001).unwrap();
        assert_ne!(second, first);
        // A slower push with the first one finds the second.
        assert!(tokens.expire(&first, 1_002));
        assert_eq!(tokens.get(1_002).unwrap(), second);
        assert!(!tokens.expire(&second, 1_003));
        assert_eq!(tokens.get(1_003).unwrap(), second);
        assert!(tokens.expire(&second, 1_001 + RENEW_AT_MOST));
    }
}
