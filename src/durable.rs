//! Files that are there as a whole, and durable, or not at all. Whoever is stopped meanwhile leaves an unfinished one, under
//! a name of its own, and what had the name before still has it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The extension of a file that is not whole yet.
pub const UNFINISHED: &str = "unfinished";

/// What a file is called until it is whole: its name with [`UNFINISHED`] behind.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// Gives the file that was written as [`unfinished`] its name, in place of what has that. Costs two syncs.
///
/// # Errors
/// If it cannot be synced or renamed.
pub fn finish(path: &Path) -> io::Result<()> {
    let unfinished = unfinished(path);
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_folder_of(path)
}

/// Writes a small file. Costs two syncs.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(unfinished(path), bytes)?;
    finish(path)
}

/// Makes the name of a file or folder durable.
///
/// # Errors
/// If the folder that it lies in cannot be synced.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_old_one_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.txt");
        write(&path, b"old").unwrap();
        // What a stopped process left is written over.
        fs::write(unfinished(&path), "half of someth").unwrap();
        write(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert!(!unfinished(&path).exists());

        fs::create_dir(unfinished(&path)).unwrap();
        write(&path, b"never").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
    }
}
