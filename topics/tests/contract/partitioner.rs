//! `golden/murmur2.tsv` was printed by Kafka's own classes (kafka-clients 4.1.0); `golden/Murmur2.java` says how.

use duolog_topics::{murmur2, partition_of};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|place| u8::from_str_radix(&hex[place..place + 2], 16).unwrap()).collect()
}

#[test]
fn agrees_with_kafka() {
    let golden = include_str!("../../golden/murmur2.tsv");
    let mut lines = 0;
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let key = bytes(columns[0]);
        assert_eq!(format!("{:x}", murmur2(&key)), columns[1], "{line}");
        for (partitions, wanted) in [1, 3, 32].into_iter().zip(&columns[2..]) {
            assert_eq!(partition_of(&key, partitions).to_string(), *wanted, "{line}: of {partitions}");
        }
        lines += 1;
    }
    assert_eq!(lines, 64);
}
