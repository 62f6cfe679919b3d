//! Signatures: who may speak for an account, and until when.
//!
//! A signature (UserSig, TLSSigAPIv2) is made by the app's back end with the app's key and
//! given to its user. [`AppKey`] makes and verifies them; [`Signature`] is what one says, verified or not. Time comes in
//! as an argument, in Unix seconds.
//!
//! What is not decided here: `account.kicked` refuses older signatures. Its `not_before` is compared with
//! [`Verified::signed_at`] by whoever knows the account.

mod error;
mod key;
mod signature;

pub use error::SigError;
pub use key::{AppKey, Verified};
pub use signature::{DOCUMENT_BYTES, Signature, TOKEN_BYTES};

#[cfg(test)]
mod tests;
