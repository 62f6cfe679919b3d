//! The machine without a socket: frames in, frames out.

mod bench;
mod catch_up;
mod ends;
mod greeting;
mod model;
mod requests;
