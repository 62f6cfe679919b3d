use std::future::Future;

use duolog_topics::{Account, Millis, PushTokenSet};

use crate::domain::rows::RowsError;
use crate::domain::view::Mailbox;
use crate::engine::Engine;

/// Where a pusher asks what has become of messages, and leaves what it has learnt of tokens: the engine, or rows that an
/// operator had folded.
pub trait Mailboxes: Send + Sync + 'static {
    /// Unix milliseconds.
    fn now(&self) -> Millis;

    /// Runs a query on the mailbox of an account.
    ///
    /// # Errors
    /// Why it cannot be read now.
    fn read<T, F>(&self, account: &Account, query: F) -> impl Future<Output = Result<T, String>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static;

    /// Runs a query on what a partition holds of all its accounts.
    ///
    /// # Errors
    /// Why it cannot be read now.
    fn read_partition<T, F>(&self, partition: u32, query: F) -> impl Future<Output = Result<T, String>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static;

    /// Has a token forgotten that reaches nobody.
    ///
    /// # Errors
    /// Why it may not have been forgotten.
    fn forget(&self, account: &Account, event: PushTokenSet) -> impl Future<Output = Result<(), String>> + Send;
}

impl Mailboxes for Engine {
    fn now(&self) -> Millis {
        Self::now(self)
    }

    async fn read<T, F>(&self, account: &Account, query: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        Self::read(self, account, query).await.map_err(|error| error.to_string())
    }

    async fn read_partition<T, F>(&self, partition: u32, query: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        let taps = self.taps();
        let tap = taps.into_iter().find(|tap| tap.partition() == partition);
        let tap = tap.ok_or_else(|| format!("partition {partition} is not here"))?;
        let read = move || query(&Mailbox::new(&tap.rows(), &tap.meta()));
        let read = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
        read.map_err(|error| error.to_string())
    }

    async fn forget(&self, account: &Account, event: PushTokenSet) -> Result<(), String> {
        self.submit(account, event.into()).await.map(drop).map_err(|error| error.to_string())
    }
}
