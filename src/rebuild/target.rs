use crate::domain::rows::{Changes, MapRows, Rows};
use crate::store::{Applied, StoreError, Writer};

/// Rows that a fold goes into.
pub trait Target {
    /// The rows as the last commit left them.
    fn rows(&self) -> &dyn Rows;

    /// Takes over the rows of a batch, and the place in the log that they hold.
    ///
    /// # Errors
    /// If they cannot be written.
    fn commit(&mut self, changes: &mut Changes, applied: Applied) -> Result<(), StoreError>;
}

impl Target for MapRows {
    fn rows(&self) -> &dyn Rows {
        self
    }

    fn commit(&mut self, changes: &mut Changes, _: Applied) -> Result<(), StoreError> {
        self.apply(changes);
        Ok(())
    }
}

/// A store; what is folded is durable after its next flush.
impl Target for Writer {
    fn rows(&self) -> &dyn Rows {
        self
    }

    fn commit(&mut self, changes: &mut Changes, applied: Applied) -> Result<(), StoreError> {
        Self::commit(self, changes, applied)
    }
}
