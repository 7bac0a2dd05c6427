//! Whether the URL that was signed is the one that was called.

use std::fmt;
use std::sync::Arc;

use crate::spelling::{Url, can_follow_origin, is_illegal, is_one_query, split_target, whole};
use crate::{ConfigError, RequestHead};

type Hook = dyn Fn(&RequestHead<'_>) -> Option<String> + Send + Sync;

/// The URL that a token must be for. Which spellings are one URL is decided in `spelling.rs`.
#[derive(Clone)]
pub(crate) enum UrlRule {
    /// The URL is one of these.
    Exactly(Vec<String>),
    /// The URL is one of these origins, followed by the request's path and query.
    Under(Vec<Origin>),
    /// The URL is what this function says of the request.
    ByRequest(Arc<Hook>),
    /// Any URL will do: a request for one route is accepted on every other.
    Any,
}

/// Scheme, host, port and perhaps a path, without trailing slash.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    text: String,
    path_at: usize,
}

impl UrlRule {
    pub(crate) fn exactly(url: &str) -> Result<Self, ConfigError> {
        let url = without_user(url).ok_or(ConfigError::Url {
            field: "expected_url",
            expected: "an absolute http or https URL; a host that is not ASCII in its form xn--…",
        })?;
        Ok(Self::Exactly(vec![url]))
    }

    pub(crate) fn under(origin: &str) -> Result<Self, ConfigError> {
        let wrong = ConfigError::Url {
            field: "public_origin",
            expected: "an http or https URL such as https://shop.example, without query and fragment",
        };
        let text = without_user(origin).filter(|it| !it.contains('?') && !origin.contains('#'));
        let Some(mut text) = text else {
            return Err(wrong);
        };
        let path = Url::split(&text).map_or(0, |url| url.path.len());
        let path_at = text.len() - path;
        if text.ends_with('/') {
            text.pop();
        }
        Ok(Self::Under(vec![Origin { text, path_at }]))
    }

    pub(crate) fn by_request(
        url: impl Fn(&RequestHead<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::ByRequest(Arc::new(url))
    }

    /// Adds what `other` accepts, if the two are rules of the same kind, of which there may be many.
    pub(crate) fn or(self, other: Self) -> Result<Self, ConfigError> {
        match (self, other) {
            (Self::Exactly(mut urls), Self::Exactly(more)) => {
                urls.extend(more);
                Ok(Self::Exactly(urls))
            }
            (Self::Under(mut origins), Self::Under(more)) => {
                origins.extend(more);
                Ok(Self::Under(origins))
            }
            _ => Err(ConfigError::ManyUrls),
        }
    }

    /// Checks the URL that a token was signed for.
    ///
    /// # Errors
    /// What `signed` is and what it should have been.
    pub(crate) fn check(&self, signed: &str, head: &RequestHead<'_>) -> Result<(), Mismatch> {
        match self {
            Self::Any => Ok(()),
            Self::Exactly(urls) if urls.iter().any(|url| is_one(url, signed)) => Ok(()),
            Self::Exactly(urls) => Err(Mismatch::new(signed, urls.iter().cloned())),
            Self::ByRequest(url) => match url(head) {
                Some(url) if is_one(&url, signed) => Ok(()),
                url => Err(Mismatch::new(signed, url.into_iter())),
            },
            Self::Under(origins) => {
                let Some(target) = head.target else {
                    return Err(Mismatch::new(signed, std::iter::empty()));
                };
                if !can_follow_origin(target) {
                    return Err(Mismatch::no_path(signed, target));
                }
                if origins.iter().any(|origin| origin.has(signed, target)) {
                    return Ok(());
                }
                let urls = origins.iter().map(|it| format!("{}{target}", it.text));
                Err(Mismatch::new(signed, urls))
            }
        }
    }
}

impl Origin {
    /// Whether `signed` is this origin followed by `target`.
    fn has(&self, signed: &str, target: &str) -> bool {
        // The usual case, before the two are looked at more closely.
        let rest = signed.strip_prefix(self.text.as_str());
        if rest == Some(target) && target.starts_with('/') {
            return true;
        }
        let (origin, prefix) = self.text.split_at(self.path_at);
        let (Some(ours), Some(theirs)) = (Url::split(origin), Url::split(signed)) else {
            return false;
        };
        theirs.has_origin_of(&ours) && theirs.is_below(prefix, target)
    }
}

/// Whether the two texts are one URL.
fn is_one(ours: &str, signed: &str) -> bool {
    ours == signed
        || match (Url::split(ours), Url::split(signed)) {
            (Some(ours), Some(signed)) => ours.is(&signed),
            _ => false,
        }
}

/// Returns the URL without user, password and fragment, or `None` if it is no URL that a sender could call.
fn without_user(url: &str) -> Option<String> {
    let odd = |it: char| it.is_control() || it.is_whitespace();
    if url.contains(char::is_control) || url.starts_with(odd) || url.ends_with(odd) {
        return None;
    }
    let it = Url::split(url)?;
    let query = if it.query.is_empty() { "" } else { "?" };
    let (host, port) = (it.host, it.port);
    Some(format!(
        "{}://{host}{port}{}{query}{}",
        it.scheme, it.path, it.query
    ))
}

/// Two URLs that are not one, as an error may show them. The two texts always differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) signed: String,
    /// `None` if nobody knows the URL of the request.
    pub(crate) expected: Option<String>,
}

