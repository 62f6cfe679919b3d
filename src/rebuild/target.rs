use crate::domain::rows::{Changes, MapRows, Rows};
use crate::engine::CachedRows;
use crate::limits;
use crate::store::{Applied, Store, StoreError};

/// Rows that a fold goes into.
pub trait Target {
    /// The rows as the last commit left them.
    fn rows(&self) -> &dyn Rows;

    /// Takes over the rows of a batch, and the place in the log that they hold.
    ///
    /// # Errors
    /// If they cannot be written.
    fn commit(&mut self, changes: Changes, applied: Applied) -> Result<(), StoreError>;
}

impl Target for MapRows {
    fn rows(&self) -> &dyn Rows {
        self
    }

    fn commit(&mut self, changes: Changes, _: Applied) -> Result<(), StoreError> {
        self.apply(&changes);
        Ok(())
    }
}

/// A store, with its hot rows in memory.
pub struct StoreTarget {
    store: Store,
    rows: CachedRows<Store>,
}

impl StoreTarget {
    /// While it lives nobody else may commit to the store.
    pub fn new(store: Store) -> Self {
        Self { rows: CachedRows::new(store.clone(), limits::ROW_CACHE), store }
    }
}

impl Target for StoreTarget {
    fn rows(&self) -> &dyn Rows {
        &self.rows
    }

    fn commit(&mut self, changes: Changes, applied: Applied) -> Result<(), StoreError> {
        self.store.commit(&changes, applied)?;
        self.rows.committed(&changes);
        Ok(())
    }
}
