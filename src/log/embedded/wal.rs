//! What a crash leaves at the end of RocksDB's write-ahead log is cut; any other damage is refused.
//!
//! Each batch is one logical record and is synced before the next one is written. So a crash leaves at most one record
//! torn, and nothing whole behind it. RocksDB has no recovery mode that says exactly this: its tolerant one also drops
//! whole records behind a damaged length, its point-in-time one drops everything behind any damage. So this module looks
//! first, and RocksDB is then opened in the mode that tolerates nothing.
//!
//! A file is a row of 32 KiB blocks (`db/log_format.h`); a block is a row of fragments, and zeros where no header fits:
//!
//! ```text
//! masked crc32c of type and data u32 │ length u16 │ type u8 │ data        numbers little-endian
//! ```
//!
//! A logical record is one `FULL` fragment, or `FIRST`, any number of `MIDDLE`, and `LAST`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::crc32c;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
/// Disks write at least so much at once: within it a torn write is old or new, and old bytes of a new file are zeros.
const SECTOR: usize = 512;

/// What the walk through a file found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Whole,
    /// Whole up to here, then a record that a crash tore.
    Torn(usize),
    /// Wrong here, and no crash explains it.
    Damaged(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    First,
    Middle,
    Last,
}

/// Cuts a torn tail off the newest write-ahead log in a folder, and syncs the file; gives how many bytes it took.
///
/// Costs one read of that file, which is as large as a write buffer. The caller holds the folder.
///
/// # Errors
/// If the file is damaged in a way that no crash explains (`InvalidData`; the file is left as it is), or I/O fails.
pub(super) fn cut_torn_tail(dir: &Path) -> io::Result<u64> {
    let Some(newest) = Newest::judged(dir)? else { return Ok(0) };
    if newest.whole < newest.length {
        let file = File::options().write(true).open(&newest.path)?;
        file.set_len(newest.whole)?;
        file.sync_all()?;
    }
    Ok(newest.length - newest.whole)
}

/// Reads the newest write-ahead log in a folder and judges it as [`cut_torn_tail`] does, but changes nothing. A server may
/// be writing to it: what it has written of a record so far looks as if a crash had torn it.
///
/// # Errors
/// As [`cut_torn_tail`].
pub(super) fn refuse_damage(dir: &Path) -> io::Result<()> {
    match Newest::judged(dir) {
        // The server has just replaced it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        judged => judged.map(drop),
    }
}

/// The newest write-ahead log, and how much of it is whole.
struct Newest {
    path: PathBuf,
    length: u64,
    whole: u64,
}

