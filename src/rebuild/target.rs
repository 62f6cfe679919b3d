use crate::domain::rows::{Changes, MapRows, Rows};
use crate::engine::{Pipeline, Writing};
use crate::store::{Applied, Store, StoreError};

/// Rows that a fold goes into.
pub trait Target {
    /// The rows as the last commit left them.
    fn rows(&self) -> &dyn Rows;

    /// Changes without any, to fold the next batch into.
    fn spare(&mut self) -> Changes {
        Changes::default()
    }

    /// Takes over the rows of a batch, and the place in the log that they hold.
    ///
    /// # Errors
    /// If they cannot be written.
    fn commit(&mut self, changes: Changes, applied: Applied) -> Result<(), StoreError>;

    /// Waits until everything is written that was taken over.
    ///
    /// # Errors
    /// If it cannot be.
    fn finish(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
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

/// A store that nobody else writes. It gets a table a batch, on a thread of its own.
pub struct StoreTarget(Pipeline<()>);

impl StoreTarget {
    /// While it lives nobody else may commit to the store.
    pub fn new(store: Store) -> Self {
        Self(Pipeline::new(store, Writing::Tables, |_, ()| {}))
    }
}

impl Target for StoreTarget {
    fn rows(&self) -> &dyn Rows {
        &self.0
    }

    fn spare(&mut self) -> Changes {
        self.0.spare()
    }

    fn commit(&mut self, changes: Changes, applied: Applied) -> Result<(), StoreError> {
        self.0.commit(changes, applied, ())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.0.settle()
    }
}
