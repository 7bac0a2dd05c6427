//! Where settings come from, and what is refused.

use super::*;

#[test]
fn the_documented_defaults_are_the_defaults() {
    let settings = Settings::default().complete(None).unwrap();
    assert_eq!(settings.port, Some(8080));
    assert_eq!(settings.shutdown().unwrap(), Duration::from_secs(5));
    assert!(settings.server().is_ok());
}

#[test]
fn every_setting_is_documented_in_the_default_file() {
    use clap::Args;
    let flags = Settings::augment_args(clap::Command::new("test"));
    for flag in flags.get_arguments() {
        let key = format!("{} = ", flag.get_id());
        let documented = |line: &str| line.trim_start_matches("# ").starts_with(&key);
        assert!(DEFAULTS.lines().any(documented), "{key}");
    }
}

#[test]
fn every_documented_setting_may_stand_in_a_file() {
    let setting = |line: &&str| {
        let name = line.split_once(" = ").map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
    };
    let lines = DEFAULTS.lines().map(|line| line.trim_start_matches("# "));
    let text: Vec<_> = lines.filter(setting).collect();
    parse(&text.join("\n"), Path::new("all.toml")).unwrap();
}

#[test]
fn a_mistake_in_the_file_is_told_with_file_line_and_key() {
    for (text, expected) in [
        (
            "prot = 1",
            "x.toml, line 1, key `prot`: unknown field `prot`",
        ),
        (
            "seed = 1\nport = \"x\"",
            "x.toml, line 2, key `port`: invalid type",
        ),
        ("port = 70000", "x.toml, line 1, key `port`: invalid value"),
        (
            "[server]\nport = 1",
            "x.toml, line 1: unknown field `server`",
        ),
    ] {
        let error = parse(text, Path::new("x.toml")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn no_error_and_no_debug_shows_a_secret() {
    for text in [
        "token_secret = \"hunter2\" x",
        "token_secret \"hunter2==\"",
        "token_secret = \"\nhunter2\nx",
        "admin_token = [\"hunter2\"]",
        "route = \"https://a:hunter2@b.example=http://c.example\"",
        "port = \"hunter2, expected x\"",
    ] {
        let error = parse(text, Path::new("x.toml")).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for number in ["12345678901234567890", "1234567890123456"] {
        let text = format!("signing_secret = {number}");
        let error = parse(&text, Path::new("x.toml")).unwrap_err();
        assert!(!error.to_string().contains(number), "{error}");
    }
    for route in [
        "https://a:hunter2@b.example=http://c.example",
        "https://b.example=http://a:hunter2@c.example",
        "https://b.example=http://c.example?hunter2",
        "a:hunter2@b.example",
    ] {
        let text = format!("route = [\"https://a.example=http://b.example\", \"{route}\"]");
        let settings = parse(&text, Path::new("x.toml")).unwrap();
        let error = settings.server().unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            told.contains("`route[1]`") && !told.contains("hunter2"),
            "{told}"
        );
    }
    let settings = parse("token_secret = \"hunter2\"", Path::new("")).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn secrets_have_a_shortest_length_and_an_empty_admin_token_is_none() {
    let error = |text: &str| {
        let settings = parse(text, Path::new("x.toml")).unwrap();
        settings.server().err().map(|error| error.to_string())
    };
    for name in ["signing_secret", "token_secret"] {
        let named = error(&format!("{name} = \"fifteen bytes..\"")).unwrap();
        assert!(named.contains(name), "{named}");
        assert_eq!(error(&format!("{name} = \"sixteen bytes ..\"")), None);
    }
    assert!(error("admin_token = \"\"").is_some());
}

#[test]
fn a_flag_beats_the_file() {
    let flags = Settings {
        port: Some(1),
        ..Settings::default()
    };
    let file = Settings {
        port: Some(2),
        seed: Some(3),
        ..Settings::default()
    };
    let both = flags.or(file);
    assert_eq!((both.port, both.seed), (Some(1), Some(3)));
}

#[test]
fn blanks_around_the_commas_of_a_list_are_no_part_of_its_items() {
    use clap::{Args, FromArgMatches};
    let flags = Settings::augment_args(clap::Command::new("test"));
    let given = [
        "test",
        "--cors",
        " http://a.example ,\thttp://b.example",
        "--route",
        "http://a.example=http://127.0.0.1:1, http://b.example=http://127.0.0.1:2 ",
    ];
    let matches = flags.try_get_matches_from(given).unwrap();
    let settings = Settings::from_arg_matches(&matches).unwrap();
    assert_eq!(settings.cors, ["http://a.example", "http://b.example"]);
    assert_eq!(
        settings.route,
        [
            "http://a.example=http://127.0.0.1:1",
            "http://b.example=http://127.0.0.1:2"
        ]
    );
}

#[test]
fn a_file_may_name_the_real_time_limit_as_it_was_named_before() {
    for name in ["real_time_limit_seconds", "patience_seconds"] {
        let settings = parse(&format!("{name} = 2.0"), Path::new("x.toml")).unwrap();
        assert_eq!(settings.real_time_limit_seconds, Some(2.0));
    }
}
