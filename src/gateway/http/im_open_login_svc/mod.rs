//! Accounts.

pub mod account_check;
pub mod account_delete;
pub mod account_import;
pub mod kick;
pub mod multiaccount_import;

use duolog_topics::{Account, AccountImported};
use serde::Serialize;

use super::error::ApiError;
use super::fields::{Fields, Object};
use super::results::code_and_info;
use crate::error::Code;

/// Accounts that one call may name.
const BATCH: usize = 100;
/// The longest nickname and the longest picture URL, in bytes.
const TEXT_BYTES: usize = 500;

/// What became of one account of a batch.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
struct ResultItem {
    #[serde(rename = "UserID")]
    user_id: String,
    result_code: u32,
    result_info: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_status: Option<&'static str>,
}

impl ResultItem {
    fn new(user_id: String, result: Result<(), Code>) -> Self {
        let (result_code, result_info) = code_and_info(result);
        Self { user_id, result_code, result_info, account_status: None }
    }
}

/// The names in `[{"UserID": ...}]`, well-formed or not.
fn user_ids(fields: Fields<'_, '_>, list: &str) -> Result<Vec<String>, ApiError> {
    // Absent and of a wrong type are parameters, the number of items has its own code.
    let items = fields.need::<Vec<Object<'_>>>(list)?;
    if items.is_empty() || items.len() > BATCH {
        let info = format!("{list} has {} items, it takes 1 to {BATCH}", items.len());
        return Err(ApiError::new(Code::ACCOUNT_BATCH_SIZE, info));
    }
    let code = Code::ACCOUNT_PARAMETER_INVALID;
    items.iter().map(|item| item.fields(code).need("UserID")).collect()
}

/// A name that fits, or the code for one that does not.
fn account(name: &str) -> Result<Account, Code> {
    Account::new(name).map_err(|_| Code::ACCOUNT_PARAMETER_INVALID)
}

/// The nickname and picture of an import.
fn imported(fields: Fields<'_, '_>) -> Result<AccountImported, ApiError> {
    Ok(AccountImported { nick: fields.text("Nick", TEXT_BYTES)?, face_url: fields.text("FaceUrl", TEXT_BYTES)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_names_1_to_100_accounts() {
        let code = |json: &str| {
            let object = Object::parse(json).unwrap();
            user_ids(object.fields(Code::ACCOUNT_PARAMETER_INVALID), "CheckItem").map_err(|error| error.code.number())
        };
        let of = |count: usize| format!(r#"{{"CheckItem":[{}]}}"#, vec![r#"{"UserID":"a"}"#; count].join(","));
        assert_eq!(code(&of(100)).unwrap().len(), 100);
        assert_eq!(code(&of(101)), Err(70206));
        assert_eq!(code(&of(0)), Err(70206));
        assert_eq!(code("{}"), Err(70402));
        assert_eq!(code(r#"{"CheckItem":["a"]}"#), Err(70402));
        assert_eq!(code(r#"{"CheckItem":[{"UserID":1}]}"#), Err(70402));
        assert_eq!(code(r#"{"CheckItem":[{}]}"#), Err(70402));
    }
}
