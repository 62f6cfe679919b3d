use std::io::Write as _;

use anyhow::Result;

use super::super::message::Message;
use super::{Out, Sink};

pub struct Ndjson(pub Out);

impl Sink for Ndjson {
    fn add(&mut self, message: &Message<'_>) -> Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        Ok(self.0.write_all(&line)?)
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        Ok(self.0.flush()?)
    }
}
