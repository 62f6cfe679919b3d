//! Which accounts exist, as a caller's home may assume of others: a yes is remembered for a while.
//!
//! The home of a sender cannot judge whether a receiver with another home exists; so it is asked before, and judged again
//! on arrival. A stale yes costs a message to somebody whom another node deleted minutes ago; both protocols share what is
//! known here, so none outlives a deletion by this node.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// How often an account was forgotten.
    forgotten: AtomicU64,
}

impl Default for Known {
    fn default() -> Self {
        Self { seen: Cache::new(ACCOUNTS), forgotten: AtomicU64::default() }
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
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let answers = engine.read_each(asked.clone(), |mailbox, account| mailbox.exists(account)).await?;
        let found: Vec<_> =
            asked.into_iter().zip(answers).filter_map(|(account, yes)| yes.then_some(account)).collect();
        self.remember(&found, now, forgotten);
        existing.extend(found);
        Ok(existing)
    }

    /// Remembers accounts that were found, unless any was forgotten since they were looked for: then one of these answers may
    /// be older than the deletion. `forgotten`: the count before the look.
    fn remember(&self, found: &[Account], now: Millis, forgotten: u64) {
        for account in found {
            self.seen.insert(account.clone(), now);
        }
        // Looked at afterwards: whoever counts later than this finds the accounts, and removes his own.
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            for account in found {
                self.seen.remove(account);
            }
        }
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

    /// Asks again about an account that was deleted here: to be called after the deletion, because until then the answer is
    /// still yes.
    pub fn forget(&self, account: &Account) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.seen.remove(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_from_before_a_deletion_is_not_remembered() {
        let (known, alice) = (Known::default(), Account::new("alice").unwrap());
        let was_seen = || known.was_seen(&alice, 1);
        known.remember(std::slice::from_ref(&alice), 0, 0);
        assert!(was_seen());
        known.forget(&alice);
        assert!(!was_seen());
        // Somebody had looked before it was deleted.
        known.remember(std::slice::from_ref(&alice), 0, 0);
        assert!(!was_seen());
        known.remember(std::slice::from_ref(&alice), 0, 1);
        assert!(was_seen());
    }
}
