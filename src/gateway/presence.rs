//! Who is online, and where: the three states that both protocols tell (server-api.md, section 3).

use duolog_topics::{Account, Millis, Platform};

use crate::domain::rows::{DAY, RowsError, SessionRow};
use crate::domain::view::Mailbox;

/// How long a phone whose link was lost counts as reachable by push.
const PUSH_ONLINE: Millis = 7 * DAY;

/// Ascending: the state of an account is the highest of its platforms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    Offline,
    /// A phone or tablet has lost its link but was not logged out.
    PushOnline,
    Online,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlatformState {
    pub platform: Platform,
    pub state: State,
}

/// Where an account is logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Presence {
    pub state: State,
    /// Each platform once, in the order of [`Platform`]; those that are offline are left out.
    pub platforms: Vec<PlatformState>,
}

impl Presence {
    /// `None` if the account does not exist.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn of(mailbox: &Mailbox<'_>, account: &Account) -> Result<Option<Self>, RowsError> {
        if !mailbox.exists(account)? {
            return Ok(None);
        }
        let mut platforms: Vec<PlatformState> = Vec::new();
        for (_, session) in mailbox.sessions(account)? {
            let state = state_of(mailbox, account, &session)?;
            if state > State::Offline {
                platforms.push(PlatformState { platform: session.platform, state });
            }
        }
        platforms.sort_by_key(|on| (on.platform, std::cmp::Reverse(on.state)));
        platforms.dedup_by_key(|on| on.platform);
        let state = platforms.iter().map(|on| on.state).max().unwrap_or(State::Offline);
        Ok(Some(Self { state, platforms }))
    }
}

fn state_of(mailbox: &Mailbox<'_>, account: &Account, session: &SessionRow) -> Result<State, RowsError> {
    if session.is_open(mailbox.meta.epoch) {
        return Ok(State::Online);
    }
    if !matches!(session.platform, Platform::Android | Platform::Iphone | Platform::Ipad) {
        return Ok(State::Offline);
    }
    let seen = mailbox.device(account, &session.device)?.map_or(session.opened, |device| device.last_seen);
    Ok(if seen + PUSH_ONLINE > mailbox.meta.time { State::PushOnline } else { State::Offline })
}

/// Names of platforms in the server API.
pub trait ServerApiName {
    fn server_api_name(self) -> &'static str;
}

impl ServerApiName for Platform {
    fn server_api_name(self) -> &'static str {
        match self {
            Platform::Android => "Android",
            Platform::Iphone => "iPhone",
            Platform::Ipad => "iPad",
            Platform::Mac => "Mac",
            Platform::Web => "Web",
            Platform::Windows | Platform::Linux => "PC",
        }
    }
}
