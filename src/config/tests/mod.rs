mod reference;

use std::path::{Path, PathBuf};

use duolog_topics::LoginPolicy;

use super::*;

/// Reads a configuration from a file's text and variables.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut settings = Settings::default();
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    settings.lay_below(environment::read(variables)?);
    settings.lay_below(file::parse(Path::new("duolog.toml"), text)?);
    Config::from_settings(settings)
}

/// The one problem of a configuration, as a person reads it.
fn problem(text: &str) -> String {
    load(text, &[]).unwrap_err().to_string()
}

#[test]
fn every_default_of_the_catalogue_can_be_read() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.limits.body_bytes, 8192);
    let endpoint = load("[[callback.endpoints]]\nname = 'crm'\nurl = 'http://crm'", &[]).unwrap().endpoints.remove(0);
    assert_eq!(endpoint.commands, ["C2C.CallbackAfterSendMsg"]);
}

#[test]
fn the_example_of_the_design_is_read_as_it_stands() {
    let config = load(include_str!("example.toml"), &[]).unwrap();
    assert_eq!(config.app.sdkappid, Some(1_400_000_000));
    assert_eq!(config.policy_changed().web_instances, 1);
}

#[test]
fn the_later_layer_wins_and_its_place_is_kept() {
    let layers = Layers {
        environment: vec![("DUOLOG_SERVER__LISTEN".into(), "127.0.0.1:1".into()), ("HOME".into(), "x".into())],
        flags: vec![("--listen", "server.listen", "127.0.0.1:2".into())],
        ..Layers::default()
    };
    let config = Config::load(&layers).unwrap();
    assert_eq!(config.server.listen.port(), 2);
    assert!(config.print().contains("# --listen\n"));
    let config = load("[server]\nlisten = '127.0.0.1:3'", &[("DUOLOG_SERVER__LISTEN", "127.0.0.1:1")]).unwrap();
    assert_eq!(config.server.listen.port(), 1);
    assert!(config.print().contains("# DUOLOG_SERVER__LISTEN\n"));
}

#[test]
fn what_is_not_set_follows_the_data_directory() {
    let config = load("[data]\ndir = '/srv/x'\n[records]\ndir = 'elsewhere'", &[]).unwrap();
    assert_eq!(config.app.key_file, Path::new("/srv/x/app.key"));
    assert_eq!(config.checkpoint.url, StoreUrl::Folder(PathBuf::from("/srv/x/checkpoints")));
    assert_eq!(config.records.dir, Path::new("elsewhere"));
}

#[test]
fn a_distance_from_utc_has_a_sign_hours_and_minutes() {
    let minutes =
        |text: &str| load(&format!("records.utc_offset = '{text}'"), &[]).map(|it| it.records.utc_offset.minutes());
    for (text, expected) in [("+00:00", 0), ("+08:00", 480), ("-03:30", -210), ("+14:00", 840), ("-12:00", -720)] {
        assert_eq!(minutes(text).unwrap(), expected, "{text}");
    }
    for text in ["", "8", "+8", "08:00", "+8:00", "+08:60", "+14:01", "-12:01", "+-8:00", "+08:00:00", "UTC"] {
        let problem = minutes(text).unwrap_err().to_string();
        assert!(problem.contains("from -12:00 to +14:00"), "{text}: {problem}");
    }
}

#[test]
fn the_environment_knows_lists_numbers_and_tables() {
    let variables = [
        ("DUOLOG_APP__ADMINS", "root, boss"),
        ("DUOLOG_SERVER__RATE_LIMIT", "0"),
        ("DUOLOG_POLICY__FRIEND_CHECK", "true"),
        ("DUOLOG_POLICY__LOGIN", "multi"),
        ("DUOLOG_POLICY__INSTANCES__WEB", "3"),
        ("DUOLOG_LOG__KAFKA__PROPERTIES", "{ 'security.protocol' = 'ssl', 'linger.ms' = 2 }"),
    ];
    let config = load("", &variables).unwrap();
    assert_eq!(config.app.admins.iter().map(|admin| admin.as_str()).collect::<Vec<_>>(), ["root", "boss"]);
    assert_eq!(config.server.rate_limit, 0);
    assert!(config.policy.friend_check);
    assert_eq!((config.policy.login, config.instances.web), (LoginPolicy::Multi, 3));
    assert_eq!(config.kafka.properties["linger.ms"], "2");
}

