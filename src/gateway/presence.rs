//! Who is online, and where: the three states that both protocols tell.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rows::{AccountRow, DeviceRow, MapRows, MetaRow, Overlay, Pointer};

    const EPOCH: u64 = 3;
    const NOW: Millis = 100 * DAY;

    fn session(platform: Platform, device: &str, epoch: u64, open: bool) -> SessionRow {
        let order = Pointer { generation: 1, partition: 0, offset: 7 };
        SessionRow { order, device: device.to_owned(), platform, opened: NOW, epoch, open, background: false }
    }

    /// What is told of an account with these sessions, whose devices were all seen then.
    fn presence(sessions: &[SessionRow], seen: Millis) -> Presence {
        let account = Account::new("a").unwrap();
        let (empty, meta) = (MapRows::default(), MetaRow { epoch: EPOCH, time: NOW, ..MetaRow::empty(0) });
        let mut rows = Overlay::new(&empty);
        rows.put(AccountRow::key(&account), &AccountRow { exists: true, ..AccountRow::default() });
        for (number, session) in sessions.iter().enumerate() {
            rows.put(SessionRow::key(&account, &number.to_string()), session);
            let platform = session.platform;
            let device = DeviceRow { cursor: 0, last_seen: seen, platform, background: false, badge: None };
            rows.put(DeviceRow::key(&account, &session.device), &device);
        }
        Presence::of(&Mailbox::new(&rows, &meta), &account).unwrap().unwrap()
    }

    fn states(presence: &Presence) -> Vec<(Platform, State)> {
        presence.platforms.iter().map(|on| (on.platform, on.state)).collect()
    }

    #[test]
    fn an_account_that_does_not_exist_has_none() {
        let (empty, meta) = (MapRows::default(), MetaRow::empty(0));
        let account = Account::new("a").unwrap();
        assert_eq!(Presence::of(&Mailbox::new(&empty, &meta), &account).unwrap(), None);
    }

    #[test]
    fn one_device_online_makes_the_account_online() {
        let lost_phone = session(Platform::Iphone, "p", EPOCH, false);
        let found = presence(&[lost_phone, session(Platform::Web, "w", EPOCH, true)], NOW);
        assert_eq!(found.state, State::Online);
        assert_eq!(states(&found), [(Platform::Iphone, State::PushOnline), (Platform::Web, State::Online)]);
    }

    #[test]
    fn a_platform_is_told_once_with_its_best_state() {
        let found = presence(
            &[session(Platform::Android, "lost", EPOCH, false), session(Platform::Android, "open", EPOCH, true)],
            NOW,
        );
        assert_eq!(states(&found), [(Platform::Android, State::Online)]);
    }

    #[test]
    fn only_phones_and_tablets_stay_reachable_and_only_for_a_week() {
        let lost = |platform| presence(&[session(platform, "d", EPOCH - 1, true)], NOW - PUSH_ONLINE + 1).state;
        for platform in [Platform::Android, Platform::Iphone, Platform::Ipad] {
            assert_eq!(lost(platform), State::PushOnline, "{platform:?}");
        }
        for platform in [Platform::Windows, Platform::Mac, Platform::Web, Platform::Linux] {
            assert_eq!(lost(platform), State::Offline, "{platform:?}");
        }
        let long_ago = presence(&[session(Platform::Android, "d", EPOCH, false)], NOW - PUSH_ONLINE);
        assert_eq!((long_ago.state, states(&long_ago)), (State::Offline, Vec::new()));
    }
}
