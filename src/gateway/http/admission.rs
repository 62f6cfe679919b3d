//! Who may call: the query's app, signature and identifier, in the order in which callers look for their mistakes.

use duolog_topics::{Account, AccountImported, Millis};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::error::ApiError;
use super::query::Query;
use super::submit::submit;
use crate::engine::Engine;
use crate::error::Code;
use crate::gateway::auth::{AppKey, Verified};

/// Verified signatures that are remembered, so that a caller's next call costs no inflating and no HMAC.
const REMEMBERED: usize = 1_024;

/// How long a looked-up `not_before` holds. The node that kicks knows at once.
const NOT_BEFORE_AGE: Millis = 1_000;

/// Lets admins of this app in.
pub struct Admission {
    key: AppKey,
    admins: Vec<Admin>,
    verified: Cache<String, Verified>,
}

struct Admin {
    account: Account,
    not_before: Mutex<Option<NotBefore>>,
}

/// Since when signatures of an account count, as it was looked up. It only rises.
#[derive(Clone, Copy)]
struct NotBefore {
    /// Unix seconds.
    second: u64,
    looked_up: Millis,
}

impl Admission {
    pub fn new(key: AppKey, admins: &[Account]) -> Self {
        let admin = |account: &Account| Admin { account: account.clone(), not_before: Mutex::new(None) };
        Self { key, admins: admins.iter().map(admin).collect(), verified: Cache::new(REMEMBERED) }
    }

    /// The admin who calls. A valid signature of an admin whose account does not exist yet makes it.
    ///
    /// # Errors
    /// 60012, 60006: not for this app. 60004, 60010: not by an admin. 7xxxx: the signature is refused.
    pub async fn admit(&self, query: &Query<'_>, engine: &Engine) -> Result<Account, ApiError> {
        self.check_app(query)?;
        let identifier = query.identifier.as_deref().unwrap_or_default();
        let account = Account::new(identifier)
            .map_err(|error| ApiError::new(Code::REQUEST_ACCOUNT_INVALID, format!("identifier: {error}")))?;
        let now = engine.now();
        let signed_at = self.verify(query.usersig.as_deref().unwrap_or_default(), &account, now / 1000)?;
        let admin = self.admins.iter().find(|admin| admin.account == account).ok_or(Code::NOT_ADMIN)?;
        if signed_at < admin.not_before(now, engine).await? {
            return Err(ApiError::new(Code::USER_SIG_EXPIRED, "the account was kicked after the signature was made"));
        }
        Ok(account)
    }

    pub fn is_admin(&self, account: &Account) -> bool {
        self.admins.iter().any(|admin| admin.account == *account)
    }

    /// From now on refuses signatures of an admin that were made before this second.
    pub fn kicked(&self, account: &Account, not_before: u64, now: Millis) {
        for admin in self.admins.iter().filter(|admin| admin.account == *account) {
            admin.learn(not_before, now);
        }
    }

    fn check_app(&self, query: &Query<'_>) -> Result<(), ApiError> {
        let sdkappid = query.sdkappid.as_deref().filter(|text| !text.is_empty()).ok_or(Code::APP_MISSING)?;
        if sdkappid.parse() == Ok(self.key.sdkappid()) { Ok(()) } else { Err(Code::APP_INVALID.into()) }
    }

    /// When the signature was made. One that was verified before is only checked for its end.
    fn verify(&self, token: &str, account: &Account, now: u64) -> Result<u64, ApiError> {
        if let Some(known) = self.verified.get(token)
            && known.account == *account
            && now <= known.expires_at
        {
            return Ok(known.signed_at);
        }
        let verified =
            self.key.verify(token, account, now).map_err(|error| ApiError::new(error.code(), error.to_string()))?;
        let signed_at = verified.signed_at;
        self.verified.insert(token.to_owned(), verified);
        Ok(signed_at)
    }
}

impl Admin {
    async fn not_before(&self, now: Millis, engine: &Engine) -> Result<u64, ApiError> {
        match self.known(now) {
            Some(second) => Ok(second),
            // Boxed: a call in a thousand looks, and the others need not hold room for it.
            None => Box::pin(self.look_up(now, engine)).await,
        }
    }

    async fn look_up(&self, now: Millis, engine: &Engine) -> Result<u64, ApiError> {
        let account = self.account.clone();
        let row = engine.read(&self.account, move |mailbox| mailbox.account(&account)).await?;
        if row.is_none() {
            submit(engine, &self.account, AccountImported { nick: None, face_url: None }).await?;
        }
        Ok(self.learn(row.map_or(0, |row| row.not_before), now))
    }

    /// What was looked up not long ago. When that is over, one caller gets nothing and looks again; the others go on with
    /// what is known, or thousands of calls would look at once.
    fn known(&self, now: Millis) -> Option<u64> {
        let mut known = self.not_before.lock();
        let known = known.as_mut()?;
        if now < known.looked_up + NOT_BEFORE_AGE {
            return Some(known.second);
        }
        known.looked_up = now;
        None
    }

    /// The highest second that is known now.
    fn learn(&self, second: u64, now: Millis) -> u64 {
        let mut known = self.not_before.lock();
        let second = known.map_or(second, |known| known.second.max(second));
        *known = Some(NotBefore { second, looked_up: now });
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_looks_again_and_what_a_kick_said_stays() {
        let admin = Admin { account: Account::new("a").unwrap(), not_before: Mutex::new(None) };
        assert_eq!(admin.known(5), None);
        assert_eq!(admin.learn(7, 5), 7);
        assert_eq!(admin.known(NOT_BEFORE_AGE), Some(7));
        assert_eq!((admin.known(NOT_BEFORE_AGE + 5), admin.known(NOT_BEFORE_AGE + 5)), (None, Some(7)));
        assert_eq!(admin.learn(9, NOT_BEFORE_AGE + 6), 9, "kicked meanwhile");
        assert_eq!(admin.learn(7, NOT_BEFORE_AGE + 7), 9, "the row was read before that");
    }
}