/// As many characters of a URL are shown.
const SHOWN: usize = 500;

impl Mismatch {
    /// For a target that cannot stand behind an origin, so that no URL is made of the two.
    fn no_path(signed: &str, target: &str) -> Self {
        let path = cut(&ascii(split_target(target).0), 0);
        Self {
            signed: cut(&show(signed, false), 0),
            expected: Some(format!(
                "a request for `{path}`, which is no path: a path begins with `/`"
            )),
        }
    }

    fn new(signed: &str, expected: impl Iterator<Item = String>) -> Self {
        let expected: Vec<_> = expected.collect();
        let theirs = Url::split(signed);
        let near = |ours: &&String| {
            let (ours, theirs) = (Url::split(ours), theirs.as_ref());
            ours.zip(theirs)
                .is_some_and(|(ours, it)| it.host.eq_ignore_ascii_case(ours.host))
        };
        let nearest = expected.iter().find(near).or_else(|| expected.first());
        let Some(nearest) = nearest else {
            let signed = cut(&show(signed, false), 0);
            return Self {
                signed,
                expected: None,
            };
        };
        // A query may be a secret. It is shown where it is what differs.
        let with_query = !is_one_query(split_target(signed).1, split_target(nearest).1);
        let (signed, nearest) = (show(signed, with_query), show(nearest, with_query));
        let differs = signed.bytes().zip(nearest.bytes());
        let differs = differs.take_while(|(one, other)| one == other).count();
        let mut shown = cut(&nearest, differs);
        match expected.len() {
            1 => {}
            many => shown.push_str(&format!(" (the nearest of {many})")),
        }
        Self {
            signed: cut(&signed, differs),
            expected: Some(shown),
        }
    }
}

/// Shows a URL in ASCII, without user, password and fragment.
fn show(url: &str, with_query: bool) -> String {
    let (mut shown, query) = match Url::split(url) {
        Some(url) => {
            let origin = format!("{}://{}{}", url.scheme, url.host, url.port);
            (origin + &ascii(whole(url.path)), url.query)
        }
        None => show_no_url(url),
    };
    if !query.is_empty() {
        shown.push('?');
        shown.push_str(&if with_query {
            ascii(query)
        } else {
            "…".to_owned()
        });
    }
    if shown.is_empty() {
        "no URL".to_owned()
    } else {
        shown
    }
}

/// Shows a text that is no URL up to its query, and returns the query. Nobody knows where the text has its host, so
/// everything before its last `@` may be a password.
fn show_no_url(text: &str) -> (String, &str) {
    let word = |it: &str| it.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let scheme = text.find("://").filter(|&end| word(&text[..end]));
    let (scheme, rest) = text.split_at(scheme.map_or(0, |end| end + 3));
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    let (path, query) = split_target(rest);
    (format!("{scheme}{user}{}", ascii(path)), query)
}

/// Escapes what cannot stand in a URL, so that letters that look alike are told apart and a log keeps its lines.
fn ascii(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_illegal(byte) {
            shown.push_str(&format!("%{byte:02X}"));
        } else {
            shown.push(char::from(byte));
        }
    }
    shown
}

/// Cuts a long text to what stands around the place `at`.
fn cut(text: &str, at: usize) -> String {
    let count = text.chars().count();
    if count <= SHOWN {
        return text.to_owned();
    }
    let from = if at < SHOWN { 0 } else { at - SHOWN / 2 };
    let start = if from == 0 { "" } else { "…" };
    let end = if count > from + SHOWN { "…" } else { "" };
    let part: String = text.chars().skip(from).take(SHOWN).collect();
    format!("{start}{part}{end}")
}

impl fmt::Debug for UrlRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(urls) => {
                let shown: Vec<_> = urls.iter().map(|url| show(url, false)).collect();
                f.debug_tuple("Exactly").field(&shown).finish()
            }
            Self::Under(origins) => f.debug_tuple("Under").field(origins).finish(),
            Self::ByRequest(_) => f.write_str("ByRequest(..)"),
            Self::Any => f.write_str("Any"),
        }
    }
}
