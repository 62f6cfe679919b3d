//! What a client can ask for: one file an op, with its arguments, what it does and what it answers.

mod app_state;
mod args;
mod blacklist;
mod block;
mod clear_history;
pub mod context;
mod delete;
mod delete_recent;
mod friend_add;
mod friend_answer;
mod friend_check;
mod friend_delete;
mod friend_get;
mod friend_pending;
mod friend_update;
mod friends;
pub mod history;
pub mod login;
mod modify;
mod profile_get;
mod profile_set;
mod push_token;
mod read;
mod recall;
mod receipt;
mod recent_contacts;
mod renew;
mod results;
pub mod send;
mod status;
pub mod sync;

use duolog_topics::Account;
use futures_util::future::BoxFuture;

pub use context::{Context, Identity};
pub use login::Login;
pub use send::Send;

use super::protocol::Failure;
use super::protocol::frame::object;
use crate::domain::verdict::Sent;
use crate::error::Code;

/// A request, with arguments that are right in themselves.
pub enum Op {
    Login(Box<Login>),
    /// This device has stored everything up to here.
    Ack(u64),
    Ping,
    Logout,
    /// What the engine is needed for.
    Request(Box<Request>),
}

/// What the engine granted.
pub enum Granted {
    /// The `ok` of the reply.
    Ok(String),
    /// The same, with entries up to this cursor.
    Entries { ok: String, cursor: u64 },
    /// A message was sent; or an equal one was before, whose answer this is.
    Sent { sent: Sent, repeat: bool },
    /// The session's signature is valid up to and including this second.
    Renewed { expires_at: u64 },
}

/// What is said about an op.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    /// What it does, in a sentence, with its limits.
    pub says: &'static str,
    /// The codes of its error, besides those that any op may have.
    pub codes: &'static [u32],
    /// What else than 0 stands in its `results`.
    pub each: &'static [u32],
}

/// Every op: those that a session answers by itself, then the requests for the engine.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    const OWN: &[Row] = &[
        Row {
            name: "login",
            says: "Opens the session; the first op of a connection.",
            codes: &[6208, 20001, 70001, 70002, 70003, 70005, 70009, 70013, 70014, 70402],
            each: &[],
        },
        Row { name: "ack", says: "Says how far this device has stored the timeline.", codes: &[], each: &[] },
        Row { name: "ping", says: "Is answered at once.", codes: &[], each: &[] },
        Row {
            name: "logout",
            says: "Ends the session, after everything before it was answered.",
            codes: &[],
            each: &[],
        },
    ];
    OWN.iter().chain(REQUESTS)
}

/// How a request is ordered: those of one conversation are answered in order, others may overtake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lane {
    /// It belongs to no conversation.
    Free,
    /// It must see what earlier writes of this conversation did.
    Read(Account),
    /// It takes its place in the log behind earlier writes by itself.
    Write(Account),
}

/// Makes [`Request`] and what goes through all of its variants from one table.
macro_rules! requests {
    ($( $name:literal $variant:ident($type:ty) $lane:ident [$($code:literal),*] each [$($each:literal),*]
        $says:literal; )*) => {
        /// Every request for the engine, for the docs and the tests.
        const REQUESTS: &[Row] = &[$(
            Row { name: $name, says: $says, codes: &[$($code),*], each: &[$($each),*] },
        )*];

        /// A request for the engine.
        pub enum Request {
            $( $variant($type), )*
        }

        impl Request {
            /// `None` if there is no such op.
            fn parse(op: &str, args: &str) -> Option<Result<Self, Failure>> {
                Some(match op {
                    $( $name => <$type>::parse(args).map(Self::$variant), )*
                    _ => return None,
                })
            }

            /// How it is ordered among others.
            pub fn lane(&self) -> Lane {
                match self {
                    $( requests!(@ $lane $variant peer) => requests!(@@ $lane peer), )*
                }
            }

            /// Does it; the [`Failure`] is what the client is answered with. Each op has its own room, so that a send does
            /// not hold as much as the largest of all.
            pub fn run(self, context: &Context) -> BoxFuture<'_, Result<Granted, Failure>> {
                match self {
                    $( Self::$variant(op) => Box::pin(op.run(context)), )*
                }
            }
        }
    };
    (@ free $variant:ident $peer:ident) => { Self::$variant(_) };
    (@ $lane:ident $variant:ident $peer:ident) => { Self::$variant($peer) };
    (@@ free $peer:ident) => { Lane::Free };
    (@@ read $peer:ident) => { Lane::Read($peer.peer().clone()) };
    (@@ write $peer:ident) => { Lane::Write($peer.peer().clone()) };
}

