//! Who may know whom.

use super::source::{Source, forbid, has_word, report, rust, words_at};

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
fn delivery_knows_no_queues() {
    let words = ["Queue", "QueueId", "Engine", "EngineState", "Driver"];
    let delivery = rust().filter(|it| it.is_in("qstash-mock-server/src/delivery/"));
    forbid("delivery sends attempts", &words, delivery, Source::program);
}

/// The folders of the server, and what each must not know: nothing that stands above it.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "engine",
        &[
            "storage",
            "instruments",
            "delivery",
            "driver",
            "api",
            "dashboard",
            "testing",
            "server",
            "program",
        ],
    ),
    (
        "storage",
        &[
            "instruments",
            "delivery",
            "driver",
            "api",
            "dashboard",
            "testing",
            "server",
            "program",
        ],
    ),
    (
        "instruments",
        &[
            "storage",
            "delivery",
            "driver",
            "api",
            "dashboard",
            "testing",
            "server",
            "program",
        ],
    ),
    (
        "delivery",
        &[
            "storage",
            "driver",
            "api",
            "dashboard",
            "testing",
            "server",
            "program",
        ],
    ),
    (
        "driver",
        &["api", "dashboard", "testing", "server", "program"],
    ),
    ("api", &["server", "program"]),
    ("testing", &["server", "program"]),
    ("server", &["program"]),
];

/// Whether `code` names a module of the crate: in a path, or anywhere in a `use` of the crate's own. Other crates may
/// have modules of these names.
fn names_module(code: &str, module: &str) -> bool {
    let starts_path = |at: usize| {
        let (before, after) = (&code[..at], &code[at + module.len()..]);
        let relative = ["crate::", "super::", "self::"];
        let begins = after.starts_with("::") && !before.ends_with("::");
        begins || relative.iter().any(|it| before.ends_with(it))
    };
    let imports = words_at(code, "use").map(|at| code[at..].split(';').next().unwrap_or_default());
    let own = ["use crate", "use super", "use self"];
    let imports = imports.filter(|it| own.iter().any(|own| it.starts_with(own)));
    words_at(code, module).any(starts_path) || imports.into_iter().any(|it| has_word(it, module))
}

#[test]
fn no_part_of_the_server_knows_what_stands_above_it() {
    let mut offences = Vec::new();
    for (folder, above) in ARROWS {
        let folder = format!("qstash-mock-server/src/{folder}/");
        let mut read = 0;
        for source in rust().filter(|it| it.is_in(&folder)) {
            read += 1;
            let code = source.program();
            let known = above.iter().filter(|module| names_module(&code, module));
            offences.extend(known.map(|module| format!("{} knows `{module}`", source.path)));
        }
        assert!(read > 0, "{folder} is where this test looks for it");
    }
    report("arrows point down", &offences);
}

#[test]
fn a_module_is_found_in_paths_and_in_imports() {
    for known in [
        "use crate::testing::Fault;",
        "use crate::{engine::Attempt, testing};",
        "use crate::{\n    testing::{Fault, Seed},\n};",
        "fn a() { super::super::testing::go() }",
    ] {
        assert!(names_module(known, "testing"), "{known}");
    }
    for unknown in [
        "struct A { testing: bool }",
        "use crate::my_testing::Fault;",
        "let testing = 1; use crate::engine::Attempt;",
    ] {
        assert!(!names_module(unknown, "testing"), "{unknown}");
    }
}

/// Whether some name in `code` has `part` as one of its words: `v2` stands in `v2_message_id` and in `V2Json`.
fn has_part(code: &str, part: &str) -> bool {
    let names = code.split(|next: char| !next.is_alphanumeric() && next != '_');
    names.into_iter().any(|name| {
        let mut words = vec![String::new()];
        for next in name.chars() {
            if next == '_' || next.is_uppercase() {
                words.push(String::new());
            }
            if next != '_'
                && let Some(word) = words.last_mut()
            {
                word.extend(next.to_lowercase());
            }
        }
        words.iter().any(|word| word == part)
    })
}

#[test]
fn a_name_is_taken_apart_into_words() {
    for name in ["v2", "v2_message_id", "V2Json", "V2_LABELS", "of_v2"] {
        assert!(has_part(name, "v2"), "{name}");
    }
    for name in ["v22", "rev2", "av2_x"] {
        assert!(!has_part(name, "v2"), "{name}");
    }
}

#[test]
fn dialects_do_not_know_each_other() {
    // What only the other dialect has; a name with `v1` or `v2` in it is that dialect's, too.
    let of_v1 = [
        "QueueRules",
        "QueueEnvelope",
        "LeaseId",
        "lease_id",
        "Received",
    ];
    let of_v2 = [
        "carried",
        "CarriedRules",
        "CarriedEnvelope",
        "Redaction",
        "redaction",
        "redacted",
        "UrlGroup",
        "Dlq",
    ];
    let mut offences = Vec::new();
    for owner in ["qstash-mock-server/src/api", "qstash-client/src"] {
        for (dialect, other, words) in [("v1", "v2", &of_v2[..]), ("v2", "v1", &of_v1)] {
            let folder = format!("{owner}/{dialect}/");
            let mut read = 0;
            for source in rust().filter(|it| it.is_in(&folder)) {
                read += 1;
                let code = source.program();
                let words = words.iter().filter(|word| has_word(&code, word));
                offences.extend(words.map(|word| format!("{} has `{word}`", source.path)));
                if has_part(&code, other) {
                    offences.push(format!("{} names `{other}`", source.path));
                }
            }
            assert!(read > 0, "{folder} is where this test looks for it");
        }
    }
    report("a dialect is complete without the other", &offences);
}
