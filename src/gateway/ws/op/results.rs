use duolog_topics::Account;

use super::Granted;
use crate::error::Code;
use crate::gateway::ws::protocol::json::{object, object_text};

/// The one shape for results of each account: `{results: [{account, code, message?}]}`; code 0 is success.
pub fn results(list: &[(Account, Result<(), Code>)]) -> Granted {
    Granted::Ok(object_text(|reply| {
        reply.list("results", list, |out, (account, result)| {
            object(out, |item| {
                item.text("account", account.as_str());
                match result {
                    Ok(()) => item.number("code", 0),
                    Err(code) => item.number("code", code.number().into()).text("message", code.message()),
                };
            });
        });
    }))
}
