use duolog_test_broker::Brokers;
use serde_json::json;

use super::{NODES, PARTITIONS, Shared, history};
use crate::harness::{body, random};
use crate::ws::client::Client;

/// Every node serves every account: sends, inboxes that are online, histories, states, kicks.
#[test]
fn it_is_the_same_whichever_node_is_asked() {
    let shared = Shared::on(Brokers::shared(), PARTITIONS, "policy.login = 'multi'");
    let nodes = shared.nodes(NODES);
    let names: [String; 12] = nodes[0].accounts();
    // Somebody is online at each node, wherever his home is.
    let mut online: Vec<Client> =
        names.iter().zip(0..).map(|(name, at): (_, usize)| Client::online(&nodes[at % NODES], name, "phone")).collect();
    for (at, from) in names.iter().enumerate() {
        let to = (at + 1) % names.len();
        let text = format!("from {from}");
        nodes[(at + 1) % NODES].send(from, &names[to], &text);
        // Behind what he has sent and got before.
        while online[to].entry()["body"][0]["MsgContent"]["Text"] != *text {}
        // Over the client protocol as well, and the sender's other entries are out of the way.
        let said = online[to].say(from, "and back");
        assert!(said["seq"].is_u64(), "{said}");
    }
    for (at, name) in names.iter().enumerate() {
        let from = &names[(at + names.len() - 1) % names.len()];
        for node in &nodes {
            assert_eq!(history(node, name, from), [format!("from {from}")], "{name}");
        }
    }
    let states = json!({"To_Account": names});
    for node in &nodes {
        let reply = node.ok("openim/query_online_status", &states);
        let list = reply["QueryResult"].as_array().expect("a list");
        assert!(list.iter().all(|state| state["Status"] == "Online"), "{reply}");
    }
    let batch =
        json!({"From_Account": names[0], "To_Account": names[1..], "MsgRandom": random(), "MsgBody": body("all")});
    nodes[2].ok("openim/batchsendmsg", &batch);
    nodes[1].ok("im_open_login_svc/kick", &json!({"UserID": names[11]}));
    assert_eq!(online[11].closed().0, 4001);
}
