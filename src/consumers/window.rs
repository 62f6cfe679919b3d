use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use duolog_topics::Millis;

use super::{Delivery, Lane};
use crate::limits;

/// What one runner has read and not delivered yet, and in which order it may go out.
///
/// ```text
///   open:   42 (1 left)   44 (2 left)         head: 47, the next record to read
///   lanes:  a ▸ 42-0                 running
///           b ▸ 44-0                 ready
///           c ▸ 44-1                 ready
///   place:  position 47, waiting [42, 44]
/// ```
pub struct Window<P> {
    head: u64,
    open: BTreeMap<u64, Open>,
    lanes: HashMap<Lane, Queue<P>>,
    /// Lanes with work that nobody has taken, in the order in which it came.
    ready: VecDeque<Lane>,
    bytes: usize,
    deliveries: usize,
}

/// A record with deliveries that are not done.
struct Open {
    left: usize,
    bytes: usize,
    time: Millis,
}

/// The deliveries of a lane that wait; one batch of it may be under way.
struct Queue<P>(VecDeque<Arc<Delivery<P>>>);

/// How far a runner has come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    pub position: u64,
    /// Below the position and not done; ascending, at most [`limits::CONSUMER_WAITING`].
    pub waiting: Vec<u64>,
    /// The next record to read.
    pub head: u64,
    /// Records that were read and are not done.
    pub open: u64,
    /// Record time of the oldest of them.
    pub oldest: Option<Millis>,
}

