//! Rules of the house that no compiler knows, read off the sources.
//!
//! Comments and the contents of strings are blanked out before words are looked for, so that prose may
//! name what code must not use.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the workspace; its path is relative to the root, with `/`.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == "rs")
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// The code of the program itself, without comments, strings and unit tests.
    fn program(&self) -> String {
        let code = code_of(&self.text);
        match code.find("#[cfg(test)]\nmod ") {
            Some(tests) => code[..tests].to_owned(),
            None => code,
        }
    }

    /// The code of tests: all of it, or the unit tests.
    fn tests(&self) -> String {
        let code = code_of(&self.text);
        if self.path.contains("tests/") || self.is_in("examples/") {
            return code;
        }
        let tests = code.find("#[cfg(test)]\nmod ");
        tests.map_or_else(String::new, |tests| code[tests..].to_owned())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file that may be committed.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    assert!(found.len() > 100, "the workspace is read: {}", found.len());
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let skipped = ["target", "node_modules", ".git", "Cargo.lock"].contains(&name.as_str());
        if skipped {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            found.push(Source { path, text });
        }
    }
}

fn rust() -> impl Iterator<Item = Source> {
    sources().into_iter().filter(Source::is_rust)
}

/// The text with comments and the contents of strings blanked out; lines stay where they are.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = token(rest, first);
        code.push_str(kept);
        let lines = rest[..length].matches('\n').count() - kept.matches('\n').count();
        code.extend(std::iter::repeat_n('\n', lines));
        rest = &rest[length..];
    }
    code
}

/// What stays of the token at the start of `rest`, and how long it is.
fn token(rest: &str, first: char) -> (&str, usize) {
    if rest.starts_with("//") {
        return ("", rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return ("", rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.bytes().take_while(|byte| *byte == b'#').count();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", &raw[..hashes]);
            let body = 1 + hashes + 1;
            let length = rest[body..].find(&end);
            return (
                "\"\"",
                length.map_or(rest.len(), |at| body + at + end.len()),
            );
        }
    }
    if first == '"' {
        let mut escaped = false;
        let end = rest[1..].find(|next: char| {
            let ends = next == '"' && !escaped;
            escaped = next == '\\' && !escaped;
            ends
        });
        return ("\"\"", end.map_or(rest.len(), |at| at + 2));
    }
    for quote in ["'\"'", "'\\\"'", "'\\''"] {
        if rest.starts_with(quote) {
            return ("' '", quote.len());
        }
    }
    if first.is_alphanumeric() || first == '_' {
        let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_');
        let end = end.unwrap_or(rest.len());
        return (&rest[..end], end);
    }
    (&rest[..first.len_utf8()], first.len_utf8())
}

/// Whether `code` has `word`, not as a part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    let part_of_word = |next: char| next.is_alphanumeric() || next == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word)
    })
}

/// Fails with all offences at once.
fn report(rule: &str, offences: &[String]) {
    let mut text = String::new();
    for offence in offences {
        let _ = write!(text, "\n  {offence}");
    }
    assert!(offences.is_empty(), "{rule}:{text}");
}

/// None of `sources` has any of `words`, as `part` reads them.
fn forbid(
    rule: &str,
    words: &[&str],
    sources: impl Iterator<Item = Source>,
    part: impl Fn(&Source) -> String,
) {
    let mut offences = Vec::new();
    let mut read = 0;
    for source in sources {
        read += 1;
        let code = part(&source);
        for word in words.iter().filter(|word| has_word(&code, word)) {
            offences.push(format!("{} has `{word}`", source.path));
        }
    }
    assert!(read > 0, "{rule}: no file was read");
    report(rule, &offences);
}

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
fn only_the_driver_owns_an_engine() {
    let words = ["Engine::new", "Engine::restore"];
    let others = rust().filter(|it| {
        it.is_in("qstash-mock-server/src/")
            && !it.is_in("qstash-mock-server/src/engine/")
            && !it.is_in("qstash-mock-server/src/driver/")
            // Makes it, and hands it to the driver at once.
            && it.path != "qstash-mock-server/src/server/start.rs"
    });
    forbid("an engine has one owner", &words, others, Source::program);
}

#[test]
fn only_the_state_changes_what_it_holds() {
    // The compiler does the rest: what is private to `state.rs` is changed there.
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
                // An index; entities and the note of what changed stay private.
                .filter(|field| !field.contains(" timers:"))
                .map(|field| format!("{}: {field}", source.path)),
        );
    }
    assert!(found, "the state is where this test looks for it");
    report("the fields of the state are private", &public);
}

#[test]
fn delivery_knows_no_queues() {
    let words = ["Queue", "QueueId", "Engine", "EngineState", "Driver"];
    let delivery = rust().filter(|it| it.is_in("qstash-mock-server/src/delivery/"));
    forbid("delivery sends attempts", &words, delivery, Source::program);
}

#[test]
fn dialects_do_not_know_each_other() {
    for owner in ["qstash-mock-server/src/api", "qstash-client/src"] {
        for (carried, other) in [("v1", "v2"), ("v2", "v1")] {
            let folder = format!("{owner}/{carried}/");
            let dialect = rust().filter(|it| it.is_in(&folder)).collect::<Vec<_>>();
            if !dialect.is_empty() {
                forbid(&folder, &[other], dialect.into_iter(), Source::program);
            }
        }
    }
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
