//! Sends over all nodes while partitions move, owners are paused and woken, and appends are reported as unknown.

use super::nodes::*;
use super::*;
use crate::log::memory::Fault;

/// Messages from each to each of the others; a mailbox gets four times as many, and they fit into one page.
const MESSAGES: u32 = 25;
const FAULTS: u32 = 30;

/// Numbers that repeat with their seed.
struct Dice(Ids);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Ids::seeded(seed))
    }

    fn below(&self, limit: usize) -> usize {
        (self.0.number() % limit as u64) as usize
    }
}

fn text(from: &str, to: &str, number: u32) -> String {
    format!("{from}>{to}:{number}.")
}

/// Sends one after the other, each until it is acked, over whichever node.
async fn sender(nodes: Arc<Vec<Node>>, from: String, to: Vec<String>, seed: u64) {
    let dice = Dice::new(seed);
    for number in 0..MESSAGES {
        for peer in &to {
            let event = message(&[peer], &text(&from, peer, number), number);
            loop {
                let engine = &nodes[dice.below(nodes.len())].engine;
                match engine.submit(&name(&from), event.clone().into()).await {
                    Ok(Verdict::Applied(Answer::Sent(_)) | Verdict::Repeat(Answer::Sent(_))) => break,
                    Ok(other) => panic!("seed {seed}: {other:?}"),
                    Err(error) => assert!(error.code().retry(), "seed {seed}: {error}"),
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Somebody owns the partition and serves it.
async fn settle(nodes: &[Node], partition: u32, at: usize) {
    while nodes[at].take(partition).await.is_err() {}
}

async fn chaos(nodes: &[Node], log: &MemoryLog, seed: u64) {
    let dice = Dice::new(seed);
    for _ in 0..FAULTS {
        let partition = dice.below(3) as u32;
        let (owner, other) = (nodes.iter().position(|node| node.engine.owns().contains_key(&partition)), dice.below(3));
        match (dice.below(4), owner) {
            // A planned move.
            (0, Some(owner)) => nodes[owner].let_go(partition).await,
            // The owner stands still while another node takes over, and wakes up.
            (1, Some(owner)) if owner != other => {
                nodes[owner].gate.set(false);
                settle(nodes, partition, other).await;
                nodes[owner].gate.set(true);
                continue;
            }
            // An append whose fate nobody knows, of whoever appends next: owner or courier.
            (2, _) => log.fail_next(partition, Fault::Unknown { written: dice.below(3) }).unwrap(),
            _ => {}
        }
        // Who owns it already lets it go and takes it again.
        nodes[other].let_go(partition).await;
        settle(nodes, partition, other).await;
    }
}

async fn storm(seed: u64) {
    let (log, nodes) = town().await;
    let nodes = Arc::new(nodes);
    let people: Vec<String> = (0..3).map(|partition| resident(&nodes[0].engine, partition, 0)).collect();
    import(&nodes[0].engine, &people.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let senders: Vec<_> = (seed * 10..)
        .zip(&people)
        .map(|(seed, from)| {
            let to = people.iter().filter(|to| *to != from).cloned().collect();
            tokio::spawn(sender(nodes.clone(), from.clone(), to, seed))
        })
        .collect();
    chaos(&nodes, &log, seed).await;
    for partition in 0..3 {
        let serving = nodes.iter().any(|node| node.engine.owns().contains_key(&partition));
        if !serving {
            nodes[0].let_go(partition).await;
            settle(&nodes, partition, 0).await;
        }
    }
    for sender in senders {
        sender.await.unwrap();
    }
    for who in &people {
        let expected = 4 * MESSAGES as usize;
        let found = holds(&nodes[0].engine, who, expected).await;
        assert_eq!(found.len(), expected, "seed {seed}");
        for peer in people.iter().filter(|peer| *peer != who) {
            for (from, to) in [(who, peer), (peer, who)] {
                let of_these = found.iter().filter(|body| body.contains(&format!("{from}>{to}:")));
                for (number, body) in (0..MESSAGES).zip(of_these) {
                    assert!(body.contains(&text(from, to, number)), "seed {seed}: {body} is not number {number}");
                }
            }
        }
    }
    verify(&log, &nodes);
    let Some(nodes) = Arc::into_inner(nodes) else { panic!("a sender is still there") };
    stop(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acked_is_there_once_and_in_order_whoever_owned_it() {
    for seed in 1..=3 {
        tokio::time::timeout(Duration::from_secs(120), storm(seed))
            .await
            .unwrap_or_else(|_| panic!("seed {seed} hangs"));
    }
}