requests! {
    "send" Send(Send) write [20003, 20007, 20009, 20010, 20011, 20012, 80002, 90002, 90003, 90005, 90007,
        90010, 90043, 90044] each []
        "Sends a message to one user; a repeat gets the first answer.";
    "history" History(history::History) read [20022, 90054] each []
        "Reads a page of a conversation, at most 100 messages, newest page first.";
    "sync" Sync(sync::Sync) free [] each []
        "Reads a page of the timeline, at most 200 entries.";
    "recent_contacts" RecentContacts(recent_contacts::RecentContacts) free [] each []
        "Lists whom the user talked with, the last one first.";
    "delete_recent" DeleteRecent(delete_recent::DeleteRecent) write [] each []
        "Takes a conversation out of the recent contacts.";
    "clear_history" ClearHistory(clear_history::ClearHistory) write [] each []
        "Takes a conversation out of the user's own view.";
    "read" Read(read::Read) write [20022, 90054] each []
        "Marks a conversation as read, up to a message, a time, or its end.";
    "receipt" Receipt(receipt::Receipt) write [90054] each []
        "Confirms up to 30 messages to their sender.";
    "recall" Recall(recall::Recall) write [20016, 20022, 20023, 90054] each []
        "Takes back an own message.";
    "modify" Modify(modify::Modify) write [20022, 20023, 80002, 90002, 90007, 90010, 90054] each []
        "Replaces what an own message says.";
    "delete" Delete(delete::Delete) write [90054] each []
        "Deletes up to 1,000 messages from the user's own view.";
    "block" Block(block::Block) free [] each [30001, 30003, 30013]
        "Blocks up to 1,000 accounts.";
    "unblock" Unblock(block::Unblock) free [] each []
        "Unblocks up to 1,000 accounts.";
    "blacklist" Blacklist(blacklist::Blacklist) free [] each []
        "Lists whom the user has blocked, at most 100 in a page.";
    "friends" Friends(friends::Friends) free [] each []
        "Lists the user's friends, at most 100 in a page.";
    "friend_get" FriendGet(friend_get::FriendGet) free [] each []
        "Reads up to 100 of the user's friends.";
    "friend_check" FriendCheck(friend_check::FriendCheck) free [] each []
        "Tells who lists whom, of up to 1,000 accounts.";
    "friend_add" FriendAdd(friend_add::FriendAdd) free [30001, 30003, 30009, 30010, 30012, 30014, 30515, 30516,
        30525] each []
        "Adds a friend, or asks to.";
    "friend_delete" FriendDelete(friend_delete::FriendDelete) free [] each [31704]
        "Removes up to 1,000 friends.";
    "friend_update" FriendUpdate(friend_update::FriendUpdate) free [30001, 30011, 31704] each []
        "Notes a remark or groups of a friend.";
    "friend_pending" FriendPending(friend_pending::FriendPending) free [] each []
        "Lists who asks to be a friend, at most 100 in a page.";
    "friend_answer" FriendAnswer(friend_answer::FriendAnswer) free [30001, 30614] each []
        "Accepts or refuses who asks.";
    "profile_get" ProfileGet(profile_get::ProfileGet) free [] each []
        "Reads up to 100 profiles.";
    "profile_set" ProfileSet(profile_set::ProfileSet) free [40008, 40009, 40601, 40605, 40610] each []
        "Sets up to 64 fields of the own profile.";
    "status" Status(status::Status) free [] each []
        "Tells who is online, of up to 500 accounts.";
    "push_token" PushToken(push_token::PushToken) free [] each []
        "Says how this device is reached while it is offline.";
    "app_state" AppState(app_state::AppState) free [] each []
        "Says whether the app is in the background.";
    "renew" Renew(renew::Renew) free [70001, 70002, 70003, 70005, 70009, 70013, 70014] each []
        "Gives a newer signature.";
}

#[derive(serde::Deserialize)]
struct Ack {
    cursor: u64,
}

impl Request {
    /// Whether its answer may be long: then few of them run at a time.
    pub fn is_long_read(&self) -> bool {
        matches!(
            self,
            Self::History(_)
                | Self::Sync(_)
                | Self::RecentContacts(_)
                | Self::Blacklist(_)
                | Self::Friends(_)
                | Self::FriendGet(_)
                | Self::FriendCheck(_)
                | Self::FriendPending(_)
                | Self::ProfileGet(_)
                | Self::Status(_)
        )
    }
}

impl Op {
    /// Reads the arguments of an op.
    ///
    /// # Errors
    /// 60009 if there is no such op; the code of a wrong argument, which is 60003 where it has none of its own.
    pub fn parse(op: &str, args: &str) -> Result<Self, Failure> {
        match op {
            "login" => Login::parse(args).map(|login| Self::Login(Box::new(login))),
            "ack" => object::<Ack>(args).map(|ack| Self::Ack(ack.cursor)),
            "ping" => Ok(Self::Ping),
            "logout" => Ok(Self::Logout),
            _ => match Request::parse(op, args) {
                Some(request) => request.map(|request| Self::Request(Box::new(request))),
                None => Err(Code::NO_SUCH_COMMAND.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
