use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

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

    /// As a process sees them that has just started.
    fn checkpoints(&self) -> Checkpoints {
        CheckpointStore::open(Place::Folder(self.folder.path().join("checkpoints"))).unwrap().of(0)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("checkpoints/0")
    }

    fn manifest(&self, name: &Name) -> PathBuf {
        self.root().join(format!("{name}.json"))
    }

    /// The objects of a checkpoint's files, its manifest first.
    fn objects(&self, name: &Name) -> Vec<PathBuf> {
        let files = self.checkpoints().manifest(name).unwrap().files;
        let files = files.iter().map(|entry| self.root().join("files").join(entry.object.to_string()));
        std::iter::once(self.manifest(name)).chain(files).collect()
    }

    fn stored(&self) -> Vec<String> {
        files::names(&self.root().join("files")).unwrap()
    }

    /// A store, and checkpoints of it at these offsets, all of the first epoch.
    fn with(&self, offsets: impl IntoIterator<Item = u64>) -> (Store, Vec<Name>) {
        let store = self.open("state");
        let names = offsets.into_iter().map(|next| {
            commit(&store, next);
            make(&self.checkpoints(), &store, 1)
        });
        let names = names.collect();
        (store, names)
    }
}

fn make(checkpoints: &Checkpoints, store: &Store, epoch: u64) -> Name {
    checkpoints.make(store, &origin(epoch), &mut |_, _| {}).unwrap().name()
}

fn any(_: &Manifest) -> bool {
    true
}

const ALL: &Fits<'_, CheckpointError> = &|_| Ok(true);

fn origin(epoch: u64) -> Origin {
    Origin { log_id: "a log".into(), generation: 0, partition: 0, epoch }
}

fn at(next: u64) -> Applied {
    Applied { next, checksum: next * 31 }
}

fn commit(store: &Store, next: u64) {
    let rows = (0..50_u64).map(|row| (Bytes::from(vec![1, row as u8]), Some(Bytes::from((row * next).to_string()))));
    store.writer().commit(&mut rows.collect(), at(next)).unwrap();
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
    let mut passed = Vec::new();
    let into = scene.folder.path().join("restored");
    let manifest = scene.checkpoints().restore(&names[0], &into, &mut |done, all| passed.push((done, all))).unwrap();
    assert_eq!((manifest.applied(), &manifest.origin), (at(10), &origin(1)));
    assert_eq!(passed.last(), Some(&(manifest.bytes(), manifest.bytes())));
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
    let manifest = scene.manifest(&names[0]);
    let made = fs::metadata(&manifest).unwrap().modified().unwrap();
    assert_eq!(make(&scene.checkpoints(), &store, 1), names[0]);
    assert_eq!(fs::metadata(&manifest).unwrap().modified().unwrap(), made);
    damage(&manifest, |bytes| bytes.truncate(20));
    make(&scene.checkpoints(), &store, 1);
    scene.checkpoints().verify(&names[0]).expect("a damaged one is made again");
}

#[test]
fn a_file_that_is_there_is_named_again_and_one_that_was_damaged_is_copied_again() {
    let scene = Scene::new();
    let (store, names) = scene.with([10]);
    let tables = |name: &Name| -> Vec<FileEntry> {
        let files = scene.checkpoints().manifest(name).unwrap().files;
        files.into_iter().filter(|entry| entry.name.ends_with(".sst")).collect()
    };
    let before = tables(&names[0]);
    let (first_files, table) = (scene.stored().len(), before[0].object);
    commit(&store, 20);
    let second = make(&scene.checkpoints(), &store, 2);
    assert!(tables(&second).contains(&before[0]), "of an earlier epoch, too");
    let copied = scene.stored().len() - first_files;
    assert!(copied < first_files, "{copied} of {first_files} files were copied");

    damage(&scene.root().join("files").join(table.to_string()), |bytes| bytes[9] ^= 1);
    commit(&store, 30);
    let third = make(&scene.checkpoints(), &store, 2);
    scene.checkpoints().verify(&third).unwrap();
    assert!(scene.checkpoints().verify(&second).is_err());
}

#[test]
fn an_empty_store_has_no_checkpoint() {
    let scene = Scene::new();
    let refused = scene.checkpoints().make(&scene.open("state"), &origin(1), &mut |_, _| {});
    assert!(matches!(refused, Err(CheckpointError::Empty)));
    assert_eq!(scene.checkpoints().list().unwrap(), []);
    assert!(scene.checkpoints().newest_good(any).unwrap().found.is_none());
    assert!(!scene.root().exists(), "who only reads makes no folder");
}

#[test]
fn any_damage_is_found_and_told_by_file_and_an_older_one_is_taken() {
    let scene = Scene::new();
    let (_store, names) = scene.with([10, 20]);
    let older = scene.objects(&names[0]);
    let files: Vec<PathBuf> = scene.objects(&names[1]).into_iter().filter(|file| !older.contains(file)).collect();
    assert!(files.len() > 2);
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
            let newest = scene.checkpoints().newest_good(any).unwrap();
            assert_eq!(newest.found.unwrap().name(), names[0], "{}", file.display());
            let [(name, error)] = &newest.passed_over[..] else { panic!("{:?}", newest.passed_over) };
            assert_eq!(*name, names[1]);
            assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
            let into = scene.folder.path().join("restored");
            assert!(scene.checkpoints().restore(&names[1], &into, &mut |_, _| {}).is_err());
            assert!(!into.exists());
            fs::write(&file, &good).unwrap();
        }
        fs::remove_file(&file).unwrap();
        let newest = scene.checkpoints().newest_good(any).unwrap();
        assert_ne!(newest.found.unwrap().name(), names[1]);
        fs::write(&file, &good).unwrap();
    }
    assert_eq!(scene.checkpoints().newest_good(any).unwrap().found.unwrap().name(), names[1]);
}

