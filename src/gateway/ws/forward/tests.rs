use std::future::pending;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::Extensions;
use axum::routing::any;
use futures_util::FutureExt;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::{accept_async, connect_async};

use super::*;
use crate::gateway::listener::Listener;
use crate::gateway::taken::Taken;
use crate::gateway::ws::connections::Connections;
use crate::gateway::ws::protocol::Subprotocol;

/// A socket to a home, and the home's end of it.
async fn home() -> (HomeSocket, WebSocketStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let accepted = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
    let (connected, accepted) = tokio::join!(connect_async(url), accepted);
    (Box::new(connected.unwrap().0), accepted)
}

/// A client, and the gateway's end of its socket.
async fn client() -> (HomeSocket, Wire) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (sender, mut sockets) = mpsc::channel(1);
    let upgrade = move |extensions: Extensions, upgrade: WebSocketUpgrade| {
        let (sender, taken) = (sender.clone(), extensions.get::<Taken>().cloned().unwrap());
        std::future::ready(upgrade.on_upgrade(move |socket| async move {
            let _ = sender.send((socket, taken)).await;
        }))
    };
    let app = Router::new().route("/", any(upgrade));
    tokio::spawn(async move {
        let (_running, stopped) = watch::channel(false);
        Listener::new(listener, None, 1).serve(app, stopped).await;
    });
    let (client, _) = connect_async(url).await.unwrap();
    let (socket, taken) = sockets.recv().await.unwrap();
    (Box::new(client), Wire::new(socket, Subprotocol::of_name(None), 65_536, taken))
}

/// What a client with this home is told in the end: the code of its close frame.
async fn last_word(home: Home, patience: Duration) -> u16 {
    let (mut client, wire) = client().await;
    let mut slot = Arc::new(Connections::new(1)).enter().unwrap();
    let first = Message::Text("the login".into());
    let pipe = Pipe { wire, home: Reached { home, patience }, first };
    let served = async { pipe.run(&mut slot).await.finish().await };
    let told = async {
        loop {
            if let HomeMessage::Close(close) = client.next().await.unwrap().unwrap() {
                return u16::from(close.unwrap().code);
            }
        }
    };
    tokio::join!(served, told).1
}

#[tokio::test]
async fn a_client_whose_home_says_nothing_any_more_is_sent_to_the_next_owner() {
    // As a machine that has lost its power: nothing is closed.
    let (socket, _silent) = home().await;
    let code = last_word(Home { socket, moved: pending().boxed() }, Duration::from_millis(20)).await;
    assert_eq!(code, CloseCode::Moved as u16);
}

#[tokio::test]
async fn a_client_whose_home_is_known_to_have_moved_is_sent_there_at_once() {
    let (socket, mut silent) = home().await;
    let (tell, told) = oneshot::channel();
    let moves = async {
        let login = silent.next().await.unwrap().unwrap();
        assert_eq!(login, HomeMessage::Text("the login".into()));
        tell.send(()).unwrap();
    };
    let moved = async { told.await.unwrap() }.boxed();
    let (code, ()) = tokio::join!(last_word(Home { socket, moved }, Duration::from_secs(3_600)), moves);
    assert_eq!(code, CloseCode::Moved as u16);
}

#[tokio::test]
async fn a_quiet_link_is_not_stalled_by_what_has_only_just_come() {
    const HOUR: u64 = 3_600_000;
    let (_client, mut wire) = client().await;
    let mut stall = Stall::default();
    assert_eq!(stall.deadline(&wire, 0), u64::MAX);
    for hour in [HOUR, 2 * HOUR] {
        wire.queue(Message::Text("news".into()));
        assert_eq!(stall.deadline(&wire, hour), hour + STALL);
        assert_eq!(stall.deadline(&wire, hour + 7), hour + STALL, "nothing was taken meanwhile");
        wire.finish().await;
        assert_eq!(stall.deadline(&wire, hour + 8), u64::MAX);
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_takes_something_long_before_it_has_a_whole_frame() {
    /// More than the buffers of both sides of a socket take.
    const FRAME: usize = 64 << 20;
    let (mut client, mut wire) = client().await;
    let mut stall = Stall::default();
    wire.queue(Message::Text("x".repeat(FRAME).into()));
    assert_eq!(stall.deadline(&wire, 0), STALL);
    // The frame goes to the socket, whose buffers take their part of it.
    assert!(matches!(wire.turn(false).await, Heard::Room));
    assert!(matches!(wire.turn(false).await, Heard::Taken));
    assert_eq!(stall.deadline(&wire, 1), 1 + STALL);
    assert_eq!(stall.deadline(&wire, 2), 1 + STALL);
    let mut part = vec![0; FRAME / 4];
    let taken = async {
        loop {
            assert!(matches!(wire.turn(false).await, Heard::Taken));
        }
    };
    tokio::select! {
        read = client.get_mut().read_exact(&mut part) => assert_eq!(read.unwrap(), FRAME / 4),
        () = taken => {}
    }
    assert!(!wire.is_idle());
    assert_eq!(stall.deadline(&wire, STALL), 2 * STALL);
}
