use std::sync::Arc;

use super::connections::Connections;
use super::forward::Dialer;
use super::settings::Settings;
use crate::engine::Engine;
use crate::gateway::known::Known;

/// What all connections share.
#[derive(Clone)]
pub struct WsState(Arc<Shared>);

pub struct Shared {
    pub engine: Engine,
    pub settings: Arc<Settings>,
    pub known: Arc<Known>,
    pub connections: Arc<Connections>,
    pub dialer: Dialer,
}

impl WsState {
    pub fn new(engine: Engine, settings: Settings, dialer: Dialer) -> Self {
        let connections = Arc::new(Connections::new(settings.limits.connections));
        Self(Arc::new(Shared { engine, settings: Arc::new(settings), known: Arc::default(), connections, dialer }))
    }

    /// Who exists, as the client protocol has heard: the server API asks and forgets here too.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.known)
    }

    /// Tells all clients to go, those that come later too: close 1001. Returns at once.
    pub fn drain(&self) {
        self.0.connections.drain();
    }

    /// Waits until the last connection is gone: after [`Self::drain`] as long as its requests need for their answers, but
    /// only some seconds where a client does not take them.
    pub async fn gone(&self) {
        self.0.connections.gone().await;
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }
}
