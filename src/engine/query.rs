//! Queries: functions over the rows of a home, which run here wherever the rows are.

use std::collections::BTreeMap;
use std::sync::Arc;

use duolog_topics::Account;
use futures_util::future::try_join_all;

use super::partition::Partition;
use super::remote::RemoteRows;
use super::{Engine, EngineError, open};
use crate::domain::rows::{MetaRow, RowsError};
use crate::domain::view::Mailbox;

impl Engine {
    /// Runs a query on the committed rows of an account's home: a view that holds still, and that shows everything that was
    /// answered before. Runs on the blocking pool, and here, wherever the rows are.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub async fn read<T, F>(&self, account: &Account, query: F) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        let rows = self.rows_of(self.partition_of(account), std::slice::from_ref(account)).await?;
        blocking(move || rows.query(query)).await
    }

    /// Runs a query for each account, each in its home; the results in the order of the accounts. The accounts of one home
    /// are seen in one view.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub async fn read_each<T, F>(&self, accounts: Vec<Account>, query: F) -> Result<Vec<T>, EngineError>
    where
        T: Send + 'static,
        F: Fn(&Mailbox<'_>, &Account) -> Result<T, RowsError> + Send + Sync + 'static,
    {
        let query = Arc::new(query);
        let mut homes: BTreeMap<u32, Vec<(usize, Account)>> = BTreeMap::new();
        for (place, account) in accounts.into_iter().enumerate() {
            homes.entry(self.partition_of(&account)).or_default().push((place, account));
        }
        let each = homes.into_iter().map(|(partition, accounts)| {
            let query = query.clone();
            async move {
                let names: Vec<Account> = accounts.iter().map(|(_, account)| account.clone()).collect();
                let rows = self.rows_of(partition, &names).await?;
                blocking(move || {
                    rows.query(|mailbox| {
                        let result = |(place, account): &(usize, Account)| Ok((*place, query(mailbox, account)?));
                        accounts.iter().map(result).collect::<Result<Vec<_>, _>>()
                    })
                })
                .await
            }
        });
        let mut found: Vec<(usize, T)> = try_join_all(each).await?.into_iter().flatten().collect();
        found.sort_by_key(|(place, _)| *place);
        Ok(found.into_iter().map(|(_, result)| result).collect())
    }

    /// Runs a query on the committed rows of a whole partition, wherever it is owned; with them comes the first offset that
    /// is not folded in them. For threads that may block.
    ///
    /// # Errors
    /// If rows cannot be read, or nobody owns the partition now; once the engine was stopped, no other node is asked.
    pub fn look<T>(
        &self,
        partition: u32,
        query: impl FnOnce(&Mailbox<'_>, u64) -> Result<T, RowsError>,
    ) -> Result<T, EngineError> {
        if let Some(home) = self.owned(partition) {
            return Ok(home.look(query)?);
        }
        match self.runtime()?.block_on(self.rows_of(partition, &[]))? {
            Whose::Ours(home) => Ok(home.look(query)?),
            Whose::Theirs(rows) => rows.query(|mailbox| query(mailbox, rows.next())),
        }
    }

    async fn rows_of(&self, partition: u32, accounts: &[Account]) -> Result<Whose, EngineError> {
        let mut moving = self.moving();
        loop {
            if let Some(home) = self.owned(partition) {
                return Ok(Whose::Ours(home));
            }
            let (Some(peers), Some(moving)) = (&self.0.common.peers, &mut moving) else {
                return Err(EngineError::Stopped);
            };
            match RemoteRows::open(peers.clone(), partition, accounts).await {
                Err(EngineError::NotOwner { .. }) if moving.goes_on().await => {}
                opened => return opened.map(|rows| Whose::Theirs(Box::new(rows))),
            }
        }
    }
}

/// The rows of a home, wherever it is.
enum Whose {
    Ours(Arc<Partition>),
    Theirs(Box<RemoteRows>),
}

impl Whose {
    fn query<T>(&self, query: impl FnOnce(&Mailbox<'_>) -> Result<T, RowsError>) -> Result<T, EngineError> {
        match self {
            Self::Ours(home) => Ok(home.query(query)?),
            Self::Theirs(rows) => rows.query(query),
        }
    }
}

impl Partition {
    pub(super) fn query<T>(&self, query: impl FnOnce(&Mailbox<'_>) -> Result<T, RowsError>) -> Result<T, RowsError> {
        self.look(|mailbox, _| query(mailbox))
    }

    /// Rows that cannot be read are damaged. They would be missing for whoever asks next, too: the partition stops.
    fn look<T>(&self, query: impl FnOnce(&Mailbox<'_>, u64) -> Result<T, RowsError>) -> Result<T, RowsError> {
        let view = self.store.view();
        let found = open::committed_meta(&view, self.id).and_then(|meta: Arc<MetaRow>| {
            let next = view.applied()?.map_or(0, |applied| applied.next);
            query(&Mailbox::new(&view, &meta), next)
        });
        found.inspect_err(|error| {
            self.fail(&format!("its state is damaged, `duolog-replay rebuild` makes it anew: {error}"))
        })
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(run).await.unwrap_or(Err(EngineError::Stopped))
}