#[test]
fn an_error_names_file_line_key_and_what_is_allowed() {
    assert_eq!(
        problem("[server]\n\nrate_limit = -1"),
        "duolog.toml:3: server.rate_limit: -1 is not allowed; it takes a whole number from 0 to 1000000"
    );
    assert_eq!(
        problem("[policy]\nlogin = 'twice'"),
        "duolog.toml:2: policy.login: \"twice\" is not allowed; it takes \"single\", \"dual\", \"triple\" or \"multi\""
    );
    assert_eq!(
        problem("[log]\npartition = 1"),
        "duolog.toml:2: log.partition: unknown key; known in [log]: provider, partitions, retention_days, hold_days, kafka"
    );
    assert!(problem("[serve]").starts_with("duolog.toml:1: serve: unknown section; known: app, server, "));
    assert!(problem("x = ").starts_with("duolog.toml:1: not TOML: "));
    assert!(problem("\n\n[app]\nadmins = []").starts_with("duolog.toml:4: app.admins: "));
    let unknown = load("", &[("DUOLOG_DATA__DIRR", "x")]).unwrap_err().to_string();
    assert_eq!(unknown, "DUOLOG_DATA__DIRR: unknown key; known: DUOLOG_DATA__DIR");
}

/// An empty variable is how a shell passes on what nobody has set.
#[test]
fn an_empty_text_is_no_number() {
    let refused = "app.sdkappid: \"\" is not allowed; it takes a whole number from 0 to 4294967295";
    assert_eq!(problem("app.sdkappid = ''"), format!("duolog.toml:1: {refused}"));
    let variable = load("", &[("DUOLOG_APP__SDKAPPID", "")]).unwrap_err().to_string();
    assert_eq!(variable, format!("DUOLOG_APP__SDKAPPID: {refused}"));
    assert_eq!(load("app.sdkappid = 0\ncallback.url = ''", &[]).unwrap().app.sdkappid, None);
    assert!(problem("callback.url = 0").contains("0 is not allowed; it takes an http:// or https:// address"));
}

