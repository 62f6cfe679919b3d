//! Connections: accepted, bounded, with or without TLS, and let go when the server drains.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, header};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use axum::{BoxError, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::taken::{Counted, Taken};

/// A client that opens a connection sends its first request's head, and finishes the TLS handshake before, within this time.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A connection that brought no request for this time is closed, at the latest after it has passed once more. Back ends keep
/// connections for their next call, and not all of them try again when one was closed meanwhile.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// After the system refused a connection (too many files, say), so long until the next one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why TLS cannot be offered.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("{path} cannot be read as PEM: {source}")]
    Pem { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("{path} holds no certificate")]
    NoCertificate { path: PathBuf },
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads a certificate chain and its key.
///
/// # Errors
/// [`TlsError`], with the file.
pub fn tls(certificates: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificates)
        .map_err(unreadable(certificates))?
        .collect::<Result<_, _>>()
        .map_err(unreadable(certificates))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificates.to_owned() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What connections of one server share.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
}

impl Listener {
    /// `connections`: so many speak HTTP at once, the rest waits to be accepted. A WebSocket leaves with its upgrade and is
    /// counted where it goes.
    pub fn new(tcp: TcpListener, tls: Option<TlsAcceptor>, connections: usize) -> Self {
        Self { tcp, tls, places: Arc::new(Semaphore::new(connections)) }
    }

    /// Serves until `stopped` says so; then takes no new connection and lets those with a request under way answer it.
    /// Returns when the last one is gone.
    pub async fn serve(self, app: Router, mut stopped: watch::Receiver<bool>) {
        let everyone = self.places.available_permits() as u32;
        loop {
            let accepted = tokio::select! {
                () = told(&mut stopped) => break,
                accepted = self.accept() => accepted,
            };
            let Some((stream, peer, place)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let app =
                Called { app: app.clone(), peer: ConnectInfo(peer), calls: Arc::default(), taken: Taken::default() };
            let (tls, stopped) = (self.tls.clone(), stopped.clone());
            tokio::spawn(async move {
                connection(stream, tls, app, stopped).await;
                drop(place);
            });
        }
        drop(self.tcp);
        // All places are free when all connections are gone.
        let _ = self.places.acquire_many(everyone).await;
    }

    async fn accept(&self) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = self.places.clone().acquire_owned().await.ok()?;
        match self.tcp.accept().await {
            Ok((stream, peer)) => {
                // Without it a small frame waits for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                Some((stream, peer, place))
            }
            Err(error) => {
                tracing::warn!("a connection was not accepted: {error}");
                None
            }
        }
    }
}

/// The app as the requests of one connection see it: each knows who calls. A layer of the router would do the same, with a
/// copy of all routes a connection.
#[derive(Clone)]
struct Called {
    app: Router,
    peer: ConnectInfo<SocketAddr>,
    /// How many requests the connection has brought.
    calls: Arc<AtomicU64>,
    taken: Taken,
}

impl<B> Service<Request<B>> for Called
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.app, context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::Relaxed);
        request.extensions_mut().insert(self.peer);
        // A WebSocket that leaves with its upgrade goes on asking how much was taken.
        if request.headers().contains_key(header::UPGRADE) {
            request.extensions_mut().insert(self.taken.clone());
        }
        self.app.call(request)
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, app: Called, stopped: watch::Receiver<bool>) {
    let stream = Counted::new(stream, app.taken.clone());
    match tls {
        None => requests(stream, app, stopped).await,
        Some(tls) => match tokio::time::timeout(HEAD_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, app, stopped).await,
            Ok(Err(error)) => tracing::debug!("TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
    }
}

/// Answers the requests of one connection, HTTP/1.1 or HTTP/2; a WebSocket leaves it with its upgrade.
async fn requests<S>(stream: S, app: Called, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    // Time is watched here, by one timer a connection: hyper's own would be set anew for each request, and it takes a pause
    // between two of them for a head that does not come.
    builder.http1().header_read_timeout(None);
    builder.http2().timer(TokioTimer::new());
    let calls = app.calls.clone();
    let service = TowerToHyperService::new(app);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let over = async {
        tokio::select! {
            () = told(&mut stopped) => true,
            called = until_quiet(&calls, tokio::time::sleep) => called,
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        has_called = over => {
            if !has_called {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection ended: {error}");
    }
}

/// Waits until a connection has brought nothing for too long; whether it ever brought a request.
async fn until_quiet(calls: &AtomicU64, mut pause: impl AsyncFnMut(Duration)) -> bool {
    let mut seen = 0;
    pause(HEAD_TIME).await;
    loop {
        let now = calls.load(Ordering::Relaxed);
        if now == seen {
            return seen > 0;
        }
        seen = now;
        pause(IDLE_TIME).await;
    }
}

/// Waits until the server stops, or is gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await.is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_brings_requests_is_kept_and_one_that_is_quiet_is_not() {
        for requests in [0, 1, 5] {
            let (calls, mut pauses) = (AtomicU64::new(0), Vec::new());
            let called = until_quiet(&calls, async |pause| {
                pauses.push(pause);
                if pauses.len() <= requests {
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
            assert_eq!(called.await, requests > 0);
            let mut expected = vec![IDLE_TIME; requests + 1];
            expected[0] = HEAD_TIME;
            assert_eq!(pauses, expected);
        }
    }
}
