use super::{Log, LogError, ReadLimit};

/// The first offset whose record is not older than a time (Unix ms), for logs whose record times ascend. Cost: a search by
/// halves, one record each.
///
/// # Errors
/// If a record cannot be read.
pub fn first_at(log: &dyn Log, partition: u32, time: u64) -> Result<u64, LogError> {
    let bounds = log.bounds(partition)?;
    let (mut low, mut high) = (bounds.first, bounds.high_watermark);
    while low < high {
        let middle = low + (high - low) / 2;
        let read = log.read(partition, middle, ReadLimit { records: 1, bytes: 0 })?;
        match read.first() {
            Some(stored) if stored.record.time < time => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
