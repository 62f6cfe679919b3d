//! Rows of a partition that another process owns.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use duolog_topics::Account;
use tokio::runtime::Handle;

use super::EngineError;
use super::peers::{Ask, Peers, Reply, misunderstood};
use crate::domain::rows::{AccountRow, Direction, KeyRange, MetaRow, Rows, RowsError, Visited};
use crate::domain::view::Mailbox;

/// A view that holds still at the owner. Each row or page of rows costs a round trip, but for the account rows that came
/// with the view: nearly every query begins with one. For threads that may block, inside a runtime.
pub(super) struct RemoteRows {
    peers: Arc<dyn Peers>,
    partition: u32,
    view: u64,
    meta: MetaRow,
    next: u64,
    fetched: HashMap<Bytes, Option<Bytes>>,
    runtime: Handle,
    /// Why the view broke off, if it did: a query only learns that rows cannot be read.
    broken: RefCell<Option<EngineError>>,
}

impl RemoteRows {
    /// Opens a view that already holds the rows of some accounts.
    ///
    /// # Errors
    /// As [`Peers::ask`].
    pub async fn open(peers: Arc<dyn Peers>, partition: u32, accounts: &[Account]) -> Result<Self, EngineError> {
        let keys: Vec<Bytes> =
            accounts.iter().map(|account| Bytes::from(AccountRow::key(account).into_bytes())).collect();
        match peers.ask(partition, Ask::View { keys: keys.clone() }).await? {
            Reply::View { view, meta, next, rows } => {
                let fetched = keys.into_iter().zip(rows).collect();
                let runtime = Handle::current();
                Ok(Self { peers, partition, view, meta, next, fetched, runtime, broken: RefCell::default() })
            }
            _ => Err(misunderstood()),
        }
    }

    /// Runs a query over the view.
    ///
    /// # Errors
    /// The query's; that of the connection if the view broke off.
    pub fn query<T>(&self, query: impl FnOnce(&Mailbox<'_>) -> Result<T, RowsError>) -> Result<T, EngineError> {
        query(&Mailbox::new(self, &self.meta)).map_err(|error| self.broken.take().unwrap_or(error.into()))
    }

    /// The first offset that is not folded in the view.
    pub fn next(&self) -> u64 {
        self.next
    }

    fn ask(&self, ask: Ask) -> Result<Reply, RowsError> {
        self.runtime.block_on(self.peers.ask(self.partition, ask)).map_err(|error| {
            let what = RowsError(error.to_string());
            *self.broken.borrow_mut() = Some(error);
            what
        })
    }
}

impl Rows for RemoteRows {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        if let Some(row) = self.fetched.get(key) {
            return Ok(row.clone());
        }
        match self.ask(Ask::Row { view: self.view, key: Bytes::copy_from_slice(key) })? {
            Reply::Row(row) => Ok(row),
            _ => Err(RowsError(misunderstood().to_string())),
        }
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        let (mut from, mut until) = (range.from.map(Bytes::copy_from_slice), range.until.map(Bytes::copy_from_slice));
        loop {
            let backward = direction == Direction::Backward;
            let ask = Ask::Scan { view: self.view, from: from.clone(), until: until.clone(), backward };
            let Reply::Rows { rows, more } = self.ask(ask)? else {
                return Err(RowsError(misunderstood().to_string()));
            };
            for (key, value) in &rows {
                if let ControlFlow::Break(result) = visit(key, value) {
                    return result;
                }
            }
            match rows.into_iter().next_back() {
                Some((last, _)) if more => *(if backward { &mut until } else { &mut from }) = Bound::Excluded(last),
                _ => return Ok(()),
            }
        }
    }
}

impl Drop for RemoteRows {
    fn drop(&mut self) {
        // If it does not get there, the owner closes the view by himself.
        drop(self.runtime.spawn(self.peers.ask(self.partition, Ask::Close { view: self.view })));
    }
}
