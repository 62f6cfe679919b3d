//! M10: signed callbacks a second to one healthy receiver, alone and beside one that hangs, against a loop that posts the
//! same bytes to the same receiver, as many at once. The loop reads no log, joins no rows, signs nothing and keeps no order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use duolog::config::{CallbackTarget, Secret, Setting as _, Url};
use duolog::consumers::callback::{CallbackSettings, Callbacks};
use duolog::consumers::{Consumers, DeadLetters};
use duolog::engine::Engine;
use duolog::log::{EmbeddedLog, Log, MemoryLog};
use futures_util::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{folding, history, load, scratch};

const CALLBACKS: u64 = 20_000;
const PARALLEL: usize = 64;
const ROUNDS: u64 = 3;
const STORED: u64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// Counts what comes, and keeps one body for the loop.
#[derive(Default)]
struct Came {
    count: AtomicU64,
    enough: Notify,
    body: parking_lot::Mutex<Bytes>,
}

pub fn measure(report: &mut Report) -> Result<()> {
    let runtime = Runtime::new()?;
    let folder = scratch()?;
    let log = history::log(&folder.path().join("log"), STORED)?;
    let came = Arc::new(Came::default());
    let healthy = runtime.block_on(listen(Some(came.clone())))?;
    let hanging = runtime.block_on(listen(None))?;
    let mut bench = Bench { runtime, log, came, next: STORED };
    let alone = bench.rates(folder.path(), &[("lives", healthy)])?;
    let beside = bench.rates(folder.path(), &[("lives", healthy), ("hangs", hanging)])?;
    let looped = bench.looped(healthy)?;
    for (what, rate) in [("one healthy receiver", alone), ("one healthy receiver beside one that hangs", beside)] {
        report.add(Figure {
            name: "M10",
            what: format!("signed callbacks to {what}, {PARALLEL} at once"),
            measured: rate.to_string(),
            against: format!("the same bodies posted in a loop, {PARALLEL} at once: {looped}"),
            ratio: rate.median() / looped.median(),
            goal: Goal::Share { goal: 0.8, at_least: 0.5 },
        });
    }
    Ok(())
}

struct Bench {
    runtime: Runtime,
    log: Arc<EmbeddedLog>,
    came: Arc<Came>,
    /// Numbers the messages.
    next: u64,
}

impl Bench {
    /// Messages are sent while the consumers are stopped; then they catch up, and that is measured.
    fn rates(&mut self, folder: &Path, receivers: &[(&str, SocketAddr)]) -> Result<Spread> {
        let engine = Engine::open(folding::parts(self.log.clone(), &folder.join("state"))?, |_, _, _| {})?;
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            self.runtime.block_on(async {
                start(&engine, receivers)?.start(letters()).await?.stop().await;
                anyhow::Ok(())
            })?;
            let numbers = self.next..self.next + CALLBACKS;
            self.next = numbers.end;
            load::closed_loop(&self.runtime, &engine, numbers, 256)?;
            self.came.count.store(0, Ordering::SeqCst);
            let began = Instant::now();
            let consumers = start(&engine, receivers)?;
            let running = self.runtime.block_on(async { consumers.start(letters()).await })?;
            self.runtime.block_on(self.came.all())?;
            rates.push(CALLBACKS as f64 / began.elapsed().as_secs_f64());
            self.runtime.block_on(running.stop());
            // The hanging one begins the next round like the healthy one, at the watermark.
            self.runtime.block_on(async {
                Consumers::new(engine.clone()).start(letters()).await?.stop().await;
                anyhow::Ok(())
            })?;
        }
        engine.stop();
        Ok(Spread::new(rates))
    }

    fn looped(&self, receiver: SocketAddr) -> Result<Spread> {
        let body = self.came.body.lock().clone();
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(PARALLEL).build()?;
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            self.came.count.store(0, Ordering::SeqCst);
            let began = Instant::now();
            self.runtime.block_on(async {
                let posts = stream::iter(0..CALLBACKS).map(|_| {
                    let request = client.post(format!("http://{receiver}/")).body(body.clone());
                    tokio::spawn(async move { request.send().await?.bytes().await })
                });
                posts.buffer_unordered(PARALLEL).for_each(|_| async {}).await;
                self.came.all().await
            })?;
            rates.push(CALLBACKS as f64 / began.elapsed().as_secs_f64());
        }
        Ok(Spread::new(rates))
    }
}

impl Came {
    async fn all(&self) -> Result<()> {
        let all = async {
            while self.count.load(Ordering::SeqCst) < CALLBACKS {
                self.enough.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.context("callbacks did not come")
    }
}

fn start(engine: &Engine, receivers: &[(&str, SocketAddr)]) -> Result<Consumers> {
    let settings = CallbackSettings {
        sdkappid: 1_400_000_000,
        time_limit: Duration::from_secs(2),
        parallel: PARALLEL,
        give_up: Duration::from_secs(86_400),
    };
    let mut consumers = Consumers::new(engine.clone());
    for (name, address) in receivers {
        let url = Url::read(&toml::Value::from(format!("http://{address}/"))).context("an address")?;
        let commands = vec!["C2C.CallbackAfterSendMsg".to_owned()];
        let target = CallbackTarget { name: (*name).to_owned(), url, secret: Secret::new("secret"), commands };
        let callbacks = Callbacks::new(&target, settings)?;
        ensure!(callbacks.is_some(), "the endpoint is told of messages");
        callbacks.into_iter().for_each(|one| consumers.add(one));
    }
    Ok(consumers)
}

fn letters() -> DeadLetters {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new(1));
    DeadLetters::new(log)
}

/// A receiver that counts, or one that never answers.
async fn listen(came: Option<Arc<Came>>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(take).with_state(came);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

async fn take(State(came): State<Option<Arc<Came>>>, body: Bytes) -> &'static str {
    let Some(came) = came else { return std::future::pending().await };
    let count = came.count.fetch_add(1, Ordering::SeqCst) + 1;
    if count == 1 {
        *came.body.lock() = body;
    }
    if count >= CALLBACKS {
        came.enough.notify_one();
    }
    r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
}
