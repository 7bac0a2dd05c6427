//! Reads the sources of the workspace: what is code in them, and which words it has.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the workspace; its path is relative to the root, with `/`.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == "rs")
    }

    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// The code of the program itself, without comments, strings and unit tests.
    pub(super) fn program(&self) -> String {
        let code = code_of(&self.text);
        if self.path.ends_with("/tests.rs") {
            return String::new();
        }
        match unit_tests(&code) {
            Some(tests) => code[..tests].to_owned(),
            None => code,
        }
    }

    /// The code of tests: all of it, or the unit tests.
    pub(super) fn tests(&self) -> String {
        let code = code_of(&self.text);
        let tests_only = self.path.contains("tests/") || self.path.ends_with("/tests.rs");
        if tests_only || self.is_in("examples/") {
            return code;
        }
        unit_tests(&code).map_or_else(String::new, |tests| code[tests..].to_owned())
    }
}

/// Where the unit tests begin, if they stand in the same file. `mod tests;` names another one.
fn unit_tests(code: &str) -> Option<usize> {
    let marker = "#[cfg(test)]\n";
    code.match_indices(marker).map(|(at, _)| at).find(|at| {
        let line = code[at + marker.len()..].lines().next().unwrap_or_default();
        let module = line.trim_start_matches("pub(super) ").starts_with("mod ");
        module && line.ends_with('{')
    })
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file that may be committed.
pub(super) fn sources() -> Vec<Source> {
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

pub(super) fn rust() -> impl Iterator<Item = Source> {
    sources().into_iter().filter(Source::is_rust)
}

/// The text with comments and the contents of strings blanked out; lines stay where they are.
pub(super) fn code_of(text: &str) -> String {
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

/// Where `code` has `word`, not as a part of a longer one.
pub(super) fn words_at<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |next: char| next.is_alphanumeric() || next == '_';
    let found = code.match_indices(word).map(|(at, _)| at);
    found.filter(move |at| {
        !code[..*at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word)
    })
}

pub(super) fn has_word(code: &str, word: &str) -> bool {
    words_at(code, word).next().is_some()
}

/// Fails with all offences at once.
pub(super) fn report(rule: &str, offences: &[String]) {
    let mut text = String::new();
    for offence in offences {
        let _ = write!(text, "\n  {offence}");
    }
    assert!(offences.is_empty(), "{rule}:{text}");
}

/// None of `sources` has any of `words`, as `part` reads them.
pub(super) fn forbid(
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
