//! What `compose.yaml` sets, the program knows.

use std::collections::BTreeMap;

use duolog::config::{Config, Layers};

use super::tree;

/// A mapping's plain entries that begin with `DUOLOG_`, by the name of the mapping around them: `x-environment` and the
/// services. Only as much of YAML as the file has: a level of nesting is a deeper indentation, text may stand in quotes.
fn variables(text: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        let Some((name, value)) = content.split_once(':').filter(|_| !content.starts_with('#')) else { continue };
        let depth = line.len() - content.len();
        path.retain(|(outer, _)| *outer < depth);
        if name.starts_with("DUOLOG_") {
            let around = path.iter().map(|(_, name)| name.as_str()).find(|name| *name != "services");
            let value = value.trim().trim_matches('"').to_owned();
            found.entry(around.unwrap_or_default().to_owned()).or_default().push((name.to_owned(), value));
        }
        path.push((depth, name.to_owned()));
    }
    found
}

/// Each node starts with these variables: an unknown key or a value that is not allowed would stop it.
#[test]
fn the_nodes_of_compose_yaml_have_a_configuration_that_is_good() {
    let file = tree().into_iter().find(|file| file.path == "compose.yaml").expect("it is there");
    let mut variables = variables(&file.text);
    let common = variables.remove("x-environment").expect("what nodes have in common");
    assert_eq!(variables.keys().collect::<Vec<_>>(), ["node-1", "node-2"]);
    let mut names = Vec::new();
    for (node, own) in variables {
        let environment: Vec<_> = common.iter().chain(&own).cloned().collect();
        let layers = Layers { environment, ..Layers::default() };
        let config = Config::load(&layers).unwrap_or_else(|error| panic!("{node}: {error}"));
        assert_eq!(config.kafka.brokers, "kafka:9092");
        assert!(!config.keeps_checkpoints_to_itself(), "another node starts from its checkpoints");
        assert_eq!(config.cluster.advertise, format!("{node}:{}", config.cluster.listen.port()));
        names.push(config.cluster.node);
    }
    assert_eq!(names, ["node-1", "node-2"], "no two are the same node");
}

#[test]
fn variables_are_found_where_they_stand() {
    let text = "x-environment: &e\n  DUOLOG_A: one\nservices:\n  n:\n    environment:\n      <<: *e\n      DUOLOG_B: \"2:3\"\n    x: y\n";
    let found = variables(text);
    assert_eq!(found["x-environment"], [("DUOLOG_A".to_owned(), "one".to_owned())]);
    assert_eq!(found["n"], [("DUOLOG_B".to_owned(), "2:3".to_owned())]);
}
