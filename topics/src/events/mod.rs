//! One type per event kind, and the one table of them.

mod account;
mod broadcast;
mod change;
mod consumer;
mod conversation;
mod key;
mod log;
mod message;
mod policy;
mod relation;
mod session;
mod via;

pub use account::*;
pub use broadcast::*;
pub use change::*;
pub use consumer::*;
pub use conversation::*;
pub use key::*;
pub use log::*;
pub use message::*;
pub use policy::*;
pub use relation::*;
pub use session::*;
pub use via::*;

use serde::Deserialize;

use crate::DecodeError;

/// How deep a payload may nest, fields of later programs included; ours reach 4. A deeper one could exhaust the stack.
const PAYLOAD_DEPTH: usize = 32;

fn read_payload<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, rmp_serde::decode::Error> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(payload);
    reader.set_max_depth(PAYLOAD_DEPTH);
    T::deserialize(&mut reader)
}

/// Makes [`Event`], [`EventKind`] and the catalogue from one table, so that they cannot differ.
macro_rules! catalogue {
    ($( $variant:ident $name:literal v $version:literal in $home:literal: $says:literal )*) => {
        /// What a record says: an accepted request. Whether it took effect is the fold's verdict.
        #[derive(Clone, PartialEq, Debug)]
        pub enum Event {
            $( #[doc = $says] $variant($variant), )*
        }

        /// The name of what a record says, without its content.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum EventKind {
            $( #[doc = $says] $variant, )*
        }

        impl EventKind {
            /// Every kind, in the order of the catalogue.
            pub const ALL: &[EventKind] = &[$( EventKind::$variant, )*];

            /// The kind's name in the log; on Kafka `ce_type` is this after `duolog.`. Never reused.
            pub const fn name(self) -> &'static str {
                match self { $( EventKind::$variant => $name, )* }
            }

            /// The newest payload version that this program writes and knows.
            pub const fn version(self) -> u16 {
                match self { $( EventKind::$variant => $version, )* }
            }

            /// Whose home the record stands in.
            pub const fn home(self) -> &'static str {
                match self { $( EventKind::$variant => $home, )* }
            }

            /// One sentence for the catalogue.
            pub const fn says(self) -> &'static str {
                match self { $( EventKind::$variant => $says, )* }
            }

            /// The JSON schema (2020-12) of the payload's JSON form, made from the type.
            pub fn schema(self) -> schemars::Schema {
                let mut schema = match self { $( EventKind::$variant => schemars::schema_for!($variant), )* };
                schema.insert("$id".to_owned(), format!("urn:duolog:{}:{}", self.name(), self.version()).into());
                schema.insert("title".to_owned(), self.name().into());
                schema
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $name => Some(EventKind::$variant), )* _ => None }
            }
        }

        impl Event {
            /// Which kind of event this is.
            pub const fn kind(&self) -> EventKind {
                match self { $( Event::$variant(_) => EventKind::$variant, )* }
            }

            /// Encodes the payload: MessagePack, maps with named fields.
            pub fn encode(&self) -> Vec<u8> {
                match self { $( Event::$variant(event) => rmp_serde::to_vec_named(event), )* }
                    .expect("event types hold only what MessagePack can write")
            }

            /// The payload as JSON, for people and exports.
            pub fn to_json(&self) -> serde_json::Value {
                match self { $( Event::$variant(event) => serde_json::to_value(event), )* }
                    .expect("event types hold only what JSON can write")
            }

            /// Decodes a payload by its kind's name and version.
            ///
            /// # Errors
            /// [`DecodeError`]: the kind is unknown, the version newer than this program, the payload damaged.
            pub fn decode(kind: &str, version: u16, payload: &[u8]) -> Result<Self, DecodeError> {
                let kind = EventKind::from_name(kind).ok_or_else(|| DecodeError::UnknownKind(kind.to_owned()))?;
                if version > kind.version() {
                    return Err(DecodeError::NewerVersion { kind: kind.name(), version, known: kind.version() });
                }
                let failed = |source| DecodeError::Payload { kind: kind.name(), source };
                Ok(match kind {
                    $( EventKind::$variant => Event::$variant(read_payload(payload).map_err(failed)?), )*
                })
            }
        }

        $( impl From<$variant> for Event {
            fn from(event: $variant) -> Self {
                Event::$variant(event)
            }
        } )*
    };
}

catalogue! {
    LogOpened "log.opened" v 1 in "every partition":
        "The first record of a partition: which log this is."
    LogRestored "log.restored" v 1 in "every partition":
        "The log was put back from a backup, so clients drop cursors that no longer mean the same."
    OwnerChanged "owner.changed" v 1 in "every partition":
        "Who owns the partition from here on; sessions of earlier epochs have ended."
    FoldVersion "fold.version" v 1 in "every partition":
        "Which version of the fold holds from here on."
    PolicyChanged "policy.changed" v 1 in "every partition":
        "The rules that the fold obeys from here on."
    Tick "tick" v 1 in "every partition":
        "Time passes on an idle partition."
    AccountImported "account.imported" v 1 in "the account":
        "An account exists since here."
    AccountDeleted "account.deleted" v 1 in "the account":
        "An account is gone; its sequences never go back."
    AccountKicked "account.kicked" v 1 in "the account":
        "Its sessions end, and signatures made before a second are refused."
    ProfileChanged "profile.changed" v 1 in "the account":
        "Fields of the user's profile were set."
    MuteChanged "mute.changed" v 1 in "the account":
        "The user may not send until a time."
    PushTokenSet "push.token.set" v 1 in "the account":
        "A device can be reached by offline push, or no longer."
    AppStateSet "app.state.set" v 1 in "the account":
        "A device's app went to the background or came back."
    SessionOpened "session.opened" v 1 in "the account":
        "A device logged in, or came back with the session that it held."
    SessionClosed "session.closed" v 1 in "the partition":
        "Devices logged out, lost their link, or did not return; a list."
    CursorsAdvanced "cursors.advanced" v 1 in "the partition":
        "How far devices have taken their timelines; a list."
    MessageSent "message.sent" v 1 in "the sender":
        "A message to one or many receivers."
    MessageArrived "message.arrived" v 1 in "the receiver, carried":
        "A message from another home reached its receivers here."
    MessageRecalled "message.recalled" v 1 in "the sender; carried":
        "A message was taken back."
    MessageModified "message.modified" v 1 in "the sender; carried":
        "The body or custom data of a message was replaced."
    MessageDeleted "message.deleted" v 1 in "the account":
        "Messages left one user's own view."
    MessageReceipted "message.receipted" v 1 in "the account; carried":
        "The receiver confirmed single messages as read."
    ConversationRead "conversation.read" v 1 in "the account; carried":
        "Everything up to a message time is read."
    ConversationDeleted "conversation.deleted" v 1 in "the account":
        "A conversation left the recent contacts."
    ConversationCleared "conversation.cleared" v 1 in "the account":
        "A conversation's history left one user's own view."
    BlacklistChanged "blacklist.changed" v 1 in "the account; carried":
        "A user blocked or unblocked another one."
    FriendChanged "friend.changed" v 2 in "the account; carried":
        "A friendship was asked for, made, changed or ended."
    FriendGroupChanged "friend.group.changed" v 1 in "the account":
        "Groups of friends were made or removed."
    BroadcastIssued "broadcast.issued" v 2 in "every partition, carried":
        "A push to all accounts."
    ConsumersAdvanced "consumers.advanced" v 1 in "the partition":
        "How far consumers of the log have come; a list."
    DeadLetter "dead.letter" v 1 in "the topic of the dead letters":
        "A consumer gave a delivery up."
}
