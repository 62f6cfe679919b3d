use serde::Serialize;

use crate::error::Code;

/// What became of one account of a batch about relations.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct ResultItem {
    #[serde(rename = "To_Account")]
    pub to_account: String,
    pub result_code: u32,
    pub result_info: &'static str,
}

/// The reply of a batch about relations: the call as a whole is fine whatever became of its accounts.
#[derive(Serialize, Default, Debug)]
pub struct Results {
    #[serde(rename = "ResultItem")]
    items: Vec<ResultItem>,
    #[serde(rename = "Fail_Account", skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

impl Results {
    pub fn push(&mut self, account: String, result: Result<(), Code>) {
        if result.is_err() {
            self.failed.push(account.clone());
        }
        let (result_code, result_info) = code_and_info(result);
        self.items.push(ResultItem { to_account: account, result_code, result_info });
    }
}

impl FromIterator<(String, Result<(), Code>)> for Results {
    fn from_iter<I: IntoIterator<Item = (String, Result<(), Code>)>>(results: I) -> Self {
        let mut all = Self::default();
        results.into_iter().for_each(|(account, result)| all.push(account, result));
        all
    }
}

/// `ResultCode` and `ResultInfo`.
pub fn code_and_info(result: Result<(), Code>) -> (u32, &'static str) {
    match result {
        Ok(()) => (0, ""),
        Err(code) => (code.number(), code.message()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failures_are_listed_only_if_there_are_any() {
        let fine: Results = [("a".to_owned(), Ok(()))].into_iter().collect();
        let item = json!({"To_Account": "a", "ResultCode": 0, "ResultInfo": ""});
        assert_eq!(serde_json::to_value(&fine).unwrap(), json!({"ResultItem": [item]}));
        let mixed: Results =
            [("a".to_owned(), Ok(())), ("b".to_owned(), Err(Code::BLACKLIST_FULL))].into_iter().collect();
        let mixed = serde_json::to_value(&mixed).unwrap();
        assert_eq!(mixed["Fail_Account"], json!(["b"]));
        assert_eq!(mixed["ResultItem"][1]["ResultCode"], json!(30013));
    }
}
