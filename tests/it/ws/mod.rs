mod catch_up;
mod client;
mod frames;
mod login;
mod mailbox;
mod messages;
mod sessions;
mod slow;
