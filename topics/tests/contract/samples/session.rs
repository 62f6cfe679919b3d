use duolog_topics::{
    ClientCursor, CloseReason, CursorAdvance, CursorsAdvanced, Platform, SessionClosed, SessionEnd, SessionOpened,
};

use super::{Sample, TIME, account, owned};

pub fn opened() -> Vec<Sample> {
    let login = SessionOpened {
        session: "s1".into(),
        device: "tab-1".into(),
        platform: Platform::Web,
        signed_at: TIME / 1000,
        resumes: None,
        cursor: None,
        ip: None,
    };
    let reconnect = SessionOpened {
        session: "s2".into(),
        device: "iphone-15".into(),
        platform: Platform::Iphone,
        signed_at: TIME / 1000,
        resumes: Some("s0".into()),
        cursor: Some(ClientCursor { timeline: "t1".into(), sequence: 812 }),
        ip: Some("2001:db8::17".into()),
    };
    vec![owned("alice", login), owned("alice", reconnect)]
}

pub fn closed() -> Vec<Sample> {
    let end =
        |name, session: &str, reason| SessionEnd { account: account(name), session: session.into(), reason, ip: None };
    let all = vec![
        end("alice", "s1", CloseReason::Logout),
        end("alice", "s2", CloseReason::LinkLost),
        end("bob", "s3", CloseReason::TimeOut),
        end("bob", "s4", CloseReason::SignatureExpired),
    ];
    let known = SessionEnd { ip: Some("2001:db8::17".into()), ..all[1].clone() };
    [all[..1].to_vec(), all, vec![known]].map(|sessions| owned("alice", SessionClosed { sessions })).into()
}

pub fn cursors_advanced() -> Vec<Sample> {
    let advance =
        |name, device: &str, sequence| CursorAdvance { account: account(name), device: device.into(), sequence };
    let all = vec![advance("alice", "iphone-15", 813), advance("bob", "tab-1", 1)];
    vec![
        owned("alice", CursorsAdvanced { cursors: all[..1].to_vec() }),
        owned("alice", CursorsAdvanced { cursors: all }),
    ]
}
