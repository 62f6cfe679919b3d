//! Every bound that is not a setting, by name. What users may set stands in the configuration.

/// Announcements that wait for one live session; one more, and it reads the timeline instead.
pub const LIVE_QUEUE: usize = 256;

/// Requests that wait for one partition; one more is answered "try again".
pub const PARTITION_QUEUE: usize = 8_192;

/// Records of a partition that were appended here and are not folded yet; then no more are taken.
pub const PENDING_RECORDS: usize = 8_192;

/// What nobody waits for and one partition's log has not taken yet.
pub const UNFINISHED: usize = 65_536;

/// Records and bytes that one append holds at most, of an ordinary log and of Kafka: there each append is a round trip.
pub const APPEND_RECORDS: usize = 64;
pub const KAFKA_APPEND_RECORDS: usize = 1_024;
pub const APPEND_BYTES: usize = 4 << 20;

/// Records and bytes that one fold batch holds at most.
pub const FOLD_RECORDS: usize = 1_024;
pub const FOLD_BYTES: usize = 8 << 20;

/// Cursors in one `cursors.advanced`.
pub const CURSORS_IN_RECORD: usize = 1_000;

/// Records that the courier appends at once.
pub const COURIER_RECORDS: usize = 256;

/// Outbox rows that a courier gives up at once, and one commit deletes.
pub const OUTBOX_DELETED: u64 = 1_000;

/// Records folded since the state store last began to make what it holds durable. A start after a crash folds so many again at
/// most, and what was folded while that went on.
pub const FLUSH_RECORDS: u64 = 200_000;

/// Records and bytes that one batch of a rebuild holds at most: nobody waits for an answer.
pub const REBUILD_RECORDS: usize = 512;
pub const REBUILD_BYTES: usize = 32 << 20;

/// Deliveries, and bytes of the records that cause them, that one consumer holds in memory for one partition; then it
/// reads no further.
pub const CONSUMER_DELIVERIES: usize = 8_192;
pub const CONSUMER_BYTES: usize = 32 << 20;

/// Records below a consumer's position whose deliveries are still tried.
pub const CONSUMER_WAITING: usize = 256;

/// Records and bytes that a consumer reads at once.
pub const CONSUMER_READ_RECORDS: usize = 512;
pub const CONSUMER_READ_BYTES: usize = 2 << 20;

/// Views that other nodes have open here at once; one more is answered "try again".
pub const PEER_VIEWS: usize = 1_024;

/// Rows, and about how many bytes of them, that another node gets at once.
pub const PEER_ROWS: usize = 256;
pub const PEER_BYTES: usize = 1 << 20;
