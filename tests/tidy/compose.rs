//! What `compose.yaml` sets, the program knows.

use std::collections::BTreeMap;

use duolog::config::{Config, Layers, Provider};

use super::tree;

/// Entries whose names begin with `DUOLOG_`, by the service that has them. Only as much of YAML as the file has: a level of
/// nesting is a deeper indentation, text may stand in quotes.
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

/// The node starts with these variables: an unknown key or a value that is not allowed would stop it.
#[test]
fn the_node_of_compose_yaml_has_a_configuration_that_is_good() {
    let file = tree().into_iter().find(|file| file.path == "compose.yaml").expect("it is there");
    let variables = variables(&file.text);
    assert_eq!(variables.keys().collect::<Vec<_>>(), ["node-1"]);
    for (node, environment) in variables {
        let layers = Layers { environment, ..Layers::default() };
        let config = Config::load(&layers).unwrap_or_else(|error| panic!("{node}: {error}"));
        assert_eq!((config.log.provider, config.kafka.brokers.as_str()), (Provider::Kafka, "kafka:9092"));
    }
}

#[test]
fn variables_are_found_where_they_stand() {
    let text = "services:\n  a:\n    environment:\n      OTHER: 1\n      DUOLOG_A: one\n  b:\n    environment:\n      DUOLOG_B: \"2:3\"\n";
    let found = variables(text);
    assert_eq!(found["a"], [("DUOLOG_A".to_owned(), "one".to_owned())]);
    assert_eq!(found["b"], [("DUOLOG_B".to_owned(), "2:3".to_owned())]);
}
