use duolog_topics::AppStateSet;
use serde::Deserialize;

use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `app_state`: in the background this device is pushed to as if it had no link.
#[derive(Deserialize)]
pub struct AppState {
    state: State,
    badge: Option<u32>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum State {
    Background,
    Foreground,
}

impl AppState {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        object(args)
    }

    /// # Errors
    /// What the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let background = self.state == State::Background;
        context.change(AppStateSet { device: context.identity.device.clone(), background, badge: self.badge }).await
    }
}
