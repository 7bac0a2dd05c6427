//! The order of the engine's folders: each knows only itself, those beside it and those that stand earlier in the list.

use super::paths::{files_in, paths_after, report_circles};
use super::source::report;

/// The engine's folders and files, from the bottom up. Those of one line may know each other.
const LAYERS: &[&[&str]] = &[
    &["quota"],
    &["syntax", "model", "error"],
    &["access", "config"],
    &["command", "reply", "effect"],
    &["state"],
    &["inputs"],
    &["publish"],
    &["deliver"],
    &["pull"],
    &["manage"],
    &["restore", "invariants"],
];

const FOLDER: &str = "qstash-mock-server/src/engine/";

#[test]
fn no_files_of_the_engine_know_each_other_in_a_circle() {
    // Those of the state are one module in several files: its fields are private to them all.
    let mut files = files_in(FOLDER, &["mod.rs"]);
    files.retain(|place, _| !place.starts_with("state/"));
    report_circles("the engine", &files, "crate::engine::");
}

#[test]
fn no_folder_of_the_engine_knows_one_that_stands_later() {
    let layer_of = |name: &str| LAYERS.iter().position(|it| it.contains(&name));
    let mut offences = Vec::new();
    for (place, source) in files_in(FOLDER, &["mod.rs"]) {
        let own = place.split(['/', '.']).next().unwrap_or_default();
        let Some(layer) = layer_of(own) else {
            offences.push(format!("`{own}` stands in no layer"));
            continue;
        };
        for path in paths_after(&source.program(), "crate::engine::") {
            let name = path.split('/').next().unwrap_or_default();
            // Names that stand for what `mod.rs` exports, such as `crate::engine::Engine`, hide where they live.
            if layer_of(name).is_none_or(|it| it > layer) {
                offences.push(format!("{place} names `crate::engine::{path}`"));
            }
        }
    }
    report("a folder of the engine knows earlier ones", &offences);
}
