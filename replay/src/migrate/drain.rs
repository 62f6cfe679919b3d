use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use duolog::consumers::{is_progress, records};
use duolog::domain::dump::meta_of;
use duolog::domain::rows::{ConsumerRow, MetaRow, PositionRow, RowsError, get};
use duolog::engine::{Tap, courier};
use duolog::log::ReadLimit;
use duolog::store::Store;
use duolog_topics::{EventKind, Header, Tick};

use crate::owner::Owner;
use crate::print::counted;

/// Couriers that carry nothing for so long will not.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
const LIMIT: ReadLimit = ReadLimit { records: 4_096, bytes: 8 << 20 };

/// Waits until nothing is on its way between two homes, and refuses if a consumer has something left to tell.
pub fn drain(owner: &Owner) -> Result<()> {
    wait_for_couriers(&owner.stores)?;
    let mut left = Vec::new();
    for tap in owner.engine.taps() {
        for (name, row) in tap.consumers()? {
            left.extend(undelivered(&tap, &name, &row)?);
        }
    }
    if !left.is_empty() {
        bail!(
            "not everything that happened has been told:\n  {}\nStart the server until `duolog-replay lag` shows that \
             it was delivered or given up to the dead letters, and stop it with SIGTERM; or start it once without the \
             receiver, which then holds back nothing. Nothing was moved",
            left.join("\n  ")
        );
    }
    // All partitions come to the same time: what has expired for one account has for all.
    for tap in owner.engine.taps() {
        owner.runtime.block_on(tap.submit(Tick {}.into()))?;
    }
    Ok(())
}

/// Waits for what the couriers of this process carry.
fn wait_for_couriers(stores: &[Store]) -> Result<()> {
    let (mut least, mut since) = (u64::MAX, Instant::now());
    loop {
        let (mut waiting, mut place) = (0, (0, 0));
        for (source, from) in (0..).zip(stores) {
            let meta = meta_of(from)?;
            for (destination, to) in (0..).zip(stores).filter(|(destination, _)| *destination != source) {
                let given_out = number(from, destination)?;
                let arrived = courier::reported(to, &meta)?;
                if given_out > arrived {
                    (waiting, place) = (waiting + given_out - arrived, (source, destination));
                }
            }
        }
        if waiting == 0 {
            return Ok(());
        }
        if waiting < least {
            (least, since) = (waiting, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            let (source, destination) = place;
            bail!(
                "{waiting} records wait to be carried, the last of them from partition {source} to {destination}, and none arrives"
            );
        }
        std::thread::sleep(LOOK);
    }
}

fn number(from: &Store, destination: u32) -> Result<u64, RowsError> {
    let key = PositionRow::given_out(destination);
    Ok(get::<PositionRow>(from, key.as_slice())?.unwrap_or_default().number)
}

/// What a consumer has left to do in a partition, in words.
fn undelivered(tap: &Tap, name: &str, row: &ConsumerRow) -> Result<Option<String>> {
    let Some(position) = row.position else { return Ok(None) };
    let partition = tap.partition();
    if name == records::NAME {
        // It writes an hour when that has ended, so it always has something left; `duolog-replay export` has it, too.
        return Ok(None);
    }
    if !row.waiting.is_empty() {
        let tried = counted(row.waiting.len() as u64, "delivery", "deliveries");
        return Ok(Some(format!("partition {partition}: {name} still tries {tried}")));
    }
    let (mut next, mut unread) = (position, 0_u64);
    loop {
        let records = tap.read(next, LIMIT)?;
        let Some(last) = records.last() else { break };
        next = last.offset + 1;
        unread += records.iter().filter(|stored| tells(&stored.record.header)).count() as u64;
    }
    let left = counted(unread, "record", "records");
    Ok((unread > 0).then(|| format!("partition {partition}: {name} has not passed {left}")))
}

/// Whether somebody may have to be told of a record.
fn tells(header: &[u8]) -> bool {
    use EventKind::{FoldVersion, LogOpened, LogRestored, OwnerChanged, PolicyChanged};
    let kind = Header::decode(header).ok().and_then(|header| EventKind::from_name(header.kind));
    let of_partition = [FoldVersion, LogOpened, LogRestored, OwnerChanged, PolicyChanged];
    kind.is_some_and(|kind| !is_progress(kind) && !of_partition.contains(&kind))
}

/// Homes that become one have to obey the same rules.
pub fn refuse_different(stores: &[Store]) -> Result<()> {
    let metas = stores.iter().map(|store| meta_of(store)).collect::<Result<Vec<_>, _>>()?;
    let Some((first, others)) = metas.split_first() else { return Ok(()) };
    let differ = |what: &str, other: &MetaRow, do_this: &str| {
        bail!("partitions {} and {} have {what}: {do_this}. Nothing was moved", first.partition, other.partition)
    };
    for other in others {
        if other.policy != first.policy {
            return differ("different policies", other, "start the server once, which records the newer one in both");
        }
        if other.restored != first.restored {
            return differ("been restored a different number of times", other, "run `duolog-replay restored`");
        }
        if other.broadcasts != first.broadcasts || other.fold_version != first.fold_version {
            return differ("seen different things said to all", other, "start the server once, and stop it again");
        }
    }
    Ok(())
}