impl<P> Window<P> {
    /// `head`: the first record to read.
    pub fn new(head: u64) -> Self {
        Self { head, open: BTreeMap::new(), lanes: HashMap::new(), ready: VecDeque::new(), bytes: 0, deliveries: 0 }
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    /// Everything below was read.
    pub fn read_until(&mut self, head: u64) {
        debug_assert!(head >= self.head, "a runner reads forward");
        self.head = head;
    }

    /// Whether more may be read.
    pub fn has_room(&self) -> bool {
        self.deliveries < limits::CONSUMER_DELIVERIES && self.bytes < limits::CONSUMER_BYTES
    }

    /// Takes the deliveries of a record, which are at least one; `bytes`: about what they hold.
    pub fn add(&mut self, offset: u64, bytes: usize, deliveries: Vec<Delivery<P>>) {
        let Some(first) = deliveries.first() else { return };
        let open = Open { left: deliveries.len(), bytes, time: first.time };
        self.bytes += bytes;
        self.deliveries += deliveries.len();
        self.open.insert(offset, open);
        for delivery in deliveries {
            let lane = delivery.lane;
            let queue = self.lanes.entry(lane).or_insert_with(|| {
                self.ready.push_back(lane);
                Queue(VecDeque::new())
            });
            queue.0.push_back(Arc::new(delivery));
        }
    }

    /// The next batch that may go out, at most `most` deliveries of one lane. The lane waits until [`Self::done`].
    pub fn next(&mut self, most: usize) -> Option<(Lane, Vec<Arc<Delivery<P>>>)> {
        let lane = self.ready.pop_front()?;
        let queue = self.lanes.get_mut(&lane).map(|queue| &mut queue.0)?;
        let taken = queue.len().min(most.max(1));
        Some((lane, queue.drain(..taken).collect()))
    }

    /// A batch of a lane was delivered or given up.
    pub fn done(&mut self, lane: Lane, batch: &[Arc<Delivery<P>>]) {
        for delivery in batch {
            self.deliveries -= 1;
            let offset = delivery.at.offset;
            let Some(open) = self.open.get_mut(&offset) else { continue };
            open.left -= 1;
            if open.left == 0 {
                self.bytes -= open.bytes;
                self.open.remove(&offset);
            }
        }
        match self.lanes.get(&lane) {
            Some(queue) if queue.0.is_empty() => drop(self.lanes.remove(&lane)),
            Some(_) => self.ready.push_back(lane),
            None => {}
        }
    }

    pub fn place(&self) -> Place {
        let waiting: Vec<u64> = self.open.keys().copied().take(limits::CONSUMER_WAITING).collect();
        Place {
            position: self.open.keys().nth(limits::CONSUMER_WAITING).copied().unwrap_or(self.head),
            waiting,
            head: self.head,
            open: self.open.len() as u64,
            oldest: self.open.first_key_value().map(|(_, open)| open.time),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use duolog_topics::Account;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::rows::Pointer;

    fn delivery(offset: u64, lane: u8) -> Delivery<()> {
        let account = Account::new(format!("a{lane}")).unwrap();
        let at = Pointer { offset, ..Pointer::default() };
        Delivery { id: String::new(), lane: Lane::of([&account]), account, at, time: offset, payload: () }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Read(Vec<u8>),
        Take(usize),
        Finish(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop::collection::vec(0..4u8, 0..4).prop_map(Step::Read),
            (1..4usize).prop_map(Step::Take),
            (0..8usize).prop_map(Step::Finish),
        ]
    }

    proptest! {
        /// Whatever finishes first: a lane goes out in order and one batch at a time, and position and waiting say
        /// exactly what is not done.
        #[test]
        fn keeps_the_order_of_lanes_and_knows_what_is_open(steps in prop::collection::vec(step(), 0..200)) {
            let mut window = Window::new(0);
            let mut running: Vec<(Lane, Vec<Arc<Delivery<()>>>)> = Vec::new();
            let mut last: HashMap<Lane, u64> = HashMap::new();
            let mut open: BTreeMap<u64, usize> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Read(lanes) => {
                        let offset = window.head();
                        if !lanes.is_empty() {
                            open.insert(offset, lanes.len());
                        }
                        window.add(offset, 1, lanes.into_iter().map(|lane| delivery(offset, lane)).collect());
                        window.read_until(offset + 1);
                    }
                    Step::Take(most) => {
                        let Some((lane, batch)) = window.next(most) else { continue };
                        prop_assert!(batch.len() <= most && !batch.is_empty());
                        prop_assert!(running.iter().all(|(busy, _)| *busy != lane), "a lane runs once at a time");
                        for delivery in &batch {
                            let before = last.insert(lane, delivery.at.offset);
                            prop_assert!(before.is_none_or(|before| before <= delivery.at.offset));
                        }
                        running.push((lane, batch));
                    }
                    Step::Finish(which) if !running.is_empty() => {
                        let (lane, batch) = running.remove(which % running.len());
                        for delivery in &batch {
                            let left = open.get_mut(&delivery.at.offset).unwrap();
                            *left -= 1;
                            if *left == 0 {
                                open.remove(&delivery.at.offset);
                            }
                        }
                        window.done(lane, &batch);
                    }
                    Step::Finish(_) => {}
                }
                let place = window.place();
                prop_assert_eq!(place.open, open.len() as u64);
                let unfinished: BTreeSet<u64> = place.waiting.iter().copied().collect();
                for offset in 0..window.head() {
                    let done = offset < place.position && !unfinished.contains(&offset);
                    prop_assert_eq!(!done, open.contains_key(&offset));
                }
            }
        }
    }

    #[test]
    fn the_waiting_records_are_few_and_the_position_stays_below_the_rest() {
        let mut window = Window::new(10);
        let many = limits::CONSUMER_WAITING as u64 + 5;
        for offset in 10..10 + many {
            window.add(offset, 1, vec![delivery(offset, 0)]);
        }
        window.read_until(1_000);
        let place = window.place();
        assert_eq!(place.waiting.len(), limits::CONSUMER_WAITING);
        assert_eq!(place.position, 10 + limits::CONSUMER_WAITING as u64);
        assert_eq!((place.open, place.oldest, place.head), (many, Some(10), 1_000));
    }
}
