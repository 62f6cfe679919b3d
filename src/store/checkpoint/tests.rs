use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::{
    domain::rows::Rows,
    store::{Applied, KeepAll, Shared, SharedSizes},
};

type Way = Box<dyn FnOnce(&mut Vec<u8>)>;

struct Scene {
    folder: tempfile::TempDir,
    shared: Shared,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), shared: Shared::new(SharedSizes::default()).unwrap() }
    }

    fn open(&self, name: &str) -> Store {
        Store::open(&self.folder.path().join(name), &self.shared, Arc::new(KeepAll)).unwrap()
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.folder.path().join("checkpoints"))
    }

    /// A store, and checkpoints of it at these offsets, all of the first epoch.
    fn with(&self, offsets: impl IntoIterator<Item = u64>) -> (Store, Vec<Name>) {
        let store = self.open("state");
        let names = offsets.into_iter().map(|next| {
            commit(&store, next);
            self.checkpoints().make(&store, &origin(1)).unwrap().name()
        });
        let names = names.collect();
        (store, names)
    }
}

fn origin(epoch: u64) -> Origin {
    Origin { log_id: "a log".into(), partition: 0, epoch }
}

fn at(next: u64) -> Applied {
    Applied { next, checksum: next * 31 }
}

fn commit(store: &Store, next: u64) {
    let rows = (0..50_u64).map(|row| (Bytes::from(vec![1, row as u8]), Some(Bytes::from((row * next).to_string()))));
    store.commit(&rows.collect(), at(next)).unwrap();
}

fn holds(store: &Store, next: u64) {
    assert_eq!(store.applied(), Some(at(next)));
    let view = store.view();
    for row in 0..50 {
        assert_eq!(view.get(&[1, row as u8]).unwrap(), Some(Bytes::from((row * next).to_string())));
    }
}

fn damage(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_checkpoint_comes_back_as_the_state_it_was_made_of() {
    let scene = Scene::new();
    let (store, names) = scene.with([10]);
    commit(&store, 20);
    let manifest = scene.checkpoints().restore(&names[0], &scene.folder.path().join("restored")).unwrap();
    assert_eq!((manifest.applied(), &manifest.origin), (at(10), &origin(1)));
    assert!(manifest.bytes() > 0);
    let restored = scene.open("restored");
    holds(&restored, 10);
    commit(&restored, 15);
    holds(&restored, 15);
    holds(&store, 20);
    scene.checkpoints().verify(&names[0]).expect("the copy is not touched by who goes on from it");
    assert!(!scene.folder.path().join("state/checkpoint.tmp").exists());
}

#[test]
fn the_same_place_is_not_copied_twice() {
    let scene = Scene::new();
    let (store, names) = scene.with([10]);
    let manifest = scene.folder.path().join("checkpoints").join(names[0].to_string()).join("manifest.json");
    let made = fs::metadata(&manifest).unwrap().modified().unwrap();
    assert_eq!(scene.checkpoints().make(&store, &origin(1)).unwrap().name(), names[0]);
    assert_eq!(fs::metadata(&manifest).unwrap().modified().unwrap(), made);
    damage(&manifest, |bytes| bytes.truncate(20));
    scene.checkpoints().make(&store, &origin(1)).expect("a damaged one is made again");
    scene.checkpoints().verify(&names[0]).unwrap();
}

#[test]
fn an_empty_store_has_no_checkpoint() {
    let scene = Scene::new();
    let refused = scene.checkpoints().make(&scene.open("state"), &origin(1));
    assert!(matches!(refused, Err(CheckpointError::Empty)));
    assert_eq!(scene.checkpoints().list().unwrap(), []);
    assert!(scene.checkpoints().newest_good().unwrap().found.is_none());
}

#[test]
fn any_damage_is_found_and_told_by_file_and_an_older_one_is_taken() {
    let scene = Scene::new();
    let (_store, names) = scene.with([10, 20]);
    let newer = scene.folder.path().join("checkpoints").join(names[1].to_string());
    let files: Vec<PathBuf> = fs::read_dir(&newer).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 3);
    for file in files {
        let good = fs::read(&file).unwrap();
        let middle = good.len() / 2;
        let mut ways: Vec<Way> = vec![Box::new(|bytes| bytes.push(0x41))];
        if !good.is_empty() {
            ways.push(Box::new(move |bytes| bytes[middle] ^= 0x01));
            ways.push(Box::new(move |bytes| bytes.truncate(middle)));
        }
        for way in ways {
            damage(&file, way);
            let newest = scene.checkpoints().newest_good().unwrap();
            assert_eq!(newest.found.unwrap().name(), names[0], "{}", file.display());
            let [(name, error)] = &newest.passed_over[..] else { panic!("{:?}", newest.passed_over) };
            assert_eq!(*name, names[1]);
            assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
            let into = scene.folder.path().join("restored");
            assert!(scene.checkpoints().restore(&names[1], &into).is_err());
            assert!(!into.exists());
            fs::write(&file, &good).unwrap();
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(scene.checkpoints().newest_good().unwrap().found.unwrap().name(), names[0]);
        fs::write(&file, &good).unwrap();
    }
    assert_eq!(scene.checkpoints().newest_good().unwrap().found.unwrap().name(), names[1]);
}

#[test]
fn a_manifest_that_was_changed_is_damaged_even_if_it_can_be_read() {
    let scene = Scene::new();
    let (_store, names) = scene.with([10]);
    let file = scene.folder.path().join("checkpoints").join(names[0].to_string()).join("manifest.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("a log", "another log")).unwrap();
    let error = scene.checkpoints().verify(&names[0]).unwrap_err();
    assert!(error.to_string().contains("manifest.json is damaged: it does not match its checksum"), "{error}");
}

#[test]
fn pruning_keeps_the_two_newest_good_ones_and_all_of_later_owners() {
    let scene = Scene::new();
    let (store, names) = scene.with([10, 20, 30, 40]);
    let checkpoints = scene.checkpoints();
    let later = checkpoints.make(&store, &origin(9)).unwrap().name();
    let root = scene.folder.path().join("checkpoints");
    damage(&root.join(names[2].to_string()).join("CURRENT"), |bytes| bytes.clear());
    let unfinished = root.join(format!("{}.tmp", names[0]));
    fs::create_dir(&unfinished).unwrap();

    let kept: Vec<Name> = checkpoints.prune(1).unwrap().iter().map(Manifest::name).collect();
    assert_eq!(kept, [names[3], names[1]]);
    assert_eq!(checkpoints.list().unwrap(), [names[1], names[2], names[3], later]);
    assert!(!unfinished.exists());
}

#[test]
fn a_folder_that_exists_is_not_restored_into() {
    let scene = Scene::new();
    let (store, names) = scene.with([10]);
    assert!(scene.checkpoints().restore(&names[0], store.path()).is_err());
    holds(&store, 10);
}
