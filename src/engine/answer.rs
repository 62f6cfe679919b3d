//! What an engine answers other nodes, from the partitions that it owns.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use duolog_topics::Event;
use parking_lot::Mutex;

use super::partition::Partition;
use super::peers::{Ask, Reply};
use super::query::blocking;
use super::submit::OTHER_HOMES_TIMEOUT;
use super::{Engine, EngineError};
use crate::domain::rows::{Direction, KeyRange, MetaRow, Rows, RowsError};
use crate::limits;
use crate::store::View;

/// How long a view waits for its next question.
const VIEW_TIME: Duration = Duration::from_secs(15);

/// A view, the partition's own row in it, the first offset that is not, and the rows that were asked for with it.
type ViewOf = (View, MetaRow, u64, Vec<Option<Bytes>>);

/// Views that other nodes read from.
#[derive(Default)]
pub(super) struct Views(Mutex<HashMap<u64, (Arc<View>, Instant)>>);

impl Views {
    fn open(&self, id: u64, view: Arc<View>) -> Result<(), EngineError> {
        let mut views = self.0.lock();
        if views.len() >= limits::PEER_VIEWS {
            views.retain(|_, (_, used)| used.elapsed() < VIEW_TIME);
        }
        if views.len() >= limits::PEER_VIEWS {
            return Err(EngineError::Busy);
        }
        views.insert(id, (view, Instant::now()));
        Ok(())
    }

    fn get(&self, id: u64) -> Result<Arc<View>, EngineError> {
        let mut views = self.0.lock();
        let (view, used) = views.get_mut(&id).ok_or(EngineError::Busy)?;
        *used = Instant::now();
        Ok(view.clone())
    }

    fn close(&self, id: u64) {
        let mut views = self.0.lock();
        views.remove(&id);
        // A view whose asker has died keeps old rows on disk.
        views.retain(|_, (_, used)| used.elapsed() < VIEW_TIME);
    }
}

impl Engine {
    /// Answers another node, from what is owned here and nothing else: so a request is forwarded once at most.
    ///
    /// # Errors
    /// [`EngineError::NotOwner`]; what the request itself meets.
    pub async fn answer(&self, partition: u32, ask: Ask) -> Result<Reply, EngineError> {
        match ask {
            Ask::Submit { account, kind, version, payload } => {
                let home = self.here(partition)?;
                if self.partition_of(&account) != partition {
                    return Err(EngineError::Peer("the account has another home".to_owned()));
                }
                let event = Event::decode(&kind, version, &payload);
                let event = event.map_err(|error| EngineError::Peer(error.to_string()))?;
                self.submit_at(&home, &account, event).await.map(Reply::Verdict)
            }
            Ask::Arrived { source, number, patience_ms } => {
                let patience = Duration::from_millis(patience_ms).min(OTHER_HOMES_TIMEOUT);
                Ok(Reply::Arrived(self.here(partition)?.arrived_from(source, number, patience).await?))
            }
            Ask::View { keys } => {
                let (home, views) = (self.here(partition)?, self.clone());
                let id = self.random();
                blocking(move || {
                    let (view, meta, next, rows) = home.view_of(&keys)?;
                    views.0.views.open(id, Arc::new(view))?;
                    Ok(Reply::View { view: id, meta, next, rows })
                })
                .await
            }
            Ask::Row { view, key } => {
                let view = self.0.views.get(view)?;
                blocking(move || Ok(Reply::Row(view.get(&key)?))).await
            }
            Ask::Scan { view, from, until, backward } => {
                let view = self.0.views.get(view)?;
                blocking(move || Ok(scan(view.as_ref(), from, until, backward)?)).await
            }
            Ask::Close { view } => {
                self.0.views.close(view);
                Ok(Reply::Closed)
            }
        }
    }

    fn here(&self, partition: u32) -> Result<Arc<Partition>, EngineError> {
        let home = self.owned(partition).ok_or(EngineError::NotOwner { epoch: 0 })?;
        home.closed().map_or(Ok(home), Err)
    }
}

impl Partition {
    fn view_of(&self, keys: &[Bytes]) -> Result<ViewOf, RowsError> {
        let view = self.store.view();
        let meta = super::open::committed_meta(&view, self.id)?;
        let rows = keys.iter().map(|key| view.get(key)).collect::<Result<_, _>>()?;
        let next = view.applied()?.map_or(0, |applied| applied.next);
        Ok((view, meta.as_ref().clone(), next, rows))
    }
}

fn scan(view: &View, from: Bound<Bytes>, until: Bound<Bytes>, backward: bool) -> Result<Reply, RowsError> {
    let (mut rows, mut bytes, mut more) = (Vec::new(), 0, false);
    let range = KeyRange { from: from.as_ref().map(Bytes::as_ref), until: until.as_ref().map(Bytes::as_ref) };
    let direction = if backward { Direction::Backward } else { Direction::Forward };
    view.scan(range, direction, &mut |key, value| {
        if rows.len() == limits::PEER_ROWS || bytes >= limits::PEER_BYTES {
            more = true;
            return ControlFlow::Break(Ok(()));
        }
        bytes += key.len() + value.len();
        rows.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    Ok(Reply::Rows { rows, more })
}
