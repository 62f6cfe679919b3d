//! The rows of a mailbox: one file a row kind, and the port through which the fold and the readers see them.
//!
//! Layouts stand in the doc comments: `table: (key) -> value`. A key begins with its table's byte ([`Table`]), names end
//! with 0x00, numbers are big-endian. [`Row`] tells how values are encoded.

mod account;
mod broadcast;
mod cell;
mod changes;
mod codec;
mod consumer;
mod conversation;
mod device;
mod history;
mod hot;
mod idempotency;
mod keyed;
mod message;
mod meta;
mod outbox;
mod outcome;
mod overlay;
mod port;
mod profile;
mod relation;
mod table;
mod timeline;

pub use account::AccountRow;
pub use broadcast::{Asked, BroadcastRow};
pub use cell::Cell;
pub use changes::{Changes, Taker};
pub use codec::{Pointer, Row, Scratch, get, get_hot, record_time_of};
pub use consumer::ConsumerRow;
pub use conversation::{ConversationRow, HistoryPlace, Recent, RecentRow};
pub use device::{DeviceRow, PushTokenRow, SessionRow};
pub use history::{HistoryEntries, HistoryEntry, HistoryRow, PlacedEntry, RowFlags};
pub use hot::{Hot, HotRow};
pub use idempotency::{IdempotencyRow, Window};
pub use keyed::{HashedKey, InOrder, Keyed, in_order};
pub use message::{Delivery, MessageRow};
pub use meta::{DAY, Horizons, MetaRow};
pub use outbox::{OutboxRow, PositionRow};
pub use outcome::{ClosedSession, EndedSession, Missed, Outcome, OutcomeRow};
pub use overlay::{MapRows, Overlay, scan_merged};
pub use port::{Direction, KeyRange, Rows, RowsError, Visited, Visitor};
pub use profile::{ProfileRow, StoredItem, set_item};
pub use relation::{FriendGroupsRow, RelationKind, RelationRow};
pub use table::{Horizon, Key, KeyReader, Table};
pub use timeline::{Change, TimelineEntry, TimelineRow};
