use std::collections::HashSet;

use duolog_topics::{Account, Event, Via};

use super::error::ApiError;
use super::state::{HttpState, Shared};
use super::submit::{submit, submit_each};
use crate::domain::rows::RowsError;
use crate::domain::verdict::Answer;
use crate::domain::view::Mailbox;
use crate::engine::Engine;
use crate::error::Code;

/// One call of a command, admitted.
pub struct Context<'a> {
    state: &'a HttpState,
    /// The admin who calls.
    pub operator: Account,
    /// The caller's address.
    pub ip: Option<String>,
    /// A hash of the request's body as received: part of what makes a retry the same send.
    pub request_hash: u64,
}

impl<'a> Context<'a> {
    pub fn new(state: &'a HttpState, operator: Account, ip: Option<String>, request_hash: u64) -> Self {
        Self { state, operator, ip, request_hash }
    }

    pub fn engine(&self) -> &Engine {
        &self.state.engine
    }

    /// Who asks, as events keep it.
    pub fn via(&self) -> Option<Via> {
        Some(Via { operator: Some(self.operator.clone()), ip: self.ip.clone(), ..Via::default() })
    }

    pub fn shared(&self) -> &Shared {
        self.state
    }

    /// Submits an event to an account's home; see [`submit`].
    ///
    /// # Errors
    /// The verdict's code, or the engine's.
    pub async fn submit(&self, account: &Account, event: impl Into<Event>) -> Result<Answer, ApiError> {
        submit(self.engine(), account, event).await
    }

    /// Submits many events; the answers are in their order.
    pub async fn submit_each(
        &self,
        events: impl IntoIterator<Item = (Account, Event)>,
    ) -> Vec<Result<Answer, ApiError>> {
        submit_each(self.engine(), events).await
    }

    /// Asks an account's mailbox.
    ///
    /// # Errors
    /// The engine's.
    pub async fn read<T, F>(&self, account: &Account, query: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        Ok(self.engine().read(account, query).await?)
    }

    /// Asks the mailboxes of many accounts, in their order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn read_each<T, F>(&self, accounts: Vec<Account>, query: F) -> Result<Vec<T>, ApiError>
    where
        T: Send + 'static,
        F: Fn(&Mailbox<'_>, &Account) -> Result<T, RowsError> + Send + Sync + 'static,
    {
        Ok(self.engine().read_each(accounts, query).await?)
    }

    /// Those of the accounts that exist.
    ///
    /// # Errors
    /// The engine's.
    pub async fn existing(&self, accounts: Vec<Account>) -> Result<HashSet<Account>, ApiError> {
        let exist = self.read_each(accounts.clone(), |mailbox, account| mailbox.exists(account)).await?;
        Ok(accounts.into_iter().zip(exist).filter_map(|(account, exists)| exists.then_some(account)).collect())
    }

    /// Those of the accounts that exist, or did a few minutes ago: what may be assumed of the other side of a request.
    ///
    /// # Errors
    /// The engine's.
    pub async fn known(&self, accounts: &[Account]) -> Result<HashSet<Account>, ApiError> {
        Ok(self.state.known.existing(self.engine(), accounts).await?)
    }

    /// Whether an account exists, or did a few minutes ago.
    ///
    /// # Errors
    /// The engine's.
    pub async fn is_known(&self, account: &Account) -> Result<bool, ApiError> {
        Ok(self.state.known.exists(self.engine(), account).await?)
    }

    /// # Errors
    /// With `code` if the account does not exist.
    pub async fn must_exist(&self, account: &Account, code: Code) -> Result<(), ApiError> {
        let name = account.clone();
        if self.read(account, move |mailbox| mailbox.exists(&name)).await? {
            return Ok(());
        }
        Err(ApiError::new(code, format!("the account {account} does not exist")))
    }
}
