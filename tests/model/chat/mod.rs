//! A real engine and a naive model of the same mailboxes are driven through the same random history, and asked the same
//! questions after every step.

mod naive;
mod real;

use duolog::domain::verdict::{Answer, Verdict};

use crate::explore::{Dice, Step, explore};
use naive::Naive;
use real::Real;

/// The people of a history; few, so that they meet.
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
const DEVICES: [&str; 3] = ["phone", "laptop", "page"];
const DAY: u64 = 86_400_000;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Send,
    /// The same send again, with its key.
    Retry,
    Block,
    Unblock,
    Login,
    /// A device has stored what it was sent so far.
    Ack,
    Recall,
    ReadAll,
    DeleteRecent,
    /// Up to three days pass, and the log learns of it.
    Days,
    Restart,
    /// The same, without the state: it is folded again.
    RestartWithoutState,
}

const KINDS: &[(usize, Kind)] = &[
    (60, Kind::Send),
    (10, Kind::Retry),
    (4, Kind::Block),
    (4, Kind::Unblock),
    (12, Kind::Login),
    (8, Kind::Ack),
    (8, Kind::Recall),
    (10, Kind::ReadAll),
    (4, Kind::DeleteRecent),
    (4, Kind::Days),
    (2, Kind::Restart),
    (1, Kind::RestartWithoutState),
];

#[test]
fn users_see_what_a_naive_chat_shows() {
    explore("the naive chat", 40, 120, KINDS, run);
}

fn run(seed: u64, steps: &[Step<Kind>]) {
    let mut real = Real::new();
    let mut naive = Naive::new(&PEOPLE);
    PEOPLE.iter().for_each(|who| real.import(who));
    for step in steps {
        let dice = &mut Dice::new(step.seed);
        real.clock.advance(1 + dice.next() % 40_000);
        act(step.kind, dice, &mut real, &mut naive);
        naive.time = real.time();
        compare(&real, &naive, step);
    }
    // A history that did nothing would prove nothing.
    assert!(steps.len() < 100 || naive.sent() > 10, "seed {seed} sent {} messages", naive.sent());
    real.stop();
}

fn act(kind: Kind, dice: &mut Dice, real: &mut Real, naive: &mut Naive) {
    let (who, peer) = (*dice.pick(&PEOPLE), *dice.pick(&PEOPLE));
    let apart = who != peer;
    match kind {
        Kind::Send if apart => {
            let random = dice.next() as u32;
            let time = real.send(who, peer, random);
            naive.send(who, peer, random, time, real.time());
        }
        Kind::Retry => {
            if let Some((from, to, random, time)) = naive.retried(dice) {
                assert_eq!(real.send(&from, &to, random), time, "a retry gets the first answer");
            }
        }
        Kind::Block | Kind::Unblock if apart => {
            let blocked = matches!(kind, Kind::Block);
            real.block(who, peer, blocked);
            naive.block(who, peer, blocked);
        }
        Kind::Login => {
            let device = *dice.pick(&DEVICES);
            let found = real.login(who, device);
            // The login's own record moves the time on, and a message may expire with that.
            naive.time = real.time();
            assert_eq!(found, naive.login(who, device), "{who}'s {device} logs in");
        }
        Kind::Ack => {
            let device = *dice.pick(&DEVICES);
            if naive.knows(who, device) {
                real.ack(who, device);
                naive.ack(who, device);
            }
        }
        Kind::Recall => {
            if let Some((from, to, random, time)) = naive.recalled(dice) {
                let verdict = real.recall(&from, &to, random, time);
                let expected = naive.recall(&from, &to, random, real.time());
                assert_eq!(matches!(verdict, Verdict::Applied(Answer::Done)), expected, "recall: {verdict:?}");
            }
        }
        Kind::ReadAll if apart => {
            real.read_all(who, peer);
            naive.time = real.time();
            naive.read_all(who, peer);
        }
        Kind::DeleteRecent if apart => {
            real.delete_recent(who, peer);
            naive.time = real.time();
            naive.delete_recent(who, peer);
        }
        Kind::Days => {
            real.clock.advance(dice.next() % (3 * DAY));
            // Importing again changes nothing, and its record moves the time of the log.
            real.import(who);
        }
        Kind::Restart => real.restart(false),
        Kind::RestartWithoutState => real.restart(true),
        _ => {}
    }
}

fn compare(real: &Real, naive: &Naive, step: &Step<Kind>) {
    for who in PEOPLE {
        for peer in PEOPLE.into_iter().filter(|peer| *peer != who) {
            assert_eq!(
                real.history(who, peer),
                naive.history(who, peer),
                "history of {who} with {peer} after {step:?}"
            );
        }
        assert_eq!(real.recents(who), naive.recents(who), "recent contacts of {who} after {step:?}");
        assert_eq!(real.blacklist(who), naive.blacklist(who), "blacklist of {who} after {step:?}");
    }
}
