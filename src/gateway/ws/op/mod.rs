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
    ($( $name:literal $variant:ident($type:ty) $lane:ident; )*) => {
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

            /// Does it.
            ///
            /// # Errors
            /// The [`Failure`] that the client is answered with.
            pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
                match self {
                    $( Self::$variant(op) => op.run(context).await, )*
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
    "send" Send(Send) write;
    "history" History(history::History) read;
    "sync" Sync(sync::Sync) free;
    "recent_contacts" RecentContacts(recent_contacts::RecentContacts) free;
    "delete_recent" DeleteRecent(delete_recent::DeleteRecent) write;
    "clear_history" ClearHistory(clear_history::ClearHistory) write;
    "read" Read(read::Read) write;
    "receipt" Receipt(receipt::Receipt) write;
    "recall" Recall(recall::Recall) write;
    "modify" Modify(modify::Modify) write;
    "delete" Delete(delete::Delete) write;
    "block" Block(block::Block) free;
    "unblock" Unblock(block::Unblock) free;
    "blacklist" Blacklist(blacklist::Blacklist) free;
    "friends" Friends(friends::Friends) free;
    "friend_get" FriendGet(friend_get::FriendGet) free;
    "friend_check" FriendCheck(friend_check::FriendCheck) free;
    "friend_add" FriendAdd(friend_add::FriendAdd) free;
    "friend_delete" FriendDelete(friend_delete::FriendDelete) free;
    "friend_update" FriendUpdate(friend_update::FriendUpdate) free;
    "friend_pending" FriendPending(friend_pending::FriendPending) free;
    "friend_answer" FriendAnswer(friend_answer::FriendAnswer) free;
    "profile_get" ProfileGet(profile_get::ProfileGet) free;
    "profile_set" ProfileSet(profile_set::ProfileSet) free;
    "status" Status(status::Status) free;
    "push_token" PushToken(push_token::PushToken) free;
    "app_state" AppState(app_state::AppState) free;
    "renew" Renew(renew::Renew) free;
}

#[derive(serde::Deserialize)]
struct Ack {
    cursor: u64,
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
