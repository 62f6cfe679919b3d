//! What a session asks of the engine, as futures.

use std::sync::Arc;

use duolog_topics::{AccountImported, CloseReason, SessionClosed, SessionOpened};

use super::forward::{Dialer, Reached, patience};
use super::op::{Context, Identity, Login, context::refused};
use super::protocol::Failure;
use super::session::{Answer, LoggedIn, Page};
use super::state::Shared;
use crate::domain::verdict::{self, Opened, Verdict};
use crate::engine::{EngineError, LiveSession};
use crate::error::Code;
use crate::gateway::auth::Verified;
use crate::gateway::ws::op::sync::PAGE;

/// What came of a call.
pub struct Done {
    pub answer: Answer,
    /// After a login: where the session hears of what happens.
    pub live: Option<LiveSession>,
    /// After a login of somebody whose home is at another node: the way there.
    pub home: Option<Reached>,
}

/// Who logs in, and how he goes on if his home is at another node.
pub struct Client {
    pub ip: Option<String>,
    pub subprotocol: &'static str,
    /// Absent: he does not go on.
    pub dialer: Dialer,
}

impl From<Answer> for Done {
    fn from(answer: Answer) -> Self {
        Self { answer, live: None, home: None }
    }
}

/// Opens a session. It is registered before the log knows it, so that it misses nothing of its own end.
pub async fn log_in(shared: Arc<Shared>, login: Box<Login>, verified: Verified, client: Client) -> Done {
    let ip = client.ip.clone();
    let Login { account, platform, device, resumes, cursor, heartbeat, user_sig: _ } = *login;
    let session = shared.engine.new_session();
    let live = shared.engine.registry().register(&account, &session);
    let mut moving = shared.engine.moving();
    // Looked at after the registration, so that a home that moves from now on tells this session.
    while !shared.engine.is_home_of(&account) {
        let failure = Failure::new(Code::TOO_MANY_REQUESTS, "the account's home is moving, try again");
        let try_again = Done::from(Answer::Login(Err(failure)));
        let (Some(dialer), Some(moving)) = (&client.dialer, &mut moving) else { return try_again };
        if let Some(home) = dialer.dial(&account, client.subprotocol, client.ip.as_deref()).await {
            let patience = patience(heartbeat.unwrap_or(shared.settings.heartbeat_seconds));
            return Done { home: Some(Reached { home, patience }), ..try_again };
        }
        if !moving.goes_on().await {
            return try_again;
        }
    }
    let identity = Arc::new(Identity { account, session, device, platform, ip });
    let event = SessionOpened {
        session: identity.session.clone(),
        device: identity.device.clone(),
        platform,
        signed_at: verified.signed_at,
        resumes,
        cursor,
        ip: identity.ip.clone(),
    };
    let opened = open(&shared, &identity, event).await;
    super::metrics::login(opened.as_ref().map_or_else(|failure| failure.code.number(), |_| 0));
    match opened {
        Ok(opened) => {
            let (policy, expires_at) = (shared.engine.policy(), verified.expires_at);
            let logged_in = LoggedIn { identity, opened, policy, expires_at, heartbeat };
            Done { answer: Answer::Login(Ok(Box::new(logged_in))), live: Some(live), home: None }
        }
        Err(failure) => Answer::Login(Err(failure)).into(),
    }
}

/// Submits the login; for an account that does not exist yet, after making it.
async fn open(shared: &Shared, identity: &Identity, event: SessionOpened) -> Result<Opened, Failure> {
    let account = &identity.account;
    match submit_login(shared, identity, event.clone()).await {
        Err(failure) if failure.code == Code::ACCOUNT_UNKNOWN => {
            let import = AccountImported { nick: None, face_url: None };
            shared.engine.submit(account, import.into()).await?;
            submit_login(shared, identity, event).await
        }
        opened => opened,
    }
}

async fn submit_login(shared: &Shared, identity: &Identity, event: SessionOpened) -> Result<Opened, Failure> {
    match shared.engine.submit(&identity.account, event.into()).await {
        Ok(Verdict::Applied(verdict::Answer::Opened(opened))) => Ok(opened),
        Ok(other) => Err(refused(other)),
        Err(error) => {
            if matches!(error, EngineError::Unknown) {
                // It may still take effect, and nobody would hold the session.
                shared.engine.session_ended(identity.ended(CloseReason::LinkLost));
            }
            Err(error.into())
        }
    }
}

/// Ends a session and waits until the log knows.
pub async fn log_out(context: Arc<Context>) -> Done {
    let closed = SessionClosed { sessions: vec![context.identity.ended(CloseReason::Logout)] };
    Answer::LogOut(context.submit(closed).await.map(|_| ())).into()
}

/// Reads a page of the catch-up, and with the last one the recent contacts in the same view.
pub async fn catch_up(context: Arc<Context>, after: u64, contacts_since: Option<u64>) -> Done {
    let page = context.read(move |mailbox, account| {
        let timeline = mailbox.timeline(account, after, PAGE)?;
        let last = !timeline.more;
        let contacts = last.then(|| mailbox.recent_contacts(account, contacts_since)).transpose()?;
        Ok(Page { timeline, contacts })
    });
    Answer::CatchUp(page.await).into()
}
