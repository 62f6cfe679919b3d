//! Random commits, flushes, reopenings and crashes against a map in memory.

use proptest::{collection::vec, option, prelude::*};

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(u8, Option<u16>)>),
    Flush,
    FlushInBackground,
    Look,
    /// By the one writer, who keeps hot rows.
    Read(u8),
    ReadTogether(Vec<u8>),
    Reopen,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec((any::<u8>(), option::weighted(0.7, any::<u16>())), 0..20).prop_map(Step::Commit),
        2 => Just(Step::Flush),
        2 => Just(Step::FlushInBackground),
        2 => Just(Step::Look),
        8 => any::<u8>().prop_map(Step::Read),
        4 => vec(any::<u8>(), 0..80).prop_map(Step::ReadTogether),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

fn row(number: u8) -> Bytes {
    // Keys of several lengths, some the beginning of others.
    Bytes::from(vec![1 + number % 3; 1 + usize::from(number / 3 % 8)])
}

fn changes(rows: &[(u8, Option<u16>)]) -> Changes {
    let sorted: BTreeMap<Bytes, Option<Bytes>> = rows
        .iter()
        .map(|(number, value)| {
            (row(*number), value.map(|value| Bytes::from(vec![value as u8; usize::from(value) / 99])))
        })
        .collect();
    sorted.into_iter().collect()
}

fn apply(model: &mut Model, changes: &Changes) {
    for (key, value) in changes.iter() {
        match value {
            Some(value) => model.insert(Bytes::copy_from_slice(key.as_slice()), value.bytes()),
            None => model.remove(key.as_slice()),
        };
    }
}

fn bound() -> impl Strategy<Value = Bound<Bytes>> {
    let key = prop_oneof![any::<u8>().prop_map(row), vec(0..5_u8, 0..4).prop_map(Bytes::from)];
    prop_oneof![key.clone().prop_map(Bound::Included), key.prop_map(Bound::Excluded), Just(Bound::Unbounded),]
}

/// What `BTreeMap::range` would say, without its panics for a range that ends before it begins.
fn expected(model: &Model, from: &Bound<Bytes>, until: &Bound<Bytes>) -> Vec<(Bytes, Bytes)> {
    let inside = |key: &&Bytes| {
        (match from {
            Bound::Included(from) => *key >= from,
            Bound::Excluded(from) => *key > from,
            Bound::Unbounded => true,
        }) && match until {
            Bound::Included(until) => *key <= until,
            Bound::Excluded(until) => *key < until,
            Bound::Unbounded => true,
        }
    };
    model.iter().filter(|(key, _)| inside(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn borrowed(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    bound.as_ref().map(|key| &key[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_and_place_always_agree(steps in vec(step(), 1..90), small in any::<bool>()) {
        let open = if small { open_small } else { open };
        let mut folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        // What the rows were at each place since the beginning, and views that are kept.
        let mut history = vec![Model::new()];
        let (mut views, mut flushed): (Vec<(usize, View)>, usize) = (Vec::new(), 0);
        for step in steps {
            match step {
                Step::Commit(rows) => {
                    let (changes, mut model) = (changes(&rows), history.last().unwrap().clone());
                    apply(&mut model, &changes);
                    store.writer().commit(&mut changes.clone(), at(history.len() as u64)).unwrap();
                    history.push(model);
                }
                Step::Flush => {
                    store.flush().unwrap();
                    flushed = history.len() - 1;
                }
                Step::FlushInBackground => store.flush_in_background().unwrap(),
                Step::Read(number) => {
                    let (key, model) = (row(number), history.last().unwrap());
                    prop_assert_eq!(store.writer().get(&key).unwrap(), model.get(&key).cloned());
                }
                Step::ReadTogether(numbers) => {
                    let (keys, model) = (numbers.into_iter().map(row), history.last().unwrap());
                    let (keys, expected): (Vec<_>, Vec<_>) =
                        keys.map(|key| (HashedKey::from(Key::from(&key[..])), model.get(&key).cloned())).unzip();
                    let cells = store.writer().cells(&keys.iter().collect::<Vec<_>>()).unwrap();
                    let read: Vec<_> = cells.iter().map(|cell| cell.as_ref().map(Cell::bytes)).collect();
                    prop_assert_eq!(read, expected);
                }
                Step::Look => views.push((history.len() - 1, store.view())),
                Step::Reopen => {
                    views.clear();
                    drop(store);
                    store = open(folder.path());
                    flushed = history.len() - 1;
                }
                Step::Crash => {
                    let image = image(&store);
                    views.clear();
                    drop(store);
                    (store, folder) = (open(image.path()), image);
                    let place = store.applied().map_or(0, |applied| applied.next as usize);
                    prop_assert!((flushed..history.len()).contains(&place));
                    history.truncate(place + 1);
                }
            }
            let applied = store.view().applied().unwrap();
            prop_assert_eq!(applied, store.applied());
            let place = applied.map_or(0, |applied| applied.next as usize);
            prop_assert_eq!(applied, (place > 0).then(|| at(place as u64)));
            prop_assert_eq!(&all(&store.view()), &history[place]);
            for (place, view) in &views {
                prop_assert_eq!(&all(view), &history[*place]);
            }
        }
    }

    #[test]
    fn scans_keep_their_bounds(
        rows in vec((any::<u8>(), option::weighted(0.9, any::<u16>())), 0..60),
        ranges in vec((bound(), bound()), 30),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (flushed, newer) = rows.split_at(rows.len() / 2);
        let mut model = Model::new();
        for (next, part) in (1..).zip([flushed, newer]) {
            let changes = changes(part);
            apply(&mut model, &changes);
            store.writer().commit(&mut changes.clone(), at(next)).unwrap();
            if next == 1 {
                store.flush().unwrap();
            }
        }
        let view = store.view();
        for (from, until) in &ranges {
            let range = KeyRange { from: borrowed(from), until: borrowed(until) };
            let mut expected = expected(&model, from, until);
            prop_assert_eq!(&scan(&view, range, Direction::Forward), &expected);
            expected.reverse();
            prop_assert_eq!(&scan(&view, range, Direction::Backward), &expected);
        }
        for number in 0..=u8::MAX {
            let key = row(number);
            prop_assert_eq!(view.get(&key).unwrap(), model.get(&key).cloned());
        }
    }
}
