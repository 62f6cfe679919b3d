use duolog_topics::{
    Account, ClientCursor, CloseReason, CursorsAdvanced, LoginPolicy, Millis, Platform, PolicyChanged, SessionClosed,
    SessionOpened,
};

use super::step::Step;
use crate::domain::rows::{
    AccountRow, ClosedSession, DeviceRow, EndedSession, Missed, Outcome, Pointer, PushTokenRow, RowsError, SessionRow,
};
use crate::domain::verdict::{
    Answer, Effect, EndReason, Excluder, Opened, Refusal, SessionEnded, Verdict, timeline_name,
};
use crate::error::Code;

/// A link is found dead after at most three heartbeats of 300 s and 15 s (docs/CLIENT_PROTOCOL.md, "Close codes").
const LONGEST_SILENCE: Millis = 915_000;

type Sessions = Vec<(String, SessionRow)>;

impl Step<'_, '_> {
    /// A device logs in. A person's login kicks what the policy excludes; a reconnect inherits its old place in the order of
    /// logins, and is refused if a later one excludes it.
    pub fn session_opened(&mut self, event: &SessionOpened) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut owner) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        if event.signed_at < owner.not_before {
            return Ok(Verdict::Refused(Code::USER_SIG_EXPIRED.into()));
        }
        let others = self.mailbox().sessions(&account)?;
        let order = match &event.resumes {
            Some(resumed) => {
                others.iter().find(|(id, _)| id == resumed).map_or(Pointer::default(), |(_, row)| row.order)
            }
            None => self.at,
        };
        let session = SessionRow {
            order,
            device: event.device.clone(),
            platform: event.platform,
            opened: self.time(),
            epoch: self.meta().epoch,
            open: true,
            background: false,
        };
        let (same_device, others): (Sessions, Sessions) =
            others.into_iter().partition(|(id, row)| row.device == event.device || Some(id) == event.resumes.as_ref());
        let policy = self.meta().policy.clone();
        if let Some(by) = excluder(&policy, &session, &others) {
            return Ok(Verdict::Refused(Refusal { code: Code::KICKED_BY_OTHER, by: Some(by) }));
        }
        for (id, _) in same_device {
            self.end_session(&account, id, EndReason::Replaced);
        }
        self.take_broadcasts(&account, &mut owner)?;
        let kicked = self.kick_excluded(&account, &policy, event, &session, others);
        self.keep(Outcome::Opened { kicked });
        self.put(SessionRow::key(&account, &event.session), &session);
        let opened = self.open_device(&account, &mut owner, event)?;
        self.count_online(&account, &mut owner)?;
        self.put_account(&account, owner);
        Ok(Verdict::Applied(Answer::Opened(opened)))
    }

    fn kick_excluded(
        &mut self,
        account: &Account,
        policy: &PolicyChanged,
        event: &SessionOpened,
        session: &SessionRow,
        others: Sessions,
    ) -> Vec<(String, Platform)> {
        let by = Excluder { platform: event.platform, device: event.device.clone(), time: self.time() };
        let mut ended = Vec::new();
        for (id, row) in excluded(policy, session, others) {
            ended.push((row.device, row.platform));
            self.delete(PushTokenRow::key(account, &ended[ended.len() - 1].0));
            self.end_session(account, id, EndReason::LoginElsewhere(by.clone()));
        }
        ended
    }

    fn end_session(&mut self, account: &Account, session: String, reason: EndReason) {
        self.delete(SessionRow::key(account, &session));
        self.effect(Effect::End(SessionEnded { account: account.clone(), session, reason }));
    }

    /// Where the device's catch-up starts: at what the client says it has stored, else at what is recorded of the device, else
    /// at the inbox floor.
    fn open_device(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        event: &SessionOpened,
    ) -> Result<Opened, RowsError> {
        let timeline = timeline_name(owner, self.meta());
        let recorded = self.mailbox().device(account, &event.device)?;
        let stored = |own: &ClientCursor| own.timeline == timeline && own.sequence <= owner.sequence;
        let (cursor, known) = match (&event.cursor, &recorded) {
            (Some(own), _) if stored(own) => (own.sequence, true),
            (Some(_), _) | (None, None) => (owner.floor, false),
            (None, Some(row)) => (row.cursor, true),
        };
        let gap = if known { self.mailbox().gap(account, owner, cursor)? } else { None };
        owner.floor = owner.floor.max(cursor);
        if recorded.is_none() {
            self.forget_device(account)?;
        }
        let row =
            DeviceRow { cursor, last_seen: self.time(), platform: event.platform, background: false, badge: None };
        self.put(DeviceRow::key(account, &event.device), &row);
        Ok(Opened { timeline, cursor, head: owner.sequence, gap, known })
    }

    /// Makes room for one more device: those not seen for long, and the one seen longest ago if there are too many.
    fn forget_device(&mut self, account: &Account) -> Result<(), RowsError> {
        let horizon = self.meta().horizons.devices;
        let (mut kept, forgotten): (Vec<_>, Vec<_>) =
            self.mailbox().devices(account)?.into_iter().partition(|(_, row)| row.last_seen >= horizon);
        kept.sort_by_key(|(_, row)| row.last_seen);
        let room = (self.meta().policy.devices as usize).max(1);
        let too_many = (kept.len() + 1).saturating_sub(room);
        for (device, _) in kept.into_iter().take(too_many).chain(forgotten) {
            self.delete(DeviceRow::key(account, &device));
            self.delete(PushTokenRow::key(account, &device));
        }
        Ok(())
    }

    /// Logged out: the session is gone. Lost its link: it may come back, and keeps its place in the order of logins.
    pub fn session_closed(&mut self, event: &SessionClosed) -> Result<Verdict, RowsError> {
        let mut sessions = Vec::new();
        for (place, end) in (0..).zip(&event.sessions) {
            let Some(mut row) = self.mailbox().session(&end.account, &end.session)? else { continue };
            let Some(mut owner) = self.mailbox().account(&end.account)? else { continue };
            let (ends, attended) = (row.open || end.reason == CloseReason::Logout, row.open && !row.background);
            if end.reason == CloseReason::Logout {
                self.delete(PushTokenRow::key(&end.account, &row.device));
                self.end_session(&end.account, end.session.clone(), EndReason::LoggedOut);
            } else {
                row.open = false;
                self.put(SessionRow::key(&end.account, &end.session), &row);
            }
            self.count_online(&end.account, &mut owner)?;
            self.put_account(&end.account, owner.clone());
            if ends {
                let missed = if attended { self.missed(&end.account, &owner, &row)? } else { None };
                sessions.push(ClosedSession { place, platform: row.platform, missed });
            }
        }
        if !sessions.is_empty() {
            self.keep(Outcome::Closed { sessions });
        }
        Ok(Verdict::Applied(Answer::Done))
    }

    /// What an app was told and its device did not take, if no app of the account counts as open any more. Its link may
    /// have been dead for as long as a client may be silent; one that a crash cut off, for as long as it was there.
    pub fn missed(
        &self,
        account: &Account,
        owner: &AccountRow,
        session: &SessionRow,
    ) -> Result<Option<Missed>, RowsError> {
        let epoch = self.meta().epoch;
        if owner.is_attended(epoch) {
            return Ok(None);
        }
        let after = self.mailbox().device(account, &session.device)?.map_or(owner.sequence, |device| device.cursor);
        let silent = self.time().saturating_sub(LONGEST_SILENCE);
        let since = if session.epoch == epoch { silent } else { session.opened };
        let until = owner.sequence;
        Ok((after < until).then_some(Missed { after, until, since }))
    }

    /// Keeps for consumers which sessions a record ended, if any.
    pub fn keep_ended(&mut self, sessions: Vec<EndedSession>) {
        if !sessions.is_empty() {
            self.keep(Outcome::Ended { sessions });
        }
    }

    pub fn count_online(&mut self, account: &Account, owner: &mut AccountRow) -> Result<(), RowsError> {
        let epoch = self.meta().epoch;
        let sessions = self.mailbox().sessions(account)?;
        let open = || sessions.iter().filter(|(_, row)| row.is_open(epoch));
        owner.online = open().count() as u32;
        owner.foreground = open().filter(|(_, row)| !row.background).count() as u32;
        owner.online_epoch = epoch;
        Ok(())
    }

    pub fn cursors_advanced(&mut self, event: &CursorsAdvanced) -> Result<Verdict, RowsError> {
        for advance in &event.cursors {
            let Some(mut owner) = self.mailbox().account(&advance.account)? else { continue };
            let Some(mut device) = self.mailbox().device(&advance.account, &advance.device)? else { continue };
            let cursor = advance.sequence.min(owner.sequence);
            device.last_seen = self.time();
            if cursor > device.cursor {
                device.cursor = cursor;
            }
            self.put(DeviceRow::key(&advance.account, &advance.device), &device);
            if cursor > owner.floor {
                owner.floor = cursor;
                self.put_account(&advance.account, owner);
            }
        }
        Ok(Verdict::Applied(Answer::Done))
    }
}

