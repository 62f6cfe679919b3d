//! Messages and conversations.

pub mod admin_getroammsg;
pub mod admin_msgwithdraw;
pub mod admin_set_msg_read;
pub mod batchsendmsg;
pub mod c2c_msg_read_receipt;
pub mod delete_c2c_msg_ramble;
pub mod get_c2c_unread_msg_num;
pub mod im_push_older;
pub mod importmsg;
pub mod modify_c2c_msg;
pub mod query_online_status;
pub mod querystate;
pub mod sendmsg;

mod held;
mod keys;
mod outgoing;
mod page;

use duolog_topics::{Account, MsgKey};

pub use outgoing::Outgoing;

use super::error::ApiError;
use super::fields::Fields;
use crate::error::Code;

/// `From_Account`, or what it is called where somebody acts.
fn from_account(fields: Fields<'_, '_>, name: &'static str) -> Result<Account, ApiError> {
    fields.or(Code::FROM_ACCOUNT_INVALID).account(name)
}

/// `To_Account`, or what the other side is called.
fn to_account(fields: Fields<'_, '_>, name: &'static str) -> Result<Account, ApiError> {
    fields.or(Code::TO_ACCOUNT_INVALID).account(name)
}

/// Whoever acts does not exist: callers of the message commands know another code for that than the account commands'.
fn actor_unknown(error: ApiError) -> ApiError {
    if error.code == Code::ACCOUNT_UNKNOWN { Code::FROM_ACCOUNT_INVALID.into() } else { error }
}

/// `MsgKey`.
fn msg_key(fields: Fields<'_, '_>) -> Result<MsgKey, ApiError> {
    let fields = fields.or(Code::MSG_KEY_INVALID);
    let text: String = fields.need("MsgKey")?;
    text.parse().map_err(|error| fields.error(format!("MsgKey: {error}")))
}
