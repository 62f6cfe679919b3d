//! What people who read the topics may rely on, and that the committed files say the same as the types.
//!
//! The files under `schemas/`, `samples/` and `CATALOGUE.md` are made from the types:
//! `DUOLOG_REGENERATE=1 cargo test --release -p duolog-topics` writes those that differ, except samples, of which it
//! only adds missing ones: a committed sample never changes.

mod arbitrary;
mod catalogue;
mod cloudevents;
mod committed;
mod damage;
mod follow;
mod partitioner;
mod python;
mod round_trip;
mod sample_files;
mod samples;
mod schemas;
