use std::sync::Arc;

use anyhow::{Context as _, Result};
use duolog::clock::wall;
use duolog::consumers::push::Mailboxes;
use duolog::domain::rows::{MetaRow, RowsError, get};
use duolog::domain::view::Mailbox;
use duolog::log::Log;
use duolog::store::{Store, View};
use duolog::telemetry::say;
use duolog_topics::{Account, Millis, PushTokenSet, partition_of};
use tempfile::TempDir;

use crate::data::Data;
use crate::rebuild::{base_next, fold_fresh};

/// The log folded into stores of its own, beside a running server: the rows of every home, and all that the fold ever
/// kept for consumers. They are gone when it is dropped.
#[derive(Clone)]
pub struct Scratch(Arc<Inner>);

struct Inner {
    homes: Vec<Home>,
    _folder: TempDir,
}

struct Home {
    store: Store,
    meta: MetaRow,
    first: u64,
}

impl Scratch {
    /// Folds each partition up to the offset that `end` says.
    ///
    /// # Errors
    /// If the log cannot be read, or not from its base on.
    pub fn fold(data: &Data, log: &dyn Log, end: impl Fn(u32) -> Result<u64>) -> Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the fold cannot be made")?;
        let (dir, mut homes) = (data.dir()?, Vec::new());
        for partition in 0..log.partitions() {
            let path = folder.path().join(partition.to_string());
            let first = base_next(&dir, log, partition)?;
            let store = fold_fresh(&dir, log, partition, end(partition)?.max(first), &path)?;
            let meta = get(&store.view(), MetaRow::key().as_slice())?.unwrap_or_else(|| MetaRow::empty(partition));
            homes.push(Home { store, meta, first });
        }
        Ok(Self(Arc::new(Inner { homes, _folder: folder })))
    }

    /// The first offset that was folded.
    pub fn first(&self, partition: u32) -> u64 {
        self.0.homes[partition as usize].first
    }

    pub fn view(&self, partition: u32) -> View {
        self.0.homes[partition as usize].store.view()
    }

    pub fn generation(&self, partition: u32) -> u32 {
        self.0.homes[partition as usize].meta.generation
    }
}

/// A push is judged by what the rows say at the log's end, as the server would judge it now.
impl Mailboxes for Scratch {
    fn now(&self) -> Millis {
        wall()
    }

    async fn read<T, F>(&self, account: &Account, query: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        let partition = partition_of(account.as_bytes(), self.0.homes.len() as u32);
        self.read_partition(partition, query).await
    }

    async fn read_partition<T, F>(&self, partition: u32, query: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        let scratch = self.clone();
        let read = move || {
            let home = scratch.0.homes.get(partition as usize);
            let home = home.ok_or_else(|| format!("the log has no partition {partition}"))?;
            query(&Mailbox::new(&home.store.view(), &home.meta)).map_err(|error| error.to_string())
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?
    }

    /// Nothing is written here: the server learns it at its own next push.
    async fn forget(&self, account: &Account, event: PushTokenSet) -> Result<(), String> {
        say(format_args!("device {} of {account} is no longer reached by its token", event.device));
        Ok(())
    }
}
