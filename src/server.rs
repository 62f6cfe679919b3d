//! The server: the only file that knows every component, in the order in which they start and drain.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;

/// Why the server could not start, or stopped by itself.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("failed")]
    Io(#[from] io::Error),
}

/// Runs the server until SIGTERM or SIGINT, and drains it.
///
/// # Errors
/// If it cannot start.
pub fn run(config: Config) -> Result<(), ServerError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), ServerError> {
    let address = config.server.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = Router::new().route("/healthz", get(|| async { "ok\n" }));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stop).await?)
}
