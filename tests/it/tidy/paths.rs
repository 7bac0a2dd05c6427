//! Which files know which: read off the paths in their code.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, report, rust};

/// The files below a folder by their place in it, without some that know all others and that none may know.
pub(super) fn files_in(folder: &str, without: &[&str]) -> BTreeMap<String, Source> {
    let files = rust().filter_map(|source| {
        let place = source.path.strip_prefix(folder)?.to_owned();
        (!without.contains(&place.as_str())).then_some((place, source))
    });
    files.collect()
}

/// What `code` names after `root`, such as `crate::`; one path for each name of a group.
pub(super) fn paths_after(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        let part_of_word = |next: char| next.is_alphanumeric() || next == '_';
        if !code[..at].ends_with(part_of_word) {
            read_path(&code[at + root.len()..], "", &mut found);
        }
    }
    found
}

/// Reads the path or the group of paths at the start of `code`; returns what comes after it.
fn read_path<'a>(code: &'a str, before: &str, found: &mut Vec<String>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut group) = code.strip_prefix('{') {
        loop {
            group = group.trim_start_matches([',', ' ', '\n']);
            match group.strip_prefix('}') {
                Some(rest) => return rest,
                None if group.is_empty() => return group,
                None => group = read_path(group, before, found),
            }
        }
    }
    let end = code.find(|next: char| !next.is_alphanumeric() && !"_*".contains(next));
    let (name, rest) = code.split_at(end.unwrap_or(code.len()));
    let path = format!("{before}{name}");
    match rest.strip_prefix("::") {
        Some(rest) => read_path(rest, &format!("{path}/"), found),
        None => {
            found.push(path);
            // An `as` and its name; what no path ends with ends the group.
            rest.trim_start_matches(|next| !",}".contains(next))
        }
    }
}

/// The place that `code` of a file means by `super::`.
fn folder_of(place: &str) -> &str {
    place.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What each file names of the others; `root` is how a path to one of them begins.
fn known_files(files: &BTreeMap<String, Source>, root: &str) -> BTreeMap<String, BTreeSet<String>> {
    let file_of = |path: &str| {
        let mut ends: Vec<_> = path.match_indices('/').map(|(at, _)| at).collect();
        ends.push(path.len());
        let modules = ends.into_iter().rev().map(|end| &path[..end]);
        let mut names = modules.flat_map(|it| [format!("{it}.rs"), format!("{it}/mod.rs")]);
        names.find(|name| files.contains_key(name))
    };
    let under = |folder: &str, path: String| match folder {
        "" => path,
        folder => format!("{folder}/{path}"),
    };
    let mut known = BTreeMap::new();
    for (place, source) in files {
        let folder = folder_of(place);
        let code = source.program();
        let own = paths_after(&code, "self::").into_iter();
        let beside = paths_after(&code, "super::").into_iter();
        let near = own.chain(beside).map(|path| under(folder, path));
        let paths = paths_after(&code, root).into_iter().chain(near);
        let others = paths.filter_map(|path| file_of(&path));
        let others = others.filter(|it| it != place);
        known.insert(place.clone(), others.collect::<BTreeSet<_>>());
    }
    known
}

/// Fails if files know each other in a circle.
pub(super) fn report_circles(what: &str, files: &BTreeMap<String, Source>, root: &str) {
    let mut known = known_files(files, root);
    let arrows: usize = known.values().map(BTreeSet::len).sum();
    assert!(arrows > files.len(), "the paths lead to files: {arrows}");
    // Files that know no other that is left, or that no other knows, are in no circle.
    loop {
        let knows = |it: &BTreeSet<String>| it.iter().any(|other| known.contains_key(other));
        let is_known = |place: &String| known.values().any(|others| others.contains(place));
        let mut left = known.iter();
        let free = left.find(|(place, it)| !knows(it) || !is_known(place));
        let Some(place) = free.map(|(place, _)| place.clone()) else {
            break;
        };
        known.remove(&place);
    }
    let circle: Vec<_> = known
        .iter()
        .map(|(place, others)| {
            let others: Vec<_> = others.iter().filter(|it| known.contains_key(*it)).collect();
            format!("{place} knows {others:?}")
        })
        .collect();
    report(
        &format!("files of {what} know each other in a circle"),
        &circle,
    );
}

#[test]
fn paths_are_read_one_by_one_and_from_groups() {
    let code =
        "use crate::{a::{B, c::*}, d as e};\nf(crate::g::h(1), $crate::I { j }, mycrate::k);";
    let paths = paths_after(code, "crate::");
    assert_eq!(paths, ["a/B", "a/c/*", "d", "g/h", "I"]);
}
