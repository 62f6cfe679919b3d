//! Which accounts exist, as a caller's home may assume of others: a yes is remembered for a while.
//!
//! The home of a sender cannot judge whether a receiver with another home exists; so it is asked before, and judged again
//! on arrival. A stale yes costs a message to somebody who was deleted minutes ago.

use std::collections::HashSet;

use duolog_topics::{Account, Millis};
use quick_cache::sync::Cache;

use crate::engine::{Engine, EngineError};

/// How long a yes is remembered.
const REMEMBERED: Millis = 600_000;

/// Accounts that are remembered at most: some 10 MB.
const ACCOUNTS: usize = 100_000;

/// What was answered lately.
pub struct Known {
    /// When the account was last seen to exist.
    seen: Cache<Account, Millis>,
}

impl Default for Known {
    fn default() -> Self {
        Self { seen: Cache::new(ACCOUNTS) }
    }
}

impl Known {
    /// Those of the accounts that exist, or did a few minutes ago. Costs a read for each that is not remembered.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub async fn existing(&self, engine: &Engine, accounts: &[Account]) -> Result<HashSet<Account>, EngineError> {
        let now = engine.now();
        let (mut existing, mut asked) = (HashSet::with_capacity(accounts.len()), Vec::new());
        for account in accounts {
            if self.was_seen(account, now) {
                existing.insert(account.clone());
            } else {
                asked.push(account.clone());
            }
        }
        if asked.is_empty() {
            return Ok(existing);
        }
        let answers = engine.read_each(asked.clone(), |mailbox, account| mailbox.exists(account)).await?;
        for (account, exists) in asked.into_iter().zip(answers) {
            if exists {
                self.seen.insert(account.clone(), now);
                existing.insert(account);
            }
        }
        Ok(existing)
    }

    /// Whether an account exists, or did a few minutes ago. Costs a read if it is not remembered.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub async fn exists(&self, engine: &Engine, account: &Account) -> Result<bool, EngineError> {
        if self.was_seen(account, engine.now()) {
            return Ok(true);
        }
        // Boxed: most calls end above, and need not hold room for this.
        Ok(!Box::pin(self.existing(engine, std::slice::from_ref(account))).await?.is_empty())
    }

    fn was_seen(&self, account: &Account, now: Millis) -> bool {
        self.seen.get(account).is_some_and(|seen| now < seen + REMEMBERED)
    }

    /// Asks again about an account that was deleted here.
    pub fn forget(&self, account: &Account) {
        self.seen.remove(account);
    }
}