#[test]
fn a_variable_with_one_underscore_in_place_of_two_is_an_error_and_others_are_not_ours() {
    let slip = |name: &str| load("", &[(name, "x")]).unwrap_err().to_string();
    assert_eq!(
        slip("DUOLOG_SERVER_LISTEN"),
        "DUOLOG_SERVER_LISTEN: section and key are joined by two underscores; write DUOLOG_SERVER__LISTEN"
    );
    assert!(slip("DUOLOG_LOG_KAFKA_TOPIC_PREFIX").ends_with("write DUOLOG_LOG__KAFKA__TOPIC_PREFIX"));
    for other in ["DUOLOG_CACHE", "DUOLOG_TEST_PYTHON", "DUOLOG_BENCH_DIR", "DUOLOG_SERVER_PORT"] {
        load("", &[(other, "x")]).unwrap();
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let error = load("[server]\nlisten = 'x'\nrate_limit = true\n[data]\ndir = 'd'", &[]).unwrap_err();
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[test]
fn rules_between_keys_are_kept() {
    assert!(problem("[server]\ntls_cert = 'x'").contains("TLS needs server.tls_key beside it"));
    assert!(problem("[push.apns]\nkey_file = 'k'\nkey_id = 'i'\nteam_id = 't'").contains("push.apns.topic: missing"));
    assert!(problem("[callback]\nsecret = 'a'\nsecret_file = 'b'").contains("set one of them"));
    assert!(
        problem("[[callback.endpoints]]\nname = 'crm'").starts_with("duolog.toml:2: callback.endpoints.0.url: missing")
    );
    let twice = "[[callback.endpoints]]\nname = 'default'\nurl = 'http://x'";
    assert!(problem(twice).contains("\"default\" is taken"));
    assert!(problem("[callback.endpoints]\nname = 'x'").contains("write it as [[callback.endpoints]]"));
    assert!(problem("server = 3").contains("write it as [server]"));
}

#[test]
fn secrets_are_never_shown() {
    let text = "[callback]\nurl = 'http://x'\nsecret = 'hush'\n[log.kafka]\nproperties = { 'sasl.password' = 'hush' }";
    let config = load(text, &[]).unwrap();
    assert!(!config.print().contains("hush"), "{}", config.print());
    assert!(!format!("{:?}", config.callback).contains("hush"));
    assert!(!problem("[callback]\nsecret = ['hush']").contains("hush"));
    // Without quotation marks around its name a property is a table.
    assert!(!problem("[log.kafka.properties]\nsasl.password = 'hush'").contains("hush"));
}

#[test]
fn what_lets_somebody_in_at_an_address_is_not_shown() {
    let text = "[callback]\nurl = 'https://me:hush@crm.example/in?token=hush'\n\
                [[callback.endpoints]]\nname = 'log'\nurl = 'http://log.example/in/'";
    let printed = load(text, &[]).unwrap().print();
    assert!(!printed.contains("hush") && printed.contains("https://***@crm.example/in?***"), "{printed}");
    assert!(printed.contains("\"http://log.example/in/\""), "what hides nothing is shown as it is: {printed}");
    assert!(!problem("callback.url = 'ftp://me:hush@crm.example'").contains("hush"));
    for name in ["ssl.key.password", "sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.config"] {
        let config = load(&format!("log.kafka.properties = {{ '{name}' = 'hush' }}"), &[]).unwrap();
        assert!(!config.print().contains("hush"), "{name}");
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let text = "[policy]\nlogin = 'multi'\n[[callback.endpoints]]\nname = 'crm'\nurl = 'http://crm/'";
    let first = load(text, &[]).unwrap();
    let again = load(&first.print(), &[]).unwrap();
    assert_eq!(again.policy, first.policy);
    assert_eq!(again.endpoints, first.endpoints);
    assert_eq!(again.endpoints[0].url.as_ref().unwrap().as_str(), "http://crm");
}

#[test]
fn the_example_of_the_design_is_taken() {
    load(include_str!("example.toml"), &[]).unwrap();
}

#[test]
fn the_key_of_the_checkpoints_has_an_id_and_one_source() {
    assert_eq!(load("", &[]).unwrap().checkpoint_access_key(), Ok(None));
    let both = "[checkpoint]\naccess_key_id = 'me'\nsecret_access_key = 'hush'";
    let config = load(both, &[]).unwrap();
    assert_eq!(config.checkpoint_access_key(), Ok(Some(("me".to_owned(), Secret::new("hush")))));
    assert!(!config.print().contains("hush"));
    assert!(problem("[checkpoint]\naccess_key_id = 'me'").contains("set one of secret_access_key and"));
    assert!(problem("[checkpoint]\nsecret_access_key = 'hush'").contains("checkpoint.access_key_id: missing"));
    assert!(problem(&format!("{both}\nsecret_access_key_file = 'f'")).contains("set one of"));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let text = format!("[checkpoint]\naccess_key_id = 'me'\nsecret_access_key_file = '{}'", file.display());
    let config = load(&text, &[]).unwrap();
    assert!(config.checkpoint_access_key().unwrap_err().to_string().contains("cannot be read"));
    std::fs::write(&file, "hush\n").unwrap();
    assert_eq!(config.checkpoint_access_key(), Ok(Some(("me".to_owned(), Secret::new("hush")))));
}

#[test]
fn every_secret_is_its_file_without_white_space_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let path = file.display();
    let text = format!(
        "callback = {{ url = 'http://x', secret_file = '{path}' }}\ncluster.secret_file = '{path}'\n\
         checkpoint = {{ access_key_id = 'me', secret_access_key_file = '{path}' }}"
    );
    let config = load(&text, &[]).unwrap();
    let read = || {
        [
            config.callback_targets().map(|mut targets| targets.remove(0).secret),
            config.cluster_secret().map(Option::unwrap_or_default),
            config.checkpoint_access_key().map(|key| key.unwrap().1),
        ]
    };
    std::fs::write(&file, " hush \n").unwrap();
    read().into_iter().for_each(|secret| assert_eq!(secret, Ok(Secret::new(" hush"))));
    std::fs::write(&file, "\n").unwrap();
    for (secret, key) in read().into_iter().zip(["callback.secret", "cluster.secret", "checkpoint.secret_access_key"]) {
        let problem = secret.unwrap_err().to_string();
        assert!(problem.contains(&format!("{key}_file: {path} is empty")), "{problem}");
    }
}

#[test]
fn checkpoints_go_out_without_tls_only_if_that_is_wanted() {
    let plain = "[checkpoint]\nurl = 's3://bucket/prefix'\nendpoint = 'http://127.0.0.1:9000'";
    assert!(problem(plain).starts_with("duolog.toml:3: checkpoint.endpoint: "));
    load(&format!("{plain}\nallow_http = true"), &[]).unwrap();
}

#[test]
fn the_first_start_makes_number_and_key_once() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data").display().to_string();
    let layers = Layers { flags: vec![("--data", "data.dir", dir)], ..Layers::default() };
    let config = Config::load(&layers).unwrap();
    assert!(config.app_identity().is_err());
    assert_eq!(config.first_start().unwrap().len(), 2);

    let config = Config::load(&layers).unwrap();
    let identity = config.app_identity().unwrap();
    assert!((1_400_000_000..1_500_000_000).contains(&identity.sdkappid));
    assert_eq!(identity.key.len(), 64);
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&config.app.key_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(config.first_start().unwrap(), Vec::<PathBuf>::new());

    // A key that is gone is not made again: that would end every signature in silence.
    std::fs::remove_file(&config.app.key_file).unwrap();
    let error = config.first_start().unwrap_err().to_string();
    assert!(error.contains("app.key is gone; put it back"), "{error}");
}

/// Whoever configures the number has no `app.toml`: the log tells of the earlier start, or the state of one that is on Kafka.
#[test]
fn a_key_that_is_gone_is_not_made_anew_where_a_server_has_been() {
    for left in ["log", "state"] {
        let home = tempfile::tempdir().unwrap();
        let (data, volume) = (home.path().join("data"), home.path().join("volume"));
        let key = volume.join("app.key");
        let text = format!("app = {{ sdkappid = 7, key_file = '{}' }}\ndata.dir = '{}'", key.display(), data.display());
        let config = load(&text, &[]).unwrap();
        assert_eq!(config.first_start().unwrap(), std::slice::from_ref(&key));
        std::fs::create_dir(data.join(left)).unwrap();
        assert_eq!(config.first_start().unwrap(), Vec::<PathBuf>::new());

        std::fs::remove_dir_all(&volume).unwrap();
        let error = config.first_start().unwrap_err().to_string();
        assert!(error.contains("app.key is gone; put it back"), "{left}: {error}");
        assert!(!key.exists());
        std::fs::create_dir(&volume).unwrap();
        std::fs::write(&key, "the operator's own").unwrap();
        assert_eq!(config.first_start().unwrap(), Vec::<PathBuf>::new());
    }
}

/// The number signs, too, so it is not made up again beside the log of an app that had another one.
#[test]
fn a_number_that_is_gone_is_not_made_up_anew_where_a_server_has_been() {
    let home = tempfile::tempdir().unwrap();
    let text = format!("data.dir = '{}'", home.path().join("data").display());
    let config = load(&text, &[]).unwrap();
    assert_eq!(config.first_start().unwrap().len(), 2);
    std::fs::create_dir(home.path().join("data/log")).unwrap();
    std::fs::remove_file(home.path().join("data/app.toml")).unwrap();
    let error = config.first_start().unwrap_err().to_string();
    assert!(error.contains("app.sdkappid: ") && error.contains("app.toml is gone; put it back"), "{error}");
    assert!(!home.path().join("data/app.toml").exists());
    assert_eq!(load(&format!("app.sdkappid = 7\n{text}"), &[]).unwrap().first_start().unwrap(), Vec::<PathBuf>::new());
}

/// Of several servers that start at once one makes the number, and the others have to know it.
#[test]
fn who_comes_late_at_the_first_start_finds_what_the_other_made() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data").display().to_string();
    let layers = Layers { flags: vec![("--data", "data.dir", dir)], ..Layers::default() };
    let [first, late] = [(); 2].map(|()| Config::load(&layers).unwrap());
    assert_eq!(first.first_start().unwrap().len(), 2);
    std::fs::create_dir(home.path().join("data/log")).unwrap();
    assert_eq!(late.first_start().unwrap(), Vec::<PathBuf>::new());
    Config::load(&layers).unwrap().app_identity().unwrap();
}

#[test]
fn an_app_file_without_a_number_is_named_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("app.toml");
    let layers = Layers { flags: vec![("--data", "data.dir", home.path().display().to_string())], ..Layers::default() };
    let config = Config::load(&layers).unwrap();
    config.first_start().unwrap();
    std::fs::write(&file, "").unwrap();
    let empty = Config::load(&layers).unwrap().app_identity().map(drop).unwrap_err();
    std::fs::write(&file, "# Made at the first start\n[app]\nsdkap").unwrap();
    let cut = Config::load(&layers).map(drop).unwrap_err();
    for error in [empty, cut] {
        let said = error.to_string();
        assert!(said.starts_with(file.to_str().unwrap()) && said.contains("set the number that it held"), "{said}");
    }
}

#[test]
fn a_server_that_listens_everywhere_is_reached_at_home() {
    assert_eq!(load("[server]\nlisten = '0.0.0.0:81'", &[]).unwrap().base_url(), "http://127.0.0.1:81");
    assert_eq!(load("[server]\npublic_url = 'https://im.example/'", &[]).unwrap().base_url(), "https://im.example");
}
