mod catch_up;
pub mod client;
mod frames;
mod login;
mod mailbox;
mod messages;
mod sessions;
mod slow;
