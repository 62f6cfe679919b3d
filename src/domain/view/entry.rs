use duolog_topics::{Account, Millis, MsgKey, Origin, ProfileItem, RawJson};

/// What a device gets: a message or a change. The gateway writes it in the client protocol's form.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    Message(MessageView),
    Change { time: Millis, change: ChangeView },
}

/// A message in one user's view of a conversation.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageView {
    pub key: MsgKey,
    pub from: Account,
    pub to: Account,
    /// Message time.
    pub time: Millis,
    /// JSON array of elements; empty if recalled.
    pub body: RawJson,
    pub custom: Option<String>,
    pub random: u32,
    pub msg_seq: u32,
    pub origin: Origin,
    pub flags: MessageFlagsView,
    /// For own messages: whether the peer has read it. For received ones: whether this user has.
    pub peer_read: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MessageFlagsView {
    pub recalled: bool,
    pub modified: bool,
    pub online_only: bool,
    pub no_unread: bool,
    pub no_last_message: bool,
    pub receipt_wanted: bool,
}

/// A change, with what is needed to show it (a modified message brings its new content).
#[derive(Clone, PartialEq, Debug)]
pub enum ChangeView {
    Recall { peer: Account, key: MsgKey, by: Account },
    Modify { peer: Account, key: MsgKey, by: Account, body: RawJson, custom: Option<String> },
    Delete { peer: Account, keys: Vec<MsgKey> },
    DeleteUntil { peer: Account, until: Millis },
    Read { peer: Account, until: Millis, unread: u64, unread_total: u64 },
    Receipt { peer: Account, until: Millis },
    ReceiptKeys { peer: Account, keys: Vec<MsgKey> },
    RecentRemoved { peer: Account },
    Relation { block: bool, peer: Account, added: bool, remark: Option<String>, groups: Option<Vec<String>> },
    Profile { items: Vec<ProfileItem> },
}
