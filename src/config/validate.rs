//! What holds between keys: each value is checked where it is read, the pairs here.

use std::collections::BTreeSet;

use super::callback::{BEFORE_SEND, CALLBACK_COMMANDS};
use super::settings::Reader;
use super::value::Secret;
use super::{Config, DEFAULT_ENDPOINT, Endpoint};

/// Notes every rule between keys that the configuration breaks.
pub fn check(config: &Config, reader: &mut Reader<'_>) {
    tls_has_both_or_none(config, reader);
    somebody_is_admin(config, reader);
    secrets_have_one_source(config, reader);
    checkpoints_are_reached(config, reader);
    push_is_whole(config, reader);
    for (number, endpoint) in config.endpoints.iter().enumerate() {
        endpoint_is_whole(&format!("{}.{number}", Endpoint::SECTION.name), endpoint, reader);
    }
    endpoints_differ(config, reader);
    callbacks_exist(config, reader);
}

fn tls_has_both_or_none(config: &Config, reader: &mut Reader<'_>) {
    let server = &config.server;
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), None) => reader.refuse("server.tls_cert", "TLS needs server.tls_key beside it"),
        (None, Some(_)) => reader.refuse("server.tls_key", "TLS needs server.tls_cert beside it"),
        _ => {}
    }
}

fn somebody_is_admin(config: &Config, reader: &mut Reader<'_>) {
    if config.app.admins.is_empty() {
        reader.refuse("app.admins", "the list is empty; the server API needs at least one admin account");
    }
}

fn secrets_have_one_source(config: &Config, reader: &mut Reader<'_>) {
    one_source("callback", &config.callback.secret, config.callback.secret_file.is_some(), reader);
    one_source("cluster", &config.cluster.secret, config.cluster.secret_file.is_some(), reader);
}

fn one_source(at: &str, secret: &Secret, file: bool, reader: &mut Reader<'_>) {
    if file && !secret.is_empty() {
        reader.refuse(&format!("{at}.secret_file"), format!("{at}.secret is set too; set one of them"));
    }
}

/// Push to Apple needs the whole of its credentials: with a part of them every push would fail, later and elsewhere.
fn push_is_whole(config: &Config, reader: &mut Reader<'_>) {
    let apns = &config.apns;
    let texts = [("key_id", &apns.key_id), ("team_id", &apns.team_id), ("topic", &apns.topic)];
    for (name, text) in texts {
        let path = format!("push.apns.{name}");
        match (&apns.key_file, text.is_empty()) {
            (Some(_), true) => reader.refuse(&path, "missing; push.apns.key_file is set and needs it"),
            (None, false) => reader.refuse(&path, "set without push.apns.key_file, which turns the push on"),
            _ => {}
        }
    }
}

/// What is needed to speak to the store of the checkpoints.
fn checkpoints_are_reached(config: &Config, reader: &mut Reader<'_>) {
    let checkpoint = &config.checkpoint;
    if let Some(endpoint) = &checkpoint.endpoint
        && endpoint.as_str().starts_with("http://")
        && !checkpoint.allow_http
    {
        reader.refuse("checkpoint.endpoint", "it is spoken to without TLS; checkpoint.allow_http = true allows that");
    }
    let keys = usize::from(!checkpoint.secret_access_key.is_empty())
        + usize::from(checkpoint.secret_access_key_file.is_some());
    match (checkpoint.access_key_id.is_empty(), keys) {
        (true, 0) | (false, 1) => {}
        (true, _) => reader.refuse("checkpoint.access_key_id", "missing; the access key needs its id"),
        (false, _) => {
            reader.refuse("checkpoint.access_key_id", "set one of secret_access_key and secret_access_key_file");
        }
    }
}

fn endpoint_is_whole(at: &str, endpoint: &Endpoint, reader: &mut Reader<'_>) {
    if endpoint.url.is_none() {
        reader.refuse(&format!("{at}.url"), "missing; an endpoint needs an address");
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if endpoint.name.is_empty() || endpoint.name.len() > 32 || !endpoint.name.chars().all(plain) {
        reader.refuse(&format!("{at}.name"), "needs 1 to 32 of a-z, 0-9 and -");
    }
    one_source(at, &endpoint.secret, endpoint.secret_file.is_some(), reader);
}

fn endpoints_differ(config: &Config, reader: &mut Reader<'_>) {
    let mut seen = BTreeSet::from([DEFAULT_ENDPOINT]);
    for (number, endpoint) in config.endpoints.iter().enumerate() {
        if !seen.insert(&endpoint.name) {
            let key = format!("{}.{number}.name", Endpoint::SECTION.name);
            reader.refuse(&key, format!("{:?} is taken; each endpoint needs its own name", endpoint.name));
        }
    }
}

/// A misspelt callback would never come, and two hooks could not both decide.
fn callbacks_exist(config: &Config, reader: &mut Reader<'_>) {
    let mut asked = None;
    let default = ("callback".to_owned(), &config.callback.commands);
    let default = config.callback.url.iter().map(|_| default.clone());
    let endpoints = config.endpoints.iter().enumerate();
    let endpoints = endpoints.map(|(number, one)| (format!("{}.{number}", Endpoint::SECTION.name), &one.commands));
    for (at, commands) in default.chain(endpoints) {
        let key = format!("{at}.commands");
        for command in commands {
            if !CALLBACK_COMMANDS.contains(&command.as_str()) {
                let known = CALLBACK_COMMANDS.join(", ");
                reader.refuse(&key, format!("there is no callback {command:?}; there are {known}"));
            }
        }
        if commands.iter().any(|command| command == BEFORE_SEND)
            && let Some(other) = asked.replace(key.clone())
        {
            reader.refuse(&key, format!("{BEFORE_SEND} is in {other} already; one endpoint decides"));
        }
    }
}
