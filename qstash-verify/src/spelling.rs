//! Which spellings are one URL.
//!
//! Between the publisher and the service a URL is parsed and written again: by the sender, by gateways, by frameworks.
//! What a URL means is decided here and nowhere else, so that `public_origin`, `expected_url` and `expected_url_by`
//! agree. The table is in the crate's documentation, under *Which URLs are one*.

/// A URL taken apart. User, password and fragment are gone: no request carries them in its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    /// The port as it is written, with its colon; empty if there is none.
    pub(crate) port: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> Url<'a> {
    /// Returns `None` if the text is no absolute `http` or `https` URL.
    pub(crate) fn split(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !["http", "https"]
            .iter()
            .any(|it| scheme.eq_ignore_ascii_case(it))
        {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        // Some parsers take a backslash for a slash: then another part is the host.
        if authority.contains('\\') {
            return None;
        }
        let address = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
        let host_end = match address.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => address.find(':').unwrap_or(address.len()),
        };
        let (host, port) = address.split_at(host_end);
        let (path, query) = split_target(rest);
        let url = Self {
            scheme,
            host,
            port,
            path,
            query,
        };
        (!host.is_empty() && host.bytes().all(is_of_host) && url.port_number().is_some())
            .then_some(url)
    }

    fn is_https(&self) -> bool {
        self.scheme.len() == 5
    }

    fn port_number(&self) -> Option<u16> {
        match self.port.strip_prefix(':') {
            _ if matches!(self.port, "" | ":") => Some(if self.is_https() { 443 } else { 80 }),
            Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Whether scheme, host and port are the same.
    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        self.is_https() == other.is_https()
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port_number() == other.port_number()
    }

    /// Whether the two are one URL.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.has_origin_of(other)
            && same(&[whole(self.path)], &[whole(other.path)], Part::Path)
            && is_one_query(self.query, other.query)
    }

    /// Whether this URL has the path and query that `target` has below `prefix`, a path without trailing slash.
    pub(crate) fn is_below(&self, prefix: &str, target: &str) -> bool {
        let (path, query) = split_target(target);
        // A proxy that cuts `/api` off asks for `/`, whether it was asked for `/api` or for `/api/`.
        let is_root = path == "/" && same(&[whole(self.path)], &[whole(prefix)], Part::Path);
        let is_path = is_root || same(&[whole(self.path)], &[prefix, path], Part::Path);
        is_path && is_one_query(self.query, query)
    }
}

/// Whether the two texts are one query.
pub(crate) fn is_one_query(one: &str, other: &str) -> bool {
    same(&[one], &[other], Part::Query)
}

/// Whether the target can stand behind an origin. Any other text would become part of the origin's host, or of the last
/// segment of its path; some servers pass such a text on as the target.
pub(crate) fn can_follow_origin(target: &str) -> bool {
    target.is_empty() || target.starts_with(['/', '?', '#'])
}

/// Splits a target, or a whole URL, in front of its query; a fragment is cut off.
pub(crate) fn split_target(target: &str) -> (&str, &str) {
    let target = target.split('#').next().unwrap_or(target);
    target.split_once('?').unwrap_or((target, ""))
}

/// The path of `https://host` is `/`.
pub(crate) fn whole(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

/// Whether two texts, given in pieces, spell the same.
fn same(one: &[&str], other: &[&str], part: Part) -> bool {
    let one = one.iter().flat_map(|piece| Spelled::new(piece, part));
    let other = other.iter().flat_map(|piece| Spelled::new(piece, part));
    one.eq(other)
}

/// What a text spells: bytes that stand for themselves, and bytes that are escaped.
struct Spelled<'a> {
    rest: &'a [u8],
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Itself(u8),
    Escaped(u8),
}

impl<'a> Spelled<'a> {
    fn new(text: &'a str, part: Part) -> Self {
        let rest = text.as_bytes();
        Self { rest, part }
    }
}

impl Iterator for Spelled<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if byte == b'%'
            && let [high, low, rest @ ..] = rest
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            self.rest = rest;
            let byte = high << 4 | low;
            // RFC 3986 section 2.3: an escape of such a byte means the same as the byte.
            return Some(if is_unreserved(byte) {
                Unit::Itself(byte)
            } else {
                Unit::Escaped(byte)
            });
        }
        Some(if byte == b'+' && self.part == Part::Query {
            Unit::Escaped(b' ')
        } else if is_illegal(byte) {
            Unit::Escaped(byte)
        } else {
            Unit::Itself(byte)
        })
    }
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether the byte cannot stand in a URL, so that whoever sends it has to escape it.
pub(crate) fn is_illegal(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"<>[\\]^`{|}".contains(&byte)
}
