//! Rules of the house that no compiler knows, read off the sources.
//!
//! Comments and the contents of strings are blanked out before words are looked for, so that prose may
//! name what code must not use.

mod arrows;
mod client;
mod engine;
mod paths;
mod source;

use std::fs;

use self::source::{Source, code_of, forbid, has_word, report, root, rust, sources};

#[test]
fn comments_and_strings_are_no_code() {
    let text = "let a = \"tokio \\\" //\"; // tokio\nlet b = r#\"tokio \" \"#; let c = '\"'; /* tokio\n*/ tokio_x";
    let code = code_of(text);
    assert!(!has_word(&code, "tokio"), "{code}");
    assert!(has_word(&code, "tokio_x"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long = rust().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > 600).then(|| format!("{} has {lines}", source.path))
    });
    report(
        "a file has 100 to 350 lines, 600 at most",
        &long.collect::<Vec<_>>(),
    );
}

#[test]
fn nothing_is_left_to_be_done() {
    let words = ["todo!", "unimplemented!", "dbg!"];
    forbid("no such macro", &words, rust(), |it| code_of(&it.text));
}

#[test]
fn the_engine_knows_no_clock_socket_runtime_or_serialization() {
    let words = [
        "tokio",
        "axum",
        "hyper",
        "http",
        "reqwest",
        "serde",
        "serde_json",
        "tracing",
        "getrandom",
        "rand",
        "StatusCode",
        "HeaderMap",
        "SystemTime",
        "Instant",
        "async",
        "await",
        "std::net",
        "std::fs",
        "std::io",
        "std::thread",
        "std::sync::Mutex",
    ];
    let engine = rust().filter(|it| it.is_in("qstash-mock-server/src/engine/"));
    forbid("the engine is pure", &words, engine, Source::program);
}

#[test]
fn the_engine_has_ordered_collections_only() {
    // The order of a hash map differs from run to run; the same seed must make the same decisions.
    let words = ["HashMap", "HashSet"];
    let engine = rust().filter(|it| it.is_in("qstash-mock-server/src/engine/"));
    forbid("the engine repeats itself", &words, engine, Source::program);
}

#[test]
fn only_the_state_changes_what_it_holds() {
    // The compiler does the rest: what is private to `state` is changed there.
    let states = rust().filter(|it| it.is_in("qstash-mock-server/src/engine/state"));
    let mut public = Vec::new();
    let mut found = false;
    for source in states {
        let code = code_of(&source.text);
        let Some(start) = code.find("struct EngineState {") else {
            continue;
        };
        found = true;
        let fields = &code[start..start + code[start..].find("\n}").unwrap()];
        public.extend(
            fields
                .lines()
                .skip(1)
                .map(str::trim)
                .filter(|field| field.starts_with("pub"))
                .map(|field| format!("{}: {field}", source.path)),
        );
    }
    assert!(found, "the state is where this test looks for it");
    report("the fields of the state are private", &public);
}

#[test]
fn client_and_server_share_nothing() {
    for (package, other) in [
        ("qstash-client", "qstash-mock-server"),
        ("qstash-client", "qstash-verify"),
        ("qstash-mock-server", "qstash-client"),
        ("qstash-verify", "qstash-client"),
        ("qstash-verify", "qstash-mock-server"),
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dev-dependencies]").next().unwrap();
        assert!(
            !dependencies.contains(other),
            "{package} depends on {other}"
        );
    }
}

#[test]
fn no_test_sleeps() {
    // The quickstart is a program first, and polls like one.
    let tests = rust().filter(|it| it.path != "examples/quickstart.rs");
    let words = ["sleep(", "sleep_ms("];
    let mut offences = Vec::new();
    for source in tests {
        let code = source.tests();
        for word in words.iter().filter(|word| code.contains(*word)) {
            offences.push(format!("{} has `{word}`", source.path));
        }
    }
    report(
        "a test waits for what it is told, or moves a clock",
        &offences,
    );
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let places = ["home", "root", "Users", "work"].map(|folder| format!("/{folder}/"));
    let mut offences = Vec::new();
    for source in sources() {
        for place in &places {
            // Part of a longer path, such as `docs/work/`, it is no place on a machine.
            let absolute = source.text.match_indices(place).any(|(at, _)| {
                let before = source.text[..at].chars().next_back();
                !before.is_some_and(|it| it.is_alphanumeric() || ".}-_*$".contains(it))
            });
            if absolute {
                offences.push(format!("{} has {place}", source.path));
            }
        }
    }
    report("sources work on every machine", &offences);
}

#[test]
fn lib_files_are_prose_and_re_exports() {
    let libs = rust().filter(|it| {
        ["qstash-client", "qstash-verify", "qstash-mock-server"]
            .iter()
            .any(|package| it.path == format!("{package}/src/lib.rs"))
    });
    forbid(
        "no logic in lib.rs",
        &["fn", "impl", "struct"],
        libs,
        Source::program,
    );
}

#[test]
fn docs_rs_shows_all_features_and_says_what_needs_which() {
    for package in ["qstash-client", "qstash-verify", "qstash-mock-server"] {
        let read = |path: &str| fs::read_to_string(root().join(package).join(path)).unwrap();
        let metadata = "[package.metadata.docs.rs]\nall-features = true\n";
        assert!(read("Cargo.toml").contains(metadata), "{package}");
        let badges = "#![cfg_attr(docsrs, feature(doc_cfg))]";
        assert!(read("src/lib.rs").contains(badges), "{package}");
    }
}

#[test]
fn the_readme_names_exactly_two_set_up_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let start = readme.split("\n## Start\n").nth(1).expect("a section");
    let start = start.split("\n## ").next().unwrap();
    let commands: Vec<_> = start.split("```").skip(1).step_by(2).collect();
    assert_eq!(
        commands,
        [
            "sh\ncargo run --example quickstart\n",
            "sh\ncargo test --workspace\n"
        ]
    );
}

#[test]
fn what_the_workflow_runs_is_what_everybody_can_run() {
    let workflow = fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    assert!(workflow.contains("run: .ci/run"), "{workflow}");
    let run = fs::read_to_string(root().join(".ci/run")).unwrap();
    for command in [
        "QSTASH_CI=1",
        "cargo test --workspace",
        "cargo run --quiet --example quickstart",
        "cargo fmt --all --check",
        "cargo deny",
    ] {
        assert!(run.contains(command), ".ci/run has no `{command}`");
    }
}
