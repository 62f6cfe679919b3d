//! What stands beside the server: the least that the same framework does for the same bytes.

use anyhow::{Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::WebSocketUpgrade;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{any, post};
use serde::Deserialize;
use tokio::net::TcpListener;

/// Begins the argument that makes this program a peer.
pub const ARGUMENT: &str = "peer=";

/// Serves as the peer of a name until the process is killed.
///
/// # Errors
/// If there is none of that name, or it cannot listen.
pub fn serve(name: &str) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        match name {
            "echo" => axum::serve(listener, Router::new().route("/v1/ws", any(echo))).await?,
            "parse" => axum::serve(listener, Router::new().route("/v4/{*command}", post(parse))).await?,
            "accept" => accept(listener).await?,
            _ => bail!("there is no peer {name}"),
        }
        Ok(())
    })
}

/// Sends every frame back.
async fn echo(upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "deserializing it is the work")]
struct Send<'a> {
    #[serde(rename = "From_Account")]
    from: &'a str,
    #[serde(rename = "To_Account")]
    to: &'a str,
    msg_random: u32,
    #[serde(borrow)]
    msg_body: Vec<Element<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "deserializing it is the work")]
struct Element<'a> {
    msg_type: &'a str,
    #[serde(borrow)]
    msg_content: Content<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "deserializing it is the work")]
struct Content<'a> {
    text: &'a str,
}

/// Parses a send and answers as the server would.
async fn parse(body: Bytes) -> impl IntoResponse {
    let random = serde_json::from_slice::<Send<'_>>(&body).map_or(0, |send| send.msg_random);
    let answer = serde_json::json!({
        "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "MsgTime": 1_700_000_000,
        "MsgKey": format!("1_{random}_1700000000"), "MsgId": format!("1700000000123-1-{random}"),
    });
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string())
}

/// Holds connections and says nothing.
async fn accept(listener: TcpListener) -> Result<()> {
    let mut held = Vec::new();
    loop {
        held.push(listener.accept().await?.0);
    }
}