impl Newest {
    fn judged(dir: &Path) -> io::Result<Option<Self>> {
        let Some(path) = newest_log(dir)? else { return Ok(None) };
        let bytes = fs::read(&path)?;
        let whole = match examine(&bytes) {
            Shape::Whole => bytes.len(),
            Shape::Torn(end) => end,
            Shape::Damaged(at) => {
                let name = path.file_name().unwrap_or_default().display();
                let what = format!("{name} is damaged at byte {at}, and not by a crash: it was acknowledged");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        };
        Ok(Some(Self { path, length: bytes.len() as u64, whole: whole as u64 }))
    }
}

/// The `NNNNNN.log` with the highest number.
fn newest_log(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let Some(number) = number
            && newest.as_ref().is_none_or(|(highest, _)| number > *highest)
        {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

fn examine(bytes: &[u8]) -> Shape {
    let end = whole_until(bytes);
    if end == bytes.len() { Shape::Whole } else { judge(bytes, end) }
}

/// The end of the last logical record before the first that is not whole.
fn whole_until(bytes: &[u8]) -> usize {
    let (mut end, mut at, mut open) = (0, 0, false);
    while let Some(fragment) = Fragment::at(bytes, at).filter(|fragment| fragment.whole) {
        open = match (fragment.kind, open) {
            (Kind::Full, false) | (Kind::Last, true) => {
                end = fragment.end;
                false
            }
            (Kind::First, false) | (Kind::Middle, true) => true,
            _ => return end,
        };
        at = fragment.end;
    }
    end
}

/// Tells a record that was being written from one that was changed later. It was being written if the file ends before
/// it, or if a sector never reached the disk; and if no record begins behind it, as that one was written after the sync.
fn judge(bytes: &[u8], start: usize) -> Shape {
    let (torn, damaged) = (Shape::Torn(start), Shape::Damaged(start));
    let start = after_trailer(start);
    let (mut at, mut more) = (start, true);
    while at < bytes.len() {
        if bytes.len() - at < HEADER {
            return torn;
        }
        let Some(fragment) = Fragment::at(bytes, at) else {
            // No header: it was lost or changed, and the lengths lead no further.
            return if has_lost_sector(bytes, start) && !record_begins_within(bytes, at) { torn } else { damaged };
        };
        let begins = matches!(fragment.kind, Kind::Full | Kind::First);
        if fragment.whole && begins && at != start || !fragment.whole && has_wrong_length(bytes, at) {
            return damaged;
        }
        if fragment.end > bytes.len() {
            return torn;
        }
        more = fragment.whole && matches!(fragment.kind, Kind::First | Kind::Middle);
        at = after_trailer(fragment.end);
    }
    if more || has_lost_sector(bytes, start) { torn } else { damaged }
}

/// A piece of a logical record, as its header has it.
struct Fragment {
    kind: Kind,
    end: usize,
    /// All there, and right.
    whole: bool,
}

impl Fragment {
    /// The fragment here, or behind the block's trailer; none if these bytes are no header.
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let at = after_trailer(at);
        let header = bytes.get(at..at + HEADER)?;
        let kind = match header[6] {
            1 => Kind::Full,
            2 => Kind::First,
            3 => Kind::Middle,
            4 => Kind::Last,
            _ => return None,
        };
        let end = at + HEADER + usize::from(u16::from_le_bytes([header[4], header[5]]));
        let whole = |typed| crc32c::masked(typed).to_le_bytes() == header[..4];
        let whole = bytes.get(at + HEADER - 1..end).is_some_and(whole);
        (end <= block_end(at)).then_some(Self { kind, end, whole })
    }
}

fn block_end(at: usize) -> usize {
    at / BLOCK * BLOCK + BLOCK
}

/// Where a fragment begins that follows one which ended here.
fn after_trailer(at: usize) -> usize {
    if block_end(at) - at < HEADER { block_end(at) } else { at }
}

/// Whether the checksum here fits another length than the header has, and the file ends or goes on there: among thousands
/// of lengths, the checksum alone would fit by chance too often.
fn has_wrong_length(bytes: &[u8], at: usize) -> bool {
    let typed = &bytes[at + HEADER - 1..block_end(at).min(bytes.len())];
    let stored = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let goes_on = |end| end == bytes.len() || Fragment::at(bytes, end).is_some_and(|fragment| fragment.whole);
    // The first prefix is the type alone: a length of 0.
    crc32c::masked_prefixes(typed).zip(at + HEADER..).any(|(masked, end)| masked == stored && goes_on(end))
}

/// Whether a logical record begins anywhere from here on. Looks at every byte, as no header leads the way.
fn record_begins_within(bytes: &[u8], from: usize) -> bool {
    (from..bytes.len()).any(|at| {
        Fragment::at(bytes, at)
            .is_some_and(|fragment| fragment.whole && matches!(fragment.kind, Kind::Full | Kind::First))
    })
}

/// Whether a sector, from here on, holds nothing but the zeros of a file that grew.
fn has_lost_sector(bytes: &[u8], start: usize) -> bool {
    let sectors = (start / SECTOR..bytes.len().div_ceil(SECTOR)).map(|sector| sector * SECTOR);
    sectors.map(|at| &bytes[at.max(start)..(at + SECTOR).min(bytes.len())]).any(|held| held.iter().all(|b| *b == 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes records as RocksDB does, and gives where each one ends.
    fn file(records: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for record in records {
            let (mut rest, mut first) = (&record[..], true);
            loop {
                bytes.resize(after_trailer(bytes.len()), 0);
                let room = BLOCK - bytes.len() % BLOCK - HEADER;
                let (data, left) = rest.split_at(room.min(rest.len()));
                let kind = match (first, left.is_empty()) {
                    (true, true) => 1,
                    (true, false) => 2,
                    (false, false) => 3,
                    (false, true) => 4,
                };
                let typed = [&[kind], data].concat();
                bytes.extend(crc32c::masked(&typed).to_le_bytes());
                bytes.extend((data.len() as u16).to_le_bytes());
                bytes.extend(typed);
                (rest, first) = (left, false);
                if rest.is_empty() {
                    break;
                }
            }
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    /// Records without a zero byte, so that no sector of theirs looks as if it had not been written.
    fn records(at_least: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
        let small = prop::collection::vec(1..=u8::MAX, 1..2_000);
        let large = (1..=u8::MAX, 1..100_000_usize).prop_map(|(byte, length)| vec![byte; length]);
        prop::collection::vec(prop_oneof![3 => small, 1 => large], at_least..12)
    }

    proptest! {
        #[test]
        fn a_whole_file_is_whole(records in records(1)) {
            prop_assert_eq!(examine(&file(&records).0), Shape::Whole);
        }

        #[test]
        fn a_file_cut_anywhere_keeps_its_whole_records(records in records(1), cut: prop::sample::Index) {
            let (bytes, ends) = file(&records);
            let cut = cut.index(bytes.len() + 1);
            let kept = ends.iter().copied().filter(|end| *end <= cut).max().unwrap_or(0);
            let shape = if kept == cut { Shape::Whole } else { Shape::Torn(kept) };
            prop_assert_eq!(examine(&bytes[..cut]), shape);
        }

        #[test]
        fn sectors_of_the_last_record_that_were_not_written_are_cut(records in records(1), lost: prop::sample::Index) {
            let (mut bytes, ends) = file(&records);
            let start = ends.iter().rev().nth(1).copied().unwrap_or(0);
            let from = start + lost.index(bytes.len() - start);
            let from = (from / SECTOR * SECTOR).max(after_trailer(start));
            let until = (from / SECTOR * SECTOR + SECTOR).min(bytes.len());
            bytes[from..until].fill(0);
            prop_assert_eq!(examine(&bytes), Shape::Torn(start));
        }

        #[test]
        fn a_flipped_bit_before_the_last_record_is_refused(
            records in records(2), place: prop::sample::Index, bit in 0..8_u8,
        ) {
            let (mut bytes, ends) = file(&records);
            let place = place.index(ends[ends.len() - 2]);
            let start = ends.iter().copied().filter(|end| *end <= place).max().unwrap_or(0);
            prop_assume!(place >= after_trailer(start));
            bytes[place] ^= 1_u8 << bit;
            prop_assert_eq!(examine(&bytes), Shape::Damaged(start));
        }

        #[test]
        fn sectors_lost_before_the_last_record_are_refused(records in records(2), lost: prop::sample::Index) {
            let (mut bytes, ends) = file(&records);
            let last = ends[ends.len() - 2];
            let from = lost.index(last) / SECTOR * SECTOR;
            bytes[from..(from + SECTOR).min(last)].fill(0);
            prop_assert!(matches!(examine(&bytes), Shape::Damaged(_)));
        }

        #[test]
        fn a_flipped_bit_in_the_last_record_is_refused(records in records(1), place: prop::sample::Index, bit in 0..8_u8) {
            let (mut bytes, ends) = file(&records);
            let start = ends.iter().rev().nth(1).copied().unwrap_or(0);
            let from = after_trailer(start);
            let place = from + place.index(bytes.len() - from);
            bytes[place] ^= 1_u8 << bit;
            // What is left of a sector may be this one byte, or a trailer of zeros.
            prop_assume!(!has_lost_sector(&bytes, from));
            prop_assert_eq!(examine(&bytes), Shape::Damaged(start));
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes: Vec<u8>) {
            examine(&bytes);
        }
    }
}
