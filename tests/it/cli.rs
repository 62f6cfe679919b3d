//! The command line as people and scripts see it: what it prints where, and its exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::{ADMIN, KEY, SDKAPPID, Server, configured};

/// Runs `duolog` in a directory, with nothing to read.
fn duolog(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duolog"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    command.output().expect("duolog can be started")
}

fn printed(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn wrong_usage_is_2_and_names_the_mistake() {
    let home = tempfile::tempdir().unwrap();
    for wrong in
        [&["sing"][..], &["usersig"], &["usersig", "an account of far more than 32 characters"], &["send", "a"]]
    {
        let output = duolog(home.path(), wrong);
        assert_eq!((code(&output), printed(&output)), (Some(2), ""), "{wrong:?}");
        assert!(said(&output).contains("error:"), "{}", said(&output));
    }
    let help = duolog(home.path(), &["--help"]);
    assert_eq!(code(&help), Some(0));
}

#[test]
fn a_wrong_configuration_is_2_and_names_file_line_key_and_what_is_allowed() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("c.toml"), "[server]\n\nlisten = 'everywhere'\n").unwrap();
    for command in [&["serve"][..], &["config"], &["usersig", "alice"], &["send", "a", "b", "c"], &["chat", "a"]] {
        let output = duolog(home.path(), &[command, &["--config", "c.toml"]].concat());
        assert_eq!((code(&output), printed(&output)), (Some(2), ""), "{command:?}");
        let said = said(&output);
        assert!(
            said.contains("c.toml:3: server.listen: \"everywhere\" is not allowed; it takes an IP address"),
            "{said}"
        );
    }
    assert!(!home.path().join("data").exists(), "nothing is made before the configuration is known to be right");
}

#[test]
fn a_file_that_the_configuration_names_and_nobody_can_use_is_2_and_names_its_key() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name).display().to_string();
    let (none, empty, some) = (file("none.pem"), file("empty.pem"), file("some.pem"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&some, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (cert, key, expected) in [
        (&none, &some, format!("server.tls_cert: {none} cannot be read as PEM")),
        (&empty, &some, format!("server.tls_cert: {empty} holds no certificate")),
        (&some, &none, format!("server.tls_key: {none} cannot be read as PEM")),
    ] {
        configured(&home, &format!("server.tls_cert = '{cert}'\nserver.tls_key = '{key}'"));
        let output = duolog(home.path(), &["serve", "--config", "duolog.toml"]);
        let said = said(&output);
        assert_eq!((code(&output), printed(&output)), (Some(2), ""), "{said}");
        assert!(said.lines().any(|line| line.starts_with("duolog.toml:") && line.contains(&expected)), "{said}");
    }
}

#[test]
fn another_number_of_partitions_than_the_log_has_is_2_and_names_its_key() {
    let home = Server::start("log.partitions = 2").stop();
    configured(&home, "log.partitions = 3");
    let output = duolog(home.path(), &["serve", "--config", "duolog.toml"]);
    let said = said(&output);
    assert_eq!((code(&output), printed(&output)), (Some(2), ""), "{said}");
    let expected = "log.partitions: the log was made with 2 partitions";
    assert!(said.lines().any(|line| line.starts_with("duolog.toml:") && line.contains(expected)), "{said}");
}

#[test]
fn a_signature_stands_alone_on_a_line_and_lets_its_user_in() {
    let server = Server::start("");
    let output = duolog(server.dir.path(), &["usersig", ADMIN, "--config", "duolog.toml", "--expire", "60"]);
    assert_eq!(code(&output), Some(0));
    let signature = printed(&output).strip_suffix('\n').expect("a line");
    assert!(!signature.contains(char::is_whitespace));
    let query = format!("sdkappid={SDKAPPID}&identifier={ADMIN}&usersig={signature}&random=1");
    let target = format!("/v4/im_open_login_svc/account_check?{query}");
    let response = server.request("POST", &target, &[], br#"{"CheckItem":[{"UserID":"administrator"}]}"#);
    assert!(response.body.contains("\"ErrorCode\":0"), "{}", response.body);
    assert!(!printed(&output).contains(KEY));
}

#[test]
fn send_prints_the_key_of_the_message_or_why_there_is_none() {
    let server = Server::start("");
    let [alice, bob] = server.accounts();
    let url = format!("http://{}", server.addr);
    let send = |from: &str, to: &str, more: &[&str]| {
        let arguments = ["send", from, to, "it's noon", "--config", "duolog.toml", "--url", &url];
        duolog(server.dir.path(), &[&arguments, more].concat())
    };
    let output = send(&bob, &alice, &[]);
    assert_eq!(code(&output), Some(0), "{}", said(&output));
    assert_eq!(printed(&output).trim_end().split('_').count(), 3, "{}", printed(&output));

    let output = send(&bob, "nobody-of-that-name", &[]);
    assert_eq!((code(&output), printed(&output)), (Some(1), ""));
    assert!(said(&output).contains("90003"), "{}", said(&output));

    // The printed call is pasted into a shell, apostrophe and all.
    let output = send(&bob, &alice, &["--curl"]);
    let pasted = Command::new("sh").args(["-c", printed(&output)]).output().expect("a shell");
    assert!(printed(&pasted).contains("\"MsgKey\""), "{}{}", printed(&pasted), said(&pasted));
}

#[test]
fn config_shows_where_values_come_from_beside_a_running_server() {
    let server = Server::start("");
    let output = duolog(server.dir.path(), &["config", "--config", "duolog.toml"]);
    assert_eq!(code(&output), Some(0));
    let line = printed(&output).lines().find(|line| line.starts_with("sdkappid")).expect("the app's number");
    assert!(line.starts_with(&format!("sdkappid = {SDKAPPID} ")) && line.ends_with("# duolog.toml:1"), "{line}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let server = Server::start("");
    let output = duolog(server.dir.path(), &["serve", "--config", "duolog.toml"]);
    assert_eq!((code(&output), printed(&output)), (Some(1), ""));
    assert!(said(&output).contains("another process") || said(&output).contains("in use"), "{}", said(&output));
}
