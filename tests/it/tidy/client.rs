//! The order of the client's modules: each knows those below it, and none goes round in a circle.

use std::collections::BTreeMap;

use super::paths::{files_in, paths_after, report_circles};
use super::source::{Source, forbid, has_word, report, rust};

/// The modules of the client's crate, from the bottom up. A module knows those below it and none beside it.
const CLIENT_LAYERS: [&[&str]; 10] = [
    &["timing"],
    &["rate_limit", "cause"],
    &["error"],
    &["types", "base_url"],
    &["endpoint"],
    &["transport"],
    &["env"],
    &["client"],
    &["builder", "call"],
    &["v1", "v2"],
];

/// The client's files by the place in `qstash-client/src`, without `lib.rs`, which knows all modules and which
/// none may know.
fn client_files() -> BTreeMap<String, Source> {
    files_in("qstash-client/src/", &["lib.rs"])
}

#[test]
fn no_module_of_the_client_knows_one_above_it() {
    let layer_of = |module: &str| CLIENT_LAYERS.iter().position(|it| it.contains(&module));
    let mut offences = Vec::new();
    for (place, source) in client_files() {
        let own = place.split(['/', '.']).next().unwrap_or_default();
        let Some(layer) = layer_of(own) else {
            offences.push(format!("`{own}` stands in no layer"));
            continue;
        };
        let code = source.program();
        if code.contains("super::") {
            offences.push(format!(
                "{place} has `super::`; name the module from `crate::` on"
            ));
        }
        for path in paths_after(&code, "crate::") {
            let module = path.split('/').next().unwrap_or_default();
            if module != own && layer_of(module).is_none_or(|it| it >= layer) {
                offences.push(format!("{place} names `crate::{module}`"));
            }
        }
        if layer + 1 < CLIENT_LAYERS.len() {
            // Also where no path shows it, such as `client.v1()`.
            let dialects = ["v1", "v2"].into_iter().filter(|it| has_word(&code, it));
            offences.extend(dialects.map(|it| format!("{place} has `{it}`")));
        }
    }
    report("a module of the client knows only lower ones", &offences);
}

#[test]
fn no_files_of_the_client_know_each_other_in_a_circle() {
    report_circles("the client", &client_files(), "crate::");
}

#[test]
fn every_operation_of_v2_reads_which_limit_a_429_tells() {
    let files = rust().filter(|it| {
        it.is_in("qstash-client/src/v2/") && it.path != "qstash-client/src/v2/operation.rs"
    });
    let words = ["Operation::new"];
    forbid("v2 has `operation::new`", &words, files, Source::program);
}
