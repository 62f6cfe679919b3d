use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use duolog::durable;

use super::format::{Format, Out, Sink};
use super::message::Message;
use super::{Begin, Output, open_store};

/// Everything in one file, or on standard output. A file is there when it is whole.
pub struct OneFile {
    sink: Option<Box<dyn Sink>>,
    path: Option<PathBuf>,
    scratch: PathBuf,
}

impl OneFile {
    /// `scratch`: where the fold keeps its state.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn open(path: Option<&Path>, format: Format, scratch: &Path) -> Result<Self> {
        let out: Out = match path {
            Some(path) => Box::new(create(path)?),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        Ok(Self { sink: Some(format.sink(out)?), path: path.map(Path::to_owned), scratch: scratch.to_owned() })
    }
}

impl Output for OneFile {
    fn begin(&mut self, partition: u32, wanted: u64, fresh: &dyn Fn(&Path) -> Result<u64>) -> Result<Begin> {
        let path = self.scratch.join(partition.to_string());
        let fold_from = fresh(&path)?;
        Ok(Begin { store: open_store(&path)?, fold_from, write_from: wanted })
    }

    fn add(&mut self, message: &Message<'_>) -> Result<()> {
        self.sink.as_mut().map_or(Ok(()), |sink| sink.add(message))
    }

    fn reached(&mut self, _: u32, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(sink) = self.sink.take() {
            sink.end()?;
        }
        self.path.as_deref().map_or(Ok(()), finish)
    }
}

/// Begins a file; [`finish`] gives it its name.
///
/// # Errors
/// If it cannot be made.
pub fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(durable::unfinished(path));
    Ok(BufWriter::new(file.with_context(|| format!("{} cannot be written", path.display()))?))
}

/// Gives a file its name, durably.
///
/// # Errors
/// If it cannot be renamed or synced.
pub fn finish(path: &Path) -> Result<()> {
    durable::finish(path).with_context(|| format!("{} cannot be put in place", path.display()))
}
