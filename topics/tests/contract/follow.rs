//! `examples/follow.rs` over a line of `duolog-replay tail`.

#[path = "../../examples/follow.rs"]
#[allow(dead_code, reason = "its main is for cargo run")]
mod example;

const LINES: &str = concat!(
    r#"{"partition":0,"offset":7,"time":"2023-11-14T22:13:20.123Z","kind":"tick","id":"x","account":"@duolog","event":{},"epoch":1}"#,
    "\n",
    r#"{"partition":0,"offset":8,"time":"2023-11-14T22:13:20.123Z","kind":"message.sent","id":"y","account":"alice","#,
    r#""event":{"receivers":["bob","carol"],"content":{"body":"[{\"MsgType\":\"TIMTextElem\"}]","msg_seq":1,"random":2,"#,
    r#""origin":"client"},"seq_given":true,"request_hash":3,"of_a_later_version":true},"epoch":1}"#,
    "\n",
);

#[test]
fn the_rust_example_follows_a_log() {
    let mut out = Vec::new();
    example::follow(LINES.as_bytes(), &mut out).unwrap();
    let said = String::from_utf8(out).unwrap();
    assert_eq!(said, "2023-11-14T22:13:20.123Z alice -> bob, carol: 1 element(s)\n");
}