#[test]
fn a_manifest_that_was_changed_is_damaged_even_if_it_can_be_read() {
    let scene = Scene::new();
    let (_store, names) = scene.with([10]);
    let file = scene.manifest(&names[0]);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("a log", "another log")).unwrap();
    let error = scene.checkpoints().verify(&names[0]).unwrap_err();
    assert!(error.is_damage() && error.to_string().contains("it does not match its checksum"), "{error}");
}

#[test]
fn pruning_keeps_the_two_newest_good_ones_and_their_files() {
    let scene = Scene::new();
    let (_store, names) = scene.with([10, 20, 30, 40]);
    let checkpoints = scene.checkpoints();
    damage(&scene.manifest(&names[2]), |bytes| bytes.clear());
    let orphan = scene.root().join("files").join(Name { epoch: 1, next: 50, checksum: 7 }.to_string());
    fs::write(&orphan, "of an upload that a crash interrupted").unwrap();
    let later = scene.root().join("files").join(Name { epoch: 2, next: 50, checksum: 7 }.to_string());
    fs::write(&later, "of an upload that a later owner makes now").unwrap();

    checkpoints.prune(&origin(1), ALL).unwrap();
    assert_eq!(checkpoints.list().unwrap(), [names[1], names[2], names[3]]);
    let kept: Vec<Name> = scene.checkpoints().good(&origin(1), ALL).unwrap().iter().map(Manifest::name).collect();
    assert_eq!(kept, [names[3], names[1]], "their files are whole");
    assert!(!orphan.exists() && later.exists());
    let of_both = [scene.objects(&names[1]), scene.objects(&names[3])].concat();
    let unnamed = |file: &&String| !of_both.contains(&scene.root().join("files").join(file));
    let left: Vec<String> = scene.stored().iter().filter(unnamed).cloned().collect();
    assert_eq!(left, [later.file_name().unwrap().to_str().unwrap()]);
}

#[test]
fn who_was_followed_by_another_owner_removes_nothing() {
    let scene = Scene::new();
    let (store, names) = scene.with([10, 20, 30]);
    let later = make(&scene.checkpoints(), &store, 9);
    let (stored, listed) = (scene.stored(), scene.checkpoints().list().unwrap());
    scene.checkpoints().prune(&origin(1), ALL).unwrap();
    assert_eq!((scene.stored(), scene.checkpoints().list().unwrap()), (stored, listed));
    scene.checkpoints().prune(&origin(9), ALL).unwrap();
    assert_eq!(scene.checkpoints().list().unwrap(), [names[2], later]);
}

/// A log was put back from a backup: it does not go on from the newer ones, whoever made them.
#[test]
fn those_that_the_log_does_not_go_on_from_do_not_count() {
    let scene = Scene::new();
    let (store, names) = scene.with([10, 20, 30]);
    let ahead = [40, 50].map(|next| {
        commit(&store, next);
        make(&scene.checkpoints(), &store, 9)
    });
    let fits: &Fits<'_, CheckpointError> = &|made| Ok(made.applied().next <= 30);
    let good = scene.checkpoints().good(&origin(1), fits).unwrap();
    assert_eq!(good.iter().map(Manifest::name).collect::<Vec<_>>(), [names[2], names[1]]);
    scene.checkpoints().prune(&origin(1), fits).unwrap();
    assert_eq!(
        scene.checkpoints().list().unwrap(),
        [names[1], names[2], ahead[0], ahead[1]],
        "they may be wanted again"
    );
    assert!(scene.checkpoints().verify(&ahead[1]).is_ok());
}

#[test]
fn those_of_another_log_do_not_count() {
    let scene = Scene::new();
    let (store, _) = scene.with([10]);
    let moved = Origin { generation: 1, ..origin(2) };
    scene.checkpoints().make(&store, &moved, &mut |_, _| {}).unwrap();
    let generations = |of: &Origin| -> Vec<u32> {
        scene.checkpoints().good(of, ALL).unwrap().iter().map(|manifest| manifest.origin.generation).collect()
    };
    assert_eq!((generations(&moved), generations(&origin(2))), (vec![1], vec![0]));
}

#[test]
fn a_process_that_stops_waits_for_no_checkpoint() {
    let scene = Scene::new();
    let (store, _) = scene.with([10]);
    let place = CheckpointStore::open(Place::Folder(scene.folder.path().join("checkpoints"))).unwrap();
    let checkpoints = place.of(0);
    place.stop();
    commit(&store, 20);
    assert!(matches!(checkpoints.make(&store, &origin(1), &mut |_, _| {}), Err(CheckpointError::Stopped)));
}

#[test]
fn a_folder_that_exists_is_not_restored_into() {
    let scene = Scene::new();
    let (store, names) = scene.with([10]);
    assert!(scene.checkpoints().restore(&names[0], store.path(), &mut |_, _| {}).is_err());
    holds(&store, 10);
}
