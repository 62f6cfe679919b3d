use std::net::IpAddr;
use std::sync::Arc;

use duolog_topics::Account;
use metrics_exporter_prometheus::PrometheusHandle;

use super::admission::Admission;
use super::calls::Calls;
use super::commands::{self, Limiter};
use super::records::{RecordSettings, Records};
use crate::engine::Engine;
use crate::gateway::auth::AppKey;
use crate::gateway::known::Known;

/// What the server API is told by the configuration.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// `app.admins`: who may call.
    pub admins: Vec<Account>,
    /// `server.rate_limit`: calls of one command a second; 0 = no limit.
    pub rate_limit: u32,
    /// `limits.request_bytes`: of a whole call.
    pub request_bytes: usize,
    /// `limits.body_bytes`: of a message's body and custom data.
    pub body_bytes: usize,
    /// `server.trusted_proxies`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// What `GetIPList` answers: the addresses that this server calls from.
    pub addresses: Vec<IpAddr>,
    pub records: RecordSettings,
}

/// What all calls share. Cloning is cheap.
#[derive(Clone)]
pub struct HttpState(Arc<Shared>);

pub struct Shared {
    pub engine: Engine,
    pub settings: HttpSettings,
    pub admission: Admission,
    pub limiter: Limiter,
    pub calls: Calls,
    pub known: Arc<Known>,
    pub records: Records,
    pub health: Health,
}

/// What operators ask for.
pub struct Health {
    /// What `/readyz` says.
    pub ready: Box<dyn Fn() -> bool + Send + Sync>,
    /// What `/metrics` renders.
    pub metrics: PrometheusHandle,
}

impl HttpState {
    /// `known`: who exists, as both protocols have heard.
    pub fn new(engine: Engine, key: AppKey, settings: HttpSettings, known: Arc<Known>, health: Health) -> Self {
        let records = Records::new(key.clone(), settings.records.clone());
        let admission = Admission::new(key, &settings.admins);
        let limiter = commands::limiter(settings.rate_limit);
        Self(Arc::new(Shared { engine, settings, admission, limiter, calls: Calls::new(), known, records, health }))
    }
}

impl std::ops::Deref for HttpState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
