//! Sessions that a crash, or a move of their home, has cut off. Nobody saw their links end: whoever has not returned
//! within a minute is recorded as gone, so that consumers hear of it.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::time::{Duration, Instant};

use duolog_topics::{Account, CloseReason, SessionClosed, SessionEnd};
use thiserror::Error;

use super::{Engine, EngineError, Tap};
use crate::domain::rows::{Direction, Key, KeyRange, KeyReader, MetaRow, Row as _, RowsError, SessionRow, Table, get};

/// How long a device has to come back before it counts as gone.
pub const RETURN_TIME: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(5);
/// Sessions in one record.
const LIST: usize = 1_000;

/// Why the sessions of a partition were not closed; the next round tries again.
#[derive(Debug, Error)]
enum UnreturnedError {
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Thread(#[from] tokio::task::JoinError),
}

/// A partition in one epoch: since when it was seen, and whether its sessions were closed.
type Seen = BTreeMap<(u32, u64), (Instant, bool)>;

/// Closes, in each partition and each of its epochs once, the sessions of earlier epochs that are still open after
/// `within`. Runs until the future is dropped.
pub async fn close_unreturned(engine: Engine, within: Duration) {
    let mut looks = tokio::time::interval(LOOK.min(within.max(Duration::from_millis(1))));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = Seen::new();
    loop {
        looks.tick().await;
        for tap in engine.taps() {
            let place = (tap.partition(), tap.meta().epoch);
            let (since, closed) = *seen.entry(place).or_insert_with(|| (Instant::now(), false));
            if closed || since.elapsed() < within {
                continue;
            }
            match close(&engine, &tap).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(partition = tap.partition(), count, "sessions did not return"),
                Err(error) => {
                    tracing::warn!(partition = tap.partition(), "sessions that did not return stay open: {error}");
                    continue;
                }
            }
            seen.insert(place, (since, true));
        }
    }
}

/// Closes them in lists; how many. Cost: a row for each session of the partition.
async fn close(engine: &Engine, tap: &Tap) -> Result<usize, UnreturnedError> {
    let (mut closed, mut after) = (0, None);
    loop {
        let tap = tap.clone();
        let (sessions, next) = tokio::task::spawn_blocking(move || left_open(&tap, after.as_deref())).await??;
        closed += sessions.len();
        if let Some(first) = sessions.first() {
            engine.submit(&first.account.clone(), SessionClosed { sessions }.into()).await?;
        }
        match next {
            Some(key) => after = Some(key),
            None => return Ok(closed),
        }
    }
}

/// The next sessions that count as open in an earlier epoch, and the key to go on after, if there may be more.
fn left_open(tap: &Tap, after: Option<&[u8]>) -> Result<(Vec<SessionEnd>, Option<Vec<u8>>), RowsError> {
    let rows = tap.rows();
    let epoch = get::<MetaRow>(&rows, MetaRow::key().as_slice())?.map_or(0, |meta| meta.epoch);
    let table = Key::of(Table::Session);
    let from = after.map_or(Bound::Included(table.as_slice()), Bound::Excluded);
    let end = table.end_of_prefix();
    let (mut found, mut failed, mut last) = (Vec::new(), None, None);
    let range = KeyRange { from, until: Bound::Excluded(&end) };
    crate::domain::rows::Rows::scan(&rows, range, Direction::Forward, &mut |key, value| {
        match session(key, value, epoch) {
            Ok(one) => found.extend(one),
            Err(error) => failed = Some(error),
        }
        if failed.is_some() || found.len() == LIST {
            last = Some(key.to_vec());
            return ControlFlow::Break(Ok(()));
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok((found, last)), Err)
}

fn session(key: &[u8], value: &[u8], epoch: u64) -> Result<Option<SessionEnd>, RowsError> {
    let row = SessionRow::decode(value)?;
    if !row.open || row.epoch >= epoch {
        return Ok(None);
    }
    let mut reader = KeyReader::new(key, Table::Session)?;
    let (account, session): (Account, _) = (reader.account()?, reader.text()?.to_owned());
    Ok(Some(SessionEnd { account, session, reason: CloseReason::TimeOut, ip: None }))
}
