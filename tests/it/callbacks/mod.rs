//! Callbacks: a real server and real receivers.

mod after;
mod before;
pub mod faults;
pub mod operator;
pub mod receiver;

/// The lines of a configuration that has one endpoint with these commands.
pub fn endpoint(url: &str, commands: &[&str]) -> String {
    format!("callback.url = '{url}'\ncallback.secret = 'whsec_c2VjcmV0'\ncallback.commands = {commands:?}")
}
