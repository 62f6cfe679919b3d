use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Cell, Row, RowsError};

/// A row that nearly every message reads or changes, decoded, and shared by all who hold it: to read it copies nothing, and
/// whoever changes it first gets a copy of his own.
///
/// A change asks each time whether there are others. Who changes several fields borrows the row once, as `&mut R`.
#[derive(PartialEq, Eq, Debug, Default)]
pub struct Hot<R>(Arc<R>);

/// A kind of row that stays decoded from one batch to the next.
pub trait HotRow: Row + Clone {
    /// The row as a cell holds it.
    fn held(row: Hot<Self>) -> Cell;

    /// The opposite of [`HotRow::held`], also where the cell holds it encoded.
    ///
    /// # Errors
    /// If the cell holds no row of this kind.
    fn of(cell: Cell) -> Result<Hot<Self>, RowsError>;
}

impl<R> From<R> for Hot<R> {
    fn from(row: R) -> Self {
        Self(Arc::new(row))
    }
}

impl<R> Clone for Hot<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> Deref for Hot<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.0
    }
}

impl<R: Clone> DerefMut for Hot<R> {
    fn deref_mut(&mut self) -> &mut R {
        Arc::make_mut(&mut self.0)
    }
}
