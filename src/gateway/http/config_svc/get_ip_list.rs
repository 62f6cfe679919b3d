use std::net::IpAddr;

use serde::Serialize;

use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// It has no members.
#[derive(Debug)]
pub struct Request;

impl Request {
    pub fn parse(_: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self)
    }
}

#[derive(Serialize)]
struct Members<'a> {
    #[serde(rename = "IPList")]
    addresses: &'a [IpAddr],
}

/// The addresses that callbacks come from, for the app's firewall.
///
/// # Errors
/// None.
pub async fn run(context: &Context<'_>, _: Request) -> Result<Reply, ApiError> {
    Ok(Reply::ok(&Members { addresses: &context.shared().settings.addresses }))
}
