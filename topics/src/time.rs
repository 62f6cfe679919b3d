/// Unix time in milliseconds.
pub type Millis = u64;
