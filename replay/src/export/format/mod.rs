//! The formats: one file each.

mod csv;
mod ndjson;
mod parquet;

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;

use super::message::Message;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// A message a line, as JSON
    Ndjson,
    /// Comma-separated, with a line of names; lists, body and flags as JSON text
    Csv,
    /// Columns, compressed with Snappy; receivers as lists
    Parquet,
}

/// What messages are written into.
pub type Out = Box<dyn Write + Send>;

/// Writes messages in one format.
pub trait Sink {
    /// # Errors
    /// If it cannot be written.
    fn add(&mut self, message: &Message<'_>) -> Result<()>;

    /// Writes what is still to be written, and flushes.
    ///
    /// # Errors
    /// If it cannot be written.
    fn end(self: Box<Self>) -> Result<()>;
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// # Errors
    /// If its beginning cannot be written.
    pub fn sink(self, out: Out) -> Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Ndjson => Box::new(ndjson::Ndjson(out)),
            Self::Csv => Box::new(csv::Csv::begin(out)?),
            Self::Parquet => Box::new(parquet::Parquet::begin(out)?),
        })
    }
}
