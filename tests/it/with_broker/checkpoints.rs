//! A node without state, on a topic without its beginning.

use duolog::config::{Config, Layers};
use duolog::open_log::{data_dir, open_log};
use duolog_test_broker::{Brokers, ObjectStore};

use super::on;
use crate::faults::rebuild::fill;
use crate::harness::Server;
use crate::with_store::{lines, run};

#[test]
fn a_server_comes_back_from_the_object_store_on_a_trimmed_topic() {
    let (brokers, store) = (Brokers::shared(), ObjectStore::start());
    let settings = format!("{}{}", on(brokers, 2), store.settings("it", store.port()));
    let server = Server::start(&settings);
    let scene = fill(&server);
    let before = scene.reads(&server);
    let dir = server.stop();
    let made = lines(&run("make", &dir));
    assert_eq!(made.len(), 2, "{made:?}");

    let layers = Layers { file: Some(dir.path().join("duolog.toml")), ..Layers::default() };
    let config = Config::load(&layers).expect("the harness wrote it");
    let data = data_dir(&config).expect("no file is named");
    let log = open_log(&config, &data).expect("the topic is there");
    for (partition, line) in (0..).zip(&made) {
        let offset = line["offset"].as_u64().expect("an offset");
        log.trim(partition, offset - 1).expect("it is trimmed");
        assert_eq!(log.bounds(partition).expect("it is there").first, offset - 1);
    }
    drop(log);
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let server = Server::start_in(dir, &settings);
    assert_eq!(scene.reads(&server), before);
    scene.retry_gets_the_first_answer(&server);
    server.stop();
}
