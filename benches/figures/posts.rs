//! Load over HTTP: connections that stay, each with one call at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::load;

/// A connection that is kept alive.
pub struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Http {
    /// # Errors
    /// If nobody listens.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Posts and waits for the answer, which has to be one of success.
    ///
    /// # Errors
    /// If it is not, or the connection ends.
    pub async fn post(&mut self, target: &str, body: &str) -> Result<()> {
        let head = format!("POST {target} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(head.as_bytes()).await?;
        self.buffer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection ended");
            let text = std::str::from_utf8(&self.buffer)?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.context("the answer has a length")?.parse()? {
                ensure!(body.contains(r#""ErrorCode":0"#), "{body}");
                return Ok(());
            }
        }
    }
}

/// Every connection posts its next body when the last one is answered; the time until all have `each` answers, and how long
/// the answers took.
///
/// # Errors
/// If a call fails.
pub async fn closed_loop(
    address: SocketAddr,
    target: &str,
    connections: u64,
    each: u64,
    body: impl Fn(u64, u64) -> String + Send + Sync + 'static,
) -> Result<(Duration, Histogram<u64>)> {
    let (body, target): (_, Arc<str>) = (Arc::new(body), target.into());
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Http::connect(address).await?);
    }
    let start = Instant::now();
    let posting: Vec<_> = (0..)
        .zip(clients)
        .map(|(client, mut http)| {
            let (body, target) = (body.clone(), target.clone());
            tokio::spawn(async move {
                let mut times = load::times();
                for number in 0..each {
                    let posted = Instant::now();
                    http.post(&target, &body(client, number)).await?;
                    times.saturating_record(posted.elapsed().as_nanos() as u64);
                }
                Ok::<_, anyhow::Error>(times)
            })
        })
        .collect();
    let mut times = load::times();
    for client in posting {
        times.add(client.await??)?;
    }
    Ok((start.elapsed(), times))
}

/// Makes the people of these numbers at a server.
///
/// # Errors
/// If a call fails.
pub async fn import(address: SocketAddr, people: std::ops::Range<u64>) -> Result<()> {
    let mut http = Http::connect(address).await?;
    let target = crate::program::target("im_open_login_svc/multiaccount_import")?;
    let names: Vec<_> = people.map(crate::history::person).collect();
    for names in names.chunks(100) {
        http.post(&target, &serde_json::json!({ "Accounts": names }).to_string()).await?;
    }
    Ok(())
}
