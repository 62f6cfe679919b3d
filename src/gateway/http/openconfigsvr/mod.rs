//! Muting users.

pub mod getnospeaking;
pub mod setnospeaking;

/// Seconds that mean "for ever".
const FOR_EVER: u64 = 4_294_967_295;
