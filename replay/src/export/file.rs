use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use duolog::durable;

use super::format::{Format, Out, Sink};
use super::message::Message;
use super::{Begin, Output, open_store};

/// Everything in one file, or on standard output. A file is there when it is whole; what is there and is no file, such as a
/// pipe, is written as it is.
pub struct OneFile {
    sink: Option<Box<dyn Sink>>,
    /// The file that still needs its name.
    unnamed: Option<PathBuf>,
    scratch: PathBuf,
}

impl OneFile {
    /// `scratch`: where the fold keeps its state.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn open(path: Option<&Path>, format: Format, scratch: &Path) -> Result<Self> {
        let unnamed = path.filter(|path| path.is_file() || !path.exists());
        let out: Out = match (path, unnamed) {
            (_, Some(file)) => Box::new(create(file)?),
            (Some(other), None) => Box::new(BufWriter::new(open_as_it_is(other)?)),
            (None, None) => Box::new(BufWriter::new(io::stdout())),
        };
        Ok(Self { sink: Some(format.sink(out)?), unnamed: unnamed.map(Path::to_owned), scratch: scratch.to_owned() })
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
        self.unnamed.as_deref().map_or(Ok(()), finish)
    }
}

/// What a path names in the end, if it is a link: there the file is put, or made, and the link stays. What is neither file
/// nor missing keeps its name: the links of `/proc`, by which `/dev/stdout` goes, lead to no place in the file system.
///
/// # Errors
/// If it cannot be followed.
pub fn followed(path: &Path) -> Result<PathBuf> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => return Ok(path.to_owned()),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} cannot be written", path.display()));
        }
        _ => {}
    }
    match fs::read_link(path) {
        Ok(to) => followed(&path.parent().unwrap_or(Path::new("")).join(to)),
        Err(_) => Ok(path.to_owned()),
    }
}

/// Opens a device or a pipe; nothing is made, nothing is put in its place.
fn open_as_it_is(path: &Path) -> Result<File> {
    File::options().write(true).open(path).with_context(|| format!("{} cannot be written", path.display()))
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
