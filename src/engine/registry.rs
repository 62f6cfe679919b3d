use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use duolog_topics::Account;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::verdict::{Announcement, EndReason, SessionEnded};
use crate::limits;

/// The sessions that are connected to this process, and what waits for each of them.
#[derive(Default)]
pub struct Registry {
    accounts: Mutex<HashMap<Account, Vec<Arc<Slot>>>>,
}

/// What a live session hears, in the order of the log.
#[derive(Clone, Debug)]
pub enum Live {
    Announcement(Arc<Announcement>),
    Ended(EndReason),
    /// The queue was full and was emptied: read the timeline again, then `go_live` again.
    Lagged,
    /// The account's home is at another node now.
    Moved,
}

struct Slot {
    session: String,
    waiting: Mutex<Waiting>,
    notify: Notify,
}

#[derive(Default)]
struct Waiting {
    live: bool,
    lagged: bool,
    queue: VecDeque<Arc<Announcement>>,
    ended: Option<EndReason>,
    moved: bool,
}

/// One session's place in the registry; dropping it leaves.
pub struct LiveSession {
    registry: Arc<Registry>,
    account: Account,
    slot: Arc<Slot>,
}

impl Registry {
    /// From now on the session hears of its end, and after [`LiveSession::go_live`] of announcements.
    pub fn register(self: &Arc<Self>, account: &Account, session: &str) -> LiveSession {
        let slot = Arc::new(Slot {
            session: session.to_owned(),
            waiting: Mutex::new(Waiting::default()),
            notify: Notify::new(),
        });
        self.accounts.lock().entry(account.clone()).or_default().push(slot.clone());
        LiveSession { registry: self.clone(), account: account.clone(), slot }
    }

    /// Queues an announcement for every live session of its account.
    pub fn announce(&self, announcement: Announcement) {
        let accounts = self.accounts.lock();
        let Some(slots) = accounts.get(&announcement.account) else { return };
        let announcement = Arc::new(announcement);
        for slot in slots {
            let mut waiting = slot.waiting.lock();
            if !waiting.live || waiting.lagged {
                continue;
            }
            if waiting.queue.len() >= limits::LIVE_QUEUE {
                waiting.queue.clear();
                waiting.lagged = true;
            } else {
                waiting.queue.push_back(announcement.clone());
            }
            slot.notify.notify_one();
        }
    }

    /// Tells a session why the log ended it.
    pub fn end(&self, ended: &SessionEnded) {
        let accounts = self.accounts.lock();
        let slots = accounts.get(&ended.account).into_iter().flatten();
        for slot in slots.filter(|slot| slot.session == ended.session) {
            slot.waiting.lock().ended = Some(ended.reason.clone());
            slot.notify.notify_one();
        }
    }

    /// Tells the sessions of these accounts that their home is at another node now.
    pub fn move_away(&self, is_moving: impl Fn(&Account) -> bool) {
        let accounts = self.accounts.lock();
        for (_, slots) in accounts.iter().filter(|(account, _)| is_moving(account)) {
            for slot in slots {
                slot.waiting.lock().moved = true;
                slot.notify.notify_one();
            }
        }
    }

    /// How many sessions are connected.
    pub fn len(&self) -> usize {
        self.accounts.lock().values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl LiveSession {
    /// Announcements of later commits are queued from here on; what came before is in the timeline.
    pub fn go_live(&self) {
        let mut waiting = self.slot.waiting.lock();
        waiting.live = true;
        waiting.lagged = false;
        waiting.queue.clear();
    }

    /// What comes next. Cancel-safe: nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Live {
        loop {
            if let Some(live) = self.take() {
                return live;
            }
            self.slot.notify.notified().await;
        }
    }

    /// What has come already, without waiting.
    pub fn take(&mut self) -> Option<Live> {
        let mut waiting = self.slot.waiting.lock();
        if let Some(announcement) = waiting.queue.pop_front() {
            return Some(Live::Announcement(announcement));
        }
        if let Some(reason) = waiting.ended.take() {
            return Some(Live::Ended(reason));
        }
        if waiting.lagged && waiting.live {
            waiting.live = false;
            return Some(Live::Lagged);
        }
        std::mem::take(&mut waiting.moved).then_some(Live::Moved)
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        let mut accounts = self.registry.accounts.lock();
        if let Some(slots) = accounts.get_mut(&self.account) {
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if slots.is_empty() {
                accounts.remove(&self.account);
            }
        }
    }
}