/// Which terminals compete with each other under the policy, and how many of them may be logged in at once.
fn place_of(policy: &PolicyChanged, platform: Platform) -> (u8, u32) {
    let mobile = matches!(platform, Platform::Android | Platform::Iphone | Platform::Ipad);
    match (policy.login, platform) {
        (LoginPolicy::Single, _) => (0, 1),
        (LoginPolicy::Dual | LoginPolicy::Triple, Platform::Web) => (1, policy.web_instances.max(1)),
        (LoginPolicy::Dual, _) => (0, 1),
        (LoginPolicy::Triple, _) => (if mobile { 2 } else { 3 }, 1),
        (LoginPolicy::Multi, Platform::Web) => (10 + platform as u8, policy.web_instances.max(1)),
        (LoginPolicy::Multi, _) => (10 + platform as u8, policy.other_instances.max(1)),
    }
}

/// The competitors of a session, in the order of their logins.
fn competitors(policy: &PolicyChanged, session: &SessionRow, others: Sessions) -> Sessions {
    let class = place_of(policy, session.platform).0;
    let mut found: Sessions = others.into_iter().filter(|(_, row)| place_of(policy, row.platform).0 == class).collect();
    found.sort_by_key(|(_, row)| row.order);
    found
}

/// The latest login that excludes this session: there are as many later ones as may be logged in.
fn excluder(policy: &PolicyChanged, session: &SessionRow, others: &Sessions) -> Option<Excluder> {
    let room = place_of(policy, session.platform).1 as usize;
    let later: Sessions =
        competitors(policy, session, others.clone()).into_iter().filter(|(_, row)| row.order > session.order).collect();
    let (_, last) = later.last().filter(|_| later.len() >= room)?;
    Some(Excluder { platform: last.platform, device: last.device.clone(), time: last.opened })
}

/// The sessions that a login leaves no room for: the earliest of its competitors.
fn excluded(policy: &PolicyChanged, session: &SessionRow, others: Sessions) -> Sessions {
    let room = place_of(policy, session.platform).1 as usize;
    let mut found = competitors(policy, session, others);
    let stay = found.len().min(room.saturating_sub(1));
    found.truncate(found.len() - stay);
    found
}
